"""What customers do themselves, and that what leaves to them is made from what they typed."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.core import mail

from calendars import booking, customers
from calendars.models import Calendar, PushTarget
from calendars.sync.wish import Wish
from campaigns.delivery import deliver_due
from contacts.models import Appointment, Contact
from contacts.newcomers import Newcomer
from tests.calendars.views.test_booking_page import NOW, TEN, calendar_of
from tests.campaigns import rows
from tests.factories import ConfigurationFactory, GoogleCalendarFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def victoria() -> Contact:
    known = Contact.objects.create(
        first_name="Victoria", last_name="Secretname", company="ACME", time_zone="Pacific/Auckland"
    )
    known.emails.create(address="victoria@private.test", is_primary=True)
    known.phones.create(number="+442079460958", is_primary=True)
    return known


def visit(calendar: Calendar, *, starts_at: datetime.datetime = TEN, **typed: Any) -> Appointment:
    person = {"first_name": "Mallory", "address": "mallory@evil.test"} | {
        name: typed.pop(name) for name in ("first_name", "address", "phone") if name in typed
    }
    wanted = customers.Visit(
        calendar=calendar,
        newcomer=Newcomer(**person),
        starts_at=starts_at,
        **{"time_zone": "Europe/London"} | typed,
    )
    return customers.book_visit(wanted, now=NOW)[0]


def letters() -> dict[str, str]:
    """Everything that left, by address: subject, text, page and files."""
    rows.look(NOW)
    deliver_due(NOW)
    return {
        letter.to[0]: letter.message().as_string() + letter.body + "".join(map(str, letter.attachments))
        for letter in mail.outbox
    }


class TestWhatLeaves:
    def test_who_types_the_phone_of_somebody_we_know_learns_nothing_of_them(self) -> None:
        known, calendar = victoria(), calendar_of(UserFactory(), notices="customers")
        appointment = visit(
            calendar, phone="+442079460958", others=["victoria@private.test", "friend@f.test"]
        )
        assert appointment.contact == known
        assert appointment.changes.get().why == "Booked online as Mallory, mallory@evil.test, +442079460958."
        left = letters()
        assert set(left) == {"mallory@evil.test", "friend@f.test"}
        for words in left.values():
            for secret in ("Victoria", "Secretname", "Auckland", "victoria@", "Booked online"):
                assert secret not in words

    def test_taken_off_again_they_learn_nothing_either(self) -> None:
        known, calendar = victoria(), calendar_of(UserFactory())
        appointment = visit(calendar, phone="+442079460958", others=["friend@f.test"], time_zone="Asia/Tokyo")
        letters()
        mail.outbox.clear()
        booking.detach(appointment, known)
        left = letters()["mallory@evil.test"]
        assert "Victoria" not in left
        assert "19:00 to 20:00 JST (Asia/Tokyo)" in left

    def test_google_invites_under_the_typed_names(self) -> None:
        victoria()
        host = UserFactory()
        calendar = calendar_of(host, invites_through_google=True)
        ConfigurationFactory(user=host, linked_calendar=GoogleCalendarFactory(account__user=host))
        appointment = visit(
            calendar,
            address="victoria@private.test",
            phone="+442079460958",
            others=["friend@f.test"],
            notes="Knee",
        )
        draft = Wish(PushTarget.objects.get(appointment=appointment)).draft()
        assert (draft.summary, draft.description) == ("Visit: Mallory", "Knee")
        assert draft.attendees == (("victoria@private.test", "Mallory"), ("friend@f.test", ""))

    def test_letter_and_file_are_in_the_zone_of_the_booking_and_so_is_the_new_contact(self) -> None:
        appointment = visit(
            calendar_of(UserFactory(), time_zone="Europe/London", confirms_automatically=True),
            time_zone="America/New_York",
        )
        assert appointment.contact.time_zone == "America/New_York"
        left = letters()["mallory@evil.test"]
        assert "05:00 to 06:00 EST (America/New_York)" in left
        assert "Subject: Booked: Visit, Tuesday 3 March, 05:00" in left

    def test_contact_we_know_keeps_their_zone_and_is_told_in_that_of_the_booking(self) -> None:
        known, calendar = victoria(), calendar_of(UserFactory())
        visit(calendar, address="Victoria@Private.test", time_zone="America/New_York")
        known.refresh_from_db()
        assert known.time_zone == "Pacific/Auckland"
        rows.campaign(rows.at_once(body="We start at {{ appointment.starts_at }}."))
        letters()
        confirmation, reminder = (letter.body for letter in mail.outbox)
        assert "05:00 to 06:00 EST" in confirmation
        assert "We start at Tuesday 3 March 2026, 05:00 EST." in reminder

    def test_who_came_along_is_asked_and_hears_alone_that_they_dropped_out(self) -> None:
        appointment = visit(calendar_of(UserFactory(), confirms_automatically=True), others=["friend@f.test"])
        left = letters()
        assert "PARTSTAT=ACCEPTED" in left["mallory@evil.test"].replace("\r\n ", "")
        friends = left["friend@f.test"].replace("\r\n ", "")
        assert "PARTSTAT=NEEDS-ACTION" in friends
        assert "Take yourself off until Tuesday 3 March 2026, 10:00 GMT" in friends
        assert "Move or cancel it" not in friends
        mail.outbox.clear()
        friend = Contact.objects.with_address("friend@f.test").get()
        customers.cancel(appointment, friend, now=NOW)
        left = letters()
        assert set(left) == {"friend@f.test"}
        assert "Your place in this appointment is cancelled, as you asked." in left["friend@f.test"]


def test_what_leaves_promises_no_move_beyond_the_last_one(settings: Any) -> None:
    settings.BOOKING_MOST_MOVES = 1
    appointment = visit(calendar_of(UserFactory(), confirms_automatically=True))
    before = customers.may_do(appointment, appointment.contact, NOW)
    assert before is not None
    assert (before.does, before.otherwise) == ("Move or cancel it", "")
    later = TEN + datetime.timedelta(hours=1)
    moved = customers.move(appointment, appointment.contact, later, now=NOW)
    after = customers.may_do(moved, moved.contact, NOW)
    assert after is not None
    assert (after.does, after.otherwise) == ("Cancel it", "To move it again, please contact us.")
    letter = letters()["mallory@evil.test"]
    assert "To move it again, please contact us." in letter
    assert "Move or cancel it" not in letter
