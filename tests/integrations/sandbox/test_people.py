"""P1 to P9: organizers and guests, roles, visibility, kinds of events."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

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


def insert(service: Any, body: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = service.events().insert(calendarId="primary", body=body).execute()
    return made


def get(service: Any, event_id: str) -> dict[str, Any]:
    found: dict[str, Any] = service.events().get(calendarId="primary", eventId=event_id).execute()
    return found


def patch(service: Any, event_id: str, body: dict[str, Any]) -> Any:
    return service.events().patch(calendarId="primary", eventId=event_id, body=body)


@pytest.fixture
def amir(google: Google) -> Any:
    return google.service(AMIR)


@pytest.fixture
def meeting(dana: Any) -> dict[str, Any]:
    """Dana's meeting with Amir and Jo."""
    return insert(dana, event("Meeting", attendees=[{"email": DANA}, {"email": AMIR}, {"email": JO}]))


def answers(told: dict[str, Any]) -> dict[str, str]:
    return {each["email"]: each["responseStatus"] for each in told["attendees"]}


def test_P1_a_guest_gets_a_copy_with_the_same_id_and_uid(amir: Any, meeting: dict[str, Any]) -> None:
    copy = get(amir, meeting["id"])
    assert (copy["iCalUID"], copy["summary"]) == (meeting["iCalUID"], "Meeting")
    assert copy["organizer"] == {"email": DANA, "displayName": "Dana Whitfield"}
    assert meeting["organizer"]["self"] is True
    assert [each["email"] for each in copy["attendees"] if each.get("self")] == [AMIR]
    assert [each["email"] for each in copy["attendees"] if each.get("organizer")] == [DANA]


def test_P1_the_organizers_changes_reach_the_copies(dana: Any, amir: Any, meeting: dict[str, Any]) -> None:
    _, token = everything(amir)
    patch(dana, meeting["id"], {"summary": "Later", "start": meeting["start"]}).execute()
    assert summaries(everything(amir, syncToken=token)[0]) == ["Later"]
    dana.events().delete(calendarId="primary", eventId=meeting["id"]).execute()
    assert get(amir, meeting["id"])["status"] == "cancelled"


def test_P1_a_guest_taken_off_loses_the_copy(dana: Any, amir: Any, meeting: dict[str, Any]) -> None:
    patch(dana, meeting["id"], {"attendees": [{"email": JO}]}).execute()
    assert get(amir, meeting["id"])["status"] == "cancelled"


def test_P1_what_is_private_to_a_copy_stays_there(dana: Any, amir: Any, meeting: dict[str, Any]) -> None:
    own = {"colorId": "3", "transparency": "transparent", "extendedProperties": {"private": {"crm": "7"}}}
    patch(amir, meeting["id"], own).execute()
    assert "colorId" not in get(dana, meeting["id"])
    assert "extendedProperties" not in get(dana, meeting["id"])
    patch(dana, meeting["id"], {"summary": "New"}).execute()
    copy = get(amir, meeting["id"])
    assert (copy["colorId"], copy["summary"], copy["extendedProperties"]) == (
        "3",
        "New",
        {"private": {"crm": "7"}},
    )


@pytest.mark.parametrize(
    "change",
    [
        {"summary": "Mine"},
        {"start": {"dateTime": "2026-03-03T10:30:00Z"}},
        {"attendees": [{"email": AMIR}]},
        {"extendedProperties": {"shared": {"a": "b"}}},
    ],
)
def test_P2_a_guest_may_not_change_shared_fields(
    amir: Any, meeting: dict[str, Any], change: dict[str, Any]
) -> None:
    assert refused(patch(amir, meeting["id"], change)) == (403, "forbiddenForNonOrganizer")


def test_W5_a_guests_update_that_leaves_fields_out_is_403(amir: Any, meeting: dict[str, Any]) -> None:
    body = {"start": meeting["start"], "end": meeting["end"]}
    update = amir.events().update(calendarId="primary", eventId=meeting["id"], body=body)
    assert refused(update) == (403, "forbiddenForNonOrganizer")


