"""What the tests of the contact and agenda pages start from: a day, people who signed in, appointments."""

import datetime
from typing import Any

from django.test import Client

from calendars import booking
from calendars.models import CalendarConfiguration, GoogleEvent
from calendars.sync import copies
from contacts.models import Appointment, Contact, User
from tests.factories import (
    CalendarFactory,
    ContactFactory,
    GoogleAccountFactory,
    GoogleCalendarFactory,
    GoogleEventFactory,
    UserFactory,
)

# A Monday.
NOW = datetime.datetime(2026, 11, 23, 9, 0, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)


def signed_in(user: User | None = None, *, time_zone: str = "UTC") -> tuple[Client, User]:
    """A browser in which `user` (else a new one) is signed in, and that user."""
    user = user or UserFactory.create()
    CalendarConfiguration.objects.update_or_create(user=user, defaults={"time_zone": time_zone})
    client = Client()
    client.force_login(user)
    return client, user


def booked(owner: User, starts_at: datetime.datetime = NOW + HOUR, **fields: Any) -> Appointment:
    """An hour's appointment of a new contact unless `fields` say otherwise."""
    contact: Contact = fields.pop("contact", None) or ContactFactory.create()
    calendar = fields.pop("calendar", None) or CalendarFactory.create()
    ends_at = fields.pop("ends_at", starts_at + HOUR)
    wanted = booking.Booking(
        calendar=calendar, contact=contact, owner=owner, starts_at=starts_at, ends_at=ends_at, **fields
    )
    return booking.book_many([wanted])[0]


def google_event(owner: User, starts_at: datetime.datetime = NOW + HOUR, **fields: Any) -> GoogleEvent:
    """A busy event of an hour in a Google calendar of `owner`, planned as a block unless `fields` say otherwise."""
    calendar = fields.pop("google_calendar", None) or GoogleCalendarFactory.create(
        account=GoogleAccountFactory.create(user=owner)
    )
    values: dict[str, Any] = {
        "starts_at": starts_at,
        "ends_at": starts_at + HOUR,
        "outcome": GoogleEvent.Outcome.BLOCK,
        "blocks": True,
        "reason": "One way: no guests, so no appointment.",
        **fields,
    }
    event = GoogleEventFactory.create(google_calendar=calendar, **values)
    if event.appointment is not None:
        # As the engine does: it is the copy that is pushed to.
        copies.adopt([(event.appointment, event)])
    return event
