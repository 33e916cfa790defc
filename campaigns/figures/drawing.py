"""Bars and courses as shapes: where each rectangle stands. Pure; the page only writes it out."""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from campaigns.figures.books import LEFT_OUT, Books, Tally

BAR = 1000.0
HEIGHT = 100.0
DAY = datetime.timedelta(days=1)
WEEK = datetime.timedelta(days=7)
# A course of more days than this is told by weeks, one of more weeks than this by months.
MOST_DAYS, MOST_WEEKS = 92, 104
# How far a course looks ahead where its end is open.
AHEAD = 7 * DAY
KINDS = ("sent", "waiting", "left-out", "fault")


@dataclass(frozen=True, slots=True)
class Piece:
    kind: str
    words: str
    number: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Column:
    """A day, week or month of a course: `pieces` from below, as (kind, y, height) with y from above."""

    starts_on: datetime.date
    x: float
    counts: Mapping[str, int]
    pieces: list[tuple[str, float, float]]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def numbers(self) -> list[int]:
        return [self.counts.get(kind, 0) for kind in KINDS]


@dataclass(frozen=True, slots=True)
class Course:
    """`by`: day, week or month. `most`: the number that fills the height. `width` of a column, in parts of BAR."""

    by: str
    columns: list[Column]
    most: int
    width: float
    # What lies after its last column.
    beyond: int = 0

    @property
    def first(self) -> datetime.date:
        return self.columns[0].starts_on

    @property
    def last(self) -> datetime.date:
        return self.columns[-1].starts_on

    @property
    def drawn(self) -> float:
        """The width of a column with a gap beside it."""
        return self.width * 0.8


def bar(books: Books) -> list[Piece]:
    """The pieces of one bar, all of it what was planned; what did not happen has none."""
    named = [
        ("delivered", "delivered", books.delivered),
        ("sent", "sent, nothing reported since", books.unreported),
        ("bounced", "bounced or reported as spam", books.bounced + books.complained),
        ("waiting", "waiting", books.waiting),
        ("skipped", "skipped", books.skipped),
        ("void", "void", books.void),
        ("failed", "failed or of unknown outcome", books.failed + books.unknown),
    ]
    pieces, x = [], 0.0
    for kind, words, number in named:
        if number:
            width = BAR * number / books.planned
            pieces.append(Piece(kind, words, number, round(x, 2), round(width, 2)))
            x += width
    return pieces


def course(
    tallies: Iterable[Tally],
    *,
    since: datetime.date | None,
    until: datetime.date | None,
    today: datetime.date,
) -> Course | None:
    """What was to leave when, and what became of it; None where nothing was planned in that time."""
    tallies = list(tallies)
    if not tallies:
        return None
    first = since or min(tally.day for tally in tallies)
    last = until or max(today + AHEAD, first)
    by = _unit(first, last)
    counts: dict[datetime.date, dict[str, int]] = {day: {} for day in _starts(first, last, by)}
    beyond = 0
    for tally in tallies:
        if tally.day > last:
            beyond += tally.number
            continue
        at = counts[_start_of(tally.day, by)]
        kind = _kind(tally.state)
        at[kind] = at.get(kind, 0) + tally.number
    return _drawn(counts, by, beyond)


def _drawn(counts: Mapping[datetime.date, dict[str, int]], by: str, beyond: int) -> Course:
    most = max((sum(each.values()) for each in counts.values()), default=0)
    width = BAR / len(counts)
    columns = [
        Column(day, round(at * width, 2), each, _stacked(each, most))
        for at, (day, each) in enumerate(counts.items())
    ]
    return Course(by, columns, most, round(width, 2), beyond)


def _stacked(counts: Mapping[str, int], most: int) -> list[tuple[str, float, float]]:
    pieces, y = [], HEIGHT
    for kind in KINDS:
        number = counts.get(kind, 0)
        if number:
            height = HEIGHT * number / most
            y -= height
            pieces.append((kind, round(y, 2), round(height, 2)))
    return pieces


def _kind(state: str) -> str:
    if state in LEFT_OUT:
        return "left-out"
    return {"sent": "sent", "waiting": "waiting", "sending": "waiting"}.get(state, "fault")


def _unit(first: datetime.date, last: datetime.date) -> str:
    days = (last - first).days + 1
    if days <= MOST_DAYS:
        return "day"
    return "week" if days <= 7 * MOST_WEEKS else "month"


def _start_of(day: datetime.date, by: str) -> datetime.date:
    """Weeks begin on Monday."""
    if by == "day":
        return day
    return day - day.weekday() * DAY if by == "week" else day.replace(day=1)


def _starts(first: datetime.date, last: datetime.date, by: str) -> Iterable[datetime.date]:
    day = _start_of(first, by)
    while day <= last:
        yield day
        # From the first of a month, 32 days on is in the next.
        day = day + DAY if by == "day" else day + WEEK if by == "week" else _start_of(day + 32 * DAY, by)
