"""The brake on mass cancellation: over ten appointments and over a third of those linked wait for a person.

What counts is what would become of appointments, not what happened at Google: a plan that cancels. One way protects
what was made here; an event whose last guest left ends its appointment though it lives on.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, Max, Q, Subquery
from django.db.models.functions import Coalesce

from calendars.models import GoogleEvent, SyncRun
from calendars.models.google import GoogleEventQuerySet
from calendars.sync import sessions
from calendars.sync.facts import Plan
from calendars.sync.gather import situations
from calendars.sync.plan import plan
from calendars.sync.setting import Setting, setting_for
from contacts.models import Appointment, User
from integrations.models import GoogleCalendar

logger = logging.getLogger(__name__)

# Planned at once, to be counted.
BATCH = 250


class Waiting(NamedTuple):
    """One event whose appointment would be cancelled. `why`: what would happen, in the words of its plan."""

    event: GoogleEvent
    appointment: Appointment
    why: str


class Held(NamedTuple):
    """What one event waits with. `why`: what would happen, in the words of its plan."""

    run: SyncRun
    why: str


def held(setting: Setting, now: datetime) -> Collection[int]:
    """The rows that wait for a person, by pk; none while the brake does not hold.

    It starts to when too much would be cancelled, and the calendar's latest run is marked. From then on it holds,
    however little is left, until a person decides; or until nothing is left, which closes the run. What may have moved
    to another calendar starts nothing, and once it holds it is no less held. One statement while few linked rows are
    due.
    """
    found = _look(setting.google_calendar, now)
    if not found.is_braked and found.most <= settings.BRAKE_CANCELLATIONS:
        return ()
    runs = SyncRun.objects.filter(google_calendar=setting.google_calendar)
    braked = runs.filter(state=SyncRun.State.BRAKED)
    rows = [
        row
        for row, made in _planned(setting, now, notes=True)
        if made.cancel or (found.is_braked and made.waits)
    ]
    pks = {row.pk for row in rows}
    # A class's event stands for every seat of its session.
    seats = [len(_appointments(row)) for row in rows]
    if not pks:
        braked.update(state=SyncRun.State.DONE, error="")
        return ()
    if not found.is_braked:
        few = sum(seats) <= settings.BRAKE_CANCELLATIONS
        linked = _linked(setting.google_calendar, now).count() + sum(seats) - len(seats)
        if few or sum(seats) * 3 <= linked:
            return ()
        run = runs.order_by("-started_at", "-pk").first()
        run = run or runs.create(kind=SyncRun.Kind.INCREMENTAL, started_at=now)
        runs.filter(pk=run.pk).update(state=SyncRun.State.BRAKED)
    braked.update(error=_waits_with(sum(seats)))
    return pks


def held_events(run: SyncRun, now: datetime) -> list[Waiting]:
    """The events whose appointments a braked `run` would cancel, soonest appointment first."""
    setting = setting_for(run.google_calendar, now)
    found = [
        Waiting(row, appointment, _ahead(row.reason))
        for row in _ending(setting, now)
        for appointment in _appointments(row)
    ]
    return sorted(found, key=lambda waiting: (waiting.appointment.starts_at, waiting.event.pk))


def waiting(event: GoogleEvent, now: datetime) -> Held | None:
    """The run that `event` waits with, and what would happen; None: it does not wait."""
    return waiting_among([event], now).get(event.pk)


def waiting_among(events: Iterable[GoogleEvent], now: datetime) -> dict[int, Held]:
    """Those of `events` that wait for a person, by pk. One statement where none can."""
    linked = {event.pk: event.google_calendar_id for event in events if event.is_due and event.appointment_id}
    if not linked:
        return {}
    braked = SyncRun.objects.filter(
        google_calendar__in=set(linked.values()), state=SyncRun.State.BRAKED
    ).select_related("google_calendar__account__user")
    return {
        row.pk: Held(run, _ahead(row.reason))
        for run in {run.google_calendar_id: run for run in braked.order_by("started_at")}.values()
        for row in _ending(setting_for(run.google_calendar, now), now, pk__in=list(linked))
    }


def that_wait(user: User, now: datetime) -> Q:
    """Which events of the user's wait for a person: where a pull is braked, what else is due is done in a moment."""
    calendars = [run.google_calendar_id for run in braked_runs(user)]
    if not calendars:
        return Q(pk__in=())
    return Q(pk__in=_due_in(GoogleEvent.objects.filter(google_calendar__in=calendars), now).values("pk"))


def release(run: SyncRun, shown: Collection[int], *, by: User, now: datetime) -> None:
    """Let a braked run cancel what it would cancel of the events `shown`: each is a person's decision now."""
    _decide(run, shown, by, now)


def keep(run: SyncRun, shown: Collection[int], *, by: User, now: datetime) -> None:
    """The appointments of the events `shown` stay as they are, whatever became of those."""
    _decide(run, shown, by, now, decision=GoogleEvent.Decision.KEEP)


