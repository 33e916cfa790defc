"""Which days a view of the agenda shows, and what stands on each. Pure."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

ONE = datetime.timedelta(days=1)
VIEWS = ("week", "month", "day", "list")


class Spanning(Protocol):
    @property
    def first_day(self) -> datetime.date: ...
    @property
    def last_day(self) -> datetime.date: ...


EntryT = TypeVar("EntryT", bound=Spanning)


@dataclass(frozen=True, slots=True)
class Day(Generic[EntryT]):
    on: datetime.date
    entries: Sequence[EntryT]


def shown(view: str, on: datetime.date) -> tuple[datetime.date, datetime.date]:
    """First day and the day after the last of `view` ("week", "month", "day" or "list") around `on`.

    Weeks begin on Monday; a month is drawn in whole weeks; the list shows a fortnight from its Monday.
    """
    monday = on - on.weekday() * ONE
    if view == "day":
        return on, on + ONE
    if view == "month":
        first = on.replace(day=1)
        last = following(view, first) - ONE
        return first - first.weekday() * ONE, last + (7 - last.weekday()) * ONE
    return monday, monday + (14 if view == "list" else 7) * ONE


def following(view: str, on: datetime.date, *, steps: int = 1) -> datetime.date:
    """The date to show `steps` views later (earlier when negative)."""
    if view == "month":
        months = on.year * 12 + on.month - 1 + steps
        return datetime.date(months // 12, months % 12 + 1, 1)
    return on + steps * {"day": 1, "week": 7, "list": 14}[view] * ONE


def by_day(entries: Iterable[EntryT], first: datetime.date, after_last: datetime.date) -> list[Day[EntryT]]:
    """One Day for each date, with its entries in the order given; an entry of several days stands on each."""
    found: dict[datetime.date, list[EntryT]] = {
        first + number * ONE: [] for number in range((after_last - first).days)
    }
    for entry in entries:
        on = max(entry.first_day, first)
        while on <= entry.last_day and on < after_last:
            found[on].append(entry)
            on += ONE
    return [Day(on=on, entries=rows) for on, rows in found.items()]
