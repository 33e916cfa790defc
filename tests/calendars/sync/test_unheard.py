"""Writes of ours whose answer was lost, and what happened on either side before anybody heard of them (W2)."""

from typing import Any

import pytest
import time_machine

from calendars import booking
from calendars.booking import undoing
from calendars.models import GoogleEvent, PushTarget
from contacts.models import Appointment
from integrations.sandbox.faults import Fault
from tests.calendars.sync.scenes import LATER, MINUTE, Scene, times
from tests.google import HOUR, TOMORROW_AT_TEN, Google

pytestmark = pytest.mark.django_db
WHERE_MADE = pytest.mark.parametrize("where", ["here", "there"])
NEXT = pytest.mark.parametrize("pulls", [False, True], ids=["push first", "pull first"])


def loses_answer(scene: Scene, write: str, *, is_carried_out: bool = True) -> None:
    """Google carries the next `write` of ours out, answers nobody for some time, and does again."""
    control = scene.google.control
    if is_carried_out:
        control.add_fault(Fault(method=f"calendar.events.{write}", drop_after=True))
    control.add_fault(Fault(method="*", status=503, count=99))
    scene.turn("first", pulls=False)
    control.clear_faults()
    scene.now += 5 * MINUTE


def goes_on(scene: Scene, *, pulls: bool) -> None:
    """An hour later, when whatever waited is due."""
    scene.now += HOUR
    scene.turn("first", pulls=pulls)
    scene.sweep()


def restore(scene: Scene, appointment: Appointment) -> None:
    with time_machine.travel(scene.now, tick=False):
        booking.set_status(scene.fresh(appointment), "new", by=scene.desk.user)


def starts_at_google(scene: Scene) -> list[str]:
    return [event["start"]["dateTime"][:16] for event in scene.events()]


def is_unheard() -> bool:
    return PushTarget.objects.unheard().exists()


@NEXT
def test_appointment_moved_before_its_insert_was_heard_stays_where_it_was_moved(
    google: Google, pulls: bool
) -> None:
    scene = Scene(google)
    appointment = scene.book()
    loses_answer(scene, "insert")
    assert (len(scene.events()), is_unheard()) == (1, True)
    scene.move(appointment)
    goes_on(scene, pulls=pulls)
    assert scene.changes(appointment) == [("rescheduled", "staff")]
    assert starts_at_google(scene) == [f"{LATER:%Y-%m-%dT%H:%M}"]
    assert not is_unheard()
    scene.assert_quiet()


@NEXT
@WHERE_MADE
def test_appointment_restored_before_its_deletion_was_heard_is_put_back(
    google: Google, where: str, pulls: bool
) -> None:
    scene = Scene(google)
    appointment, _ = scene.made(where)
    scene.cancel(appointment)
    loses_answer(scene, "delete")
    assert scene.events() == []
    restore(scene, appointment)
    goes_on(scene, pulls=pulls)
    assert (scene.fresh(appointment).status, len(scene.events())) == ("new", 1)
    assert ("cancelled", "google") not in scene.changes(appointment)
    scene.assert_quiet()


@NEXT
def test_appointment_restored_before_its_decline_was_heard_stays(google: Google, pulls: bool) -> None:
    scene = Scene(google)
    google.control.add_person("boss@out.org")
    google.add("boss@out.org", guests=(scene.address,))
    scene.sweep()
    appointment = Appointment.objects.get()
    scene.cancel(appointment)
    loses_answer(scene, "patch")
    restore(scene, appointment)
    goes_on(scene, pulls=pulls)
    assert scene.fresh(appointment).status == "new"
    scene.assert_quiet()
    # What else is told of the event ends nothing: it was declined here, and restored here.
    google.control.patch("boss@out.org", "primary", scene.events()[0]["id"], {"summary": "Board"})
    scene.sweep()
    assert scene.fresh(appointment).status == "new"


@NEXT
@WHERE_MADE
@pytest.mark.parametrize("how", ["undone", "moved back"])
def test_move_taken_back_before_it_was_heard_is_taken_back_at_google(
    google: Google, how: str, where: str, pulls: bool
) -> None:
    scene = Scene(google)
    appointment, _ = scene.made(where)
    with time_machine.travel(scene.now, tick=False):
        booking.reschedule(
            scene.fresh(appointment), starts_at=LATER, ends_at=LATER + HOUR, by=scene.desk.user
        )
    loses_answer(scene, "patch")
    assert starts_at_google(scene) == [f"{LATER:%Y-%m-%dT%H:%M}"]
    with time_machine.travel(scene.now, tick=False):
        if how == "undone":
            move = appointment.changes.filter(what="rescheduled").latest("pk")
            undoing.undo_move(scene.fresh(appointment), move, by=scene.desk.user)
        else:
            scene.move(appointment, TOMORROW_AT_TEN)
    goes_on(scene, pulls=pulls)
    assert scene.fresh(appointment).starts_at == TOMORROW_AT_TEN
    assert starts_at_google(scene) == [f"{TOMORROW_AT_TEN:%Y-%m-%dT%H:%M}"]
    assert "google" not in dict(scene.changes(appointment)).values()
    scene.assert_quiet()


