"""News from below: wake the worker after a booking, and mind what a disconnected account leaves behind."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from django.dispatch import receiver
from django.utils import timezone

from calendars import tasks
from calendars.models import CalendarConfiguration, PushTarget
from calendars.signals import configuration_saved
from calendars.sync import disconnecting, relinked, targets
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
def wake_push(appointment_ids: Sequence[uuid.UUID], **news: Any) -> None:
    """Soon, not now: the sweep `push_due` finds what a lost wake-up leaves. Each calendar is woken once."""
    behind = PushTarget.objects.due(timezone.now()).filter(
        appointment__in=appointment_ids, google_calendar__account__state=GoogleAccount.State.CONNECTED
    )
    for pk in behind.values_list("google_calendar", flat=True).distinct().order_by("google_calendar"):
        tasks.work_calendar.delay(pk)


@receiver(integration_signals.sync_requested, dispatch_uid="calendars.wake_pull")
def wake_pull(account_id: int, **news: Any) -> None:
    """A person pressed *Sync now*: pull what is due at once, and try once more what Google refused."""
    waiting = PushTarget.objects.behind().filter(google_calendar__account=account_id)
    targets.lift_waits(waiting, timezone.now())
    for pk in (
        GoogleCalendar.objects.due(timezone.now()).filter(account=account_id).values_list("pk", flat=True)
    ):
        tasks.pull_calendar.delay(pk)


@receiver(integration_signals.calendar_changed, dispatch_uid="calendars.wake_changed")
def wake_changed(google_calendar_id: int, **news: Any) -> None:
    """Google told of a change: pull at once. A calendar in a worker's hands is pulled again by that worker."""
    if GoogleCalendar.objects.due(timezone.now()).filter(pk=google_calendar_id).exists():
        tasks.pull_calendar.delay(google_calendar_id)


@receiver(configuration_saved, dispatch_uid="calendars.follow_configuration")
def follow_configuration(configuration_id: int, link_changed: bool, **news: Any) -> None:
    """Let go of calendars nobody reads now, move future appointments to the new link, and pull what is due."""
    configuration = CalendarConfiguration.objects.get(pk=configuration_id)
    relinked.follow(configuration, link_changed=link_changed)
    linked = GoogleCalendar.objects.due(timezone.now()).filter(
        Q(linked_by=configuration) | Q(conflict_of=configuration)
    )
    for pk in linked.values_list("pk", flat=True).distinct():
        tasks.pull_calendar.delay(pk)
    tasks.renew_channels.delay()


@receiver(integration_signals.account_connected, dispatch_uid="calendars.resume")
def resume(account_id: int, **news: Any) -> None:
    """Connected, perhaps again: go on where it stopped."""
    disconnecting.resume(account_id, timezone.now())
    wake_pull(account_id)
    tasks.renew_channels.delay()


@receiver(integration_signals.account_disconnecting, dispatch_uid="calendars.let_go")
def let_go(account_id: int, **news: Any) -> None:
    disconnecting.let_go(account_id)
