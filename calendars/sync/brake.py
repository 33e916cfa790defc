"""The brake on mass cancellation: over ten appointments and over a third of those linked wait for a person."""

from datetime import datetime

from django.conf import settings
from django.db.models import Exists, OuterRef

from calendars.models import GoogleEvent, SyncRun
from contacts.models import Appointment, User
from integrations.models import GoogleCalendar


def holds(google_calendar: GoogleCalendar, now: datetime) -> bool:
    """Whether reconciling `google_calendar` must wait. Marks its latest run as braked when it starts to hold."""
    linked = GoogleEvent.objects.filter(
        google_calendar=google_calendar,
        appointment__ends_at__gt=now,
        appointment__status__in=[Appointment.Status.NEW, Appointment.Status.CONFIRMED],
    )
    cancelling = linked.filter(status="cancelled").unplanned(now).count()
    if cancelling <= settings.BRAKE_CANCELLATIONS or cancelling * 3 <= linked.count():
        return False
    run = SyncRun.objects.filter(google_calendar=google_calendar).order_by("-started_at").first()
    if run is None or run.released_at is not None:
        return False
    if run.state != SyncRun.State.BRAKED:
        run.state = SyncRun.State.BRAKED
        run.error = f"It would cancel {cancelling} appointments. Nothing is done until a person lets it."
        run.save(update_fields=["state", "error"])
    return True


def held_events(run: SyncRun) -> list[GoogleEvent]:
    """The events whose appointments a braked `run` would cancel, soonest first."""
    return list(
        GoogleEvent.objects.filter(
            google_calendar=run.google_calendar_id, status="cancelled", appointment__isnull=False
        )
        .unplanned(run.started_at)
        .exclude(appointment__status__in=Appointment.VOID_STATUSES)
        .select_related("appointment__contact")
        .order_by("appointment__starts_at")
    )


def release(run: SyncRun, *, by: User, now: datetime) -> None:
    """Let a braked run cancel what it would cancel. The next sweep does it."""
    SyncRun.objects.filter(pk=run.pk, state=SyncRun.State.BRAKED).update(
        state=SyncRun.State.DONE, released_at=now, released_by=by
    )


def braked_runs(user: User) -> list[SyncRun]:
    """The latest run of each of the user's Google calendars that waits for a person."""
    newer = SyncRun.objects.filter(
        google_calendar=OuterRef("google_calendar"),
        started_at__gt=OuterRef("started_at"),
        released_at__isnull=False,
    )
    runs = SyncRun.objects.filter(state=SyncRun.State.BRAKED, google_calendar__account__user=user)
    return list(runs.exclude(Exists(newer)).select_related("google_calendar"))
