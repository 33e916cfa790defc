"""Events that go from one Google calendar of a person to another, and calendars that nobody reads any more."""

import itertools

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from calendars import booking
from calendars.booking import attending
from calendars.models import Calendar, GoogleEvent
from calendars.sync import decide
from calendars.sync.late import late_matches
from contacts.models import Appointment, Contact
from integrations.models import GoogleCalendar
from integrations.sandbox.faults import Fault
from tests.calendars.sync.scenes import DAY, LATER, MINUTE, Scene, configure, disconnect, times
from tests.factories import ContactFactory, MembershipFactory
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db
WHERE_MADE = pytest.mark.parametrize("where", ["here", "there"])
KINDS = pytest.mark.parametrize("kind", ["conflict", "room"])
ORDERS = pytest.mark.parametrize(
    "order", list(itertools.permutations(("first", "second"))), ids=lambda order: "-then-".join(order)
)


@WHERE_MADE
def test_push_that_finds_its_event_dragged_away_waits_for_the_other_calendar(
    google: Google, where: str
) -> None:
    """The push is the first to see that it is gone: no pull has told of it yet."""
    scene = Scene(google, conflicts=["second"])
    appointment, event_id = scene.made(where)
    scene.drag(event_id, "first", "second")
    scene.now += MINUTE
    scene.move(appointment)
    scene.turn("first", pulls=False)
    scene.sweep()
    appointment = scene.fresh(appointment)
    assert (appointment.status, appointment.starts_at) == ("new", LATER)
    assert scene.changes(appointment) == [("rescheduled", "staff")]
    scene.assert_quiet()


class TestCopiesWhereNobodyReads:
    """Of what lies in a calendar that is not read any more nobody knows whether it stands."""

    def test_deletion_counts_once_the_account_was_changed(self, google: Google) -> None:
        scene = Scene(google)
        appointment, _ = scene.booked()
        scene.change_account("new@tandem.example")
        [event] = scene.events("new")
        scene.delete("new", event["id"])
        scene.sweep()
        assert scene.fresh(appointment).status == "cancelled"

    def test_event_deleted_in_the_new_account_is_put_back(self, google: Google) -> None:
        scene = Scene(google, "one_way", creation=False)
        appointment, _ = scene.booked()
        scene.change_account("new@tandem.example")
        [event] = scene.events("new")
        scene.delete("new", event["id"])
        scene.sweep()
        scene.move(appointment)
        scene.sweep()
        assert [each["start"]["dateTime"][:10] for each in scene.events("new")] == [f"{LATER:%Y-%m-%d}"]

    def test_deletion_counts_where_the_linked_calendar_was_changed_and_the_event_dragged_along(
        self, google: Google
    ) -> None:
        scene = Scene(google)
        second = scene.add_calendar("second")
        appointment, event_id = scene.imported()
        scene.configure(linked_calendar=second)
        scene.drag(event_id, "first", "second")
        scene.sweep("second")
        scene.delete("second", event_id)
        scene.sweep("second")
        assert scene.fresh(appointment).status == "cancelled"

    @pytest.mark.parametrize("leaves", ["disconnects", "unlinks"])
    def test_meeting_that_is_cancelled_ends_though_a_colleague_left(
        self, google: Google, leaves: str
    ) -> None:
        scene, colleague = Scene(google), Desk(google)
        google.control.add_person("boss@out.org")
        meeting = google.add("boss@out.org", guests=(scene.address, colleague.address))
        scene.sweep()
        colleague.turn()
        scene.sweep()
        appointment = Appointment.objects.get()
        assert appointment.hosts.count() == 2
        if leaves == "disconnects":
            disconnect(colleague)
        else:
            configure(colleague, scene.now, linked_calendar=None)
        google.delete("boss@out.org", meeting)
        scene.sweep()
        assert scene.fresh(appointment).status == "cancelled"


