"""What the engine does where the other side is another one by now: the event is read as it is."""

import uuid
from datetime import datetime

from calendars.models import GoogleEvent, PushTarget
from calendars.sync import unheard
from calendars.sync.new_ids import take_new_ids
from calendars.sync.observation import SERIES, columns, etag_of
from calendars.sync.setting import Setting
from integrations.google.client import CalendarClient
from integrations.google.errors import Changed, Gone
from integrations.models import GoogleCalendar


def observe_again(target: PushTarget, client: CalendarClient, setting: Setting, now: datetime) -> None:
    """412, or gone: read the event as it is, so that it is planned before the next try."""
    google_calendar = target.google_calendar
    rows = GoogleEvent.objects.filter(google_calendar=google_calendar, google_id=target.event_id)
    try:
        event = client.get_event(
            google_calendar.google_id, target.event_id, time_zone=google_calendar.time_zone
        )
    except Gone:
        occurrences = rows.exclude(recurring_event_id="")
        if google_calendar.sync_token:
            # Ended before all was given up by a disconnect, and in no list since: it ended as it had.
            occurrences = occurrences.exclude(status="cancelled", etag="")
        if google_calendar.next_pull_at is not None and occurrences.exists():
            # An occurrence may be there under another id by now (W3): a full list tells.
            GoogleCalendar.objects.filter(pk=google_calendar.pk).update(next_pull_at=now, next_full_at=now)
            return
        # Seen so before, it is no news: what waits for other calendars to be read would wait anew.
        rows = rows.exclude(status="cancelled", etag__startswith="gone-")
        rows.update(status="cancelled", etag=f"gone-{uuid.uuid4().hex}", seen_at=now)
        return
    if event.google_id != target.event_id:
        take_new_ids(google_calendar, [event])
        rows = GoogleEvent.objects.filter(google_calendar=google_calendar, google_id=event.google_id)
    if event.is_series and not event.is_cancelled:
        # Ours was made to repeat. A write would go to all of it; the next pull tells which occurrence is ours now. Of a
        # calendar that nobody reads any more it is the person's own.
        if google_calendar.next_pull_at is None:
            rows.update(status="cancelled", etag=f"{event.etag}{SERIES}")
        else:
            read = GoogleCalendar.objects.filter(pk=google_calendar.pk, next_pull_at__gt=now)
            read.update(next_pull_at=now)
            # What ended before all was given up by a disconnect is in no list: it ended as it had.
            rows.filter(status="cancelled", etag="").update(etag=f"{event.etag}-series")
        return
    # Given up by a disconnect, it blocks no more: that is planned again, also under the etag it had.
    rows.filter(etag="").update(replan=GoogleEvent.Replan.RESUME)
    found = columns(event, keeps_private=setting.keeps_private)
    rows.exclude(status="cancelled", etag=found["etag"]).update(**found, seen_at=now)


def look_at_last_try(
    target: PushTarget, row: GoogleEvent | None, client: CalendarClient, setting: Setting
) -> None:
    """Its answer was lost (`sync.unheard`). What came of it, and of the event since, is looked at before anything is
    written that may not be what the event is by now; what is to go goes, whatever it is.

    Raises Changed where there is something to look at.
    """
    if target.is_withdrawn or target.appointment.is_void:
        return
    google_calendar = target.google_calendar
    try:
        event = client.get_event(
            google_calendar.google_id, target.event_id, time_zone=google_calendar.time_zone
        )
    except Gone:
        etag = ""
    else:
        etag = etag_of(event)
        if row is None and not event.is_series:
            GoogleEvent.objects.create(
                google_calendar=google_calendar,
                google_id=event.google_id,
                appointment=target.appointment,
                **columns(event, keeps_private=setting.keeps_private),
            )
    never_came = not etag and (row is None or row.is_cancelled)
    # Seen, and planned by what is noted here: that is not to be forgotten before.
    is_known = row is not None and row.etag == row.planned_etag == etag
    if not (never_came or is_known):
        raise Changed("What came of the last try is looked at first.")
    unheard.forget(target)
