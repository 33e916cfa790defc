"""The pages on which a person keeps a calendar by hand, and the control page."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.integrations.sandbox.conftest import AMIR, DANA, Google, event, weekly

WEEK = f"/calendar/{DANA}/{DANA}/"
LUNCH = {
    "summary": "Lunch <b>",
    "date": "2026-03-04",
    "start": "12:30",
    "end": "13:30",
    "guests": f"{AMIR}, pat@example.net",
    "recurrence": "none",
    "visibility": "default",
    "transparency": "opaque",
    "location": "",
    "description": "",
}


def get(google: Google, path: str) -> str:
    response, content = google.fetch(path)
    assert response.status == 200
    return content.decode()


def post(google: Google, path: str, form: dict[str, str]) -> tuple[int, str]:
    response, content = google.fetch(path, method="POST", form=form)
    return response.status, content.decode()


def the_event(google: Google) -> dict[str, Any]:
    service = google.service(DANA)
    (found,) = service.events().list(calendarId="primary").execute()["items"]
    return dict(found)


def test_the_first_page_names_the_people_and_their_calendars(google: Google) -> None:
    page = get(google, "/")
    assert "a stand-in, not Google" in page
    for name in ("Dana Whitfield", "Amir Castellan", "Jo Brandt", "Clinic", "Family", "Team holidays"):
        assert name in page


def test_an_event_is_added_shown_changed_and_deleted(google: Google) -> None:
    status, _ = post(google, WEEK, LUNCH)
    assert status == 303
    made = the_event(google)
    assert made["start"] == {"dateTime": "2026-03-04T12:30:00Z", "timeZone": "Europe/London"}
    assert [each["email"] for each in made["attendees"]] == [AMIR, "pat@example.net"]
    week = get(google, f"{WEEK}?week=2026-03-04")
    assert "Lunch &lt;b&gt;" in week
    assert "12:30–13:30" in week
    page = get(google, f"{WEEK}{made['id']}/")
    assert 'id="save-event"' in page
    assert 'id="delete-event"' in page
    moved = LUNCH | {"do": "save", "summary": "Late lunch", "start": "14:00", "end": "15:00", "guests": AMIR}
    post(google, f"{WEEK}{made['id']}/", moved)
    changed = the_event(google)
    assert (changed["summary"], changed["start"]["dateTime"]) == ("Late lunch", "2026-03-04T14:00:00Z")
    assert len(changed["attendees"]) == 1
    post(google, f"{WEEK}{made['id']}/", {"do": "delete"})
    assert "Late lunch" not in get(google, f"{WEEK}?week=2026-03-04")


def test_an_all_day_private_free_event_of_a_week(google: Google) -> None:
    more = {"all_day": "1", "visibility": "private", "transparency": "transparent", "recurrence": "weekly"}
    post(google, WEEK, LUNCH | more | {"guests": ""})
    made = the_event(google)
    assert (made["start"], made["end"]) == ({"date": "2026-03-04"}, {"date": "2026-03-05"})
    assert (made["visibility"], made["transparency"]) == ("private", "transparent")
    assert made["recurrence"] == ["RRULE:FREQ=WEEKLY"]
    page = get(google, f"{WEEK}?week=2026-03-11")
    assert "all day · private · repeats" in page
    (instance,) = re.findall(rf'href="({WEEK}[^"]+/)"', page)
    assert 'id="whole-series"' in get(google, instance)


def test_an_event_made_all_day_and_back_keeps_its_other_fields(google: Google) -> None:
    made = google.control.insert(DANA, DANA, event(extendedProperties={"private": {"crm": "42"}}))
    page = f"{WEEK}{made['id']}/"
    assert "crm=42" in get(google, page)
    post(google, page, LUNCH | {"do": "save", "all_day": "1", "guests": ""})
    assert the_event(google)["start"] == {"date": "2026-03-04"}
    post(google, page, LUNCH | {"do": "save", "guests": ""})
    assert the_event(google)["end"]["dateTime"] == "2026-03-04T13:30:00Z"
    assert the_event(google)["extendedProperties"] == {"private": {"crm": "42"}}


def test_a_guest_accepts_and_declines(google: Google) -> None:
    made = google.control.insert(DANA, DANA, event(attendees=[{"email": AMIR}]))
    page = f"/calendar/{AMIR}/{AMIR}/{made['id']}/"
    assert 'id="accept"' in get(google, page)
    assert 'id="save-event"' not in get(google, page)
    for answer in ("accepted", "declined"):
        post(google, page, {"do": answer})
        assert the_event(google)["attendees"][0]["responseStatus"] == answer


def test_one_instance_of_a_series_is_moved_alone(google: Google) -> None:
    series = google.control.insert(DANA, DANA, weekly())
    page = f"{WEEK}{series['id']}_20260316T100000Z/"
    form = LUNCH | {"do": "save", "summary": "Moved", "date": "2026-03-17", "guests": ""}
    del form["recurrence"]
    post(google, page, form)
    week = get(google, f"{WEEK}?week=2026-03-16")
    assert "Moved" in week
    assert "Class" not in week
    assert "Class" in get(google, f"{WEEK}?week=2026-03-23")


def test_what_google_refuses_is_told(google: Google) -> None:
    status, page = post(google, WEEK, LUNCH | {"date": "someday"})
    assert status == 200
    assert "cannot be read" in page
    assert "Not done" in get(google, f"/calendar/{DANA}/{DANA}/missing/")


def test_a_calendar_shared_for_reading_has_no_form(google: Google) -> None:
    assert 'id="add-event"' in get(google, WEEK)
    team = google.calendars["Team holidays"]
    assert 'id="add-event"' not in get(google, f"/calendar/{DANA}/{team}/")


@pytest.mark.parametrize("path", [WEEK, "/_control/desk"])
def test_a_form_of_another_site_is_refused(google: Google, path: str) -> None:
    sent = {"origin": "https://elsewhere.example"}
    assert google.fetch(path, method="POST", form=LUNCH, headers=sent)[0].status == 404


def test_the_control_page_shows_requests_and_arms_faults(google: Google) -> None:
    google.service(DANA).events().list(calendarId="primary").execute()
    assert "calendar.events.list" in get(google, "/_control/")
    post(google, "/_control/desk", {"do": "unavailable"})
    assert "*: 503 ×3" in get(google, "/_control/")
    post(google, "/_control/desk", {"do": "clear"})
    assert "*: 503 ×3" not in get(google, "/_control/")
    tokens = google.control.issue_tokens(DANA)
    post(google, "/_control/desk", {"do": "revoke", "person": DANA})
    headers = {"authorization": f"Bearer {tokens.access_token}"}
    assert google.fetch("/calendar/v3/colors", headers=headers)[0].status == 401
