"""The OAuth conversation: send a person to Google, exchange what they bring back, give the grant back.

Renewing an access token is `tokens.py`. Google's OAuth library is imported at the first use, as `library.py`
is.
"""

import base64
import datetime
import json
import logging
import os
import secrets
import urllib.parse
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils import timezone

from integrations.google.errors import GoogleError, Refused, TryLater
from integrations.google.tokens import read_life
from integrations.google.transport import UNREACHABLE, get_json, new_http, post_form

logger = logging.getLogger(__name__)

SCOPE = "https://www.googleapis.com/auth/"
EVENTS = f"{SCOPE}calendar.events"
CALENDAR_LIST = f"{SCOPE}calendar.calendarlist.readonly"
SCOPES = ("openid", f"{SCOPE}userinfo.email", EVENTS, CALENDAR_LIST)
# A person may untick each of these; what they then cannot do, in words (A4).
ABILITIES = {
    EVENTS: "see and change the events of your calendars",
    CALENDAR_LIST: "see the list of your calendars",
}
# A wider grant that the project got at another time comes along (A5) and does as well.
EVERYTHING = f"{SCOPE}calendar"
WIDER = {
    EVENTS: {EVERYTHING},
    CALENDAR_LIST: {EVERYTHING, f"{SCOPE}calendar.readonly", f"{SCOPE}calendar.calendarlist"},
}


NO_ANSWER = "Google could not answer just now. Connect again in a moment."


@dataclass(frozen=True, slots=True)
class Departure:
    """Where to send the browser, and what to remember until it is back. The verifier stays on the server."""

    url: str
    state: str
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person gave us. `subject` is Google's number for them. `refresh_token` is "" where none came
    (A1).
    """

    subject: str
    address: str
    scopes: tuple[str, ...]
    expires_at: datetime.datetime
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


def is_configured() -> bool:
    return bool(settings.GOOGLE_CLIENT_ID and settings.GOOGLE_CLIENT_SECRET)


def missing_scopes(granted: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Those of ABILITIES that `granted` does not cover."""
    have = set(granted)
    return tuple(scope for scope in ABILITIES if scope not in have and not WIDER[scope] & have)


def depart(redirect_uri: str, *, login_hint: str = "", asks_consent: bool) -> Departure:
    """The way to Google's page. `asks_consent`: we hold no refresh token that works, and only consent gives
    one (A1).
    """
    flow = _flow(redirect_uri, scopes=SCOPES)
    options = {"access_type": "offline", "include_granted_scopes": "true"}
    options |= {"prompt": "consent"} if asks_consent else {}
    options |= {"login_hint": login_hint} if login_hint else {}
    url, state = flow.authorization_url(state=secrets.token_urlsafe(32), **options)
    return Departure(url, state, flow.code_verifier)


def exchange(code: str, *, verifier: str, redirect_uri: str) -> Grant:
    """What the person granted, and who they are. Raises Refused and TryLater."""
    answer = _fetch(code, verifier, redirect_uri)
    access_token = str(answer["access_token"])
    subject, address = _who(access_token, str(answer.get("id_token") or ""))
    # RFC 6749, 5.1: left out, it is what was asked for. oauthlib hands over a list, Google sends one string.
    scope = answer.get("scope") or SCOPES
    return Grant(
        subject=subject,
        address=address,
        scopes=tuple(sorted(scope.split() if isinstance(scope, str) else scope)),
        expires_at=timezone.now() + read_life(answer),
        access_token=access_token,
        refresh_token=str(answer.get("refresh_token") or ""),
    )


def revoke(token: str) -> bool:
    """Ends the grant that `token`, of either kind, belongs to (A9). True: it is over. Never raises."""
    try:
        with closing(new_http()) as transport:
            status, answer, _ = post_form(transport, settings.GOOGLE_REVOKE_URL, {"token": token})
    except TryLater:
        status, answer = 0, {}
    is_over = status == 200 or (status == 400 and answer.get("error") == "invalid_token")
    if not is_over:
        logger.warning("Google did not confirm the end of a grant (%s)", status)
    return is_over


# --- Google's library ---


def _flow(redirect_uri: str, *, scopes: tuple[str, ...] | None, verifier: str | None = None) -> Any:
    from google_auth_oauthlib.flow import Flow  # noqa: PLC0415 (0.3 s that only a connecting person needs)

    _allow_stand_in()
    client = {
        "client_id": settings.GOOGLE_CLIENT_ID,
        "client_secret": settings.GOOGLE_CLIENT_SECRET,
        "auth_uri": settings.GOOGLE_AUTHORIZE_URL,
        "token_uri": settings.GOOGLE_TOKEN_URL,
    }
    return Flow.from_client_config(
        {"web": client},
        scopes=scopes,
        redirect_uri=redirect_uri,
        code_verifier=verifier,
        autogenerate_code_verifier=verifier is None,
    )


