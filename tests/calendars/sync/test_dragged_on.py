"""Events that are dragged once more before the first drag is settled, or of which only one end was read."""

import itertools
from dataclasses import replace

import pytest
import time_machine

from calendars import configuring
from calendars.models import Calendar, CalendarConfiguration, GoogleEvent, PushTarget
from calendars.sync import decide, relinked
from contacts.models import Appointment
from integrations.models import GoogleCalendar
from tests.calendars.sync.scenes import LATER, MINUTE, Scene
from tests.google import Google

pytestmark = pytest.mark.django_db
WHERE_MADE = pytest.mark.parametrize("where", ["here", "there"])
ORDERS = pytest.mark.parametrize(
    "order", list(itertools.permutations(("first", "second"))), ids=lambda order: "-then-".join(order)
)
KINDS = pytest.mark.parametrize("kind", ["rooms", "conflicts"])


def with_second(google: Google, kind: str) -> Scene:
    """Somebody with a second calendar, a room's or one that is only read."""
    return Scene(google, **{"rooms": (), "conflicts": (), kind: ("second",)})


def dragged_to_a_room(google: Google, where: str) -> tuple[Scene, Appointment, str]:
    scene = Scene(google, rooms=["second"])
    appointment, event_id = scene.made(where)
    scene.drag(event_id, "first", "second")
    scene.sweep()
    return scene, appointment, event_id


def read(scene: Scene, *calendars: str) -> None:
    """Each a minute after the one before."""
    for name in calendars:
        scene.now += MINUTE
        assert not scene.turn(name).has_failed


def push(scene: Scene, *calendars: str) -> None:
    """What waits is written, and nothing is read."""
    scene.now += MINUTE
    for name in calendars:
        scene.turn(name, pulls=False)


def row_in(scene: Scene, calendar: str) -> GoogleEvent:
    return GoogleEvent.objects.get(google_calendar=scene.calendars[calendar])


def relink_room(scene: Scene, here: str, there: GoogleCalendar | None) -> None:
    room = CalendarConfiguration.objects.get(linked_calendar=scene.calendars[here])
    with time_machine.travel(scene.now, tick=False):
        values = replace(configuring.values_of(room), linked_calendar=there)
        saved = configuring.save_configuration(
            values, calendar=room.calendar, by=scene.desk.user, now=scene.now
        )
        relinked.follow(saved, link_changed=True)


# --- once more ----------------------------------------------------------------------------------------------------


@WHERE_MADE
@pytest.mark.parametrize(
    "kinds",
    [
        {"conflicts": ["second"], "rooms": ["third"]},
        {"rooms": ["second", "third"]},
        {"conflicts": ["second", "third"]},
    ],
    ids=["conflict-then-room", "room-then-room", "conflict-then-conflict"],
)
def test_dragged_twice_before_the_last_calendar_is_read(
    google: Google, kinds: dict[str, list[str]], where: str
) -> None:
    """The wrong calendar, so once more: where it was in between is read again before where it is."""
    scene = Scene(google, conflicts=kinds.get("conflicts", ()), rooms=kinds.get("rooms", ()))
    appointment, event_id = scene.made(where)
    scene.drag(event_id, "first", "second")
    read(scene, "first", "second", "third")
    scene.drag(event_id, "second", "third")
    read(scene, *["second", "first", "third"] * 2)
    assert scene.changes(appointment) == []
    [event] = scene.events()
    assert event["id"] == event_id


@WHERE_MADE
@pytest.mark.parametrize("goes", ["back", "away"])
def test_moved_here_between_the_two_halves_of_what_google_tells(
    google: Google, where: str, goes: str
) -> None:
    """It is known to be gone from there, and not yet where to, when a move is pushed: no second event is made."""
    scene, appointment, event_id = dragged_to_a_room(google, where)
    if goes == "back":
        scene.drag(event_id, "second", "first")
    else:
        scene.delete("second", event_id)
    read(scene, "second")
    scene.move(appointment)
    push(scene, "first", "second")
    scene.sweep(rounds=5)
    left = [event["id"] for event in scene.events()]
    # A deletion at Google beats a move made here.
    expected = ("new", [event_id]) if goes == "back" else ("cancelled", [])
    assert (scene.fresh(appointment).status, left) == expected
    scene.assert_quiet()


def test_event_in_whose_place_another_stands_is_not_taken_for_one_nobody_heard_of(google: Google) -> None:
    scene = Scene(google, rooms=["second"])
    appointment, event_id = scene.booked()
    scene.drag(event_id, "first", "second")
    scene.sweep()
    target = PushTarget.objects.get(google_calendar=scene.calendars["first"])
    scene.delete("second", event_id)
    PushTarget.objects.filter(pk=target.pk).update(event_id=f"{event_id}g1", generation=1)
    scene.google.control.restore(scene.address, scene.calendars["second"].google_id, event_id)
    scene.drag(event_id, "second", "first")
    GoogleEvent.objects.filter(google_id=event_id).update(appointment=None)
    read(scene, "first")
    target.refresh_from_db()
    assert target.event_id == f"{event_id}g1"
    assert appointment.google_events.count() == 0


