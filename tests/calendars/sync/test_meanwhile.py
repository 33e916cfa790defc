"""What a person decides while a worker plans or pushes the same event is not lost."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from calendars import booking
from calendars.configuring import save_configuration, values_of
from calendars.models import GoogleEvent
from calendars.sync import disconnecting
from calendars.sync.reconcile import reconcile
from calendars.sync.turn import take_turn
from contacts.models import Appointment
from integrations.connecting import connect_account
from integrations.disconnecting import disconnect_account
from integrations.google.client import CalendarClient, EventPage
from integrations.google.events import RemoteEvent
from integrations.google.oauth import Grant
from integrations.models import GoogleCalendar
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


@pytest.mark.parametrize("which", ["first pull", "later pull", "later pull without news"])
def test_disconnect_while_its_calendar_is_read_leaves_nothing_of_what_was_read(
    google: Google, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    desk = Desk(google)
    if which != "first pull":
        desk.turn()
    if which != "later pull without news":
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


@pytest.mark.parametrize("lets_go", ["disconnects", "unlinks"])
def test_who_lets_a_calendar_go_and_takes_it_back_during_its_first_pull_gets_all_of_it(
    google: Google, monkeypatch: pytest.MonkeyPatch, settings: Any, lets_go: str
) -> None:
    settings.GOOGLE_EVENTS_A_PAGE = 1
    desk = Desk(google)
    for number in range(3):
        google.add(desk.address, start=TOMORROW_AT_TEN + number * HOUR, summary=f"Visit {number}")
    real = CalendarClient.list_events

    def slowly(client: CalendarClient, *args: Any, **options: Any) -> Iterator[EventPage]:
        for number, page in enumerate(real(client, *args, **options)):
            if number == 1:
                assert GoogleEvent.objects.exclude(summary="").count() == 1
                LETS_GO[lets_go](desk)
                assert not GoogleEvent.objects.exclude(summary="").exists()
                TAKES_BACK[lets_go](desk)
            yield page

    with monkeypatch.context() as once:
        once.setattr(CalendarClient, "list_events", slowly)
        assert take_turn(desk.google_calendar.pk, NOW, pulls=True).error == ""
    desk.google_calendar.refresh_from_db()
    assert desk.google_calendar.next_pull_at is not None
    assert desk.google_calendar.next_pull_at <= NOW
    desk.turn()
    assert sorted(GoogleEvent.objects.values_list("summary", flat=True)) == ["Visit 0", "Visit 1", "Visit 2"]


def test_worker_that_stood_still_beyond_its_claim_stores_nothing_over_whoever_took_it(
    google: Google, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.GOOGLE_EVENTS_A_PAGE = 1
    desk = Desk(google)
    google.add(desk.address)
    google.add(desk.address, start=TOMORROW_AT_TEN + HOUR)
    real, theirs = CalendarClient.list_events, NOW + 2 * HOUR

    def slowly(client: CalendarClient, *args: Any, **options: Any) -> Iterator[EventPage]:
        for page in real(client, *args, **options):
            yield page
            GoogleCalendar.objects.filter(pk=desk.google_calendar.pk).update(claimed_until=theirs)

    monkeypatch.setattr(CalendarClient, "list_events", slowly)
    take_turn(desk.google_calendar.pk, NOW, pulls=True)
    assert GoogleEvent.objects.count() == 1
    desk.google_calendar.refresh_from_db()
    assert (desk.google_calendar.sync_token, desk.google_calendar.claimed_until) == ("", theirs)


def link(desk: Desk, linked: GoogleCalendar | None) -> None:
    values = replace(values_of(desk.configuration), linked_calendar=linked)
    desk.configuration = save_configuration(values, user=desk.user, now=NOW)
    disconnecting.forget_unread()


def connect_again(desk: Desk) -> None:
    tokens = desk.google.control.issue_tokens(desk.address)
    grant = Grant(
        subject=desk.account.subject,
        address=desk.address,
        scopes=tuple(tokens.scopes),
        expires_at=NOW + HOUR,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
    )
    connect_account(desk.user, grant, account=desk.account)
    disconnecting.resume(desk.account.pk, NOW)


Does = Callable[[Desk], None]
LETS_GO: dict[str, Does] = {
    "disconnects": lambda desk: disconnect_account(desk.account),
    "unlinks": lambda desk: link(desk, None),
}
TAKES_BACK: dict[str, Does] = {
    "disconnects": connect_again,
    "unlinks": lambda desk: link(desk, desk.google_calendar),
}


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
