"""What a customer meets: days, times, a form, and the page of their own appointment."""

import datetime
import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.core import signing
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from calendars import booking, links
from calendars.booking_forms import stamp_for
from calendars.models import BlockedTime, Calendar, Membership, WeeklyHours
from contacts.models import Appointment, Contact, Origin, User
from contacts.timeline import timeline
from tests.factories import CalendarFactory, ContactFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 3, 2, 9, tzinfo=datetime.UTC)  # a Monday
TEN = datetime.datetime(2026, 3, 3, 10, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
AT_TEN = "20260303T100000Z"


@pytest.fixture(autouse=True)
def _monday() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def works(membership: Membership, *hours: tuple[int, int]) -> None:
    WeeklyHours.objects.bulk_create(
        WeeklyHours(membership=membership, weekday=day, starts=datetime.time(start), ends=datetime.time(end))
        for day in range(5)
        for start, end in hours or ((9, 17),)
    )


def calendar_of(*users: User, **fields: Any) -> Calendar:
    fields = {"duration": HOUR, "time_zone": "UTC", "slug": "visit", "name": "Visit"} | fields
    calendar: Calendar = CalendarFactory(**fields)
    for user in users:
        works(MembershipFactory(calendar=calendar, user=user))
    return calendar


def typed(calendar: Calendar, **fields: str) -> dict[str, str]:
    began = stamp_in_time(calendar)
    return {"name": "Ann Lee", "address": "ann@x.org", "consent": "on", "began": began} | fields


def stamp_in_time(calendar: Calendar) -> str:
    """Of a form that was shown a minute ago."""
    with time_machine.travel(timezone.now() - datetime.timedelta(minutes=1), tick=False):
        return stamp_for(calendar)


def press(client: Client, calendar: Calendar, stamp: str = AT_TEN, **fields: str) -> Any:
    return client.post(f"/book/{calendar.slug}/{stamp}/", typed(calendar, **fields))


def test_visitor_books_and_gets_the_page_of_their_appointment(client: Client) -> None:
    host = UserFactory()
    calendar = calendar_of(host, confirms_automatically=True)
    page = client.get("/book/visit/?day=2026-03-03").content.decode()
    assert f"/book/visit/{AT_TEN}/" in page
    assert "Ann Lee" not in page
    answer = press(client, calendar, phone="+442079460958", notes="Knee hurts", others="bea@x.org, ann@x.org")
    appointment = Appointment.objects.get()
    assert answer.url.startswith(links.manage_path(appointment, appointment.contact) + "?news=")
    assert (appointment.starts_at, appointment.origin, appointment.owner) == (TEN, Origin.CUSTOMER, host)
    assert appointment.description == "Knee hurts"
    assert appointment.contact.owner == host
    assert set(appointment.guests.values_list("address", flat=True)) == {"ann@x.org", "bea@x.org"}
    assert "You are booked" in client.get(answer.url).content.decode()
    assert f"/book/visit/{AT_TEN}/" not in client.get("/book/visit/?day=2026-03-03").content.decode()


def test_times_are_those_of_the_visitors_zone(client: Client) -> None:
    calendar_of(UserFactory())
    page = client.get("/book/visit/?day=2026-03-03&zone=Asia/Tokyo").content.decode()
    assert ">18:00" in page.replace("\n", "")
    assert client.cookies["tandem_zone"].value == "Asia/Tokyo"


def test_every_link_and_the_form_carry_the_zone_so_that_no_cookie_is_needed(client: Client) -> None:
    calendar = calendar_of(UserFactory(), time_zone="Europe/London")
    page = client.get("/book/visit/?day=2026-03-03&zone=America/New_York").content.decode()
    links_on_it = re.findall(r'href="(\?[^"]*|/book/visit/2[^"]*)"', page)
    assert len(links_on_it) > 20
    assert all("zone=America/New_York" in each for each in links_on_it)
    client.cookies.clear()
    form = client.get(f"/book/visit/{AT_TEN}/?zone=America/New_York").content.decode()
    assert "05:00 to 06:00" in form
    assert "?day=2026-03-03&amp;zone=America/New_York#times" in form
    answer = client.post(f"/book/visit/{AT_TEN}/?zone=America/New_York", typed(calendar))
    client.cookies.clear()
    assert '05:00 to 06:00</b> <span class="hush">America/New_York' in client.get(answer.url).content.decode()


def test_legacy_zone_in_the_address_stays_chosen(client: Client) -> None:
    calendar_of(UserFactory())
    page = client.get("/book/visit/?zone=GB").content.decode()
    assert '<option value="GB" selected>' in page
    assert page.count(" selected>") == 1


def test_end_is_right_and_twin_hours_are_told_apart_on_the_day_clocks_go_back(client: Client) -> None:
    host = UserFactory()
    calendar = calendar_of(host, horizon_days=400, interval=HOUR / 2)
    WeeklyHours.objects.create(
        membership=calendar.memberships.get(), weekday=6, starts=datetime.time(0), ends=datetime.time(4)
    )
    page = client.get("/book/visit/?day=2026-10-25&zone=Europe/London").content.decode()
    assert all(f">{time}</a>" in page for time in ("01:30 BST", "01:30 GMT", "02:30"))
    form = client.get("/book/visit/20261025T003000Z/?zone=Europe/London").content.decode()
    assert "01:30 BST to 01:30 GMT" in form


def test_contact_we_know_is_found_and_neither_shown_nor_changed(client: Client) -> None:
    known = ContactFactory(first_name="Annabel", last_name="Secret", address="ann@x.org")
    calendar = calendar_of(UserFactory())
    answer = press(client, calendar, phone="+442079460958")
    appointment = Appointment.objects.get()
    assert appointment.contact == known
    assert not known.phones.exists()
    assert appointment.changes.get().why == "Booked online as Ann Lee, ann@x.org, +442079460958."
    assert appointment.description == ""
    assert "Annabel" not in client.get(answer.url).content.decode()


def test_time_that_was_taken_meanwhile_keeps_what_was_typed_and_offers_others(client: Client) -> None:
    host = UserFactory()
    calendar = calendar_of(host)
    booking.book(calendar=calendar, contact=ContactFactory(), owner=host, starts_at=TEN, ends_at=TEN + HOUR)
    answer = press(client, calendar, notes="Knee hurts")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "That time was just taken" in page
    assert "Knee hurts" in page
    assert "/book/visit/20260303T110000Z/" in page
    press(client, calendar, "20260303T110000Z", notes="Knee hurts")
    assert Appointment.objects.filter(origin=Origin.CUSTOMER).get().starts_at == TEN + HOUR


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "Write your name."),
        ({"address": "ann"}, "This is no e-mail address."),
        ({"consent": ""}, "Tick the box"),
        ({"others": "nobody"}, "no e-mail address"),
        ({"others": "a@x.org b@x.org c@x.org d@x.org"}, "At most 3"),
        ({"website": "https://spam.example"}, "press the button once more"),
        ({"began": ""}, "press the button once more"),
        ({"began": signing.TimestampSigner(salt="other").sign("1")}, "press the button once more"),
    ],
)
def test_bad_input_is_told_at_the_field_and_nothing_is_lost(
    client: Client, fields: dict[str, str], words: str
) -> None:
    answer = press(client, calendar_of(UserFactory()), notes="Knee hurts", **fields)
    page = answer.content.decode()
    assert words in page
    assert "Knee hurts" in page
    assert not Appointment.objects.exists()
    assert not Contact.objects.exists()


