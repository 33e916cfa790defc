"""Google's rules for quotas and errors (Q1 to Q6), kept by the engine over HTTP."""

import datetime
from typing import Any

import pytest
from django.core.cache import cache

from calendars import booking
from calendars.models import GoogleEvent, PushTarget
from calendars.sync.pull import UNANSWERED
from calendars.sync.turn import CLAIM, take_turn
from contacts.models import Appointment
from integrations.models import GoogleAccount, GoogleCalendar
from integrations.sandbox.faults import Fault
from tests.calendars.sync.rules.scene import INSERT, LATER, LIST, PATCH, at, book, second_calendar
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db
MINUTE, SECOND = datetime.timedelta(minutes=1), datetime.timedelta(seconds=1)
RATES = [(403, "userRateLimitExceeded"), (403, "rateLimitExceeded"), (429, "rateLimitExceeded")]


def fail(google: Google, desk: Desk, now: datetime.datetime = NOW, **fault: Any) -> datetime.timedelta:
    """One turn whose list fails; how long it waits then."""
    google.control.add_fault(Fault(method=LIST, **fault))
    assert take_turn(desk.google_calendar.pk, now, pulls=True).error
    after = GoogleCalendar.objects.get(pk=desk.google_calendar.pk).next_pull_at
    assert after is not None
    return after - now


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"status": 409, "reason": "conflict"}])
@pytest.mark.parametrize("verb", ["insert", "patch"])
def test_w12_appointment_that_fails_each_time_keeps_no_other_from_google(
    google: Google, verb: str, fault: dict[str, Any]
) -> None:
    desk = Desk(google)
    desk.turn()
    rows = [book(desk, TOMORROW_AT_TEN + number * HOUR) for number in range(4)]
    bad = rows[0].push_targets.get().event_id
    if verb == "patch":
        desk.turn()
        for row in rows:
            booking.set_details(row, title="Typed", description="", location="")
    google.control.add_fault(Fault(method=f"calendar.events.{verb}", about=bad, count=99, **fault))
    now = NOW
    for _ in range(12):
        now += HOUR
        with at(now, google):
            take_turn(desk.google_calendar.pk, now)
    said = {event["id"]: event["summary"] for event in google.events(desk.address)}
    done = {event_id for event_id, title in said.items() if verb == "insert" or title == "Typed"}
    assert done == {row.push_targets.get().event_id for row in rows[1:]}
    google.control.clear_faults()
    with at(now + 8 * HOUR, google):
        take_turn(desk.google_calendar.pk, now + 8 * HOUR)
    assert not PushTarget.objects.behind().exists()


def test_q2_outage_is_asked_about_ever_less_whatever_waits(google: Google) -> None:
    desk = Desk(google)
    desk.turn()
    for number in range(6):
        book(desk, TOMORROW_AT_TEN + number * HOUR)
    google.control.add_fault(Fault(method=INSERT, status=503, count=99))
    now, waits = NOW, []
    for _ in range(6):
        with at(now, google):
            take_turn(desk.google_calendar.pk, now)
        again = PushTarget.objects.order_by("not_before").first().not_before
        waits.append(again - now)
        now = again
    assert waits == sorted(waits)
    assert waits[-1] > 8 * waits[0]


def test_w14_event_that_google_cannot_tell_of_holds_no_full_pull_up(google: Google) -> None:
    """Linked, and out of the window by now: only its id can ask for it."""
    desk = Desk(google)
    first, second, third = (
        google.add(desk.address, guests=("ann@x.org",), start=TOMORROW_AT_TEN + number * HOUR)
        for number in range(3)
    )
    desk.turn()
    google.move(desk.address, first, TOMORROW_AT_TEN + 3000 * 24 * HOUR)
    google.delete(desk.address, third)
    google.control.expire_sync_tokens()
    google.control.add_fault(Fault(method="calendar.events.get", about=first["id"], count=99, status=500))
    for _ in range(3):  # it may pass
        assert take_turn(desk.google_calendar.pk, NOW, pulls=True).error
    desk.turn()
    calendar = GoogleCalendar.objects.get(pk=desk.google_calendar.pk)
    assert calendar.sync_token
    assert calendar.next_full_at is not None
    assert calendar.next_full_at < NOW + 2 * HOUR
    row = GoogleEvent.objects.get(google_id=first["id"])
    assert (row.status, row.error) == ("confirmed", UNANSWERED)
    of = {row.google_events.get().google_id: row.status for row in Appointment.objects.all()}
    assert of == {first["id"]: "new", second["id"]: "new", third["id"]: "cancelled"}
    # Asked for once more in an hour, and then not before the night.
    with at(NOW + 2 * HOUR, google):
        for _ in range(4):
            take_turn(desk.google_calendar.pk, NOW + 2 * HOUR, pulls=True)
    calendar.refresh_from_db()
    assert calendar.next_full_at > NOW + 4 * HOUR
    google.control.clear_faults()
    google.control.expire_sync_tokens()
    with at(NOW + 3 * HOUR, google):
        take_turn(desk.google_calendar.pk, NOW + 3 * HOUR, pulls=True)
    row.refresh_from_db()
    assert (row.status, row.error) == ("confirmed", "")


