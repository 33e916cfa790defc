"""How much leaves by a carrier: as fast as it may, not at all while it is stopped, later when it asks for that."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from campaigns import carrying, delivery
from campaigns.carrying import Wait, refilled
from campaigns.delivery import claims, deliver_due
from campaigns.models import Carrier, Message, Step
from campaigns.transports import Letter, Receipt, Stopped, TryLater
from tests.campaigns import rows
from tests.campaigns.rows import NOW, START, before

pytestmark = pytest.mark.django_db
State = Message.State
DUE = START - timedelta(days=1)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[time_machine.Traveller]:
    """It is DUE; a sweep that waits moves the clock."""
    with time_machine.travel(NOW, tick=False) as clock:
        monkeypatch.setattr("time.sleep", clock.shift)
        yield clock


class Failing:
    recognises_repeats = True

    def __init__(self, error: Exception) -> None:
        self.error, self.asked = error, 0

    def send(self, letter: Letter) -> Receipt:
        self.asked += 1
        raise self.error


def due(number: int, medium: str = "email") -> None:
    rows.campaign(before(24, medium=medium, when_late=Step.WhenLate.SEND))
    for _ in range(number):
        person = rows.contact()
        person.phones.create(number=f"+4479460000{number:02}", is_primary=True)
        rows.booked(person)


def states() -> list[str]:
    return sorted(Message.objects.values_list("state", flat=True))


# --- as fast as it may ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowance", "seconds", "rate", "expected"),
    [
        (0, 0, 2, 0),
        (0, 0.25, 2, 0.5),
        (0.5, 0.25, 2, 1),
        # A second's worth at the most, and at least one.
        (0, 3600, 2, 2),
        (0, 3600, 0.1, 1),
        (0, 5, 0.1, 0.5),
        # A clock that was set back.
        (1, -3600, 2, 1),
    ],
)
def test_an_allowance_fills_up_with_time(
    allowance: float, seconds: float, rate: float, expected: float
) -> None:
    assert refilled(allowance, NOW, NOW + seconds * SECOND, rate) == expected


def test_a_carrier_that_was_never_used_has_a_full_allowance() -> None:
    assert refilled(0, None, NOW, 14) == 14


def test_a_rate_is_kept_and_everything_leaves(settings: Settings) -> None:
    settings.EMAIL_MOST_A_SECOND = 2
    due(7)
    deliver_due(DUE)
    assert states() == ["sent"] * 7
    sent = sorted(Message.objects.values_list("sent_at", flat=True))
    assert [(at - NOW).total_seconds() for at in sent if at] == [0, 0, 0.5, 1, 1.5, 2, 2.5]


def test_workers_share_one_rate(settings: Settings) -> None:
    settings.EMAIL_MOST_A_SECOND, settings.BEAT_SECONDS = 2, 0
    due(5)
    assert [len(deliver_due(DUE)) for _ in range(3)] == [2, 0, 0]


def test_a_sweep_waits_no_longer_than_until_the_next(
    settings: Settings, clock: time_machine.Traveller
) -> None:
    settings.EMAIL_MOST_A_SECOND, settings.BEAT_SECONDS = 0.1, 15
    due(5)
    assert len(deliver_due(DUE)) == 2
    assert timezone.now() == NOW + 10 * SECOND


def test_a_clock_that_was_set_back_starves_nobody(settings: Settings, clock: time_machine.Traveller) -> None:
    settings.EMAIL_MOST_A_SECOND = 2
    due(6)
    Carrier.objects.create(medium="email", allowance=0, allowance_at=NOW + timedelta(hours=1))
    assert len(deliver_due(DUE)) == 6
    assert timezone.now() == NOW + 3 * SECOND


def test_a_limited_medium_holds_up_no_other(settings: Settings) -> None:
    settings.EMAIL_MOST_A_SECOND, settings.BEAT_SECONDS = 0.001, 5
    due(2)
    due(2, "sms")
    assert [outcome.state for outcome in deliver_due(DUE)] == ["sent", "failed", "failed"]


# --- not at all, and later --------------------------------------------------------------------------------------


def test_a_stopped_carrier_is_asked_once_and_the_rest_waits_untouched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    due(3)
    stopped = Failing(Stopped("The mail server refused our sign-in (535)."))
    with monkeypatch.context() as patch:
        patch.setitem(delivery.TRANSPORTS, "email", stopped)
        deliver_due(DUE)
        deliver_due(DUE)
    assert (stopped.asked, states()) == (1, ["waiting"] * 3)
    assert set(Message.objects.values_list("attempts", "not_before", "message_id")) == {(0, None, "")}
    assert carrying.resume("email")
    deliver_due(DUE)
    assert states() == ["sent"] * 3


def test_a_carrier_that_asks_for_time_gets_it_from_everybody(
    monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.BEAT_SECONDS = 0
    due(3)
    busy = Failing(TryLater("The mail service asked to try later (429).", wait=30 * SECOND))
    with monkeypatch.context() as patch:
        patch.setitem(delivery.TRANSPORTS, "email", busy)
        deliver_due(DUE)
        deliver_due(DUE)
    assert busy.asked == 1
    assert set(Message.objects.values_list("state", "attempts")) == {("waiting", 0)}
    clock.shift(29)
    assert deliver_due(DUE) == []
    clock.shift(1)
    assert len(deliver_due(DUE)) == 3


def test_an_odd_answer_holds_a_carrier_for_a_quarter_of_an_hour_at_the_most() -> None:
    carrying.hold("email", timedelta(days=1), NOW)
    carrying.hold("email", SECOND, NOW)
    assert carrying.room("email", NOW) == Wait(900)


def test_trouble_with_one_message_slows_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    due(3)

    class Picky:
        recognises_repeats = True

        def send(self, letter: Letter) -> Receipt:
            if letter.message_id == claims.message_id_of(first):
                raise TryLater("Greylisted.")
            return Receipt()

    first = Message.objects.order_by("pk")[0]
    monkeypatch.setitem(delivery.TRANSPORTS, "email", Picky())
    assert [outcome.state for outcome in deliver_due(DUE)] == ["waiting", "sent", "sent"]
    assert mail.outbox == []
