"""The week as rows of times, and one date that differs. They read; `calendar_settings` writes.

A row is two inputs that share their names with the other rows of the day, so any number can be posted without a
script. What was typed is shown again as it was.
"""

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from django import forms
from django.http import QueryDict
from django.utils.dateparse import parse_time

from calendars.working_hours import (
    DAY,
    DAY_MINUTES,
    MOST_RANGES,
    TOO_MANY,
    WEEKDAYS,
    Hours,
    Range,
    Week,
    clashes,
    date_clash,
    neighbour_clash,
    overnight_words,
)

LONGEST_SPELL = 366
FURTHEST = 800


@dataclass(slots=True)
class Row:
    """A from and a to as they were typed; `range` once both could be read."""

    starts: str = ""
    ends: str = ""
    error: str = ""
    range: Range | None = None

    @property
    def is_empty(self) -> bool:
        return not self.starts and not self.ends

    @classmethod
    def of(cls, each: Range) -> "Row":
        return cls(f"{each.starts:%H:%M}", f"{each.ends:%H:%M}", range=each)

    def read(self) -> None:
        """Fills `range`, or `error`. An empty row is neither."""
        if self.is_empty:
            return
        starts, ends = clock(self.starts), clock(self.ends)
        if starts and ends:
            self.range = Range(starts, ends)
        elif not self.starts or not self.ends:
            self.error = "Give both times, or leave both empty."
        else:
            self.error = "Write times such as 09:00 and 17:30."


def clock(text: str) -> datetime.time | None:
    """The time of day in `text`, in whole minutes; None if it cannot be read."""
    try:
        read = parse_time(text.strip())
    except ValueError:
        return None
    return read and read.replace(second=0, microsecond=0, tzinfo=None)


def read_rows(data: QueryDict, name: str) -> list[Row]:
    pairs = zip(data.getlist(f"{name}-starts"), data.getlist(f"{name}-ends"), strict=False)
    return [Row(starts.strip()[:20], ends.strip()[:20]) for starts, ends in pairs]


def read_day(rows: Sequence[Row]) -> None:
    """Reads the rows of one day; those that are too many say so, and stay."""
    for row in rows:
        row.read()
    for row in [row for row in rows if not row.is_empty][MOST_RANGES:]:
        row.range, row.error = None, TOO_MANY


@dataclass(slots=True)
class Day:
    """One weekday with its rows, and how its track is drawn."""

    weekday: int
    rows: list[Row] = field(default_factory=list)
    bars: list["Bar"] = field(default_factory=list)

    @property
    def name(self) -> str:
        return WEEKDAYS[self.weekday]

    @property
    def ranges(self) -> tuple[Range, ...]:
        return tuple(sorted((row.range for row in self.rows if row.range), key=lambda each: each.starts))

    @property
    def lines(self) -> Iterator[tuple[Row, str]]:
        """Each row, and in words where its range ends on the next day."""
        following = WEEKDAYS[(self.weekday + 1) % 7]
        for row in self.rows or [Row()]:
            yield row, overnight_words(row.range, following) if row.range else ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a day's track, in minutes from midnight; `is_spill`: the end of the night before."""

    start: int
    length: int
    is_spill: bool = False


