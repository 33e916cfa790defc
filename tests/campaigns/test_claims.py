"""What a worker may do with a row that is its own for a while, and what others may do with it meanwhile."""

import datetime
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calendars import booking
from campaigns import delivery, unsubscribing
from campaigns.delivery import claims, deliver_due, message_id_of
from campaigns.delivery.claims import Claim
from campaigns.delivery.messages import Messages
from campaigns.delivery.turns import Turn
from campaigns.models import Message, Notice, Step
from campaigns.transports import Letter, Receipt, TryLater
from contacts.models import Appointment, Contact
from tests.campaigns import rows
from tests.campaigns.rows import NOW, START, at_once, before

pytestmark = pytest.mark.django_db
State = Message.State
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
DUE = START - DAY
LANE = delivery.Lane(Messages(), "email")


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def only() -> Message:
    return Message.objects.get()


def planned(*steps: dict[str, Any], person: Contact | None = None, **values: Any) -> Appointment:
    rows.campaign(*(steps or (before(24),)))
    return rows.booked(person, **values)


def told(now: datetime.datetime = DUE) -> list[tuple[str, str]]:
    return [(outcome.state, outcome.why) for outcome in deliver_due(now)]


def claimed(now: datetime.datetime = DUE) -> tuple[Claim, Message]:
    """The one message, claimed and read by a worker that goes no further yet."""
    claim = claims.claim(Messages(), "email", now=now, real=NOW)
    assert isinstance(claim, Claim)
    (row,) = Messages().read(claim.pks)
    return claim, row


def goes_on(claim: Claim, row: Message, now: datetime.datetime = DUE) -> None:
    assert Turn(Messages(), "email", claim, row, now, NOW).deliver()


class Meanwhile:
    """A carrier that takes everything, and a world in which something happens while it does."""

    recognises_repeats = True

    def __init__(self, what: Callable[[], object]) -> None:
        self.what = what

    def send(self, letter: Letter) -> Receipt:
        self.what()
        return Receipt()


# --- few statements ---------------------------------------------------------------------------------------------


def statements(number: int) -> int:
    for minute in range(number):
        rows.booked(starts_at=START + timedelta(minutes=minute))
    with CaptureQueriesContext(connection) as seen:
        assert len(deliver_due(DUE + timedelta(minutes=number))) == number
    return len(seen)


def test_a_message_more_costs_two_statements_more() -> None:
    """That it is begun, and what became of it."""
    rows.campaign(before(24))
    one = statements(1)
    assert statements(4) - one == 6


def statements_of_group(addresses: Sequence[str]) -> tuple[int, list[str]]:
    """Statements and outcomes of three messages each to people of one appointment."""
    first, *others = (rows.contact(address) for address in addresses)
    rows.book(first, guests=others)
    rows.look()
    with CaptureQueriesContext(connection) as seen:
        outcomes = [outcome.state for outcome in deliver_due(DUE)]
    return len(seen), outcomes


def test_a_message_more_to_a_group_costs_five_statements_more() -> None:
    """Beside those two: its appointment is held meanwhile (a transaction of three), for others of the group may share
    its address."""
    rows.campaign(*(before(24 + n / 10) for n in range(3)))
    two, outcomes = statements_of_group(["ada@x.org", "bob@x.org"])
    assert outcomes == [State.SENT] * 6
    five, outcomes = statements_of_group([f"p{n}@x.org" for n in range(5)])
    assert outcomes == [State.SENT] * 15
    assert five - two == 9 * 5


def test_a_message_left_out_for_a_shared_address_costs_one_statement() -> None:
    rows.campaign(*(before(24 + n / 10) for n in range(3)))
    two, outcomes = statements_of_group(["home@x.org"] * 2)
    assert sorted(outcomes) == [State.SENT] * 3 + [State.SKIPPED] * 3
    five, outcomes = statements_of_group(["house@x.org"] * 5)
    assert sorted(outcomes) == [State.SENT] * 3 + [State.SKIPPED] * 12
    assert five - two == 9
    assert len(mail.outbox) == 6


