"""Settings → Calendars: who may, what a post changes, what is said before saving, and how many queries a list takes."""

import datetime
import html
import re
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from calendars.models import Calendar, Membership
from contacts.models import Origin, User
from tests.calendars.settings_pages import (
    CALENDARS,
    browser_of,
    drawn_from_now,
    manager,
    member_of,
    posted,
    text,
)
from tests.desk import HOUR, NOW, booked, google_event
from tests.factories import (
    CalendarFactory,
    ConfigurationFactory,
    ContactFactory,
    MembershipFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
Kind = Calendar.Kind


@pytest.fixture(autouse=True)
def _monday():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def user() -> User:
    return manager()


@pytest.fixture
def client(user: User) -> Client:
    return browser_of(user)


def page_of(calendar: Calendar) -> str:
    return f"{CALENDARS}{calendar.pk}/"


def test_the_line_for_other_sites_stands_on_its_page_with_who_may_show_it(
    client: Client, settings: Any
) -> None:
    calendar = CalendarFactory.create(slug="first-visit")
    line = '<script src="http://testserver/static/booking-embed.js" data-calendar="first-visit"></script>'
    settings.BOOKING_FRAME_ORIGINS = []
    shown = html.unescape(client.get(page_of(calendar)).content.decode())
    assert line in shown
    assert "No other site may show it yet" in shown
    settings.BOOKING_FRAME_ORIGINS = ["https://clinic.example"]
    assert (
        "These sites may show it: https://clinic.example." in client.get(page_of(calendar)).content.decode()
    )
    Calendar.objects.update(is_active=False)
    assert "booking-embed.js" not in client.get(page_of(calendar)).content.decode()


# --- the list ---------------------------------------------------------------------------------------------------


def test_the_list_says_of_each_calendar_who_hosts_where_it_is_booked_and_what_lies_ahead(
    client: Client,
) -> None:
    member = member_of(CalendarFactory.create(name="First visit", slug="first-visit"))
    booked(member.user, NOW + HOUR, calendar=member.calendar)
    booked(member.user, NOW - 2 * HOUR, calendar=member.calendar)
    page = text(client.get(CALENDARS))
    assert "First visit" in page
    assert "Personal" in page
    assert str(member.user) in page
    assert 'href="/book/first-visit/"' in page
    assert '<td class="num" data-label="Upcoming">1</td>' in page


def test_a_member_without_hours_is_marked_because_nothing_is_offered(client: Client) -> None:
    MembershipFactory.create()
    assert "no hours" in text(client.get(CALENDARS))


def test_a_deactivated_member_is_marked_wherever_the_calendar_is_shown(client: Client) -> None:
    member = member_of(CalendarFactory.create(kind=Kind.ROUND_ROBIN), user__is_active=False)
    colleague = member_of(member.calendar)
    assert f'{member.user} <span class="status status-warn">deactivated</span>' in text(client.get(CALENDARS))
    assert "deactivated: not offered" in text(client.get(page_of(member.calendar)))
    shown = text(browser_of(colleague.user).get(page_of(member.calendar)))
    assert f'{member.user} <span class="status status-warn">deactivated: not offered</span>' in shown
    hours = text(client.get(f"{page_of(member.calendar)}hours/{member.pk}/"))
    assert f"{member.user} is deactivated, so no time is offered, whatever these hours say." in hours
    other = text(client.get(f"{page_of(member.calendar)}hours/{colleague.pk}/"))
    assert "deactivated" not in other


def test_a_deactivated_owner_of_an_unassigned_calendar_is_named(client: Client) -> None:
    room = CalendarFactory.create(kind=Kind.UNASSIGNED, owner=UserFactory.create(is_active=False))
    assert f"{room.owner} is deactivated" in text(client.get(CALENDARS))
    assert f"{room.owner} owns it and is deactivated" in text(client.get(page_of(room)))
    assert f"{room.owner} is deactivated" in text(client.get(f"{page_of(room)}hours/"))


def test_removing_a_deactivated_member_is_no_news(client: Client) -> None:
    member = member_of(user__is_active=False)
    booked(member.user, calendar=member.calendar)
    sent = posted(member.calendar, team=[(member.user, 0, True, True)])
    assert client.post(page_of(member.calendar), sent).status_code == 302


def test_the_list_takes_as_many_queries_for_three_calendars_as_for_one(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for more in (1, 2):
        for _ in range(more):
            member = member_of()
            booked(member.user, calendar=member.calendar)
        with django_assert_num_queries(9):
            client.get(CALENDARS)


# --- who may ----------------------------------------------------------------------------------------------------


def test_without_the_permission_only_ones_own_calendars_are_listed_and_nothing_can_be_switched() -> None:
    member = member_of(CalendarFactory.create(name="Mine"))
    CalendarFactory.create(name="Theirs")
    page = text(browser_of(member.user).get(CALENDARS))
    assert "Mine" in page
    assert "Theirs" not in page
    assert "Switch off" not in page
    assert "New calendar" not in page


def test_a_member_sees_how_their_calendar_is_set_and_may_not_change_it() -> None:
    member = member_of(CalendarFactory.create(name="Mine", duration=datetime.timedelta(minutes=90)))
    client = browser_of(member.user)
    page = text(client.get(page_of(member.calendar)))
    assert "1 h 30 min" in page
    assert '<form method="post" class="calendar-form"' not in page
    refused = client.post(page_of(member.calendar), posted(member.calendar, name="Changed"))
    assert refused.status_code == 403
    assert "Can change calendar" in text(refused)
    member.calendar.refresh_from_db()
    assert member.calendar.name == "Mine"


@pytest.mark.parametrize("path", ["{pk}/", "new/"])
def test_who_is_neither_member_nor_allowed_is_told_who_may(path: str) -> None:
    calendar = CalendarFactory.create()
    answer = browser_of(UserFactory.create()).get(CALENDARS + path.format(pk=calendar.pk))
    assert answer.status_code == 403
    assert "Ask an admin for it." in text(answer)


def test_switching_needs_the_permission_and_a_post(client: Client) -> None:
    member = member_of()
    assert browser_of(member.user).post(page_of(member.calendar) + "switch/", {"on": "0"}).status_code == 403
    assert client.get(page_of(member.calendar) + "switch/").status_code == 405
    member.calendar.refresh_from_db()
    assert member.calendar.is_active


# --- making and changing ----------------------------------------------------------------------------------------


def test_a_plain_post_makes_a_calendar_with_its_team_and_an_address_from_its_name(
    client: Client, user: User
) -> None:
    response = client.post(
        f"{CALENDARS}new/",
        posted(name="Erste Sprechstunde", duration="45", interval="15 min", team=[(user, 0, True, False)]),
        follow=True,
    )
    made = Calendar.objects.get()
    assert response.redirect_chain == [(page_of(made), 302)]
    assert "“Erste Sprechstunde” is made. Next: its hours." in text(response)
    assert (made.slug, made.duration, made.interval) == (
        "erste-sprechstunde",
        datetime.timedelta(minutes=45),
        datetime.timedelta(minutes=15),
    )
    assert [row.user for row in made.memberships.all()] == [user]
    assert "no hours: not offered" in text(response)


def test_looking_at_the_new_page_stores_nothing(client: Client) -> None:
    assert client.get(f"{CALENDARS}new/").status_code == 200
    assert not Calendar.objects.exists()
    assert not Membership.objects.exists()


def test_bad_input_is_named_and_nothing_typed_is_lost(client: Client) -> None:
    answer = client.post(
        f"{CALENDARS}new/",
        posted(name="Kept", duration="soon", minimum_notice="4", time_zone="Moon/Base", slug="a b"),
    )
    page = text(answer)
    assert not Calendar.objects.exists()
    assert "“soon” is no length of time. Write one such as 90 min, 4 h or 2 d." in page
    assert "4 of what? Write 4 min, 4 h or 4 d." in page
    assert "“Moon/Base” is no time zone" in page
    assert "Use letters, digits and hyphens alone" in page
    assert 'value="Kept"' in page
    assert 'value="soon"' in page


def test_a_removed_member_who_hosts_something_is_named_before_saving_and_nothing_is_changed_yet(
    client: Client,
) -> None:
    leaving = member_of(CalendarFactory.create(kind=Kind.ROUND_ROBIN), user__first_name="Ada")
    staying = member_of(leaving.calendar)
    appointment = booked(leaving.user, calendar=leaving.calendar)
    sent = posted(
        leaving.calendar,
        name="Renamed",
        team=[(leaving.user, 0, True, True), (staying.user, 0, True, False)],
    )
    page = text(client.post(page_of(leaving.calendar), sent))
    assert "1 upcoming appointment would no longer fit" in page
    assert f"{leaving.user} would no longer be asked" in page
    assert appointment.contact.name in page
    assert "It stays as it is" in page
    assert leaving.calendar.memberships.count() == 2
    client.post(page_of(leaving.calendar), {**sent, "anyway": "1"})
    leaving.calendar.refresh_from_db()
    assert [row.user for row in leaving.calendar.memberships.all()] == [staying.user]
    assert leaving.calendar.name == "Renamed"
    appointment.refresh_from_db()
    assert appointment.status == "new"
    assert [host.user for host in appointment.hosts.all()] == [leaving.user]


def test_back_shows_the_form_as_it_was_typed_and_saves_nothing(client: Client) -> None:
    member = member_of(CalendarFactory.create(kind=Kind.ROUND_ROBIN))
    booked(member.user, calendar=member.calendar)
    sent = posted(member.calendar, name="Typed", team=[(member.user, 0, False, False)])
    page = text(client.post(page_of(member.calendar), {**sent, "back": "1"}))
    assert 'value="Typed"' in page
    member.refresh_from_db()
    assert member.is_active


def test_what_was_posted_travels_through_the_page_before_saving(client: Client) -> None:
    member = member_of(CalendarFactory.create(kind=Kind.ROUND_ROBIN))
    booked(member.user, calendar=member.calendar)
    sent = posted(member.calendar, name='A "quoted" name', team=[(member.user, 3, False, False)])
    page = text(client.post(page_of(member.calendar), sent))
    assert 'name="name" value="A &quot;quoted&quot; name"' in page
    assert 'name="members-0-priority" value="3"' in page
    assert 'name="members-0-is_active"' not in page


def test_a_change_of_duration_and_buffers_means_nothing_for_what_is_booked(client: Client) -> None:
    member = member_of()
    booked(member.user, calendar=member.calendar)
    sent = posted(member.calendar, duration="2 h", buffer_after="30", minimum_notice="2 d", horizon_days="10")
    assert client.post(page_of(member.calendar), sent).status_code == 302
    member.calendar.refresh_from_db()
    assert member.calendar.duration == datetime.timedelta(hours=2)


def test_another_zone_moves_the_hours_of_who_chose_none_and_that_is_said(client: Client) -> None:
    member = member_of()
    booked(member.user, calendar=member.calendar)
    page = text(client.post(page_of(member.calendar), posted(member.calendar, time_zone="Asia/Tokyo")))
    assert f"Outside {member.user}’s new hours" in page


def test_who_files_on_the_calendar_is_told_about_before_they_are_removed(client: Client) -> None:
    member = member_of()
    ConfigurationFactory.create(user=member.user, default_calendar=member.calendar)
    sent = posted(member.calendar, team=[(member.user, 0, True, True)])
    page = text(client.post(page_of(member.calendar), sent))
    assert f"This is the default calendar of {member.user}." in page
    assert "only block time" in page


def test_a_private_appointment_shows_its_time_alone_before_saving(client: Client) -> None:
    member = member_of()
    appointment = booked(member.user, calendar=member.calendar)
    google_event(member.user, visibility="private", appointment=appointment)
    page = text(client.post(page_of(member.calendar) + "switch/", {"on": "0"}))
    assert "Busy" in page
    assert appointment.contact.name not in page


def test_only_the_first_ten_are_listed_and_the_rest_is_counted(client: Client) -> None:
    member = member_of()
    for hour in range(12):
        booked(member.user, NOW + (24 * hour + 1) * HOUR, calendar=member.calendar)
    page = text(client.post(page_of(member.calendar) + "switch/", {"on": "0"}))
    assert "12 upcoming appointments would no longer fit" in page
    assert page.count('<li class="list-row"><div class="list-main">') == 10
    assert "and 2 more" in page


def test_the_soonest_of_those_that_would_no_longer_fit_are_named_first(client: Client) -> None:
    member = member_of()
    for day in (3, 12, 1, 11, 2, *range(4, 11)):
        booked(member.user, NOW + day * 24 * HOUR, calendar=member.calendar)
    page = text(client.post(page_of(member.calendar) + "switch/", {"on": "0"}))
    days = re.findall(r'<time datetime="(\S+?)T', page)
    assert days == [f"{NOW + day * 24 * HOUR:%Y-%m-%d}" for day in range(1, 11)]


def test_fewer_seats_than_are_taken_are_said_before_saving(client: Client) -> None:
    member = member_of(CalendarFactory.create(kind=Kind.CLASS, seats=5))
    for _ in range(4):
        booked(member.user, calendar=member.calendar)
    page = text(client.post(page_of(member.calendar), posted(member.calendar, seats="2")))
    assert "4 upcoming appointments would no longer fit" in page
    assert "4 are booked for 2 seats" in page
    member.calendar.refresh_from_db()
    assert member.calendar.seats == 5


def test_who_comes_along_to_a_class_counts_as_a_seat_before_saving(client: Client) -> None:
    member = member_of(CalendarFactory.create(kind=Kind.CLASS, seats=5))
    guests = [ContactFactory.create() for _ in range(3)]
    booked(member.user, calendar=member.calendar, guests=guests)
    page = text(client.post(page_of(member.calendar), posted(member.calendar, seats="3")))
    assert "4 are booked for 3 seats" in page
    assert client.post(page_of(member.calendar), posted(member.calendar, seats="4")).status_code == 302


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"allows_cancel": ""}, "They could no longer cancel online."),
        ({"allows_reschedule": "", "allows_cancel": ""}, "They could no longer move or cancel online."),
        ({"change_deadline": "2 d"}, "They could move or cancel only until 2 d before the start."),
    ],
)
def test_what_confirmations_promised_is_said_before_it_is_taken_away(
    client: Client, changed: dict[str, str], said: str
) -> None:
    member = member_of()
    booked(member.user, NOW + 72 * HOUR, calendar=member.calendar, origin=Origin.CUSTOMER)
    booked(member.user, NOW + 74 * HOUR, calendar=member.calendar)
    sent = posted(member.calendar, **changed)
    page = text(client.post(page_of(member.calendar), sent))
    assert "1 upcoming appointment: visitors were told otherwise" in page
    assert said in page
    assert client.post(page_of(member.calendar), {**sent, "anyway": "1"}).status_code == 302