def test_errors_are_summed_up_under_the_name_of_the_box(client: Client) -> None:
    page = press(client, calendar_of(UserFactory(), most_guests=1), consent="").content.decode()
    assert ">Consent</a>: Tick the box" in page
    assert "One e-mail address." in page


def test_form_sent_quicker_than_anybody_types_is_shown_once_more(client: Client) -> None:
    calendar = calendar_of(UserFactory())
    answer = press(client, calendar, began=stamp_for(calendar))
    assert "press the button once more" in answer.content.decode()


def test_too_many_bookings_from_one_address_are_refused_in_words(client: Client, settings: Any) -> None:
    settings.BOOKING_TRIES = 1
    calendar = calendar_of(UserFactory())
    press(client, calendar)
    answer = press(client, calendar, "20260303T110000Z")
    assert (answer.status_code, answer["Retry-After"]) == (429, "600")
    assert "Wait ten minutes" in answer.content.decode()


def test_form_that_is_sent_again_leads_to_the_appointment_it_made(client: Client) -> None:
    calendar = calendar_of(UserFactory())
    once = typed(calendar)
    first, again = (client.post(f"/book/visit/{AT_TEN}/", once) for _ in range(2))
    assert links.manage_path(Appointment.objects.get(), Contact.objects.get()) in first.url
    assert again.url == first.url
    other = client.post("/book/visit/20260303T110000Z/", once)
    assert other.status_code == 409
    page = other.content.decode()
    assert "This form has made a booking already." in page
    assert "press the button once more" in page
    assert "Ask for 3 March, 11:00" in page
    assert once["began"] not in page
    assert Appointment.objects.count() == 1


