"""RemoteEvent → the observed columns of GoogleEvent: which they are, and what a private event may keep."""

from operator import attrgetter
from typing import Any

from calendars.sync.guests import DECLINED
from calendars.sync.plan import NEVER_BLOCKS
from integrations.google.events import Attendee, RemoteEvent

SAME_NAME = [
    *("etag", "status", "event_type", "ical_uid", "recurring_event_id", "original_start", "sequence"),
    *("summary", "description", "location", "html_link", "meeting_url", "visibility", "crm_id"),
    *("is_free", "is_all_day", "starts_at", "ends_at", "time_zone"),
    *("organizer_address", "organised_by_us", "attendees_omitted", "is_locked"),
]
OBSERVED = [*SAME_NAME, "attendees", "created_at_google", "updated_at_google"]
_observed = attrgetter(*SAME_NAME)
# All that a tombstone is sure to tell (S11, S12); what was known of the event stays.
TOMBSTONE = ["etag", "status"]
# Ends the etag of an event that a push removed, until a pull shows that it is gone.
REMOVED = "-removed"
# Ends the etag of an event that a full pull did not list.
MISSING = "-missing"
# Ends the etag of an occurrence whose series is gone, and of a single event that became a series.
SERIES = "-series"
PRIVATE = ("private", "confidential")


def etag_of(event: RemoteEvent) -> str:
    """Marked where the event is gone: with its series it may go under the very etag that it had alive."""
    return f"{event.etag}-gone" if event.is_cancelled else event.etag


def columns(event: RemoteEvent, *, keeps_private: bool) -> dict[str, Any]:
    """The observed columns of `event`; a private one loses title, text and guests unless `keeps_private`."""
    if event.is_cancelled and event.starts_at is None:
        return {"etag": etag_of(event), "status": event.status}
    # All at once: a look-up by name for each of two dozen columns was a tenth of a pull.
    found = dict(zip(SAME_NAME, _observed(event), strict=True))
    if event.is_cancelled:
        found["etag"] = etag_of(event)
    found["attendees"] = [_kept(attendee) for attendee in event.attendees]
    found["created_at_google"], found["updated_at_google"] = event.created_at, event.updated_at
    if event.visibility in PRIVATE and not keeps_private:
        # Our own answer stays: it decides whether the event blocks.
        mine = [_kept(attendee) for attendee in event.attendees if attendee.is_self]
        found |= {"summary": "", "description": "", "location": "", "meeting_url": "", "attendees": mine}
        found["organizer_address"] = event.organizer_address if event.organised_by_us else ""
    return found


def takes_time(event: RemoteEvent) -> bool:
    """Whether `event` blocks until its plan says otherwise: what was seen and not looked at is not offered as free."""
    if event.is_cancelled or event.is_free or event.starts_at == event.ends_at:
        return False
    declined = any(person.is_self and person.response == DECLINED for person in event.attendees)
    return not declined and event.event_type not in NEVER_BLOCKS


def _kept(attendee: Attendee) -> dict[str, Any]:
    """All that an attendee tells."""
    return attendee._asdict()
