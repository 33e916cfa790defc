"""A move made here waits for as long as it can be undone, whatever Google tells meanwhile."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from calendars import booking
from calendars.models import PushTarget
from calendars.sync import disconnecting
from contacts.models import Appointment, AppointmentChange
from tests.calendars.sync.rules.scene import LATER, PATCH, at, book, start_of
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db
GRACE = timedelta(seconds=30)
WITHIN, AFTER = NOW + GRACE / 2, NOW + 2 * GRACE


@pytest.fixture
def desk(google: Google, settings: Any) -> Desk:
    """One whose calendar invites through Google."""
    settings.NOTICE_GRACE = GRACE
    desk = Desk(google)
    desk.calendar.invites_through_google = True
    desk.calendar.save()
    return desk


def moved(desk: Desk) -> tuple[Appointment, AppointmentChange]:
    """An appointment that stands at Google, moved here just now."""
    appointment = book(desk)
    desk.turn()
    with time_machine.travel(NOW, tick=False):
        appointment = booking.reschedule(appointment, starts_at=LATER, ends_at=LATER + HOUR, by=desk.user)
    return appointment, appointment.changes.latest("pk")


def answer(google: Google, desk: Desk) -> None:
    [event] = google.events(desk.address)
    people = [{**each, "responseStatus": "accepted"} for each in event["attendees"]]
    google.change(desk.address, event, attendees=people)


def reconnect(google: Google, desk: Desk) -> None:
    disconnecting.resume(desk.account.pk, WITHIN)


@pytest.mark.parametrize(
    "happens", [answer, reconnect], ids=["a guest accepts", "the account is reconnected"]
)
def test_move_that_may_still_be_undone_is_not_sent(
    google: Google, desk: Desk, happens: Callable[[Google, Desk], None]
) -> None:
    moved(desk)
    happens(google, desk)
    with at(WITHIN, google):
        desk.turn()
        desk.turn()
    assert google.control.requests(PATCH) == []
    with at(AFTER, google):
        desk.turn()
    assert start_of(google.events(desk.address)[0]) == LATER


def test_move_is_undone_although_a_guest_accepted_meanwhile(google: Google, desk: Desk) -> None:
    appointment, move = moved(desk)
    answer(google, desk)
    with at(WITHIN, google):
        desk.turn()
        back = booking.undo_move(appointment, move, by=desk.user)
        desk.turn()
    assert (back.starts_at, back.status) == (TOMORROW_AT_TEN, "confirmed")
    assert google.control.requests(PATCH) == []
    assert not PushTarget.objects.behind().exists()


def test_what_is_edited_here_next_goes_out_at_once_and_the_move_with_it(google: Google, desk: Desk) -> None:
    appointment, move = moved(desk)
    with at(WITHIN, google):
        booking.set_details(appointment, title="Other words", description="", location="", by=desk.user)
        desk.turn()
        assert start_of(google.events(desk.address)[0]) == LATER
        with pytest.raises(booking.NotPossible, match="changed since"):
            booking.undo_move(appointment, move, by=desk.user)
