"""Who is told of a change, and of what. Pure.

Decided from what the person knows: nobody is told of a move of what they were never told of, nor twice of one thing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from campaigns.firing import UNDONE

TOLD = frozenset({"sent", "sending", "unknown"})
UNTOLD = frozenset({"waiting", "void"})
NEVER_TOLD = "The move was undone before they were told of it."
GOOGLES = "What came from Google is Google’s to tell."
NO_NOTICES = "This calendar sends no notices."
CUSTOMERS_ONLY = "This calendar’s notices are for customers’ bookings only."
HAS_BEGUN = "The appointment starts in the past."


class Knows(Enum):
    """What a person knows of the appointment by our notices."""

    # Nobody here told them, nor was about to: they know from a page, a call, or an earlier time, if at all.
    ELSEWHERE = "elsewhere"
    # Their confirmation was overtaken before it left.
    NOTHING = "nothing"
    STANDING = "standing"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Facts:
    """`what`, `origin`, `fires`, `why`: the change's. `of_one`: it concerns this person alone.

    `is_return`: the appointment was void and stands again. `was_new`: nobody had confirmed it before. `booked_it`: the
    person made the appointment themselves, and so saw on a page that it stands. `is_undone`: the move was taken back
    before anybody looked at it. `is_undo`: it takes a move back; then `behind` says in what the person was told
    something else, or was about to be told it: "moved", "confirmed" or "" for nothing.
    """

    what: str
    origin: str
    fires: bool = True
    why: str = ""
    of_one: bool = False
    is_return: bool = False
    was_new: bool = True
    confirms_automatically: bool = False
    knows: Knows = Knows.ELSEWHERE
    booked_it: bool = False
    has_begun: bool = False
    is_undone: bool = False
    is_undo: bool = False
    behind: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A notice of this kind; with `why` it is left out, and those are the words that say so."""

    kind: str
    why: str = ""


def knows(history: Iterable[tuple[str, str]]) -> Knows:
    """From the (kind, state) of every notice to one person of one appointment, oldest first."""
    notices = list(history)
    told = [kind for kind, state in notices if state in TOLD]
    if told:
        return Knows.CANCELLED if told[-1] == "cancelled" else Knows.STANDING
    confirmations = [state for kind, state in notices if kind == "booked"]
    return Knows.NOTHING if confirmations and confirmations[-1] in UNTOLD else Knows.ELSEWHERE


def why_unwanted(setting: str, *, made_by: str, changed_by: str, booked_it: bool) -> str:
    """Why a calendar with this setting does not tell of the change; "" when it does."""
    if made_by == "google":
        return GOOGLES
    if setting == "none":
        return NO_NOTICES
    is_told = setting == "all" or booked_it or "customer" in (made_by, changed_by)
    return "" if is_told else CUSTOMERS_ONLY


def verdict(facts: Facts) -> Verdict | None:
    """What the person is told; None where the change is no news to anybody."""
    kind = _kind(facts)
    if kind is None:
        return None
    return Verdict(kind, _why_silent(facts) or _why_needless(facts))


def _kind(facts: Facts) -> str | None:
    if facts.what == "confirmed" and (
        facts.confirms_automatically or not facts.was_new or facts.origin == "google"
    ):
        return None
    kinds = {"booked": "booked", "rescheduled": "moved", "confirmed": "confirmed", "cancelled": "cancelled"}
    kind = kinds.get(facts.what)
    if kind in ("moved", "confirmed") and facts.knows in (Knows.NOTHING, Knows.CANCELLED):
        return "booked"
    return facts.behind or kind if facts.is_undo else kind


def _why_silent(facts: Facts) -> str:
    """Triggers never fire for a return, an undo nor for a guest taken off, so that their silence says nothing here.

    Whoever declines at Google, or is taken off there, hears it from Google.
    """
    taken_off_here = facts.of_one and facts.what == "cancelled" and facts.origin != "google"
    is_told_anyway = facts.is_return or facts.is_undo or taken_off_here
    if not facts.fires and not is_told_anyway:
        return facts.why or "The change was made silently."
    if facts.is_undone:
        return UNDONE
    return HAS_BEGUN if facts.has_begun else ""


def _why_needless(facts: Facts) -> str:
    if facts.is_return and facts.knows in (Knows.STANDING, Knows.ELSEWHERE):
        return "They had not been told that it was cancelled."
    if facts.is_undo and not facts.behind and facts.knows in (Knows.STANDING, Knows.ELSEWHERE):
        return NEVER_TOLD
    if facts.what != "cancelled":
        return ""
    if facts.knows is Knows.CANCELLED:
        return "They had been told that it is cancelled."
    # Who booked on the page has seen that it stands: they must hear when somebody else cancels it.
    if facts.knows is Knows.NOTHING and not (facts.booked_it and facts.origin != "customer"):
        return "Nothing had been sent."
    return ""
