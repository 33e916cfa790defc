"""Google's rules for sync tokens (S1 to S15), kept by the engine over HTTP."""

from typing import Any

import pytest

from calendars import booking
from calendars.models import GoogleEvent
from calendars.sync.turn import take_turn
from contacts.models import Appointment, AppointmentChange
from integrations.models import GoogleCalendar
from integrations.sandbox.faults import Fault
from integrations.sandbox.journal import LoggedRequest
from tests.calendars.sync.rules.conftest import Answers
from tests.calendars.sync.rules.scene import (
    DAY,
    DELETE,
    LATER,
    LIST,
    PATCH,
    add_series,
    at,
    book,
    pull,
    read_for_conflicts,
    row_of,
    second_calendar,
    words,
)
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db
# S4: refused, or undefined, beside a sync token.
NOT_WITH_A_TOKEN = {
    *("iCalUID", "orderBy", "privateExtendedProperty", "sharedExtendedProperty"),
    *("q", "timeMin", "timeMax", "updatedMin", "showDeleted"),
}


def token_of(desk: Desk) -> str:
    return GoogleCalendar.objects.get(pk=desk.google_calendar.pk).sync_token


def add_five(google: Google, desk: Desk) -> list[dict[str, Any]]:
    return [
        google.add(desk.address, guests=(f"g{n}@x.org",), start=TOMORROW_AT_TEN + n * HOUR) for n in range(5)
    ]


def test_s1_empty_page_in_the_middle_of_a_list_is_not_its_end(google: Google, settings: Any) -> None:
    settings.GOOGLE_EVENTS_A_PAGE = 2
    desk = Desk(google)
    google.control.set_options(empty_pages=True)
    add_five(google, desk)
    desk.turn()
    assert Appointment.objects.count() == 5
    assert [request.parameter("pageToken") is None for request in google.control.requests(LIST)] == [
        True,
        False,
        False,
        False,
    ]
    assert token_of(desk)


def test_s2_token_is_kept_until_the_last_page_was_applied(google: Google, settings: Any) -> None:
    settings.GOOGLE_EVENTS_A_PAGE = 2
    desk = Desk(google)
    desk.turn()
    before = token_of(desk)
    add_five(google, desk)
    google.control.add_fault(Fault(method=LIST, status=503, skip=1, count=3))
    assert take_turn(desk.google_calendar.pk, NOW, pulls=True).has_failed
    assert token_of(desk) == before
    desk.turn()
    assert token_of(desk) != before
    assert Appointment.objects.count() == 5


def test_q4_further_page_is_asked_for_again_before_all_is_read_anew(google: Google, settings: Any) -> None:
    settings.GOOGLE_EVENTS_A_PAGE = 1
    desk = Desk(google)
    add_five(google, desk)
    for skip in (1, 2, 3):  # every further page fails once
        google.control.add_fault(Fault(method=LIST, status=503, skip=skip, count=1))
    desk.turn()
    assert Appointment.objects.count() == 5
    assert len([each for each in google.control.requests(LIST) if not each.parameter("pageToken")]) == 1


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "60"}], ids=["limit", "long wait"])
def test_q2_further_page_is_not_asked_for_again_where_google_asks_us_to_wait(
    google: Google, settings: Any, headers: dict[str, str]
) -> None:
    settings.GOOGLE_EVENTS_A_PAGE = 1
    desk = Desk(google)
    add_five(google, desk)
    google.control.add_fault(
        Fault(method=LIST, status=503 if headers else 429, skip=1, count=1, headers=headers)
    )
    assert take_turn(desk.google_calendar.pk, NOW, pulls=True).has_failed
    assert len(google.control.requests(LIST)) == 2


def test_s2_change_made_while_paging_is_not_missed(google: Google, answers: Answers, settings: Any) -> None:
    settings.GOOGLE_EVENTS_A_PAGE = 2
    desk = Desk(google)
    first, *_ = add_five(google, desk)
    answers.meanwhile[LIST] = lambda: google.move(desk.address, first, LATER)
    desk.turn()
    desk.turn()
    assert Appointment.objects.filter(starts_at=LATER).count() == 1
    assert Appointment.objects.count() == 5