@pytest.mark.parametrize(
    "mended",
    [
        {"address": "anna@x.org"},
        {"name": "Anna Lee"},
        {"phone": "+442079460958"},
        {"notes": "Both knees"},
        {"others": ""},
        {"others": "bea@x.org, cid@x.org"},
    ],
)
def test_form_that_is_sent_again_with_mended_details_leads_to_its_booking_and_says_so(
    client: Client, mended: dict[str, str]
) -> None:
    calendar = calendar_of(UserFactory(), confirms_automatically=True)
    once = typed(calendar, notes="Knee", others="bea@x.org")
    first = client.post(f"/book/visit/{AT_TEN}/", once)
    assert "on its way to <b>ann@x.org</b>" in client.get(first.url).content.decode()
    assert client.post(f"/book/visit/{AT_TEN}/", once | {"others": "Bea@X.org, ANN@x.org"}).url == first.url
    answer = client.post(f"/book/visit/{AT_TEN}/", once | mended)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "This form has made a booking already." in page
    assert first.url.partition("?")[0] in page
    assert once["began"] not in page
    assert "20260303T110000Z" in page
    assert ">start again</a>" in page
    assert Appointment.objects.count() == 1


def test_one_address_has_so_many_appointments_ahead_and_no_more(client: Client, settings: Any) -> None:
    settings.BOOKING_MOST_AHEAD = 2
    calendar = calendar_of(UserFactory())
    for hour in (10, 11):
        press(client, calendar, f"20260303T{hour}0000Z")
    # Booked and cancelled again: it has sent its mails.
    booking.cancel(Appointment.objects.earliest("starts_at"))
    answer = press(client, calendar, "20260303T120000Z", address="ANN@x.org")
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "can have 2 appointments ahead" in page
    assert "Press another time" not in page
    press(client, calendar, "20260303T120000Z", address="bea@x.org", others="ann@x.org, cid@x.org")
    assert Appointment.objects.count() == 2
    with time_machine.travel(NOW + datetime.timedelta(days=2), tick=False):
        press(client, calendar, "20260305T120000Z", began=stamp_in_time(calendar))
    assert Appointment.objects.count() == 3


def test_nobody_is_brought_along_more_often_than_that(client: Client, settings: Any) -> None:
    settings.BOOKING_MOST_AHEAD = 1
    calendar = calendar_of(UserFactory())
    press(client, calendar, others="cid@x.org")
    answer = press(client, calendar, "20260303T110000Z", address="bea@x.org", others="cid@x.org")
    assert "cid@x.org cannot be brought along" in answer.content.decode()
    assert Appointment.objects.count() == 1


def test_second_seat_of_one_session_is_refused(client: Client) -> None:
    calendar = calendar_of(UserFactory(), kind=Calendar.Kind.CLASS, seats=4)
    press(client, calendar)
    answer = press(client, calendar, address="Ann@x.org")
    assert "You are booked at this time already" in answer.content.decode()
    press(client, calendar, address="bea@x.org")
    assert Appointment.objects.count() == 2


@pytest.mark.parametrize("days", [1, -30])
def test_taken_time_says_the_same_to_every_address_whoever_has_it(client: Client, days: int) -> None:
    host, known = UserFactory(), ContactFactory(address="victoria@private.test")
    calendar = calendar_of(host)
    at = TEN + datetime.timedelta(days=days)
    booking.book(calendar=calendar, contact=known, owner=host, starts_at=at, ends_at=at + HOUR, by=host)
    said = {
        re.search(r'role="alert".*?<strong>(.*?)</strong>', page, re.DOTALL)[1]  # type: ignore[index]  # it is there, or the test fails
        for address in ("victoria@private.test", "other@x.org")
        for page in [press(client, calendar, f"{at:%Y%m%dT%H%M%SZ}", address=address).content.decode()]
    }
    assert len(said) == 1
    assert "booked at this time already" not in said.pop()


