"""Who hosts an appointment, and whether those people are busy."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Max, Min, Q
from django.utils import timezone

from calendars.models import BlockedTime, Calendar, GoogleEvent
from contacts.models import Appointment, User

Kind = Calendar.Kind


@dataclass(frozen=True, slots=True)
class Assigned:
    """Who hosts a new appointment; `why` says it where one of several was chosen, else ""."""

    hosts: list[User]
    why: str = ""


def assigned(
    calendar: Calendar, owner: User, starts_at: datetime.datetime, ends_at: datetime.datetime
) -> Assigned:
    """The hosts by the calendar's kind; `owner` when the calendar has no members, or is one of them."""
    if calendar.is_unassigned:
        return Assigned([calendar.owner or owner])
    members = list(
        User.objects.filter(
            memberships__calendar=calendar, memberships__is_active=True, is_active=True
        ).order_by("memberships__priority", "memberships__pk")
    )
    if not members:
        return Assigned([owner])
    if calendar.kind == Kind.COLLECTIVE:
        return Assigned(members)
    if owner in members:
        return Assigned([owner])
    if calendar.kind != Kind.ROUND_ROBIN:
        return Assigned(members[:1])
    # Whose turn it is of the members who are free, or of all where nobody is.
    busy = busy_users(members, starts_at, ends_at)
    free = [member for member in members if member.pk not in busy]
    choice = choose(calendar, free or members)
    return Assigned([choice.user], choice.why if free else f"Nobody was free: {choice.user} is next in turn.")


def hosts_for(
    calendar: Calendar, owner: User, starts_at: datetime.datetime, ends_at: datetime.datetime
) -> list[User]:
    """The hosts a new appointment gets; see `assigned`."""
    return assigned(calendar, owner, starts_at, ends_at).hosts


@dataclass(frozen=True, slots=True)
class Choice:
    """Who hosts, and why: words for the appointment's page."""

    user: User
    why: str


def choose(calendar: Calendar, free: Sequence[User], *, contact_owner: User | None = None) -> Choice:
    """Of `free` (at least one) who is next: by priority, then fewest upcoming, then longest idle. One statement.

    `contact_owner`, where the calendar keeps a contact with their owner, comes first.
    """
    if calendar.keeps_owner and contact_owner in free and contact_owner is not None:
        return Choice(contact_owner, f"{contact_owner} looks after this contact, and was free.")
    upcoming = Q(hosted__appointment__starts_at__gte=timezone.now()) & ~Q(
        hosted__appointment__status__in=Appointment.VOID_STATUSES
    )
    ranked = (
        User.objects.filter(pk__in=[user.pk for user in free], memberships__calendar=calendar)
        .annotate(
            priority=Min("memberships__priority", filter=Q(memberships__calendar=calendar)),
            upcoming=Count("hosted", filter=upcoming, distinct=True),
            last_given=Max("hosted__appointment__created_at"),
        )
        .order_by("priority", "upcoming", F("last_given").asc(nulls_first=True), "pk")
    )
    first, *others = ranked
    return Choice(first, _why_chosen(first, others))


def _why_chosen(first: Any, others: Sequence[Any]) -> str:
    if not others:
        return f"{first} was the only one free."
    second = others[0]
    if first.priority != second.priority:
        return f"{first} was free and comes first by priority."
    if first.upcoming != second.upcoming:
        return f"{first} was free with the fewest upcoming appointments ({first.upcoming})."
    return f"{first} was free and had waited longest for an appointment."


def lock(users: Sequence[User]) -> None:
    """Hold these users' rows until the transaction ends, in a fixed order so that two bookings cannot deadlock.

    Rows that point at them may be written meanwhile: a pull does not wait for a booking.
    """
    list(
        User.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in=[user.pk for user in users])
        .order_by("pk")
        .values_list("pk")
    )


def busy_users(users: Sequence[User], starts_at: datetime.datetime, ends_at: datetime.datetime) -> set[int]:
    """Pks of those with an appointment, blocked time or busy Google event that overlaps. Three statements."""
    pks = [user.pk for user in users]
    appointments = Appointment.objects.standing().overlapping(starts_at, ends_at).filter(hosts__user__in=pks)
    blocked = BlockedTime.objects.filter(user__in=pks, starts_at__lt=ends_at, ends_at__gt=starts_at)
    events = GoogleEvent.objects.blocking(starts_at, ends_at).filter(google_calendar__account__user__in=pks)
    return {
        *appointments.values_list("hosts__user", flat=True),
        *blocked.values_list("user", flat=True),
        *events.values_list("google_calendar__account__user", flat=True),
    } & set(pks)