# --- changed after it was read ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "state", "why"),
    [
        (lambda row: booking.cancel(row.enrolment.appointment), "void", "The appointment is cancelled."),
        (
            lambda row: booking.reschedule(
                row.enrolment.appointment, starts_at=START + DAY, ends_at=START + DAY + MINUTE
            ),
            "void",
            "The appointment moved; this was planned for its old start.",
        ),
        (
            lambda row: unsubscribing.unsubscribe(row.enrolment.contact),
            "skipped",
            "The contact is not to be e-mailed.",
        ),
        (
            lambda row: type(row.enrolment.campaign).objects.update(is_active=False),
            "skipped",
            "The campaign is switched off.",
        ),
        (
            lambda row: row.enrolment.appointment.guests.all().delete(),
            "void",
            "No longer a guest of the appointment.",
        ),
        (
            lambda row: row.enrolment.contact.emails.update(undeliverable_at=NOW, undeliverable_why="Gone."),
            "skipped",
            "The address is marked as undeliverable: Gone.",
        ),
        (lambda row: Contact.objects.update(archived_at=NOW), "skipped", "The contact is archived."),
        (lambda row: Step.objects.update(is_active=False), "skipped", "The step is switched off."),
    ],
)
def test_what_changes_after_it_was_read_still_counts(
    change: Callable[[Message], object], state: str, why: str
) -> None:
    planned()
    claim, row = claimed()
    change(Message.objects.get())
    goes_on(claim, row)
    assert (only().state, only().why) == (state, why)
    assert mail.outbox == []


def test_a_new_address_is_written_to_though_it_came_after_the_row_was_read() -> None:
    person = rows.contact("old@example.com")
    planned(person=person)
    claim, row = claimed()
    person.emails.update(address="new@example.com")
    goes_on(claim, row)
    assert mail.outbox[0].to == [only().recipient] == ["new@example.com"]


# --- claimed, and not begun -------------------------------------------------------------------------------------


def test_a_move_takes_back_what_a_worker_claimed_and_has_not_begun() -> None:
    appointment = planned()
    claim, row = claimed()
    rows.moved(appointment, START + DAY)
    assert rows.messages(appointment) == [("waiting", START)]
    goes_on(claim, row)
    assert mail.outbox == []
    assert told(START) == [("sent", "")]


def test_a_cancellation_ends_what_a_worker_claimed_and_has_not_begun() -> None:
    appointment = planned()
    claim, row = claimed()
    rows.with_status(appointment, "cancelled")
    assert (only().state, only().claimed_until) == (State.VOID, None)
    goes_on(claim, row)
    assert (only().state, mail.outbox) == (State.VOID, [])


def test_what_leaves_at_once_goes_along_with_a_move_that_overtakes_its_worker() -> None:
    appointment = planned(at_once())
    claim, row = claimed(NOW)
    rows.moved(appointment, START + DAY)
    goes_on(claim, row, NOW)
    assert mail.outbox == []
    assert told(NOW + MINUTE) == [("sent", "")]


def test_what_leaves_at_once_waits_while_a_move_is_not_planned_yet() -> None:
    appointment = planned(at_once())
    booking.reschedule(appointment, starts_at=START + DAY, ends_at=START + DAY + MINUTE)
    assert told(NOW) == [("waiting", "The appointment moved, and what follows from that is not planned yet.")]
    rows.look()
    assert told(NOW + 2 * MINUTE) == [("sent", "")]


def test_what_a_dead_worker_began_stays_with_its_start_when_the_appointment_moves() -> None:
    """Its id may have reached them already: another time under the same id might never be shown to them."""
    appointment = planned()
    begun = only()
    Message.objects.update(message_id=message_id_of(begun))
    rows.moved(appointment, START + DAY)
    assert rows.messages(appointment) == [("waiting", DUE), ("waiting", DUE + DAY)]
    assert [state for state, _ in told()] == ["unknown"]
    assert told(START) == [("sent", "")]
    assert mail.outbox[0].extra_headers["Message-ID"] != message_id_of(begun)


def test_a_claim_that_could_run_out_while_a_carrier_thinks_is_given_back() -> None:
    planned()
    claim, _ = claimed()
    late = claim.until - timedelta(seconds=10)
    with time_machine.travel(late, tick=False):
        assert list(delivery.deliver_batch(LANE, claim, DUE)) == []
    assert (only().state, only().claimed_until, mail.outbox) == (State.WAITING, None, [])