def test_s4_request_with_a_token_carries_nothing_that_google_refuses_beside_it(
    life: list[LoggedRequest],
) -> None:
    incremental = [request for request in life if request.parameter("syncToken")]
    assert len(incremental) > 2
    assert not any(words(request) & NOT_WITH_A_TOKEN for request in incremental)


def test_s4_token_that_google_cannot_read_is_a_reason_to_pull_in_full(google: Google) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("new@x.org",))
    desk.turn()
    GoogleCalendar.objects.update(sync_token="of another format")
    google.move(desk.address, event, LATER)
    turn = desk.turn()
    assert turn.pulled is not None
    assert turn.pulled.is_full
    assert Appointment.objects.get().starts_at == LATER


def test_s5_first_list_is_windowed_and_still_gives_a_token(google: Google) -> None:
    desk = Desk(google)
    desk.turn()
    [first] = google.control.requests(LIST)
    assert {"timeMin", "timeMax", "singleEvents"} <= words(first)
    assert token_of(desk)


def test_s6_the_window_does_not_roll_so_it_is_moved_on_by_a_full_pull_each_night(
    google: Google, settings: Any
) -> None:
    desk = Desk(google)
    desk.turn()
    beyond = NOW + settings.SYNC_WINDOW_AHEAD + HOUR
    google.add(desk.address, guests=("far@x.org",), start=beyond)
    desk.turn()
    with at(NOW + 12 * HOUR, google):
        # In the window by now, but the token was given when it was not.
        desk.turn()
        assert not GoogleEvent.objects.exists()
    with at(NOW + DAY, google):
        turn = desk.turn()
        assert turn.pulled is not None
        assert turn.pulled.is_full
        assert Appointment.objects.get().starts_at == beyond


@pytest.mark.parametrize("reason", ["fullSyncRequired", "updatedMinTooLongAgo"])
def test_s7_dead_token_of_either_reason_is_dropped_for_a_full_pull(google: Google, reason: str) -> None:
    desk = Desk(google)
    stays, goes = google.add(desk.address), google.add(desk.address, start=LATER)
    desk.turn()
    google.delete(desk.address, goes)
    google.control.clear_requests()
    google.control.add_fault(Fault(method=LIST, status=410, reason=reason))
    desk.turn()
    with_token, full = google.control.requests(LIST)
    assert "syncToken" in words(with_token)
    assert "syncToken" not in words(full)
    # A full list holds no deletions: what it leaves out is gone.
    assert (row_of(stays).blocks, row_of(goes).blocks) == (True, False)


def test_s7_deleted_twice_is_done_and_does_not_wipe_the_calendar(google: Google) -> None:
    """A 410 of another reason: keyed on the status alone, it would read everything anew."""
    desk = Desk(google)
    goes, stays = book(desk), book(desk, LATER)
    desk.turn()
    google.control.delete(desk.address, "primary", f"{goes.pk.hex}g0")
    booking.cancel(goes)
    google.control.clear_requests()
    # The answer to a DELETE without a look at the etag, as of a copy that was never pulled.
    GoogleEvent.objects.filter(appointment=goes).update(etag="local-unseen")
    turn = take_turn(desk.google_calendar.pk, NOW)
    assert [(pushed.what, pushed.failed) for pushed in turn.pushed] == [("deleted", False)]
    assert [request.status for request in google.control.requests(DELETE)] == [410]
    assert google.control.requests(LIST) == []
    stays.refresh_from_db()
    assert stays.status == "new"


def test_s8_what_an_incremental_page_leaves_out_is_still_there(google: Google) -> None:
    desk = Desk(google)
    stays = google.add(desk.address, guests=("stays@x.org",))
    moves = google.add(desk.address, guests=("moves@x.org",), start=LATER)
    desk.turn()
    google.move(desk.address, moves, LATER + HOUR)
    turn = desk.turn()
    assert turn.pulled is not None
    assert turn.pulled.events == 1
    assert row_of(stays).blocks
    assert Appointment.objects.filter(status="new").count() == 2