def test_a_later_deadline_breaks_no_promise_and_is_saved_at_once(client: Client) -> None:
    member = member_of()
    booked(member.user, NOW + 72 * HOUR, calendar=member.calendar, origin=Origin.CUSTOMER)
    answer = client.post(page_of(member.calendar), posted(member.calendar, change_deadline="2 h"))
    assert answer.status_code == 302


# --- the kind ---------------------------------------------------------------------------------------------------


def test_the_kind_cannot_change_once_appointments_exist_whatever_is_posted(client: Client) -> None:
    member = member_of()
    booked(member.user, NOW - 3 * HOUR, calendar=member.calendar, status="cancelled")
    page = text(client.get(page_of(member.calendar)))
    assert "The kind cannot change any more" in page
    client.post(page_of(member.calendar), posted(member.calendar, kind="collective", name="Renamed"))
    member.calendar.refresh_from_db()
    assert (member.calendar.kind, member.calendar.name) == ("personal", "Renamed")


def test_the_kind_may_change_while_there_are_no_appointments(client: Client) -> None:
    member = member_of()
    client.post(page_of(member.calendar), posted(member.calendar, kind="class", seats="8"))
    member.calendar.refresh_from_db()
    assert (member.calendar.kind, member.calendar.seats) == ("class", 8)


