"""What a changed setting would do to appointments that are booked already: nothing, and which ones stand out. Pure."""

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from calendars.working_hours import Hours, covers

SWITCHED_OFF = "The calendar would be off"


@dataclass(frozen=True, slots=True)
class Setting:
    """Who hosts on a calendar and when: by the user's key, None for an unassigned calendar itself."""

    hours: Mapping[int | None, Hours] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Upcoming:
    """An appointment that lies ahead; `hosts` are users' keys."""

    key: object
    starts_at: datetime.datetime
    ends_at: datetime.datetime
    hosts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Stands:
    """An appointment that stays although it no longer fits, and why it does not."""

    key: object
    why: str


def stand_out(upcoming: Iterable[Upcoming], before: Setting, after: Setting) -> Iterator[Stands]:
    """Those that fit `before` and would not fit `after`, in the order given. What stood out already is no news."""
    for each in upcoming:
        why = _why(each, before, after)
        if why:
            yield Stands(each.key, why)


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
