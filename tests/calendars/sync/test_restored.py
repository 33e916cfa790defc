"""What Google ended and staff bring back here stays: what ended it ends it once."""

from collections.abc import Callable
from typing import Any

import pytest

from calendars import booking
from calendars.google_next import STAYS_DECLINED, google_words
from calendars.models import GoogleEvent, PushTarget
from contacts.models import Appointment, AppointmentChange
from tests.google import Desk, Google

pytestmark = pytest.mark.django_db
OLGA = "olga@else.org"
ANN = {"email": "ann@x.org"}

ENDS: dict[str, Callable[[Google, Desk, dict[str, Any]], object]] = {
    "guest taken off": lambda google, desk, event: google.change(desk.address, event, attendees=[]),
    "guest declined": lambda google, desk, event: google.change(
        desk.address, event, attendees=[{**ANN, "responseStatus": "declined"}]
    ),
    "its person declined": lambda google, desk, event: google.change(
        desk.address, event, attendees=[ANN, {"email": desk.address, "responseStatus": "declined"}]
    ),
}


def cancellations() -> int:
    return AppointmentChange.objects.filter(what="cancelled", fires=True).count()


@pytest.fixture
def desk(google: Google) -> Desk:
    return Desk(google)


@pytest.fixture(params=ENDS)
def restored(request: pytest.FixtureRequest, google: Google, desk: Desk) -> dict[str, Any]:
    """An event with Ann that ended its appointment, which staff brought back."""
    event = google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    ENDS[request.param](google, desk, event)
    desk.turn()
    appointment = Appointment.objects.get()
    assert (appointment.status, cancellations()) == ("cancelled", 1)
    booking.set_status(appointment, "new", by=desk.user)
    desk.turn()
    return event


def test_what_ended_it_does_not_end_it_once_more(
    google: Google, desk: Desk, restored: dict[str, Any]
) -> None:
    """The next sweep cancelled it again, and told the guest a second time."""
    google.change(desk.address, restored, summary="Another word")
    desk.turn()
    assert (Appointment.objects.get().status, cancellations()) == ("new", 1)
    row = GoogleEvent.objects.get()
    assert "kept here by a person's decision" in row.reason
    assert (row.get_decision_display(), row.decided_by) == ("Brought back here", desk.user)
    assert not PushTarget.objects.behind().exists()


def test_that_it_is_deleted_later_is_news(google: Google, desk: Desk, restored: dict[str, Any]) -> None:
    google.delete(desk.address, restored)
    desk.turn()
    assert (Appointment.objects.get().status, cancellations()) == ("cancelled", 2)


def test_guest_who_returns_and_leaves_again_is_news(
    google: Google, desk: Desk, restored: dict[str, Any]
) -> None:
    myself = {"email": desk.address, "responseStatus": "accepted"}
    google.change(desk.address, restored, attendees=[ANN, myself])
    desk.turn()
    assert (Appointment.objects.get().status, GoogleEvent.objects.get().decision) == ("new", "")
    google.change(desk.address, restored, attendees=[myself])
    desk.turn()
    assert (Appointment.objects.get().status, cancellations()) == ("cancelled", 2)


def test_invitation_that_we_declined_is_put_back_once_it_is_gone(google: Google, desk: Desk) -> None:
    """It stood here alone for ever."""
    google.control.add_person(OLGA)
    event = google.add(OLGA, guests=(desk.address, "ann@x.org"))
    desk.turn()
    appointment = Appointment.objects.get()
    booking.cancel(appointment)
    desk.turn()
    appointment = booking.set_status(appointment, "new")
    assert google_words(appointment) == STAYS_DECLINED
    desk.turn()
    google.control.delete(desk.address, "primary", event["id"])
    for _ in range(2):
        desk.turn()
    assert Appointment.objects.get().status == "new"
    [put_back] = google.events(desk.address)
    assert put_back["id"] != event["id"]


def test_slip_that_google_never_heard_of_decides_nothing(google: Google, desk: Desk) -> None:
    event = google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    appointment = Appointment.objects.get()
    booking.cancel(appointment)
    booking.set_status(appointment, "new")
    ENDS["guest declined"](google, desk, event)
    desk.turn()
    assert Appointment.objects.get().status == "cancelled"
