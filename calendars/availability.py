"""Working hours − busy = slots. Pure interval arithmetic on whole seconds since the epoch; no Django, no clock.

A slot lies wholly in the working hours of who hosts it. Its starts follow a grid of `interval` from where the hours
begin; a free stretch that no grid time falls into offers its first moment, so that no gap that is long enough is lost.
Buffers guard both ways without adding up: the slot with its own buffers meets no busy time, and the slot without
them meets no appointment with that one's buffers.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from typing import NamedTuple
from zoneinfo import ZoneInfo

# Seconds since the epoch, the end not included.
Span = tuple[int, int]
DAY = timedelta(days=1)
MIDNIGHT = time(0)
# Where no grid time fits, a start that people can say is taken if there is one: on five minutes, else on the minute.
ROUND_STARTS = (300, 60, 1)
# What `Rules.needs` may be: the one host, whoever is free, or everybody.
ONE, ANY, ALL = "one", "any", "all"


@dataclass(frozen=True, slots=True)
class Range:
    """From–to on a weekday (0 is Monday); an end not after the start means the next day."""

    weekday: int
    starts: time
    ends: time


@dataclass(frozen=True, slots=True)
class Override:
    """From–to on one date in place of its weekly hours; without times: closed."""

    on: date
    starts: time | None = None
    ends: time | None = None


@dataclass(frozen=True, slots=True)
class Hours:
    """When somebody works, as the clocks of `time_zone` show it."""

    weekly: tuple[Range, ...]
    time_zone: str
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who may host. `busy`: all time taken, or unknown; `guarded`: appointments with their own buffers."""

    key: int
    hours: Hours
    busy: Sequence[Span] = ()
    guarded: Sequence[Span] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """What the calendar says. Durations in seconds; days are those of `time_zone`."""

    duration: int
    time_zone: str
    needs: str = ONE
    interval: int = 0
    buffer_before: int = 0
    buffer_after: int = 0
    notice: int = 0
    horizon_days: int = 60
    most_per_day: int | None = None
    # More than one: a class, whose sessions fill up seat by seat.
    seats: int = 1


@dataclass(frozen=True, slots=True)
class Booked:
    """What the calendar itself holds: appointments a local day, and seats taken of each session of a class."""

    per_day: Mapping[date, int] = field(default_factory=dict)
    sessions: Mapping[Span, int] = field(default_factory=dict)


class Slot(NamedTuple):
    """One bookable start–end. `free` are the keys of those who could host it, in the order of the members."""

    start: int
    end: int
    free: tuple[int, ...]
    seats_left: int = 1

    @property
    def starts_at(self) -> datetime:
        return datetime.fromtimestamp(self.start, UTC)

    @property
    def ends_at(self) -> datetime:
        return datetime.fromtimestamp(self.end, UTC)


def slots(
    members: Sequence[Member],
    rules: Rules,
    *,
    within: Span,
    now: int,
    booked: Booked | None = None,
) -> list[Slot]:
    """The slots that start in `within`, in order. Each is on offer at `now` whatever else is asked for."""
    booked = booked or Booked()
    first = now + rules.notice
    last = _midnight(_day(now, rules.time_zone) + DAY * (rules.horizon_days + 1), rules.time_zone) - 1
    asked = (max(within[0], first), min(within[1] - 1, last))
    if asked[0] > asked[1] or not members:
        return []
    # A day more on both sides: hours that began yesterday, and days of other zones.
    around = (within[0] - 2 * 86400, within[1] + 2 * 86400)
    look = _Look(rules, (first, last), asked, around, _sessions_closed(rules, booked))
    if rules.needs == ANY:
        found = _anyone(members, look)
    elif rules.needs == ALL:
        found = dict.fromkeys(look.starts(members), tuple(member.key for member in members))
    else:
        found = dict.fromkeys(look.starts(members[:1]), (members[0].key,))
    for start in _sessions_open(rules, booked, asked) if rules.seats > 1 else ():
        found[start] = (members[0].key,)
    for begin, end in _full_days(rules, booked):
        # Left out of what was found: as busy time they would make new first moments at midnight.
        found = {start: keys for start, keys in found.items() if not begin <= start < end}
    return [
        Slot(start, start + rules.duration, found[start], _seats_left(rules, booked, start))
        for start in sorted(found)
    ]


