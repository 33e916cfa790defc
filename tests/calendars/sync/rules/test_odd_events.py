"""One bad event never stops a calendar, whichever database keeps it."""

from typing import Any

import pytest

from calendars.models import GoogleEvent
from calendars.sync.trying_again import StillWrong, try_again
from calendars.sync.turn import take_turn
from tests.calendars.sync.rules.conftest import Answers
from tests.google import NOW, Desk, Google

pytestmark = pytest.mark.django_db

TIMES = {"start": {"dateTime": "2026-03-04T10:00:00Z"}, "end": {"dateTime": "2026-03-04T11:00:00Z"}}
ODD: list[dict[str, Any]] = [
    {"id": "nul\x00l"},
    {"id": "x" * 1025},
    {"id": "é" * 1000},
    {"sequence": 3_000_000_000},
    {"sequence": True},
    {"start": {"dateTime": "0001-01-01T10:00:00Z"}},
    {"start": {"dateTime": "2026-03-04T10:00:00Z", "timeZone": "Z\x00"}},
    {"recurringEventId": "r\x00"},
    {"originalStartTime": {"date": "2026\x00" * 50}},
    {"htmlLink": "https://x.org/\x00", "hangoutLink": "https://x.org/\ud800"},
    {"attendees": [{"email": "İ" * 250, "displayName": "\ud800\x00"}]},
    {"created": "9999-12-31T23:59:59-12:00", "updated": "\x00"},
]


def with_odd(answers: Answers, *odd: dict[str, Any]) -> None:
    """The next list that Google answers with has these events as well."""
    plain = {"id": "odd", "status": "confirmed", "etag": '"1"', **TIMES}
    answers.edited["calendar.events.list"] = lambda content: content["items"].extend(
        plain | each for each in odd
    )


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: next(iter(odd)))
def test_odd_event_stops_no_calendar(google: Google, answers: Answers, odd: dict[str, Any]) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("ann@x.org",))
    with_odd(answers, odd)
    turn = desk.turn()
    assert not turn.error
    assert GoogleEvent.objects.filter(outcome="appointment").exists()
    assert GoogleEvent.objects.count() == 2


def test_events_without_an_id_are_one_row_until_a_full_pull_meets_none(
    google: Google, answers: Answers
) -> None:
    desk = Desk(google)
    with_odd(answers, {"id": ""}, {"id": "nul\x00l"}, {"id": None})
    desk.turn()
    row = GoogleEvent.objects.get()
    assert (row.google_id, row.is_unreadable) == ("", True)
    google.control.clear_requests()
    with pytest.raises(StillWrong, match="next full pull"):
        try_again(row, now=NOW)
    assert google.control.requests() == []
    row.refresh_from_db()
    assert (row.status, row.is_unreadable) == ("confirmed", True)
    take_turn(desk.google_calendar.pk, NOW, pulls=True, full=True)
    assert not GoogleEvent.objects.exists()
