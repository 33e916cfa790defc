"""What breaks off: what was seen by then is not lost, and what failed says so where people look."""

from typing import Any

import pytest

from calendars import agenda, booking, hosting
from calendars.models import GoogleEvent, PushTarget
from calendars.sync import decide
from calendars.sync import turn as turns
from calendars.sync.turn import REFUSED_WAIT, take_turn
from contacts.models import Appointment
from integrations.models import GoogleCalendar
from integrations.sandbox.faults import Fault
from tests.factories import ContactFactory
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db
AT_TEN = (TOMORROW_AT_TEN, TOMORROW_AT_TEN + HOUR)


def book(desk: Desk) -> Appointment:
    return booking.book(
        calendar=desk.calendar,
        contact=ContactFactory(),
        owner=desk.user,
        starts_at=AT_TEN[0],
        ends_at=AT_TEN[1],
    )


def shown(desk: Desk) -> list[str]:
    asked = agenda.Asked(
        desk.user, desk.user.pk, None, NOW, NOW + 48 * HOUR, zone=agenda.ZoneInfo("Europe/London")
    )
    return [entry.title for entry in agenda.entries(asked)]


def test_first_pull_that_breaks_off_blocks_what_it_has_read(google: Google, settings: Any) -> None:
    settings.GOOGLE_EVENTS_A_PAGE = 1
    desk = Desk(google)
    for _ in range(2):  # whichever of the two is on the page that is read
        google.add(desk.address, guests=("ann@x.org",), summary="Read")
    google.control.add_fault(Fault("calendar.events.list", skip=1, count=9, status=503))
    assert take_turn(desk.google_calendar.pk, NOW, pulls=True).error
    assert hosting.busy_users([desk.user], *AT_TEN)
    assert shown(desk) == ["Read"]


@pytest.mark.parametrize(
    "body",
    [{"transparency": "transparent"}, {"eventType": "workingLocation", "transparency": "transparent"}],
    ids=["free", "working location"],
)
def test_pull_that_breaks_off_does_not_block_what_never_blocks(
    google: Google, settings: Any, body: dict[str, Any]
) -> None:
    settings.GOOGLE_EVENTS_A_PAGE = 1
    desk = Desk(google)
    if "eventType" in body:
        body = body | {"workingLocationProperties": {"type": "homeOffice", "homeOffice": {}}}
        body = body | {"visibility": "public"}
    for _ in range(2):
        google.add(desk.address, **body)
    google.control.add_fault(Fault("calendar.events.list", skip=1, count=9, status=503))
    assert take_turn(desk.google_calendar.pk, NOW, pulls=True).error
    assert not hosting.busy_users([desk.user], *AT_TEN)


def test_event_that_became_busy_blocks_although_its_pull_broke_off(google: Google, settings: Any) -> None:
    settings.GOOGLE_EVENTS_A_PAGE = 1
    desk = Desk(google)
    events = [google.add(desk.address, transparency="transparent") for _ in range(2)]
    desk.turn()
    assert not hosting.busy_users([desk.user], *AT_TEN)
    for event in events:  # whichever of the two is on the page that is read
        google.change(desk.address, event, transparency="opaque")
    google.control.add_fault(Fault("calendar.events.list", skip=1, count=9, status=503))
    assert take_turn(desk.google_calendar.pk, NOW, pulls=True).error
    assert hosting.busy_users([desk.user], *AT_TEN)


def test_failed_push_leaves_the_pulls_alone_and_a_later_one_clears_its_words(google: Google) -> None:
    desk = Desk(google)
    desk.turn()
    next_pull_at = GoogleCalendar.objects.get(pk=desk.google_calendar.pk).next_pull_at
    book(desk)
    google.control.add_fault(Fault("calendar.events.insert", count=9, status=503))
    assert take_turn(desk.google_calendar.pk, NOW).error
    google_calendar = GoogleCalendar.objects.get(pk=desk.google_calendar.pk)
    assert (google_calendar.next_pull_at, google_calendar.failures, google_calendar.last_error) == (
        next_pull_at,
        0,
        "",
    )
    desk.account.refresh_from_db()
    assert desk.account.last_error == "Google could not answer just now."
    google.control.clear_faults()
    PushTarget.objects.update(not_before=None)
    take_turn(desk.google_calendar.pk, NOW)
    desk.account.refresh_from_db()
    assert (desk.account.failures, desk.account.last_error) == (0, "")


def test_q2_rate_limit_met_by_a_push_makes_all_of_the_account_wait(google: Google) -> None:
    desk = Desk(google)
    desk.turn()
    book(desk)
    google.control.add_fault(
        Fault("calendar.events.insert", count=9, status=403, reason="userRateLimitExceeded")
    )
    take_turn(desk.google_calendar.pk, NOW)
    desk.account.refresh_from_db()
    assert desk.account.not_before is not None
    assert desk.account.not_before > NOW
    google.control.clear_requests()
    assert "waits until" in take_turn(desk.google_calendar.pk, NOW, pulls=True).error
    assert not google.control.requests()


def test_fault_of_ours_is_told_and_waits_like_any_other(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(google)

    def breaks(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(turns, "reconcile", breaks)
    with pytest.raises(ZeroDivisionError):
        take_turn(desk.google_calendar.pk, NOW, pulls=True)
    google_calendar = GoogleCalendar.objects.get(pk=desk.google_calendar.pk)
    assert "Something went wrong in Tandem" in google_calendar.last_error
    assert google_calendar.failures == 1
    assert google_calendar.next_pull_at is not None
    assert NOW < google_calendar.next_pull_at < NOW + REFUSED_WAIT
    assert google_calendar.claimed_until is None


def test_event_of_ours_that_lives_on_after_its_removal_is_removed_once_more(google: Google) -> None:
    """Google said that it was gone (404 means many things), and a later pull shows it alive."""
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    booking.cancel(appointment)
    google.control.add_fault(Fault("calendar.events.delete", count=9, status=404, reason="notFound"))
    google.control.add_fault(Fault("calendar.events.get", count=9, status=404, reason="notFound"))
    take_turn(desk.google_calendar.pk, NOW)
    google.control.clear_faults()
    assert len(google.events(desk.address)) == 1
    desk.turn(full=True)
    desk.turn()
    assert google.events(desk.address) == []
    assert not hosting.busy_users([desk.user], *AT_TEN)
    google.control.clear_requests()
    desk.turn(full=True)
    assert not [request for request in google.control.requests() if request.method.endswith("delete")]


def test_private_event_cannot_be_made_an_appointment_and_it_is_said_why(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("ann@x.org",), visibility="private")
    desk.turn()
    with pytest.raises(decide.NotPossible, match="private, so its guests are not kept"):
        decide.make_appointment(GoogleEvent.objects.get(), by=desk.user, now=NOW)


def test_w14_deletion_that_google_answers_with_404_is_tried_again_while_the_event_stands(
    google: Google,
) -> None:
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    booking.cancel(appointment)
    google.control.add_fault(Fault("calendar.events.delete", status=404, reason="notFound"))
    assert "still shows" in take_turn(desk.google_calendar.pk, NOW).error
    PushTarget.objects.update(not_before=None)
    desk.turn()
    assert google.events(desk.address) == []
