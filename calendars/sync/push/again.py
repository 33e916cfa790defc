"""What the engine does where the other side is another one by now: the event is read as it is."""

import uuid
from datetime import datetime

from calendars.models import GoogleEvent, PushTarget
from calendars.sync.new_ids import take_new_ids
from calendars.sync.observation import SERIES, columns
from calendars.sync.setting import Setting
from integrations.google.client import CalendarClient
from integrations.google.errors import Gone
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
    rows.update(**columns(event, keeps_private=setting.keeps_private), seen_at=now)
