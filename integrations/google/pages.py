"""What Google answers beside single events: pages of them, calendars, channels; and the window asked for. Pure."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.google.events import (
    RemoteEvent,
    Unreadable,
    clean,
    read_event,
    zone_named,
)


@dataclass(frozen=True, slots=True)
class RemoteCalendar:
    google_id: str
    summary: str
    time_zone: str
    access_role: str
    colour: str
    is_primary: bool


@dataclass(frozen=True, slots=True)
class EventPage:
    events: tuple[RemoteEvent, ...]
    # Events nobody can make sense of: set aside, while the page goes on.
    unreadable: tuple[Unreadable, ...]
    # "" but on the last page (S1). Store it with what the last page changed, not before (S2).
    next_sync_token: str


@dataclass(frozen=True, slots=True)
class Channel:
    channel_id: str
    resource_id: str
    expires_at: datetime.datetime | None


def window(starts_at: datetime.datetime | None, ends_at: datetime.datetime | None) -> dict[str, str]:
    """L2: events that end after the one and start before the other; the offset is mandatory."""
    moments = (("timeMin", starts_at), ("timeMax", ends_at))
    return {
        name: moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for name, moment in moments
        if moment is not None
    }


def items_of(answer: Mapping[str, Any], key: str = "items") -> list[Mapping[str, Any]]:
    items = answer.get(key)
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def read_page(answer: dict[str, Any], google_id: str, time_zone: str, token: str) -> EventPage:
    """`answer`, which is empty afterwards: the garbage collector looks through what lives on again and again."""
    items = items_of(answer)[::-1]
    answer.clear()
    events: list[RemoteEvent] = []
    unreadable: list[Unreadable] = []
    while items:
        try:
            events.append(read_event(items.pop(), calendar_time_zone=time_zone, calendar_id=google_id))
        except Unreadable as error:
            unreadable.append(error)
    return EventPage(tuple(events), tuple(unreadable), token)


def has_id(item: Mapping[str, Any]) -> bool:
    """One that can be kept, and asked for."""
    google_id = item.get("id")
    return isinstance(google_id, str) and google_id != "" and clean(google_id) == google_id


def read_calendar(item: Mapping[str, Any]) -> RemoteCalendar:
    return RemoteCalendar(
        google_id=item["id"],
        summary=clean(str(item.get("summaryOverride") or item.get("summary") or item["id"])),
        # A zone younger than this machine's list of zones must not stop the pulls.
        time_zone=zone_named(str(item.get("timeZone") or "UTC")).key,
        access_role=clean(str(item.get("accessRole") or "reader")),
        colour=clean(str(item.get("backgroundColor") or "")),
        is_primary=item.get("primary") is True,
    )


def expiry(milliseconds: object) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromtimestamp(int(str(milliseconds)) / 1000, datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return None
