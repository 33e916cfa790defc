"""A deletion may be one half of a move to another calendar of its person: Google often shows that half first."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from calendars.models import GoogleEvent
from calendars.sync.setting import NEVER, Setting

# A deletion waits for the person's other calendars to be pulled, also while a limit, an outage or workers that stand
# still keep them from it. For those that Google refuses to show it waits a while; for none longer than a day.
PATIENCE, LONGEST = timedelta(hours=1), timedelta(days=1)


def perhaps_moving(rows: Sequence[GoogleEvent], setting: Setting, now: datetime, *, notes: bool) -> set[int]:
    """Pks of those of `rows` that are gone and may be found in another calendar yet, or in this one again.

    `notes`: what is settled by now is noted; not by who only looks.
    """
    gone = [row for row in rows if row.is_cancelled and row.appointment_id]
    news = _others_were_read(gone, setting)
    if news and notes:
        pks = [row.pk for row in news]
        GoogleEvent.objects.filter(pk__in=pks).update(others_read_at=news[0].others_read_at)
        _call_copies(news, setting)
    waiting = {row.pk for row in gone if _is_looked_for(row, setting, now)}
    looked_for = [row for row in gone if row.pk not in waiting and _waited(row, now) < LONGEST]
    return waiting | _arriving(looked_for, setting) | _going_on(looked_for, setting)


def _others_were_read(gone: Sequence[GoogleEvent], setting: Setting) -> list[GoogleEvent]:
    """Those of which it is news that their person's other calendars were read since. Once and for all, or what was
    settled would be open again with each further pull of another calendar."""
    others = setting.others_pulled
    if others is None:
        return []
    news = [
        row
        for row in gone
        if row.seen_at is not None
        and row.seen_at <= others.first
        and (row.others_read_at is None or row.others_read_at < row.seen_at)
    ]
    for row in news:
        row.others_read_at = others.last
    return news


def _call_copies(gone: Sequence[GoogleEvent], setting: Setting) -> None:
    """Under another id, one that was read before this deletion was taken for a second copy: it is looked at again."""
    named = {row.ical_uid for row in gone if row.organised_by_us and row.ical_uid}
    copies = GoogleEvent.objects.filter(
        google_calendar__account__user=setting.google_calendar.account.user_id,
        google_calendar__next_pull_at__isnull=False,
        ical_uid__in=named,
        organised_by_us=True,
        appointment=None,
        replan="",
    )
    copies = copies.exclude(google_calendar=setting.google_calendar).exclude(status="cancelled")
    copies.update(replan=GoogleEvent.Replan.MEETING)


def _is_looked_for(row: GoogleEvent, setting: Setting, now: datetime) -> bool:
    """Until the person's other calendars were read since, and this one after them: it may have been moved back."""
    others, own = setting.others_pulled, setting.google_calendar
    if row.seen_at is None or others is None:
        return False
    if row.others_read_at is None or row.others_read_at < row.seen_at:
        is_late = others.first_of_readable is not None and others.first_of_readable < row.seen_at
    elif own.last_pull_at is not None and own.last_pull_at < row.others_read_at:
        is_late = own.refused_at is None
    else:
        return False
    return _waited(row, now) < (LONGEST if is_late else PATIENCE)


def _waited(row: GoogleEvent, now: datetime) -> timedelta:
    return now - (row.seen_at or now)


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


def _going_on(gone: Sequence[GoogleEvent], setting: Setting) -> set[int]:
    """Those that were seen to go from another calendar of this person since, where that is not settled: it settles
    both. No statement where nothing was deleted."""
    if not gone or setting.others_pulled is None:
        return set()
    left = GoogleEvent.objects.filter(
        google_calendar__account__user=setting.google_calendar.account.user_id,
        google_calendar__next_pull_at__isnull=False,
        appointment__in=[row.appointment_id for row in gone],
        status="cancelled",
        is_due=True,
        attempts=0,
    ).exclude(google_calendar=setting.google_calendar)
    latest = {row.appointment_id: row for row in left.order_by("seen_at", "pk")}
    return {
        row.pk
        for row in gone
        if (other := latest.get(row.appointment_id)) is not None and _seen(other) > _seen(row)
    }


def _seen(row: GoogleEvent) -> tuple[datetime, int]:
    return row.seen_at or NEVER, row.pk