class TestDraggedToAnotherLinkedCalendar:
    """To that of an unassigned calendar of the same person: it is the same event, whatever the rules are there."""

    @WHERE_MADE
    @ORDERS
    def test_move_that_waits_reaches_google_there(
        self, google: Google, where: str, order: tuple[str, ...]
    ) -> None:
        scene = Scene(google, rooms=["second"])
        appointment, event_id = scene.made(where)
        scene.move(appointment)
        scene.drag(event_id, "first", "second")
        scene.sweep(*order)
        assert scene.changes(appointment) == [("rescheduled", "staff")]
        [event] = scene.events()
        assert event["start"]["dateTime"][:10] == f"{LATER:%Y-%m-%d}"
        scene.assert_quiet()

    @ORDERS
    def test_words_that_wait_reach_google_there(self, google: Google, order: tuple[str, ...]) -> None:
        scene = Scene(google, rooms=["second"])
        appointment, event_id = scene.booked()
        scene.rename(appointment, "Typed")
        scene.drag(event_id, "first", "second")
        scene.sweep(*order)
        assert [event["summary"] for event in scene.events("second")] == ["Typed"]
        scene.assert_quiet()

    def test_event_of_ours_says_our_words_there(self, google: Google) -> None:
        scene = Scene(google, rooms=["second"])
        appointment, event_id = scene.booked()
        scene.drag(event_id, "first", "second")
        scene.sweep()
        scene.rename(appointment, "Typed")
        scene.sweep()
        assert [event["summary"] for event in scene.events()] == ["Typed"]

    def test_session_says_there_how_full_it_is(self, google: Google) -> None:
        scene = Scene(google, rooms=["second"])
        Calendar.objects.filter(pk=scene.desk.calendar.pk).update(kind="class", name="Back", seats=5)
        scene.desk.calendar.refresh_from_db()
        scene.book("x@x.org")
        _, event_id = scene.booked()
        scene.drag(event_id, "first", "second")
        scene.sweep()
        scene.book("z@x.org")
        scene.sweep()
        assert [event["summary"] for event in scene.events()] == ["Back: 3 of 5"]

    @pytest.mark.parametrize("is_dragged", [False, True])
    def test_event_goes_where_its_appointment_is_handed_over(self, google: Google, is_dragged: bool) -> None:
        scene, colleague = Scene(google, rooms=["second"]), Desk(google)
        colleague.turn()
        MembershipFactory(calendar=scene.desk.calendar, user=colleague.user)
        appointment, event_id = scene.booked()
        if is_dragged:
            scene.drag(event_id, "first", "second")
            scene.sweep()
        with time_machine.travel(scene.now, tick=False):
            attending.hand_over(scene.fresh(appointment), to=colleague.user, why="ill")
        scene.move(appointment)
        colleague.turn()
        scene.sweep()
        assert scene.events() == []
        assert len(google.events(colleague.address)) == 1

    @ORDERS
    def test_rules_that_make_none_keep_the_appointment(self, google: Google, order: tuple[str, ...]) -> None:
        scene = Scene(google, rooms=["second"], room_option="one_way")
        appointment, event_id = scene.imported()
        scene.drag(event_id, "first", "second")
        scene.sweep(*order)
        assert (scene.fresh(appointment).status, scene.changes(appointment)) == ("new", [])
        scene.change("second", event_id, **times(LATER))
        scene.sweep()
        assert scene.fresh(appointment).starts_at == LATER

    @pytest.mark.parametrize(
        "body",
        [
            {"visibility": "private"},
            {
                "start": {"date": "2026-03-03", "dateTime": None},
                "end": {"date": "2026-03-04", "dateTime": None},
            },
        ],
        ids=["private", "all day"],
    )
    def test_what_became_private_or_all_day_keeps_it(self, google: Google, body: dict[str, object]) -> None:
        scene = Scene(google, rooms=["second"])
        appointment, event_id = scene.imported()
        scene.change("first", event_id, **body)
        scene.sweep()
        scene.drag(event_id, "first", "second")
        scene.sweep()
        assert (scene.fresh(appointment).status, scene.changes(appointment)) == ("new", [])

    def test_link_changed_and_changed_back_is_no_drag(self, google: Google) -> None:
        """The copies in both calendars have the same id."""
        scene = Scene(google)
        scene.booked()
        first, second = scene.calendars["first"], scene.add_calendar("second")
        scene.configure(linked_calendar=second)
        scene.sweep("first", "second")
        scene.configure(linked_calendar=first)
        scene.sweep("first", "second")
        assert (len(scene.events("first")), len(scene.events("second"))) == (1, 0)


