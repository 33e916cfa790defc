"""Google's own client library: the only module that imports it.

The import costs 150 to 300 ms and 31 MB, which no web process pays before it first talks to Google:
`client.py` imports this module at its first use.
"""

import functools
import json
from dataclasses import dataclass
from importlib import resources
from typing import Any, Protocol

import httplib2
from django.conf import settings
from django.utils import timezone
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError

from integrations.google.answers import Refusal, read_refusal
from integrations.google.errors import TryLater
from integrations.google.transport import NETWORK_ERRORS, UNREACHABLE

API_PATH = "calendar/v3/"
UNREADABLE = "Google's answer could not be read."


class Request(Protocol):
    """What the library's methods return: headers may be added before it is executed."""

    uri: str
    headers: dict[str, str]

    def execute(self, http: Any, num_retries: int = 0) -> Any: ...


class Answered(Exception):
    """Google answered, and it was not a success."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.status)
        self.refusal = refusal


@functools.cache
def _document() -> str:
    source = resources.files("googleapiclient.discovery_cache.documents").joinpath("calendar.v3.json")
    return source.read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Resources:
    """What requests are made of. They hold no connection, and any number of threads and accounts share them."""

    events: Any
    calendar_list: Any
    channels: Any


def resources_now() -> Resources:
    """Those of the Calendar API at the address in settings."""
    return _resources_at(settings.GOOGLE_CALENDAR_API_URL)


@functools.lru_cache(maxsize=4)
def _resources_at(api_url: str) -> Resources:
    """Made once a process: each takes 1.3 ms, several times what a pull needs elsewhere."""
    service = service_at(api_url)
    return Resources(service.events(), service.calendarList(), service.channels())


@functools.lru_cache(maxsize=4)
def service_at(api_url: str) -> Any:
    """The Calendar API, its document moved to `api_url`. (`api_endpoint` moves single calls and leaves batches at
    Google's own host.) Nothing goes through its own transport: `execute` is told that of each request.
    """
    root = api_url.removesuffix(API_PATH)
    document: dict[str, Any] = json.loads(_document())
    document |= {"rootUrl": root, "mtlsRootUrl": root, "baseUrl": api_url, "servicePath": API_PATH}
    return build_from_document(document, http=httplib2.Http())


def execute(request: Request, transport: Any) -> dict[str, Any]:
    """The answer to `request` over `transport`, an httplib2.Http or a wrapper of one; {} where it has no body, as that
    of a deletion. Raises Answered for a refusal, and TryLater when nothing that counts as an answer came.

    No retries here: the library sleeps without a cap and ignores Retry-After; rows are our retry. httplib2
    by itself repeats a request whose connection closed unanswered, a POST too: our own event ids make it
    harmless.
    """
    try:
        answer = request.execute(http=transport, num_retries=0)
    except HttpError as error:
        headers = {name.lower(): str(value) for name, value in error.resp.items()}
        raise Answered(
            read_refusal(int(error.resp.status), error.content, headers, now=timezone.now())
        ) from None
    except NETWORK_ERRORS as error:
        raise TryLater(UNREACHABLE) from error
    except ValueError as error:
        raise TryLater(UNREADABLE) from error
    if answer and not isinstance(answer, dict):
        # The library hands on what is no JSON as it came: the page of a proxy, most often.
        raise TryLater(UNREADABLE)
    return answer or {}