@transaction.atomic
def _decide(run: SyncRun, shown: Collection[int], by: User, now: datetime, **decided: str) -> None:
    """What nobody saw is not decided about: the run goes on waiting for it."""
    held, shown = held_events(run, now), set(shown)
    rows = GoogleEvent.objects.filter(pk__in={each.event.pk for each in held} & shown)
    rows.update(replan=GoogleEvent.Replan.DECISION, decided_by=by, **decided)
    left = sum(each.event.pk not in shown for each in held)
    braked = SyncRun.objects.filter(google_calendar=run.google_calendar_id, state=SyncRun.State.BRAKED)
    if left:
        braked.update(error=_waits_with(left))
    else:
        braked.update(state=SyncRun.State.DONE, error="", released_at=now, released_by=by)


def braked_runs(user: User) -> list[SyncRun]:
    """The runs of the user's Google calendars that wait for a person, the latest of each calendar."""
    runs = SyncRun.objects.filter(state=SyncRun.State.BRAKED, google_calendar__account__user=user)
    latest = {
        run.google_calendar_id: run for run in runs.select_related("google_calendar").order_by("started_at")
    }
    return list(latest.values())


class _Found(NamedTuple):
    # How many appointments the due linked rows could end.
    most: int
    is_braked: bool


def _look(google_calendar: GoogleCalendar, now: datetime) -> _Found:
    due = _due(google_calendar, now).order_by().values("google_calendar")
    counted = due.annotate(most=Count("pk") * Max("appointment__calendar__seats"))
    braked = SyncRun.objects.filter(google_calendar=google_calendar, state=SyncRun.State.BRAKED)
    rows = GoogleCalendar.objects.filter(pk=google_calendar.pk).values_list(
        Coalesce(Subquery(counted.values("most")), 0), Exists(braked)
    )
    return _Found(*rows.get())


def _ending(setting: Setting, now: datetime, **only: Any) -> Iterator[GoogleEvent]:
    """The due rows whose plan cancels an appointment, each with the reason of that plan; and what is gone and may yet
    be found in another calendar."""
    return (row for row, made in _planned(setting, now, **only) if made.cancel or made.waits)


def _planned(
    setting: Setting, now: datetime, *, notes: bool = False, **only: Any
) -> Iterator[tuple[GoogleEvent, Plan]]:
    """The due linked rows with their plans, the reason of each on its row if it ends something."""
    due = _due(setting.google_calendar, now).filter(**only)
    due = due.select_related("appointment__calendar", "appointment__contact", "run")
    rows = list(due.order_by("starts_at", "pk"))
    for row in rows:
        row.google_calendar = setting.google_calendar  # loaded once, not once a row
    for start in range(0, len(rows), BATCH):
        yield from _plans_of(rows[start : start + BATCH], setting, now, notes=notes)


def _plans_of(
    rows: Sequence[GoogleEvent], setting: Setting, now: datetime, *, notes: bool
) -> list[tuple[GoogleEvent, Plan]]:
    """What cannot be planned cancels nothing: reconcile meets it again and records it on its row."""
    try:
        found = [
            (situation.row, plan(situation.observed, situation.held, situation.agreed, situation.facts))
            for situation in situations(rows, setting, now, notes=notes)
        ]
    except Exception:
        if len(rows) == 1:
            logger.exception("Event row %d could not be counted for the brake.", rows[0].pk)
            return []
        return [each for row in rows for each in _plans_of([row], setting, now, notes=notes)]
    for row, made in found:
        row.reason = made.reason if made.cancel or made.waits else row.reason
    return found


def _appointments(row: GoogleEvent) -> list[Appointment]:
    """Those that end with the event of `row`: one, or every seat of a session."""
    if row.appointment is None:
        return []
    if not sessions.is_seat(row.appointment):
        return [row.appointment]
    return [row.appointment, *sessions.along(row.appointment, sessions.agreed_times(row))]


def _ahead(reason: str) -> str:
    """What a plan says it did, of what is not done."""
    would = reason.replace("the appointment is cancelled", "the appointment would be cancelled")
    return would.replace("Triggers fired.", "Triggers would fire.")


def _linked(google_calendar: GoogleCalendar, now: datetime) -> GoogleEventQuerySet:
    return _linked_in(GoogleEvent.objects.filter(google_calendar=google_calendar), now)


def _linked_in(rows: GoogleEventQuerySet, now: datetime) -> GoogleEventQuerySet:
    return rows.filter(
        appointment__ends_at__gt=now,
        appointment__status__in=[Appointment.Status.NEW, Appointment.Status.CONFIRMED],
    )


def _due(google_calendar: GoogleCalendar, now: datetime) -> GoogleEventQuerySet:
    return _due_in(GoogleEvent.objects.filter(google_calendar=google_calendar), now)


def _due_in(rows: GoogleEventQuerySet, now: datetime) -> GoogleEventQuerySet:
    """The linked ones of `rows` that are to be planned, but for those that a person let go."""
    return _linked_in(rows, now).unplanned(now).exclude(replan=GoogleEvent.Replan.DECISION)


def _waits_with(number: int) -> str:
    words = f"{number} appointment{'' if number == 1 else 's'}"
    return f"It would cancel {words}. Nothing is done until you decide."
