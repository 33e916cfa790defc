"""Brings Google up to an appointment's revision.

It reads the appointment as it is now, compares it with what Google last told us and writes only what differs, under
If-Match. The event id is ours, so an insert repeated after a lost answer meets itself. Nothing is held across the
network: the target's `pushed_revision` says what Google has, whatever happens in between.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Greatest
from django.utils import timezone

from calendars.models import PushTarget
from calendars.sync import backoff, sessions, unheard
from calendars.sync.push.again import observe_again
from calendars.sync.push.one import Push
from calendars.sync.queues import tell_queues
from calendars.sync.setting import Setting
from contacts.models import Appointment
from integrations.google.client import CalendarClient
from integrations.google.errors import Changed, Refused, TryLater
from integrations.models import GoogleAccount, GoogleCalendar

# What Google refuses it refuses again; a person mends the cause, and the next edit tries at once.
REFUSED_WAIT = timedelta(hours=6)
HELD_UP = "It was changed at Google, and that change has not been carried out yet."


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of one push target, for the person who watches a run."""

    appointment: Appointment
    what: str
    failed: bool = False
    # Google's event is another one by now: plan again, then push again.
    changed: bool = False


def due_targets(google_calendar: GoogleCalendar, now: datetime) -> list[int]:
    """The targets (by pk) of `google_calendar` that Google lacks and whose time has come, oldest appointment first.

    What failed comes after what did not: one that fails each time must not keep the others from Google (W12).
    """
    due = PushTarget.objects.due(now).filter(google_calendar=google_calendar)
    return list(due.order_by("attempts", "appointment__starts_at").values_list("pk", flat=True))


def _as_it_is_now(pk: int, now: datetime) -> PushTarget | None:
    """Read when its turn comes: the ones before it took their time. None: nothing is due any more."""
    return (
        PushTarget.objects.due(now)
        .filter(pk=pk)
        .select_related("appointment__calendar", "appointment__contact", "google_calendar")
        .prefetch_related("appointment__guests__contact__emails")
        .first()
    )


def push(
    google_calendar: GoogleCalendar, client: CalendarClient, setting: Setting, now: datetime
) -> Iterator[Pushed]:
    """Push every due target. The caller holds the calendar's claim. TryLater and Reconnect end the turn."""
    account, has_told = GoogleAccount.objects.filter(pk=google_calendar.account_id), False
    for pk in due_targets(google_calendar, now):
        target = _as_it_is_now(pk, now)
        if target is None:
            continue
        appointment = target.appointment
        session = sessions.words_of(appointment) if sessions.is_seat(appointment) else ""
        try:
            what = _push_one(target, client, setting, now)
        except Refused as error:
            _postpone(target, now, error.why, REFUSED_WAIT)
            yield Pushed(appointment, f"refused: {error.why}", failed=True)
        except TryLater as error:
            if error.is_alone:
                _postpone(target, now, error.why, backoff.wait(target.attempts + 1, error.after))
                yield Pushed(appointment, error.why, failed=True)
                continue
            _postpone_all(target, now, error)
            raise
        else:
            if what:
                _done(target)
                if session:
                    _look_at_session(target, session)
                if not has_told:
                    has_told = bool(account.update(failures=0, last_error=""))
            yield Pushed(appointment, what or "changed at Google meanwhile; planned again", changed=not what)
    account.update(last_push_at=now)
    tell_queues()


def _push_one(target: PushTarget, client: CalendarClient, setting: Setting, now: datetime) -> str:
    """What was done; "" where the event is another one by now, and was read again."""
    try:
        return Push(target, client, setting).run()
    except (Changed, Refused) as error:
        # An answer to a write that nobody can read: what the event is by now is asked at once.
        if isinstance(error, Refused) and error.reason != "unreadable":
            raise
        observe_again(target, client, setting, now)
        _look_again(target, now)
        return ""


def _look_again(target: PushTarget, now: datetime) -> None:
    """At once after the first time; where its change at Google is held up, each further look waits longer."""
    # What failed for another reason before says nothing of that.
    looks = target.attempts if target.last_error in ("", HELD_UP) else 0
    attempts = looks + 1
    if attempts <= 2:
        _remember(target, attempts=attempts, last_error="")
        return
    _remember(
        target,
        attempts=attempts,
        not_before=now + backoff.wait(attempts),
        last_error=HELD_UP,
    )


def _done(target: PushTarget) -> None:
    PushTarget.objects.filter(pk=target.pk).update(
        pushed_revision=target.appointment.revision,
        pushed_at=timezone.now(),
        etag=target.etag,
        **unheard.NOTHING,
    )
    _remember(target, attempts=0, not_before=None, last_error="")


def _look_at_session(target: PushTarget, said: str) -> None:
    """Who joined or left while the event was written found it due already: its name is another than `said` by now."""
    with transaction.atomic():
        sessions.lock(target.appointment.calendar_id)
        if sessions.words_of(target.appointment) != said:
            in_step = PushTarget.objects.filter(pk=target.pk, is_behind=False)
            in_step.update(pushed_revision=F("wanted_revision") - 1)


def _postpone_all(target: PushTarget, now: datetime, error: TryLater) -> None:
    """The others of its calendar wait with `target`: what stopped this one would stop each of them in turn (Q2). All
    count the failure, so that an outage is asked about ever less; this one comes last next time.
    """
    waiting = PushTarget.objects.due(now).filter(google_calendar=target.google_calendar_id)
    most = max(target.attempts, waiting.aggregate(most=Max("attempts"))["most"] or 0)
    wait = backoff.wait(most + 1, error.after)
    _remember(target, attempts=most + 1, not_before=now + wait, last_error=error.why[:500])
    waiting.update(not_before=now + wait, attempts=Greatest("attempts", most), last_error=error.why[:500])


def _postpone(target: PushTarget, now: datetime, why: str, wait: timedelta) -> None:
    _remember(target, attempts=target.attempts + 1, not_before=now + wait, last_error=why[:500])


def _remember(target: PushTarget, **how_it_went: object) -> None:
    """Of this try; an edit made since has tries, and a wait, of its own."""
    PushTarget.objects.filter(pk=target.pk, wanted_revision=target.wanted_revision).update(**how_it_went)
