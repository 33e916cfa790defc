"""How calendars, their members and their hours change: the only functions that write them, and their rules."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.text import slugify

from calendars.configuring import NotAllowed, forget_default
from calendars.models import Calendar, DateOverride, Membership, WeeklyHours
from calendars.stored_hours import Owner
from calendars.working_hours import Range, Week
from contacts.models import User

Kind = Calendar.Kind

# In the order of their form.
SETTINGS = (
    "name",
    "slug",
    "description",
    "colour",
    "kind",
    "location",
    "uses_google_meet",
    "time_zone",
    "duration",
    "interval",
    "buffer_before",
    "buffer_after",
    "minimum_notice",
    "horizon_days",
    "most_per_day",
    "seats",
    "keeps_owner",
    "confirms_automatically",
    "allows_reschedule",
    "allows_cancel",
    "change_deadline",
    "invites_through_google",
    "notices",
    "most_guests",
    "consent",
)
# Settings that one kind alone uses, and what they are for all others.
ONLY_FOR: Mapping[str, tuple[str, object]] = {
    "seats": (Kind.CLASS, 1),
    "keeps_owner": (Kind.ROUND_ROBIN, False),
}
ONE_HOST = (Kind.PERSONAL, Kind.CLASS)
# book/appointments/… is the page of an appointment.
RESERVED_SLUGS = {"appointments"}
KIND_IS_LOCKED = (
    "The kind cannot change any more: appointments exist, and it decides who hosts them. "
    "Make a new calendar and switch this one off."
)
KEPT_FOR_ITS_APPOINTMENTS = (
    "It has appointments, and those are never deleted. Switch it off instead: nobody can book it then."
)


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody on the team of a calendar; lower priority is asked first."""

    user: User
    priority: int = 0
    is_active: bool = True


def has_locked_kind(calendar: Calendar) -> bool:
    """Whether appointments exist, of any status, so that its kind stays what it is."""
    return calendar.pk is not None and calendar.appointments.exists()


def check(calendar: Calendar, members: Sequence[Member] | None = None) -> None:
    """Raises NotAllowed if `calendar` as it is now, with `members` (None: not looked at), breaks a rule."""
    if calendar.pk is not None:
        stored = Calendar.objects.values_list("kind", flat=True).get(pk=calendar.pk)
        if stored != calendar.kind and has_locked_kind(calendar):
            raise NotAllowed("kind", KIND_IS_LOCKED)
    if members is not None and calendar.kind in ONE_HOST and sum(each.is_active for each in members) > 1:
        what = calendar.get_kind_display().lower()
        raise NotAllowed(
            "members", f"A {what} calendar has one host. Leave one member active, or choose another kind."
        )


@transaction.atomic
def save_calendar(calendar: Calendar, members: Sequence[Member] | None = None) -> Calendar:
    """Store `calendar` (new, or a row whose settings were changed), and make `members` its team unless None.

    What its kind does not use goes to its default. A removed member's hours go with them; appointments stay as they
    are. Raises NotAllowed.
    """
    check(calendar, members)
    for name, (kind, otherwise) in ONLY_FOR.items():
        if calendar.kind != kind:
            setattr(calendar, name, otherwise)
    calendar.save(update_fields=SETTINGS if calendar.pk else None)
    if members is not None and not calendar.is_unassigned:
        _save_members(calendar, members)
    return calendar


def _save_members(calendar: Calendar, members: Sequence[Member]) -> None:
    calendar.memberships.exclude(user__in=[each.user for each in members]).delete()
    for each in members:
        Membership.objects.update_or_create(
            calendar=calendar,
            user=each.user,
            defaults={"priority": each.priority, "is_active": each.is_active},
        )


def switch(calendar: Calendar, *, on: bool) -> None:
    """Off: customers cannot book it, and nobody files on it. Appointments stay as they are."""
    calendar.is_active = on
    calendar.save(update_fields=["is_active"])


@transaction.atomic
def delete_calendar(calendar: Calendar) -> None:
    """Delete it, if it never had an appointment; who filed on it falls back to blocking. Raises NotAllowed."""
    if has_locked_kind(calendar):
        raise NotAllowed("calendar", KEPT_FOR_ITS_APPOINTMENTS)
    forget_default(calendar)
    calendar.delete()


def free_slug(name: str, *, but: Calendar | None = None) -> str:
    """The last part of a booking page's address made from `name`, that no other calendar has."""
    base = slugify(name)[:40].strip("-") or "calendar"
    others = Calendar.objects.filter(slug__startswith=base)
    if but is not None:
        others = others.exclude(pk=but.pk)
    taken = {*others.values_list("slug", flat=True), *RESERVED_SLUGS}
    slug, number = base, 2
    while slug in taken:
        slug, number = f"{base}-{number}", number + 1
    return slug


@transaction.atomic
def save_week(owner: Owner, week: Week) -> None:
    """Make `week` the weekly hours of `owner`. Dates that differ stay."""
    WeeklyHours.objects.filter(**_of(owner)).delete()
    WeeklyHours.objects.bulk_create(
        WeeklyHours(weekday=weekday, starts=each.starts, ends=each.ends, **_of(owner))
        for weekday, ranges in week.items()
        for each in ranges
    )


@transaction.atomic
def save_dates(owner: Owner, days: Iterable[datetime.date], ranges: Sequence[Range]) -> None:
    """Have each of `days` these hours alone, whatever the week says; no range: closed. Replaces what was there."""
    days = list(days)
    forget_dates(owner, days)
    closed: list[tuple[datetime.time | None, datetime.time | None]] = [(None, None)]
    times = [(each.starts, each.ends) for each in ranges] or closed
    DateOverride.objects.bulk_create(
        DateOverride(on=day, starts=starts, ends=ends, **_of(owner)) for day in days for starts, ends in times
    )


def forget_dates(owner: Owner, days: Iterable[datetime.date]) -> int:
    """The week rules on `days` again. Returns how many entries went."""
    return DateOverride.objects.filter(on__in=list(days), **_of(owner)).delete()[0]


def _of(owner: Owner) -> dict[str, Owner]:
    return {"membership" if isinstance(owner, Membership) else "calendar": owner}
