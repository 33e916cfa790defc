"""Plain HTTP to Google's OAuth endpoints, and the transport the API's requests go through."""

import http.client
import json
import urllib.parse
from collections.abc import Iterable
from typing import Any

import httplib2
from django.conf import settings

from integrations.google.errors import TryLater

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
UNREACHABLE = "Google could not be reached."
# What a request raises when nothing that counts as an answer came.
NETWORK_ERRORS = (OSError, http.client.HTTPException, httplib2.HttpLib2Error)


class Http(httplib2.Http):  # type: ignore[misc]  # httplib2 tells no types
    """Hands every 401 on: httplib2 would answer the challenge itself, and fails at one that only says "Bearer". Of the
    last request it tells whether it was sent again, as httplib2 does where a connection closed unanswered.
    """

    was_repeated = False

    def _auth_from_challenge(self, *_: Any) -> Iterable[Any]:
        return ()

    def _conn_request(self, conn: http.client.HTTPConnection, *request: Any) -> Any:
        sent = 0

        def send(*args: Any, **options: Any) -> None:
            nonlocal sent
            sent += 1
            type(conn).request(conn, *args, **options)

        conn.request = send  # type: ignore[method-assign]
        try:
            return super()._conn_request(conn, *request)
        finally:
            del conn.request
            self.was_repeated = sent > 1


def new_http() -> Http:
    """A transport for one unit of work: sharing one between threads hands answers to the wrong caller."""
    transport = Http(timeout=settings.GOOGLE_TIMEOUT_SECONDS)
    # Google answers 308 to an unfinished upload, which is no redirect; its library does the same.
    transport.redirect_codes = transport.redirect_codes - {308}
    return transport


def post_form(
    transport: httplib2.Http, url: str, fields: dict[str, str]
) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, JSON ({} where there is none) and headers of the answer. Raises TryLater."""
    return _ask(transport, url, "POST", urllib.parse.urlencode(fields), FORM)


def get_json(transport: httplib2.Http, url: str, *, token: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    """As `post_form`, for a GET that `token` signs."""
    return _ask(transport, url, "GET", None, {"Authorization": f"Bearer {token}"})


def _ask(
    transport: httplib2.Http, url: str, method: str, body: str | None, headers: dict[str, str]
) -> tuple[int, dict[str, Any], dict[str, str]]:
    try:
        response, content = transport.request(url, method, body=body, headers=headers)
    except NETWORK_ERRORS as error:
        raise TryLater(UNREACHABLE) from error
    try:
        answer = json.loads(content)
    except ValueError:
        answer = {}
    return int(response.status), answer if isinstance(answer, dict) else {}, dict(response)
