"""The control plane over HTTP, and what outlives a restart."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox import Sandbox, serve
from integrations.sandbox.wire import Request
from tests.integrations.sandbox.conftest import AMIR, DANA, NOW, Google, event, everything, refused


def post(google: Google, name: str, **body: Any) -> dict[str, Any]:
    response, content = google.fetch(f"/_control/{name}", method="POST", body=body)
    assert response.status == 200, content
    return dict(json.loads(content))


def test_tokens_are_issued_without_a_browser(google: Google) -> None:
    tokens = post(google, "tokens", person=DANA, scopes=["calendar.events"])
    service = google.service_for(tokens["access_token"])
    assert service.events().list(calendarId="primary").execute()["summary"] == DANA


def test_the_clock_is_set_moved_and_told(google: Google) -> None:
    assert datetime.fromisoformat(post(google, "clock", advance=60)["now"]).minute == 1
    post(google, "clock", now="2026-05-01T00:00:00+00:00")
    assert json.loads(google.fetch("/_control/clock")[1]) == {"now": "2026-05-01T00:00:00+00:00"}


def test_people_calendars_and_events_are_seeded(google: Google) -> None:
    made = post(
        google,
        "seed",
        people=[{"email": "lee@example.com", "name": "Lee"}],
        calendars=[{"owner": "lee@example.com", "summary": "Shop", "share": {DANA: "writer"}}],
        events=[{"person": DANA, "calendar": "Shop", "body": event("Delivery")}],
    )
    items, _ = everything(google.service(DANA), calendar=made["calendars"]["Shop"])
    assert [each["summary"] for each in items] == ["Delivery"]


def test_a_person_edits_from_outside(google: Google, dana: Any) -> None:
    made = post(google, "edit", do="insert", person=DANA, body=event(attendees=[{"email": AMIR}]))
    post(google, "edit", do="patch", person=DANA, id=made["id"], body={"summary": "New"})
    answer = {"responseStatus": "accepted"}
    post(google, "edit", do="respond", person=AMIR, id=made["id"], body=answer)
    told = dana.events().get(calendarId="primary", eventId=made["id"]).execute()
    assert (told["summary"], told["attendees"][0]["responseStatus"]) == ("New", "accepted")
    post(google, "edit", do="delete", person=DANA, id=made["id"])
    assert everything(dana)[0] == []
    assert {each["what"] for each in post(google, "invitations")["invitations"]} >= {"invited", "cancelled"}


def test_faults_and_dead_tokens_and_revocation(google: Google, dana: Any) -> None:
    _, token = everything(dana)
    post(google, "faults", method="calendar.events.list", status=503, count=1)
    assert refused(dana.events().list(calendarId="primary"))[0] == 503
    post(google, "expire-sync-tokens")
    assert refused(dana.events().list(calendarId="primary", syncToken=token))[0] == 410
    post(google, "share", calendar=DANA, person=AMIR, role="reader")
    post(google, "options", token_lifetime=60)
    logged = post(google, "requests", method="calendar.events.list", clear=True)["requests"]
    assert [each["status"] for each in logged] == [200, 503, 410]
    post(google, "revoke", person=DANA)
    assert google.sandbox.oauth.granted(DANA) is None
    assert post(google, "channels") == {"channels": []}


def test_a_reset_kills_old_sync_tokens_and_brings_the_seed_back(google: Google, dana: Any) -> None:
    _, token = everything(dana)
    post(google, "reset")
    fresh = google.service(DANA)
    assert refused(fresh.events().list(calendarId="primary", syncToken=token)) == (410, "fullSyncRequired")
    names = {each.get("summary") for each in everything(fresh)[0]}
    assert names >= {"Dentist", "Consultation with Priya Raman", "Team meeting", "Stocktaking", "Supervision"}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("faults", {"colour": "red"}),
        ("options", {"speed": 1}),
        ("edit", {"do": "sing", "person": DANA}),
        ("clock", []),
    ],
)
def test_nonsense_is_refused(google: Google, name: str, body: Any) -> None:
    assert google.fetch(f"/_control/{name}", method="POST", body=body)[0].status == 400


def test_only_loopback_and_only_json_is_answered(google: Google) -> None:
    assert google.fetch("/_control/reset", method="POST", form={"a": "b"})[0].status == 400
    from_afar = Request("GET", "/_control/requests", [], {}, remote="192.0.2.7")
    assert google.sandbox.answer(from_afar).status == 403
    assert google.fetch("/_control/unheard-of")[0].status == 404
    with pytest.raises(ValueError, match="loopback"):
        serve(google.sandbox, "192.0.2.7")


def test_a_restart_keeps_grants_events_and_sync_tokens(tmp_path: Path) -> None:
    path = tmp_path / "google.db"
    first = Sandbox(path, now=NOW)
    server = serve(first)
    before = Google(first, server.url, None)  # type: ignore[arg-type]  # no client is needed
    tokens = first.control.issue_tokens(DANA)
    _, token = everything(before.service_for(tokens.access_token))
    before.close()
    server.close()
    first.close()
    second = Sandbox(path)
    server = serve(second)
    after = Google(second, server.url, None)  # type: ignore[arg-type]  # no client is needed
    assert second.control.now() == NOW
    second.control.insert(DANA, DANA, event("After"))
    service = after.service_for(tokens.access_token)
    assert [each["summary"] for each in everything(service, syncToken=token)[0]] == ["After"]
    after.close()
    server.close()
    second.close()
