"""Slots against a reference that steps minute by minute, over random schedules and the days on which clocks change."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from calendars.availability import (
    ALL,
    ANY,
    ONE,
    Booked,
    Hours,
    Member,
    Override,
    Range,
    Rules,
    Span,
    offered,
    slots,
)

MINUTE, DAY = 60, 86400
# Clocks go on, go back, go back by half an hour, and never change.
DAYS = {
    "Europe/London": date(2026, 3, 29),
    "America/New_York": date(2026, 11, 1),
    "Australia/Lord_Howe": date(2026, 4, 5),
    "Asia/Kathmandu": date(2026, 6, 10),
}
AROUND_THE_CLOCK = tuple(Range(day, time(0), time(0)) for day in range(7))
quarters = st.integers(0, 95).map(lambda n: time(n // 4, n % 4 * 15))


def noon(day: date) -> int:
    return int(datetime.combine(day, time(12), UTC).timestamp())


@st.composite
def hours(draw: st.DrawFn, zone: str) -> Hours:
    day = DAYS[zone]
    some = st.lists(st.builds(Range, st.integers(0, 6), quarters, quarters), min_size=3, max_size=9)
    weekly = draw(st.one_of(some.map(tuple), st.just(AROUND_THE_CLOCK)))
    times = st.one_of(st.tuples(st.none(), st.none()), st.tuples(quarters, quarters))
    near = st.integers(-2, 2).map(lambda n: day + timedelta(days=n))
    overrides = draw(st.lists(st.builds(lambda on, t: Override(on, *t), near, times), max_size=2).map(tuple))
    return Hours(weekly, zone, overrides)


@st.composite
def spans(draw: st.DrawFn, around: int) -> tuple[Span, ...]:
    found = draw(st.lists(st.tuples(st.integers(-500, 500), st.integers(0, 40)), max_size=8))
    return tuple((around + start * 300, around + (start + length) * 300) for start, length in found)


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[Member], Rules, Span, int]:
    zone = draw(st.sampled_from(sorted(DAYS)))
    middle = noon(DAYS[zone])
    members = [
        Member(key, draw(hours(zone)), draw(spans(middle)), draw(spans(middle)))
        for key in range(draw(st.integers(1, 3)))
    ]
    minutes = st.sampled_from([0, 0, 5, 15, 30])
    rules = Rules(
        duration=MINUTE * draw(st.sampled_from([15, 30, 50, 90])),
        time_zone=zone,
        needs=draw(st.sampled_from([ONE, ANY, ALL])),
        interval=MINUTE * draw(st.sampled_from([0, 15, 20, 60, 300])),
        buffer_before=MINUTE * draw(minutes),
        buffer_after=MINUTE * draw(minutes),
        notice=3600 * draw(st.sampled_from([0, 4, 24])),
    )
    start = middle + 3600 * draw(st.integers(-40, 20))
    now = middle - DAY - MINUTE * draw(st.integers(0, 600))
    return members, rules, (start, start + 3600 * draw(st.integers(1, 60))), now


@cache
def walls(zone: str, begin: int, end: int) -> list[datetime]:
    """What clocks show, minute by minute."""
    return [
        datetime.fromtimestamp(at, ZoneInfo(zone)).replace(tzinfo=None) for at in range(begin, end, MINUTE)
    ]


class Reference:
    """Every minute of a week: who works, who is busy, and so where a slot may start."""

    def __init__(self, members: Sequence[Member], rules: Rules) -> None:
        self.rules = rules
        self.begin = noon(DAYS[rules.time_zone]) - 4 * DAY
        self.end = self.begin + 8 * DAY
        self.walls = walls(rules.time_zone, self.begin, self.end)
        self.members = members
        self.worked = {member.key: self.working(member) for member in members}
        self.starting: dict[tuple[int, ...], tuple[list[bool], set[int]]] = {}

    def first(self, day: date, wall: time) -> int:
        """The index of the first minute at which clocks are at `wall` on `day`, or past it."""
        wanted = datetime.combine(day, wall)
        return next((at for at, shown in enumerate(self.walls) if shown >= wanted), len(self.walls))

    def working(self, member: Member) -> tuple[list[bool], set[int]]:
        """Minute by minute, and at which of them hours begin."""
        works, begins = [False] * len(self.walls), set[int]()
        special = {override.on for override in member.hours.overrides}
        day, last = self.walls[0].date(), self.walls[-1].date()
        while day <= last:
            ranges: list[Range | Override] = [o for o in member.hours.overrides if o.on == day]
            if day not in special:
                ranges += [r for r in member.hours.weekly if r.weekday == day.weekday()]
            for each in ranges:
                if each.starts is None or each.ends is None:
                    continue
                until = day if each.ends > each.starts else day + timedelta(days=1)
                worked = range(self.first(day, each.starts), self.first(until, each.ends))
                begins |= {worked.start} if worked else set()
                for at in worked:
                    works[at] = True
            day += timedelta(days=1)
        return works, begins

    def may_start(self, member: Member, works: list[bool]) -> list[bool]:
        rules = self.rules
        busy, guarded = self.taken(member.busy), self.taken(member.guarded)
        length, before, after = (
            seconds // MINUTE for seconds in (rules.duration, rules.buffer_before, rules.buffer_after)
        )
        return [
            works[at]
            and at + length <= len(works)
            and all(works[at : at + length])
            and not any(busy[max(at - before, 0) : at + length + after])
            and not any(guarded[at : at + length])
            for at in range(len(works))
        ]

    def taken(self, found: Sequence[Span]) -> list[bool]:
        marked = [False] * len(self.walls)
        for start, end in found:
            for at in range(max(start - self.begin, 0) // MINUTE, min(end - self.begin, self.end) // MINUTE):
                if at < len(marked):
                    marked[at] = True
        return marked

    def free(self, members: Sequence[Member]) -> tuple[list[bool], set[int]]:
        """Minute by minute whether all may start, and where a grid begins."""
        keys = tuple(member.key for member in members)
        if keys not in self.starting:
            self.starting[keys] = self._free(members)
        return self.starting[keys]

    def _free(self, members: Sequence[Member]) -> tuple[list[bool], set[int]]:
        every = [self.worked[member.key] for member in members]
        works = [all(column) for column in zip(*(works for works, _ in every), strict=True)]
        free = [all(c) for c in zip(*(self.may_start(m, works) for m in members), strict=True)]
        return free, set().union(*(begins for _, begins in every))

    def grid(self, members: Sequence[Member]) -> set[int]:
        """The minutes on the grid of the hours that all of `members` work, from which a slot still fits into them."""
        every = [self.worked[member.key] for member in members]
        works = [all(column) for column in zip(*(works for works, _ in every), strict=True)]
        begins = set().union(*(begins for _, begins in every))
        step, length = self.rules.interval or self.rules.duration, self.rules.duration // MINUTE
        found, opened = set[int](), 0
        for at in range(len(works) - length + 1):
            if at in begins:
                opened = at
            if works[at] and (at - opened) * MINUTE % step == 0 and all(works[at : at + length]):
                found.add(at)
        return found

    def starts(
        self, members: Sequence[Member], within: Span, now: int, grid: set[int] | None = None
    ) -> set[int]:
        """On the grid (else that of the members' own hours), or the first round moment of a stretch without."""
        free, _ = self.free(members)
        grid, found = self.grid(members) if grid is None else grid, set[int]()
        stretch: list[int] = []
        for index, ok in enumerate([*free, False]):
            if ok:
                stretch.append(index)
                continue
            if stretch:
                moments = [self.begin + at * MINUTE for at in stretch]
                lone = [m for m in moments if m % 300 == 0] or moments
                found |= {self.begin + at * MINUTE for at in stretch if at in grid} or {lone[0]}
            stretch = []
        earliest = max(within[0], now + self.rules.notice)
        return {moment for moment in found if earliest <= moment < within[1]}


@settings(max_examples=40, deadline=None)
@given(questions())
def test_slots_are_those_of_the_reference(question: tuple[list[Member], Rules, Span, int]) -> None:
    members, rules, within, now = question
    reference = Reference(members, rules)
    found = slots(members, rules, within=within, now=now)
    if rules.needs == ANY:
        grid = set().union(*(reference.grid([member]) for member in members))
        starts = set().union(*(reference.starts([member], within, now, grid) for member in members))
        able = {member.key: reference.free([member])[0] for member in members}
        expected = {
            start: [key for key in able if able[key][(start - reference.begin) // MINUTE]] for start in starts
        }
        assert {slot.start: list(slot.free) for slot in found} == expected
    else:
        needed = members if rules.needs == ALL else members[:1]
        assert [slot.start for slot in found] == sorted(reference.starts(needed, within, now))


@settings(max_examples=40, deadline=None)
@given(questions())
def test_what_is_offered_does_not_depend_on_what_is_asked_for(
    question: tuple[list[Member], Rules, Span, int],
) -> None:
    """The visitor's zone only cuts the range: halves make the whole, and each slot is on offer by itself."""
    members, rules, (start, end), now = question
    whole = slots(members, rules, within=(start, end), now=now)
    middle = (start + end) // 2
    halves = [slots(members, rules, within=half, now=now) for half in ((start, middle), (middle, end))]
    assert [*halves[0], *halves[1]] == whole
    for slot in whole[:5]:
        assert offered(members, rules, slot.start, now=now) == slot
    for left, right in pairwise(whole[:5]):
        if right.start - left.start > 1:
            assert offered(members, rules, left.start + 1, now=now) is None


@settings(max_examples=40, deadline=None)
@given(questions(), st.integers(1, 3))
def test_full_days_offer_nothing_and_others_what_they_did(
    question: tuple[list[Member], Rules, Span, int], most: int
) -> None:
    members, rules, within, now = question
    limited = Rules(**{name: getattr(rules, name) for name in rules.__slots__} | {"most_per_day": most})
    zone, day = ZoneInfo(rules.time_zone), DAYS[rules.time_zone]
    free = slots(members, rules, within=within, now=now)
    left = slots(members, limited, within=within, now=now, booked=Booked(per_day={day: most}))
    assert left == [slot for slot in free if slot.starts_at.astimezone(zone).date() != day]
