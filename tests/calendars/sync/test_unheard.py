"""Writes of ours whose answer was lost, and what happened on either side before anybody heard of them (W2)."""

import urllib.parse
from typing import Any

import pytest
import time_machine

from calendars import booking
from calendars.booking import undoing
from calendars.models import GoogleEvent, PushTarget
from calendars.sync.turn import take_turn
from contacts.models import Appointment
from integrations.fields import encrypt
from integrations.models import GoogleAccount, GoogleCalendar
from integrations.sandbox.faults import Fault
from tests.calendars.sync.scenes import LATER, MINUTE, Scene, times
from tests.google import HOUR, TOMORROW_AT_TEN, Desk, Google

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


def test_insert_that_was_seen_is_not_forgotten_before_it_is_planned(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What had been moved here meanwhile was taken for moved at Google (seed 3831671163)."""
    scene = Scene(google)
    appointment = scene.book()
    loses_answer(scene, "insert")
    scene.move(appointment)
    scene.now += HOUR
    with monkeypatch.context() as patched:
        patched.setattr("calendars.sync.turn.reconcile", lambda *_: [])
        for _ in range(2):
            scene.turn("first", pulls=False)
    assert is_unheard()
    goes_on(scene, pulls=False)
    assert scene.changes(appointment) == [("rescheduled", "staff")]
    assert starts_at_google(scene) == [f"{LATER:%Y-%m-%dT%H:%M}"]


# --- what a person did since is no write of ours ---


@WHERE_MADE
@NEXT
def test_deletion_by_a_person_after_one_of_ours_that_never_arrived_is_news(
    google: Google, where: str, pulls: bool
) -> None:
    """An outage of hours: what they deleted on the phone was put back."""
    scene = Scene(google)
    appointment, event_id = scene.made(where)
    scene.cancel(appointment)
    loses_answer(scene, "delete", is_carried_out=False)
    restore(scene, appointment)
    google.control.set_clock(scene.now)
    scene.delete("first", event_id)
    goes_on(scene, pulls=pulls)
    # Under the next push the event is seen as it is: gone, long after our try.
    assert (scene.fresh(appointment).status, len(scene.events())) == ("cancelled", 0)
    scene.assert_quiet()


@WHERE_MADE
def test_deletion_that_a_dead_grant_kept_from_google_is_not_ours(google: Google, where: str) -> None:
    scene = Scene(google)
    appointment, event_id = scene.made(where)
    scene.cancel(appointment)
    google.control.revoke(scene.address)
    scene.turn("first", pulls=False)
    assert (len(scene.events()), is_unheard()) == (1, False)
    restore(scene, appointment)
    scene.delete("first", event_id)
    tokens = google.control.issue_tokens(scene.address)
    GoogleAccount.objects.filter(pk=scene.desk.account.pk).update(
        state="connected",
        access_token=encrypt(tokens.access_token),
        refresh_token=encrypt(tokens.refresh_token),
        not_before=None,
    )
    scene.sweep()
    assert (scene.fresh(appointment).status, len(scene.events())) == ("cancelled", 0)


@NEXT
@WHERE_MADE
@pytest.mark.parametrize("lies", ["conflicts", "rooms"])
def test_event_that_is_dragged_after_a_deletion_that_never_arrived_is_not_doubled(
    google: Google, lies: str, where: str, pulls: bool
) -> None:
    scene = Scene(google, **{lies: ["second"]})
    appointment, event_id = scene.made(where)
    scene.cancel(appointment)
    loses_answer(scene, "delete", is_carried_out=False)
    restore(scene, appointment)
    scene.drag(event_id, "first", "second")
    goes_on(scene, pulls=pulls)
    assert (scene.fresh(appointment).status, len(scene.events())) == ("new", 1)


@pytest.mark.parametrize("is_carried_out", [True, False])
def test_name_that_was_not_heard_says_nothing_of_the_time(google: Google, is_carried_out: bool) -> None:
    """Deleted, and taken out of the bin, while the name waited: the event was deleted once more."""
    scene = Scene(google)
    appointment, event_id = scene.booked()
    scene.rename(appointment, "Second visit")
    loses_answer(scene, "patch", is_carried_out=is_carried_out)
    PushTarget.objects.update(not_before=scene.now + HOUR)
    scene.delete("first", event_id)
    scene.turn("first")
    assert scene.fresh(appointment).status == "cancelled"
    scene.now += MINUTE
    google.control.restore(scene.address, scene.calendars["first"].google_id, event_id)
    scene.turn("first")
    scene.now += 2 * HOUR
    scene.sweep()
    assert (scene.fresh(appointment).status, len(scene.events())) == ("new", 1)


# --- what the transport sends again by itself ---


def is_sent_twice(scene: Scene, write: str) -> None:
    """The line breaks after Google did it, the transport sends it again, and the look at what was refused fails."""
    control = scene.google.control
    control.add_fault(Fault(method=f"calendar.events.{write}", drop_after=True))
    control.add_fault(Fault(method="calendar.events.get", status=503, count=99))
    scene.turn("first", pulls=False)
    control.clear_faults()
    scene.now += 5 * MINUTE


@NEXT
@WHERE_MADE
def test_move_whose_repetition_was_refused_may_have_come_through(
    google: Google, where: str, pulls: bool
) -> None:
    scene = Scene(google)
    appointment, _ = scene.made(where)
    scene.move(appointment)
    is_sent_twice(scene, "patch")
    assert starts_at_google(scene) == [f"{LATER:%Y-%m-%dT%H:%M}"]
    scene.move(appointment, TOMORROW_AT_TEN)
    goes_on(scene, pulls=pulls)
    assert scene.fresh(appointment).starts_at == TOMORROW_AT_TEN
    assert "google" not in dict(scene.changes(appointment)).values()


@NEXT
@WHERE_MADE
def test_deletion_whose_repetition_was_refused_may_have_come_through(
    google: Google, where: str, pulls: bool
) -> None:
    scene = Scene(google)
    appointment, _ = scene.made(where)
    scene.cancel(appointment)
    is_sent_twice(scene, "delete")
    assert scene.events() == []
    restore(scene, appointment)
    goes_on(scene, pulls=pulls)
    assert (scene.fresh(appointment).status, len(scene.events())) == ("new", 1)


@NEXT
def test_insert_is_heard_though_its_meet_link_was_not(google: Google, pulls: bool) -> None:
    """The link is asked for once more, which met a limit: the insert counted as turned down."""
    scene = Scene(google)
    scene.desk.calendar.invites_through_google = scene.desk.calendar.uses_google_meet = True
    scene.desk.calendar.save()
    appointment = scene.book()
    google.control.add_fault(Fault(method="calendar.events.get", status=429, count=9))
    scene.turn("first", pulls=False)
    google.control.clear_faults()
    scene.now += 5 * MINUTE
    scene.move(appointment)
    goes_on(scene, pulls=pulls)
    assert scene.fresh(appointment).starts_at == LATER
    assert "google" not in dict(scene.changes(appointment)).values()


@NEXT
def test_event_that_was_put_back_unheard_and_made_to_repeat_comes_to_rest(
    google: Google, pulls: bool
) -> None:
    scene = Scene(google)
    appointment, event_id = scene.imported()
    scene.delete("first", event_id)
    scene.sweep()
    restore(scene, appointment)
    google.control.add_fault(Fault(method="calendar.events.insert", drop_after=True))
    google.control.add_fault(Fault(method="calendar.events.insert", status=503, count=99))
    scene.turn("first", pulls=False)
    google.control.clear_faults()
    scene.now += 5 * MINUTE
    [event] = scene.events()
    zoned = {name: {**event[name], "timeZone": "UTC"} for name in ("start", "end")}
    scene.change("first", event["id"], recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"], **zoned)
    goes_on(scene, pulls=pulls)
    assert GoogleEvent.objects.filter(appointment=appointment, recurring_event_id__gt="").count() == 1
    scene.assert_quiet()


# --- as a colleague's calendar shows it ---


class Meeting(Scene):
    """An event of ours with Ann, to which a colleague is invited: both are hosts of its appointment."""

    def __init__(self, google: Google) -> None:
        super().__init__(google)
        self.other = Desk(google)
        self.add(guests=("ann@x.org", self.other.address))
        for _ in range(2):
            self.sweep()
            self.colleague_turn()
        self.appointment = Appointment.objects.get()

    def colleague_turn(self) -> None:
        self.google.control.set_clock(self.now)
        with time_machine.travel(self.now, tick=False):
            take_turn(self.other.google_calendar.pk, self.now, pulls=True)

    def everybody_reads(self, *, colleague_first: bool) -> None:
        self.now += HOUR
        if colleague_first:
            self.colleague_turn()
        for _ in range(3):
            self.sweep()
            self.colleague_turn()


FIRST = pytest.mark.parametrize("colleague_first", [False, True], ids=["organiser first", "colleague first"])
HEARD = pytest.mark.parametrize("is_heard", [True, False], ids=["heard", "unheard"])


@FIRST
@HEARD
def test_deletion_of_ours_that_staff_took_back_is_no_colleagues_news(
    google: Google, is_heard: bool, colleague_first: bool
) -> None:
    """Without any fault: cancelled and restored before the colleague's calendar was read, it was cancelled again."""
    scene = Meeting(google)
    scene.cancel(scene.appointment)
    if is_heard:
        scene.turn("first", pulls=False)
    else:
        loses_answer(scene, "delete")
    assert scene.events() == []
    restore(scene, scene.appointment)
    scene.everybody_reads(colleague_first=colleague_first)
    appointment = scene.fresh(scene.appointment)
    assert (appointment.status, appointment.hosts.count()) == ("new", 2)
    assert ("cancelled", "google") not in scene.changes(appointment)
    assert (len(scene.events()), len(google.events(scene.other.address))) == (1, 1)
    scene.assert_quiet()


@FIRST
@HEARD
def test_move_of_ours_that_staff_took_back_is_no_colleagues_news(
    google: Google, is_heard: bool, colleague_first: bool
) -> None:
    scene = Meeting(google)
    scene.move(scene.appointment)
    if is_heard:
        scene.turn("first", pulls=False)
    else:
        loses_answer(scene, "patch")
    scene.move(scene.appointment, TOMORROW_AT_TEN)
    scene.everybody_reads(colleague_first=colleague_first)
    assert scene.fresh(scene.appointment).starts_at == TOMORROW_AT_TEN
    assert "google" not in dict(scene.changes(scene.appointment)).values()
    assert starts_at_google(scene) == [f"{TOMORROW_AT_TEN:%Y-%m-%dT%H:%M}"]
    scene.assert_quiet()


@FIRST
def test_deletion_that_staff_took_back_is_not_ended_by_a_colleagues_copy(
    google: Google, colleague_first: bool
) -> None:
    """The organiser's event was deleted at Google, read, and restored here: the invitation goes with it."""
    scene = Meeting(google)
    [event] = scene.events()
    scene.delete("first", event["id"])
    scene.turn("first")
    restore(scene, scene.appointment)
    scene.everybody_reads(colleague_first=colleague_first)
    assert scene.fresh(scene.appointment).status == "new"
    assert scene.changes(scene.appointment).count(("cancelled", "google")) == 1


def test_move_that_waits_for_its_organisers_connection_is_not_taken_back(google: Google) -> None:
    scene = Meeting(google)
    scene.move(scene.appointment)
    google.control.add_fault(Fault(method="calendar.events.patch", status=503, count=9))
    scene.turn("first", pulls=False)
    google.control.clear_faults()
    scene.disconnect()
    [event] = google.events(scene.other.address)
    google.control.respond(scene.other.address, event["id"], "accepted")
    for _ in range(3):
        scene.now += HOUR
        scene.colleague_turn()
    assert scene.fresh(scene.appointment).starts_at == LATER


def test_put_back_for_a_colleague_does_not_wait_for_a_dead_grant(google: Google) -> None:
    scene = Meeting(google)
    scene.cancel(scene.appointment)
    loses_answer(scene, "delete")
    google.control.revoke(scene.address)
    scene.turn("first")
    scene.colleague_turn()
    restore(scene, scene.appointment)
    for _ in range(6):
        scene.now += HOUR
        scene.colleague_turn()
    assert len(google.events(scene.other.address)) == 1


# --- in a crowd, and while another calendar fails ---


@WHERE_MADE
def test_brake_that_counts_what_changed_forgets_no_write(google: Google, where: str) -> None:
    scene = Scene(google)
    others = [scene.add(guests=(f"g{number}@x.org",)) for number in range(11)]
    scene.sweep()
    before = set(Appointment.objects.values_list("pk", flat=True))
    if where == "here":
        scene.book()
    else:
        scene.add(guests=("ann@x.org",))
    scene.sweep()
    appointment = Appointment.objects.exclude(pk__in=before).get()
    scene.move(appointment)
    loses_answer(scene, "patch")
    scene.move(appointment, TOMORROW_AT_TEN)
    for event_id in others:
        scene.change("first", event_id, summary="Other words")
    goes_on(scene, pulls=True)
    assert scene.fresh(appointment).starts_at == TOMORROW_AT_TEN
    assert "google" not in dict(scene.changes(appointment)).values()


def fails_to_be_read(scene: Scene, calendar: str) -> None:
    about = urllib.parse.quote(scene.calendars[calendar].google_id)
    fault = Fault(method="calendar.events.list", status=503, count=99999, about=about)
    scene.google.control.add_fault(fault)
    scene.now += MINUTE
    scene.turn(calendar)


def as_time_goes_by(scene: Scene, minutes: int) -> None:
    scene.now += minutes * MINUTE
    for name in ("first", "second"):
        row = GoogleCalendar.objects.get(pk=scene.calendars[name].pk)
        scene.turn(name, pulls=row.next_pull_at is not None and row.next_pull_at <= scene.now)


def test_deletion_that_a_push_meets_is_settled_within_a_day(google: Google) -> None:
    """Each try of the push saw it anew, and its wait for the other calendar began again."""
    scene = Scene(google, conflicts=["second"])
    appointment, event_id = scene.booked()
    fails_to_be_read(scene, "second")
    scene.delete("first", event_id)
    scene.now += MINUTE
    scene.move(appointment)
    for _ in range(30):
        as_time_goes_by(scene, 60)
    assert scene.fresh(appointment).status == "cancelled"


def test_what_we_removed_ourselves_waits_for_no_other_calendar(google: Google) -> None:
    scene = Scene(google, conflicts=["second"])
    appointment, _ = scene.booked()
    scene.now += MINUTE
    scene.cancel(appointment)
    scene.turn("first", pulls=False)
    fails_to_be_read(scene, "second")
    scene.now += MINUTE
    restore(scene, appointment)
    for _ in range(6):
        as_time_goes_by(scene, 10)
    assert len(scene.events()) == 1