@pytest.mark.parametrize("is_short", [True, False])
def test_P2_a_guests_answer_flows_back(
    google: Google, dana: Any, amir: Any, meeting: dict[str, Any], is_short: bool
) -> None:
    me = {"email": AMIR, "self": True, "responseStatus": "accepted"}
    others = [each for each in get(amir, meeting["id"])["attendees"] if each["email"] != AMIR]
    body = {"attendees": [me], "attendeesOmitted": True} if is_short else {"attendees": [*others, me]}
    patch(amir, meeting["id"], body).execute()
    assert answers(get(dana, meeting["id"]))[AMIR] == "accepted"
    assert answers(get(google.service(JO), meeting["id"]))[AMIR] == "accepted"
    assert answers(get(dana, meeting["id"]))[JO] == "needsAction"


def test_P2_a_guests_deletion_only_declines(dana: Any, amir: Any, meeting: dict[str, Any]) -> None:
    amir.events().delete(calendarId="primary", eventId=meeting["id"]).execute()
    assert get(amir, meeting["id"])["status"] == "cancelled"
    told = get(dana, meeting["id"])
    assert (told["status"], answers(told)[AMIR]) == ("confirmed", "declined")
    patch(dana, meeting["id"], {"summary": "Still on"}).execute()
    assert get(amir, meeting["id"])["status"] == "cancelled"


def test_P2_a_guest_answers_for_one_instance(dana: Any, amir: Any) -> None:
    series = insert(dana, weekly(attendees=[{"email": DANA}, {"email": AMIR}]))
    first, second = (
        amir.events().instances(calendarId="primary", eventId=series["id"], maxResults=2).execute()["items"]
    )
    body = {"attendees": [{"email": AMIR, "responseStatus": "declined"}], "attendeesOmitted": True}
    patch(amir, first["id"], body).execute()
    assert answers(get(dana, first["id"]))[AMIR] == "declined"
    assert answers(get(dana, second["id"]))[AMIR] == "needsAction"


def test_P2_a_reader_may_not_write(google: Google, dana: Any) -> None:
    team = google.calendars["Team holidays"]
    write = dana.events().insert(calendarId=team, body=event())
    assert refused(write) == (403, "requiredAccessLevel")
    assert dana.calendarList().get(calendarId=team).execute()["accessRole"] == "reader"


def test_P3_guests_can_modify_when_the_organizer_says_so(dana: Any, amir: Any) -> None:
    made = insert(dana, event(attendees=[{"email": AMIR}], guestsCanModify=True))
    assert patch(amir, made["id"], {"summary": "Amir's"}).execute()["summary"] == "Amir's"
    assert get(dana, made["id"])["summary"] == "Amir's"


def test_P3_a_locked_event_keeps_its_main_fields(google: Google, dana: Any) -> None:
    made = google.control.insert(DANA, DANA, event(locked=True))
    assert made["locked"] is True
    assert refused(patch(dana, made["id"], {"summary": "x"})) == (403, "forbidden")
    assert patch(dana, made["id"], {"colorId": "2"}).execute()["colorId"] == "2"


def test_P4_an_answer_filled_in_beforehand_makes_no_copy(dana: Any, amir: Any) -> None:
    made = insert(dana, event(attendees=[{"email": AMIR, "responseStatus": "accepted"}]))
    assert refused(amir.events().get(calendarId="primary", eventId=made["id"])) == (404, "notFound")


def test_P5_a_reader_sees_of_a_private_event_only_its_time(google: Google, dana: Any) -> None:
    insert(dana, event("Dentist", visibility="private", location="Elm Row"))
    google.control.share(DANA, AMIR, "reader")
    (seen,) = everything(google.service(AMIR), calendar=DANA)[0]
    assert {"summary", "location", "organizer", "attendees"} & set(seen) == set()
    assert (seen["visibility"], seen["start"]["dateTime"]) == ("private", "2026-03-03T10:00:00Z")
    google.control.share(DANA, AMIR, "writerWithoutPrivateAccess")
    (seen,) = everything(google.service(AMIR), calendar=DANA)[0]
    assert "summary" not in seen
    write = google.service(AMIR).events().patch(calendarId=DANA, eventId=seen["id"], body={"summary": "x"})
    assert refused(write) == (403, "forbidden")


