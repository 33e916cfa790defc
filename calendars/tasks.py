"""What beat and the web wake: find what is due, or take one turn. Safe run twice, late, or never."""

from celery import shared_task
from django.utils import timezone

from calendars.models import GoogleEvent, PushTarget
from calendars.sync.push import tell_queues
from calendars.sync.reconcile import late_matches
from calendars.sync.turn import take_turn
from integrations.models import GoogleAccount, GoogleCalendar


@shared_task
def pull_due() -> None:
    """Send one `pull_calendar` for each Google calendar whose time has come."""
    for pk in GoogleCalendar.objects.due(timezone.now()).values_list("pk", flat=True):
        pull_calendar.delay(pk)


@shared_task
def pull_calendar(google_calendar_id: int) -> None:
    """One full turn of one Google calendar."""
    take_turn(google_calendar_id, timezone.now(), pulls=True)


@shared_task
def work_calendar(google_calendar_id: int) -> None:
    """One turn without a pull: what is observed but not planned, and what waits to be pushed."""
    take_turn(google_calendar_id, timezone.now())


@shared_task
def reconcile_due() -> None:
    """Send a turn for each Google calendar with events to plan: left by a dead worker, a new contact, a decision."""
    late_matches()
    due = GoogleEvent.objects.unplanned(timezone.now()).exclude(google_calendar__sync_token="")
    for pk in due.values_list("google_calendar", flat=True).distinct().order_by("google_calendar"):
        work_calendar.delay(pk)


@shared_task
def push_due() -> None:
    """Send a turn for each Google calendar that lacks an appointment's revision."""
    tell_queues()
    due = PushTarget.objects.due(timezone.now()).filter(
        google_calendar__account__state=GoogleAccount.State.CONNECTED
    )
    for pk in due.values_list("google_calendar", flat=True).distinct().order_by("google_calendar"):
        work_calendar.delay(pk)
