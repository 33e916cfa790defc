"""What broke where nobody can tell whether it left, and a database that does not answer: never twice, never lost."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import OperationalError, connection
from django.utils import timezone

from campaigns import delivery
from campaigns.delivery import claims, deliver_due, message_id_of
from campaigns.models import Message
from campaigns.transports import EmailTransport, Letter, Receipt, SmsTransport, TryLater
from tests.campaigns import rows
from tests.campaigns.rows import NOW, START, before

pytestmark = pytest.mark.django_db
State = Message.State
# As in life: no transaction around delivery, which an error would break.
OUTSIDE = pytest.mark.django_db(transaction=True)
DUE = START - timedelta(hours=24)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


class Breaking:
    """A carrier that breaks over a letter in a way nobody thought of, perhaps after it was taken."""

    def __init__(self, usual: EmailTransport | SmsTransport, error: Exception | None) -> None:
        self.usual, self.error = usual, error
        self.recognises_repeats = usual.recognises_repeats

    def send(self, letter: Letter) -> Receipt:
        if self.usual.recognises_repeats:
            self.usual.send(letter)
        if self.error is not None:
            raise self.error
        return Receipt()


def planned(number: int = 1, **values: Any) -> None:
    rows.campaign(before(24, **values))
    for minute in range(number):
        person = rows.contact()
        person.phones.create(number="+447700900123", is_primary=True)
        rows.booked(person, starts_at=START + timedelta(minutes=minute))


def states() -> list[tuple[str, str]]:
    return list(Message.objects.order_by("pk").values_list("state", "why"))


def sent_ids() -> list[str]:
    return [letter.extra_headers["Message-ID"] for letter in mail.outbox]


def test_an_email_that_may_have_left_goes_again_under_its_message_id(
    monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller, caplog: pytest.LogCaptureFixture
) -> None:
    planned()
    clock.move_to(DUE)
    with monkeypatch.context() as patch:
        patch.setitem(delivery.TRANSPORTS, "email", Breaking(EmailTransport(), RuntimeError("boom")))
        deliver_due()
    message = Message.objects.get()
    assert states() == [("waiting", "An unexpected error (RuntimeError): it may have been sent.")]
    assert message.message_id == message_id_of(message)
    assert "may not have been sent" in caplog.text
    clock.shift(timedelta(minutes=2))
    deliver_due()
    assert states() == [("sent", "")]
    assert sent_ids() == [message.message_id] * 2


@pytest.mark.parametrize("may_have_left", [True, False])
def test_an_email_whose_connection_broke_keeps_its_message_id_if_it_may_have_left(
    monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller, may_have_left: bool
) -> None:
    planned()
    clock.move_to(DUE)
    error = TryLater("It broke off.", may_have_left=may_have_left)
    monkeypatch.setitem(delivery.TRANSPORTS, "email", Breaking(EmailTransport(), error))
    deliver_due()
    assert states() == [("waiting", "It broke off.")]
    assert bool(Message.objects.get().message_id) is may_have_left


def test_an_email_that_breaks_each_time_is_unknown_in_the_end(
    monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller
) -> None:
    planned(when_late="send")
    clock.move_to(DUE)
    monkeypatch.setitem(delivery.TRANSPORTS, "email", Breaking(EmailTransport(), RuntimeError("boom")))
    for _ in range(claims.MOST_ATTEMPTS):
        deliver_due()
        clock.shift(timedelta(minutes=80))
    assert states() == [
        (
            "unknown",
            "Given up after 6 attempts. An unexpected error (RuntimeError): it may have been sent.",
        )
    ]


def test_what_may_have_left_and_is_no_longer_right_is_unknown(
    monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller
) -> None:
    planned()
    clock.move_to(DUE)
    with monkeypatch.context() as patch:
        patch.setitem(delivery.TRANSPORTS, "email", Breaking(EmailTransport(), RuntimeError("boom")))
        deliver_due()
    Message.objects.get().enrolment.campaign.steps.update(subject="{{ nothing.there }}")
    clock.shift(timedelta(minutes=2))
    deliver_due()
    [(state, why)] = states()
    assert state == State.UNKNOWN
    assert why.startswith("It may have been sent already. Not repeated: ")


def test_a_text_that_may_have_left_waits_for_a_person(
    monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller
) -> None:
    planned(medium="sms")
    clock.move_to(DUE)
    monkeypatch.setitem(delivery.TRANSPORTS, "sms", Breaking(SmsTransport(), RuntimeError("boom")))
    for _ in range(2):
        deliver_due()
        assert states() == [("unknown", "An unexpected error (RuntimeError): it may have been sent.")]
        clock.shift(timedelta(hours=1))


def test_a_mail_that_cannot_be_made_is_refused_and_not_doubted(clock: time_machine.Traveller) -> None:
    planned()
    Message.objects.get().enrolment.contact.emails.update(address="ada@example.com\nBcc: all@example.com")
    clock.move_to(DUE)
    deliver_due()
    [(state, why)] = states()
    assert (state, mail.outbox) == (State.FAILED, [])
    assert "line break" in why


# --- a database that does not answer ----------------------------------------------------------------------------


class NoAnswer:
    """Refuses the first `times` statements that `concerns`, as a database that restarts does."""

    def __init__(self, times: int, concerns: Callable[[str, Any], bool]) -> None:
        self.left, self.concerns = times, concerns

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.left and self.concerns(sql, params):
            self.left -= 1
            raise OperationalError("the database system is shutting down")
        return execute(sql, params, many, context)


def records_sent(sql: str, params: Any) -> bool:
    return sql.startswith("UPDATE") and State.SENT in (params or ())


def begins(sql: str, params: Any) -> bool:
    return sql.startswith("UPDATE") and any("Your appointment" in str(value) for value in params or ())


@OUTSIDE
def test_what_was_sent_is_recorded_though_the_database_did_not_answer_at_first(
    clock: time_machine.Traveller,
) -> None:
    planned()
    clock.move_to(DUE)
    with connection.execute_wrapper(NoAnswer(1, records_sent)):
        deliver_due()
    assert states() == [("sent", "")]
    assert len(mail.outbox) == 1


@OUTSIDE
def test_a_row_that_cannot_be_recorded_holds_up_no_other(clock: time_machine.Traveller) -> None:
    planned(3)
    clock.move_to(DUE + timedelta(minutes=5))
    with connection.execute_wrapper(NoAnswer(2, records_sent)), pytest.raises(OperationalError):
        deliver_due()
    assert [state for state, _ in states()] == [State.SENDING, State.WAITING, State.WAITING]
    deliver_due()
    assert [state for state, _ in states()] == [State.SENDING, State.SENT, State.SENT]
    assert len(mail.outbox) == 3
    # Nobody wrote what became of the first: once its claim is old it goes again under its id.
    clock.move_to(timezone.now() + claims.CLAIM + timedelta(minutes=1))
    deliver_due()
    assert [state for state, _ in states()] == [State.SENT] * 3
    assert len(set(sent_ids())) == 3


@OUTSIDE
def test_a_text_whose_fate_cannot_be_recorded_is_never_sent_again(
    monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller
) -> None:
    planned(medium="sms")
    clock.move_to(DUE)
    monkeypatch.setitem(delivery.TRANSPORTS, "sms", Breaking(SmsTransport(), None))
    with connection.execute_wrapper(NoAnswer(2, records_sent)), pytest.raises(OperationalError):
        deliver_due()
    for _ in range(2):
        clock.shift(claims.CLAIM + timedelta(minutes=1))
        deliver_due()
    assert states() == [("unknown", "A worker stopped while sending it.")]


@OUTSIDE
def test_a_database_that_does_not_answer_before_anything_left_costs_an_attempt(
    clock: time_machine.Traveller,
) -> None:
    planned()
    clock.move_to(DUE)
    with connection.execute_wrapper(NoAnswer(1, begins)):
        deliver_due()
    assert states() == [("waiting", "The database was busy (OperationalError).")]
    assert Message.objects.get().message_id == ""
    assert mail.outbox == []
    clock.shift(timedelta(minutes=2))
    deliver_due()
    assert states() == [("sent", "")]
