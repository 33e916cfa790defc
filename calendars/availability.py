"""Working hours − busy = slots. Pure interval arithmetic on whole seconds since the epoch; no Django, no clock.

A slot lies wholly in the working hours of who hosts it. Its starts follow a grid of `interval`, set anew wherever hours
begin (so that hours around the clock begin with each day); a free stretch that no grid time falls into offers its first
round moment, so that no gap that is long enough is lost. Notice and horizon cut off starts and make none. Where anybody
free will do, everybody's starts are on offer with everybody who could take them.
Buffers guard both ways without adding up: the slot with its own buffers meets no busy time, and the slot without
them meets no appointment with that one's buffers.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from itertools import chain
from typing import NamedTuple
from zoneinfo import ZoneInfo

from calendars.intervals import Span, intersect, merge, stretches

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
    # Of each session of a class, which fills up seat by seat; None: not a class.
    seats: int | None = None


class Session(NamedTuple):
    """What a class holds at one time: how many seats are taken, and the key of who hosts it."""

    taken: int
    host: int


@dataclass(frozen=True, slots=True)
class Booked:
    """What the calendar itself holds: appointments (a class: sessions) a local day, and a class's sessions."""

    per_day: Mapping[date, int] = field(default_factory=dict)
    sessions: Mapping[Span, Session] = field(default_factory=dict)


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
    found = _fresh(members, rules, booked, _Look(rules, asked))
    if rules.seats is not None:
        found |= _open_sessions(members, rules, booked, asked)
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


def _fresh(
    members: Sequence[Member], rules: Rules, booked: Booked, look: "_Look"
) -> dict[int, tuple[int, ...]]:
    """Starts at which nothing of the calendar's own stands yet, each with those who could host it."""
    if rules.needs == ANY:
        # One's grid is everybody's: when one of several who are free was taken, the start stays for the others.
        grid = sorted(
            {start for hours in {member.hours for member in members} for start in look.grid([hours])}
        )
        found = look.starts([look.free([member]) for member in members], grid)
        keys = [member.key for member in members]
        able = {start: tuple(map(keys.__getitem__, places)) for start, places in found.items()}
    else:
        needed = members if rules.needs == ALL else members[:1]
        if booked.sessions:
            needed = [_with_sessions(member, rules, booked) for member in needed]
        found = look.starts([look.free(needed)], look.grid([member.hours for member in needed]))
        able = dict.fromkeys(found, tuple(member.key for member in needed))
    for begin, end in _full_days(rules, booked):
        # Left out of what was found: as busy time they would make new first moments at midnight.
        able = {start: keys for start, keys in able.items() if not begin <= start < end}
    return able


@dataclass(frozen=True, slots=True)
class _Look:
    """One question: starts are wanted within `asked`, both ends included. Hours are worked out once for all who share
    them."""

    rules: Rules
    asked: Span
    hours: dict[Hours, list[Span]] = field(default_factory=dict)

    @property
    def step(self) -> int:
        return self.rules.interval or self.rules.duration

    def grid(self, hours: Sequence[Hours]) -> list[int]:
        """The starts in the time worked by all, busy or not: by steps from where anybody's hours begin."""
        anchors = sorted({opens for each in hours for opens, _ in self._worked(each)})
        found: list[int] = []
        for low, high in self._windows(hours):
            at = bisect_right(anchors, low) - 1
            begin = low
            while begin <= high:
                following = anchors[at + 1] if at + 1 < len(anchors) else high + 1
                first = begin + (anchors[at] - begin) % self.step
                found += range(first, min(high + 1, following), self.step)
                begin, at = following, at + 1
        return found

    def free(self, members: Sequence[Member]) -> list[Span]:
        """The stretches, both ends included, in which something may start that needs all of `members`."""
        forbidden = sorted(chain.from_iterable(map(self._forbidden, members)))
        return list(stretches(self._windows([member.hours for member in members]), forbidden))

    def starts(self, free: Sequence[Sequence[Span]], grid: Sequence[int]) -> dict[int, list[int]]:
        """The starts on offer, each with the places in `free` of those who may start then.

        They are those of `grid`, and the first round moment of a stretch that none of these falls into.
        """
        low, high = self.asked
        lone = {
            _round(begin, end)
            for each in free
            for begin, end in _without(each, grid)
            if begin <= high and end >= low
        }
        starts = [start for start in sorted({*grid, *lone}) if low <= start <= high]
        found: list[list[int]] = [[] for _ in starts]
        for place, each in enumerate(free):
            at = 0
            for begin, end in each:
                first = bisect_left(starts, begin, at)
                at = bisect_right(starts, end, first)
                for places in found[first:at]:
                    places.append(place)
        return {start: places for start, places in zip(starts, found, strict=True) if places}

    def _windows(self, hours: Sequence[Hours]) -> list[Span]:
        """From the first to the last start in each stretch worked by all."""
        worked = reduce(intersect, [merge(self._worked(each)) for each in hours])
        return [
            (opens, closes - self.rules.duration)
            for opens, closes in worked
            if closes - opens >= self.rules.duration
        ]

    def _worked(self, hours: Hours) -> list[Span]:
        if hours not in self.hours:
            # More on both sides: hours that began yesterday, days of other zones, gaps that a step reaches over.
            margin = 2 * 86400 + self.step
            self.hours[hours] = working(hours, (self.asked[0] - margin, self.asked[1] + margin))
        return self.hours[hours]

    def _forbidden(self, member: Member) -> list[Span]:
        """Open intervals in which no slot may start."""
        duration, before, after = self.rules.duration, self.rules.buffer_before, self.rules.buffer_after
        lead = duration + after
        busy = [(start - lead, end + before) for start, end in member.busy if start < end]
        return busy + [(start - duration, end) for start, end in member.guarded if start < end]


