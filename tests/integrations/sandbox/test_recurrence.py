"""R1 to R5: series, instances, exceptions, and what an incremental answer says of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integrations.sandbox.conftest import DANA, Google, event, everything, refused, summaries, weekly


def insert(service: Any, body: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = service.events().insert(calendarId="primary", body=body).execute()
    return made


def instances(service: Any, series: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    page = service.events().instances(calendarId="primary", eventId=series["id"], **params).execute()
    return sorted(page["items"], key=lambda item: item["originalStartTime"]["dateTime"])


def test_R1_a_list_tells_series_and_single_events_tells_instances(dana: Any) -> None:
    series = insert(dana, weekly())
    assert [each["id"] for each in everything(dana)[0]] == [series["id"]]
    items, _ = everything(dana, singleEvents=True)
    assert len(items) == 4
    assert all("recurrence" not in each and each["recurringEventId"] == series["id"] for each in items)


def test_R2_the_original_start_stays_when_an_instance_is_moved(dana: Any) -> None:
    series = insert(dana, weekly())
    second = instances(dana, series)[1]
    body = {"start": {"dateTime": "2026-03-17T15:00:00Z"}, "end": {"dateTime": "2026-03-17T16:00:00Z"}}
    moved = dana.events().patch(calendarId="primary", eventId=second["id"], body=body).execute()
    assert moved["id"] == second["id"]
    assert moved["originalStartTime"] == second["originalStartTime"]
    assert moved["start"]["dateTime"] == "2026-03-17T15:00:00Z"
    window = {"timeMin": "2026-03-17T00:00:00Z", "timeMax": "2026-03-18T00:00:00Z"}
    assert [each["id"] for each in everything(dana, singleEvents=True, **window)[0]] == [second["id"]]
    assert len(everything(dana)[0]) == 2


def test_R2_summer_time_keeps_the_hour_on_the_wall(dana: Any) -> None:
    series = insert(dana, weekly())
    starts = [each["start"]["dateTime"] for each in instances(dana, series)]
    assert starts[2] == "2026-03-23T10:00:00Z"
    assert starts[3] == "2026-03-30T10:00:00+01:00"


def test_R2_an_all_day_series_has_dates(dana: Any) -> None:
    body = {"start": {"date": "2026-03-28"}, "end": {"date": "2026-03-30"}, "summary": "Weekend"}
    series = insert(dana, body | {"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20260404"]})
    items = dana.events().instances(calendarId="primary", eventId=series["id"]).execute()["items"]
    assert sorted((each["start"]["date"], each["end"]["date"]) for each in items) == [
        ("2026-03-28", "2026-03-30"),
        ("2026-04-04", "2026-04-06"),
    ]


def test_R3_cancelling_one_instance(dana: Any) -> None:
    series = insert(dana, weekly())
    first, second, *_ = instances(dana, series)
    dana.events().patch(calendarId="primary", eventId=first["id"], body={"status": "cancelled"}).execute()
    dana.events().delete(calendarId="primary", eventId=second["id"]).execute()
    assert len(instances(dana, series)) == 2
    gone = dana.events().delete(calendarId="primary", eventId=second["id"])
    assert refused(gone) == (410, "deleted")
    back = dana.events().patch(calendarId="primary", eventId=first["id"], body={"status": "confirmed"})
    back.execute()
    assert len(instances(dana, series)) == 3
    dana.events().delete(calendarId="primary", eventId=series["id"]).execute()
    assert refused(back) == (410, "deleted")
    assert dana.events().get(calendarId="primary", eventId=first["id"]).execute()["status"] == "cancelled"
    assert everything(dana)[0] == []


def test_R3_this_and_following_is_an_until_and_a_new_series(dana: Any) -> None:
    series = insert(dana, weekly())
    last = instances(dana, series)[3]
    dana.events().delete(calendarId="primary", eventId=last["id"]).execute()
    _, token = everything(dana, singleEvents=True)
    rule = {"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20260322T235959Z"]}
    dana.events().patch(calendarId="primary", eventId=series["id"], body=rule).execute()
    insert(dana, weekly("New class", count=1))
    assert len(instances(dana, series)) == 2
    items, _ = everything(dana, singleEvents=True, syncToken=token)
    told = sorted((each["status"], each.get("summary", "")) for each in items)
    assert told.count(("confirmed", "Class")) == 2
    assert told.count(("confirmed", "New class")) == 1
    assert ("cancelled", "") in told


@pytest.mark.parametrize(
    "recurrence",
    [
        ["RRULE:FREQ=WEEKLY;COUNT=2;UNTIL=20260401T000000Z"],
        ["RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE;TZID=Europe/London:20260310T100000"],
        ["DTSTART:20260309T100000Z", "RRULE:FREQ=WEEKLY;COUNT=2"],
        ["RRULE:FREQ=WEEKLY;UNTIL=20260401"],
        ["RRULE:FREQ=NEVER"],
        ["nonsense"],
    ],
)
def test_R4_an_impossible_recurrence_is_refused(dana: Any, recurrence: list[str]) -> None:
    body = weekly(recurrence=recurrence)
    assert refused(dana.events().insert(calendarId="primary", body=body)) == (400, "invalid")


def test_R4_exdate_and_rdate_are_followed(dana: Any) -> None:
    lines = [
        "RRULE:FREQ=WEEKLY;COUNT=3",
        "EXDATE;TZID=Europe/London:20260316T100000",
        "RDATE;TZID=Europe/London:20260401T100000",
    ]
    series = insert(dana, weekly(recurrence=lines))
    starts = [each["start"]["dateTime"][:10] for each in instances(dana, series)]
    assert starts == ["2026-03-09", "2026-03-23", "2026-04-01"]


def test_R4_private_on_one_instance_hits_all_and_the_way_back_is_ignored(dana: Any) -> None:
    series = insert(dana, weekly())
    first, second, *_ = instances(dana, series)
    dana.events().patch(calendarId="primary", eventId=first["id"], body={"visibility": "private"}).execute()
    assert {each["visibility"] for each in instances(dana, series)} == {"private"}
    back = dana.events().patch(calendarId="primary", eventId=second["id"], body={"visibility": "public"})
    assert back.execute()["visibility"] == "private"


def test_R5_an_incremental_pull_of_a_changed_series_tells_its_instances_in_the_window(
    google: Google, dana: Any
) -> None:
    series = insert(dana, weekly(count=10))
    window = {"timeMin": "2026-03-09T00:00:00Z", "timeMax": "2026-03-31T00:00:00Z"}
    items, token = everything(dana, singleEvents=True, **window)
    assert len(items) == 4
    google.control.patch(DANA, DANA, series["id"], {"summary": "Renamed"})
    assert summaries(everything(dana, singleEvents=True, syncToken=token)[0]) == ["Renamed"] * 4


def test_R5_instances_that_vanish_come_as_cancelled(google: Google, dana: Any) -> None:
    series = insert(dana, weekly())
    _, token = everything(dana, singleEvents=True)
    google.control.patch(DANA, DANA, series["id"], {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"]})
    items, token = everything(dana, singleEvents=True, syncToken=token)
    assert summaries(items) == ["Class", "Class", "cancelled", "cancelled"]
    stones = [each for each in items if each["status"] == "cancelled"]
    assert all(set(each) >= {"id", "recurringEventId", "originalStartTime"} for each in stones)
    google.control.delete(DANA, DANA, series["id"])
    items, _ = everything(dana, singleEvents=True, syncToken=token)
    assert summaries(items) == ["cancelled", "cancelled"]


def test_R5_one_changed_instance_comes_alone(google: Google, dana: Any) -> None:
    series = insert(dana, weekly())
    third = instances(dana, series)[2]
    _, token = everything(dana, singleEvents=True)
    google.control.patch(DANA, DANA, third["id"], {"summary": "Other"})
    assert summaries(everything(dana, singleEvents=True, syncToken=token)[0]) == ["Other"]
    google.control.patch(DANA, DANA, series["id"], {"summary": "All"})
    assert summaries(everything(dana, singleEvents=True)[0]) == ["All", "All", "All", "Other"]


def test_a_plain_event_that_becomes_a_series_ends_as_a_plain_event(google: Google, dana: Any) -> None:
    plain = insert(
        dana,
        event(
            start={"dateTime": "2026-03-09T10:00:00", "timeZone": "Europe/London"},
            end={"dateTime": "2026-03-09T11:00:00", "timeZone": "Europe/London"},
        ),
    )
    _, token = everything(dana, singleEvents=True)
    google.control.patch(DANA, DANA, plain["id"], {"recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]})
    items, _ = everything(dana, singleEvents=True, syncToken=token)
    assert [each["status"] for each in items if each["id"] == plain["id"]] == ["cancelled"]
    assert summaries(items) == ["Call", "Call", "cancelled"]


def test_moving_a_series_ends_the_exceptions_that_no_longer_lie_on_it(dana: Any) -> None:
    series = insert(dana, weekly())
    dana.events().patch(
        calendarId="primary", eventId=instances(dana, series)[1]["id"], body={"summary": "Special"}
    ).execute()
    zone = {"timeZone": "Europe/London"}
    body = {
        "start": {"dateTime": "2026-03-09T12:00:00"} | zone,
        "end": {"dateTime": "2026-03-09T13:00:00"} | zone,
    }
    dana.events().patch(calendarId="primary", eventId=series["id"], body=body).execute()
    assert summaries(everything(dana, singleEvents=True)[0]) == ["Class"] * 4


def test_an_instance_carries_no_recurrence_of_its_own(dana: Any) -> None:
    first = instances(dana, insert(dana, weekly()))[0]
    body = {"recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]}
    assert refused(dana.events().patch(calendarId="primary", eventId=first["id"], body=body)) == (
        400,
        "invalid",
    )


def test_instances_are_paged_and_found_by_their_original_start(dana: Any) -> None:
    series = insert(dana, weekly())
    request = dana.events().instances(calendarId="primary", eventId=series["id"], maxResults=3)
    first = request.execute()
    second = dana.events().instances_next(request, first).execute()
    assert (len(first["items"]), len(second["items"])) == (3, 1)
    found = instances(dana, series, originalStart="2026-03-16T10:00:00Z")
    assert [each["start"]["dateTime"] for each in found] == ["2026-03-16T10:00:00Z"]
