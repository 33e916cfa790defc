"""A person presses *Try again*: on an event that could not be read or carried out, or on an appointment that Google
did not take."""

from datetime import datetime
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from calendars.models import GoogleEvent
from calendars.sync import targets
from calendars.sync.observation import columns
from calendars.sync.setting import keeps_private, ruling
from calendars.sync.turn import Claim, Turn, take_turn
from contacts.models import Appointment
from integrations.google.client import client_for
from integrations.google.errors import Gone, GoogleError, Refused
from integrations.models import GoogleAccount

BUSY = "Its Google calendar is being worked on just now. Try again in a minute."
SOON = "Its Google calendar is being worked on just now. It is tried again within a moment."
NAMELESS = "Without an id it cannot be asked for by itself. The next full pull, within a day, reads it again."
UNREAD = "Its Google calendar has not been read in full yet. It is tried again when that is done."
HELD = "Its Google calendar waits for you to say whether many appointments may be cancelled. See the agenda."


class StillWrong(ValueError):
    """It could not be done this time either; the text says why, for a person."""


def try_again(event: GoogleEvent, *, now: datetime) -> GoogleEvent:
    """`event` as it is after another try, at once; raises StillWrong.

    One that was planned and failed is planned again. One that Google told in a form nobody could read is asked for by
    its id first. What another worker prevents is left to the next sweep.
    """
    if not event.error:
        return event
    if event.is_unreadable:
        _read_again(event, now)
    GoogleEvent.objects.filter(pk=event.pk).update(not_before=None)
    turn = take_turn(event.google_calendar_id, now, pushes=False)
    event.refresh_from_db()
    if event.error:
        raise StillWrong(event.error if event.not_before else _why_untried(event, turn))
    return event


def push_again(appointment: Appointment, *, now: datetime) -> list[int]:
    """The Google calendars to be worked on now that what they lack of `appointment` need not wait any longer.

    Raises StillWrong where nothing failed, or where the account itself has to wait first.
    """
    failed = appointment.push_targets.behind().exclude(last_error="")
    accounts = list(GoogleAccount.objects.filter(calendars__push_targets__in=failed).distinct())
    if not accounts:
        raise StillWrong("Nothing of it waits with an error.")
    ready = [account for account in accounts if not _why_account_waits(account, now)]
    if not ready:
        raise StillWrong(" ".join(_why_account_waits(account, now) for account in accounts))
    waiting = failed.filter(google_calendar__account__in=ready)
    targets.lift_waits(waiting, now)
    return list(waiting.values_list("google_calendar", flat=True).distinct().order_by("google_calendar"))


def _why_account_waits(account: GoogleAccount, now: datetime) -> str:
    if not account.is_connected:
        return f"{account.address} has to be reconnected first."
    if account.not_before is not None and account.not_before > now:
        until = timezone.localtime(account.not_before)
        return f"Google asked us to wait until {until:%H:%M} with {account.address}."
    return ""


def _why_untried(event: GoogleEvent, turn: Turn) -> str:
    """A failed try sets the time of the next one; without it there was none."""
    if not turn.taken:
        return SOON
    return HELD if event.google_calendar.sync_token else UNREAD


def _read_again(event: GoogleEvent, now: datetime) -> None:
    """Store what Google says of `event` by now, as a pull does, and as one holding the calendar's claim."""
    if not event.google_id:
        raise StillWrong(NAMELESS)
    waits = event.google_calendar.account.not_before
    if waits is not None and waits > now:
        raise StillWrong(f"We wait until {timezone.localtime(waits):%H:%M}, as Google's limit was met.")
    claim = Claim(event.google_calendar_id, now)
    if not claim.take(Q()):
        raise StillWrong(BUSY)
    row = GoogleEvent.objects.filter(pk=event.pk)
    try:
        row.update(**_asked(event), error="", attempts=0, seen_at=now)
    except GoogleError as error:
        why = error.why or "Google could not be asked."
        if isinstance(error, Refused) and error.reason == "unreadable":
            row.update(error=why[:500], attempts=F("attempts") + 1, seen_at=now)
        raise StillWrong(why) from error
    finally:
        claim.release()


def _asked(event: GoogleEvent) -> dict[str, Any]:
    """The observed columns of `event` as Google has it now. Raises what the client raises, but Gone."""
    google_calendar = event.google_calendar
    try:
        with client_for(google_calendar.account) as client:
            found = client.get_event(
                google_calendar.google_id, event.google_id, time_zone=google_calendar.time_zone
            )
    except Gone:
        return {"status": "cancelled", "etag": "gone"}
    return columns(found, keeps_private=keeps_private(ruling(google_calendar)))
