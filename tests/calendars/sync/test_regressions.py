"""What the random histories of tests/properties found, each by the name of the promise it broke."""

from dataclasses import replace

import pytest

from calendars import booking, configuring
from calendars.receivers import follow_configuration
from calendars.sync.turn import take_turn
from contacts.models import Appointment
from integrations.models import GoogleCalendar
from integrations.sandbox.faults import Fault
from tests.factories import ContactFactory
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db


def book(desk: Desk) -> Appointment:
    return booking.book(
        calendar=desk.calendar,
        contact=ContactFactory(address="ann@x.org"),
        owner=desk.user,
        starts_at=TOMORROW_AT_TEN,
        ends_at=TOMORROW_AT_TEN + HOUR,
    )


def link(desk: Desk, google_calendar: GoogleCalendar | None) -> None:
    values = replace(configuring.values_of(desk.configuration), linked_calendar=google_calendar)
    desk.configuration = configuring.save_configuration(values, user=desk.user, by=desk.user, now=NOW)
    follow_configuration(configuration_id=desk.configuration.pk, link_changed=True)


def test_link_taken_away_and_given_back_before_a_push_leaves_one_event(google: Google) -> None:
    """The first event was still to be removed when the appointment got its next one."""
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    link(desk, None)
    link(desk, desk.google_calendar)
    desk.turn()
    assert len(google.events(desk.address)) == 1
    desk.turn()
    appointment.refresh_from_db()
    assert (appointment.status, appointment.hosts.count()) == ("new", 1)
    assert Appointment.objects.count() == 1


def test_earlier_event_with_guests_makes_no_second_appointment(google: Google) -> None:
    desk = Desk(google)
    desk.calendar.invites_through_google = True
    desk.calendar.save()
    book(desk)
    desk.turn()
    link(desk, None)
    link(desk, desk.google_calendar)
    desk.turn()
    assert Appointment.objects.count() == 1
    assert len(google.events(desk.address)) == 1


def test_cancelled_after_an_insert_whose_answer_was_lost_leaves_no_event(google: Google) -> None:
    desk = Desk(google)
    appointment = book(desk)
    # The transport repeats a request whose connection closed, and its repetition is lost as well.
    google.control.add_fault(Fault(method="calendar.events.insert", drop_after=True))
    google.control.add_fault(Fault(method="calendar.events.insert", drop_before=True))
    assert take_turn(desk.google_calendar.pk, NOW, pulls=True).has_failed
    assert len(google.events(desk.address)) == 1
    booking.cancel(appointment)
    desk.turn()
    assert google.events(desk.address) == []
