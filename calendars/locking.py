"""Whose an appointment's time and words are: ours to change at Google, or somebody else's. Pure."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Lock(StrEnum):
    """Why no copy of it at Google can be changed from here; empty: one can, or there is none."""

    NONE = ""
    # We are guests: the organiser decides.
    GUEST = "guest"
    # Google itself locks what it makes from an e-mail.
    GOOGLE = "google"
    # Dragged to a conflict calendar, which is only read.
    READ_ONLY = "read only"


# What to do instead, for who would move it.
WHY_FIXED = {
    Lock.NONE: "",
    Lock.GUEST: "We are guests of this meeting: its organiser sets time and place. Ask them to move it.",
    Lock.GOOGLE: "Google has locked this meeting: its time cannot be changed.",
    Lock.READ_ONLY: "Its event lies in a Google calendar that is only read here: move it there.",
}


class Copy(NamedTuple):
    """A living event of an appointment. `is_pushed_to`: it stands in a Google calendar that we write it to."""

    organised_by_us: bool
    is_locked: bool
    is_pushed_to: bool

    @property
    def lock(self) -> Lock:
        if not self.organised_by_us:
            return Lock.GUEST
        if self.is_locked:
            return Lock.GOOGLE
        return Lock.NONE if self.is_pushed_to else Lock.READ_ONLY


def lock_of(copies: Iterable[Copy]) -> Lock:
    """The lock of an appointment with these living `copies`: one that is ours to change is enough."""
    locks = {copy.lock for copy in copies}
    if not locks or Lock.NONE in locks:
        return Lock.NONE
    return next(lock for lock in (Lock.READ_ONLY, Lock.GOOGLE, Lock.GUEST) if lock in locks)