class TestWhatAPersonDecided:
    def test_kept_private_stays_so_where_it_is_dragged(self, google: Google) -> None:
        scene = Scene(google, rooms=["second"])
        event_id = scene.add(guests=())
        scene.sweep()
        decide.keep_private(GoogleEvent.objects.get(), by=scene.desk.user, now=scene.now)
        scene.sweep()
        scene.drag(event_id, "first", "second")
        scene.change("second", event_id, attendees=[{"email": "ann@x.org"}])
        scene.sweep()
        assert not Appointment.objects.exists()
        assert not Contact.objects.exists()
        row = GoogleEvent.objects.get(google_calendar=scene.calendars["second"])
        assert row.reason == "Kept as a private block by a person's decision."

    def test_cancelled_here_while_out_of_reach_leaves_google_once_it_is_back(self, google: Google) -> None:
        scene = Scene(google, conflicts=["second"])
        appointment, event_id = scene.imported()
        scene.drag(event_id, "first", "second")
        scene.sweep()
        scene.cancel(appointment)
        scene.sweep()
        assert len(scene.events("second")) == 1
        scene.drag(event_id, "second", "first")
        scene.sweep()
        assert scene.events() == []
        scene.assert_quiet()


class TestSeatThatStoodForItsSession:
    """It leaves, and the event goes on under its mark for who stays."""

    def left(self, google: Google, *conflicts: str) -> tuple[Scene, str]:
        scene = Scene(google, conflicts=conflicts)
        Calendar.objects.filter(pk=scene.desk.calendar.pk).update(kind="class", name="Back", seats=5)
        scene.desk.calendar.refresh_from_db()
        seats = [scene.book(f"{name}@x.org") for name in "xyz"]
        scene.sweep()
        [event] = scene.events("first")
        for seat in seats:
            if seat.push_targets.filter(is_withdrawn=False).exists():
                scene.cancel(seat)
                break
        scene.sweep()
        return scene, event["id"]

    def test_session_restored_from_the_bin_is_restored(self, google: Google) -> None:
        scene, event_id = self.left(google)
        scene.delete("first", event_id)
        scene.sweep()
        assert not Appointment.objects.standing().exists()
        google.control.restore(scene.address, scene.calendars["first"].google_id, event_id)
        scene.sweep()
        assert Appointment.objects.standing().count() == 2
        assert [event["summary"] for event in scene.events()] == ["Back: 2 of 5"]

    def test_session_dragged_away_and_back_stands(self, google: Google) -> None:
        scene, event_id = self.left(google, "second")
        for here, there in (("first", "second"), ("second", "first")):
            scene.drag(event_id, here, there)
            scene.sweep()
            assert Appointment.objects.standing().count() == 2
        assert [event["id"] for event in scene.events("first")] == [event_id]
        scene.assert_quiet()

    def test_its_name_is_put_back(self, google: Google) -> None:
        scene, event_id = self.left(google)
        scene.change("first", event_id, summary="Spine")
        scene.sweep()
        assert [event["summary"] for event in scene.events()] == ["Back: 2 of 5"]


class TestLinkedOnceAndOnlyReadNow:
    def relinked(self, google: Google) -> tuple[Scene, Appointment, str]:
        scene = Scene(google)
        appointment, event_id = scene.imported()
        first, second = scene.calendars["first"], scene.add_calendar("second")
        scene.configure(linked_calendar=second, conflict_calendars=(first,))
        scene.sweep("first", "second")
        google.control.clear_requests()
        return scene, appointment, event_id

    def test_nothing_is_written_there(self, google: Google) -> None:
        scene, appointment, event_id = self.relinked(google)
        with pytest.raises(booking.NotPossible, match="only read"):
            scene.move(appointment)
        scene.cancel(appointment)
        scene.sweep()
        assert [event["id"] for event in scene.events("first")] == [event_id]
        scene.assert_quiet()

    def test_appointment_follows_it_and_is_written_to_again_once_it_is_linked(self, google: Google) -> None:
        scene, appointment, event_id = self.relinked(google)
        scene.change("first", event_id, **times(LATER))
        scene.sweep()
        assert scene.fresh(appointment).starts_at == LATER
        scene.configure(linked_calendar=scene.calendars["first"], conflict_calendars=())
        scene.sweep("first")
        scene.move(appointment, LATER + HOUR)
        scene.sweep("first")
        [event] = scene.events()
        assert event["start"]["dateTime"][11:13] == f"{LATER + HOUR:%H}"


