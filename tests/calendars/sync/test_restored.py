"""What Google ended and staff bring back here stays: what ended it ends it once."""

from collections.abc import Callable
from typing import Any

import pytest
import time_machine

from calendars import booking
from calendars.google_next import STAYS_DECLINED, google_words
from calendars.models import GoogleEvent, PushTarget
from calendars.sync import brake, decide
from contacts.models import Appointment, AppointmentChange
from tests.calendars.sync.scenes import DAY, Scene
from tests.google import TOMORROW_AT_TEN, Desk, Google

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


@pytest.mark.parametrize("then", ["guest taken off", "guest declined"])
def test_that_its_person_says_no_is_another_end(google: Google, desk: Desk, then: str) -> None:
    event = google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    ENDS[then](google, desk, event)
    desk.turn()
    booking.set_status(Appointment.objects.get(), "new", by=desk.user)
    desk.turn()
    ENDS["its person declined"](google, desk, event)
    desk.turn()
    assert (Appointment.objects.get().status, cancellations()) == ("cancelled", 2)


def test_host_who_declined_is_none_again_when_their_colleague_brings_it_back(google: Google) -> None:
    desks = alice, bob = [Desk(google), Desk(google)]
    google.control.add_person(OLGA)
    event = google.add(OLGA, guests=("ann@x.org", *(desk.address for desk in desks)))

    def sweep() -> None:
        for _ in range(3):
            for desk in desks:
                desk.turn()

    sweep()
    for desk in desks:
        google.control.respond(desk.address, event["id"], "declined")
        sweep()
    appointment = Appointment.objects.get()
    assert appointment.status == "cancelled"
    booking.set_status(appointment, "new", by=bob.user)
    sweep()
    appointment.refresh_from_db()
    assert (appointment.status, [host.user for host in appointment.hosts.all()]) == ("new", [bob.user])
    assert alice.user != bob.user


# --- in other calendars, and after other decisions ---

WITHOUT_GUESTS: dict[str, list[dict[str, str]]] = {
    "taken off": [],
    "declined": [{**ANN, "responseStatus": "declined"}],
}
HOW = pytest.mark.parametrize("how", WITHOUT_GUESTS)


def bring_back(scene: Scene, appointment: Appointment) -> None:
    with time_machine.travel(scene.now, tick=False):
        booking.set_status(scene.fresh(appointment), "new", by=scene.desk.user)


@HOW
@pytest.mark.parametrize("to", ["room", "beside"])
def test_it_stays_wherever_its_event_is_dragged(google: Google, how: str, to: str) -> None:
    scene = Scene(google, conflicts=["beside"], rooms=["room"])
    appointment, event_id = scene.imported()
    scene.change("first", event_id, attendees=WITHOUT_GUESTS[how])
    scene.sweep()
    bring_back(scene, appointment)
    scene.sweep()
    scene.drag(event_id, "first", to)
    scene.sweep()
    assert (scene.fresh(appointment).status, cancellations()) == ("new", 1)
    scene.assert_quiet()


@HOW
def test_it_stays_though_its_guest_left_while_it_was_kept_private(google: Google, how: str) -> None:
    scene = Scene(google)
    appointment, event_id = scene.imported()
    with time_machine.travel(scene.now, tick=False):
        decide.keep_private(GoogleEvent.objects.get(), by=scene.desk.user, now=scene.now)
    scene.change("first", event_id, attendees=WITHOUT_GUESTS[how])
    scene.sweep()
    bring_back(scene, appointment)
    scene.sweep()
    assert (scene.fresh(appointment).status, cancellations()) == ("new", 0)


@HOW
def test_it_stays_though_its_guest_left_while_it_was_cancelled_and_only_read(
    google: Google, how: str
) -> None:
    scene = Scene(google, conflicts=["beside"])
    appointment, event_id = scene.imported()
    scene.drag(event_id, "first", "beside")
    scene.sweep()
    scene.cancel(appointment)
    scene.sweep()
    scene.change("beside", event_id, attendees=WITHOUT_GUESTS[how])
    scene.sweep()
    bring_back(scene, appointment)
    scene.sweep()
    assert scene.fresh(appointment).status == "new"


def test_kept_at_the_brake_before_it_ends_when_its_event_is_deleted(google: Google) -> None:
    scene = Scene(google)
    ids = [scene.add(guests=(f"g{n}@x.org",), start=TOMORROW_AT_TEN + n * DAY) for n in range(12)]
    scene.sweep()
    for event_id in ids:
        scene.change("first", event_id, attendees=[])
    scene.sweep()
    [run] = brake.braked_runs(scene.desk.user)
    with time_machine.travel(scene.now, tick=False):
        shown = [waiting.event.pk for waiting in brake.held_events(run, scene.now)]
        brake.keep(run, shown, by=scene.desk.user, now=scene.now)
    scene.sweep()
    appointment = GoogleEvent.objects.get(google_id=ids[0]).appointment
    assert appointment is not None
    scene.cancel(appointment)
    bring_back(scene, appointment)
    scene.sweep()
    scene.delete("first", ids[0])
    scene.sweep()
    assert scene.fresh(appointment).status == "cancelled"
