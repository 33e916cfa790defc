"""Answers that are lost, late or odd, and what people do at Google meanwhile."""

import datetime
from typing import Any

import pytest

from calendars import booking
from calendars.models import CalendarConfiguration, GoogleEvent, PushTarget
from calendars.sync import disconnecting
from calendars.sync import pull as pulls
from calendars.sync import turn as turns
from calendars.sync.turn import take_turn
from contacts.models import Appointment
from integrations.google.client import CalendarClient
from integrations.google.events import RemoteEvent
from integrations.models import GoogleAccount, GoogleCalendar
from integrations.pausing import pause_account
from integrations.sandbox.faults import Fault
from tests.calendars.sync.rules.scene import DAY, DELETE, INSERT, LATER, LIST, PATCH, WEEK, at, book, start_of
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google, Room

pytestmark = pytest.mark.django_db


def unanswered(google: Google, desk: Desk) -> dict[str, Any]:
    """The event of an appointment booked here; that it was made, nobody here heard."""
    book(desk)
    google.control.add_fault(Fault(method=INSERT, drop_after=True))
    google.control.add_fault(Fault(method=INSERT, drop_before=True))
    assert take_turn(desk.google_calendar.pk, NOW).has_failed
    [event] = google.events(desk.address)
    return event


def repeat(google: Google, desk: Desk, event: dict[str, Any]) -> None:
    zone = {"timeZone": "UTC"}
    times = {name: {**event[name], **zone} for name in ("start", "end")}
    google.change(desk.address, event, recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"], summary="Course", **times)


def try_once_more(desk: Desk, *, pulls: bool = True) -> None:
    PushTarget.objects.update(not_before=None)
    GoogleAccount.objects.update(not_before=None)
    GoogleCalendar.objects.update(next_pull_at=NOW)
    desk.turn(pulls=pulls)


@pytest.mark.parametrize("pulled_first", [True, False])
def test_event_that_was_made_to_repeat_before_we_heard_of_it_is_not_written_to_as_a_whole(
    google: Google, pulled_first: bool
) -> None:
    desk = Desk(google)
    desk.turn()
    event = unanswered(google, desk)
    repeat(google, desk, event)
    google.control.clear_requests()
    if not pulled_first:
        try_once_more(desk, pulls=False)
    for _ in range(3):
        try_once_more(desk)
    appointment = Appointment.objects.get()
    assert [start_of(each) for each in google.events(desk.address)] == [
        TOMORROW_AT_TEN + number * WEEK for number in range(3)
    ]
    assert google.control.requests(PATCH) == google.control.requests(DELETE) == []
    first = GoogleEvent.objects.get(appointment=appointment)
    assert (first.starts_at, first.outcome) == (TOMORROW_AT_TEN, "appointment")
    assert not PushTarget.objects.behind().exists()


def test_appointment_cancelled_here_leaves_what_a_person_made_of_its_unanswered_event(google: Google) -> None:
    desk = Desk(google)
    desk.turn()
    event = unanswered(google, desk)
    repeat(google, desk, event)
    booking.cancel(Appointment.objects.get())
    google.control.clear_requests()
    try_once_more(desk, pulls=False)
    assert len(google.events(desk.address)) == 3
    assert google.control.requests(DELETE) == []


@pytest.mark.parametrize("pulled_first", [True, False])
def test_appointment_moved_here_whose_event_is_deleted_at_google_is_cancelled_and_says_so(
    google: Google, pulled_first: bool
) -> None:
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    [event] = google.events(desk.address)
    booking.reschedule(appointment, starts_at=LATER, ends_at=LATER + HOUR)
    google.delete(desk.address, event)
    for _ in range(3):
        desk.turn(pulls=pulled_first)
    appointment.refresh_from_db()
    assert (appointment.status, appointment.starts_at) == ("cancelled", LATER)
    assert google.events(desk.address) == []
    assert "which beats the move made here" in GoogleEvent.objects.get().reason
    assert not PushTarget.objects.behind().exists()


def test_one_way_puts_the_event_back_where_it_was_moved_here(google: Google) -> None:
    desk = Desk(google, "one_way", creation=False)
    appointment = book(desk)
    desk.turn()
    [event] = google.events(desk.address)
    booking.reschedule(appointment, starts_at=LATER, ends_at=LATER + HOUR)
    google.delete(desk.address, event)
    for _ in range(3):
        desk.turn()
    assert [start_of(each) for each in google.events(desk.address)] == [LATER]


@pytest.mark.parametrize("what", ["moved here", "cancelled here"])
def test_nothing_is_written_unseen_to_an_event_beyond_the_window_after_a_reconnect(
    google: Google, what: str
) -> None:
    desk = Desk(google)
    far = TOMORROW_AT_TEN + 500 * DAY
    appointment = book(desk, far)
    desk.turn()
    disconnecting.let_go(desk.account.pk)
    [event] = google.control.events(desk.address, desk.address, far - DAY, far + DAY)
    google.change(desk.address, event, description="Bring the papers")
    disconnecting.resume(desk.account.pk, NOW)
    desk.turn()
    google.control.clear_requests()
    if what == "moved here":
        booking.reschedule(appointment, starts_at=far + HOUR, ends_at=far + 2 * HOUR)
    else:
        booking.cancel(appointment)
    desk.turn()
    desk.turn()
    [write] = [each for each in google.control.requests() if each.method in (PATCH, DELETE)]
    assert write.if_match
    assert not PushTarget.objects.behind().exists()


def test_change_at_google_that_failed_here_is_not_written_over(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    [event] = google.events(desk.address)
    google.move(desk.address, event, LATER)

    def broken(*args: Any, **values: Any) -> None:
        raise RuntimeError("broken for the test")

    with monkeypatch.context() as patched:
        patched.setattr(booking, "reschedule", broken)
        take_turn(desk.google_calendar.pk, NOW, pulls=True)
        booking.set_details(appointment, title="Other words", description="", location="")
        take_turn(desk.google_calendar.pk, NOW)
    assert start_of(google.events(desk.address)[0]) == LATER
    GoogleEvent.objects.update(not_before=None)
    try_once_more(desk)
    appointment.refresh_from_db()
    [event] = google.events(desk.address)
    assert (appointment.starts_at, event["summary"]) == (LATER, "Other words")


def test_appointment_cancelled_here_whose_event_became_a_series_that_is_gone_comes_to_rest(
    google: Google,
) -> None:
    """Google lists neither the series nor its end: asked for, the event says so (seed 626175001 of `make soak`)."""
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    [event] = google.events(desk.address)
    repeat(google, desk, event)
    google.delete(desk.address, event)
    booking.cancel(appointment)
    for _ in range(3):
        try_once_more(desk, pulls=False)
    assert google.events(desk.address) == []
    assert not PushTarget.objects.behind().exists()


def made_to_repeat_before_a_pull(google: Google) -> tuple[Desk, Appointment, dict[str, Any]]:
    """An appointment made here, and its event, which a person makes repeat before any pull has seen it."""
    desk = Desk(google)
    desk.turn()
    appointment = book(desk)
    desk.turn(pulls=False)
    [event] = google.events(desk.address)
    repeat(google, desk, event)
    return desk, appointment, event


def test_event_of_ours_that_became_a_series_and_went_before_the_next_pull_cancels_its_appointment(
    google: Google,
) -> None:
    """Made since the token, it is listed in no form (seed 2168000440 of `make soak`): it is asked for by its id."""
    desk, appointment, event = made_to_repeat_before_a_pull(google)
    google.delete(desk.address, event)
    desk.turn()
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"
    google.control.clear_requests()
    desk.turn()
    assert len(google.control.requests()) == 1


def test_event_of_ours_that_became_a_series_before_the_next_pull_keeps_its_appointment(
    google: Google,
) -> None:
    """Asked for by its id it is a series, and as such not gone: its occurrences are in the list."""
    desk, appointment, event = made_to_repeat_before_a_pull(google)
    desk.turn()
    appointment.refresh_from_db()
    assert appointment.status == "new"
    assert [change.what for change in appointment.changes.all()] == ["booked"]
    assert appointment.google_events.get().recurring_event_id == event["id"]


def test_move_reaches_an_event_in_a_calendar_that_is_not_read_any_more(google: Google) -> None:
    """Nobody plans what a person changed there: seen is enough (seed 258642841 of `make soak`)."""
    room = Room(google)
    event = google.add(room.address, guests=["ann@x.org"])
    room.turn()
    CalendarConfiguration.objects.update(linked_calendar=None)
    GoogleCalendar.objects.update(next_pull_at=None)
    disconnecting.forget_unread()
    google.change(room.address, event, visibility="default")
    booking.reschedule(Appointment.objects.get(), starts_at=LATER, ends_at=LATER + HOUR)
    for _ in range(2):
        take_turn(room.google_calendar.pk, NOW, pulls=False)
    assert [start_of(each) for each in google.events(room.address)] == [LATER]
    assert not PushTarget.objects.behind().exists()


def test_long_block_deleted_while_the_grant_was_dead_is_gone_after_the_reconnect(google: Google) -> None:
    desk = Desk(google)
    event = google.add(desk.address, start=NOW + HOUR, end=NOW + 20 * DAY, summary="Away")
    desk.turn()
    assert GoogleEvent.objects.get().blocks
    pause_account(desk.account, "The grant died.")
    google.delete(desk.address, event)
    google.control.expire_sync_tokens()
    with at(NOW + 5 * DAY, google):
        GoogleAccount.objects.update(state=GoogleAccount.State.CONNECTED)
        tokens = google.control.issue_tokens(desk.address)
        assert tokens.access_token
        disconnecting.resume(desk.account.pk, NOW + 5 * DAY)
        take_turn(desk.google_calendar.pk, NOW + 5 * DAY, pulls=True)
    assert not GoogleEvent.objects.get().blocks


def test_slow_answers_about_missing_events_keep_the_claim(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(google)
    events = [google.add(desk.address, start=LATER + n * HOUR, guests=(f"g{n}@x.org",)) for n in range(4)]
    desk.turn()
    for event in events:
        google.delete(desk.address, event)
    google.control.expire_sync_tokens()
    clock = [0.0]
    real = CalendarClient.get_event

    def slow(client: CalendarClient, *args: Any, **values: Any) -> Any:
        clock[0] += 200
        return real(client, *args, **values)

    monkeypatch.setattr(CalendarClient, "get_event", slow)
    monkeypatch.setattr(turns.time, "monotonic", lambda: clock[0])
    until: list[datetime.datetime | None] = []
    store = pulls.Pull._store_token

    def store_and_look(pull: pulls.Pull, token: str) -> None:
        until.append(GoogleCalendar.objects.get(pk=pull.google_calendar.pk).claimed_until)
        store(pull, token)

    monkeypatch.setattr(pulls.Pull, "_store_token", store_and_look)
    desk.turn()
    [claimed_until] = until
    assert claimed_until is not None
    # Four answers of 200 seconds each outlast the ten minutes of a claim that nobody keeps.
    assert claimed_until > NOW + datetime.timedelta(seconds=800)


def test_unreadable_answer_to_a_patch_is_read_again_at_once(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    booking.reschedule(appointment, starts_at=LATER, ends_at=LATER + HOUR)
    real = CalendarClient._read
    odd = [True]

    def unreadable_once(client: CalendarClient, raw: Any, *args: Any) -> Any:
        return real(client, {} if odd and odd.pop() else raw, *args)

    monkeypatch.setattr(CalendarClient, "_read", unreadable_once)
    turn = take_turn(desk.google_calendar.pk, NOW)
    assert not turn.has_failed
    assert start_of(google.events(desk.address)[0]) == LATER
    assert not PushTarget.objects.behind().exists()
    row = GoogleEvent.objects.get()
    assert (row.starts_at, row.error) == (LATER, "")


@pytest.mark.parametrize(
    ("status", "reason", "is_limit"),
    [
        (429, "tooManyRequests", True),
        (503, "", False),
        (429, "rateLimitExceeded", True),
        (403, "userRateLimitExceeded", True),
    ],
)
def test_q2_wait_that_google_asks_for_is_kept_and_only_a_quota_stops_the_whole_account(
    google: Google, status: int, reason: str, is_limit: bool
) -> None:
    desk = Desk(google)
    desk.turn()
    google.control.add_fault(
        Fault(method=LIST, status=status, reason=reason, count=1, headers={"Retry-After": "1800"})
    )
    assert take_turn(desk.google_calendar.pk, NOW, pulls=True).error
    calendar = GoogleCalendar.objects.get(pk=desk.google_calendar.pk)
    assert calendar.next_pull_at == NOW + datetime.timedelta(minutes=30)
    desk.account.refresh_from_db()
    assert (desk.account.not_before is not None) is is_limit


def test_appointment_cancelled_while_others_are_pushed_never_reaches_google(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(google)
    book(desk)
    second = book(desk, LATER)
    real = CalendarClient.insert_event

    def slowly(client: CalendarClient, *args: Any, **options: Any) -> RemoteEvent:
        booking.cancel(Appointment.objects.get(pk=second.pk))
        return real(client, *args, **options)

    monkeypatch.setattr(CalendarClient, "insert_event", slowly)
    desk.turn()
    desk.turn()
    assert len(google.control.requests(INSERT)) == 1
    assert len(google.events(desk.address)) == 1
    assert not PushTarget.objects.behind().exists()


def test_move_made_here_while_its_appointment_is_pushed_keeps_its_grace(
    google: Google, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.NOTICE_GRACE = HOUR
    desk = Desk(google)
    desk.calendar.invites_through_google = True
    desk.calendar.save()
    appointment = book(desk)
    real = CalendarClient.insert_event

    def slowly(client: CalendarClient, *args: Any, **options: Any) -> RemoteEvent:
        event = real(client, *args, **options)
        booking.reschedule(Appointment.objects.get(pk=appointment.pk), starts_at=LATER, ends_at=LATER + HOUR)
        return event

    monkeypatch.setattr(CalendarClient, "insert_event", slowly)
    desk.turn()
    assert PushTarget.objects.behind().exists()
    assert not PushTarget.objects.due(NOW).exists()


def test_edit_made_while_google_refuses_the_one_before_is_tried_at_once(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(google)
    appointment = book(desk)
    google.control.add_fault(Fault(method=INSERT, status=400, reason="invalid"))
    real = CalendarClient.insert_event

    def meanwhile(client: CalendarClient, *args: Any, **options: Any) -> RemoteEvent:
        booking.set_details(
            Appointment.objects.get(pk=appointment.pk), title="New", description="", location=""
        )
        return real(client, *args, **options)

    with monkeypatch.context() as once:
        once.setattr(CalendarClient, "insert_event", meanwhile)
        take_turn(desk.google_calendar.pk, NOW)
    assert PushTarget.objects.due(NOW).exists()
    desk.turn()
    assert [event["summary"] for event in google.events(desk.address)] == ["New"]
