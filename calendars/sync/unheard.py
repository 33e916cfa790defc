"""Writes of ours whose answer was lost: its worker was killed, or the line broke off. Google may have carried it out.

What it was to make of the event is noted before it leaves. A pull that shows just that shows our own doing and no news
of Google's: what was changed here meanwhile stands, and goes there next (W2, echo).
"""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from calendars.models import GoogleEvent, PushTarget
from calendars.sync.guests import DECLINED
from calendars.sync.setting import Setting
from integrations.google.errors import AlreadyThere, Changed, Gone, Refused, TryLater

NOTHING: dict[str, Any] = {"tried_starts_at": None, "tried_ends_at": None, "tried_end": False}
TRIED = tuple(NOTHING)


@contextlib.contextmanager
def trying(
    target: PushTarget, span: tuple[datetime | None, datetime | None] | None = None, *, ends: bool = False
) -> Iterator[None]:
    """Around the request that gives the event of `target` the time `span`, or `ends` it. What Google turned down was
    not carried out; an answer that was heard is noted by whoever hears it (`forget`).
    """
    starts_at, ends_at = span or (None, None)
    _note(target, tried_starts_at=starts_at, tried_ends_at=ends_at, tried_end=ends)
    try:
        yield
    except (AlreadyThere, Changed, Gone):
        forget(target)
        raise
    except Refused as error:
        if error.reason != "unreadable":
            forget(target)
        raise
    except TryLater as error:
        if error.is_limit or error.is_alone:
            forget(target)
        raise


def forget(target: PushTarget) -> None:
    """What became of the last write is known. No statement where nothing was noted."""
    if target.is_unheard:
        _note(target, **NOTHING)


def _note(target: PushTarget, **tried: Any) -> None:
    for name, value in tried.items():
        setattr(target, name, value)
    PushTarget.objects.filter(pk=target.pk).update(**tried)


def hear(rows: Sequence[GoogleEvent], setting: Setting, *, notes: bool) -> None:
    """Of `rows` that show what an unheard write was to make of them, and of those that an unheard insert made: both
    sides agreed on what it said. No statement where none has an appointment.

    `notes`: it is known from here on; not for who only looks.
    """
    news = {row.google_id: row for row in rows if row.appointment_id and row.planned_etag != row.etag}
    if not news:
        return
    targets = PushTarget.objects.unheard().filter(google_calendar=setting.google_calendar, event_id__in=news)
    heard = [target.pk for target in targets if _is_heard(target, news[target.event_id])]
    if heard and notes:
        PushTarget.objects.filter(pk__in=heard).update(**NOTHING)


def _is_heard(target: PushTarget, row: GoogleEvent) -> bool:
    """Whether `row` tells what became of the last write of `target`; what was agreed on is then put right."""
    if target.tried_end:
        if row.is_cancelled or _declines(row):
            row.agreed_etag, row.agreed_cancelled = row.etag, True
            return True
        return False
    tried = (target.tried_starts_at, target.tried_ends_at)
    if row.agreed_etag and (row.is_cancelled or (row.starts_at, row.ends_at) != tried):
        return False
    row.agreed_etag, row.agreed_cancelled = row.etag, False
    row.agreed_starts_at, row.agreed_ends_at = tried
    return True


def _declines(row: GoogleEvent) -> bool:
    return any(person.get("is_self") and person["response"] == DECLINED for person in row.attendees)
