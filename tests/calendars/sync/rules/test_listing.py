"""Google's rules for lists (L1 to L6), kept by the engine over HTTP."""

import datetime
from typing import Any

import pytest

from calendars.models import GoogleEvent
from integrations.connecting import refresh_calendars
from integrations.sandbox.journal import LoggedRequest
from tests.calendars.sync.rules.scene import DAY, LIST, add_series, pull, read_for_conflicts, words
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db
MINUTE = datetime.timedelta(minutes=1)


def test_l1_pages_are_asked_for_as_large_as_google_gives_them(google: Google) -> None:
    desk = Desk(google)
    refresh_calendars(desk.account)
    desk.turn()
    asked = {request.method: request.parameter("maxResults") for request in google.control.requests()}
    assert asked == {"calendar.calendarList.list": "250", LIST: "2500"}


def test_l2_window_is_told_with_an_offset(life: list[LoggedRequest], settings: Any) -> None:
    full = [request for request in life if request.method == LIST and not request.parameter("syncToken")]
    bounds = {(request.parameter("timeMin"), request.parameter("timeMax")) for request in full}
    low, high = NOW - settings.SYNC_WINDOW_PAST, NOW + settings.SYNC_WINDOW_AHEAD
    assert bounds == {(f"{low:%Y-%m-%dT%H:%M:%SZ}", f"{high:%Y-%m-%dT%H:%M:%SZ}")}


@pytest.mark.parametrize("pulled", ["full", "incremental"])
def test_l2_both_bounds_are_exclusive_for_a_full_and_an_incremental_pull(
    google: Google, settings: Any, pulled: str
) -> None:
    desk = Desk(google)
    low, high = NOW - settings.SYNC_WINDOW_PAST, NOW + settings.SYNC_WINDOW_AHEAD
    if pulled == "incremental":
        desk.turn()
    ends = {"ends as it begins": low, "ends in it": low + MINUTE}
    begins = {"begins in it": high - MINUTE, "begins as it ends": high}
    for summary, end in ends.items():
        google.add(desk.address, start=end - HOUR, end=end, summary=summary)
    for summary, start in begins.items():
        google.add(desk.address, start=start, summary=summary)
    desk.turn()
    assert set(GoogleEvent.objects.values_list("summary", flat=True)) == {"ends in it", "begins in it"}


def test_l3_no_order_is_asked_for_and_none_is_relied_on(life: list[LoggedRequest]) -> None:
    """A list made with an order gives no sync token (S5)."""
    assert not any("orderBy" in words(request) for request in life)


def test_l4_every_type_of_event_is_listed(life: list[LoggedRequest]) -> None:
    """Unset means all: a type that Google invents blocks time as well."""
    assert not any("eventTypes" in words(request) for request in life)


def test_l5_events_are_never_looked_up_by_a_property_of_theirs(life: list[LoggedRequest]) -> None:
    """Whether several constraints mean AND or OR is told in two ways; our own ids need none."""
    asked = {"privateExtendedProperty", "sharedExtendedProperty", "q", "iCalUID"}
    assert not any(words(request) & asked for request in life)


def test_l6_calendar_that_shows_free_and_busy_alone_blocks_each_occurrence(google: Google) -> None:
    desk = Desk(google)
    google.control.add_person("boss@x.org")
    google.control.share("boss@x.org", desk.address, "freeBusyReader")
    calendar = read_for_conflicts(desk, "boss@x.org")
    add_series(google, "boss@x.org")
    pull(calendar)
    rows = GoogleEvent.objects.filter(google_calendar=calendar)
    assert [row.starts_at for row in rows] == [TOMORROW_AT_TEN + n * 7 * DAY for n in range(4)]
    assert {(row.blocks, row.colour, row.summary, row.appointment) for row in rows} == {
        (True, "grey", "", None)
    }
