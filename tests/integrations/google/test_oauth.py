"""Whose grant it is, what it covers, and which addresses may be plain http."""

import logging
from contextlib import closing
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from integrations.google import oauth
from integrations.google.errors import Refused, TryLater
from integrations.google.transport import get_json, new_http
from tests.integrations.stand_in import AMIR, DANA, StandIn

BACK = "http://localhost/settings/integrations/google/callback/"
SCOPE = "https://www.googleapis.com/auth/"


def come_back(sandbox: StandIn, person: str = DANA) -> tuple[str, str]:
    """The code that Google gives for `person`, and the verifier that goes with it."""
    departure = oauth.depart(BACK, asks_consent=True)
    back = sandbox.control.authorize(departure.url, person)
    return parse_qs(urlsplit(back).query)["code"][0], departure.verifier


def test_grant_names_the_person_and_hides_its_tokens(sandbox: StandIn) -> None:
    code, verifier = come_back(sandbox)
    grant = oauth.exchange(code, verifier=verifier, redirect_uri=BACK)
    assert (grant.subject, grant.address) == (sandbox.subject(), DANA)
    assert grant.refresh_token not in repr(grant)
    assert grant.access_token not in repr(grant)
    assert oauth.missing_scopes(grant.scopes) == ()


def test_a2_code_without_its_verifier_is_refused(sandbox: StandIn) -> None:
    code, _ = come_back(sandbox)
    with pytest.raises(Refused):
        oauth.exchange(code, verifier="a" * 64, redirect_uri=BACK)


def test_a3_id_token_of_another_person_is_refused(sandbox: StandIn) -> None:
    code, verifier = come_back(sandbox, AMIR)
    id_token = oauth._fetch(code, verifier, BACK)["id_token"]
    with pytest.raises(Refused) as caught:
        oauth._who(sandbox.tokens(DANA).access_token, id_token)
    assert caught.value.reason == "subjectMismatch"


@pytest.mark.parametrize("id_token", ["", "a.b.c", "e30.e30.", "bnVsbA.bnVsbA.x"])
def test_a3_odd_id_token_does_not_outweigh_what_google_says_of_the_token(
    sandbox: StandIn, id_token: str
) -> None:
    assert oauth._who(sandbox.tokens(DANA).access_token, id_token) == (sandbox.subject(), DANA)


def test_a3_nobody_is_connected_who_is_not_named(sandbox: StandIn) -> None:
    sandbox.fault("oauth.userinfo", 404, reason="notFound")
    with pytest.raises(Refused) as caught:
        oauth._who(sandbox.tokens(DANA).access_token, "e30.eyJzdWIiOiIxIn0.unsigned")
    assert caught.value.reason == "noIdentity"


def test_a3_userinfo_that_is_down_is_for_later(sandbox: StandIn) -> None:
    sandbox.fault("oauth.userinfo", 503)
    with pytest.raises(TryLater):
        oauth._who(sandbox.tokens(DANA).access_token, "")


def test_a11_wrong_client_secret_is_told_to_operators(
    sandbox: StandIn, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    code, verifier = come_back(sandbox)
    settings.GOOGLE_CLIENT_SECRET = "wrong"
    with caplog.at_level(logging.ERROR), pytest.raises(Refused):
        oauth.exchange(code, verifier=verifier, redirect_uri=BACK)
    assert "invalid_client" in caplog.text
    assert code not in caplog.text


@pytest.mark.parametrize(
    ("granted", "missing"),
    [
        ([oauth.EVENTS, oauth.CALENDAR_LIST, "openid"], ()),
        ([oauth.EVENTS], (oauth.CALENDAR_LIST,)),
        ([], (oauth.EVENTS, oauth.CALENDAR_LIST)),
        ([f"{SCOPE}calendar"], ()),
        ([oauth.EVENTS, f"{SCOPE}calendar.readonly"], ()),
        ([f"{SCOPE}calendar.readonly"], (oauth.EVENTS,)),
    ],
)
def test_a4_a5_what_is_missing(granted: list[str], missing: tuple[str, ...]) -> None:
    assert oauth.missing_scopes(granted) == missing


def test_a5_signing_in_asks_for_nothing_of_the_calendar(client: Client, db: None, settings: Any) -> None:
    app = {"client_id": "an-id", "secret": "a-secret", "key": ""}
    google = settings.SOCIALACCOUNT_PROVIDERS["google"]
    settings.SOCIALACCOUNT_PROVIDERS = {"google": google | {"APPS": [app]}}
    asked = parse_qs(urlsplit(client.post(reverse("google_login")).headers["Location"]).query)
    assert set(asked["scope"][0].split()) == {"openid", "email", "profile"}
    assert asked["code_challenge_method"] == ["S256"]


def test_a6_token_we_hold_opens_what_we_need_and_nothing_more(sandbox: StandIn) -> None:
    """The stand-in refuses each method whose scope is not granted."""
    code, verifier = come_back(sandbox)
    token = oauth.exchange(code, verifier=verifier, redirect_uri=BACK).access_token
    paths = ("users/me/calendarList", f"calendars/{DANA}/events", f"calendars/{DANA}")
    with closing(new_http()) as transport:
        statuses = [
            get_json(transport, f"{sandbox.url}/calendar/v3/{path}", token=token)[0] for path in paths
        ]
    assert statuses == [200, 200, 403]


def test_a9_either_token_ends_the_grant_and_an_ended_one_counts_as_over(sandbox: StandIn) -> None:
    pair = sandbox.tokens()
    assert oauth.revoke(pair.access_token)
    assert oauth.revoke(pair.refresh_token)
    sandbox.fault("oauth.revoke", 500)
    assert not oauth.revoke("any")


@pytest.mark.parametrize(
    ("url", "debug", "allowed"),
    [
        ("http://127.0.0.1:81/token", False, True),
        ("http://localhost/token", False, True),
        ("http://stand-in:81/token", True, True),
        ("http://stand-in:81/token", False, False),
        ("http://127.0.0.1.evil.example/token", False, False),
        ("https://oauth2.googleapis.com/token", False, False),
    ],
)
def test_plain_http_is_for_a_stand_in_alone(url: str, debug: bool, allowed: bool, settings: Any) -> None:
    settings.DEBUG = debug
    assert oauth.may_be_plain(url) is allowed