# --- off and on -------------------------------------------------------------------------------------------------


def test_switching_off_says_what_stands_and_then_does_it(client: Client) -> None:
    member = member_of()
    booked(member.user, calendar=member.calendar)
    path = page_of(member.calendar) + "switch/"
    assert "The calendar would be off" in text(client.post(path, {"on": "0"}))
    member.calendar.refresh_from_db()
    assert member.calendar.is_active
    done = client.post(path, {"on": "0", "anyway": "1"}, follow=True)
    assert "is off: nobody can book it. Its appointments stay as they are." in text(done)
    member.calendar.refresh_from_db()
    assert not member.calendar.is_active
    client.post(path, {"on": "1"})
    member.calendar.refresh_from_db()
    assert member.calendar.is_active


def test_switching_off_says_that_what_was_booked_online_could_not_be_moved_any_more(client: Client) -> None:
    member = member_of()
    booked(member.user, NOW + 72 * HOUR, calendar=member.calendar, origin=Origin.CUSTOMER)
    page = text(client.post(page_of(member.calendar) + "switch/", {"on": "0"}))
    assert "They could no longer move online. That was said of 1 upcoming appointment" in page


# --- two at once ------------------------------------------------------------------------------------------------


def test_what_somebody_else_saved_meanwhile_is_not_overwritten_unseen(client: Client) -> None:
    member = member_of(CalendarFactory.create(kind=Kind.ROUND_ROBIN, name="First visit"))
    first = posted(member.calendar, duration="45 min")
    second = posted(member.calendar, name="First talk", team=[(member.user, 7, True, False)])
    client.post(page_of(member.calendar), first)
    page = text(client.post(page_of(member.calendar), second))
    assert "It was changed meanwhile: " in page
    assert "Duration" in page.partition("It was changed meanwhile: ")[2].partition(".")[0]
    assert "Team" not in page.partition("It was changed meanwhile: ")[2].partition(".")[0]
    assert 'value="First talk"' in page
    stored = Calendar.objects.get()
    assert (stored.name, stored.duration) == ("First visit", datetime.timedelta(minutes=45))
    again = html.unescape(page.partition('name="drawn_from" value="')[2].partition('"')[0])
    client.post(page_of(member.calendar), second | {"drawn_from": again})
    assert Calendar.objects.get().name == "First talk"


def test_a_change_of_the_team_meanwhile_is_told_as_well(client: Client) -> None:
    member = member_of(CalendarFactory.create(kind=Kind.ROUND_ROBIN))
    drawn = posted(member.calendar)
    Membership.objects.filter(pk=member.pk).update(priority=5)
    assert "It was changed meanwhile: Team." in text(client.post(page_of(member.calendar), drawn))


def test_the_page_of_a_calendar_sends_what_it_was_drawn_from(client: Client) -> None:
    member = member_of(CalendarFactory.create())
    assert f'name="drawn_from" value="{drawn_from_now(member.calendar)}"' in text(
        client.get(page_of(member.calendar))
    )
