"""A deletion may be one half of a move to another calendar of its person: Google often shows that half first."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from calendars.models import GoogleEvent
from calendars.sync.setting import Setting

# A deletion waits this long for the person's other calendars to be pulled, then counts as one.
PATIENCE = timedelta(hours=1)


def perhaps_moving(rows: Sequence[GoogleEvent], setting: Setting, now: datetime) -> set[int]:
    """Pks of those of `rows` that are gone and may be found in another calendar yet, or in this one again."""
    gone = [row for row in rows if row.is_cancelled and row.appointment_id]
    _note_when_others_were_read(gone, setting)
    waiting = {row.pk for row in gone if _is_looked_for(row, setting, now)}
    return waiting | _arriving([row for row in gone if row.pk not in waiting], setting)


def _note_when_others_were_read(gone: Sequence[GoogleEvent], setting: Setting) -> None:
    """Once and for all, or what was settled would be open again with each further pull of another calendar. A statement
    only where it is news."""
    others = setting.others_pulled
    if others is None:
        return
    news = [
        row
        for row in gone
        if row.seen_at is not None
        and row.seen_at <= others.first
        and (row.others_read_at is None or row.others_read_at < row.seen_at)
    ]
    for row in news:
        row.others_read_at = others.last
    if news:
        GoogleEvent.objects.filter(pk__in=[row.pk for row in news]).update(others_read_at=others.last)


def _is_looked_for(row: GoogleEvent, setting: Setting, now: datetime) -> bool:
    """Until the person's other calendars were read since, and this one after them: it may have been moved back."""
    if row.seen_at is None or setting.others_pulled is None or now - row.seen_at >= PATIENCE:
        return False
    if row.others_read_at is None or row.others_read_at < row.seen_at:
        return True
    own = setting.google_calendar.last_pull_at
    return own is not None and own < row.others_read_at


def _arriving(gone: Sequence[GoogleEvent], setting: Setting) -> set[int]:
    """Those that stand in another calendar of this person by now, where nobody looked at them yet: read there, they are
    about to be planned. No statement where nothing was deleted."""
    wanted = {
        (row.ical_uid, row.original_start): row.pk for row in gone if row.organised_by_us and row.ical_uid
    }
    if not wanted:
        return set()
    found = GoogleEvent.objects.filter(
        google_calendar__account__user=setting.google_calendar.account.user_id,
        google_calendar__next_pull_at__isnull=False,
        ical_uid__in={uid for uid, _ in wanted},
        organised_by_us=True,
        appointment=None,
        is_due=True,
        attempts=0,
    ).exclude(status="cancelled")
    found = found.exclude(google_calendar=setting.google_calendar)
    return {wanted[key] for key in found.values_list("ical_uid", "original_start") if key in wanted}
