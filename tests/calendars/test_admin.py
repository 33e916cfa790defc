"""The admin's part of setting calendars up: the same rules as on the Calendars page."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.test import Client

from calendars.models import Calendar, CalendarConfiguration, Membership, WeeklyHours
from contacts.models import Origin, User
from tests.calendars.settings_pages import member_of, text, works
from tests.desk import HOUR, NOW, booked
from tests.factories import CalendarFactory, ConfigurationFactory, MembershipFactory, UserFactory

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
    desk.post(f"{CALENDARS}{unused.calendar.pk}/delete/", {"post": "yes", "anyway": "1"})
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


def test_more_times_a_day_than_the_page_takes_are_refused(desk: Client) -> None:
    member = member_of()
    rows: dict[str, Any] = {"weeklyhours_set-TOTAL_FORMS": 13}
    for hour in range(13):
        values = {"weekday": 6, "starts": f"{hour:02}:00", "ends": f"{hour:02}:30"}
        rows |= {f"weeklyhours_set-{hour}-{name}": value for name, value in values.items()}
    own = {"calendar": member.calendar_id, "user": member.user_id, "priority": "0", "is_active": "on"}
    page = text(desk.post(f"/admin/calendars/membership/{member.pk}/change/", {**own, **no_hours(), **rows}))
    assert "Sunday: At most 12 times a day. Join some of them." in page


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


def test_a_date_that_meets_the_night_before_is_refused(desk: Client) -> None:
    member = MembershipFactory.create()
    works(member, 20, 4, range(2, 3))
    dates = {
        "dateoverride_set-TOTAL_FORMS": 1,
        "dateoverride_set-0-on": "2026-12-24",
        "dateoverride_set-0-starts": "03:00",
        "dateoverride_set-0-ends": "12:00",
    }
    path = f"/admin/calendars/membership/{member.pk}/change/"
    page = text(desk.post(path, whole(member, **dates)))
    assert "2026-12-24: Overlaps Wednesday’s 20:00 to 04:00, which runs into this day." in page
    later = {**dates, "dateoverride_set-0-starts": "04:00"}
    assert desk.post(path, whole(member, **later)).status_code == 302


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


# --- before saving ----------------------------------------------------------------------------------------------


def whole(member: Membership, **changed: Any) -> dict[str, Any]:
    """The change page of a member who has one range on Monday, and then `changed`."""
    row = WeeklyHours.objects.get(membership=member)
    hours = {
        "weeklyhours_set-TOTAL_FORMS": 1,
        "weeklyhours_set-INITIAL_FORMS": 1,
        "weeklyhours_set-0-id": row.pk,
        "weeklyhours_set-0-membership": member.pk,
        "weeklyhours_set-0-weekday": row.weekday,
        "weeklyhours_set-0-starts": row.starts,
        "weeklyhours_set-0-ends": row.ends,
    }
    own = {"calendar": member.calendar_id, "user": member.user_id, "priority": "0", "is_active": "on"}
    return {**own, **no_hours(), **hours, **changed}


@pytest.fixture
def monday() -> Iterator[Membership]:
    """Somebody who works on Monday from nine to five, with an appointment at ten."""
    with time_machine.travel(NOW, tick=False):
        member = MembershipFactory.create()
        works(member, days=range(1))
        booked(member.user, NOW + HOUR, calendar=member.calendar, origin=Origin.CUSTOMER)
        yield member


def test_switching_off_names_the_appointments_first_and_then_does_it(
    desk: Client, monday: Membership
) -> None:
    chosen = {"action": "switch_off", "_selected_action": [monday.calendar_id]}
    page = text(desk.post(CALENDARS, chosen))
    assert f"{monday.calendar}: 1 upcoming appointment would no longer fit" in page
    assert "The calendar would be off" in page
    assert "Switched off" not in page
    monday.calendar.refresh_from_db()
    assert monday.calendar.is_active
    assert not LogEntry.objects.exists()
    done = text(desk.post(CALENDARS, {**chosen, "anyway": "1"}, follow=True))
    assert "Switched off: nobody can book them." in done
    monday.calendar.refresh_from_db()
    assert not monday.calendar.is_active


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"weeklyhours_set-0-starts": "13:00"}, "new hours"),
        ({"weeklyhours_set-0-DELETE": "on"}, "new hours"),
        ({"is_active": ""}, "would no longer be asked"),
    ],
)
def test_a_changed_member_is_saved_after_what_it_means_was_said(
    desk: Client, monday: Membership, changed: dict[str, str], said: str
) -> None:
    path = f"/admin/calendars/membership/{monday.pk}/change/"
    page = text(desk.post(path, whole(monday, **changed)))
    assert said in page
    assert all(f'name="{name}" value="{value}"' in page for name, value in changed.items())
    monday.refresh_from_db()
    assert monday.is_active
    assert WeeklyHours.objects.get().starts == datetime.time(9)
    assert desk.post(path, whole(monday, **changed, anyway="1")).status_code == 302
    monday.refresh_from_db()
    starts = list(WeeklyHours.objects.values_list("starts", flat=True))
    assert not monday.is_active or starts != [datetime.time(9)]


def test_a_change_that_means_nothing_is_saved_at_once_and_once(desk: Client, monday: Membership) -> None:
    path = f"/admin/calendars/membership/{monday.pk}/change/"
    assert desk.post(path, whole(monday, **{"weeklyhours_set-0-starts": "08:00"})).status_code == 302
    assert WeeklyHours.objects.get().starts == datetime.time(8)
    assert LogEntry.objects.count() == 1


def test_what_a_calendar_promised_is_said_in_the_admin_too(desk: Client, monday: Membership) -> None:
    later = booked(monday.user, NOW + 72 * HOUR, calendar=monday.calendar, origin=Origin.CUSTOMER)
    page = text(desk.post(change(monday.calendar), sent(monday.calendar, allows_reschedule="on")))
    assert "They could no longer cancel online. That was said of 1 upcoming appointment" in page
    monday.calendar.refresh_from_db()
    assert monday.calendar.allows_cancel
    assert later.calendar_id == monday.calendar_id


@pytest.mark.parametrize("by_action", [False, True])
def test_deleting_a_member_names_what_they_host_after_the_admins_own_question(
    desk: Client, monday: Membership, by_action: bool
) -> None:
    chosen = {"action": "delete_selected", "_selected_action": [monday.pk]} if by_action else {}
    path = "/admin/calendars/membership/" if by_action else f"/admin/calendars/membership/{monday.pk}/delete/"
    asked = text(desk.post(path, chosen)) if by_action else text(desk.get(path))
    assert "Are you sure" in asked
    assert "would no longer be asked" in text(desk.post(path, {**chosen, "post": "yes"}))
    assert Membership.objects.exists()
    desk.post(path, {**chosen, "post": "yes", "anyway": "1"})
    assert not Membership.objects.exists()


def test_deleting_a_calendar_names_who_files_on_it(desk: Client) -> None:
    unused = member_of()
    ConfigurationFactory.create(user=unused.user, default_calendar=unused.calendar)
    path = f"{CALENDARS}{unused.calendar.pk}/delete/"
    assert f"This is the default calendar of {unused.user}." in text(desk.post(path, {"post": "yes"}))
    desk.post(path, {"post": "yes", "anyway": "1"})
    assert not Calendar.objects.exists()


def test_another_zone_of_a_person_names_the_appointments_that_their_hours_leave(
    desk: Client, monday: Membership
) -> None:
    stored = ConfigurationFactory.create(user=monday.user, time_zone="UTC")
    path = f"/admin/calendars/calendarconfiguration/{stored.pk}/change/"
    asked = {
        "sync_option": "one_way",
        "recurring_events": stored.recurring_events,
        "private_events": stored.private_events,
        "time_zone": "America/New_York",
    }
    assert f"Outside {monday.user}’s new hours" in text(desk.post(path, asked))
    stored.refresh_from_db()
    assert stored.time_zone == "UTC"
    assert desk.post(path, {**asked, "anyway": "1"}).status_code == 302
    stored.refresh_from_db()
    assert stored.time_zone == "America/New_York"
