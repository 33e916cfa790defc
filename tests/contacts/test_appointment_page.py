import datetime
from collections.abc import Iterator

import pytest
import time_machine

from calendars import booking
from calendars.models import PushTarget
from contacts.models import Appointment, Origin, User
from tests.contacts.test_contacts_list import queries_of
from tests.desk import HOUR, NOW, booked, google_event, signed_in
from tests.factories import CalendarFactory, ContactFactory, GoogleAccountFactory, GoogleCalendarFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def from_google(owner: User, **event: object) -> Appointment:
    appointment = booked(owner, origin=Origin.GOOGLE, title="Kick-off", aims=False)
    google_event(owner, appointment=appointment, outcome="appointment", **event)
    return appointment


def test_it_tells_the_time_here_and_at_the_contacts_place() -> None:
    client, user = signed_in(time_zone="Europe/Lisbon")
    contact = ContactFactory.create(first_name="Yuki", time_zone="Asia/Tokyo")
    page = client.get(booked(user, contact=contact).get_absolute_url()).content.decode()
    assert "Monday 23 November 2026, 10:00 to 11:00" in page
    assert "Monday 19:00 to 20:00 for Yuki" in page


def test_a_contact_whose_clocks_agree_gets_no_second_time() -> None:
    client, user = signed_in(time_zone="Europe/Lisbon")
    contact = ContactFactory.create(time_zone="Europe/London")
    assert client.get(booked(user, contact=contact).get_absolute_url()).context["zone"] is None


def test_the_history_tells_what_who_and_why() -> None:
    client, user = signed_in()
    appointment = booked(user, by=user)
    booking.reschedule(
        appointment, starts_at=NOW + 5 * HOUR, ends_at=NOW + 6 * HOUR, by=user, why="The train is late"
    )
    page = client.get(appointment.get_absolute_url()).content.decode()
    assert "Rescheduled" in page
    assert "The train is late" in page
    assert str(user) in page


def test_showed_and_no_show_are_offered_once_it_has_begun() -> None:
    client, user = signed_in()
    ahead, begun = booked(user, NOW + HOUR), booked(user, NOW - HOUR)
    assert 'value="showed"' not in client.get(ahead.get_absolute_url()).content.decode()
    assert 'value="showed"' in client.get(begun.get_absolute_url()).content.decode()


def test_guests_of_somebody_elses_event_are_told_beforehand_what_cancelling_does() -> None:
    client, user = signed_in()
    page = client.get(from_google(user, organised_by_us=False).get_absolute_url()).content.decode()
    assert "locked here" in page
    assert "declines the invitation" in page
    assert "/move/" not in page


def test_an_event_we_organise_can_be_moved_and_is_deleted_with_the_appointment() -> None:
    client, user = signed_in()
    page = client.get(from_google(user, organised_by_us=True).get_absolute_url()).content.decode()
    assert "/move/" in page
    assert "deletes the event at Google" in page


def test_plain_addresses_of_the_google_event_stand_beside_the_contacts() -> None:
    client, user = signed_in()
    people = [
        {"address": "stranger@client.example", "is_self": False, "is_resource": False},
        {"address": user.email, "is_self": True, "is_resource": False},
    ]
    page = client.get(from_google(user, attendees=people).get_absolute_url()).content.decode()
    assert "stranger@client.example" in page
    assert "not one of your contacts" in page


def test_it_says_why_and_whether_google_is_up_to_date() -> None:
    client, user = signed_in()
    appointment = from_google(user, reason="Two way: the guest is a contact.")
    calendar = GoogleCalendarFactory.create(account=GoogleAccountFactory.create(user=user, subject="other"))
    target = PushTarget.objects.create(
        appointment=appointment,
        google_calendar=calendar,
        event_id="x",
        wanted_revision=2,
        pushed_revision=1,
        last_error="Google refused the time.",
    )
    page = client.get(appointment.get_absolute_url()).content.decode()
    assert "Two way: the guest is a contact." in page
    assert "Waits to be sent" in page
    assert "Google refused the time." in page
    PushTarget.objects.filter(pk=target.pk).update(
        pushed_revision=2, pushed_at=datetime.datetime(2026, 11, 23, 8, 2, tzinfo=datetime.UTC)
    )
    assert "23 Nov, 08:02" in client.get(appointment.get_absolute_url()).content.decode()


def test_more_guests_hosts_events_and_changes_cost_no_more_queries() -> None:
    client, user = signed_in()
    calendar = CalendarFactory.create()
    one = booked(user, calendar=calendar, guests=[ContactFactory.create(address="a@x.org")])
    google_event(user, appointment=one)
    three = booked(
        user,
        NOW + 9 * HOUR,
        calendar=calendar,
        guests=[ContactFactory.create(address=f"{name}@x.org") for name in "bcd"],
        hosts=[user, signed_in()[1], signed_in()[1]],
    )
    for number in range(3):
        google_event(signed_in()[1], appointment=three)
        booking.reschedule(
            three, starts_at=NOW + (10 + number) * HOUR, ends_at=NOW + (11 + number) * HOUR, by=user
        )
    client.get(one.get_absolute_url())
    assert queries_of(client, three.get_absolute_url()) == queries_of(client, one.get_absolute_url())
