"""A1 to A11: consent, codes, tokens, scopes, revocation."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request as GoogleRequest
from google.oauth2.credentials import Credentials

from integrations.sandbox.faults import Fault
from tests.integrations.sandbox.conftest import AMIR, CLIENT, DANA, REDIRECT, Google, auth_url, refused

SCOPE = "https://www.googleapis.com/auth/"


def exchange(google: Google, code: str, **more: str) -> tuple[int, dict[str, Any]]:
    return google.token(grant_type="authorization_code", code=code, **more)


def refresh(google: Google, token: str) -> tuple[int, dict[str, Any]]:
    return google.token(grant_type="refresh_token", refresh_token=token)


def hidden(page: bytes) -> str:
    match = re.search(r'name="request" value="([^"]+)"', page.decode())
    assert match
    return match[1]


def test_A1_a_refresh_token_comes_at_the_first_offline_consent_only(google: Google) -> None:
    status, first = exchange(google, google.authorize())
    assert (status, first["token_type"]) == (200, "Bearer")
    assert first["refresh_token"]
    assert "refresh_token" not in exchange(google, google.authorize())[1]
    assert exchange(google, google.authorize(prompt="consent"))[1]["refresh_token"]
    assert "refresh_token" not in exchange(google, google.authorize(AMIR, access_type="online"))[1]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_id": "other"}, "invalid_client"),
        ({"redirect_uri": REDIRECT + "x"}, "redirect_uri_mismatch"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "https://www.googleapis.com/auth/drive"}, "invalid_scope"),
        ({"scope": ""}, "invalid_request"),
        ({"unheard_of": "1"}, "invalid_request"),
        ({"code_challenge": "abc"}, "invalid_request"),
        ({"access_type": "sometimes"}, "invalid_request"),
    ],
)
def test_A2_a_wrong_request_is_shown_to_the_person_and_not_redirected(
    google: Google, changed: dict[str, str], error: str
) -> None:
    response, page = google.fetch(auth_url(**changed))
    assert response.status == 400
    assert error in page.decode()


def test_A2_the_state_comes_back(google: Google) -> None:
    address = google.control.authorize(auth_url(state="s &=1"), DANA)
    assert address.startswith(REDIRECT)
    assert dict(parse_qsl(urlsplit(address).query))["state"] == "s &=1"


def test_A2_pkce_is_checked_when_it_was_begun(google: Google) -> None:
    verifier = "v" * 43
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    asked = {"code_challenge": challenge, "code_challenge_method": "S256"}
    for wrong in ({}, {"code_verifier": "w" * 43}):
        status, answer = exchange(google, google.authorize(**asked), **wrong)
        assert (status, answer["error"]) == (400, "invalid_grant")
    assert exchange(google, google.authorize(**asked), code_verifier=verifier)[0] == 200
    assert exchange(google, google.authorize(), code_verifier=verifier)[0] == 400


def test_A2_a_code_is_good_once_soon_and_for_its_own_address(google: Google) -> None:
    code = google.authorize()
    assert exchange(google, code, redirect_uri=REDIRECT + "x")[1]["error"] == "redirect_uri_mismatch"
    assert exchange(google, code)[0] == 200
    assert exchange(google, code)[1]["error"] == "invalid_grant"
    late = google.authorize()
    google.control.advance_clock(timedelta(minutes=11))
    assert exchange(google, late)[1]["error"] == "invalid_grant"


def test_A3_the_id_token_names_the_account(google: Google) -> None:
    _, answer = exchange(google, google.authorize(nonce="n1"))
    keys = json.loads(google.fetch("/oauth2/v3/certs")[1])["keys"]
    claims = jwt.decode(
        answer["id_token"],
        jwt.PyJWK(keys[0]).key,
        algorithms=["RS256"],
        audience=CLIENT.id,
        issuer="https://accounts.google.com",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert (claims["email"], claims["email_verified"], claims["nonce"]) == (DANA, True, "n1")
    userinfo = google.fetch(
        "/oauth2/v3/userinfo", headers={"authorization": f"Bearer {answer['access_token']}"}
    )
    assert json.loads(userinfo[1]) == {"sub": claims["sub"], "email": DANA, "email_verified": True}


def test_A3_the_subject_is_stable_and_an_access_denied_comes_back(google: Google) -> None:
    before = {each.email: each.sub for each in google.control.people()}
    google.control.reset(events=False)
    assert {each.email: each.sub for each in google.control.people()} == before
    assert len(set(before.values())) == 3
    address = google.control.authorize(auth_url(), DANA, deny=True)
    assert dict(parse_qsl(urlsplit(address).query)) == {"error": "access_denied", "state": "state-1"}


def test_A4_an_unticked_scope_is_missing_from_the_answer(google: Google) -> None:
    code = google.authorize(ticked=("calendar.calendarlist.readonly",))
    _, answer = exchange(google, code)
    granted = set(answer["scope"].split())
    assert granted == {"openid", SCOPE + "userinfo.email", SCOPE + "calendar.calendarlist.readonly"}
    service = google.service_for(answer["access_token"])
    service.calendarList().list().execute()
    assert refused(service.events().list(calendarId="primary")) == (403, "insufficientPermissions")


def test_A4_the_pages_offer_a_box_for_each_scope_and_a_way_out(google: Google) -> None:
    response, chooser = google.fetch(auth_url(login_hint=AMIR))
    assert response.status == 200
    assert "a stand-in, not Google" in chooser.decode()
    assert chooser.index(AMIR.encode()) < chooser.index(DANA.encode())
    form = {"request": hidden(chooser), "account": AMIR}
    _, consent = google.fetch("/o/oauth2/v2/auth/account", method="POST", form=form)
    boxes = re.findall(r'name="scope" value="([^"]+)" checked', consent.decode())
    assert boxes == [SCOPE + "calendar.events", SCOPE + "calendar.calendarlist.readonly"]
    decide = {"request": hidden(consent), "account": AMIR, "scope": boxes[0]}
    response, _ = google.fetch(
        "/o/oauth2/v2/auth/consent", method="POST", form=decide | {"decision": "allow"}
    )
    answer = dict(parse_qsl(urlsplit(response["location"]).query))
    assert response.status == 303
    assert SCOPE + "calendar.calendarlist.readonly" not in exchange(google, answer["code"])[1]["scope"]
    response, _ = google.fetch("/o/oauth2/v2/auth/consent", method="POST", form=decide | {"decision": "deny"})
    assert "error=access_denied" in response["location"]


def test_another_account_may_be_typed_in(google: Google) -> None:
    _, chooser = google.fetch(auth_url())
    form = {"request": hidden(chooser), "account": "New.Person@example.org"}
    _, consent = google.fetch("/o/oauth2/v2/auth/account", method="POST", form=form)
    assert "new.person@example.org" in consent.decode()
    assert [each.email for each in google.control.people()][-1] == "new.person@example.org"


def test_A5_granted_scopes_are_included_when_asked_for(google: Google) -> None:
    exchange(google, google.authorize(scope="openid email"))
    asked = {"scope": SCOPE + "calendar.events"}
    alone = exchange(google, google.authorize(**asked))[1]["scope"]
    together = exchange(google, google.authorize(include_granted_scopes="true", **asked))[1]["scope"]
    assert alone == SCOPE + "calendar.events"
    assert set(together.split()) == {"openid", SCOPE + "userinfo.email", SCOPE + "calendar.events"}


def test_A5_what_was_granted_needs_no_second_consent(google: Google) -> None:
    google.authorize()
    _, chooser = google.fetch(auth_url())
    form = {"request": hidden(chooser), "account": DANA}
    response, _ = google.fetch("/o/oauth2/v2/auth/account", method="POST", form=form)
    assert response["location"].startswith(REDIRECT)
    _, chooser = google.fetch(auth_url(prompt="consent"))
    form = {"request": hidden(chooser), "account": DANA}
    assert google.fetch("/o/oauth2/v2/auth/account", method="POST", form=form)[0].status == 200


def test_A6_each_method_wants_a_scope_of_its_own(google: Google) -> None:
    events_only = google.service(DANA, ("calendar.events",))
    assert refused(events_only.calendarList().list()) == (403, "insufficientPermissions")
    query = {"timeMin": "2026-03-03T00:00:00Z", "timeMax": "2026-03-04T00:00:00Z", "items": []}
    assert refused(events_only.freebusy().query(body=query)) == (403, "insufficientPermissions")
    reading = google.service(DANA, ("calendar.events.readonly",))
    insert = reading.events().insert(calendarId="primary", body={})
    assert refused(insert) == (403, "insufficientPermissions")


def test_A6_events_owned_reaches_only_calendars_they_own(google: Google) -> None:
    owned = google.service(DANA, ("calendar.events.owned",))
    owned.events().list(calendarId="primary").execute()
    assert refused(owned.events().list(calendarId=google.calendars["Team holidays"])) == (403, "forbidden")


def test_A6_app_created_reaches_only_calendars_the_app_made(google: Google) -> None:
    service = google.service(DANA, ("calendar.app.created",))
    made = service.calendars().insert(body={"summary": "CRM", "timeZone": "Europe/London"}).execute()
    service.events().list(calendarId=made["id"]).execute()
    assert refused(service.events().list(calendarId="primary")) == (403, "forbidden")


def test_A6_the_freebusy_scope_finds_no_shared_calendar(google: Google) -> None:
    team = google.calendars["Team holidays"]
    query = {"timeMin": "2026-03-03T00:00:00Z", "timeMax": "2026-03-04T00:00:00Z", "items": [{"id": team}]}
    narrow = google.service(DANA, ("calendar.freebusy",)).freebusy().query(body=query).execute()
    assert narrow["calendars"][team]["errors"][0]["reason"] == "notFound"
    wide = google.service(DANA, ("calendar.events.freebusy",)).freebusy().query(body=query).execute()
    assert wide["calendars"][team]["busy"] == []


def test_A7_a_revoked_grant_is_invalid_grant_and_401(google: Google) -> None:
    _, answer = exchange(google, google.authorize())
    service = google.service_for(answer["access_token"])
    service.events().list(calendarId="primary").execute()
    google.control.revoke(DANA)
    status, refusal = refresh(google, answer["refresh_token"])
    assert (status, refusal["error"]) == (400, "invalid_grant")
    assert refusal["error_description"] == "Token has been expired or revoked."
    path = "/calendar/v3/calendars/primary/events"
    for token in (answer["access_token"], "invented", answer["refresh_token"]):
        response, content = google.fetch(path, headers={"authorization": f"Bearer {token}"})
        assert response.status == 401
        assert response["www-authenticate"].startswith("Bearer realm=")
        assert json.loads(content)["error"]["errors"][0]["reason"] == "authError"


def test_A7_the_oldest_of_more_than_100_refresh_tokens_dies(google: Google) -> None:
    tokens = [google.control.issue_tokens(DANA).refresh_token for _ in range(101)]
    assert refresh(google, tokens[0])[1]["error"] == "invalid_grant"
    assert refresh(google, tokens[1])[0] == 200
    assert refresh(google, tokens[-1])[0] == 200


def test_A7_tokens_keep_within_their_sizes(google: Google) -> None:
    code = google.authorize()
    _, answer = exchange(google, code)
    assert len(code) <= 256
    assert len(answer["refresh_token"]) <= 512
    assert len(answer["access_token"]) <= 2048


def test_A8_a_refresh_brings_no_refresh_token_and_its_own_lifetime(google: Google) -> None:
    _, answer = exchange(google, google.authorize())
    google.control.set_options(token_lifetime=120)
    status, fresh = refresh(google, answer["refresh_token"])
    assert (status, fresh["expires_in"]) == (200, 120)
    assert {"refresh_token", "id_token"} & set(fresh) == set()
    path = "/calendar/v3/calendars/primary/events"
    google.control.advance_clock(timedelta(seconds=119))
    bearer = {"authorization": f"Bearer {fresh['access_token']}"}
    assert google.fetch(path, headers=bearer)[0].status == 200
    google.control.advance_clock(timedelta(seconds=2))
    assert google.fetch(path, headers=bearer)[0].status == 401


def test_A8_googles_own_library_refreshes(google: Google) -> None:
    tokens = google.control.issue_tokens(DANA)
    credentials = Credentials(
        None,
        refresh_token=tokens.refresh_token,
        token_uri=f"{google.url}/token",
        client_id=CLIENT.id,
        client_secret=CLIENT.secret,
    )
    with GoogleRequest().session as session:
        credentials.refresh(GoogleRequest(session))
        assert credentials.token
        google.control.revoke(DANA)
        with pytest.raises(RefreshError) as caught:
            credentials.refresh(GoogleRequest(session))
    assert caught.value.args[1]["error"] == "invalid_grant"


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_A9_revoking_either_token_ends_every_scope(google: Google, which: str) -> None:
    _, answer = exchange(google, google.authorize())
    response, _ = google.fetch("/revoke", method="POST", form={"token": answer[which]})
    assert response.status == 200
    assert refresh(google, answer["refresh_token"])[1]["error"] == "invalid_grant"
    bearer = {"authorization": f"Bearer {answer['access_token']}"}
    assert google.fetch("/oauth2/v3/userinfo", headers=bearer)[0].status == 401
    response, content = google.fetch("/revoke", method="POST", form={"token": answer[which]})
    assert (response.status, json.loads(content)["error"]) == (400, "invalid_token")
    assert exchange(google, google.authorize())[1]["refresh_token"]


@pytest.mark.parametrize("changed", [{"client_id": "other"}, {"client_secret": "wrong"}])
def test_A11_a_wrong_client_is_invalid_client(google: Google, changed: dict[str, str]) -> None:
    status, answer = exchange(google, google.authorize(), **changed)
    assert (status, answer["error"]) == (401, "invalid_client")


def test_a_fault_of_the_token_endpoint_has_its_own_shape(google: Google) -> None:
    google.control.add_fault(Fault("oauth.token", 400, "invalid_grant"))
    google.control.add_fault(Fault("oauth.token", 503))
    tokens = google.control.issue_tokens(DANA)
    assert refresh(google, tokens.refresh_token) == (
        400,
        {"error": "invalid_grant", "error_description": "Bad Request"},
    )
    assert refresh(google, tokens.refresh_token)[0] == 503
    assert refresh(google, tokens.refresh_token)[0] == 200
