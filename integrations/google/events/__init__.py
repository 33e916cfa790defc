"""Google's event JSON ⇄ RemoteEvent. Pure: no clock, no network, no Django."""

from integrations.google.events.reading import LOCAL_ETAG, clean, read_event, zone_named
from integrations.google.events.shapes import (
    CRM_KEY,
    Attendee,
    EventDraft,
    EventPatch,
    RemoteEvent,
    Unreadable,
)
from integrations.google.events.writing import answer_for_us, merge_attendees, write_draft, write_patch

__all__ = [
    "CRM_KEY",
    "LOCAL_ETAG",
    "Attendee",
    "EventDraft",
    "EventPatch",
    "RemoteEvent",
    "Unreadable",
    "answer_for_us",
    "clean",
    "merge_attendees",
    "read_event",
    "write_draft",
    "write_patch",
    "zone_named",
]
