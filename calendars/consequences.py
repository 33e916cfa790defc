"""What a changed setting would do to appointments that are booked already: nothing, and which ones stand out. Pure."""

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from calendars import availability, durations
from calendars.working_hours import DAY, WEEKDAYS, Hours, covers

SWITCHED_OFF = "The calendar would be off"
# Two zones that show the same time until then are the same to those who book.
LOOK_AHEAD = datetime.timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Promise:
    """What a confirmation says that its reader may do online, and until how long before the start."""

    may_move: bool = True
    may_cancel: bool = True
    deadline: datetime.timedelta = datetime.timedelta(hours=24)

    @property
    def verbs(self) -> list[str]:
        return ["move"] * self.may_move + ["cancel"] * self.may_cancel


@dataclass(frozen=True, slots=True)
class Setting:
    """Who hosts on a calendar and when: by the user's key, None for an unassigned calendar itself.

    `seats`, `length`: of each session of a class; None for every other kind. `tells_all`: whoever an appointment is
    made for reads `promise`, not only who booked it online.
    """

    hours: Mapping[int | None, Hours] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    is_active: bool = True
    seats: int | None = None
    promise: Promise = Promise()
    tells_all: bool = False
    length: datetime.timedelta | None = None

    @property
    def offers(self) -> Promise:
        """What visitors may do with what they booked: a calendar that is off has no time to move to."""
        return self.promise if self.is_active else replace(self.promise, may_move=False)


@dataclass(frozen=True, slots=True)
class Upcoming:
    """An appointment that lies ahead; `hosts` are users' keys. `made_by`: customer, staff or google.

    `people`: how many come with it, each on a seat of their own.
    """

    key: object
    starts_at: datetime.datetime
    ends_at: datetime.datetime
    hosts: tuple[int, ...] = ()
    made_by: str = "customer"
    people: int = 1


@dataclass(frozen=True, slots=True)
class Stands:
    """An appointment that stays although it no longer fits, and why it does not."""

    key: object
    why: str


def stand_out(upcoming: Iterable[Upcoming], before: Setting, after: Setting) -> Iterator[Stands]:
    """Those that fit `before` and would not fit `after`, in the order given. What stood out already is no news."""
    upcoming = list(upcoming)
    taken: Counter[tuple[datetime.datetime, datetime.datetime]] = Counter()
    for each in upcoming:
        taken[each.starts_at, each.ends_at] += max(each.people, 1)
    for each in upcoming:
        together = taken[each.starts_at, each.ends_at]
        why = (
            _why(each, before, after)
            or _too_many(together, before, after)
            or _off_offer(each, together, before, after)
        )
        if why:
            yield Stands(each.key, why)


def promised(upcoming: Iterable[Upcoming], before: Setting, after: Setting, *, now: datetime.datetime) -> int:
    """Of how many people were told, and could still do by now, what `after` would take from them."""
    if not broken_promise(before.offers, after.offers):
        return 0
    return sum(
        each.starts_at - before.promise.deadline > now and _was_told(each, before) for each in upcoming
    )


def broken_promise(before: Promise, after: Promise) -> str:
    """What was promised, and what would be left of it, in words; "" when nothing is taken away."""
    lost = [verb for verb in before.verbs if verb not in after.verbs]
    kept = [verb for verb in before.verbs if verb in after.verbs]
    is_sooner = bool(kept) and after.deadline > before.deadline
    if not lost and not is_sooner:
        return ""
    left = [f"could no longer {' or '.join(lost)} online"] if lost else []
    if is_sooner:
        left.append(f"could {' or '.join(kept)} only until {_before(after.deadline)}")
    return (
        f"Visitors were told: {' or '.join(before.verbs)} until {_before(before.deadline)}. "
        f"They {' and '.join(left)}."
    )


def moves_with(hours: Hours, zone: ZoneInfo, *, now: datetime.datetime) -> str:
    """How `hours` move when their clock times are told in `zone`, by the first of them; "" when none does."""
    ahead = int(now.timestamp()), int((now + LOOK_AHEAD).timestamp())
    there = replace(hours, zone=zone)
    if availability.working(hours.as_offered(), ahead) == availability.working(there.as_offered(), ahead):
        return ""
    weekdays = sorted(day for day, ranges in hours.week.items() if ranges)
    if not weekdays:
        return "The hours of its dates would move."
    first = hours.week[weekdays[0]][0]
    today = now.astimezone(zone).date()
    day = today + DAY * ((weekdays[0] - today.weekday()) % 7)
    starts, ends = (
        datetime.datetime.combine(day, clock, zone).astimezone(hours.zone)
        for clock in (first.starts, first.ends)
    )
    return (
        f"{WEEKDAYS[weekdays[0]]} {first} would be {WEEKDAYS[starts.weekday()]} {starts:%H:%M} to {ends:%H:%M} "
        f"on the clocks of {hours.zone.key}."
    )


def _before(deadline: datetime.timedelta) -> str:
    return f"{durations.words(deadline)} before the start" if deadline else "the start"


def _was_told(each: Upcoming, setting: Setting) -> bool:
    return each.made_by == "customer" or (setting.tells_all and each.made_by != "google")


def _too_many(taken: int, before: Setting, after: Setting) -> str:
    """Of a session all are named: who of them comes is for people to say."""
    if before.seats is None or after.seats is None or not after.seats < taken <= before.seats:
        return ""
    return f"{taken} are booked for {after.seats} seat{'s' * (after.seats != 1)}"


def _off_offer(each: Upcoming, taken: int, before: Setting, after: Setting) -> str:
    """A session is joined only where it is as long as its class: of another length, its free seats stay empty."""
    if before.length is None or after.length is None or after.seats is None:
        return ""
    if each.ends_at - each.starts_at != before.length or after.length == before.length:
        return ""
    if taken >= after.seats:
        return ""
    return f"Its free seats would not be offered: a class would last {durations.words(after.length)}"


def _why(each: Upcoming, before: Setting, after: Setting) -> str:
    if before.is_active and not after.is_active:
        return SWITCHED_OFF
    for host in each.hosts:
        if host in before.hours and host not in after.hours:
            return f"{before.names.get(host, 'The host')} would no longer be asked"
    # An unassigned calendar's own hours rule it, whoever its owner is.
    asked: tuple[int | None, ...] = (None,) if None in before.hours else each.hosts
    for key in asked:
        old, new = before.hours.get(key), after.hours.get(key)
        if old and new and _leaves(each, old, new):
            return f"Outside {_whose(after.names.get(key or 0))} new hours"
    return ""


def _leaves(each: Upcoming, old: Hours, new: Hours) -> bool:
    return covers(old, each.starts_at, each.ends_at) and not covers(new, each.starts_at, each.ends_at)


def _whose(name: str | None) -> str:
    return f"{name}’s" if name else "the"
