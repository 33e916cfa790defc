"""An occurrence is known by its series and its original start; what Google calls it may change from one day to the next
(W3), while the event, its appointment and what was decided of it stay the same.
"""

from collections.abc import Iterable, Sequence

from django.db.models import Q

from calendars.models import GoogleEvent, PushTarget
from integrations.google.events import RemoteEvent
from integrations.models import GoogleCalendar


def take_new_ids(google_calendar: GoogleCalendar, events: Sequence[RemoteEvent]) -> None:
    """Give the rows of those of `events` that Google calls by another id than before their new one. One statement where
    an occurrence is among them and none has.
    """
    ids = {
        (event.recurring_event_id, event.original_start): event.google_id
        for event in events
        if event.recurring_event_id and event.original_start
    }
    if not ids:
        return
    renamed = {}
    for row in _under_other_ids(google_calendar, ids, events):
        name = ids.get((row.recurring_event_id, row.original_start))
        if name is not None and (name not in renamed or row.appointment_id is not None):
            renamed[name] = row
    here = GoogleEvent.objects.filter(google_calendar=google_calendar)
    # Where a row bears the new id already, the other one is not listed any more, and asked for by the next full pull.
    for name in here.filter(google_id__in=renamed).values_list("google_id", flat=True) if renamed else ():
        del renamed[name]
    if not renamed:
        return
    names = {row.google_id: name for name, row in renamed.items()}
    targets = list(PushTarget.objects.filter(google_calendar=google_calendar, event_id__in=names))
    for target in targets:
        target.event_id = names[target.event_id]
    for name, row in renamed.items():
        row.google_id = name
    GoogleEvent.objects.bulk_update(renamed.values(), ["google_id"])
    PushTarget.objects.bulk_update(targets, ["event_id"])


def _under_other_ids(
    google_calendar: GoogleCalendar, ids: dict[tuple[str, str], str], events: Sequence[RemoteEvent]
) -> Iterable[GoogleEvent]:
    """Rows of the same series and starts, and perhaps of others."""
    # By what an index holds. A cancelled occurrence tells its series and its start alone (S12).
    meetings = {event.ical_uid for event in events if event.recurring_event_id and event.ical_uid}
    bare = {event.recurring_event_id for event in events if event.recurring_event_id and not event.ical_uid}
    same = Q(ical_uid__in=meetings) | (Q(recurring_event_id__in=bare) if bare else Q())
    starts = {start for _, start in ids}
    rows = GoogleEvent.objects.filter(same, google_calendar=google_calendar, original_start__in=starts)
    return rows.exclude(google_id__in=ids.values())