@pytest.mark.parametrize("status", [400, 403])
def test_w14_event_that_google_refuses_to_tell_of_is_visible_and_asked_for_soon(
    google: Google, status: int
) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    google.delete(desk.address, event)
    google.control.expire_sync_tokens()
    refusal = Fault(method="calendar.events.get", status=status, reason="forbidden", count=9)
    google.control.add_fault(refusal)
    desk.turn()
    assert (Appointment.objects.get().status, GoogleEvent.objects.get().error) == ("new", UNANSWERED)
    google.control.clear_faults()
    with at(NOW + 2 * HOUR, google):
        take_turn(desk.google_calendar.pk, NOW + 2 * HOUR, pulls=True)
    assert (Appointment.objects.get().status, GoogleEvent.objects.get().error) == ("cancelled", "")


def test_w4_change_met_after_an_outage_is_not_called_held_up(google: Google) -> None:
    desk = Desk(google)
    desk.turn()
    rows = [book(desk, TOMORROW_AT_TEN + number * HOUR) for number in range(2)]
    desk.turn()
    for row in rows:
        booking.reschedule(row, starts_at=row.starts_at + HOUR * 5, ends_at=row.ends_at + HOUR * 5)
    google.control.add_fault(Fault(method=PATCH, status=503, count=99))
    now = NOW
    for _ in range(4):
        now += 2 * HOUR
        with at(now, google):
            take_turn(desk.google_calendar.pk, now)
    google.control.clear_faults()
    for row in rows:
        google.control.patch(desk.address, "primary", row.push_targets.get().event_id, {"location": "Room 2"})
    now += 2 * HOUR
    with at(now, google):
        take_turn(desk.google_calendar.pk, now)
        take_turn(desk.google_calendar.pk, now)
    assert not PushTarget.objects.behind().exists()
    assert not PushTarget.objects.exclude(last_error="").exists()


def test_q1_account_keeps_below_its_requests_a_minute_and_goes_on_in_the_next(
    google: Google, settings: Any
) -> None:
    settings.GOOGLE_REQUESTS_A_MINUTE = 3
    desk = Desk(google)
    cache.clear()
    for number in range(5):
        book(desk, TOMORROW_AT_TEN + number * HOUR)
    assert "goes on in a minute" in take_turn(desk.google_calendar.pk, NOW).error
    assert len(google.control.requests(INSERT)) == 3
    take_turn(desk.google_calendar.pk, NOW + 30 * SECOND)
    assert len(google.control.requests(INSERT)) == 3
    with at(NOW + 2 * MINUTE, google):
        take_turn(desk.google_calendar.pk, NOW + 2 * MINUTE)
    assert len(google.events(desk.address)) == 5


