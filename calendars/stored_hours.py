"""The hours of a member, or of an unassigned calendar, from their rows."""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from django.db.models import Prefetch

from calendars.models import Calendar, CalendarConfiguration, DateOverride, Membership, WeeklyHours
from calendars.working_hours import Hours, Range
from contacts.time_zones import zone_or_none

UTC = ZoneInfo("UTC")
# Whose hours: a member's, or an unassigned calendar's own.
Owner = Membership | Calendar


def hours_of(owner: Owner, calendar: Calendar | None = None) -> Hours:
    """The stored hours of `owner`, in their zone: the member's own, else the calendar's."""
    calendar = calendar or (owner.calendar if isinstance(owner, Membership) else owner)
    week: dict[int, list[Range]] = defaultdict(list)
    dates: dict[datetime.date, list[Range]] = defaultdict(list)
    for row in owner.weeklyhours_set.all():
        week[row.weekday].append(Range(row.starts, row.ends))
    for override in owner.dateoverride_set.all():
        dates[override.on] += (
            [Range(override.starts, override.ends)] if override.starts and override.ends else []
        )
    name = zone_name(owner, calendar)
    return Hours(
        zone_or_none(name) or UTC,
        {day: tuple(ranges) for day, ranges in week.items()},
        {day: tuple(ranges) for day, ranges in dates.items()},
    )


def zone_name(owner: Owner, calendar: Calendar) -> str:
    """The zone in which the hours of `owner` are told."""
    if isinstance(owner, Membership):
        own: CalendarConfiguration | None = getattr(owner.user, "calendar_configuration", None)
        return own.time_zone if own else calendar.time_zone
    return calendar.time_zone


def hours_rows() -> Iterable[Prefetch[str]]:
    yield Prefetch("weeklyhours_set", WeeklyHours.objects.all())
    yield Prefetch("dateoverride_set", DateOverride.objects.all())
