"""The brake on mass cancellation: over ten appointments and over a third of those linked wait for a person."""

from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, Subquery
from django.db.models.functions import Coalesce

from calendars.models import GoogleEvent, SyncRun
from calendars.models.google import GoogleEventQuerySet
from contacts.models import Appointment, User
from integrations.models import GoogleCalendar


def holds(google_calendar: GoogleCalendar, now: datetime) -> bool:
    """Whether reconciling `google_calendar` must wait for a person.

    It starts to when too much would be cancelled, and its latest run is marked. From then on it holds, however
    little is left, until a person decides; or until nothing is left, which closes the run.
    """
    found = _look(google_calendar, now)
    if not (found.number or found.is_braked):
        return False
    runs = SyncRun.objects.filter(google_calendar=google_calendar)
    braked = runs.filter(state=SyncRun.State.BRAKED)
    if not found.number:
        braked.update(state=SyncRun.State.DONE, error="")
        return False
    if not found.is_braked:
        few = found.number <= settings.BRAKE_CANCELLATIONS
        if few or found.number * 3 <= _linked(google_calendar, now).count():
            return False
        run = runs.order_by("-started_at", "-pk").first()
        run = run or runs.create(kind=SyncRun.Kind.INCREMENTAL, started_at=now)
        runs.filter(pk=run.pk).update(state=SyncRun.State.BRAKED)
    braked.update(
        error=f"It would cancel {found.number} appointments. Nothing is done until a person lets it."
    )
    return True


def held_events(run: SyncRun, now: datetime) -> list[GoogleEvent]:
    """The events whose appointments a braked `run` would cancel, soonest first."""
    return list(
        cancelling(run.google_calendar, now)
        .select_related("appointment__contact")
        .order_by("appointment__starts_at")
    )


@transaction.atomic
def release(run: SyncRun, *, by: User, now: datetime) -> None:
    """Let a braked run cancel what it would cancel: each of its events is a person's decision now."""
    cancelling(run.google_calendar, now).update(replan=GoogleEvent.Replan.DECISION, decided_by=by)
    SyncRun.objects.filter(google_calendar=run.google_calendar_id, state=SyncRun.State.BRAKED).update(
        state=SyncRun.State.DONE, released_at=now, released_by=by
    )


def braked_runs(user: User) -> list[SyncRun]:
    """The runs of the user's Google calendars that wait for a person, the latest of each calendar."""
    runs = SyncRun.objects.filter(state=SyncRun.State.BRAKED, google_calendar__account__user=user)
    latest = {
        run.google_calendar_id: run for run in runs.select_related("google_calendar").order_by("started_at")
    }
    return list(latest.values())


class _Found(NamedTuple):
    number: int
    is_braked: bool


def _look(google_calendar: GoogleCalendar, now: datetime) -> _Found:
    """How many cancellations are due, and whether a run waits already. One statement."""
    counted = (
        cancelling(google_calendar, now).order_by().values("google_calendar").annotate(number=Count("pk"))
    )
    braked = SyncRun.objects.filter(google_calendar=google_calendar, state=SyncRun.State.BRAKED)
    rows = GoogleCalendar.objects.filter(pk=google_calendar.pk).values_list(
        Coalesce(Subquery(counted.values("number")), 0), Exists(braked)
    )
    return _Found(*rows.get())


def _linked(google_calendar: GoogleCalendar, now: datetime) -> GoogleEventQuerySet:
    return GoogleEvent.objects.filter(
        google_calendar=google_calendar,
        appointment__ends_at__gt=now,
        appointment__status__in=[Appointment.Status.NEW, Appointment.Status.CONFIRMED],
    )


def cancelling(google_calendar: GoogleCalendar, now: datetime) -> GoogleEventQuerySet:
    """The due events whose appointments would be cancelled, but for those that a person let go."""
    gone = _linked(google_calendar, now).filter(status="cancelled").unplanned(now)
    return gone.exclude(replan=GoogleEvent.Replan.DECISION)