# --- who was held up --------------------------------------------------------------------------------------------


def test_a_worker_that_was_held_up_says_what_nobody_knew(monkeypatch: pytest.MonkeyPatch) -> None:
    planned()

    def given_up() -> None:
        Message.objects.update(state=State.UNKNOWN, claimed_until=None)

    monkeypatch.setitem(delivery.TRANSPORTS, "email", Meanwhile(given_up))
    assert told() == [("sent", "")]
    assert only().state == State.SENT


def test_a_worker_that_was_held_up_leaves_alone_what_another_sends_by_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planned()
    theirs = NOW + timedelta(hours=1)
    taken = Meanwhile(lambda: Message.objects.update(claimed_until=theirs))
    monkeypatch.setitem(delivery.TRANSPORTS, "email", taken)
    assert told() == [("sending", "")]
    assert only().claimed_until == theirs


def test_trouble_on_the_second_attempt_forgets_nothing_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker died over it, then the carrier was busy, then they cancelled: nobody knows whether they have it."""
    appointment = planned()
    Message.objects.update(message_id=message_id_of(only()))

    def busy() -> None:
        raise TryLater("Busy.")

    with monkeypatch.context() as patch:
        patch.setitem(delivery.TRANSPORTS, "email", Meanwhile(busy))
        assert told() == [("waiting", "Busy.")]
    booking.cancel(appointment)
    assert [state for state, _ in told(DUE + 2 * MINUTE)] == ["unknown"]


def test_what_failed_together_does_not_come_back_together(monkeypatch: pytest.MonkeyPatch) -> None:
    rows.campaign(before(24))
    for _ in range(8):
        rows.booked()

    def busy() -> None:
        raise TryLater("Busy.")

    monkeypatch.setitem(delivery.TRANSPORTS, "email", Meanwhile(busy))
    deliver_due(DUE)
    again = set(Message.objects.values_list("not_before", flat=True))
    assert len(again) > 1
    assert all(DUE + 0.75 * MINUTE <= at <= DUE + 1.25 * MINUTE for at in again if at)


# --- repeats ----------------------------------------------------------------------------------------------------


def couple(**values: Any) -> tuple[Contact, Contact]:
    """Two people who share an address, both guests of one appointment."""
    ada, bob = rows.contact("home@example.com"), rows.contact("home@example.com", first_name="Bob", **values)
    planned(person=ada, guests=[bob])
    return ada, bob


def test_an_address_that_two_guests_share_gets_a_message_once() -> None:
    couple()
    assert told() == [
        ("sent", ""),
        ("skipped", "It went to the same address for another guest of the appointment."),
    ]
    assert len(mail.outbox) == 1


def test_the_second_at_an_address_gets_what_the_first_did_not() -> None:
    ada, _ = couple()
    unsubscribing.unsubscribe(ada)
    assert [state for state, _ in told()] == ["skipped", "sent"]


def test_a_repeat_that_another_worker_begins_at_the_same_moment_is_left_out() -> None:
    couple()
    claim = claims.claim(Messages(), "email", now=DUE, real=NOW)
    assert isinstance(claim, Claim)
    first, second = Messages().read(claim.pks)
    goes_on(claim, second)
    goes_on(claim, first)
    assert sorted(Message.objects.values_list("state", flat=True)) == ["sent", "skipped"]
    assert len(mail.outbox) == 1


# --- notices ----------------------------------------------------------------------------------------------------


def test_two_notices_of_one_batch_are_told_as_one() -> None:
    calendar = rows.calendar(notices="all")
    appointment = rows.booked(calendar=calendar)
    rows.moved(appointment, START + DAY)
    deliver_due(NOW)
    assert len(mail.outbox) == 1
    assert set(Notice.objects.values_list("state", flat=True)) == {"void", "sent"}


def test_the_time_of_a_claim_is_not_the_time_of_the_sweep() -> None:
    planned()
    claim, _ = claimed(DUE)
    assert claim.until == timezone.now() + claims.CLAIM
