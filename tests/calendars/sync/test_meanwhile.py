"""What a person decides while a worker plans or pushes the same event is not lost."""

from collections.abc import Iterator
from typing import Any

import pytest

from calendars import booking
from calendars.models import GoogleEvent
from calendars.sync.reconcile import reconcile
from calendars.sync.turn import take_turn
from contacts.models import Appointment
from integrations.disconnecting import disconnect_account
from integrations.google.client import CalendarClient, EventPage
from integrations.google.events import RemoteEvent
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db


def test_decision_made_while_the_event_is_planned_is_carried_out_next(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(google)
    google.add(desk.address)
    with monkeypatch.context() as once:
        once.setattr("calendars.sync.reconcile.take_as_copies", decide_meanwhile)
        desk.turn()
    assert "no appointment" in GoogleEvent.objects.get().reason
    desk.turn(pulls=False)
    assert GoogleEvent.objects.get().reason == "Kept as a private block by a person's decision."


def test_decision_made_while_its_appointment_is_pushed_is_carried_out_next(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    booking.reschedule(
        Appointment.objects.get(), starts_at=TOMORROW_AT_TEN + HOUR, ends_at=TOMORROW_AT_TEN + 2 * HOUR
    )
    real = CalendarClient.patch_event

    def slowly(client: CalendarClient, *args: Any, **options: Any) -> RemoteEvent:
        event = real(client, *args, **options)
        booking.cancel(Appointment.objects.get(), fires=False)
        decide_meanwhile()
        return event

    with monkeypatch.context() as once:
        once.setattr(CalendarClient, "patch_event", slowly)
        desk.turn()
    desk.turn()
    assert GoogleEvent.objects.get().reason.startswith("Kept as a private block by a person's decision")
    assert len(google.events(desk.address)) == 1


@pytest.mark.parametrize("is_first", [True, False], ids=["first pull", "later pull"])
def test_disconnect_while_its_calendar_is_read_leaves_nothing_of_what_was_read(
    google: Google, monkeypatch: pytest.MonkeyPatch, is_first: bool
) -> None:
    desk = Desk(google)
    if not is_first:
        desk.turn()
    google.add(desk.address, guests=("ann@x.org",), summary="Secret")
    real = CalendarClient.list_events

    def slowly(client: CalendarClient, *args: Any, **options: Any) -> Iterator[EventPage]:
        for page in real(client, *args, **options):
            disconnect_account(desk.account)
            yield page

    monkeypatch.setattr(CalendarClient, "list_events", slowly)
    turn = take_turn(desk.google_calendar.pk, NOW, pulls=True)
    assert turn.error == ""
    assert not GoogleEvent.objects.exclude(summary="", blocks=False).exists()
    assert not Appointment.objects.exists()
    desk.google_calendar.refresh_from_db()
    assert desk.google_calendar.sync_token == ""


def test_disconnect_while_many_events_are_planned_lifts_the_blocks_of_all(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calendars.sync.reconcile.BATCH", 1)
    desk = Desk(google)
    for number in range(3):
        google.add(desk.address, start=TOMORROW_AT_TEN + number * HOUR)
    desk.turn()
    GoogleEvent.objects.update(planned_etag="")
    desk.google_calendar.refresh_from_db()
    for _ in reconcile(desk.google_calendar, NOW):
        disconnect_account(desk.account)
    assert not GoogleEvent.objects.filter(blocks=True).exists()


def decide_meanwhile(*_: object) -> None:
    """What a person's decision writes, in a transaction of its own."""
    GoogleEvent.objects.update(decision=GoogleEvent.Decision.KEEP_PRIVATE, replan=GoogleEvent.Replan.DECISION)