def test_q1_more_missing_events_than_requests_a_minute_are_asked_for_one_minute_after_the_other(
    google: Google, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calendars.sync.pull.ASKED_AT_ONCE", 2)
    desk = Desk(google)
    for number in range(9):
        book(desk, TOMORROW_AT_TEN + number * HOUR)
    desk.turn()
    for event in google.events(desk.address):
        google.delete(desk.address, event)
    google.control.expire_sync_tokens()
    settings.GOOGLE_REQUESTS_A_MINUTE = 6
    for minutes in range(2, 12, 2):
        with at(NOW + minutes * MINUTE, google):
            turn = take_turn(desk.google_calendar.pk, NOW + minutes * MINUTE, pulls=True)
        if not turn.error:
            break
    assert turn.error == ""
    assert Appointment.objects.filter(status="cancelled").count() == 9


@pytest.mark.parametrize(("status", "reason"), RATES)
def test_q2_every_word_for_too_fast_means_a_growing_wait(google: Google, status: int, reason: str) -> None:
    desk = Desk(google)
    now, waits = NOW, []
    for _ in range(4):
        waits.append(fail(google, desk, now, status=status, reason=reason))
        now += waits[-1] + SECOND
    assert waits == sorted(waits)
    # Each is twice the one before, with a fifth of jitter on both sides.
    assert waits[3] > 4 * waits[0]
    assert desk.account.state == "connected"
    assert len(google.control.requests(LIST)) == 4


def test_q2_wait_has_an_end(google: Google) -> None:
    desk = Desk(google)
    GoogleCalendar.objects.update(failures=60)
    assert fail(google, desk, status=429, reason="rateLimitExceeded") < 2 * HOUR


@pytest.mark.parametrize("fault", [{"status": status} for status in (429, 500, 502, 503, 504)])
def test_q4_what_may_pass_is_tried_again_soon(google: Google, fault: dict[str, Any]) -> None:
    desk = Desk(google)
    assert fail(google, desk, **fault) < MINUTE
    GoogleAccount.objects.update(not_before=None)
    desk.turn()
    desk.account.refresh_from_db()
    assert (desk.account.state, desk.account.last_error) == ("connected", "")


def test_q4_closed_connection_is_tried_again_soon(google: Google) -> None:
    desk = Desk(google)
    assert fail(google, desk, drop_before=True, count=9) < MINUTE


@pytest.mark.parametrize(
    ("status", "reason"),
    [(400, "invalid"), (403, "forbidden"), (403, "calendarUsageRestricted"), (404, "notFound")],
)
def test_q4_refused_list_is_not_asked_for_again_soon(google: Google, status: int, reason: str) -> None:
    desk = Desk(google)
    assert fail(google, desk, status=status, reason=reason) >= HOUR
    assert len(google.control.requests(LIST)) == 1
    desk.google_calendar.refresh_from_db()
    advises = "choose another one in Settings, Profile" in desk.google_calendar.last_error
    assert advises == (status in (403, 404))
    desk.account.refresh_from_db()
    assert desk.account.state == "connected"


@pytest.mark.parametrize(("status", "reason"), [(400, "invalid"), (403, "forbiddenForNonOrganizer")])
def test_q4_refused_write_waits_for_a_person_and_stops_no_other(
    google: Google, status: int, reason: str
) -> None:
    desk = Desk(google)
    refused, _ = book(desk), book(desk, LATER)
    google.control.add_fault(Fault(method=INSERT, status=status, reason=reason))
    take_turn(desk.google_calendar.pk, NOW)
    assert len(google.control.requests(INSERT)) == 2
    target = PushTarget.objects.behind().get()
    assert (target.appointment, target.last_error != "") == (refused, True)
    assert not PushTarget.objects.due(NOW + HOUR).exists()
    # The next edit tries at once.
    booking.set_details(refused, title="Other words", description="", location="")
    desk.turn()
    assert len(google.events(desk.address)) == 2


def test_q5_calendar_in_one_workers_hands_is_left_alone_by_the_others(google: Google) -> None:
    desk = Desk(google)
    book(desk)
    GoogleCalendar.objects.filter(pk=desk.google_calendar.pk).update(claimed_until=NOW + CLAIM)
    google.control.clear_requests()
    assert not take_turn(desk.google_calendar.pk, NOW, pulls=True).taken
    assert google.control.requests() == []
    # Another calendar, even of the same person, has a writer of its own.
    assert take_turn(second_calendar(google, desk).pk, NOW, pulls=True).taken
    assert take_turn(desk.google_calendar.pk, NOW + CLAIM, pulls=True).taken


def test_q5_writes_to_one_calendar_go_in_order(google: Google) -> None:
    desk = Desk(google)
    third, first, second = (book(desk, TOMORROW_AT_TEN + number * HOUR) for number in (2, 0, 1))
    desk.turn()
    booking.reschedule(first, starts_at=LATER, ends_at=LATER + HOUR)
    booking.reschedule(first, starts_at=LATER + HOUR, ends_at=LATER + 2 * HOUR)
    desk.turn()
    inserted = [request.body["id"] for request in google.control.requests(INSERT) if request.body]
    assert inserted == [f"{appointment.pk.hex}g0" for appointment in (first, second, third)]
    # Two edits before a push are one write, of what is wanted in the end.
    assert len(google.control.requests(PATCH)) == 1


def test_q6_calendars_pulled_at_one_moment_do_not_stay_together(google: Google, settings: Any) -> None:
    settings.PUBLIC_BASE_URL = ""
    desks = [Desk(google) for _ in range(6)]
    for desk in desks:
        desk.turn()
    rows = GoogleCalendar.objects.filter(pk__in=[desk.google_calendar.pk for desk in desks])
    waits = [row.next_pull_at - NOW for row in rows if row.next_pull_at]
    assert len(set(waits)) == 6
    assert all(0.9 * settings.PULL_INTERVAL <= wait <= 1.1 * settings.PULL_INTERVAL for wait in waits)
    nights = [row.next_full_at for row in rows if row.next_full_at]
    assert len(set(nights)) > 1
    assert {night.hour for night in nights} <= {1, 2, 3, 4}
