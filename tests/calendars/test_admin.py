"""The admin's part of setting calendars up: the same rules as on the Calendars page."""

import datetime
from typing import Any

import pytest
from django.test import Client

from calendars.models import Calendar, CalendarConfiguration, Membership, WeeklyHours
from contacts.models import User
from tests.calendars.settings_pages import member_of, text, works
from tests.desk import booked
from tests.factories import CalendarFactory, ConfigurationFactory, UserFactory

pytestmark = pytest.mark.django_db
CALENDARS = "/admin/calendars/calendar/"
Kind = Calendar.Kind


@pytest.fixture
def desk() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@x.org", "correct horse"))
    return client


def sent(calendar: Calendar, **changed: Any) -> dict[str, Any]:
    """An untouched change page of a group calendar, and then `changed`."""
    rows = list(calendar.memberships.all())
    inline: dict[str, Any] = {"memberships-TOTAL_FORMS": len(rows), "memberships-INITIAL_FORMS": len(rows)}
    for place, row in enumerate(rows):
        values = {
            "id": row.pk,
            "calendar": calendar.pk,
            "user": row.user_id,
            "priority": 0,
            "is_active": "on",
        }
        inline |= {f"memberships-{place}-{name}": value for name, value in values.items()}
    return {
        "name": calendar.name,
        "slug": calendar.slug,
        "kind": calendar.kind,
        "colour": calendar.colour,
        "time_zone": "UTC",
        "duration": "30 min",
        "buffer_before": "0",
        "buffer_after": "0",
        "minimum_notice": "4 h",
        "horizon_days": "60",
        "seats": "1",
        "change_deadline": "1 d",
        "most_guests": "3",
        "notices": "customers",
        **inline,
        **changed,
    }


def change(calendar: Calendar) -> str:
    return f"{CALENDARS}{calendar.pk}/change/"


def test_lengths_are_typed_and_shown_as_people_say_them(desk: Client) -> None:
    calendar = member_of().calendar
    assert 'value="4 h"' in text(desk.get(change(calendar)))
    assert desk.post(change(calendar), sent(calendar, duration="1 h 30 min")).status_code == 302
    calendar.refresh_from_db()
    assert calendar.duration == datetime.timedelta(minutes=90)
    assert "is no length of time" in text(desk.post(change(calendar), sent(calendar, duration="soon")))


def test_the_kind_is_locked_once_appointments_exist(desk: Client) -> None:
    member = member_of()
    booked(member.user, calendar=member.calendar)
    desk.post(change(member.calendar), sent(member.calendar, kind="collective", name="Renamed"))
    member.calendar.refresh_from_db()
    assert (member.calendar.kind, member.calendar.name) == ("personal", "Renamed")


def test_what_a_kind_does_not_use_goes_to_its_default_here_too(desk: Client) -> None:
    calendar = member_of(CalendarFactory.create(kind=Kind.CLASS, seats=8)).calendar
    desk.post(change(calendar), sent(calendar, kind="personal", seats="8"))
    calendar.refresh_from_db()
    assert (calendar.kind, calendar.seats) == ("personal", 1)


def test_a_calendar_with_appointments_is_not_deleted_and_one_without_is(desk: Client) -> None:
    used = member_of()
    booked(used.user, calendar=used.calendar)
    unused = member_of()
    ConfigurationFactory.create(
        user=unused.user, default_calendar=unused.calendar, allow_contact_creation=True
    )
    assert desk.post(f"{CALENDARS}{used.calendar.pk}/delete/", {"post": "yes"}).status_code == 403
    desk.post(f"{CALENDARS}{unused.calendar.pk}/delete/", {"post": "yes"})
    assert list(Calendar.objects.all()) == [used.calendar]
    stored = CalendarConfiguration.objects.get(user=unused.user)
    assert (stored.default_calendar, stored.allow_contact_creation) == (None, False)


