"""Writes of ours whose answer was lost: its worker was killed, or the line broke off. Google may have carried it out.

What it was to make of the event is noted before it leaves. A pull that shows just that shows our own doing and no news
of Google's: what was changed here meanwhile stands, and goes there next (W2, echo).
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from calendars.models import GoogleEvent, PushTarget
from calendars.sync.guests import DECLINED
from calendars.sync.setting import Setting
from integrations.google.client import CalendarClient
from integrations.google.errors import Gone, GoogleError, Refused, TryLater
from integrations.models import GoogleCalendar

NOTHING: dict[str, Any] = {
    "tried_at": None,
    "tried_starts_at": None,
    "tried_ends_at": None,
    "tried_end": False,
}
TRIED = tuple(NOTHING)
# What Google carried out before it fell silent it did by then, whatever our clocks say.
AT_THE_LATEST = timedelta(minutes=2)


@contextlib.contextmanager
def trying(
    target: PushTarget,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    *,
    ends: bool = False,
) -> Iterator[None]:
    """Around the request that gives the event of `target` this time, or `ends` it; of one that does neither nothing is
    noted. What Google turned down was not carried out; an answer that was heard is noted by whoever hears it.
    """
    if starts_at is None and not ends:
        yield
        return
    now = timezone.now()
    _note(target, tried_at=now, tried_starts_at=starts_at, tried_ends_at=ends_at, tried_end=ends)
    try:
        yield
    except GoogleError as error:
        if _turns_down(error):
            forget(target)
        raise


def _turns_down(error: GoogleError) -> bool:
    """Whether Google answered this very request, and did not do it."""
    if error.was_repeated:
        return False
    if isinstance(error, TryLater):
        return error.is_limit or error.is_alone
    return not (isinstance(error, Refused) and error.reason == "unreadable")


def forget(target: PushTarget) -> None:
    """What became of the last write is known. No statement where nothing was noted."""
    if target.is_unheard:
        _note(target, **NOTHING)


def _note(target: PushTarget, **tried: Any) -> None:
    for name, value in tried.items():
        setattr(target, name, value)
    PushTarget.objects.filter(pk=target.pk).update(**tried)


def hear(rows: Sequence[GoogleEvent], setting: Setting) -> dict[int, int]:
    """Of `rows` that show what an unheard write was to make of them, and of those that an unheard insert made: both
    sides agreed on what it said. So they did of invitations that show what was made of the organiser's copy, in
    another calendar, heard or not. No statement where none has an appointment.

    By row, the target whose write it tells of: once the row is planned and stored, `settle`.
    """
    news = {row.google_id: row for row in rows if row.appointment_id and row.planned_etag != row.etag}
    if not news:
        return {}
    _hear_of_organisers_copy([row for row in news.values() if not row.organised_by_us])
    heard = {}
    # By id alone: an invitation has that of the organiser's copy.
    for target in PushTarget.objects.behind().unheard().filter(event_id__in=news):
        row = news[target.event_id]
        if target.google_calendar_id != setting.google_calendar.pk:
            _hear_elsewhere(target, row)
        elif _is_heard(target, row):
            heard[row.pk] = target.pk
    return heard


def settle(rows: Sequence[GoogleEvent], heard: Mapping[int, int]) -> None:
    """`rows` are stored as what was `heard` made them: the writes behind it are known from here on."""
    for row in rows:
        if row.pk in heard and row.is_cancelled:
            end_invitations(row)
    if heard:
        PushTarget.objects.filter(pk__in=heard.values()).update(**NOTHING)


def end_invitations(deleted: GoogleEvent) -> None:
    """Those to `deleted`, which ended its appointment or went with it, are gone as well: no news when they are read."""
    if deleted.organised_by_us and deleted.ical_uid:
        invitations = GoogleEvent.objects.filter(
            appointment=deleted.appointment_id, ical_uid=deleted.ical_uid, organised_by_us=False
        )
        invitations.exclude(agreed_etag="").update(agreed_cancelled=True)


def _hear_of_organisers_copy(invitations: Sequence[GoogleEvent]) -> None:
    """At the time that was agreed on for the organiser's copy, they tell nothing that is not known."""
    known = [(row, row.appointment_id) for row in invitations if row.agreed_etag and row.appointment_id]
    if not known:
        return
    appointments = [appointment for _, appointment in known]
    organisers = GoogleEvent.objects.filter(appointment__in=appointments, organised_by_us=True, crm_id="")
    found = organisers.exclude(status="cancelled").exclude(agreed_etag="")
    times = {
        (appointment, google_id): span
        for appointment, google_id, *span in found.values_list(
            "appointment", "google_id", "agreed_starts_at", "agreed_ends_at"
        )
    }
    for row, appointment in known:
        if times.get((appointment, row.google_id)) == [row.starts_at, row.ends_at]:
            row.agreed_starts_at, row.agreed_ends_at = row.starts_at, row.ends_at


def _hear_elsewhere(target: PushTarget, row: GoogleEvent) -> None:
    """Where `row` is an invitation to the event of `target` and shows what the write made of that, it was agreed on."""
    tried = (target.tried_starts_at, target.tried_ends_at)
    if row.organised_by_us or not row.agreed_etag or row.appointment_id != target.appointment_id:
        return
    if target.tried_end:
        row.agreed_cancelled |= row.is_cancelled and not _is_later(row, target)
    elif not row.is_cancelled and (row.starts_at, row.ends_at) == tried:
        row.agreed_starts_at, row.agreed_ends_at = tried


def _is_heard(target: PushTarget, row: GoogleEvent) -> bool:
    """Whether `row` tells what became of the last write of `target`; what was agreed on is then put right."""
    if target.tried_end:
        if (row.is_cancelled or _declines(row)) and not _is_later(row, target):
            row.agreed_etag, row.agreed_cancelled = row.etag, True
            return True
        return False
    tried = (target.tried_starts_at, target.tried_ends_at)
    if row.agreed_etag and (row.is_cancelled or (row.starts_at, row.ends_at) != tried):
        return False
    row.agreed_etag, row.agreed_cancelled = row.etag, False
    row.agreed_starts_at, row.agreed_ends_at = tried
    return True


def ask_since_when(google_calendar: GoogleCalendar, client: CalendarClient) -> None:
    """Of events that are gone, as an unheard write of ours would have it: when that was. A list need not say (S11),
    Google still tells of each by itself (S13). What is not told now is taken for ours.
    """
    ended = PushTarget.objects.behind().filter(google_calendar=google_calendar, tried_end=True)
    gone = GoogleEvent.objects.filter(
        google_calendar=google_calendar,
        google_id__in=ended.values("event_id"),
        status="cancelled",
        is_due=True,
    )
    for row in gone:
        with contextlib.suppress(Gone, Refused, TryLater):
            event = client.get_event(
                google_calendar.google_id, row.google_id, time_zone=google_calendar.time_zone
            )
            GoogleEvent.objects.filter(pk=row.pk).update(updated_at_google=event.updated_at)


def _is_later(row: GoogleEvent, target: PushTarget) -> bool:
    """Whether somebody did it after the write of ours. Of a deletion Google need not say when (S11)."""
    told, tried = row.updated_at_google, target.tried_at
    return told is not None and tried is not None and told > tried + AT_THE_LATEST


def _declines(row: GoogleEvent) -> bool:
    return any(person.get("is_self") and person["response"] == DECLINED for person in row.attendees)
