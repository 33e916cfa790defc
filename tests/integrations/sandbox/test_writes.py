"""W1 to W14: ids, etags, times, options, batches, the error envelope."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from googleapiclient.errors import HttpError

from integrations.sandbox.faults import Fault
from tests.integrations.sandbox.conftest import (
    AMIR,
    DANA,
    JO,
    Google,
    event,
    everything,
    refused,
    summaries,
    weekly,
)


def insert(service: Any, body: dict[str, Any], **params: Any) -> dict[str, Any]:
    made: dict[str, Any] = service.events().insert(calendarId="primary", body=body, **params).execute()
    return made


def patch(service: Any, made: dict[str, Any], body: dict[str, Any], **params: Any) -> Any:
    return service.events().patch(calendarId="primary", eventId=made["id"], body=body, **params)


def test_W1_a_client_may_choose_the_id(dana: Any) -> None:
    chosen = uuid.uuid4().hex
    assert insert(dana, event(id=chosen))["id"] == chosen
    for bad in ("abcd", "wxyz0", "ABCDE", "a-b-c-d"):
        assert refused(dana.events().insert(calendarId="primary", body=event(id=bad))) == (400, "invalid")


def test_W1_not_both_an_id_and_a_uid(dana: Any) -> None:
    body = event(id="abcde", iCalUID="abcde@google.com")
    assert refused(dana.events().insert(calendarId="primary", body=body)) == (400, "invalid")


def test_W2_an_id_used_twice_is_409_duplicate_even_after_deletion(dana: Any) -> None:
    chosen = uuid.uuid4().hex
    insert(dana, event(id=chosen))
    again = dana.events().insert(calendarId="primary", body=event(id=chosen))
    assert refused(again) == (409, "duplicate")
    dana.events().delete(calendarId="primary", eventId=chosen).execute()
    assert refused(again) == (409, "duplicate")
    assert dana.events().get(calendarId="primary", eventId=chosen).execute()["status"] == "cancelled"


def test_W2_an_insert_whose_answer_was_lost_is_repeated_and_meets_itself(google: Google, dana: Any) -> None:
    google.control.add_fault(Fault(method="calendar.events.insert", drop_after=True))
    # httplib2 sends a POST again by itself when the connection closes: the repetition finds the first.
    chosen = uuid.uuid4().hex
    assert refused(dana.events().insert(calendarId="primary", body=event(id=chosen))) == (409, "duplicate")
    assert [each.status for each in google.control.requests("calendar.events.insert")] == [0, 409]
    assert len(everything(dana)[0]) == 1


def test_W3_ids_of_instances_are_opaque(google: Google, dana: Any) -> None:
    series = insert(dana, weekly())
    old = dana.events().instances(calendarId="primary", eventId=series["id"]).execute()["items"]
    google.control.set_options(instance_ids="opaque")
    new = dana.events().instances(calendarId="primary", eventId=series["id"]).execute()["items"]
    assert not {each["id"] for each in old} & {each["id"] for each in new}
    assert not any(series["id"] in each["id"] for each in new)
    places = [[(each["recurringEventId"], each["originalStartTime"]) for each in side] for side in (old, new)]
    assert sorted(map(str, places[0])) == sorted(map(str, places[1]))
    patch(dana, new[0], {"summary": "moved"}).execute()
    assert refused(patch(dana, old[0], {"summary": "x"})) == (404, "notFound")
    assert summaries(everything(dana, singleEvents=True)[0]) == ["Class"] * 3 + ["moved"]


@pytest.mark.parametrize("verb", ["patch", "update", "delete"])
def test_W4_if_match_with_an_old_etag_is_412(dana: Any, verb: str) -> None:
    made = insert(dana, event())
    newer = patch(dana, made, {"summary": "new"}).execute()
    body = {} if verb == "delete" else {"body": event()}
    request = getattr(dana.events(), verb)(calendarId="primary", eventId=made["id"], **body)
    request.headers["If-Match"] = made["etag"]
    assert refused(request) == (412, "conditionNotMet")
    request.headers["If-Match"] = newer["etag"]
    request.execute()


def test_W4_if_none_match_on_get_is_304(dana: Any) -> None:
    made = insert(dana, event())
    request = dana.events().get(calendarId="primary", eventId=made["id"])
    request.headers["If-None-Match"] = made["etag"]
    with pytest.raises(HttpError) as caught:
        request.execute()
    assert caught.value.resp.status == 304


def test_W5_patch_replaces_arrays_and_null_deletes(dana: Any) -> None:
    body = event(
        attendees=[{"email": AMIR}, {"email": JO}], extendedProperties={"private": {"crm": "1", "old": "2"}}
    )
    made = insert(dana, body)
    changed = patch(
        dana, made, {"attendees": [{"email": JO}], "extendedProperties": {"private": {"old": None}}}
    ).execute()
    assert [each["email"] for each in changed["attendees"]] == [JO]
    assert changed["extendedProperties"] == {"private": {"crm": "1"}}
    assert changed["summary"] == "Call"


def test_W5_update_resets_what_is_left_out(dana: Any) -> None:
    made = insert(dana, event(description="notes", location="Room 2", reminders={"useDefault": False}))
    body = {"start": made["start"], "end": made["end"], "summary": "Call"}
    changed = dana.events().update(calendarId="primary", eventId=made["id"], body=body).execute()
    assert {"description", "location"} & set(changed) == set()
    assert changed["reminders"] == {"useDefault": True}
    assert (changed["iCalUID"], changed["created"]) == (made["iCalUID"], made["created"])


def test_W5_an_event_read_and_sent_back_whole_is_accepted(dana: Any) -> None:
    made = insert(dana, event(attendees=[{"email": AMIR}, {"email": DANA}]))
    made["summary"] = "New"
    changed = dana.events().update(calendarId="primary", eventId=made["id"], body=made).execute()
    assert changed["summary"] == "New"


def test_W6_a_patch_keeps_the_fields_we_do_not_know(dana: Any) -> None:
    made = insert(dana, event(eventLabelId="label", source={"title": "x", "url": "https://example.com"}))
    changed = patch(dana, made, {"summary": "New"}).execute()
    assert (changed["eventLabelId"], changed["source"]["title"]) == ("label", "x")


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        ({"date": "2026-03-03"}, {"dateTime": "2026-03-03T10:00:00Z"}, "invalid"),
        ({"date": "2026-03-03"}, {"date": "2026-03-03"}, "timeRangeEmpty"),
        ({"dateTime": "2026-03-03T10:00:00Z"}, {"dateTime": "2026-03-03T09:00:00Z"}, "timeRangeEmpty"),
        ({"dateTime": "2026-03-03T10:00:00"}, {"dateTime": "2026-03-03T11:00:00"}, "required"),
        (
            {"dateTime": "2026-03-03T10:00:00", "timeZone": "Mars/Base"},
            {"dateTime": "2026-03-03T11:00:00", "timeZone": "Mars/Base"},
            "invalid",
        ),
        ({"date": "2026-03-03", "dateTime": "2026-03-03T10:00:00Z"}, {"date": "2026-03-04"}, "invalid"),
        ({"date": "2026-13-03"}, {"date": "2026-13-04"}, "invalid"),
    ],
)
def test_W7_start_and_end_are_checked(dana: Any, start: Any, end: Any, reason: str) -> None:
    body = {"summary": "x", "start": start, "end": end}
    assert refused(dana.events().insert(calendarId="primary", body=body)) == (400, reason)


def test_W7_a_series_needs_a_zone_and_an_all_day_end_is_exclusive(dana: Any) -> None:
    body = event(recurrence=["RRULE:FREQ=DAILY;COUNT=2"])
    assert refused(dana.events().insert(calendarId="primary", body=body)) == (400, "required")
    day = insert(dana, {"summary": "x", "start": {"date": "2026-03-03"}, "end": {"date": "2026-03-04"}})
    assert (day["start"], day["end"]) == ({"date": "2026-03-03"}, {"date": "2026-03-04"})


def test_W7_answers_are_in_the_calendars_zone(google: Google) -> None:
    tokyo = google.control.add_calendar(DANA, "Tokyo", time_zone="Asia/Tokyo")
    made = google.service(DANA).events().insert(calendarId=tokyo, body=event()).execute()
    assert made["start"] == {"dateTime": "2026-03-03T19:00:00+09:00", "timeZone": "Asia/Tokyo"}


@pytest.mark.parametrize(
    ("send", "mailed"),
    [("all", {AMIR, "pat@example.net"}), ("externalOnly", {"pat@example.net"}), ("none", set())],
)
def test_W8_send_updates_decides_who_is_mailed(
    google: Google, dana: Any, send: str, mailed: set[str]
) -> None:
    guests = [{"email": DANA}, {"email": AMIR}, {"email": "pat@example.net"}]
    made = insert(dana, event(attendees=guests), sendUpdates=send)
    assert {each.to for each in google.control.invitations()} == mailed
    google.control.clear_invitations()
    patch(dana, made, {"attendees": [{"email": AMIR}]}, sendUpdates="all").execute()
    told = {each.to: each.what for each in google.control.invitations()}
    assert told == {DANA: "cancelled"} | {AMIR: "updated", "pat@example.net": "cancelled"} or told == {
        AMIR: "updated",
        "pat@example.net": "cancelled",
    }


def test_W9_a_conference_needs_its_version_and_comes_later(dana: Any) -> None:
    asked = {"conferenceData": {"createRequest": {"requestId": "one"}}}
    refusal = dana.events().insert(calendarId="primary", body=event() | asked)
    assert refused(refusal) == (400, "invalid")
    made = insert(dana, event() | asked, conferenceDataVersion=1)
    assert made["conferenceData"]["createRequest"]["status"] == {"statusCode": "pending"}
    assert "hangoutLink" not in made
    later = dana.events().get(calendarId="primary", eventId=made["id"]).execute()
    assert later["conferenceData"]["createRequest"]["status"] == {"statusCode": "success"}
    assert later["hangoutLink"] == later["conferenceData"]["entryPoints"][0]["uri"]
    assert later["etag"] != made["etag"]


def test_W9_attachments_and_reminders_have_limits(dana: Any) -> None:
    attachment = {"attachments": [{"fileUrl": "https://example.com/a"}]}
    assert refused(dana.events().insert(calendarId="primary", body=event() | attachment)) == (400, "invalid")
    assert insert(dana, event() | attachment, supportsAttachments=True)["attachments"]
    many = {"reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 1}] * 6}}
    assert refused(dana.events().insert(calendarId="primary", body=event() | many)) == (400, "invalid")
    long = {"reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 40321}]}}
    assert refused(dana.events().insert(calendarId="primary", body=event() | long)) == (400, "invalid")


def test_W10_the_label_version_is_not_implemented_but_the_label_is_kept(dana: Any) -> None:
    labelled = dana.events().insert(calendarId="primary", body=event(), eventLabelVersion=1)
    assert refused(labelled) == (501, "notImplemented")
    assert insert(dana, event(colorId="5"))["colorId"] == "5"


def test_W11_long_keys_are_dropped_and_long_values_cut(dana: Any) -> None:
    properties = {"k" * 45: "lost", "k" * 44: "v" * 1025}
    made = insert(dana, event(extendedProperties={"private": properties}))
    assert made["extendedProperties"] == {"private": {"k" * 44: "v" * 1024}}
    many = {f"k{number}": "v" for number in range(301)}
    body = event(extendedProperties={"private": many})
    assert refused(dana.events().insert(calendarId="primary", body=body)) == (400, "invalid")


def test_W12_a_batch_answers_each_call_by_itself(google: Google, dana: Any) -> None:
    made = insert(dana, event())
    answers: dict[str, Any] = {}
    batch = dana.new_batch_http_request(
        callback=lambda name, response, error: answers.update({name: error or response})
    )
    batch.add(dana.events().get(calendarId="primary", eventId=made["id"]), request_id="there")
    batch.add(dana.events().get(calendarId="primary", eventId="missing"), request_id="not-there")
    batch.add(dana.events().insert(calendarId="primary", body=event("one")), request_id="first")
    batch.add(dana.events().insert(calendarId="primary", body=event("two")), request_id="second")
    batch.execute()
    assert answers["there"]["id"] == made["id"]
    assert answers["not-there"].resp.status == 404
    assert answers["first"]["summary"] == "one"
    assert answers["second"].resp.status == 409
    assert answers["second"].error_details[0]["reason"] == "conflict"
    assert summaries(everything(dana)[0]) == ["Call", "one"]


def test_W12_a_batch_holds_1000_calls(google: Google) -> None:
    part = "--b\r\nContent-Type: application/http\r\n\r\nGET /calendar/v3/colors HTTP/1.1\r\n\r\n\r\n"
    headers = {"content-type": "multipart/mixed; boundary=b"}
    statuses = [
        google.fetch("/batch/calendar/v3", method="POST", data=part * calls + "--b--", headers=headers)[
            0
        ].status
        for calls in (1000, 1001)
    ]
    assert statuses == [200, 400]


def test_W13_a_refused_scope_is_told_in_both_lists(google: Google) -> None:
    service = google.service(DANA, ("calendar.calendarlist.readonly",))
    with pytest.raises(HttpError) as caught:
        service.events().list(calendarId="primary").execute()
    error = json.loads(caught.value.content)["error"]
    assert (error["code"], error["errors"][0]["reason"]) == (403, "insufficientPermissions")
    assert error["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    assert caught.value.error_details == error["details"]


def test_W14_404_for_what_never_was_and_for_what_is_no_longer_shared(google: Google, dana: Any) -> None:
    assert refused(dana.events().get(calendarId="primary", eventId="nothing")) == (404, "notFound")
    team = google.calendars["Team holidays"]
    dana.events().list(calendarId=team).execute()
    google.control.share(team, DANA, None)
    assert refused(dana.events().list(calendarId=team)) == (404, "notFound")
    assert refused(dana.events().list(calendarId="nobody@example.com")) == (404, "notFound")


def test_a_field_that_only_google_sets_is_refused(dana: Any) -> None:
    for name, value in {"htmlLink": "x", "etag": "x", "organizer": {"email": "x@example.com"}}.items():
        assert refused(dana.events().insert(calendarId="primary", body=event(**{name: value}))) == (
            400,
            "invalid",
        )
    made = insert(dana, event())
    assert refused(patch(dana, made, {"iCalUID": "other"})) == (400, "invalid")


def test_sequence_rises_when_the_time_moves(dana: Any) -> None:
    made = insert(dana, event())
    renamed = patch(dana, made, {"summary": "x"}).execute()
    moved = patch(dana, made, {"end": {"dateTime": "2026-03-03T12:00:00Z"}}).execute()
    assert (made["sequence"], renamed["sequence"], moved["sequence"]) == (0, 0, 1)


def test_an_event_can_be_moved_to_another_calendar(google: Google, dana: Any) -> None:
    made = insert(dana, event())
    clinic = google.calendars["Clinic"]
    moved = dana.events().move(calendarId="primary", eventId=made["id"], destination=clinic).execute()
    assert (moved["id"], moved["iCalUID"]) == (made["id"], made["iCalUID"])
    assert moved["organizer"] == {"email": clinic, "displayName": "Clinic", "self": True}
    assert everything(dana)[0] == []
    assert summaries(everything(dana, calendar=clinic)[0]) == ["Call"]
