import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from calendars import booking
from calendars.models import Calendar, GoogleEvent, PushTarget
from calendars.sync import disconnecting
from calendars.sync.trying_again import BUSY, SOON, UNREAD, StillWrong, push_again, try_again
from contacts.models import Appointment
from integrations.models import GoogleAccount, GoogleCalendar
from integrations.sandbox import RunningServer, Sandbox
from integrations.sandbox.wire import Request, Response
from tests.desk import booked
from tests.google import NOW, Desk, Google

pytestmark = pytest.mark.django_db
SOON_AFTER = NOW + timedelta(minutes=1)


@pytest.fixture
def garbled(
    google: Google, sandbox_server: tuple[Sandbox, RunningServer], monkeypatch: pytest.MonkeyPatch
) -> set[str]:
    """Ids of events whose start Google tells in a form that makes no sense, in lists and alone."""
    api, ids = sandbox_server[0].api, set[str]()
    real = api.answer

    def answer(request: Request) -> Response:
        response = real(request)
        content = json.loads(response.body or b"{}")
        for event in content.get("items", [content]):
            if event.get("id") in ids:
                event["start"] = {"lunarPhase": "full"}
        return Response(response.status, json.dumps(content).encode(), response.headers)

    monkeypatch.setattr(api, "answer", answer)
    return ids


def unreadable(google: Google, desk: Desk, garbled: set[str], **body: object) -> GoogleEvent:
    """An event of the desk that no pull could read."""
    event = google.add(desk.address, guests=("ann@x.org",), **body)  # type: ignore[arg-type]  # as Google spells it
    garbled.add(event["id"])
    desk.turn()
    row = GoogleEvent.objects.get()
    assert row.is_unreadable
    assert (row.google_id, row.starts_at, row.outcome) == (event["id"], None, "")
    return row


def failed(google: Google, desk: Desk, **fields: object) -> GoogleEvent:
    """An event of the desk whose plan failed, so that it waits for its next try."""
    google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    values = {
        "planned_etag": "",
        "error": "It could not be carried out.",
        "attempts": 2,
        "not_before": NOW + timedelta(hours=1),
        **fields,
    }
    GoogleEvent.objects.update(**values)
    row = GoogleEvent.objects.get()
    assert not row.is_unreadable
    return row


def test_event_that_can_be_read_by_now_is_read_and_planned(google: Google, garbled: set[str]) -> None:
    desk = Desk(google)
    row = unreadable(google, desk, garbled)
    garbled.clear()
    row = try_again(row, now=SOON_AFTER)
    assert (row.error, row.attempts, row.outcome, row.is_planned) == ("", 0, "appointment", True)
    assert row.seen_at == SOON_AFTER
    assert Appointment.objects.get().contact.primary_address == "ann@x.org"


def test_event_that_still_cannot_be_read_counts_the_try_and_says_why(
    google: Google, garbled: set[str]
) -> None:
    row = unreadable(google, Desk(google), garbled)
    for tries in (1, 2):
        with pytest.raises(StillWrong, match="cannot be read"):
            try_again(row, now=SOON_AFTER)
        row.refresh_from_db()
        assert (row.attempts, row.is_unreadable) == (tries, True)
    garbled.clear()
    assert try_again(row, now=SOON_AFTER).outcome == "appointment"


def test_event_that_is_gone_by_now_is_cancelled(google: Google, garbled: set[str]) -> None:
    desk = Desk(google)
    row = unreadable(google, desk, garbled)
    google.delete(desk.address, {"id": row.google_id})
    garbled.clear()
    row = try_again(row, now=SOON_AFTER)
    assert (row.error, row.outcome) == ("", "cancelled")
    assert not Appointment.objects.exists()


def test_words_of_a_private_event_are_not_kept_by_a_later_reading(google: Google, garbled: set[str]) -> None:
    row = unreadable(google, Desk(google), garbled, visibility="private", summary="Dentist")
    garbled.clear()
    row = try_again(row, now=SOON_AFTER)
    assert (row.error, row.summary, row.attendees, row.outcome) == ("", "", [], "block")


def test_event_is_not_read_while_another_worker_has_its_calendar(google: Google, garbled: set[str]) -> None:
    row = unreadable(google, Desk(google), garbled)
    garbled.clear()
    GoogleCalendar.objects.update(claimed_until=NOW + timedelta(hours=1))
    with pytest.raises(StillWrong, match=BUSY):
        try_again(row, now=SOON_AFTER)
    assert GoogleEvent.objects.get().is_unreadable


def test_event_is_not_asked_for_while_google_wants_us_to_wait(google: Google, garbled: set[str]) -> None:
    desk = Desk(google)
    row = unreadable(google, desk, garbled)
    GoogleAccount.objects.update(not_before=NOW + timedelta(hours=1))
    row.google_calendar.account.refresh_from_db()
    with pytest.raises(StillWrong, match="We wait until 10:00"):
        try_again(row, now=SOON_AFTER)
    assert GoogleEvent.objects.get().attempts == 0


