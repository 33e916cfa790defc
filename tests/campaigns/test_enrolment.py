"""What fires, whom it enrols, and what happens to messages when the appointment changes."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calendars import booking
from campaigns import triggers
from campaigns.by_hand import fire_now
from campaigns.enrolment import enrolments_of
from campaigns.models import Enrolment, Kind, Message, Step, TriggerEvent
from campaigns.triggers import enrol_missing, look_at
from contacts.models import Appointment, AppointmentChange, Origin, Tag
from contacts.signals import appointment_booked
from tests.campaigns import rows
from tests.campaigns.rows import NOW, START, after, at_once, before
from tests.factories import GoogleEventFactory

pytestmark = pytest.mark.django_db
State = Message.State
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


# --- what fires -------------------------------------------------------------------------------------------


def test_booking_enrols_and_writes_one_dated_message_a_step() -> None:
    rows.campaign(at_once(), before(24), before(1), after(2), name="Visit")
    appointment = rows.booked()
    assert rows.messages(appointment) == [
        ("waiting", NOW),
        ("waiting", START - DAY),
        ("waiting", START - timedelta(hours=1)),
        ("waiting", START + timedelta(hours=2, minutes=30)),
    ]
    assert rows.log(appointment) == [("booked", True, "Booked by staff.")]
    assert rows.outcomes(appointment) == {"Visit": ""}


@pytest.mark.parametrize(
    ("origin", "kinds"),
    [
        (Origin.STAFF, {Kind.APPOINTMENT}),
        (Origin.CUSTOMER, {Kind.APPOINTMENT, Kind.CUSTOMER_BOOKED}),
        (Origin.GOOGLE, {Kind.APPOINTMENT, Kind.CUSTOMER_BOOKED}),
    ],
)
def test_customer_booked_fires_beside_appointment_unless_staff_made_it(origin: str, kinds: set[str]) -> None:
    rows.campaign(at_once(), name="Thanks", trigger=Kind.CUSTOMER_BOOKED)
    appointment = rows.booked(origin=origin)
    fired = TriggerEvent.objects.filter(appointment=appointment, fired=True)
    assert set(fired.values_list("kind", flat=True)) == kinds
    assert rows.entered(appointment) == ({"Thanks"} if Kind.CUSTOMER_BOOKED in kinds else set())


def test_a_silent_change_fires_nothing_and_says_why() -> None:
    rows.campaign(before())
    appointment = rows.booked(origin=Origin.GOOGLE, fires=False, why="Disable trigger: nothing fires.")
    assert rows.log(appointment) == [("booked", False, "Disable trigger: nothing fires.")]
    assert rows.messages(appointment) == []


def test_an_appointment_that_starts_in_the_past_fires_nothing() -> None:
    rows.campaign(before(), at_once())
    appointment = rows.booked(now=START)
    assert rows.log(appointment) == [("booked", False, "The appointment starts in the past.")]


def test_a_change_is_looked_at_once_whoever_comes() -> None:
    rows.campaign(before())
    appointment = rows.book()
    change = appointment.changes.get()
    assert look_at(change.pk, now=NOW)
    assert not look_at(change.pk, now=NOW)
    assert TriggerEvent.objects.count() == Message.objects.count() == 1


def test_the_sweep_finds_what_a_lost_signal_left_and_leaves_the_newest_to_its_signal() -> None:
    rows.campaign(before())
    appointment = rows.book()
    at = appointment.changes.get().at
    assert enrol_missing(at + timedelta(seconds=1)) == 0
    assert enrol_missing(at + timedelta(seconds=6)) == 1
    assert enrol_missing(at + timedelta(seconds=6)) == 0


def test_one_change_that_cannot_be_looked_at_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rows.campaign(before())
    bad, good = rows.book(), rows.book()

    def locked(appointment_ids: list[uuid.UUID]) -> dict[uuid.UUID, Appointment]:
        if bad.pk in appointment_ids:
            raise ValueError("a row that nobody can make sense of")
        return Appointment.objects.in_bulk(appointment_ids)

    monkeypatch.setattr(triggers, "locked", locked)
    assert enrol_missing(NOW + timedelta(days=365 * 9)) == 1
    assert "could not be looked at" in caplog.text
    assert good.changes.get().looked_at is not None
    assert bad.changes.get().looked_at is None


def test_many_changes_looked_at_together_become_what_they_become_one_by_one() -> None:
    tag = Tag.objects.create(name="vip")
    rows.campaign(at_once(), before(24), name="Visit")
    rows.campaign(before(1), name="Moved", on_changes=["rescheduled"])
    rows.campaign(before(2), name="VIP").tags.add(tag)
    outcomes = []
    for together in (True, False):
        person, other = rows.contact(), rows.contact()
        other.tags.add(tag)
        meetings = [rows.book(person), rows.book(other, guests=[person]), rows.book(person, fires=False)]
        series = [
            rows.book(person, meeting=(f"{together}", f"2026-06-{10 + n}"), repeats_series=n > 0)
            for n in range(3)
        ]
        booking.reschedule(meetings[0], starts_at=START + HOUR, ends_at=START + 2 * HOUR)
        booking.cancel(meetings[1])
        booking.cancel(series[2], fires=False)
        pks = sorted(AppointmentChange.objects.filter(looked_at=None).values_list("pk", flat=True))
        for chosen in [pks[::-1]] if together else [[pk] for pk in pks]:
            look_at(*chosen, now=NOW)
        outcomes.append([(rows.log(a), rows.messages(a), rows.entered(a)) for a in (*meetings, *series)])
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("kind", list(Kind))
def test_looking_at_many_changes_costs_the_statements_of_one(kind: Kind) -> None:
    for _ in range(2):
        rows.campaign(at_once(), before(), trigger=kind)
    counts = []
    # Of more than eleven SQLite writes the messages in two: it takes 999 values in a statement.
    for number in (2, 11):
        owner, calendar = rows.user(), rows.calendar()
        for _ in range(number):
            rows.book(owner=owner, calendar=calendar, origin=Origin.CUSTOMER)
        pks = list(AppointmentChange.objects.filter(looked_at=None).values_list("pk", flat=True))
        with CaptureQueriesContext(connection) as counted:
            assert look_at(*pks, now=NOW) == number
        counts.append(len(counted))
    assert counts[0] == counts[1] < 26


def test_what_is_booked_together_is_told_in_one_signal(django_capture_on_commit_callbacks: Any) -> None:
    told: list[tuple[int, int]] = []

    def listen(*, appointment_ids: Any, change_ids: Any, **news: Any) -> None:
        told.append((len(appointment_ids), len(change_ids)))

    appointment_booked.connect(listen)
    try:
        owner, calendar, person = rows.user(), rows.calendar(), rows.contact()
        wanted = [
            booking.Booking(
                calendar=calendar,
                contact=person,
                owner=owner,
                starts_at=START + n * HOUR,
                ends_at=START + (n + 1) * HOUR,
            )
            for n in range(3)
        ]
        with django_capture_on_commit_callbacks(execute=True):
            booking.book_many(wanted)
    finally:
        appointment_booked.disconnect(listen)
    assert told == [(3, 3)]
    assert not AppointmentChange.objects.filter(looked_at=None).exists()


def test_signals_reach_the_triggers(django_capture_on_commit_callbacks: Any) -> None:
    rows.campaign(before())
    with django_capture_on_commit_callbacks(execute=True):
        appointment = rows.book(starts_at=START.replace(year=2090), origin=Origin.CUSTOMER)
    assert [state for state, _ in rows.messages(appointment)] == ["waiting"]
    assert TriggerEvent.objects.filter(appointment=appointment).count() == 2


@pytest.mark.parametrize("what", ["confirmed", "cancelled", "showed", "no_show", "invalid"])
def test_a_campaign_may_start_from_any_status(what: str) -> None:
    rows.campaign(at_once(), name="Status", on_changes=[what])
    appointment = rows.booked()
    assert rows.entered(appointment) == set()
    rows.with_status(appointment, what)
    assert rows.entered(appointment) == {"Status"}
    assert [state for state, _ in rows.messages(appointment)] == ["waiting"]


def test_no_show_fires_although_the_start_is_past() -> None:
    rows.campaign(at_once(), on_changes=["no_show"])
    appointment = rows.booked()
    rows.with_status(appointment, "no_show", now=START + DAY)
    assert rows.messages(appointment) == [("waiting", START + DAY)]


def test_a_mark_that_is_taken_back_ends_what_it_started_and_is_no_fact_of_the_log() -> None:
    rows.campaign(at_once(), on_changes=["no_show"])
    appointment = rows.booked()
    rows.with_status(appointment, "no_show", now=START + DAY)
    logged = rows.log(appointment)
    booking.take_mark_back(appointment)
    change = appointment.changes.latest("pk")
    look_at(change.pk, now=START + DAY)
    assert [state for state, _ in rows.messages(appointment)] == ["void"]
    assert rows.log(appointment) == logged


def test_a_change_overtaken_by_cancelling_fires_nothing() -> None:
    rows.campaign(at_once())
    appointment = rows.book()
    booking.cancel(appointment)
    rows.look()
    assert rows.log(appointment)[0] == ("booked", False, "The appointment is cancelled by now.")
    assert rows.messages(appointment) == []


# --- filters ----------------------------------------------------------------------------------------------


def test_filters_narrow_a_campaign_and_empty_ones_do_not() -> None:
    vip = Tag.objects.create(name="VIP")
    mine, other = rows.calendar(), rows.calendar()
    rows.campaign(at_once(), name="Everyone")
    rows.campaign(at_once(), name="Mine").calendars.add(mine)
    rows.campaign(at_once(), name="Other").calendars.add(other)
    rows.campaign(at_once(), name="VIPs").tags.add(vip)
    rows.campaign(at_once(), name="Staff", made_by=["staff"])
    rows.campaign(at_once(), name="Google or customer", made_by=["google", "customer"])
    rows.campaign(at_once(), name="Recurring", recurring="yes")
    rows.campaign(at_once(), name="Single", recurring="no")
    rows.campaign(at_once(), name="Off", is_active=False)
    assert rows.entered(rows.booked(calendar=mine)) == {"Everyone", "Mine", "Staff", "Single"}
    tagged = rows.contact()
    tagged.tags.add(vip)
    later = rows.booked(tagged, calendar=other, origin=Origin.GOOGLE, is_recurring=True)
    assert rows.entered(later) == {"Everyone", "Other", "VIPs", "Google or customer", "Recurring"}


def test_the_log_says_of_each_campaign_on_the_change_why_it_did_not_take_the_person() -> None:
    owner, vip = rows.user(), Tag.objects.create(name="VIP")
    rows.campaign(at_once(), name="Other calendar").calendars.add(rows.calendar())
    rows.campaign(at_once(), name="VIPs").tags.add(vip)
    rows.campaign(at_once(), name="Of an owner").owners.add(owner)
    rows.campaign(at_once(), name="Texts", made_by=["customer"])
    rows.campaign(at_once(medium="sms"), name="By SMS")
    rows.campaign(at_once(), name="Off", is_active=False)
    rows.campaign(at_once(), name="Off, for VIPs", is_active=False).tags.add(vip)
    rows.campaign(at_once(), name="On moves", on_changes=["rescheduled"])
    rows.campaign(at_once(), name="Customers", trigger=Kind.CUSTOMER_BOOKED)
    appointment = rows.booked()
    assert rows.log(appointment) == [("booked", True, "Booked by staff.")]
    assert rows.outcomes(appointment) == {
        "Other calendar": "It takes other calendars.",
        "VIPs": "The contact has none of its tags.",
        "Of an owner": "It takes contacts of other owners.",
        "Texts": "It does not take what staff made.",
        "By SMS": "Nothing may reach them: The contact has no phone number.",
        "Off": "It is switched off.",
    }
    mine = rows.contact(owner=owner)
    assert "Of an owner" in rows.entered(rows.booked(mine))


def test_who_may_be_reached_by_no_step_does_not_enter_and_who_by_one_does() -> None:
    rows.campaign(at_once(), before(24, medium="sms"), name="Both")
    rows.campaign(before(24), name="Mail")
    quiet = rows.contact(no_email=True)
    appointment = rows.booked(quiet)
    assert rows.outcomes(appointment) == {
        "Both": "Nothing may reach them: The contact is not to be e-mailed. The contact has no phone number.",
        "Mail": "Nothing may reach them: The contact is not to be e-mailed.",
    }
    quiet.phones.create(number="+442079460000", is_primary=True)
    assert rows.entered(rows.booked(quiet)) == {"Both"}


def test_an_address_that_leads_nowhere_reaches_nobody() -> None:
    rows.campaign(at_once(), name="Mail")
    person = rows.contact()
    person.emails.update(undeliverable_at=NOW)
    assert list(rows.outcomes(rows.booked(person)).values()) == [
        "Nothing may reach them: The contact’s e-mail address is marked as undeliverable."
    ]


def test_who_is_in_a_campaign_does_not_enter_it_again_for_the_same_appointment() -> None:
    rows.campaign(at_once(), on_changes=["booked", "confirmed"], name="Both")
    appointment = rows.booked()
    rows.with_status(appointment, "confirmed")
    assert rows.outcomes(appointment, "confirmed") == {"Both": "They are in it already for this appointment."}
    assert len(rows.messages(appointment)) == 1


def test_what_stays_silent_names_the_campaigns_it_would_have_entered() -> None:
    rows.campaign(at_once(), name="Visit")
    rows.campaign(at_once(), name="Recurring", recurring="yes")
    appointment = rows.booked(fires=False, why="A first link is silent.")
    assert rows.outcomes(appointment) == {
        "Visit": "It did not fire.",
        "Recurring": "It takes recurring appointments only.",
    }


def test_a_step_left_out_for_a_persons_wish_is_not_brought_back_by_a_longer_appointment() -> None:
    rows.campaign(before(24, when_late="send"))
    appointment = rows.booked()
    late = START - timedelta(hours=20)
    Message.objects.update(state=State.SKIPPED, why="The contact is not to be e-mailed.")
    booking.reschedule(appointment, starts_at=START, ends_at=START + timedelta(hours=1))
    rows.look(late)
    assert [state for state, _ in rows.messages(appointment)] == ["skipped"]


# --- guests -----------------------------------------------------------------------------------------------


def test_triggers_run_for_every_attached_contact_and_alone_for_one_added_later() -> None:
    rows.campaign(at_once(), before())
    ada, bob, eve = rows.contact(), rows.contact(), rows.contact()
    appointment = rows.booked(ada, guests=[bob])
    assert Enrolment.objects.count() == 2
    booking.attach(appointment, eve, origin=Origin.GOOGLE, fires=True, why="A guest was added")
    rows.look()
    assert Enrolment.objects.filter(contact=eve).count() == 1
    assert Message.objects.count() == 6
    assert TriggerEvent.objects.filter(contact=ada).count() == 1


def test_guest_who_left_and_returns_with_a_move_is_told_of_it() -> None:
    """They know the earlier time, and booked fires once."""
    rows.campaign(at_once(), on_changes=["rescheduled"])
    ada, bob = rows.contact(), rows.contact()
    appointment = rows.booked(ada)
    booking.attach(appointment, bob, origin=Origin.GOOGLE, fires=True, why="A guest was added")
    booking.detach(appointment, bob, origin=Origin.GOOGLE, why="No longer a guest at Google.")
    rows.look()
    booking.reschedule(appointment, starts_at=START + DAY, ends_at=START + DAY + HOUR, origin=Origin.GOOGLE)
    booking.attach(appointment, bob, origin=Origin.GOOGLE, fires=True, why="A guest was added")
    rows.look()
    assert {each.contact for each in Enrolment.objects.all()} == {ada, bob}


def test_guest_who_is_added_with_a_move_is_told_of_no_move() -> None:
    rows.campaign(at_once(), on_changes=["rescheduled"])
    ada, bob = rows.contact(), rows.contact()
    appointment = rows.booked(ada)
    booking.reschedule(appointment, starts_at=START + DAY, ends_at=START + DAY + HOUR, origin=Origin.GOOGLE)
    booking.attach(appointment, bob, origin=Origin.GOOGLE, fires=True, why="A guest was added")
    rows.look()
    assert [each.contact for each in Enrolment.objects.all()] == [ada]
    said = TriggerEvent.objects.get(contact=bob, change__what="rescheduled")
    assert (said.fired, said.why) == (False, "They joined with this time: nothing was moved for them.")
    # The next move is one for both.
    rows.moved(appointment, START + 2 * DAY)
    assert TriggerEvent.objects.filter(contact=bob, change__what="rescheduled", fired=True).count() == 1


def test_messages_of_a_detached_guest_are_void_and_come_back_without_a_second_booking() -> None:
    rows.campaign(at_once(), before())
    ada, bob = rows.contact(), rows.contact()
    appointment = rows.booked(ada, guests=[bob])
    booking.detach(appointment, bob, origin=Origin.GOOGLE, why="They declined")
    rows.look()
    of_bob = Message.objects.filter(enrolment__contact=bob)
    assert {(m.state, m.why) for m in of_bob} == {("void", "No longer a guest of the appointment.")}
    assert set(Message.objects.filter(enrolment__contact=ada).values_list("state", flat=True)) == {"waiting"}
    booking.attach(appointment, bob, origin=Origin.GOOGLE, fires=True, why="They accepted again")
    rows.look(NOW + timedelta(hours=1))
    assert list(of_bob.order_by("due_at").values_list("state", flat=True)) == ["void", "waiting"]
    last = TriggerEvent.objects.filter(contact=bob, kind=Kind.APPOINTMENT).first()
    assert last is not None
    assert (last.fired, last.why) == (False, "It fired before for this appointment; nothing fires twice.")


# --- moves ------------------------------------------------------------------------------------------------


def test_a_move_takes_waiting_messages_along_in_place() -> None:
    rows.campaign(before(24), after(2))
    appointment = rows.booked()
    ids = set(Message.objects.values_list("pk", flat=True))
    rows.moved(appointment, START + DAY)
    assert set(Message.objects.values_list("pk", flat=True)) == ids
    assert rows.messages(appointment) == [
        ("waiting", START),
        ("waiting", START + DAY + timedelta(hours=2, minutes=30)),
    ]
    assert set(Message.objects.values_list("for_start", flat=True)) == {START + DAY}


def test_a_reminder_that_was_sent_gets_a_new_one_for_the_new_start() -> None:
    rows.campaign(at_once(), before(24))
    appointment = rows.booked()
    Message.objects.update(state=State.SENT)
    rows.moved(appointment, START + DAY)
    assert rows.messages(appointment) == [("sent", NOW), ("sent", START - DAY), ("waiting", START)]


def test_moved_there_and_back_is_not_reminded_of_the_same_start_again() -> None:
    rows.campaign(before(24))
    appointment = rows.booked()
    Message.objects.update(state=State.SENT)
    rows.moved(appointment, START + DAY)
    rows.moved(appointment, START)
    assert rows.messages(appointment) == [("sent", START - DAY), ("void", START)]
    rows.moved(appointment, START + 2 * DAY)
    assert rows.messages(appointment) == [("sent", START - DAY), ("waiting", START + DAY)]


def test_a_move_that_leaves_no_time_skips_the_reminder_unless_the_step_says_send() -> None:
    rows.campaign(before(24), name="Skips")
    rows.campaign(before(24, when_late=Step.WhenLate.SEND), name="Sends")
    appointment = rows.booked()
    rows.moved(appointment, NOW + timedelta(hours=3))
    states = {
        m.enrolment.campaign.name: (m.state, m.due_at, m.why)
        for m in Message.objects.select_related("enrolment__campaign")
    }
    assert states["Sends"] == ("waiting", NOW, "")
    assert states["Skips"][0] == "skipped"
    assert "had passed" in states["Skips"][2]


def test_a_silent_move_still_moves_what_waits() -> None:
    rows.campaign(before(24))
    appointment = rows.booked()
    rows.moved(appointment, START + DAY, origin=Origin.GOOGLE, fires=False, why="Resync")
    assert rows.messages(appointment) == [("waiting", START)]


def test_a_later_end_moves_what_counts_from_the_end() -> None:
    rows.campaign(after(2))
    appointment = rows.booked()
    booking.reschedule(appointment, starts_at=START, ends_at=START + timedelta(hours=3))
    rows.look()
    assert rows.messages(appointment) == [("waiting", START + timedelta(hours=5))]


def test_a_backlog_is_not_taken_for_lateness_when_something_else_changes() -> None:
    rows.campaign(before(24))
    appointment = rows.booked()
    rows.with_status(appointment, "confirmed", now=START - DAY + timedelta(minutes=20))
    assert rows.messages(appointment) == [("waiting", START - DAY)]


@pytest.mark.parametrize("on_changes", [["rescheduled"], ["booked", "rescheduled"]])
def test_a_move_back_to_a_time_that_was_told_before_is_told_too(on_changes: list[str]) -> None:
    rows.campaign(at_once(), before(24), on_changes=on_changes)
    appointment = rows.booked()
    times = [START + HOUR, START, START + HOUR]
    for starts_at in times:
        _told()
        rows.moved(appointment, starts_at)
    _told()
    told = Message.objects.filter(state=State.SENT).order_by("pk")
    assert list(told.values_list("for_start", flat=True))[-3:] == times
    assert [state for state, _ in rows.messages(appointment)][-1] == State.WAITING
    assert Message.objects.exclude(state=State.SENT).count() == 1


def test_a_move_that_was_taken_back_before_it_was_told_tells_nothing() -> None:
    rows.campaign(at_once(), on_changes=["booked", "rescheduled"])
    appointment = rows.booked()
    _told()
    for starts_at in (START + HOUR, START):
        rows.moved(appointment, starts_at)
    assert sorted(Message.objects.values_list("state", flat=True)) == [State.SENT, State.VOID]


def test_a_move_back_is_told_by_the_row_of_a_move_that_never_left() -> None:
    rows.campaign(at_once(), on_changes=["booked", "rescheduled"])
    appointment = rows.booked()
    for starts_at in (START + HOUR, START + 2 * HOUR):
        _told()
        rows.moved(appointment, starts_at)
    rows.moved(appointment, START)
    waiting = Message.objects.get(state=State.WAITING)
    assert (waiting.for_start, waiting.told_before) == (START, 1)
    rows.moved(appointment, START + 3 * HOUR)
    waiting.refresh_from_db()
    assert (waiting.for_start, waiting.told_before) == (START + 3 * HOUR, 0)


def _told() -> None:
    """What is said at once has left."""
    Message.objects.filter(step__anchor=Step.Anchor.AT_ONCE, state=State.WAITING).update(state=State.SENT)


def test_rescheduled_campaign_tells_of_every_move() -> None:
    rows.campaign(at_once(), on_changes=["rescheduled"])
    appointment = rows.booked()
    rows.moved(appointment, START + DAY)
    Message.objects.update(state=State.SENT)
    rows.moved(appointment, START + 2 * DAY, now=NOW + DAY)
    assert rows.messages(appointment) == [("sent", NOW), ("waiting", NOW + DAY)]


# --- cancelled and restored -------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["cancelled", "invalid"])
def test_cancelling_voids_what_waits_and_says_why(status: str) -> None:
    rows.campaign(at_once(), before(24))
    appointment = rows.booked()
    Message.objects.filter(due_at=NOW).update(state=State.SENT)
    rows.with_status(appointment, status)
    assert [state for state, _ in rows.messages(appointment)] == ["sent", "void"]
    assert Message.objects.get(state=State.VOID).why == f"The appointment is {status}."
    assert Enrolment.objects.get().withdrawn_at == NOW


def test_restoring_brings_back_what_lies_ahead_without_a_second_at_once_message() -> None:
    rows.campaign(at_once(), before(24 * 8), before(24))
    appointment = rows.booked()
    rows.with_status(appointment, "cancelled")
    rows.with_status(appointment, "new", now=START - 5 * DAY)
    assert rows.messages(appointment) == [
        ("void", NOW),
        ("void", START - 8 * DAY),
        ("waiting", START - DAY),
    ]
    assert [fired for what, fired, _ in rows.log(appointment) if what == "booked"] == [True, False]
    assert Enrolment.objects.get().withdrawn_at is None


def test_restored_within_the_same_batch_of_changes_is_as_if_nothing_happened() -> None:
    rows.campaign(before(24))
    appointment = rows.booked()
    booking.cancel(appointment)
    booking.set_status(appointment, "confirmed")
    rows.look()
    assert rows.messages(appointment) == [("waiting", START - DAY)]


def test_a_cancellation_campaign_is_not_withdrawn_by_the_cancelling_but_by_the_return() -> None:
    rows.campaign(at_once(), after(24), on_changes=["cancelled"])
    appointment = rows.booked()
    rows.with_status(appointment, "cancelled")
    assert {state for state, _ in rows.messages(appointment)} == {"waiting"}
    rows.with_status(appointment, "new")
    assert {state for state, _ in rows.messages(appointment)} == {"void"}


def test_no_reminder_before_the_start_of_what_is_cancelled() -> None:
    rows.campaign(at_once(), before(24), on_changes=["booked", "cancelled"])
    appointment = rows.booked()
    Message.objects.filter(due_at=NOW).update(state=State.SENT)
    rows.with_status(appointment, "cancelled")
    assert [state for state, _ in rows.messages(appointment)] == ["sent", "void"]


# --- series -----------------------------------------------------------------------------------------------


def occurrence(number: int, person: Any, **values: Any) -> Any:
    return rows.book(
        person,
        starts_at=START + number * 7 * DAY,
        origin=Origin.GOOGLE,
        meeting=("series@google.com", f"2026-06-{10 + number}"),
        is_recurring=True,
        **{"repeats_series": number > 0, **values},
    )


@pytest.mark.parametrize(
    "repeats_fire", [True, False], ids=["as a flag", "as the planner of Google events writes"]
)
def test_a_series_fires_once_and_plans_dated_steps_for_every_occurrence(repeats_fire: bool) -> None:
    rows.campaign(at_once(), before(24), name="Visit")
    rows.campaign(at_once(), before(1), name="Hello", trigger=Kind.CUSTOMER_BOOKED)
    person = rows.contact()
    first, second, third = (
        occurrence(number, person, fires=repeats_fire or not number) for number in range(3)
    )
    # The signals may come in any order; the first occurrence is looked at before the others.
    for appointment in (third, second, first):
        look_at(appointment.changes.get().pk, now=NOW)
    assert len(rows.messages(first)) == 4
    for later in (second, third):
        hour, day = later.starts_at - timedelta(hours=1), later.starts_at - DAY
        assert rows.messages(later) == [("skipped", NOW)] * 2 + [("waiting", day), ("waiting", hour)]
        assert rows.log(later) == [("booked", False, "Fired once for the series.")]
        assert rows.outcomes(later) == {"Visit": ""}
        skipped = Message.objects.filter(enrolment__appointment=later, state=State.SKIPPED)
        assert set(skipped.values_list("why", flat=True)) == {"Runs once for a series."}


def test_a_moved_series_enters_later_occurrences_only_in_campaigns_on_moves() -> None:
    rows.campaign(before(24), name="Visit")
    rows.campaign(before(1), name="Moved", on_changes=["rescheduled"])
    person = rows.contact()
    first, second = (occurrence(number, person, fires=not number, why="Linked.") for number in range(2))
    for number, appointment in enumerate((first, second)):
        later = {"starts_at": appointment.starts_at + DAY, "ends_at": appointment.ends_at + DAY}
        booking.reschedule(appointment, **later, fires=not number, repeats_series=bool(number))
    rows.look()
    moved = second.trigger_events.filter(change__what="rescheduled").values_list("why", flat=True)
    assert list(moved) == ["Fired once for the series."]
    assert rows.outcomes(second, "rescheduled") == {"Moved": ""}


def test_a_silent_series_stays_silent() -> None:
    rows.campaign(before(24))
    person = rows.contact()
    occurrence(0, person, fires=False, why="A first link is silent.")
    second = occurrence(1, person, fires=False, why="A first link is silent.", repeats_series=False)
    third = occurrence(2, person)
    rows.look()
    assert rows.messages(second) == rows.messages(third) == []
    assert rows.log(second)[0][2] == "A first link is silent."


# --- by hand ----------------------------------------------------------------------------------------------


def test_fire_now_fires_what_was_silent_once() -> None:
    rows.campaign(at_once(), before(24), name="Visit")
    grace = rows.user(first_name="Grace", last_name="Hopper")
    appointment = rows.booked(origin=Origin.GOOGLE, fires=False, why="A first link is silent.")
    assert {event.kind for event in fire_now(appointment, by=grace, now=NOW)} == set(Kind)
    assert rows.log(appointment) == [("booked", True, "Fired by hand by Grace Hopper.")]
    assert rows.outcomes(appointment) == {"Visit": ""}
    assert rows.messages(appointment) == [("waiting", NOW), ("waiting", START - DAY)]
    assert fire_now(appointment, by=grace, now=NOW) == []
    assert len(rows.messages(appointment)) == 2


def test_fire_now_takes_the_muted_bell_off_the_google_event_and_its_reason_says_so() -> None:
    grace = rows.user(first_name="Grace", last_name="Hopper")
    appointment = rows.booked(origin=Origin.GOOGLE, fires=False)
    silent = "Smart: ann@x.org is a contact. Silent: it was in Google before this configuration."
    event = GoogleEventFactory(appointment=appointment, is_silent=True, reason=silent)
    fire_now(appointment, by=grace, now=NOW)
    event.refresh_from_db()
    assert not event.is_silent
    assert event.reason == "Smart: ann@x.org is a contact. Fired by hand by Grace Hopper."


def test_fire_now_can_be_for_one_guest_alone() -> None:
    rows.campaign(at_once())
    ada, bob = rows.contact(), rows.contact()
    appointment = rows.booked(ada, guests=[bob], fires=False, why="Silent.")
    fire_now(appointment, bob, by=rows.user(), now=NOW)
    assert [e.contact_id for e in Enrolment.objects.all()] == [bob.pk]


@pytest.mark.parametrize("reason", ["fired", "past", "cancelled"])
def test_fire_now_leaves_what_fired_what_is_past_and_what_is_cancelled(reason: str) -> None:
    rows.campaign(at_once())
    appointment = rows.book(fires=reason == "fired", why="Silent.")
    if reason == "cancelled":
        booking.cancel(appointment, fires=True)
    rows.look()
    before_count = Message.objects.count()
    now = START + DAY if reason == "past" else NOW
    assert fire_now(appointment, by=rows.user(), now=now) == []
    assert Message.objects.count() == before_count


# --- cost -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("guests", [0, 4])
def test_looking_takes_the_same_statements_for_one_guest_and_five(
    guests: int, django_assert_num_queries: Any
) -> None:
    for _ in range(3):
        rows.campaign(at_once(), before(24), before(1))
    appointment = rows.book(guests=[rows.contact() for _ in range(guests)])
    change = appointment.changes.get()
    with django_assert_num_queries(23):
        look_at(change.pk, now=NOW)
    assert Message.objects.count() == 9 * (guests + 1)
    assert len(enrolments_of(appointment.pk)) == 3 * (guests + 1)


def test_changes_of_one_appointment_may_be_looked_at_in_any_order() -> None:
    rows.campaign(before(24))
    appointment = rows.book()
    booking.reschedule(appointment, starts_at=START + DAY, ends_at=START + DAY + timedelta(hours=1))
    for change in AppointmentChange.objects.order_by("-pk"):
        look_at(change.pk, now=NOW)
    assert rows.messages(appointment) == [("waiting", START)]
