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


@dataclass(frozen=True, slots=True)
class Run(Generic[EntryT]):
    """Days in a row, at least one. `is_free`: several, with nothing on any of them."""

    days: Sequence[Day[EntryT]]

    @property
    def first(self) -> datetime.date:
        return self.days[0].on

    @property
    def last(self) -> datetime.date:
        return self.days[-1].on

    @property
    def is_free(self) -> bool:
        return len(self.days) > 1


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


def in_runs(days: Iterable[Day[EntryT]], today: datetime.date) -> list[Run[EntryT]]:
    """Free days of one month that follow each other as one run, `today` and every other day as a run of its own."""
    runs: list[list[Day[EntryT]]] = []
    for day in days:
        if runs and _belong_together(runs[-1][-1], day, today):
            runs[-1].append(day)
        else:
            runs.append([day])
    return [Run(run) for run in runs]


def _belong_together(one: Day[EntryT], other: Day[EntryT], today: datetime.date) -> bool:
    is_free = not (one.entries or other.entries)
    return is_free and today not in (one.on, other.on) and one.on.month == other.on.month
