"""The log of what was asked of the sandbox, newest last."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from integrations.sandbox.errors import Json


@dataclass(frozen=True)
class LoggedRequest:
    """One call. `method` is Google's id (calendar.events.patch, oauth.token); status 0 means the connection
    was dropped."""

    at: datetime
    method: str
    person: str
    path: str
    query: list[tuple[str, str]]
    status: int
    if_match: str | None
    body: Json | None

    def parameter(self, name: str) -> str | None:
        return next((value for key, value in self.query if key == name), None)


class Journal:
    def __init__(self) -> None:
        self.entries: deque[LoggedRequest] = deque(maxlen=5000)

    def add(self, entry: LoggedRequest) -> None:
        self.entries.append(entry)

    def clear(self) -> None:
        self.entries.clear()

    def as_json(self) -> list[dict[str, Any]]:
        return [{**vars(each), "at": each.at.isoformat()} for each in self.entries]