def test_seat_that_was_given_at_the_desk_is_not_told_to_who_types_the_address(client: Client) -> None:
    host, known = UserFactory(), ContactFactory(address="victoria@private.test")
    calendar = calendar_of(host, kind=Calendar.Kind.CLASS, seats=4)
    booking.book(calendar=calendar, contact=known, owner=host, starts_at=TEN, ends_at=TEN + HOUR, by=host)
    assert press(client, calendar, address="victoria@private.test").status_code == 302
    assert (
        "booked at this time already"
        in press(client, calendar, address="Victoria@private.test").content.decode()
    )


def test_consent_stands_on_the_contact_with_its_words(client: Client) -> None:
    press(client, calendar_of(UserFactory(), consent="Keep my data."))
    contact = Contact.objects.get()
    assert contact.activities.filter(
        text="Agreed on booking Visit online as ann@x.org: “Keep my data.”"
    ).exists()
    assert any("Keep my data." in line.text for line in timeline(contact, UserFactory(), NOW))


def test_calendar_without_a_box_stores_no_consent(client: Client) -> None:
    press(client, calendar_of(UserFactory(), consent=""))
    assert not Contact.objects.get().activities.filter(text__contains="Agreed").exists()


def test_calendar_that_confirms_by_hand_says_that_a_request_was_received(client: Client) -> None:
    answer = press(client, calendar_of(UserFactory()))
    page = client.get(answer.url).content.decode()
    assert "We have received your request" in page
    assert "You are booked" not in page
    booking.set_status(Appointment.objects.get(), "confirmed")
    assert "You are booked" in client.get(answer.url).content.decode()


def test_address_that_people_keep_does_not_say_for_ever_that_they_just_booked(client: Client) -> None:
    answer = press(client, calendar_of(UserFactory(), confirms_automatically=True))
    assert "here you can change it" in client.get(answer.url).content.decode()
    with time_machine.travel(NOW + datetime.timedelta(minutes=11), tick=False):
        page = client.get(answer.url).content.decode()
    assert "You are booked" not in page
    assert "Your appointment" in page


def test_past_the_deadline_at_booking_only_that_is_said(client: Client) -> None:
    answer = press(client, calendar_of(UserFactory(), change_deadline=48 * HOUR))
    page = client.get(answer.url).content.decode()
    assert "here you can change it" not in page
    assert "too late to change this online" in page


@pytest.mark.parametrize(
    ("stamp", "words"),
    [
        ("20260603T100000Z", "too far ahead: times open 60 days before"),
        ("20260303T030000Z", "not on offer, or no longer"),
        ("20260302T100000Z", "too close to now"),
        ("20260227T100000Z", "is past"),
    ],
)
def test_time_that_is_not_offered_says_why_and_names_the_next(client: Client, stamp: str, words: str) -> None:
    calendar = calendar_of(UserFactory())
    # Nothing is typed into a form that has no button.
    assert 'name="address"' not in client.get(f"/book/visit/{stamp}/").content.decode()
    for answer in (client.get(f"/book/visit/{stamp}/"), press(client, calendar, stamp)):
        page = answer.content.decode()
        assert answer.status_code == 409
        assert words in page or (words == "not on offer, or no longer" and "was just taken" in page)
        assert page.count("btn btn-secondary time") == 6


