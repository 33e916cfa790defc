"""The text of an event, and how it travels to an appointment. Pure."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple


class Words(NamedTuple):
    """What is said of an event or an appointment, each field as long as an appointment keeps it."""

    summary: str = ""
    description: str = ""
    location: str = ""
    meeting_url: str = ""

    @property
    def prints(self) -> list[str]:
        """A fingerprint of each field: enough to tell a change by, and it tells nothing else."""
        return [blake2b(text.encode(errors="replace"), digest_size=8).hexdigest() for text in self]


NO_WORDS = Words()
PUT_BACK = "Reworded at Google: what is written here is put back."
WAS_PUT_BACK = "Reworded at Google: what is written here was put back."


def is_reworded(theirs: Words, ours: Words, there: Sequence[str]) -> bool:
    """Whether an event of ours says another summary, description or location than when both last agreed; where nothing
    is known of that (`there` is empty), than the appointment does. What Google made of our words is no change.
    """
    return theirs[:3] != ours[:3] and theirs.prints[:3] != list(there or ours.prints)[:3]


def follow_words(
    theirs: Words, ours: Words, there: Sequence[str], here: Sequence[str], *, made_in_google: bool
) -> Words | None:
    """The words the appointment takes over from its event; None: it keeps its own.

    `there` and `here` are the prints of what stood on either side when both last agreed. Field by field, what changed
    at Google since changes here, unless it was changed here as well. An event of ours tells only the link of its
    meeting, which Google makes; all other text goes the other way.
    """
    if theirs == ours or not there:
        return None
    followed = Words(
        *(
            their if their_print != was_there and our_print == was_here else our
            for their, our, their_print, our_print, was_there, was_here in zip(
                theirs, ours, theirs.prints, ours.prints, there, here, strict=True
            )
        )
    )
    if not made_in_google:
        followed = ours._replace(meeting_url=followed.meeting_url or ours.meeting_url)
    return followed if followed != ours else None
