"""What an event is to us: frozen, whole, and the same for every caller.

What is read by the thousand is a named tuple: a frozen dataclass sets its fields one by one through
`object.__setattr__`, which was half of what reading an event cost.
"""

import datetime
from dataclasses import dataclass
from typing import NamedTuple

# The key in `extendedProperties.private` under which our events carry the appointment's id (W11).
CRM_KEY = "tandem"


class Unreadable(ValueError):
    """An event we cannot make sense of. It is set aside with the reason; its page goes on."""

    def __init__(self, google_id: str, why: str) -> None:
        super().__init__(why)
        self.google_id = google_id
        self.why = why


class Attendee(NamedTuple):
    address: str
    name: str = ""
    # needsAction, declined, tentative, accepted; or a later word of Google's.
    response: str = "needsAction"
    is_self: bool = False
    is_organizer: bool = False
    is_resource: bool = False
    is_optional: bool = False


class RemoteEvent(NamedTuple):
    """One event as Google tells it. `starts_at`, `ends_at`: UTC; None only for a tombstone (S11, S12)."""

    google_id: str
    etag: str
    status: str
    event_type: str
    ical_uid: str
    recurring_event_id: str
    # "" or the UTC moment ("2026-11-02T09:00:00Z") or, for an all-day series, the date (R2).
    original_start: str
    summary: str
    description: str
    location: str
    html_link: str
    meeting_url: str
    visibility: str
    is_free: bool
    is_all_day: bool
    starts_at: datetime.datetime | None
    ends_at: datetime.datetime | None
    time_zone: str
    organizer_address: str
    organised_by_us: bool
    attendees: tuple[Attendee, ...]
    attendees_omitted: bool
    is_locked: bool
    crm_id: str
    created_at: datetime.datetime | None
    updated_at: datetime.datetime | None
    sequence: int
    # A series itself, which no list of single events holds (R1); its occurrences are the events.
    is_series: bool = False

    @property
    def is_cancelled(self) -> bool:
        return self.status == "cancelled"


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event of ours to insert. `event_id`: letters a to v and digits (W1). Attendees: (address, name)."""

    event_id: str
    summary: str
    description: str
    location: str
    starts_at: datetime.datetime
    ends_at: datetime.datetime
    time_zone: str
    crm_id: str
    attendees: tuple[tuple[str, str], ...] = ()
    wants_meet: bool = False
    # Fresh for each wish for a Meet link (W9); a repeated one is answered with the same conference.
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class EventPatch:
    """What is to change on an event; None leaves a field alone. `starts_at` and `ends_at` come together."""

    starts_at: datetime.datetime | None = None
    ends_at: datetime.datetime | None = None
    time_zone: str = "UTC"
    summary: str | None = None
    description: str | None = None
    location: str | None = None
    # Whom to add, (address, name), and whose addresses to take off; everybody else stays on the list.
    invited: tuple[tuple[str, str], ...] = ()
    uninvited: frozenset[str] = frozenset()
    status: str | None = None
    # Google holds it as an all-day event at this moment.
    was_all_day: bool = False