def test_P6_free_busy_counts_what_blocks(google: Google) -> None:
    for number, more in enumerate(
        [{}, {"transparency": "transparent"}, {"eventType": "workingLocation"}, {"hours": 0.5}]
    ):
        google.control.insert(DANA, DANA, event(hour=8 + 2 * number, **more))
    invited = google.control.insert(AMIR, AMIR, event(day=4, attendees=[{"email": DANA}]))
    google.control.respond(DANA, invited["id"], "declined")
    service = google.service(DANA, ("calendar.events.freebusy",))
    body = {
        "timeMin": "2026-03-03T00:00:00Z",
        "timeMax": "2026-03-06T00:00:00Z",
        "items": [{"id": DANA}, {"id": JO}],
    }
    calendars = service.freebusy().query(body=body).execute()["calendars"]
    assert calendars[DANA]["busy"] == [
        {"start": "2026-03-03T08:00:00Z", "end": "2026-03-03T09:00:00Z"},
        {"start": "2026-03-03T14:00:00Z", "end": "2026-03-03T14:30:00Z"},
    ]
    assert calendars[JO]["errors"][0]["reason"] == "notFound"


def test_P7_kinds_of_events_have_rules(google: Google, dana: Any) -> None:
    made = insert(dana, event(eventType="outOfOffice"))
    assert made["organizer"] == {"email": "unknownorganizer@calendar.google.com"}
    patch(dana, made["id"], {"summary": "Away"}).execute()
    assert refused(patch(dana, made["id"], {"eventType": "default"})) == (400, "eventTypeRestriction")
    clinic = google.calendars["Clinic"]
    elsewhere = dana.events().insert(calendarId=clinic, body=event(eventType="focusTime"))
    assert refused(elsewhere) == (400, "eventTypeRestriction")
    for body in (event(eventType="fromGmail"), event(eventType="birthday")):
        assert refused(dana.events().insert(calendarId="primary", body=body)) == (400, "eventTypeRestriction")
    move = dana.events().move(calendarId="primary", eventId=made["id"], destination=clinic)
    assert refused(move) == (400, "eventTypeRestriction")
    flight = google.control.insert(DANA, DANA, event("Flight", eventType="fromGmail"))
    assert refused(patch(dana, flight["id"], {"summary": "x"})) == (400, "eventTypeRestriction")
    patch(dana, flight["id"], {"colorId": "2"}).execute()


def test_P8_calendar_ids_are_encoded_and_primary_is_an_alias(google: Google, dana: Any) -> None:
    assert dana.events().list(calendarId="primary").execute()["summary"] == DANA
    assert dana.calendarList().get(calendarId="primary").execute()["id"] == DANA
    odd = "en.uk#holiday@group.v.calendar.google.com"
    with google.sandbox.channels.announced():
        google.sandbox.people.add_calendar(odd, DANA, {"summary": "Holidays", "timeZone": "UTC"})
    assert dana.events().list(calendarId=odd).execute()["summary"] == "Holidays"
    access = google.control.issue_tokens(DANA).access_token
    path = f"/calendar/v3/calendars/{quote(odd, safe='')}/events"
    assert google.fetch(path, headers={"authorization": f"Bearer {access}"})[0].status == 200


def test_P9_fields_of_later_versions_are_kept(dana: Any) -> None:
    made = insert(dana, event(eventLabelId="7"))
    assert patch(dana, made["id"], {"summary": "x"}).execute()["eventLabelId"] == "7"


def test_an_invitation_from_outside_is_answered_on_the_copy(google: Google, dana: Any) -> None:
    invitation = event(organizer={"email": "pat@example.net"}, attendees=[{"email": DANA}])
    made = google.control.insert(DANA, DANA, invitation)
    assert "self" not in made["organizer"]
    body = {"attendees": [{"email": DANA, "responseStatus": "accepted"}], "attendeesOmitted": True}
    assert answers(patch(dana, made["id"], body).execute()) == {DANA: "accepted"}
    assert refused(patch(dana, made["id"], {"summary": "x"})) == (403, "forbiddenForNonOrganizer")
