"""S1 to S15: sync tokens, windows, tombstones."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.integrations.sandbox.conftest import (
    AMIR,
    DANA,
    NOW,
    Google,
    event,
    everything,
    refused,
    summaries,
    weekly,
)


def add(service: Any, *bodies: dict[str, Any]) -> list[dict[str, Any]]:
    return [service.events().insert(calendarId="primary", body=body).execute() for body in bodies]


def changes(service: Any, token: str | None, **params: Any) -> list[dict[str, Any]]:
    return everything(service, syncToken=token, **params)[0]


def test_S1_sync_token_only_on_last_page(dana: Any) -> None:
    add(dana, *[event(f"E{n}") for n in range(5)])
    request = dana.events().list(calendarId="primary", maxResults=2)
    pages = []
    while request is not None:
        pages.append(request.execute())
        request = dana.events().list_next(request, pages[-1])
    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    assert ["nextSyncToken" in page for page in pages] == [False, False, True]
    assert ["nextPageToken" in page for page in pages] == [True, True, False]


def test_S1_an_empty_page_may_be_followed_by_another(google: Google, dana: Any) -> None:
    add(dana, event())
    google.control.set_options(empty_pages=True)
    first = dana.events().list(calendarId="primary").execute()
    assert first["items"] == []
    assert "nextSyncToken" not in first
    second = dana.events().list(calendarId="primary", pageToken=first["nextPageToken"]).execute()
    assert summaries(second["items"]) == ["Call"]
    assert second["nextSyncToken"]


def test_S2_a_change_made_while_paging_is_not_lost(google: Google, dana: Any) -> None:
    made = add(dana, *[event(f"E{n}") for n in range(4)])
    first = dana.events().list(calendarId="primary", maxResults=2).execute()
    for each in made:
        google.control.patch(DANA, DANA, each["id"], {"summary": "changed"})
    google.control.insert(DANA, DANA, event("new"))
    second = (
        dana.events().list(calendarId="primary", maxResults=2, pageToken=first["nextPageToken"]).execute()
    )
    ids = {each["id"] for each in first["items"] + second["items"]}
    assert ids == {each["id"] for each in made}
    assert summaries(changes(dana, second["nextSyncToken"])) == ["changed"] * 4 + ["new"]


def test_S3_incremental_brings_what_changed_and_a_new_token(dana: Any) -> None:
    kept, moved = add(dana, event("kept"), event("moved"))
    _, token = everything(dana)
    dana.events().patch(calendarId="primary", eventId=moved["id"], body={"location": "Room 2"}).execute()
    items, newer = everything(dana, syncToken=token)
    assert [each["id"] for each in items] == [moved["id"]]
    assert changes(dana, newer) == []
    assert kept["id"] not in {each["id"] for each in items}


def test_S3_a_page_of_an_incremental_repeats_the_sync_token(dana: Any) -> None:
    _, token = everything(dana)
    add(dana, *[event(f"E{n}") for n in range(3)])
    assert len(changes(dana, token, maxResults=2)) == 3
    first = dana.events().list(calendarId="primary", syncToken=token, maxResults=2).execute()
    bare = dana.events().list(calendarId="primary", pageToken=first["nextPageToken"])
    assert refused(bare) == (400, "invalid")


def test_S3_other_parameters_than_those_of_the_full_sync_are_refused(dana: Any) -> None:
    _, token = everything(dana)
    assert refused(dana.events().list(calendarId="primary", syncToken=token, singleEvents=True)) == (
        400,
        "invalid",
    )


@pytest.mark.parametrize(
    "restriction",
    [
        {"iCalUID": "x"},
        {"orderBy": "updated"},
        {"privateExtendedProperty": "a=b"},
        {"sharedExtendedProperty": "a=b"},
        {"q": "x"},
        {"timeMin": "2026-01-01T00:00:00Z"},
        {"timeMax": "2027-01-01T00:00:00Z"},
        {"updatedMin": "2026-03-01T00:00:00Z"},
        {"showDeleted": False},
    ],
)
def test_S4_restrictions_are_refused_with_a_sync_token(dana: Any, restriction: dict[str, Any]) -> None:
    _, token = everything(dana)
    assert refused(dana.events().list(calendarId="primary", syncToken=token, **restriction)) == (
        400,
        "invalid",
    )


def test_S5_a_window_and_single_events_give_a_token_but_an_order_does_not(dana: Any) -> None:
    assert everything(dana, timeMin=NOW.isoformat(), singleEvents=True)[1]
    assert everything(dana, orderBy="updated")[1] is None


def test_S6_the_window_does_not_roll(google: Google, dana: Any) -> None:
    inside, later = add(dana, event("inside", day=5), event("later", day=25))
    window = {"timeMin": NOW.isoformat(), "timeMax": (NOW + timedelta(days=7)).isoformat()}
    items, token = everything(dana, singleEvents=True, **window)
    assert [each["id"] for each in items] == [inside["id"]]
    google.control.advance_clock(timedelta(days=20))
    dana = google.service(DANA)
    assert changes(dana, token, singleEvents=True) == []
    google.control.patch(DANA, DANA, later["id"], {"summary": "outside"})
    assert summaries(changes(dana, token, singleEvents=True)) == ["outside"]


def test_S7_a_dead_token_answers_410_full_sync_required(google: Google, dana: Any) -> None:
    _, token = everything(dana)
    google.control.expire_sync_tokens()
    assert refused(dana.events().list(calendarId="primary", syncToken=token)) == (410, "fullSyncRequired")
    _, fresh = everything(dana)
    assert changes(dana, fresh) == []


def test_S7_a_token_dies_of_age_and_of_a_changed_role(google: Google, dana: Any) -> None:
    team = google.calendars["Team holidays"]
    _, aged = everything(dana)
    google.control.advance_clock(timedelta(minutes=50))
    _, shared = everything(dana, calendar=team)
    google.control.share(team, DANA, "writer")
    assert refused(dana.events().list(calendarId=team, syncToken=shared)) == (410, "fullSyncRequired")
    google.control.advance_clock(timedelta(days=40))
    later = google.service(DANA)
    assert refused(later.events().list(calendarId="primary", syncToken=aged)) == (410, "fullSyncRequired")


def test_S7_deleting_twice_is_410_deleted(dana: Any) -> None:
    (made,) = add(dana, event())
    call = {"calendarId": "primary", "eventId": made["id"]}
    dana.events().delete(**call).execute()
    assert refused(dana.events().delete(**call)) == (410, "deleted")
    assert refused(dana.events().patch(**call, body={"summary": "x"})) == (410, "deleted")


def test_S7_too_old_updated_min_is_410_of_another_reason(dana: Any) -> None:
    long_ago = (NOW - timedelta(days=60)).isoformat()
    assert refused(dana.events().list(calendarId="primary", updatedMin=long_ago)) == (
        410,
        "updatedMinTooLongAgo",
    )


def test_S8_absent_from_an_incremental_page_is_not_deleted(dana: Any) -> None:
    add(dana, event())
    _, token = everything(dana)
    assert changes(dana, token) == []
    assert summaries(everything(dana)[0]) == ["Call"]


def test_S9_updated_min_brings_deletions(google: Google, dana: Any) -> None:
    gone, _ = add(dana, event("gone"), event("old"))
    google.control.advance_clock(timedelta(minutes=10))
    since = google.control.now().isoformat()
    dana.events().delete(calendarId="primary", eventId=gone["id"]).execute()
    items, token = everything(dana, updatedMin=since)
    assert [(each["id"], each["status"]) for each in items] == [(gone["id"], "cancelled")]
    assert token is None


def test_S10_a_token_is_bound_to_its_calendar(google: Google, dana: Any) -> None:
    _, token = everything(dana)
    clinic = google.calendars["Clinic"]
    assert refused(dana.events().list(calendarId=clinic, syncToken=token)) == (400, "invalid")


def test_S10_the_calendar_list_has_its_own_token_and_tells_deleted_and_hidden(
    google: Google, dana: Any
) -> None:
    token = dana.calendarList().list().execute()["nextSyncToken"]
    google.control.share(google.calendars["Team holidays"], DANA, None)
    google.control.hide(google.calendars["Family"], DANA)
    answer = dana.calendarList().list(syncToken=token).execute()
    told = {each["id"]: each for each in answer["items"]}
    assert told[google.calendars["Team holidays"]]["deleted"] is True
    assert told[google.calendars["Family"]]["hidden"] is True
    shown = {each["id"] for each in dana.calendarList().list().execute()["items"]}
    assert shown == {DANA, google.calendars["Clinic"]}


def test_S11_a_tombstone_carries_its_id_and_nothing_to_read(dana: Any) -> None:
    (made,) = add(dana, event())
    _, token = everything(dana)
    dana.events().delete(calendarId="primary", eventId=made["id"]).execute()
    (stone,) = changes(dana, token)
    assert set(stone) == {"kind", "etag", "id", "status"}
    assert (stone["id"], stone["status"]) == (made["id"], "cancelled")


def test_S11_the_organizer_may_be_told_details_when_the_option_says_so(google: Google, dana: Any) -> None:
    (made,) = add(dana, event())
    _, token = everything(dana)
    dana.events().delete(calendarId="primary", eventId=made["id"]).execute()
    google.control.set_options(full_tombstones=True)
    assert changes(dana, token)[0]["summary"] == "Call"


def test_S12_cancelled_exceptions_stay_with_their_series(dana: Any) -> None:
    (series,) = add(dana, weekly())
    instances = dana.events().instances(calendarId="primary", eventId=series["id"]).execute()["items"]
    dana.events().delete(calendarId="primary", eventId=instances[0]["id"]).execute()
    items, _ = everything(dana)
    stone = next(each for each in items if each["status"] == "cancelled")
    assert set(stone) == {"kind", "etag", "id", "status", "recurringEventId", "originalStartTime"}
    assert stone["recurringEventId"] == series["id"]
    single, _ = everything(dana, singleEvents=True, showDeleted=True)
    assert len(single) == 4
    assert all("recurrence" not in each for each in single)
    assert len(everything(dana, singleEvents=True)[0]) == 3


def test_S13_get_of_a_deleted_event_is_200_cancelled(google: Google, dana: Any) -> None:
    (made,) = add(dana, event(attendees=[{"email": AMIR}]))
    dana.events().delete(calendarId="primary", eventId=made["id"]).execute()
    assert dana.events().get(calendarId="primary", eventId=made["id"]).execute()["status"] == "cancelled"
    copy = google.service(AMIR).events().get(calendarId="primary", eventId=made["id"]).execute()
    assert set(copy) == {"kind", "etag", "id", "status"}


def test_S14_our_own_write_comes_back_with_the_etag_we_were_given(dana: Any) -> None:
    _, token = everything(dana)
    (made,) = add(dana, event())
    assert [each["etag"] for each in changes(dana, token)] == [made["etag"]]


def test_S15_updated_stays_when_only_reminders_change(google: Google, dana: Any) -> None:
    (made,) = add(dana, event())
    google.control.advance_clock(timedelta(minutes=5))
    body = {"reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]}}
    changed = dana.events().patch(calendarId="primary", eventId=made["id"], body=body).execute()
    assert changed["updated"] == made["updated"]
    assert changed["etag"] != made["etag"]
    again = dana.events().patch(calendarId="primary", eventId=made["id"], body={"summary": "x"}).execute()
    assert again["updated"] > made["updated"]