def test_claim_is_given_back_when_google_cannot_be_asked(google: Google, garbled: set[str]) -> None:
    desk = Desk(google)
    row = unreadable(google, desk, garbled)
    google.control.revoke(desk.address)
    with pytest.raises(StillWrong):
        try_again(row, now=SOON_AFTER)
    assert GoogleCalendar.objects.get(pk=desk.google_calendar.pk).claimed_until is None


def test_plan_that_failed_is_tried_before_its_time(google: Google) -> None:
    row = try_again(failed(google, Desk(google)), now=SOON_AFTER)
    assert (row.error, row.attempts, row.not_before, row.outcome) == ("", 0, None, "appointment")


def test_plan_that_failed_is_left_to_the_sweep_while_another_worker_has_its_calendar(google: Google) -> None:
    row = failed(google, Desk(google))
    GoogleCalendar.objects.update(claimed_until=NOW + timedelta(hours=1))
    with pytest.raises(StillWrong, match=SOON):
        try_again(row, now=SOON_AFTER)
    row.refresh_from_db()
    assert (row.not_before, row.attempts) == (None, 2)


def test_plan_waits_until_its_calendar_was_read_in_full(google: Google) -> None:
    row = failed(google, Desk(google))
    GoogleCalendar.objects.update(sync_token="")
    row.google_calendar.refresh_from_db()
    with pytest.raises(StillWrong, match=UNREAD):
        try_again(row, now=SOON_AFTER)


def test_event_without_an_error_is_left_alone(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address)
    desk.turn()
    before = GoogleEvent.objects.values().get()
    try_again(GoogleEvent.objects.get(), now=SOON_AFTER)
    assert GoogleEvent.objects.values().get() == before


def test_what_a_disconnected_account_could_not_say_needs_no_look(google: Google, garbled: set[str]) -> None:
    desk = Desk(google)
    unreadable(google, desk, garbled)
    disconnecting.let_go(desk.account.pk)
    assert not GoogleEvent.objects.failed().exists()


def test_event_that_could_not_be_read_for_a_while_has_no_error_left_under_its_old_etag(
    google: Google, garbled: set[str]
) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    garbled.add(event["id"])
    desk.turn(full=True)
    assert GoogleEvent.objects.get().error
    garbled.clear()
    desk.turn(full=True)
    assert GoogleEvent.objects.get().error == ""


# --- what Google refused of an appointment ------------------------------------------------------------------


def refused(desk: Desk, **fields: object) -> PushTarget:
    """An appointment of the desk that Google did not take, so that it waits for its next try."""
    appointment = booked(desk.user, NOW + timedelta(days=2))
    values = {"last_error": "Google refused it.", "attempts": 3, "not_before": NOW + timedelta(hours=2)}
    appointment.push_targets.update(**{**values, **fields})
    return PushTarget.objects.get(appointment=appointment)


def test_an_appointment_that_google_refused_is_pushed_again_at_once(google: Google) -> None:
    desk = Desk(google)
    target = refused(desk)
    assert push_again(target.appointment, now=NOW) == [desk.google_calendar.pk]
    desk.turn()
    target.refresh_from_db()
    assert (target.pushed_revision, target.last_error) == (target.wanted_revision, "")


def test_the_button_says_what_stands_in_the_way(google: Google) -> None:
    desk = Desk(google)
    target = refused(desk)
    client = Client()
    client.force_login(desk.user)
    path = f"/appointments/{target.appointment.pk}/push-again/"
    assert path in client.get(f"/appointments/{target.appointment.pk}/").content.decode()
    assert "Trying again now." in client.post(path, follow=True).content.decode()
    GoogleAccount.objects.update(state=GoogleAccount.State.RECONNECT)
    assert "has to be reconnected first" in client.post(path, follow=True).content.decode()
    until = NOW + timedelta(hours=1)
    GoogleAccount.objects.update(state=GoogleAccount.State.CONNECTED, not_before=until)
    assert "Google asked us to wait until" in client.post(path, follow=True).content.decode()
    PushTarget.objects.update(last_error="")
    page = client.post(path, follow=True).content.decode()
    assert "Nothing of it waits with an error." in page
    assert path not in page
    assert client.get(path).status_code == 405
    assert Client().post(path).status_code == 302


def test_trying_again_does_not_send_what_may_still_be_undone(google: Google, settings: Any) -> None:
    settings.NOTICE_GRACE = timedelta(seconds=30)
    desk = Desk(google)
    target = refused(desk)
    appointment = Appointment.objects.get(pk=target.appointment_id)
    Calendar.objects.update(invites_through_google=True)
    with time_machine.travel(NOW, tick=False):
        booking.reschedule(
            appointment, starts_at=NOW + timedelta(days=3), ends_at=NOW + timedelta(days=4), by=desk.user
        )
    PushTarget.objects.update(last_error="Google refused it.")
    push_again(appointment, now=NOW)
    target.refresh_from_db()
    assert target.not_before == NOW + timedelta(seconds=30)
    push_again(appointment, now=NOW + timedelta(seconds=31))
    target.refresh_from_db()
    assert target.not_before is None