class TestOneEventAtGoogle:
    """Its event lies in a calendar that is only read: no second one is put beside it."""

    def away(self, google: Google) -> tuple[Scene, Appointment, str]:
        scene = Scene(google, conflicts=["second"])
        appointment, event_id = scene.booked()
        scene.drag(event_id, "first", "second")
        scene.sweep()
        return scene, appointment, event_id

    def test_link_changed_to_a_third(self, google: Google) -> None:
        scene, _, event_id = self.away(google)
        scene.configure(linked_calendar=scene.add_calendar("third"))
        scene.sweep("second", "third")
        assert [event["id"] for event in scene.events()] == [event_id]

    def test_link_taken_away_and_given_back(self, google: Google) -> None:
        scene, _, event_id = self.away(google)
        scene.configure(linked_calendar=None)
        scene.sweep("second")
        scene.configure(linked_calendar=scene.calendars["first"])
        scene.sweep()
        assert [event["id"] for event in scene.events()] == [event_id]

    def test_later_generation_is_taken_over_where_it_lies(self, google: Google) -> None:
        scene = Scene(google, conflicts=["second"])
        appointment, _ = scene.booked()
        scene.configure(linked_calendar=None)
        GoogleCalendar.objects.filter(pk=scene.calendars["first"].pk).update(next_pull_at=NOW)
        scene.sweep()
        scene.configure(linked_calendar=scene.calendars["first"])
        scene.sweep()
        [event] = scene.events()
        scene.drag(event["id"], "first", "second")
        scene.sweep()
        scene.configure(linked_calendar=scene.calendars["second"], conflict_calendars=())
        scene.sweep("second")
        scene.rename(appointment, "Typed")
        scene.sweep("second")
        assert [(each["id"], each["summary"]) for each in scene.events()] == [(event["id"], "Typed")]

    def test_cancelled_before_the_drag_was_read_and_restored(self, google: Google) -> None:
        scene = Scene(google, conflicts=["second"])
        appointment, event_id = scene.booked()
        scene.drag(event_id, "first", "second")
        scene.cancel(appointment)
        scene.sweep()
        with time_machine.travel(scene.now, tick=False):
            booking.set_status(scene.fresh(appointment), "new")
        scene.sweep()
        assert [event["id"] for event in scene.events()] == [event_id]


class TestWhatIsWaitedFor:
    def test_calendar_that_was_chosen_a_moment_ago(self, google: Google) -> None:
        scene = Scene(google)
        appointment, event_id = scene.imported()
        second = scene.add_calendar("second")
        scene.configure(conflict_calendars=(second,))
        scene.drag(event_id, "first", "second")
        scene.sweep("first", rounds=1)
        scene.sweep("second", "first")
        assert (scene.fresh(appointment).status, scene.changes(appointment)) == ("new", [])

    @ORDERS
    def test_guest_who_is_added_as_the_event_comes_back_has_the_appointment_back(
        self, google: Google, order: tuple[str, ...]
    ) -> None:
        scene = Scene(google, conflicts=["second"])
        appointment, event_id = scene.imported()
        scene.drag(event_id, "first", "second")
        scene.sweep()
        scene.change("second", event_id, attendees=[])
        scene.sweep()
        assert scene.fresh(appointment).status == "cancelled"
        scene.drag(event_id, "second", "first")
        scene.change("first", event_id, attendees=[{"email": "ann@x.org"}])
        scene.sweep(*order)
        assert scene.fresh(appointment).status == "new"

    def test_move_made_while_the_other_host_s_copy_was_away_stands_when_that_is_back(
        self, google: Google
    ) -> None:
        scene, colleague = Scene(google, conflicts=["second"]), Desk(google)
        colleague.turn()
        Calendar.objects.filter(pk=scene.desk.calendar.pk).update(kind="collective")
        scene.desk.calendar.refresh_from_db()
        MembershipFactory(calendar=scene.desk.calendar, user=colleague.user)
        appointment, event_id = scene.booked()
        colleague.turn()
        scene.drag(event_id, "first", "second")
        scene.sweep()
        scene.change("second", event_id, **times(LATER))
        scene.sweep()
        colleague.turn()
        [theirs] = google.events(colleague.address)
        google.move(colleague.address, theirs, LATER + 2 * HOUR)
        colleague.turn()
        scene.drag(event_id, "second", "first")
        scene.sweep()
        assert scene.fresh(appointment).starts_at == LATER + 2 * HOUR
        [event] = scene.events()
        assert event["start"]["dateTime"][11:13] == f"{LATER + 2 * HOUR:%H}"


