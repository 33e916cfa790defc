"""What the tests of Settings → Calendars start from: who may, what a browser posts, hours."""

import datetime
from typing import Any

from django.contrib.auth.models import Permission
from django.test import Client

from calendars.calendar_forms import drawn_from
from calendars.models import Calendar, Membership, WeeklyHours
from contacts.models import User
from tests.factories import CalendarFactory, MembershipFactory, UserFactory

CALENDARS = "/settings/calendars/"


def manager() -> User:
    """Somebody who may set calendars up, and is no admin."""
    user = UserFactory.create()
    names = ["add_calendar", "change_calendar"]
    user.user_permissions.set(
        Permission.objects.filter(codename__in=names, content_type__app_label="calendars")
    )
    return user


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def member_of(calendar: Calendar | None = None, **fields: Any) -> Membership:
    """A member who works Monday to Friday from nine to five."""
    membership = MembershipFactory.create(calendar=calendar or CalendarFactory.create(), **fields)
    works(membership)
    return membership


def works(owner: Membership | Calendar, starts: int = 9, ends: int = 17, days: range = range(5)) -> None:
    field = "membership" if isinstance(owner, Membership) else "calendar"
    WeeklyHours.objects.bulk_create(
        WeeklyHours(
            weekday=day, starts=datetime.time(starts), ends=datetime.time(ends % 24), **{field: owner}
        )
        for day in days
    )


def posted(calendar: Calendar | None = None, **changed: Any) -> dict[str, Any]:
    """What a browser sends for an untouched form of `calendar` (None: a new one), and then `changed`.

    `team`: (user, priority, is_active, removed) for each row; else as stored.
    """
    fields: dict[str, Any] = {
        "drawn_from": drawn_from_now(calendar) if calendar else "",
        "name": calendar.name if calendar else "First visit",
        "slug": calendar.slug if calendar else "",
        "colour": "#2f6fde",
        "kind": calendar.kind if calendar else "personal",
        "time_zone": calendar.time_zone if calendar else "UTC",
        "duration": "30 min",
        "buffer_before": "0 min",
        "buffer_after": "0 min",
        "minimum_notice": "4 h",
        "horizon_days": "60",
        "seats": "1",
        "allows_reschedule": "on",
        "allows_cancel": "on",
        "change_deadline": "1 d",
        "notices": "customers",
        "most_guests": "3",
        "consent": "I agree.",
    }
    stored = calendar.memberships.all() if calendar else ()
    team = changed.pop("team", [(row.user, row.priority, row.is_active, False) for row in stored])
    return {**fields, **rows_of(team), **changed}


def drawn_from_now(calendar: Calendar) -> str:
    """What a page of `calendar` that is drawn now remembers of it."""
    stored = Calendar.objects.get(pk=calendar.pk)
    return drawn_from(stored, {row.user_id: row for row in stored.memberships.all()})


def rows_of(team: list[tuple[User, int, bool, bool]]) -> dict[str, Any]:
    rows: dict[str, Any] = {"members-TOTAL_FORMS": len(team) + 1, "members-INITIAL_FORMS": len(team)}
    for place, (user, priority, is_active, is_removed) in enumerate(team):
        row = {"user": user.pk, "priority": priority}
        row |= {"is_active": "on"} if is_active else {}
        row |= {"remove": "on"} if is_removed else {}
        rows |= {f"members-{place}-{name}": value for name, value in row.items()}
    # The empty row at the end, as a browser sends it.
    return rows | {f"members-{len(team)}-user": "", f"members-{len(team)}-is_active": "on"}


def week(**days: list[tuple[str, str]]) -> dict[str, Any]:
    """A posted week: week(monday=[("09:00", "17:00")])."""
    names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    sent: dict[str, Any] = {"week": "1"}
    for place, name in enumerate(names):
        rows = days.get(name, [("", "")])
        sent[f"day-{place}-starts"] = [starts for starts, _ in rows]
        sent[f"day-{place}-ends"] = [ends for _, ends in rows]
    return sent


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())
