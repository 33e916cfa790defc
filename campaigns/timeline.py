"""Steps in order of time around an appointment. Pure."""

import datetime
from typing import Protocol

HOUR = datetime.timedelta(hours=1)
NONE = datetime.timedelta(0)
BEFORE = frozenset({"at_once", "before_start"})


class Dated(Protocol):
    @property
    def anchor(self) -> str: ...
    @property
    def offset(self) -> datetime.timedelta: ...


def order_of(one: Dated, length: datetime.timedelta = HOUR) -> tuple[int, datetime.timedelta]:
    """What steps are sorted by: at once, then those before the start, then the rest for an appointment of `length`.
    Of equal ones the order they have stays."""
    match one.anchor:
        case "at_once":
            return 0, NONE
        case "before_start":
            return 1, -one.offset
        case "after_start":
            return 2, one.offset
        case _:
            return 2, length + one.offset