def test_deleting_several_at_once_keeps_those_with_appointments_and_says_so(desk: Client) -> None:
    used, unused = member_of(), member_of()
    booked(used.user, calendar=used.calendar)
    chosen = {
        "action": "delete_selected",
        "_selected_action": [used.calendar.pk, unused.calendar.pk],
        "post": "yes",
    }
    page = text(desk.post(CALENDARS, chosen, follow=True))
    assert used.calendar in Calendar.objects.all()
    assert "appointment" in page


def test_calendars_are_switched_off_and_on_by_actions(desk: Client) -> None:
    calendar = CalendarFactory.create()
    for action, is_on in (("switch_off", False), ("switch_on", True)):
        desk.post(CALENDARS, {"action": action, "_selected_action": [calendar.pk]})
        calendar.refresh_from_db()
        assert calendar.is_active == is_on


def test_a_second_active_member_of_a_personal_calendar_is_refused_on_both_pages(desk: Client) -> None:
    member, other = member_of(), UserFactory.create()
    rows = {
        "memberships-TOTAL_FORMS": 2,
        "memberships-1-user": other.pk,
        "memberships-1-calendar": member.calendar.pk,
        "memberships-1-priority": 0,
        "memberships-1-is_active": "on",
    }
    page = text(desk.post(change(member.calendar), sent(member.calendar, **rows)))
    assert "A personal calendar has one host." in page
    alone = {"calendar": member.calendar.pk, "user": other.pk, "priority": "0", "is_active": "on"}
    page = text(desk.post("/admin/calendars/membership/add/", {**alone, **no_hours()}))
    assert "A personal calendar has one host." in page
    assert Membership.objects.count() == 1


def no_hours() -> dict[str, Any]:
    return {
        f"{prefix}-{count}_FORMS": 0
        for prefix in ("weeklyhours_set", "dateoverride_set")
        for count in ("TOTAL", "INITIAL")
    }


def test_overlapping_hours_are_refused_with_the_day(desk: Client) -> None:
    member = member_of()
    works(member, 16, 20, range(1))
    stored = WeeklyHours.objects.filter(membership=member).order_by("pk")
    rows: dict[str, Any] = {"weeklyhours_set-TOTAL_FORMS": 6, "weeklyhours_set-INITIAL_FORMS": 6}
    for place, row in enumerate(stored):
        values = {
            "id": row.pk,
            "membership": member.pk,
            "weekday": row.weekday,
            "starts": row.starts,
            "ends": row.ends,
        }
        rows |= {f"weeklyhours_set-{place}-{name}": value for name, value in values.items()}
    whole = {
        "calendar": member.calendar_id,
        "user": member.user_id,
        "priority": "0",
        "is_active": "on",
        **no_hours(),
        **rows,
    }
    page = text(desk.post(f"/admin/calendars/membership/{member.pk}/change/", whole))
    assert "Monday: Overlaps 09:00 to 17:00." in page


def test_a_date_that_is_closed_and_open_is_refused(desk: Client) -> None:
    member = member_of()
    dates = {
        "dateoverride_set-TOTAL_FORMS": 2,
        "dateoverride_set-0-on": "2026-12-24",
        "dateoverride_set-1-on": "2026-12-24",
        "dateoverride_set-1-starts": "09:00",
        "dateoverride_set-1-ends": "12:00",
    }
    whole = {
        "calendar": member.calendar_id,
        "user": member.user_id,
        "priority": "0",
        "is_active": "on",
        **no_hours(),
        **dates,
    }
    page = text(desk.post(f"/admin/calendars/membership/{member.pk}/change/", whole))
    assert "2026-12-24: It cannot be closed and open." in page


@pytest.mark.parametrize("model", ["calendar", "membership", "weeklyhours", "dateoverride"])
def test_the_lists_open(desk: Client, model: str) -> None:
    member_of()
    assert desk.get(f"/admin/calendars/{model}/").status_code == 200


def test_an_unassigned_calendar_shows_its_own_hours(desk: Client) -> None:
    room = CalendarFactory.create(kind=Kind.UNASSIGNED)
    works(room)
    page = text(desk.get(change(room)))
    assert "weeklyhours_set-0-starts" in page
    assert "memberships-0-user" not in page
