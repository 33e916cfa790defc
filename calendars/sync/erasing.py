"""What is not to be kept of events goes at once: addresses in the reasons of plans."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from calendars.models import GoogleEvent
from calendars.models.google import GoogleEventQuerySet
from calendars.sync import bulk

BATCH = 500
SOMEBODY = "a guest"
# The reason may be cut within an address; the full stop behind one ends the sentence.
ADDRESS = re.compile(r"[^\s,;:@]+@[^\s,;:@]*(?<!\.)")


def without_addresses(reason: str, addresses: Iterable[str] = ()) -> str:
    """`reason` with a word for each person. `addresses`: those known to be in it, however odd they look."""
    for address in sorted(filter(None, addresses), key=len, reverse=True):
        reason = reason.replace(address, SOMEBODY)
    return ADDRESS.sub(SOMEBODY, reason)[:500]


def erase_addresses(events: GoogleEventQuerySet) -> None:
    """From the reasons of `events`, while their guests are still there to be recognised."""
    _rewrite(events.filter(reason__contains="@"), lambda row: {"reason": _reason(row)})


def _reason(row: GoogleEvent) -> str:
    return without_addresses(row.reason, [person["address"] for person in row.attendees])


def _rewrite(events: GoogleEventQuerySet, change: Callable[[GoogleEvent], dict[str, Any]]) -> None:
    """By few statements, a calendar after the other."""
    for calendar in set(events.order_by().values_list("google_calendar", flat=True)):
        rows = list(events.filter(google_calendar=calendar))
        for start in range(0, len(rows), BATCH):
            changed = [{"google_id": row.google_id, **change(row)} for row in rows[start : start + BATCH]]
            columns = [name for name in changed[0] if name != "google_id"]
            bulk.upsert(changed, same={"google_calendar_id": calendar}, update=columns)