def offered(
    members: Sequence[Member], rules: Rules, start: int, *, now: int, booked: Booked | None = None
) -> Slot | None:
    """The slot that starts at `start`, if it is on offer: the same answer as that of `slots`."""
    found = slots(members, rules, within=(start, start + 1), now=now, booked=booked)
    return found[0] if found else None


# --- starts -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Look:
    """One question: within `bounds` (notice, horizon) starts exist at all, within `asked` they are wanted."""

    rules: Rules
    bounds: Span
    asked: Span
    around: Span
    closed: list[Span]
    worked: dict[Hours, list[Span]] = field(default_factory=dict)

    def starts(self, members: Sequence[Member]) -> list[int]:
        """Starts at which all of `members` work and are free, in order."""
        duration, step = self.rules.duration, self.rules.interval or self.rules.duration
        first, last = self.bounds
        windows = [
            (opens, max(opens, first), min(closes - duration, last))
            for opens, closes in reduce(intersect, [self.windows(member.hours) for member in members])
        ]
        forbidden = list(self.closed)
        for member in members:
            forbidden += self._forbidden(member)
        forbidden.sort()
        found: list[int] = []
        for anchor, begin, end in _stretches(windows, forbidden):
            found += self._on_grid(anchor, step, begin, end)
        return found

    def windows(self, hours: Hours) -> list[Span]:
        """The working hours around what is asked for; worked out once for all who share them."""
        if hours not in self.worked:
            self.worked[hours] = working(hours, self.around)
        return self.worked[hours]

    def _forbidden(self, member: Member) -> list[Span]:
        """Open intervals in which no slot may start."""
        duration, before, after = self.rules.duration, self.rules.buffer_before, self.rules.buffer_after
        lead = duration + after
        busy = [(start - lead, end + before) for start, end in member.busy if start < end]
        return busy + [(start - duration, end) for start, end in member.guarded if start < end]

    def _on_grid(self, anchor: int, step: int, first: int, last: int) -> Iterable[int]:
        """The starts in the free stretch from `first` to `last`, both included."""
        on_grid = anchor + -(-(first - anchor) // step) * step
        low, high = self.asked
        if on_grid > last:
            lone = next(start for size in ROUND_STARTS if (start := -(-first // size) * size) <= last)
            return (lone,) if low <= lone <= high else ()
        if on_grid < low:
            on_grid += -(-(low - on_grid) // step) * step
        return range(on_grid, min(last, high) + 1, step)


def _anyone(members: Sequence[Member], look: _Look) -> dict[int, tuple[int, ...]]:
    found: dict[int, list[int]] = defaultdict(list)
    for member in members:
        for start in look.starts([member]):
            found[start].append(member.key)
    return {start: tuple(keys) for start, keys in found.items()}


def _stretches(
    windows: Iterable[tuple[int, int, int]], forbidden: Sequence[Span]
) -> Iterator[tuple[int, int, int]]:
    """The closed stretches in which a slot may start, each with its window's anchor: one sweep over both.

    `windows`: anchor, first and last start. `forbidden`: open intervals by their start, that may overlap; where two of
    them touch, a slot may start between them.
    """
    at, reach = 0, 0
    for anchor, low, high in windows:
        while at < len(forbidden) and forbidden[at][0] < low:
            reach = max(reach, forbidden[at][1])
            at += 1
        low = max(low, reach)
        while at < len(forbidden) and forbidden[at][0] < high:
            opens, closes = forbidden[at]
            at += 1
            if opens >= low:
                yield anchor, low, opens
            if closes > low:
                low = reach = closes
        if low <= high:
            yield anchor, low, high


# --- working hours ------------------------------------------------------------------------------------------------


def working(hours: Hours, around: Span) -> list[Span]:
    """The working hours that touch `around`, merged, in order."""
    zone = ZoneInfo(hours.time_zone)
    day = datetime.fromtimestamp(around[0], zone).date() - DAY
    last = datetime.fromtimestamp(around[1], zone).date()
    weekly: dict[int, list[Range]] = defaultdict(list)
    for weekly_range in hours.weekly:
        weekly[weekly_range.weekday].append(weekly_range)
    special: dict[date, list[Override]] = defaultdict(list)
    for override in hours.overrides:
        special[override.on].append(override)
    found: list[Span] = []
    while day <= last:
        ranges: Sequence[Range | Override] = special[day] if day in special else weekly[day.weekday()]
        for each in ranges:
            if each.starts is not None and each.ends is not None:
                found.append(_span(day, each.starts, each.ends, zone))
        day += DAY
    return merge(found)


def _span(day: date, starts: time, ends: time, zone: ZoneInfo) -> Span:
    last = day if ends > starts else day + DAY
    return _moment(day, starts, zone), _moment(last, ends, zone)


def _moment(day: date, wall: time, zone: ZoneInfo) -> int:
    """The moment at which clocks in `zone` show `wall`: the first, where they show it twice; where they never do, the
    moment at which they jump past it."""
    local = datetime.combine(day, wall, zone)
    found = int(local.timestamp())
    if datetime.fromtimestamp(found, zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return found
    return _jump(int(local.replace(fold=1).timestamp()), found, zone)


def _jump(low: int, high: int, zone: ZoneInfo) -> int:
    """The first moment after `low` with the offset of `high`."""
    offset = datetime.fromtimestamp(high, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return high


def _midnight(day: date, time_zone: str) -> int:
    return _moment(day, MIDNIGHT, ZoneInfo(time_zone))


def _day(moment: int, time_zone: str) -> date:
    return datetime.fromtimestamp(moment, ZoneInfo(time_zone)).date()


# --- limits and seats ---------------------------------------------------------------------------------------------


def _full_days(rules: Rules, booked: Booked) -> list[Span]:
    if rules.most_per_day is None:
        return []
    return [
        (_midnight(day, rules.time_zone), _midnight(day + DAY, rules.time_zone))
        for day, number in booked.per_day.items()
        if number >= rules.most_per_day
    ]


def _sessions_closed(rules: Rules, booked: Booked) -> list[Span]:
    """Other starts that would run into a session of the class; its own start is looked at by itself."""
    return [(start - rules.duration, end) for start, end in booked.sessions] if rules.seats > 1 else []


def _sessions_open(rules: Rules, booked: Booked, asked: Span) -> list[int]:
    """Sessions with seats left, wherever they lie: staff may have put them outside the hours."""
    return [
        start
        for (start, end), taken in booked.sessions.items()
        if taken < rules.seats and asked[0] <= start <= asked[1] and end - start == rules.duration
    ]


def _seats_left(rules: Rules, booked: Booked, start: int) -> int:
    return (
        rules.seats - booked.sessions.get((start, start + rules.duration), 0)
        if booked.sessions
        else rules.seats
    )


# --- intervals ----------------------------------------------------------------------------------------------------


def merge(spans: Iterable[Span]) -> list[Span]:
    """The same time in as few spans as possible, in order; empty ones are left out."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def intersect(ours: Sequence[Span], theirs: Sequence[Span]) -> list[Span]:
    """The time in both; each is in order and merged."""
    found, left, right = [], 0, 0
    while left < len(ours) and right < len(theirs):
        start, end = max(ours[left][0], theirs[right][0]), min(ours[left][1], theirs[right][1])
        if start < end:
            found.append((start, end))
        if ours[left][1] < theirs[right][1]:
            left += 1
        else:
            right += 1
    return found
