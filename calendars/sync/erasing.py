"""What is not to be kept of events goes at once: addresses in the reasons of plans, and what private events say."""

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

from calendars.models import GoogleEvent, GoogleEventGuest
from calendars.models.google import GoogleEventQuerySet
from calendars.sync import bulk
from calendars.sync.observation import PRIVATE
from calendars.sync.setting import keeps_private, ruling
from integrations.models import GoogleCalendar

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


def erase_private(google_calendars: Collection[int]) -> None:
    """Titles, texts and guests of the private events of these Google calendars, where they are not to be kept.

    Their appointments lose the texts that they have from there with their next plan, which is made silently.
    """
    for calendar in GoogleCalendar.objects.filter(pk__in=google_calendars):
        if keeps_private(ruling(calendar)):
            continue
        events = GoogleEvent.objects.filter(google_calendar=calendar, visibility__in=PRIVATE)
        erased = GoogleEvent.objects.filter(pk__in=_rewrite(events, _time_only))
        GoogleEventGuest.objects.filter(event__in=erased).delete()
        linked = erased.filter(replan="", appointment__isnull=False)
        linked.exclude(etag="").update(replan=GoogleEvent.Replan.APPLY)


def _time_only(row: GoogleEvent) -> dict[str, Any]:
    """What a pull would have kept of it."""
    return {
        "summary": "",
        "description": "",
        "location": "",
        "meeting_url": "",
        "attendees": [person for person in row.attendees if person.get("is_self")],
        "organizer_address": row.organizer_address if row.organised_by_us else "",
        "reason": _reason(row),
        # Of guests who were told of: the address.
        "series_told": [],
    }


def _reason(row: GoogleEvent) -> str:
    return without_addresses(row.reason, [person["address"] for person in row.attendees])


def _rewrite(events: GoogleEventQuerySet, change: Callable[[GoogleEvent], dict[str, Any]]) -> list[int]:
    """Set those of `events` to what `change` says that say something else. Their pks."""
    rows = [(row, change(row)) for row in events]
    rows = [(row, wanted) for row, wanted in rows if any(getattr(row, at) != wanted[at] for at in wanted)]
    for calendar in {row.google_calendar_id for row, _ in rows}:
        here = [
            {"google_id": row.google_id, **wanted}
            for row, wanted in rows
            if row.google_calendar_id == calendar
        ]
        for start in range(0, len(here), BATCH):
            columns = [name for name in here[0] if name != "google_id"]
            bulk.upsert(here[start : start + BATCH], same={"google_calendar_id": calendar}, update=columns)
    return [row.pk for row, _ in rows]
