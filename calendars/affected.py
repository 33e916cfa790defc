"""Which appointments a changed calendar would leave standing out, read before it is saved. Nothing is changed here."""

import datetime
from collections.abc import Collection
from dataclasses import dataclass, replace

from calendars.consequences import Setting, Upcoming, stand_out
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
    """How many appointments stand out, the first of them, and whose default calendar it would no longer be."""

    count: int = 0
    rows: tuple[Row, ...] = ()
    files_no_more: tuple[User, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.count or self.files_no_more)


def affected(
    calendar: Calendar, before: Setting, after: Setting, *, viewer: User, now: datetime.datetime
) -> Affected:
    """What `after` would mean for the upcoming appointments of `calendar`. At most six statements."""
    if before == after:
        return Affected()
    rows = calendar.appointments.standing().filter(starts_at__gt=now).prefetch_related("hosts")
    found = list(stand_out(map(_upcoming, rows), before, after))
    shown = with_privacy(Appointment.objects.select_related("contact"), viewer).prefetch_related(
        "contact__emails"
    )
    by_key = shown.in_bulk([each.key for each in found[:MOST_SHOWN]])
    return Affected(
        count=len(found),
        rows=tuple(_row(by_key[each.key], each.why) for each in found[:MOST_SHOWN]),
        files_no_more=_file_no_more(calendar, before, after),
    )


def _upcoming(row: Appointment) -> Upcoming:
    return Upcoming(row.pk, row.starts_at, row.ends_at, tuple(host.user_id for host in row.hosts.all()))


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
    if calendar.is_unassigned:
        return Setting({None: hours_of(calendar)}, is_active=calendar.is_active)
    rows = Membership.objects.filter(calendar=calendar.pk).select_related("user__calendar_configuration")
    rows = rows.filter(is_active=True) if active is None else rows.filter(user__in=active)
    members = list(rows.prefetch_related(*hours_rows()))
    return Setting(
        {member.user_id: hours_of(member, calendar) for member in members},
        {member.user_id: str(member.user) for member in members},
        calendar.is_active,
    )


def with_hours(setting: Setting, owner: Owner, hours: Hours) -> Setting:
    """`setting` with other hours of `owner`; unchanged for a member who is not asked."""
    key = owner.user_id if isinstance(owner, Membership) else None
    if key not in setting.hours:
        return setting
    return replace(setting, hours={**setting.hours, key: hours})