def test_s8_full_pull_marks_and_sweeps_and_keeps_every_link(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("stays@x.org",))
    blocks = google.add(desk.address, start=LATER)
    desk.turn()
    rows = dict(GoogleEvent.objects.values_list("pk", "appointment"))
    changes = AppointmentChange.objects.count()
    google.delete(desk.address, blocks)
    google.control.expire_sync_tokens()
    desk.turn()
    assert dict(GoogleEvent.objects.values_list("pk", "appointment")) == rows
    assert AppointmentChange.objects.count() == changes
    assert not row_of(blocks).blocks


def test_s9_nothing_is_ever_polled_by_the_time_of_its_change(life: list[LoggedRequest]) -> None:
    assert not any("updatedMin" in words(request) for request in life)


def test_s10_each_calendar_has_a_token_of_its_own(google: Google) -> None:
    desk = Desk(google)
    clinic = second_calendar(google, desk)
    desk.turn()
    pull(clinic)
    clinic.refresh_from_db()
    assert clinic.sync_token != token_of(desk)
    google.control.clear_requests()
    desk.turn()
    pull(clinic)
    # The stand-in refuses the token of another collection.
    assert [request.status for request in google.control.requests(LIST)] == [200, 200]


def test_s10_changed_access_ends_the_token_and_loses_nothing(google: Google) -> None:
    desk = Desk(google)
    google.control.add_person("boss@x.org")
    shared = google.control.add_calendar("boss@x.org", "Shared")
    google.control.share(shared, desk.address, "reader")
    calendar = read_for_conflicts(desk, shared)
    event = google.add("boss@x.org", calendar=shared)
    pull(calendar)
    google.control.share(shared, desk.address, "writer")
    turn = pull(calendar)
    assert turn.pulled is not None
    assert turn.pulled.is_full
    assert row_of(event).blocks


@pytest.mark.parametrize("details", [False, True])
def test_s11_deletion_is_known_by_its_status_whatever_else_it_tells(google: Google, details: bool) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("new@x.org",))
    desk.turn()
    google.control.set_options(full_tombstones=details)
    google.delete(desk.address, event)
    desk.turn()
    assert Appointment.objects.get().status == "cancelled"
    row = row_of(event)
    assert (row.blocks, row.summary, row.starts_at) == (False, "Consultation", TOMORROW_AT_TEN)


def test_s12_cancelled_occurrence_takes_its_own_appointment_and_stays_cancelled(google: Google) -> None:
    desk = Desk(google)
    add_series(google, desk.address)
    desk.turn()
    second = Appointment.objects.order_by("starts_at")[1]
    [row] = second.google_events.all()
    google.control.delete(desk.address, "primary", row.google_id)
    desk.turn()
    for _ in range(2):
        assert list(Appointment.objects.filter(status="cancelled")) == [second]
        google.control.expire_sync_tokens()
        desk.turn()
    row.refresh_from_db()
    assert (row.status, row.recurring_event_id != "", row.original_start != "") == ("cancelled", True, True)


def test_s14_edit_in_the_very_moment_of_our_own_write_is_no_echo(google: Google) -> None:
    """Both have one time of change, for the clock stands still: the etag tells them apart."""
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    [event] = google.events(desk.address)
    moved = google.move(desk.address, event, LATER)
    assert moved["updated"] == event["updated"]
    desk.turn()
    appointment.refresh_from_db()
    assert appointment.starts_at == LATER


def test_s15_reminder_changes_the_etag_alone_and_the_next_write_still_matches(google: Google) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("new@x.org",))
    desk.turn()
    with at(NOW + HOUR, google):
        reminders = {"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]}
        changed = google.change(desk.address, event, reminders=reminders)
        assert changed["updated"] == event["updated"]
        desk.turn()
        assert row_of(event).etag == changed["etag"]
        booking.reschedule(Appointment.objects.get(), starts_at=LATER, ends_at=LATER + HOUR)
        take_turn(desk.google_calendar.pk, NOW + HOUR)
        assert [request.status for request in google.control.requests(PATCH)] == [200]
