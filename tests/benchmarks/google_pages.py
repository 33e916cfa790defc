"""Google's answers, rendered once, and a transport that hands them out: what is measured is our side alone."""

import datetime
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httplib2

NOW = datetime.datetime(2026, 3, 2, 9, tzinfo=datetime.UTC)
PAGE = 2500


def event(number: int, guests: tuple[str, ...] = (), etag: int = 0) -> dict[str, Any]:
    start = NOW + datetime.timedelta(hours=1, minutes=20 * number % 500_000)
    return {
        "kind": "calendar#event",
        "etag": f'"{number * 1000 + etag}"',
        "id": f"event{number:07d}",
        "status": "confirmed",
        "htmlLink": f"https://www.google.com/calendar/event?eid={number}",
        "created": "2026-03-01T09:00:00.000Z",
        "updated": "2026-03-01T09:00:00.000Z",
        "summary": f"Consultation {number}",
        "description": "What it is about.",
        "creator": {"email": "dana@example.com", "self": True},
        "organizer": {"email": "dana@example.com", "self": True},
        "start": {"dateTime": start.isoformat(), "timeZone": "Europe/London"},
        "end": {
            "dateTime": (start + datetime.timedelta(minutes=30)).isoformat(),
            "timeZone": "Europe/London",
        },
        "iCalUID": f"event{number:07d}@google.com",
        "sequence": 0,
        "attendees": [
            {"email": "dana@example.com", "self": True, "organizer": True, "responseStatus": "accepted"},
            *({"email": guest, "responseStatus": "needsAction"} for guest in guests),
        ]
        if guests
        else [],
        "reminders": {"useDefault": True},
        "eventType": "default",
    }


def calendar_of(number: int, *, with_guests: int = 0, distinct: int = 1) -> list[dict[str, Any]]:
    """`number` events, the first `with_guests` of them with one of `distinct` guests each."""
    return [event(n, (f"guest{n % distinct}@x.org",) if n < with_guests else ()) for n in range(number)]


class Pages:
    """An httplib2 look-alike: pages of `events` for a full list, `changes` for any sync token. Counts requests."""

    def __init__(
        self, events: list[dict[str, Any]], changes: list[dict[str, Any]] | None = None, page: int = PAGE
    ) -> None:
        starts = range(0, max(len(events), 1), page)
        self.bodies = [
            self._body(events[start : start + page], at + 1, start + page >= len(events))
            for at, start in enumerate(starts)
        ]
        self.changed = self._body(changes or [], 0, True)
        self.requests = 0

    @staticmethod
    def _body(items: list[dict[str, Any]], following: int, is_last: bool) -> bytes:
        more = {"nextSyncToken": "token"} if is_last else {"nextPageToken": str(following)}
        return json.dumps(
            {"kind": "calendar#events", "timeZone": "Europe/London", "items": items, **more}
        ).encode()

    def request(self, uri: str, *args: Any, **kwargs: Any) -> tuple[httplib2.Response, bytes]:
        self.requests += 1
        asked = parse_qs(urlsplit(uri).query)
        body = self.changed if "syncToken" in asked else self.bodies[int(asked.get("pageToken", ["0"])[0])]
        return httplib2.Response({"status": "200", "content-type": "application/json"}), body

    def close(self) -> None:
        """Nothing is open."""
