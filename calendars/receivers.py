"""News from below: wake the worker after a booking, and mind what a disconnected account leaves behind."""

import uuid
from typing import Any

from django.dispatch import receiver
from django.utils import timezone

from calendars import tasks
from calendars.models import PushTarget
from calendars.sync import disconnecting
from contacts import signals as contact_signals
from integrations import signals as integration_signals
from integrations.models import GoogleAccount, GoogleCalendar


@receiver(
    [
        contact_signals.appointment_booked,
        contact_signals.appointment_rescheduled,
        contact_signals.appointment_status_changed,
    ],
    dispatch_uid="calendars.wake_push",
)
def wake_push(appointment_id: uuid.UUID, **news: Any) -> None:
    """Soon, not now: the sweep `push_due` finds what a lost wake-up leaves."""
    behind = PushTarget.objects.due(timezone.now()).filter(
        appointment=appointment_id, google_calendar__account__state=GoogleAccount.State.CONNECTED
    )
    for pk in behind.values_list("google_calendar", flat=True):
        tasks.work_calendar.delay(pk)


@receiver(integration_signals.sync_requested, dispatch_uid="calendars.wake_pull")
@receiver(integration_signals.account_connected, dispatch_uid="calendars.wake_pull_connected")
def wake_pull(account_id: int, **news: Any) -> None:
    """A person pressed *Sync now* or connected: pull what is due at once."""
    for pk in (
        GoogleCalendar.objects.due(timezone.now()).filter(account=account_id).values_list("pk", flat=True)
    ):
        tasks.pull_calendar.delay(pk)


@receiver(integration_signals.account_connected, dispatch_uid="calendars.resume")
def resume(account_id: int, **news: Any) -> None:
    disconnecting.resume(account_id, timezone.now())


@receiver(integration_signals.account_disconnecting, dispatch_uid="calendars.let_go")
def let_go(account_id: int, **news: Any) -> None:
    disconnecting.let_go(account_id)