@pytest.mark.parametrize(
    "address", ["/book/", "/book/nowhere/", "/book/visit/a/b/c", "/book/appointments/x/"]
)
def test_what_is_not_there_is_said_in_frames_as_well(client: Client, settings: Any, address: str) -> None:
    settings.BOOKING_FRAME_ORIGINS = ["https://clinic.example"]
    answer = client.get(address)
    assert answer.status_code == 404
    assert "frame-ancestors https://clinic.example" in answer["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer
    assert "agenda" not in answer.content.decode()


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_form_takes_what_a_browser_sends_and_nothing_else(client: Client, method: str) -> None:
    calendar_of(UserFactory())
    for address in (f"/book/visit/{AT_TEN}/", "/book/visit/"):
        assert getattr(client, method)(address).status_code == 405


def test_calendar_that_is_switched_off_says_so(client: Client) -> None:
    calendar = calendar_of(UserFactory(), is_active=False)
    assert "takes no bookings" in client.get("/book/visit/").content.decode()
    press(client, calendar)
    assert not Appointment.objects.exists()


def test_month_without_a_free_time_names_the_next_one(client: Client) -> None:
    host = UserFactory()
    calendar_of(host)
    BlockedTime.objects.create(user=host, starts_at=NOW, ends_at=NOW + datetime.timedelta(days=31))
    page = client.get("/book/visit/?month=2026-03").content.decode()
    assert "Nothing is free in March" in page
    assert "Thursday 2 April" in page


def test_page_opens_at_the_first_month_in_which_something_is_free(client: Client) -> None:
    host = UserFactory()
    calendar_of(host)
    BlockedTime.objects.create(user=host, starts_at=NOW, ends_at=NOW + datetime.timedelta(days=31))
    page = client.get("/book/visit/?zone=Asia/Tokyo").content.decode()
    assert ">April 2026<" in page
    assert 'aria-current="date"' in page
    BlockedTime.objects.update(ends_at=NOW + datetime.timedelta(days=400))
    cache.clear()
    page = client.get("/book/visit/").content.decode()
    assert "Nothing is free in March" in page
    assert "Nothing is free later either" in page


def test_page_asks_the_database_no_more_for_more_members(
    client: Client, django_assert_num_queries: Any
) -> None:
    members = [UserFactory() for _ in range(3)]
    calendar = calendar_of(*members[:1], kind=Calendar.Kind.ROUND_ROBIN)
    with django_assert_num_queries(8):
        client.get("/book/visit/")
    for user in members[1:]:
        works(MembershipFactory(calendar=calendar, user=user))
    with django_assert_num_queries(8):
        client.get("/book/visit/")


def test_form_of_somebody_who_was_taken_off_does_not_open_the_place_of_who_came_along(client: Client) -> None:
    calendar = calendar_of(UserFactory())
    once = typed(calendar, others="bea@x.org")
    client.post(f"/book/visit/{AT_TEN}/", once)
    appointment = Appointment.objects.get()
    booking.detach(appointment, appointment.contact)
    answer = client.post(f"/book/visit/{AT_TEN}/", once)
    assert answer.status_code == 409
    assert "/book/appointments/" not in answer.content.decode()


@pytest.mark.parametrize("horizon_days", [60, 730])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"kind": Calendar.Kind.CLASS},
        {"kind": Calendar.Kind.COLLECTIVE, "most_per_day": 3},
        {"kind": Calendar.Kind.UNASSIGNED},
    ],
)
@pytest.mark.parametrize("address", ["", f"{AT_TEN}/", "20260420T100000Z/"])
def test_page_with_nothing_free_asks_the_database_no_more_the_further_ahead_it_books(
    client: Client,
    django_assert_max_num_queries: Any,
    horizon_days: int,
    fields: dict[str, Any],
    address: str,
) -> None:
    hosts = [UserFactory(), UserFactory()]
    calendar = calendar_of(*hosts, horizon_days=horizon_days, owner=hosts[0], **fields)
    for host in hosts:
        BlockedTime.objects.create(user=host, starts_at=NOW, ends_at=NOW + datetime.timedelta(days=800))
    WeeklyHours.objects.create(calendar=calendar, weekday=1, starts=datetime.time(9), ends=datetime.time(17))
    with django_assert_max_num_queries(12):
        page = client.get(f"/book/visit/{address}").content.decode()
    assert "Please contact us" in page


def test_one_drawing_serves_all_who_look_and_what_is_pressed_is_read_again(
    client: Client, settings: Any, django_assert_num_queries: Any
) -> None:
    settings.BOOKING_LOOK_SECONDS = 60
    host = UserFactory()
    calendar = calendar_of(host, slug="looked-at")
    day = "/book/looked-at/?day=2026-03-03"
    assert AT_TEN in client.get(day).content.decode()
    BlockedTime.objects.create(user=host, starts_at=TEN, ends_at=TEN + HOUR)
    with django_assert_num_queries(1):
        assert AT_TEN in client.get(day).content.decode()
    assert press(client, calendar).status_code == 409
    assert not Appointment.objects.exists()
    # Another zone, month or day is another drawing.
    assert AT_TEN not in client.get(f"{day}&zone=Asia/Tokyo").content.decode()
    cache.clear()


