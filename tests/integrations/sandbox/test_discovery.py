"""The sandbox routes from Google's discovery document and ignores nothing silently."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integrations.sandbox import discovery
from integrations.sandbox.discovery import Method
from tests.integrations.sandbox.conftest import DANA, Google, event

EVERY_SCOPE = tuple(discovery.scopes())
NOT_IMPLEMENTED = {
    "calendar.acl.delete",
    "calendar.acl.get",
    "calendar.acl.insert",
    "calendar.acl.list",
    "calendar.acl.patch",
    "calendar.acl.update",
    "calendar.acl.watch",
    "calendar.calendarList.delete",
    "calendar.calendarList.insert",
    "calendar.calendarList.patch",
    "calendar.calendarList.update",
    "calendar.calendars.clear",
    "calendar.calendars.delete",
    "calendar.calendars.patch",
    "calendar.calendars.transferOwnership",
    "calendar.calendars.update",
    "calendar.events.import",
    "calendar.events.quickAdd",
    "calendar.settings.get",
    "calendar.settings.list",
    "calendar.settings.watch",
}


def call(google: Google, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    token = google.control.issue_tokens(DANA, EVERY_SCOPE).access_token
    headers = {"authorization": f"Bearer {token}"}
    response, content = google.fetch(f"/calendar/v3/{path}", method=method, body=body, headers=headers)
    return response.status, json.loads(content) if content else {}


def example_path(method: Method, raw: str) -> str:
    required = [name for name, about in method.parameters.items() if about.get("required")]
    query = "&".join(f"{name}=x" for name in required if method.parameters[name]["location"] == "query")
    for name in method.parameters:
        raw = raw.replace("{" + name + "}", "primary" if name == "calendarId" else "x")
    return f"{raw}?{query}" if query else raw


def raw_paths() -> dict[str, str]:
    resources = discovery.document()["resources"].values()
    return {raw["id"]: raw["path"] for resource in resources for raw in resource["methods"].values()}


@pytest.mark.parametrize("method", discovery.methods(), ids=lambda method: method.id)
def test_every_method_is_implemented_or_refused_by_name(google: Google, method: Method) -> None:
    path = example_path(method, raw_paths()[method.id])
    status, answer = call(google, method.http_method, path, {} if method.request else None)
    message = answer.get("error", {}).get("message", "")
    if method.id in NOT_IMPLEMENTED:
        assert status == 501
        assert method.id in message
    else:
        assert status != 501, message
        assert status < 500


def test_a_path_that_google_does_not_have_is_404(google: Google) -> None:
    assert call(google, "GET", "calendars/primary/events/x/y")[0] == 404
    assert call(google, "PUT", "calendars/primary/events")[0] == 404


@pytest.mark.parametrize(
    ("query", "status", "named"),
    [
        ("unheard=1", 400, "unheard"),
        ("singleEvents=yes", 400, "singleEvents"),
        ("maxResults=0", 400, "maxResults"),
        ("maxResults=many", 400, "maxResults"),
        ("orderBy=colour", 400, "orderBy"),
        ("q=a&q=b", 400, "q"),
        ("fields=items", 501, "fields"),
        ("alwaysIncludeEmail=true", 501, "alwaysIncludeEmail"),
        ("showHiddenInvitations=true", 501, "showHiddenInvitations"),
        ("timeZone=Mars/Base", 400, "Mars/Base"),
    ],
)
def test_no_parameter_is_ignored(google: Google, query: str, status: int, named: str) -> None:
    answered, answer = call(google, "GET", f"calendars/primary/events?{query}")
    assert answered == status
    assert named in json.dumps(answer)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"unheard": 1}, "unheard"),
        ({"summary": 1}, "summary"),
        ({"attendees": [{"email": "a@example.com", "mood": "good"}]}, "attendees[0].mood"),
        ({"extendedProperties": {"private": {"a": 1}}}, "extendedProperties.private.a"),
        ({"reminders": {"useDefault": "no"}}, "reminders.useDefault"),
        ({"visibility": "hidden"}, "visibility"),
    ],
)
def test_no_field_of_a_body_is_ignored(google: Google, body: dict[str, Any], named: str) -> None:
    status, answer = call(google, "POST", "calendars/primary/events", event() | body)
    assert status == 400
    assert named in json.dumps(answer)


def test_a_body_must_be_json_and_an_object(google: Google) -> None:
    token = google.control.issue_tokens(DANA).access_token
    path, headers = "/calendar/v3/calendars/primary/events", {"authorization": f"Bearer {token}"}
    form = google.fetch(path, method="POST", form={"summary": "x"}, headers=headers)
    assert form[0].status == 400
    assert google.fetch(path, method="POST", body=[1], headers=headers)[0].status == 400
    assert google.fetch(path)[0].status == 401


def test_the_palette_and_the_calendar_are_told(google: Google) -> None:
    dana = google.service(DANA, ("calendar.readonly",))
    assert len(dana.colors().get().execute()["event"]) == 11
    assert dana.calendars().get(calendarId="primary").execute()["timeZone"] == "Europe/London"
