"""The brake on mass cancellation: over ten appointments and over a third of those linked wait for a person."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from calendars.models import GoogleEvent, SyncRun
from calendars.models.google import GoogleEventQuerySet
from contacts.models import Appointment, User
from integrations.models import GoogleCalendar


def holds(google_calendar: GoogleCalendar, now: datetime) -> bool:
    """Whether reconciling `google_calendar` must wait. Marks its latest run as braked when it starts to hold."""
    number = cancelling(google_calendar, now).count()
    if number <= settings.BRAKE_CANCELLATIONS or number * 3 <= _linked(google_calendar, now).count():
        return False
    run = SyncRun.objects.filter(google_calendar=google_calendar).order_by("-started_at", "-pk").first()
    if run is not None and run.state != SyncRun.State.BRAKED:
        run.state = SyncRun.State.BRAKED
        run.error = f"It would cancel {number} appointments. Nothing is done until a person lets it."
        run.save(update_fields=["state", "error"])
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