def test_frames_are_for_the_sites_that_are_named(client: Client, settings: Any) -> None:
    calendar_of(UserFactory())
    answer = client.get("/book/visit/")
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"
    settings.BOOKING_FRAME_ORIGINS = ["https://clinic.example"]
    answer = client.get("/book/visit/")
    assert "frame-ancestors https://clinic.example" in answer["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer


@pytest.mark.parametrize(
    "address",
    [
        "/book/visit/?month=9999-12",
        "/book/visit/?month=2026-13",
        "/book/visit/?month=0001-01",
        "/book/visit/?day=9999-12-31&zone=../etc",
        "/book/visit/?day=%00&zone=%00",
        "/book/visit/99991231T235959Z/",
        "/book/visit/00010101T000000Z/",
        "/book/visit/soon/",
    ],
)
def test_odd_addresses_show_a_page_in_words(client: Client, address: str) -> None:
    calendar_of(UserFactory())
    page = client.get(address, follow=True)
    assert page.status_code == 200
    assert "March 2026" in page.content.decode() or "May 2026" in page.content.decode()


class TestKinds:
    def test_round_robin_gives_turns_and_says_why(self, client: Client) -> None:
        first, second = UserFactory(first_name="Fay"), UserFactory(first_name="Sam")
        calendar = calendar_of(first, second, kind=Calendar.Kind.ROUND_ROBIN)
        press(client, calendar)
        press(client, calendar, "20260303T110000Z", address="bea@x.org")
        early, late = Appointment.objects.order_by("starts_at")
        assert {early.owner, late.owner} == {first, second}
        assert "fewest upcoming" in late.assigned_why

    def test_contact_stays_with_their_owner_where_the_calendar_says_so(self, client: Client) -> None:
        first, second = UserFactory(), UserFactory(first_name="Sam")
        ContactFactory(address="ann@x.org", owner=second)
        calendar = calendar_of(first, second, kind=Calendar.Kind.ROUND_ROBIN, keeps_owner=True)
        press(client, calendar)
        appointment = Appointment.objects.get()
        assert appointment.owner == second
        assert "looks after this contact" in appointment.assigned_why

    def test_collective_needs_everybody(self, client: Client) -> None:
        first, second = UserFactory(), UserFactory()
        calendar = calendar_of(first, second, kind=Calendar.Kind.COLLECTIVE)
        BlockedTime.objects.create(user=second, starts_at=TEN, ends_at=TEN + HOUR)
        assert press(client, calendar).status_code == 409
        press(client, calendar, "20260303T110000Z")
        assert Appointment.objects.get().hosts.count() == 2

    def test_class_fills_up_seat_by_seat(self, client: Client) -> None:
        calendar = calendar_of(UserFactory(), kind=Calendar.Kind.CLASS, seats=2)
        for address in ("ann@x.org", "bea@x.org"):
            press(client, calendar, address=address)
        assert press(client, calendar, address="cid@x.org").status_code == 409
        assert Appointment.objects.count() == 2
        assert press(client, calendar, "20260303T103000Z", address="cid@x.org").status_code == 409


def test_link_says_nothing_of_who_was_known_nor_of_who_is_one_person(client: Client) -> None:
    known = ContactFactory(address="victoria@private.test")
    known.phones.create(number="+442079460958", is_primary=True)
    calendar = calendar_of(UserFactory())
    press(client, calendar, address="victoria@private.test")
    press(client, calendar, "20260303T110000Z", phone="+442079460958")
    press(client, calendar, "20260303T120000Z", address="new@x.org")
    places = []
    for appointment in Appointment.objects.order_by("starts_at"):
        token = links.manage_path(appointment, appointment.contact).split("/")[-2]
        link = links.read(token)
        assert link is not None
        places.append(link.guest_id)
    assert Appointment.objects.filter(contact=known).count() == 2
    assert places == sorted(set(places))


class TestManaging:
    @pytest.fixture
    def path(self, client: Client) -> str:
        press(client, calendar_of(UserFactory(), change_deadline=HOUR))
        appointment = Appointment.objects.get()
        return links.manage_path(appointment, appointment.contact)

    def test_customer_cancels(self, client: Client, path: str) -> None:
        assert "Cancel this appointment?" in client.get(f"{path}cancel/").content.decode()
        client.post(f"{path}cancel/")
        appointment = Appointment.objects.get()
        assert (appointment.status, appointment.status_set_by) == ("cancelled", Origin.CUSTOMER)
        assert "Book another time" in client.get(path).content.decode()
        assert not appointment.hosts.exclude(claims_from=None).exists()

    def test_customer_moves_to_a_time_on_offer_and_to_no_other(self, client: Client, path: str) -> None:
        page = client.get(f"{path}move/?day=2026-03-03").content.decode()
        assert "start=20260303T110000Z" in page
        client.post(f"{path}move/", {"start": "20260303T110000Z"})
        assert Appointment.objects.get().starts_at == TEN + HOUR
        answer = client.post(f"{path}move/", {"start": "20260303T030000Z"})
        assert "just taken" in answer.content.decode()
        assert Appointment.objects.get().starts_at == TEN + HOUR

    def test_after_some_moves_they_are_asked_to_contact_us(
        self, client: Client, path: str, settings: Any
    ) -> None:
        settings.BOOKING_MOST_MOVES = 2
        for hour in (11, 12):
            client.post(f"{path}move/", {"start": f"20260303T{hour}0000Z"})
        answer = client.post(f"{path}move/", {"start": "20260303T130000Z"})
        assert "Please contact us to move it again" in answer.content.decode()
        assert ">Move<" not in client.get(path).content.decode()
        assert Appointment.objects.get().starts_at == TEN + 2 * HOUR
        client.post(f"{path}cancel/")
        assert Appointment.objects.get().is_void

    def test_too_many_moves_and_cancellations_from_one_network_address_are_refused(
        self, client: Client, path: str, settings: Any
    ) -> None:
        settings.BOOKING_TRIES = 2
        assert client.post(f"{path}move/", {"start": "20260303T110000Z"}).status_code == 302
        answer = client.post(f"{path}move/", {"start": "20260303T120000Z"})
        assert (answer.status_code, answer["Retry-After"]) == (429, "600")
        assert client.post(f"{path}cancel/").status_code == 429
        appointment = Appointment.objects.get()
        assert (appointment.status, appointment.starts_at) == ("new", TEN + HOUR)

    def test_other_zone_keeps_the_time_that_was_chosen_to_move_to(self, client: Client, path: str) -> None:
        page = client.get(f"{path}move/?start=20260303T160000Z&zone=Asia/Tokyo").content.decode()
        assert "To <b>Wednesday 4 March, 01:00</b>" in page
        assert '<input type="hidden" name="start" value="20260303T160000Z">' in page.partition("pick-zone")[2]

    def test_page_to_move_it_opens_at_its_own_month(self, client: Client, path: str) -> None:
        booking.reschedule(
            Appointment.objects.get(),
            starts_at=TEN + datetime.timedelta(days=35),
            ends_at=TEN + datetime.timedelta(days=35, hours=1),
        )
        assert ">April 2026<" in client.get(f"{path}move/").content.decode()
        assert ">March 2026<" in client.get(f"{path}move/?month=2026-03").content.decode()
        assert ">March 2026<" in client.get(f"{path}move/?day=2026-03-05").content.decode()

    def test_moved_on_other_clocks_it_is_told_on_those_from_then_on(self, client: Client, path: str) -> None:
        client.post(f"{path}move/?zone=Asia/Tokyo", {"start": "20260303T160000Z"})
        client.cookies.clear()
        page = client.get(path).content.decode()
        assert "Wednesday 4 March 2026, 01:00 to 02:00" in page
        assert Appointment.objects.get().guests.get().time_zone == "Asia/Tokyo"

    def test_refused_move_leaves_the_zone_as_it_was(self, client: Client, path: str) -> None:
        client.post(f"{path}move/?zone=Asia/Tokyo", {"start": "20260303T030000Z"})
        assert Appointment.objects.get().guests.get().time_zone == "UTC"

    def test_of_a_calendar_that_is_off_it_can_be_cancelled_and_not_moved(
        self, client: Client, path: str
    ) -> None:
        Calendar.objects.update(is_active=False)
        page = client.get(path).content.decode()
        assert ">Move<" not in page
        assert "You can cancel it online until" in page
        assert "cannot be changed online" in client.get(f"{path}move/").content.decode()
        client.post(f"{path}move/", {"start": "20260303T110000Z"})
        assert Appointment.objects.get().starts_at == TEN
        client.post(f"{path}cancel/")
        assert Appointment.objects.get().is_void

    def test_time_that_is_not_on_offer_is_not_offered_to_move_to(self, client: Client, path: str) -> None:
        page = client.get(f"{path}move/?start=20260303T030000Z").content.decode()
        assert "not on offer, or no longer" in page
        assert '<button class="btn btn-primary">Move' not in page

    def test_past_the_deadline_the_page_says_so(self, client: Client, path: str) -> None:
        with time_machine.travel(TEN - HOUR / 2, tick=False):
            assert "too late to change this online" in client.get(path).content.decode()
            client.post(f"{path}cancel/")
            client.post(f"{path}move/", {"start": "20260303T150000Z"})
        appointment = Appointment.objects.get()
        assert (appointment.status, appointment.starts_at) == ("new", TEN)

    def test_calendar_file_holds_the_appointment(self, client: Client, path: str) -> None:
        answer = client.get(f"{path}appointment.ics")
        assert answer["Content-Type"].startswith("text/calendar")
        assert b"DTSTART:20260303T100000Z" in answer.content

    def test_file_of_a_cancelled_appointment_says_so(self, client: Client, path: str) -> None:
        client.post(f"{path}cancel/")
        file = client.get(f"{path}appointment.ics").content
        assert b"STATUS:CANCELLED" in file
        assert b"METHOD:PUBLISH" in file

    @pytest.mark.parametrize("status", ["showed", "no_show"])
    def test_what_staff_closed_cannot_be_changed(self, client: Client, path: str, status: str) -> None:
        booking.set_status(Appointment.objects.get(), status)
        assert "is over, or has begun" in client.get(path).content.decode()
        client.post(f"{path}cancel/")
        client.post(f"{path}move/", {"start": "20260303T110000Z"})
        appointment = Appointment.objects.get()
        assert (appointment.status, appointment.starts_at) == (status, TEN)

    def test_link_that_is_not_ours_opens_nothing(self, client: Client, path: str) -> None:
        forged = path[:-3] + ("x" if path[-3] != "x" else "y") + "/"
        assert client.get(forged).status_code == 404


class TestComingAlong:
    @pytest.fixture
    def path(self, client: Client) -> str:
        press(client, calendar_of(UserFactory(), allows_cancel=False), others="bea@x.org")
        appointment = Appointment.objects.get()
        return links.manage_path(appointment, Contact.objects.with_address("bea@x.org").get())

    def test_they_see_it_and_move_nobody(self, client: Client, path: str) -> None:
        page = client.get(path).content.decode()
        assert "You came along" in page
        assert "Take me off" in page
        assert ">Move<" not in page
        answer = client.post(f"{path}move/", {"start": "20260303T110000Z"})
        assert "Only who booked" in answer.content.decode()
        assert Appointment.objects.get().starts_at == TEN

    def test_they_take_off_themselves_alone_and_their_link_says_so_afterwards(
        self, client: Client, path: str
    ) -> None:
        assert "It takes place without you" in client.get(f"{path}cancel/").content.decode()
        answer = client.post(f"{path}cancel/", follow=True)
        assert answer.status_code == 410
        assert "no longer part" in answer.content.decode()
        appointment = Appointment.objects.get()
        assert appointment.status == "new"
        assert [guest.address for guest in appointment.guests.all()] == ["ann@x.org"]
        assert client.get(f"{path}appointment.ics").status_code == 410

    def test_they_may_do_so_past_the_deadline_until_it_begins(self, client: Client, path: str) -> None:
        with time_machine.travel(TEN, tick=False):
            client.post(f"{path}cancel/")
            assert Appointment.objects.get().guests.count() == 2
        with time_machine.travel(TEN - HOUR / 2, tick=False):
            client.post(f"{path}cancel/")
        assert Appointment.objects.get().guests.count() == 1


@pytest.mark.parametrize(("confirms", "button"), [(True, "Book 3 March"), (False, "Ask for 3 March")])
def test_the_button_books_only_where_nobody_confirms_by_hand(
    client: Client, confirms: bool, button: str
) -> None:
    calendar_of(UserFactory(), confirms_automatically=confirms)
    assert button in client.get(f"/book/visit/{AT_TEN}/").content.decode()
