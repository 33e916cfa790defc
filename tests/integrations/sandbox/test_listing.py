"""L1 to L6: pages, windows, filters."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integrations.sandbox.conftest import (
    AMIR,
    DANA,
    Google,
    event,
    everything,
    refused,
    summaries,
    weekly,
)


def add(service: Any, *bodies: dict[str, Any], calendar: str = "primary") -> list[dict[str, Any]]:
    return [service.events().insert(calendarId=calendar, body=body).execute() for body in bodies]


def test_L1_a_page_holds_250_and_at_most_2500(google: Google, dana: Any) -> None:
    with google.sandbox.channels.announced():
        for number in range(251):
            google.control.insert(DANA, DANA, event(f"E{number}"))
    assert len(dana.events().list(calendarId="primary").execute()["items"]) == 250
    assert len(dana.events().list(calendarId="primary", maxResults=2500).execute()["items"]) == 251
    assert refused(dana.events().list(calendarId="primary", maxResults=2501)) == (400, "invalid")
    assert refused(dana.calendarList().list(maxResults=251)) == (400, "invalid")


def test_L1_the_calendar_list_is_paged(dana: Any) -> None:
    request = dana.calendarList().list(maxResults=3)
    first = request.execute()
    second = dana.calendarList().list_next(request, first).execute()
    assert (len(first["items"]), len(second["items"])) == (3, 1)
    assert "nextSyncToken" not in first
    assert second["nextSyncToken"]


def test_L2_time_min_bounds_the_end_and_time_max_the_start(dana: Any) -> None:
    add(dana, event("ten", hour=10), event("eleven", hour=11), event("long", day=2, hour=12, hours=48))
    window = {"timeMin": "2026-03-03T11:00:00Z", "timeMax": "2026-03-03T11:30:00Z"}
    assert summaries(everything(dana, **window)[0]) == ["eleven", "long"]
    exclusive = {"timeMin": "2026-03-03T10:30:00Z", "timeMax": "2026-03-03T11:00:00Z"}
    assert summaries(everything(dana, **exclusive)[0]) == ["long", "ten"]


def test_L2_an_all_day_event_lies_in_the_calendars_own_zone(google: Google, dana: Any) -> None:
    kiritimati = google.control.add_calendar(DANA, "Far away", time_zone="Pacific/Kiritimati")  # UTC+14
    day = {"start": {"date": "2026-03-10"}, "end": {"date": "2026-03-11"}, "summary": "Day"}
    add(dana, day, calendar=kiritimati)
    before = {"timeMin": "2026-03-09T09:00:00Z", "timeMax": "2026-03-09T11:00:00Z"}
    assert summaries(everything(dana, calendar=kiritimati, **before)[0]) == ["Day"]
    after = {"timeMin": "2026-03-10T10:00:00Z", "timeMax": "2026-03-10T23:00:00Z"}
    assert everything(dana, calendar=kiritimati, **after)[0] == []


def test_L2_an_offset_is_mandatory_and_the_range_not_empty(dana: Any) -> None:
    assert refused(dana.events().list(calendarId="primary", timeMin="2026-03-03T10:00:00")) == (
        400,
        "badRequest",
    )
    window = {"timeMin": "2026-03-03T10:00:00Z", "timeMax": "2026-03-03T10:00:00Z"}
    assert refused(dana.events().list(calendarId="primary", **window)) == (400, "timeRangeEmpty")


def test_L3_order_by_start_time_needs_single_events(google: Google, dana: Any) -> None:
    add(dana, event("b", hour=12), event("a", hour=9), weekly("c", count=1))
    assert refused(dana.events().list(calendarId="primary", orderBy="startTime")) == (400, "badRequest")
    items, _ = everything(dana, orderBy="startTime", singleEvents=True)
    assert [each["summary"] for each in items] == ["a", "b", "c"]


def test_L4_event_types_may_repeat_and_unset_means_all(dana: Any) -> None:
    add(dana, event("plain"), event("away", eventType="outOfOffice"), event("focus", eventType="focusTime"))
    assert len(everything(dana)[0]) == 3
    assert summaries(everything(dana, eventTypes=["default", "focusTime"])[0]) == ["focus", "plain"]


def test_L5_repeated_extended_properties_must_all_match(dana: Any) -> None:
    add(
        dana,
        event("both", extendedProperties={"private": {"a": "1", "b": "2"}}),
        event("one", extendedProperties={"private": {"a": "1"}}),
    )
    assert summaries(everything(dana, privateExtendedProperty="a=1")[0]) == ["both", "one"]
    assert summaries(everything(dana, privateExtendedProperty=["a=1", "b=2"])[0]) == ["both"]


def test_L6_who_sees_only_free_and_busy_gets_instances_without_details(google: Google, dana: Any) -> None:
    add(dana, weekly("secret"))
    google.control.share(DANA, AMIR, "freeBusyReader")
    items, _ = everything(google.service(AMIR), calendar=DANA)
    assert len(items) == 4
    assert all("summary" not in each and each["recurringEventId"] for each in items)


def test_search_and_uid_find_events(dana: Any) -> None:
    first, _ = add(dana, event("Review", attendees=[{"email": "pat@example.net"}]), event("Lunch"))
    assert summaries(everything(dana, q="pat@example.net")[0]) == ["Review"]
    assert summaries(everything(dana, q="lunch")[0]) == ["Lunch"]
    assert summaries(everything(dana, iCalUID=first["iCalUID"])[0]) == ["Review"]


def test_times_are_told_in_the_zone_asked_for(dana: Any) -> None:
    (made,) = add(dana, event())
    told = dana.events().get(calendarId="primary", eventId=made["id"], timeZone="Asia/Tokyo").execute()
    assert told["start"]["dateTime"] == "2026-03-03T19:00:00+09:00"
    page = dana.events().list(calendarId="primary", timeZone="Asia/Tokyo").execute()
    assert page["timeZone"] == "Asia/Tokyo"


@pytest.mark.parametrize(("most", "told"), [(1, 1), (3, 3)])
def test_more_attendees_than_asked_for_are_left_out(dana: Any, most: int, told: int) -> None:
    guests = [{"email": DANA}, {"email": "a@example.net"}, {"email": "b@example.net"}]
    add(dana, event(attendees=guests))
    (item,) = everything(dana, maxAttendees=most)[0]
    assert len(item["attendees"]) == told
    assert item.get("attendeesOmitted", False) is (most == 1)