@ORDERS
def test_from_the_calendar_of_a_room_to_one_that_is_only_read(google: Google, order: tuple[str, ...]) -> None:
    scene = Scene(google, rooms=["third"], conflicts=["second"])
    event_id = scene.add("third")
    scene.sweep()
    appointment = Appointment.objects.get()
    scene.drag(event_id, "third", "second")
    scene.sweep(*[{"first": "third"}.get(name, name) for name in order], "first")
    assert scene.changes(appointment) == []
    assert row_in(scene, "second").appointment == appointment
    scene.assert_quiet()


def test_words_written_while_it_was_only_read_arrive_with_it_in_a_linked_calendar(google: Google) -> None:
    scene = Scene(google, conflicts=["second"], rooms=["third"])
    appointment, event_id = scene.booked()
    scene.drag(event_id, "first", "second")
    scene.sweep()
    scene.rename(appointment, "Typed")
    scene.sweep()
    scene.drag(event_id, "second", "third")
    scene.sweep()
    [event] = scene.events()
    assert event["summary"] == "Typed"
    scene.assert_quiet()


# --- whose it is --------------------------------------------------------------------------------------------------


@ORDERS
@KINDS
def test_event_taken_out_of_the_bin_stays_its_persons_wherever_they_drag_it(
    google: Google, order: tuple[str, ...], kind: str
) -> None:
    scene = with_second(google, kind)
    appointment, event_id = scene.imported()
    scene.cancel(appointment)
    scene.sweep()
    assert scene.events() == []
    scene.google.control.restore(scene.address, scene.calendars["first"].google_id, event_id)
    scene.sweep()
    for here, there in (("first", "second"), ("second", "first")):
        scene.drag(event_id, here, there)
        scene.sweep(*order)
        assert [event["id"] for event in scene.events()] == [event_id]
    assert scene.fresh(appointment).status == "cancelled"
    scene.assert_quiet()


@ORDERS
@KINDS
@pytest.mark.parametrize("goes", ["guest", "declined"])
def test_event_that_ended_its_appointment_stays_wherever_its_person_drags_it(
    google: Google, order: tuple[str, ...], kind: str, goes: str
) -> None:
    scene = with_second(google, kind)
    appointment, event_id = scene.imported()
    if goes == "guest":
        scene.change("first", event_id, attendees=[])
    else:
        declined = {"email": "ann@x.org", "responseStatus": "declined"}
        scene.change("first", event_id, attendees=[declined])
    scene.sweep()
    assert scene.changes(appointment) == [("cancelled", "google")]
    for here, there in (("first", "second"), ("second", "first")):
        scene.drag(event_id, here, there)
        scene.sweep(*order)
        assert [event["id"] for event in scene.events()] == [event_id]
    assert scene.changes(appointment) == [("cancelled", "google")]
    scene.assert_quiet()


@ORDERS
@KINDS
def test_event_of_a_restored_appointment_that_is_cancelled_again_leaves_google(
    google: Google, order: tuple[str, ...], kind: str
) -> None:
    """Left to its person once, it is theirs no more since its appointment was taken up again."""
    scene = with_second(google, kind)
    appointment, event_id = scene.imported()
    scene.change("first", event_id, attendees=[])
    scene.sweep()
    scene.change("first", event_id, attendees=[{"email": "ann@x.org"}])
    scene.sweep()
    assert scene.fresh(appointment).status == "new"
    scene.drag(event_id, "first", "second")
    scene.sweep(*order)
    scene.cancel(appointment)
    scene.drag(event_id, "second", "first")
    scene.sweep(*order)
    assert scene.events() == []
    scene.assert_quiet()


@ORDERS
@WHERE_MADE
@KINDS
def test_cancelled_before_the_drag_was_read_it_leaves_google_once_it_is_back(
    google: Google, order: tuple[str, ...], where: str, kind: str
) -> None:
    scene = with_second(google, kind)
    appointment, event_id = scene.made(where)
    scene.drag(event_id, "first", "second")
    scene.cancel(appointment)
    scene.sweep()
    if kind == "conflicts":
        assert [event["id"] for event in scene.events()] == [event_id]
        scene.drag(event_id, "second", "first")
        scene.sweep(*order)
    assert scene.events() == []
    scene.assert_quiet()


# --- what was decided ---------------------------------------------------------------------------------------------


