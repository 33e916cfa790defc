"""One sandbox for the session, emptied and seeded again for each test, and Google's own client in front of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import google_auth_httplib2
import httplib2
import pytest
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError

from integrations.sandbox import Client, Sandbox, discovery, serve
from integrations.sandbox.channels import Message
from integrations.sandbox.wire import Request, Response

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DANA, AMIR, JO = "dana@example.com", "amir@example.com", "jo@example.com"
REDIRECT = "http://127.0.0.1:8000/settings/integrations/google/callback/"
ALL_EVENTS = ("calendar.events", "calendar.calendarlist.readonly")
REQUIRED = {"Event": ["kind", "id", "status", "etag"], "Events": ["items", "timeZone", "accessRole"]}
CLIENT = Client("client-1", "client-secret", (REDIRECT,))


class Receiver:
    """Takes channel messages in place of the CRM; `answers` are the statuses of the next ones."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.answers: list[int] = []

    def __call__(self, message: Message) -> int:
        self.messages.append(message)
        return self.answers.pop(0) if self.answers else 204

    def headers(self, name: str) -> list[str]:
        return [message.headers.get(name, "") for message in self.messages]


def holds_null(value: Any) -> bool:
    """Anywhere in it. (A token may spell the word.)"""
    if isinstance(value, dict | list):
        return any(map(holds_null, value.values() if isinstance(value, dict) else value))
    return value is None


def unlike_the_document(request: Request, response: Response) -> Iterator[str]:
    """What an answer of the API has that the discovery document does not allow there."""
    method, _ = discovery.route(request.method, request.path.removeprefix("/calendar/v3/"))
    if 200 <= response.status < 300 and method.response:
        answer = json.loads(response.body)
        yield from (f"{method.id}: {text}" for _, text in discovery.problems(method.response, answer))
        if holds_null(answer):
            yield f"{method.id}: a null in {answer}"
        missing = set(REQUIRED.get(method.response, ())) - set(answer)
        yield from (f"{method.id}: no {name}" for name in sorted(missing))
    elif response.status == 204 and method.response:
        yield f"{method.id}: an answer without a body"


