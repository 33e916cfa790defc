"""The hours of one member, or of an unassigned calendar: what clashes in them, how they read, what lies in them. Pure.

A range whose end is not after its start ends on the next day. A date with an entry of its own has those ranges alone.
"""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from zoneinfo import ZoneInfo

from calendars import availability
from calendars.intervals import merge

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES
DAY = datetime.timedelta(days=1)
MOST_RANGES = 12
TOO_MANY = f"At most {MOST_RANGES} times a day. Join some of them."


@dataclass(frozen=True, slots=True)
class Range:
    """From one clock time to another, on the same day or the next."""

    starts: datetime.time
    ends: datetime.time

    @property
    def is_overnight(self) -> bool:
        """Whether it reaches into the next day: one that ends at midnight does not."""
        return self.last_minute > DAY_MINUTES

    @property
    def first_minute(self) -> int:
        return minute_of(self.starts)

    @property
    def last_minute(self) -> int:
        """Minutes from the midnight before `starts` to the end: up to two days."""
        ends = minute_of(self.ends)
        return ends if ends > self.first_minute else ends + DAY_MINUTES

    def __str__(self) -> str:
        return f"{self.starts:%H:%M} to {self.ends:%H:%M}"


Week = Mapping[int, Sequence[Range]]
USUAL_WEEK: Week = {day: (Range(datetime.time(9), datetime.time(17)),) for day in range(5)}


@dataclass(frozen=True, slots=True)
class Hours:
    """When one works. `dates`: those that differ from the week; no range: closed."""

    zone: ZoneInfo
    week: Week = field(default_factory=dict)
    dates: Mapping[datetime.date, Sequence[Range]] = field(default_factory=dict)

    def as_offered(self) -> availability.Hours:
        """The same in the words of `availability`."""
        return availability.Hours(
            tuple(
                availability.Range(weekday, each.starts, each.ends)
                for weekday, ranges in self.week.items()
                for each in ranges
            ),
            self.zone.key,
            tuple(
                availability.Override(day, starts, ends)
                for day, ranges in self.dates.items()
                for starts, ends in _times(ranges)
            ),
        )


@dataclass(frozen=True, slots=True)
class Clash:
    """A range that meets an earlier one; `index` is its place in its day, `words` say what it meets."""

    weekday: int
    index: int
    words: str


def _times(ranges: Sequence[Range]) -> list[tuple[datetime.time, datetime.time] | tuple[None, None]]:
    return [(each.starts, each.ends) for each in ranges] or [(None, None)]


def minute_of(clock: datetime.time) -> int:
    return clock.hour * 60 + clock.minute


def clashes(week: Week) -> Iterator[Clash]:
    """Every range that overlaps an earlier one of its day, or one that runs into its day, each once."""
    spans = sorted(
        (weekday * DAY_MINUTES + each.first_minute, index, weekday, each)
        for weekday, ranges in week.items()
        for index, each in enumerate(ranges)
    )
    # Sunday night runs into Monday.
    last_week = [(at - WEEK_MINUTES, index, weekday, each) for at, index, weekday, each in spans]
    for place, (start, index, weekday, _) in enumerate(spans):
        for at, _, other_day, other in [*spans[:place], *last_week[place + 1 :]]:
            if at + other.last_minute - other.first_minute > start:
                yield Clash(weekday, index, _meets(other, other_day, weekday))
                break


def _meets(other: Range, other_day: int, weekday: int) -> str:
    if other_day == weekday:
        return f"Overlaps {other}. Join the two, or leave a gap."
    return f"Overlaps {WEEKDAYS[other_day]}’s {other}, which runs into this day."


def date_clash(ranges: Sequence[Range]) -> tuple[int, str] | None:
    """The first of one date's ranges that overlaps an earlier one: its place, and words. None: all is well."""
    ordered = sorted(enumerate(ranges), key=lambda pair: pair[1].first_minute)
    for (_, one), (index, other) in pairwise(ordered):
        if one.last_minute > other.first_minute:
            return index, f"Overlaps {one}. Join the two, or leave a gap."
    return None