@ORDERS
def test_kept_private_there_it_stays_so_back_here(google: Google, order: tuple[str, ...]) -> None:
    """An event that never had an appointment: that it was gone is known of it all the same."""
    scene = Scene(google, rooms=["second"])
    event_id = scene.add(guests=())
    scene.sweep()
    scene.drag(event_id, "first", "second")
    scene.sweep()
    decide.keep_private(row_in(scene, "second"), by=scene.desk.user, now=scene.now)
    scene.sweep()
    scene.drag(event_id, "second", "first")
    scene.change("first", event_id, attendees=[{"email": "ann@x.org"}])
    scene.sweep(*order)
    assert not Appointment.objects.exists()


@ORDERS
def test_decision_taken_back_there_is_none_back_here(google: Google, order: tuple[str, ...]) -> None:
    scene = Scene(google, rooms=["second"])
    event_id = scene.add(guests=())
    scene.sweep()
    decide.keep_private(row_in(scene, "first"), by=scene.desk.user, now=scene.now)
    scene.sweep()
    scene.drag(event_id, "first", "second")
    scene.sweep()
    decide.let_option_decide(row_in(scene, "second"), by=scene.desk.user, now=scene.now)
    scene.sweep()
    scene.drag(event_id, "second", "first")
    scene.sweep(*order)
    assert row_in(scene, "first").decision == ""


@ORDERS
@pytest.mark.parametrize("guests", [(), ("ann@x.org",)], ids=["block", "appointment"])
def test_kept_private_where_it_went_before_it_was_known_to_have_left(
    google: Google, order: tuple[str, ...], guests: tuple[str, ...]
) -> None:
    scene = Scene(google, rooms=["second"])
    event_id = scene.add(guests=guests)
    scene.sweep()
    scene.drag(event_id, "first", "second")
    read(scene, "second")
    decide.keep_private(row_in(scene, "second"), by=scene.desk.user, now=scene.now)
    scene.drag(event_id, "second", "first")
    scene.change("first", event_id, attendees=[{"email": "ann@x.org"}])
    scene.sweep(*order)
    assert not Appointment.objects.standing().exists()
    assert [event["id"] for event in scene.events("first")] == [event_id]
    assert row_in(scene, "first").decision == GoogleEvent.Decision.KEEP_PRIVATE
    scene.assert_quiet()


# --- one event, one appointment -----------------------------------------------------------------------------------


@WHERE_MADE
@pytest.mark.parametrize("link", ["none", "third"])
def test_event_in_the_calendar_of_a_room_that_is_linked_no_more_is_the_only_one(
    google: Google, where: str, link: str
) -> None:
    scene, appointment, event_id = dragged_to_a_room(google, where)
    relink_room(scene, "second", scene.add_calendar("third") if link == "third" else None)
    GoogleCalendar.objects.filter(pk=scene.calendars["second"].pk).update(next_pull_at=None)
    read = [name for name in scene.calendars if name != "second"]
    scene.sweep(*read)
    scene.move(appointment)
    scene.sweep(*read)
    push(scene, "second")
    [event] = scene.events()
    assert event["id"] == event_id
    assert event["start"]["dateTime"][:10] == f"{LATER:%Y-%m-%d}"


@ORDERS
@pytest.mark.parametrize("is_moved", [False, True], ids=["copied", "moved by copying"])
def test_copy_of_what_was_made_here_and_invites_is_the_same_appointment(
    google: Google, order: tuple[str, ...], is_moved: bool
) -> None:
    """Imported under its name, with its guest on it."""
    scene = Scene(google, rooms=["second"])
    Calendar.objects.update(invites_through_google=True)
    scene.desk.calendar.refresh_from_db()
    appointment, event_id = scene.booked()
    [event] = scene.events("first")
    scene.add("second", iCalUID=event["iCalUID"])
    if is_moved:
        scene.delete("first", event_id)
    scene.sweep(*order)
    assert Appointment.objects.get() == appointment
    assert not scene.fresh(appointment).is_void
    scene.assert_quiet()


def test_tombstone_where_nobody_reads_any_more_does_not_stand_for_the_event(google: Google) -> None:
    """It waits to be planned for good: what is deleted where it stood last is put back under one way all the same."""
    scene = Scene(google, "one_way", rooms=["second"], creation=False)
    appointment, event_id = scene.booked()
    scene.drag(event_id, "first", "second")
    scene.sweep()
    scene.drag(event_id, "second", "first")
    read(scene, "second")
    relink_room(scene, "second", None)
    GoogleCalendar.objects.filter(pk=scene.calendars["second"].pk).update(next_pull_at=None)
    scene.sweep("first")
    for event in scene.events("first"):
        scene.delete("first", event["id"])
    scene.sweep("first")
    scene.move(appointment)
    scene.sweep("first")
    [event] = scene.events()
    assert event["start"]["dateTime"][:10] == f"{LATER:%Y-%m-%d}"