def _without(stretches: Sequence[Span], grid: Sequence[int]) -> Iterator[Span]:
    """Those of `stretches` that none of `grid` falls into; both in order."""
    at = 0
    for low, high in stretches:
        at = bisect_left(grid, low, at)
        if at == len(grid) or grid[at] > high:
            yield low, high


def _round(low: int, high: int) -> int:
    """The first moment from `low` to `high` that people can say, on five minutes or on the minute; else `low`."""
    return next(start for size in ROUND_STARTS if (start := -(-low // size) * size) <= high)


# --- working hours ------------------------------------------------------------------------------------------------


def working(hours: Hours, around: Span) -> list[Span]:
    """The working hours that touch `around`, each by itself, by the day they begin on."""
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
    return [span for span in found if span[0] < span[1]]


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


def _with_sessions(member: Member, rules: Rules, booked: Booked) -> Member:
    """`member` with the time of the class's own sessions taken: one of these is joined at its start or not at all."""
    guarded = [(start - rules.buffer_before, end + rules.buffer_after) for start, end in booked.sessions]
    return replace(member, busy=[*member.busy, *booked.sessions], guarded=[*member.guarded, *guarded])


def _open_sessions(
    members: Sequence[Member], rules: Rules, booked: Booked, asked: Span
) -> dict[int, tuple[int, ...]]:
    """Sessions with seats left whose host has nothing else to do then, wherever they lie: staff may have put them
    outside the hours. What is taken of `members` leaves the class itself out."""
    by_key = {member.key: member for member in members}
    return {
        start: (session.host,)
        for (start, end), session in booked.sessions.items()
        if asked[0] <= start <= asked[1]
        and end - start == rules.duration
        and session.taken < (rules.seats or 0)
        and session.host in by_key
        and not _has_other(by_key[session.host], rules, start, end)
        and not _meets_another(booked, start, end, session.host)
    }


def _meets_another(booked: Booked, start: int, end: int, host: int) -> bool:
    """Staff may let two sessions of one host overlap; nobody more is let into either."""
    return any(
        since < end and start < until and (since, until) != (start, end) and other.host == host
        for (since, until), other in booked.sessions.items()
    )


def _has_other(host: Member, rules: Rules, start: int, end: int) -> bool:
    begins, ends = start - rules.buffer_before, end + rules.buffer_after
    meets_busy = any(begins < until and since < ends for since, until in host.busy)
    return meets_busy or any(start < until and since < end for since, until in host.guarded)


def _seats_left(rules: Rules, booked: Booked, start: int) -> int:
    session = booked.sessions.get((start, start + rules.duration))
    return (rules.seats or 1) - (session.taken if session else 0)
