"""The rows and events that the tests of Google's rules start from."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import time_machine

from calendars import booking
from calendars.models import GoogleEvent
from calendars.sync.turn import Turn, take_turn
from contacts.models import Appointment
from integrations.connecting import refresh_calendars
from integrations.models import GoogleCalendar
from integrations.sandbox.journal import LoggedRequest
from tests.factories import ContactFactory
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

DAY = datetime.timedelta(days=1)
WEEK = 7 * DAY
LATER = TOMORROW_AT_TEN + DAY
LIST, GET = "calendar.events.list", "calendar.events.get"
INSERT, PATCH, DELETE = "calendar.events.insert", "calendar.events.patch", "calendar.events.delete"
WRITES = (INSERT, PATCH, DELETE)
# Four times, from the event's own start on.
WEEKLY: dict[str, Any] = {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]}


def book(desk: Desk, start: datetime.datetime = TOMORROW_AT_TEN, **values: Any) -> Appointment:
    """An appointment made here, with a contact of its own."""
    return booking.book(
        **{
            "calendar": desk.calendar,
            "contact": ContactFactory(address=f"ann{Appointment.objects.count()}@x.org"),
            "owner": desk.user,
            "starts_at": start,
            "ends_at": start + HOUR,
            **values,
        }
    )


def add_series(
    google: Google,
    address: str,
    start: datetime.datetime = TOMORROW_AT_TEN,
    *,
    zone: str = "UTC",
    **body: Any,
) -> dict[str, Any]:
    """Four weekly events with a guest; answers with the series."""
    times = {
        "start": {"dateTime": start.isoformat(), "timeZone": zone},
        "end": {"dateTime": (start + HOUR).isoformat(), "timeZone": zone},
    }
    attendees = [{"email": "new@x.org"}]
    return google.control.insert(
        address, "primary", {"summary": "Weekly", **times, "attendees": attendees, **WEEKLY, **body}
    )


def occurrences(google: Google, address: str) -> list[dict[str, Any]]:
    return sorted(google.events(address), key=start_of)


def start_of(event: dict[str, Any]) -> datetime.datetime:
    return datetime.datetime.fromisoformat(event["start"]["dateTime"])


def second_calendar(google: Google, desk: Desk, name: str = "Clinic") -> GoogleCalendar:
    """Another Google calendar of the desk's own account, blocking its time."""
    return read_for_conflicts(desk, google.control.add_calendar(desk.address, name))


def read_for_conflicts(desk: Desk, google_id: str) -> GoogleCalendar:
    """A calendar in the desk's list at Google, read from now on."""
    refresh_calendars(desk.account)
    calendar = GoogleCalendar.objects.get(account=desk.account, google_id=google_id)
    desk.configuration.conflict_calendars.add(calendar)
    GoogleCalendar.objects.filter(pk=calendar.pk).update(next_pull_at=NOW)
    return calendar


def pull(calendar: GoogleCalendar) -> Turn:
    """One turn of any Google calendar. Fails on an error."""
    turn = take_turn(calendar.pk, datetime.datetime.now(datetime.UTC), pulls=True)
    assert turn.taken
    assert not turn.has_failed, turn
    return turn


@contextmanager
def at(moment: datetime.datetime, google: Google) -> Iterator[None]:
    """Both sides at `moment`."""
    google.control.set_clock(moment)
    with time_machine.travel(moment, tick=False):
        yield


def words(request: LoggedRequest) -> set[str]:
    """The names of the parameters of a request."""
    return {name for name, _ in request.query}


def row_of(event: dict[str, Any]) -> GoogleEvent:
    return GoogleEvent.objects.get(google_id=event["id"])
