"""Which appointments a changed calendar would leave standing out, read before it is saved. Nothing is changed here."""

import datetime
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from django.db.models import Count, QuerySet

from calendars.consequences import (
    Promise,
    Setting,
    Upcoming,
    broken_promise,
    moves_with,
    promised,
    stand_out,
)
from calendars.models import Calendar, CalendarConfiguration, Membership
from calendars.stored_hours import Owner, hours_of, hours_rows
from calendars.working_hours import Hours
from contacts.models import Appointment, User
from contacts.privacy import hides, with_privacy

MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Row:
    """An appointment that stays although it would no longer fit. `name` is "" where the viewer sees the time only."""

    appointment: Appointment
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Affected:
    """How many appointments stand out and the first of them; of how many something was promised that would not be
    kept, and what; whose default calendar it would no longer be."""

    count: int = 0
    rows: tuple[Row, ...] = ()
    promised: int = 0
    promise: str = ""
    files_no_more: tuple[User, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.count or self.promised or self.files_no_more)

    @property
    def more(self) -> int:
        """How many stand out beside `rows`."""
        return self.count - len(self.rows)


def affected(
    calendar: Calendar, before: Setting, after: Setting, *, viewer: User, now: datetime.datetime
) -> Affected:
    """What `after` would mean for the upcoming appointments of `calendar`. At most six statements."""
    if before == after:
        return Affected()
    ahead = calendar.appointments.standing().filter(starts_at__gt=now).order_by("starts_at", "pk")
    rows = ahead.annotate(people=Count("guests")).prefetch_related("hosts")
    upcoming = list(map(_upcoming, rows))
    found = list(stand_out(upcoming, before, after))
    shown = with_privacy(Appointment.objects.select_related("contact"), viewer).prefetch_related(
        "contact__emails"
    )
    by_key = shown.in_bulk([each.key for each in found[:MOST_SHOWN]])
    return Affected(
        count=len(found),
        rows=tuple(_row(by_key[each.key], each.why) for each in found[:MOST_SHOWN]),
        promised=promised(upcoming, before, after, now=now),
        promise=broken_promise(before.offers, after.offers),
        files_no_more=_file_no_more(calendar, before, after),
    )


def _upcoming(row: Appointment) -> Upcoming:
    hosts = tuple(host.user_id for host in row.hosts.all())
    return Upcoming(row.pk, row.starts_at, row.ends_at, hosts, row.origin, row.people)  # type: ignore[attr-defined]  # annotated above


def _row(appointment: Appointment, why: str) -> Row:
    return Row(appointment, "" if hides(appointment) else appointment.contact.name, why)


def _file_no_more(calendar: Calendar, before: Setting, after: Setting) -> tuple[User, ...]:
    lost = (before.hours.keys() if before.is_active else set()) - (
        after.hours.keys() if after.is_active else set()
    )
    rows = CalendarConfiguration.objects.filter(
        default_calendar=calendar, user__in=[key for key in lost if key]
    )
    return tuple(row.user for row in rows.select_related("user") if row.user)


def setting_of(calendar: Calendar, *, active: Collection[int] | None = None) -> Setting:
    """`calendar` as it stands on this row, saved or not, with its stored hours; `active`: only these users host."""
    if calendar.pk is None:
        return Setting()
    rows = Membership.objects.filter(calendar=calendar.pk)
    if calendar.is_unassigned:
        rows = rows.none()
    return _setting(
        calendar, _with_hours(rows.filter(is_active=True) if active is None else rows.filter(user__in=active))
    )


def settings_of(calendars: Iterable[Calendar]) -> dict[int, Setting]:
    """All of them as they are stored, by key. At most seven statements."""
    keys = [calendar.pk for calendar in calendars]
    stored = Calendar.objects.filter(pk__in=keys).prefetch_related(*hours_rows())
    team: dict[int, list[Membership]] = {key: [] for key in keys}
    for row in _with_hours(Membership.objects.filter(calendar__in=keys, is_active=True)):
        team[row.calendar_id].append(row)
    return {
        calendar.pk: _setting(calendar, [] if calendar.is_unassigned else team[calendar.pk])
        for calendar in stored
    }


def _with_hours(rows: QuerySet[Membership]) -> QuerySet[Membership]:
    # Who is deactivated is asked for nothing: leaving them out is no news.
    rows = rows.filter(user__is_active=True).select_related("user__calendar_configuration")
    return rows.prefetch_related(*hours_rows())


def _setting(calendar: Calendar, members: Iterable[Membership]) -> Setting:
    members = list(members)
    hours: dict[int | None, Hours] = {member.user_id: hours_of(member, calendar) for member in members}
    return Setting(
        {None: hours_of(calendar)} if calendar.is_unassigned else hours,
        {member.user_id: str(member.user) for member in members},
        calendar.is_active,
        calendar.seats if calendar.kind == Calendar.Kind.CLASS else None,
        Promise(calendar.allows_reschedule, calendar.allows_cancel, calendar.change_deadline),
        calendar.notices == Calendar.Notices.ALL,
        calendar.duration if calendar.kind == Calendar.Kind.CLASS else None,
    )


def with_hours(setting: Setting, owner: Owner, hours: Hours) -> Setting:
    """`setting` with other hours of `owner`; unchanged for a member who is not asked."""
    return _rehoured(setting, owner.user_id if isinstance(owner, Membership) else None, hours)


def _rehoured(setting: Setting, key: int | None, hours: Hours) -> Setting:
    if key not in setting.hours:
        return setting
    return replace(setting, hours={**setting.hours, key: hours})


@dataclass(frozen=True, slots=True)
class Moved:
    """A calendar in which a person's hours move with their time zone: how, in words, and what that means."""

    calendar: Calendar
    words: str
    affected: Affected


def moved_by_zone(user: User, zone: ZoneInfo, *, viewer: User, now: datetime.datetime) -> list[Moved]:
    """What another zone in the configuration of `user` would mean in each calendar they host on."""
    rows = Calendar.objects.active().group().filter(memberships__user=user, memberships__is_active=True)
    calendars = {calendar.pk: calendar for calendar in rows}
    found = []
    for key, before in settings_of(calendars.values()).items():
        calendar, hours = calendars[key], before.hours[user.pk]
        words = moves_with(hours, zone, now=now)
        if words:
            after = _rehoured(before, user.pk, replace(hours, zone=zone))
            found.append(Moved(calendar, words, affected(calendar, before, after, viewer=viewer, now=now)))
    return found