def ranges_on(hours: Hours, day: datetime.date) -> Sequence[Range]:
    """The ranges that begin on `day`."""
    return hours.dates[day] if day in hours.dates else hours.week.get(day.weekday(), ())


def night_into(hours: Hours, day: datetime.date) -> Range | None:
    """The range of the day before that reaches into `day`: it stays, whatever `day` itself says."""
    nights = [each for each in ranges_on(hours, day - DAY) if each.is_overnight]
    return max(nights, key=lambda each: each.last_minute, default=None)


def neighbour_clash(hours: Hours, day: datetime.date) -> tuple[int, str] | None:
    """The first range of `day` that meets the night before, or runs into one of the next day: its place, and words."""
    night = night_into(hours, day)
    begins = min((each.first_minute for each in ranges_on(hours, day + DAY)), default=DAY_MINUTES)
    for index, each in enumerate(ranges_on(hours, day)):
        if night and each.first_minute < night.last_minute - DAY_MINUTES:
            return index, f"Overlaps {_day_before(day)}’s {night}, which runs into this day."
        if each.last_minute - DAY_MINUTES > begins:
            return index, f"Runs into the hours of {WEEKDAYS[(day + DAY).weekday()]}, {day + DAY:%-d %B}."
    return None


def _day_before(day: datetime.date) -> str:
    return WEEKDAYS[(day - DAY).weekday()]


def night_words(hours: Hours, day: datetime.date) -> str:
    """That the night before goes on into `day`, in words; "" when none does."""
    night = night_into(hours, day)
    return f"the night from {_day_before(day)} goes on until {night.ends:%H:%M}" if night else ""


def overnight_words(each: Range, next_day: str) -> str:
    """That a range reaches into `next_day`, in words; "" when it does not."""
    return f"Until {each.ends:%H:%M} on {next_day}" if each.is_overnight else ""


def covers(hours: Hours, starts_at: datetime.datetime, ends_at: datetime.datetime) -> bool:
    """Whether all of the time from `starts_at` to `ends_at` lies in working hours, as booking pages reckon them."""
    first, last = int(starts_at.timestamp()), int(ends_at.timestamp())
    offered = merge(availability.working(hours.as_offered(), (first, last)))
    return any(start <= first and last <= end for start, end in offered)


@dataclass(frozen=True, slots=True)
class Spell:
    """Days in a row with the same hours of their own; no range: closed. `night`: what runs into the first, in words."""

    days: tuple[datetime.date, ...]
    ranges: tuple[Range, ...]
    night: str = ""

    @property
    def first(self) -> datetime.date:
        return self.days[0]

    @property
    def last(self) -> datetime.date:
        return self.days[-1]

    @property
    def lines(self) -> list[str]:
        """Each range in words, or that there is none; and the night that goes on all the same."""
        said = [(each, overnight_words(each, "the next day")) for each in self.ranges]
        lines = [
            f"{each.starts:%H:%M}, {late[0].lower()}{late[1:]}" if late else str(each) for each, late in said
        ]
        where = " on the first day" * (len(self.days) > 1)
        return (lines or ["Closed"]) + [f"{self.night}{where}"] * bool(self.night)


def spells(hours: Hours, *, since: datetime.date) -> list[Spell]:
    """The dates of `hours` from `since` on in order, those joined that follow each other and read the same."""
    found: list[Spell] = []
    for day, ranges in sorted(hours.dates.items()):
        if day < since:
            continue
        if found and found[-1].last == day - DAY and found[-1].ranges == tuple(ranges):
            found[-1] = replace(found[-1], days=(*found[-1].days, day))
        else:
            found.append(Spell((day,), tuple(ranges), night_words(hours, day)))
    return found