def test_guest_who_was_left_out_and_became_a_contact_joins_silently(google: Google) -> None:
    scene = Scene(google, "smart", creation=False)
    ContactFactory(address="ann@x.org")
    scene.add(guests=("ann@x.org", "bob@x.org"))
    scene.sweep()
    appointment = Appointment.objects.get()
    bob = ContactFactory(address="bob@x.org")
    assert (appointment.guests.count(), late_matches()) == (1, 1)
    scene.sweep()
    assert appointment.guests.filter(contact=bob).exists()
    assert not appointment.changes.filter(contact=bob, fires=True).exists()
    assert late_matches() == 0


def test_reasons_stay_true_after_the_appointment_ended_elsewhere(google: Google) -> None:
    scene = Scene(google, conflicts=["second"])
    _, event_id = scene.imported()
    scene.drag(event_id, "first", "second")
    scene.sweep()
    scene.delete("second", event_id)
    scene.sweep()
    first = GoogleEvent.objects.get(google_calendar=scene.calendars["first"])
    assert first.reason == "Gone from this Google calendar: the meeting went on in another of yours."


def test_reason_says_where_the_appointment_was_cancelled(google: Google) -> None:
    scene = Scene(google)
    appointment, event_id = scene.imported()
    scene.change("first", event_id, attendees=[])
    scene.sweep()
    assert scene.fresh(appointment).status == "cancelled"
    scene.change("first", event_id, description="Nobody comes.")
    scene.sweep()
    assert GoogleEvent.objects.get().reason == "The appointment was cancelled at Google."


class TestCancelledHereBeforeTheDragIsRead:
    """The event is out of reach where it was, and goes where it is found."""

    @WHERE_MADE
    @ORDERS
    def test_it_leaves_google(self, google: Google, where: str, order: tuple[str, ...]) -> None:
        scene = Scene(google, rooms=["second"])
        appointment, event_id = scene.made(where)
        scene.drag(event_id, "first", "second")
        scene.cancel(appointment)
        scene.sweep(*order)
        assert scene.events() == []
        scene.assert_quiet()

    def test_what_a_person_took_out_of_the_bin_stays(self, google: Google) -> None:
        """It went to and fro before that; this is another time."""
        scene = Scene(google, conflicts=["second"])
        appointment, event_id = scene.imported()
        for here, there in (("first", "second"), ("second", "first")):
            scene.drag(event_id, here, there)
            scene.sweep()
        scene.cancel(appointment)
        scene.sweep()
        assert scene.events() == []
        google.control.restore(scene.address, scene.calendars["first"].google_id, event_id)
        scene.sweep()
        assert [event["id"] for event in scene.events()] == [event_id]
        assert scene.fresh(appointment).status == "cancelled"


def test_move_made_before_a_drag_was_read_arrives_by_way_of_a_conflict_calendar(google: Google) -> None:
    scene = Scene(google, conflicts=["second"], rooms=["third"])
    appointment, event_id = scene.imported()
    scene.drag(event_id, "first", "second")
    scene.move(appointment)
    scene.sweep()
    scene.drag(event_id, "second", "third")
    scene.sweep()
    [event] = scene.events()
    assert event["start"]["dateTime"][:10] == f"{LATER:%Y-%m-%d}"
    assert scene.changes(appointment) == [("rescheduled", "staff")]


def test_waiting_move_is_not_written_where_the_calendar_is_only_read_by_now(google: Google) -> None:
    scene = Scene(google)
    appointment, event_id = scene.imported()
    scene.move(appointment)
    first, second = scene.calendars["first"], scene.add_calendar("second")
    scene.configure(linked_calendar=second, conflict_calendars=(first,))
    google.control.clear_requests()
    scene.assert_quiet()
    [event] = scene.events()
    assert (event["id"], event["start"]["dateTime"][:10]) == (event_id, f"{TOMORROW_AT_TEN:%Y-%m-%d}")
    assert scene.fresh(appointment).starts_at == LATER
    row = GoogleEvent.objects.get(appointment=appointment)
    assert row.reason.startswith("Changed here. Tandem only reads this Google calendar")