@NEXT
@pytest.mark.parametrize("act", ["moved", "deleted", "named"])
def test_what_a_person_does_to_an_event_whose_insert_was_not_heard_is_news(
    google: Google, act: str, pulls: bool
) -> None:
    scene = Scene(google)
    appointment = scene.book()
    loses_answer(scene, "insert")
    [event] = scene.events()
    if act == "deleted":
        scene.delete("first", event["id"])
    else:
        scene.change("first", event["id"], **(times(LATER) if act == "moved" else {"summary": "Typed there"}))
    goes_on(scene, pulls=pulls)
    appointment, events = scene.fresh(appointment), scene.events()
    assert appointment.status == ("cancelled" if act == "deleted" else "new")
    assert appointment.starts_at == (LATER if act == "moved" else TOMORROW_AT_TEN)
    # The words of what was made here are said here.
    assert [each["summary"] for each in events] == ([] if act == "deleted" else [appointment.title])
    scene.assert_quiet()


@NEXT
@pytest.mark.parametrize("write", ["insert", "patch", "delete"])
def test_write_that_was_not_carried_out_is_made_with_the_next_try(
    google: Google, write: str, pulls: bool
) -> None:
    scene = Scene(google)
    appointment = scene.book()
    if write != "insert":
        scene.sweep()
        (scene.move if write == "patch" else scene.cancel)(appointment)
    loses_answer(scene, write, is_carried_out=False)
    assert is_unheard()
    google.control.clear_requests()
    goes_on(scene, pulls=pulls)
    done = [each for each in google.control.requests() if each.status < 400]
    methods = [each.method.rpartition(".")[2] for each in done]
    assert [each for each in methods if each in ("insert", "patch", "delete")] == [write]
    expected = {"insert": TOMORROW_AT_TEN, "patch": LATER}
    assert starts_at_google(scene) == ([f"{expected[write]:%Y-%m-%dT%H:%M}"] if write in expected else [])
    assert not is_unheard()
    scene.assert_quiet()


@NEXT
def test_name_that_was_not_heard_is_not_taken_for_somebody_elses(google: Google, pulls: bool) -> None:
    scene = Scene(google)
    appointment, _ = scene.booked()
    scene.rename(appointment, "Second visit")
    loses_answer(scene, "patch")
    goes_on(scene, pulls=pulls)
    assert [event["summary"] for event in scene.events()] == ["Second visit"]
    assert "Reworded" not in GoogleEvent.objects.get().reason
    scene.assert_quiet()


def test_move_that_google_will_not_take_any_more_is_taken_back(google: Google) -> None:
    """Locked at Google since it was read: nothing is written there, and the appointment says its time again."""
    scene = Scene(google)
    scene.add(locked=True)
    scene.sweep()
    GoogleEvent.objects.update(is_locked=False, etag="older", planned_etag="older", agreed_etag="older")
    appointment = Appointment.objects.get()
    scene.move(appointment)
    scene.turn("first", pulls=False)
    scene.sweep()
    assert scene.fresh(appointment).starts_at == TOMORROW_AT_TEN
    assert scene.changes(appointment) == [("rescheduled", "staff"), ("rescheduled", "google")]
    assert "taken back" in GoogleEvent.objects.get().reason
    scene.assert_quiet()


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429},
        {"status": 403, "reason": "quotaExceeded"},
        {"status": 409, "reason": "conflict"},
        {"status": 412, "reason": "conditionNotMet"},
        {"status": 403, "reason": "forbidden"},
    ],
    ids=lambda fault: str(fault.get("reason", fault["status"])),
)
def test_write_that_google_turned_down_is_known_not_to_be_carried_out(
    google: Google, fault: dict[str, Any]
) -> None:
    scene = Scene(google)
    appointment, _ = scene.booked()
    scene.move(appointment)
    google.control.add_fault(Fault(method="calendar.events.patch", count=9, **fault))
    scene.turn("first", pulls=False)
    assert not is_unheard()
