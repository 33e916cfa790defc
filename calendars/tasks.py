"""What beat and the web wake: find what is due, or take one turn. Safe run twice, late, or never."""

from celery import shared_task
from django.utils import timezone

from calendars.models import GoogleEvent, PushTarget
from calendars.sync.late import late_matches
from calendars.sync.queues import tell_queues
from calendars.sync.turn import Turn, take_turn
from integrations import channels, connecting
from integrations.models import GoogleAccount, GoogleCalendar


@shared_task
def pull_due() -> None:
    """Send one `pull_calendar` for each Google calendar whose time has come."""
    for pk in GoogleCalendar.objects.due(timezone.now()).values_list("pk", flat=True):
        pull_calendar.delay(pk)


@shared_task
def pull_calendar(google_calendar_id: int) -> None:
    """One full turn of one Google calendar; another if Google told of a change meanwhile, and those it asks for."""
    _pull_next(google_calendar_id, take_turn(google_calendar_id, timezone.now(), pulls=True, if_due=True))


@shared_task
def work_calendar(google_calendar_id: int) -> None:
    """One turn without a pull: what is observed but not planned, and what waits to be pushed."""
    _pull_next(google_calendar_id, take_turn(google_calendar_id, timezone.now()))


def _pull_next(google_calendar_id: int, turn: Turn) -> None:
    again = {google_calendar_id} if turn.is_wanted_again else set()
    for pk in sorted(again | set(turn.asks)):
        pull_calendar.delay(pk)


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


@shared_task
def list_due() -> None:
    """Send one `list_calendars` for each account whose calendars Google would not tell when it was connected."""
    for pk in connecting.unlisted(timezone.now()).values_list("pk", flat=True):
        list_calendars.delay(pk)


@shared_task
def list_calendars(account_id: int) -> None:
    """Ask Google for the calendars of one such account."""
    connecting.list_at_last(account_id, timezone.now())


@shared_task
def renew_channels() -> None:
    """Send one `keep_channel` for each Google calendar whose channels are not as wanted."""
    channels.forget_expired(timezone.now())
    for pk in channels.unsettled(timezone.now()).values_list("pk", flat=True)[: channels.MOST_A_SWEEP]:
        keep_channel.delay(pk)


@shared_task
def keep_channel(google_calendar_id: int) -> None:
    """Open, renew or stop the channels of one Google calendar."""
    channels.keep(google_calendar_id, timezone.now())