class TestCopiesUnderTheSameName:
    """Imported, a copy has the iCalUID of the event and an id of its own: it is no drag."""

    def copy(self, scene: Scene, calendar: str) -> None:
        """With another time and a guest."""
        [event] = scene.events("first")
        scene.add(calendar, start=LATER, iCalUID=event["iCalUID"])

    def test_copy_in_a_conflict_calendar_ends_and_restores_nothing(self, google: Google) -> None:
        scene = Scene(google, conflicts=["second"])
        appointment, event_id = scene.imported()
        scene.change("first", event_id, attendees=[])
        scene.sweep()
        self.copy(scene, "second")
        for _ in range(3):
            scene.sweep()
        assert scene.changes(appointment) == [("cancelled", "google")]

    @ORDERS
    def test_copy_in_another_linked_calendar_moves_nothing(
        self, google: Google, order: tuple[str, ...]
    ) -> None:
        scene = Scene(google, rooms=["second"])
        appointment, _ = scene.imported()
        self.copy(scene, "second")
        scene.sweep(*order)
        assert scene.fresh(appointment).starts_at == TOMORROW_AT_TEN
        assert scene.changes(appointment) == []


class TestDecisionsThereAndBack:
    def test_kept_private_there_stays_so_back_here(self, google: Google) -> None:
        scene = Scene(google, rooms=["second"])
        event_id = scene.add(guests=())
        scene.sweep()
        scene.drag(event_id, "first", "second")
        scene.sweep()
        there = GoogleEvent.objects.get(google_calendar=scene.calendars["second"])
        decide.keep_private(there, by=scene.desk.user, now=scene.now)
        scene.sweep()
        scene.drag(event_id, "second", "first")
        scene.change("first", event_id, attendees=[{"email": "ann@x.org"}])
        scene.sweep()
        assert not Appointment.objects.exists()

    @pytest.mark.parametrize("goes_to", ["first", "third"])
    def test_decision_that_was_taken_back_stays_so(self, google: Google, goes_to: str) -> None:
        scene = Scene(google, rooms=["second", "third"])
        event_id = scene.add(guests=())
        scene.sweep()
        first = GoogleEvent.objects.get()
        decide.keep_private(first, by=scene.desk.user, now=scene.now)
        scene.sweep()
        scene.drag(event_id, "first", "second")
        scene.sweep()
        there = GoogleEvent.objects.get(google_calendar=scene.calendars["second"])
        decide.let_option_decide(there, by=scene.desk.user, now=scene.now)
        scene.sweep()
        scene.drag(event_id, "second", goes_to)
        scene.sweep()
        row = GoogleEvent.objects.get(google_calendar=scene.calendars[goes_to])
        assert row.decision == ""

    def test_decided_series_is_taken_over_in_one_statement(
        self, google: Google, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        scene = Scene(google, rooms=["second"])
        event_id = scene.add(guests=())
        scene.change(
            "first",
            event_id,
            recurrence=["RRULE:FREQ=DAILY;COUNT=20"],
            start={"timeZone": "Europe/London"},
            end={"timeZone": "Europe/London"},
        )
        scene.sweep()
        row = GoogleEvent.objects.order_by("starts_at").first()
        assert row is not None
        decide.keep_private(row, by=scene.desk.user, now=scene.now, whole_series=True)
        scene.sweep()
        scene.drag(event_id, "first", "second")
        scene.turn("first")
        with django_assert_max_num_queries(60):
            scene.turn("second")
        there = GoogleEvent.objects.filter(google_calendar=scene.calendars["second"])
        assert set(there.values_list("decision", "decides_series")) == {("private", True)}


def test_event_that_is_put_back_after_a_drag_invites_its_guests(google: Google) -> None:
    scene = Scene(google, "one_way", rooms=["second"], room_option="one_way", creation=False)
    Calendar.objects.update(invites_through_google=True)
    scene.desk.calendar.refresh_from_db()
    appointment, event_id = scene.booked()
    scene.drag(event_id, "first", "second")
    scene.sweep()
    scene.delete("second", event_id)
    scene.sweep()
    scene.move(appointment)
    scene.now += HOUR
    scene.sweep("second", "first")
    [event] = scene.events()
    assert [guest["email"] for guest in event.get("attendees", [])] == ["ann@x.org"]


class TestWhileNobodyCanRead:
    """A deletion waits for the person's other calendars as long as it takes: nobody is told of a cancellation that a
    limit, an outage or a machine that slept made up."""

    @staticmethod
    def dragged(google: Google, kind: str) -> tuple[Scene, Appointment]:
        """An event that was dragged to the second calendar, of which the first has told that it is gone."""
        scene = Scene(google, conflicts=["second"]) if kind == "conflict" else Scene(google, rooms=["second"])
        appointment, event_id = scene.imported()
        scene.drag(event_id, "first", "second")
        scene.now += MINUTE
        scene.turn("first")
        return scene, appointment

    @staticmethod
    def hours_pass(scene: Scene, hours: int) -> None:
        for _ in range(hours * 2):
            scene.now += HOUR / 2
            for name in ("first", "second"):
                scene.turn(name)
                scene.turn(name, pulls=False)

    @KINDS
    @pytest.mark.parametrize(
        "fault",
        [Fault(method="*", status=503, count=9999), Fault(method="*", status=403, reason="quotaExceeded")],
        ids=["outage", "limit"],
    )
    def test_drag_is_no_cancellation(self, google: Google, kind: str, fault: Fault) -> None:
        scene, appointment = self.dragged(google, kind)
        google.control.add_fault(fault)
        scene.turn("second")
        self.hours_pass(scene, 4)
        google.control.clear_faults()
        scene.now += 7 * HOUR
        scene.sweep()
        assert scene.changes(appointment) == []
        scene.assert_quiet()

    @KINDS
    @pytest.mark.parametrize("pulls", [True, False])
    def test_nor_is_it_when_workers_stood_still(self, google: Google, kind: str, pulls: bool) -> None:
        scene, appointment = self.dragged(google, kind)
        scene.now += 3 * HOUR
        scene.turn("first", pulls=pulls)
        scene.sweep()
        assert scene.changes(appointment) == []

    def test_deletion_counts_when_the_other_calendar_was_read_at_last(self, google: Google) -> None:
        scene = Scene(google, conflicts=["second"])
        appointment, event_id = scene.imported()
        scene.now += MINUTE
        scene.delete("first", event_id)
        google.control.add_fault(Fault(method="*", status=503, count=9999, skip=1))
        scene.turn("first")
        self.hours_pass(scene, 3)
        assert scene.changes(appointment) == []
        google.control.clear_faults()
        scene.now += 2 * HOUR
        scene.sweep()
        assert scene.changes(appointment) == [("cancelled", "google")]

    def test_it_waits_for_an_hour_for_a_calendar_that_google_refuses_to_show(self, google: Google) -> None:
        scene = Scene(google, conflicts=["second"])
        appointment, event_id = scene.imported()
        there = scene.calendars["second"].google_id.partition("@")[0]
        refusal = Fault(method="calendar.events.list", about=there, status=403, reason="forbidden", count=99)
        google.control.add_fault(refusal)
        scene.turn("second")
        scene.now += MINUTE
        scene.delete("first", event_id)
        scene.turn("first")
        scene.now += HOUR / 2
        scene.turn("first", pulls=False)
        assert scene.changes(appointment) == []
        scene.now += HOUR
        scene.turn("first", pulls=False)
        assert scene.changes(appointment) == [("cancelled", "google")]
        google.control.clear_faults()
        scene.sweep()
        assert not GoogleCalendar.objects.exclude(refused_at=None).exists()

    def test_and_never_longer_than_a_day(self, google: Google) -> None:
        scene = Scene(google, conflicts=["second"])
        appointment, event_id = scene.imported()
        scene.now += MINUTE
        scene.delete("first", event_id)
        scene.turn("first")
        scene.now += DAY - MINUTE
        scene.turn("first", pulls=False)
        assert scene.changes(appointment) == []
        scene.now += MINUTE
        scene.turn("first", pulls=False)
        assert scene.changes(appointment) == [("cancelled", "google")]