class WeekForm:
    """Seven days, from the stored week or from what was posted."""

    def __init__(self, week: Week, data: QueryDict | None = None) -> None:
        if data is None:
            self.days = [Day(day, [Row.of(each) for each in week.get(day, ())]) for day in range(7)]
        else:
            self.days = [Day(day, read_rows(data, f"day-{day}")) for day in range(7)]
        for day in self.days:
            read_day(day.rows)
        self._draw()

    def is_valid(self) -> bool:
        """Whether every row can be read and none overlaps; errors stand on the rows."""
        for clash in list(clashes(self._typed())):
            self._nth(clash.weekday, clash.index).error = clash.words
        return not self.has_errors

    @property
    def week(self) -> Week:
        return {day.weekday: day.ranges for day in self.days if day.ranges}

    def add_row(self, weekday: int) -> None:
        """One more empty row, for who has no script."""
        self.days[weekday].rows.append(Row())

    def copy(self, weekday: int, to: Iterable[int]) -> None:
        """Has other days read as this one does."""
        for other in to:
            self.days[other].rows = [Row(row.starts, row.ends) for row in self.days[weekday].rows]
            read_day(self.days[other].rows)
        self._draw()

    @property
    def has_errors(self) -> bool:
        return any(row.error for row in self._rows())

    def errors(self) -> Iterator[tuple[str, str, str]]:
        """The id of the input, the day and the words, for the summary above the form."""
        for day in self.days:
            for place, row in enumerate(day.rows):
                if row.error:
                    yield f"id_day_{day.weekday}_{place}_starts", day.name, row.error

    def _draw(self) -> None:
        for day in self.days:
            night = self.days[day.weekday - 1].ranges
            spills = [
                Bar(0, each.last_minute - DAY_MINUTES, is_spill=True) for each in night if each.is_overnight
            ]
            own = [
                Bar(each.first_minute, min(each.last_minute, DAY_MINUTES) - each.first_minute)
                for each in day.ranges
            ]
            day.bars = spills + own

    def _rows(self) -> Iterator[Row]:
        for day in self.days:
            yield from day.rows

    def _typed(self) -> dict[int, list[Range]]:
        return {day.weekday: [row.range for row in day.rows if row.range] for day in self.days}

    def _nth(self, weekday: int, index: int) -> Row:
        return [row for row in self.days[weekday].rows if row.range][index]


class DateForm(forms.Form):
    """A date (or several in a row) that is closed, or has hours of its own."""

    on = forms.DateField(label="Date", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(
        label="Until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Empty: that day.",
    )
    is_closed = forms.BooleanField(
        label="Closed", required=False, help_text="A night that began the day before goes on to its end."
    )

    def __init__(
        self, data: QueryDict | None = None, *, today: datetime.date, stored: Hours | None = None
    ) -> None:
        super().__init__(data, prefix="date")
        self.today, self.stored = today, stored
        self.rows = read_rows(data, "date") if data is not None else []

    def clean_on(self) -> datetime.date:
        on: datetime.date = self.cleaned_data["on"]
        if on < self.today:
            raise forms.ValidationError("That day is over. Choose today or later.")
        if on > self.today + FURTHEST * DAY:
            raise forms.ValidationError("That is too far ahead: choose a day within two years.")
        return on

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or self.cleaned_data
        on, until = cleaned.get("on"), cleaned.get("until")
        if on and until and until < on:
            self.add_error("until", "The last day cannot come before the first.")
        elif on and until and (until - on).days >= LONGEST_SPELL:
            self.add_error("until", "At most a year at a time.")
        if not cleaned.get("is_closed"):
            self._read_rows()
        return cleaned

    def _read_rows(self) -> None:
        read_day(self.rows)
        clash = date_clash(self._typed())
        clash = clash or self._neighbour_clash()
        if clash is not None:
            [row for row in self.rows if row.range][clash[0]].error = clash[1]
        if any(row.error for row in self.rows):
            self.add_error(None, "Look at the hours of the date.")
        elif not self._typed():
            self.add_error("is_closed", "Tick closed, or give the hours of that day.")

    def _typed(self) -> list[Range]:
        return [row.range for row in self.rows if row.range]

    def _neighbour_clash(self) -> tuple[int, str] | None:
        """Where what was typed meets the night before, or the next day; None also while the days cannot be read."""
        if self.stored is None or self.errors or not self._typed():
            return None
        typed = {day: self._typed() for day in self.days}
        after = replace(self.stored, dates={**self.stored.dates, **typed})
        return next((clash for day in typed if (clash := neighbour_clash(after, day))), None)

    @property
    def ranges(self) -> Sequence[Range]:
        return () if self.cleaned_data["is_closed"] else sorted(self._typed(), key=lambda each: each.starts)

    @property
    def days(self) -> list[datetime.date]:
        on: datetime.date = self.cleaned_data["on"]
        last: datetime.date = self.cleaned_data["until"] or on
        return [on + count * DAY for count in range((last - on).days + 1)]

    @property
    def lines(self) -> Sequence[Row]:
        """Two rows at least: most days with hours of their own have one break at most."""
        return [*self.rows, *(Row() for _ in range(2 - len(self.rows)))]
