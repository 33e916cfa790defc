"""Who hosts an appointment, and whether those people are busy."""

import datetime
from collections.abc import Sequence

from django.db.models import Count, Max, Q
from django.utils import timezone

from calendars.models import BlockedTime, Calendar, GoogleEvent
from contacts.models import Appointment, User

Kind = Calendar.Kind


def hosts_for(
    calendar: Calendar, owner: User, starts_at: datetime.datetime, ends_at: datetime.datetime
) -> list[User]:
    """The hosts a new appointment gets by the calendar's kind; its owner when the calendar has no members."""
    if calendar.is_unassigned:
        return [calendar.owner or owner]
    members = list(
        User.objects.filter(memberships__calendar=calendar, memberships__is_active=True).order_by(
            "memberships__priority", "memberships__pk"
        )
    )
    if not members:
        return [owner]
    if calendar.kind == Kind.COLLECTIVE:
        return members
    if owner in members:
        return [owner]
    return [next_in_turn(calendar, starts_at, ends_at) if calendar.kind == Kind.ROUND_ROBIN else members[0]]


def next_in_turn(calendar: Calendar, starts_at: datetime.datetime, ends_at: datetime.datetime) -> User:
    """Round robin: of the members who are free, by priority, then fewest upcoming, then longest idle."""
    now = timezone.now()
    upcoming = Q(hosted__appointment__starts_at__gte=now) & ~Q(
        hosted__appointment__status__in=Appointment.VOID_STATUSES
    )
    members = list(
        User.objects.filter(memberships__calendar=calendar, memberships__is_active=True)
        .annotate(
            upcoming=Count("hosted", filter=upcoming, distinct=True),
            last_given=Max("hosted__appointment__created_at"),
        )
        .order_by("memberships__priority", "upcoming", "last_given", "pk")
    )
    busy = busy_users(members, starts_at, ends_at)
    return next((member for member in members if member.pk not in busy), members[0])


def lock(users: Sequence[User]) -> None:
    """Hold these users' rows until the transaction ends, in a fixed order so that two bookings cannot deadlock."""
    list(
        User.objects.select_for_update(of=("self",))
        .filter(pk__in=[user.pk for user in users])
        .order_by("pk")
        .values_list("pk")
    )


def is_busy(
    users: Sequence[User],
    starts_at: datetime.datetime,
    ends_at: datetime.datetime,
    *,
    but: Appointment | None = None,
) -> bool:
    """Whether one of `users` is taken then; `but` is not counted."""
    return bool(busy_users(users, starts_at, ends_at, but=but))


def busy_users(
    users: Sequence[User],
    starts_at: datetime.datetime,
    ends_at: datetime.datetime,
    *,
    but: Appointment | None = None,
) -> set[int]:
    """Pks of those with an appointment, blocked time or busy Google event that overlaps. Three statements."""
    pks = [user.pk for user in users]
    appointments = Appointment.objects.standing().overlapping(starts_at, ends_at).filter(hosts__user__in=pks)
    blocked = BlockedTime.objects.filter(user__in=pks, starts_at__lt=ends_at, ends_at__gt=starts_at)
    events = GoogleEvent.objects.blocking(starts_at, ends_at).filter(google_calendar__account__user__in=pks)
    if but is not None:
        appointments = appointments.exclude(pk=but.pk)
        events = events.exclude(appointment=but)
    return {
        *appointments.values_list("hosts__user", flat=True),
        *blocked.values_list("user", flat=True),
        *events.values_list("google_calendar__account__user", flat=True),
    } & set(pks)