class Google:
    """The running sandbox as a client sees it, and its control."""

    def __init__(self, sandbox: Sandbox, url: str, receiver: Receiver) -> None:
        self.sandbox = sandbox
        self.control = sandbox.control
        self.url = url
        self.receiver = receiver
        self.calendars: dict[str, str] = {}
        self._open: list[Any] = []

    def service(self, person: str = DANA, scopes: tuple[str, ...] = ALL_EVENTS) -> Any:
        return self.service_for(self.control.issue_tokens(person, scopes).access_token)

    def service_for(self, access_token: str) -> Any:
        there = dict(discovery.document()) | {"rootUrl": f"{self.url}/", "mtlsRootUrl": f"{self.url}/"}
        http = google_auth_httplib2.AuthorizedHttp(Credentials(access_token), http=httplib2.Http(timeout=5))
        service = build_from_document(there, http=http)
        self._open.append(service)
        return service

    def fetch(
        self,
        path: str,
        *,
        method: str = "GET",
        form: dict[str, str] | None = None,
        body: Any = None,
        data: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[httplib2.Response, bytes]:
        """A plain request; redirects are not followed."""
        http = httplib2.Http(timeout=5)
        http.follow_redirects = False
        sent = dict(headers or {})
        if form is not None:
            data, sent["content-type"] = urlencode(form), "application/x-www-form-urlencoded"
        elif body is not None:
            data, sent["content-type"] = json.dumps(body), "application/json"
        try:
            return http.request(self.url + path, method, body=data, headers=sent)
        finally:
            http.close()

    def token(self, **form: str) -> tuple[int, dict[str, Any]]:
        """POST /token as the registered client."""
        whole = {"client_id": CLIENT.id, "client_secret": CLIENT.secret, "redirect_uri": REDIRECT} | form
        if whole["grant_type"] == "refresh_token":
            del whole["redirect_uri"]
        response, content = self.fetch("/token", method="POST", form=whole)
        return response.status, json.loads(content)

    def authorize(self, person: str = DANA, *, ticked: tuple[str, ...] | None = None, **changed: str) -> str:
        """The code that a consent of this person brings."""
        address = self.control.authorize(auth_url(**changed), person, scopes=ticked)
        return dict(parse_qsl(urlsplit(address).query))["code"]

    def close(self) -> None:
        for service in self._open:
            service.close()


def auth_url(**changed: str) -> str:
    arguments = {
        "client_id": CLIENT.id,
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": "openid email https://www.googleapis.com/auth/calendar.events"
        " https://www.googleapis.com/auth/calendar.calendarlist.readonly",
        "state": "state-1",
        "access_type": "offline",
    }
    return "/o/oauth2/v2/auth?" + urlencode(arguments | changed)


@pytest.fixture(scope="session")
def running() -> Iterator[tuple[Sandbox, str, Receiver]]:
    receiver = Receiver()
    sandbox = Sandbox(client=CLIENT, now=NOW, seed=False, sender=receiver)
    plain = sandbox.api.answer
    strays: list[str] = []

    def checked(request: Request) -> Response:
        response = plain(request)
        if response.status < 400:
            strays.extend(unlike_the_document(request, response))
        return response

    # Every answer given to any test of this folder is held against Google's own document.
    sandbox.api.answer = checked  # type: ignore[method-assign]  # a wrapped method
    server = serve(sandbox)
    yield sandbox, server.url, receiver
    assert strays == []
    server.close()
    sandbox.close()


@pytest.fixture
def google(running: tuple[Sandbox, str, Receiver]) -> Iterator[Google]:
    sandbox, url, receiver = running
    sandbox.control.clear()
    sandbox.control.set_clock(NOW)
    receiver.messages.clear()
    receiver.answers.clear()
    there = Google(sandbox, url, receiver)
    there.calendars = sandbox.control.seed(events=False)
    yield there
    there.close()


@pytest.fixture
def dana(google: Google) -> Any:
    """Dana's calendar service, with the scopes the product asks for."""
    return google.service(DANA)


def event(
    summary: str = "Call", day: int = 3, hour: int = 10, hours: float = 1, **more: Any
) -> dict[str, Any]:
    """An hour in March 2026, in UTC."""
    start = datetime(2026, 3, day, hour, tzinfo=UTC)
    times = {"start": start, "end": start + timedelta(hours=hours)}
    return {"summary": summary} | {k: {"dateTime": v.isoformat()} for k, v in times.items()} | more


def weekly(summary: str = "Class", count: int = 4, **more: Any) -> dict[str, Any]:
    """Mondays at ten in London from 9 March 2026; summer time begins on the 29th."""
    zone = "Europe/London"
    return {
        "summary": summary,
        "start": {"dateTime": "2026-03-09T10:00:00", "timeZone": zone},
        "end": {"dateTime": "2026-03-09T11:00:00", "timeZone": zone},
        "recurrence": [f"RRULE:FREQ=WEEKLY;COUNT={count}"],
    } | more


def everything(
    service: Any, calendar: str = "primary", **params: Any
) -> tuple[list[dict[str, Any]], str | None]:
    """All pages of a list, and the sync token of the last one."""
    items: list[dict[str, Any]] = []
    request = service.events().list(calendarId=calendar, **params)
    while True:
        page = request.execute()
        items += page["items"]
        following = service.events().list_next(request, page)
        if following is None:
            return items, page.get("nextSyncToken")
        request = following


def refused(request: Any) -> tuple[int, str]:
    """The status and reason a call is refused with."""
    with pytest.raises(HttpError) as caught:
        request.execute()
    error = json.loads(caught.value.content)["error"]
    return caught.value.resp.status, error["errors"][0]["reason"]


def summaries(items: list[dict[str, Any]]) -> list[str]:
    return sorted(item.get("summary", item["status"]) for item in items)