def _allow_stand_in() -> None:
    """oauthlib refuses plain http by itself; a stand-in on this machine, or in a local run, speaks nothing
    else.

    The switch is the process's, but oauthlib is used nowhere else, and Google's own addresses never need it.
    """
    for url in (settings.GOOGLE_AUTHORIZE_URL, settings.GOOGLE_TOKEN_URL):
        if may_be_plain(url):
            os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"


def may_be_plain(url: str) -> bool:
    """Whether `url` is a plain http address that may be used: a stand-in on loopback, or any in a local run."""
    parts = urllib.parse.urlsplit(url)
    is_near = parts.hostname in ("127.0.0.1", "localhost", "::1")
    return parts.scheme == "http" and (is_near or settings.DEBUG)


def _fetch(code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
    import requests  # noqa: PLC0415 (as above)
    from oauthlib.oauth2 import OAuth2Error  # type: ignore[import-untyped]  # noqa: PLC0415 (needed at a connect alone)

    # No scopes: oauthlib would raise when a person unticked one (A4), unless told otherwise for the whole
    # process.
    flow = _flow(redirect_uri, scopes=None, verifier=verifier)
    try:
        with flow.oauth2session:
            answer = flow.fetch_token(
                code=code, include_client_id=True, timeout=settings.GOOGLE_TIMEOUT_SECONDS
            )
    except requests.RequestException as error:
        raise TryLater(UNREACHABLE) from error
    except OAuth2Error as error:
        raise _refusal(error.error) from None
    except (ValueError, TypeError, AttributeError) as error:
        # oauthlib takes whatever it is told for an object.
        raise TryLater(NO_ANSWER) from error
    return dict(answer)


def _refusal(error: object) -> GoogleError:
    if not isinstance(error, str) or error == "missing_token":
        # The page of a proxy, or the other envelope of Google's errors (W13).
        return TryLater(NO_ANSWER)
    if error == "invalid_grant":
        return Refused("Google's answer was too old or used already. Connect again.", error)
    if error in ("invalid_client", "unauthorized_client", "redirect_uri_mismatch", "insecure_transport"):
        logger.error("Google refused this site's own client: %s. Check the GOOGLE_… settings.", error)
        return Refused("Google does not accept this site's settings. Its operator has to look.", error)
    return Refused(f"Google did not complete the connection ({error}). Connect again.", error)


# --- who granted ---


def _who(access_token: str, id_token: str) -> tuple[str, str]:
    """Google's number for the person, and their address (A3).

    Asked of Google with the token just received; an id_token must then agree. Where that page has nothing to say,
    the id_token counts alone, once its signature is checked. Raises Refused and TryLater.
    """
    with closing(new_http()) as transport:
        status, told, _ = get_json(transport, settings.GOOGLE_USERINFO_URL, token=access_token)
    claimed = _unverified(id_token)
    if status >= 500:
        raise TryLater(f"Google could not say whose account this is ({status}).")
    if status != 200 or not told.get("sub"):
        told = claimed = _verified(id_token)
    if claimed.get("sub") not in (None, told.get("sub")):
        raise Refused("Google named two different accounts. Connect again.", "subjectMismatch")
    address = told.get("email") or claimed.get("email")
    if not told.get("sub") or not address:
        raise Refused("Google did not say whose account this is. Connect again.", "noIdentity")
    return str(told["sub"]), str(address).strip().lower()


def _unverified(id_token: str) -> dict[str, Any]:
    """The claims of `id_token`; {} where it is none. For comparing only: nobody checked the signature."""
    payload = id_token.split(".")[1] if id_token.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def _verified(id_token: str) -> dict[str, Any]:
    """The claims of `id_token` where its signature, audience and time are right; else {}."""
    import requests  # noqa: PLC0415 (as above)
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 (needed at a connect alone)
    from google.auth.transport.requests import Request  # noqa: PLC0415 (needed at a connect alone)
    from google.oauth2.id_token import verify_token  # noqa: PLC0415 (needed at a connect alone)
    from jwt import PyJWTError  # noqa: PLC0415 (needed at a connect alone)

    try:
        with requests.Session() as session:
            claims = verify_token(
                id_token,
                Request(session),
                audience=settings.GOOGLE_CLIENT_ID,
                certs_url=settings.GOOGLE_CERTS_URL,
                clock_skew_in_seconds=60,
            )
    except (GoogleAuthError, PyJWTError, ValueError):
        return {}
    return dict(claims)
