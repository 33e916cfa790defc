"""A person presses *Try again* on an event that could not be read or carried out."""

from datetime import datetime

from calendars.models import GoogleEvent
from calendars.sync.observation import columns
from calendars.sync.setting import keeps_private, ruling
from calendars.sync.turn import take_turn
from integrations.google.client import client_for
from integrations.google.errors import Gone, GoogleError


class StillWrong(ValueError):
    """It could not be done this time either; the text says why, for a person."""


def try_again(event: GoogleEvent, *, now: datetime) -> GoogleEvent:
    """`event` as it is after another try, at once; raises StillWrong.

    One that was planned and failed is planned again. One that Google told in a form nobody could read is asked for by
    its id first.
    """
    if not event.error:
        return event
    if not event.is_due:
        _read_again(event)
    GoogleEvent.objects.filter(pk=event.pk).update(not_before=None)
    take_turn(event.google_calendar_id, now, pushes=False)
    event.refresh_from_db()
    if event.error:
        raise StillWrong(event.error)
    return event


def _read_again(event: GoogleEvent) -> None:
    google_calendar = event.google_calendar
    try:
        with client_for(google_calendar.account) as client:
            found = client.get_event(
                google_calendar.google_id, event.google_id, time_zone=google_calendar.time_zone
            )
    except Gone:
        GoogleEvent.objects.filter(pk=event.pk).update(status="cancelled", etag="gone", error="")
        return
    except GoogleError as error:
        raise StillWrong(error.why or "Google could not be asked.") from error
    kept = columns(found, keeps_private=keeps_private(ruling(google_calendar)))
    GoogleEvent.objects.filter(pk=event.pk).update(**kept, error="")
