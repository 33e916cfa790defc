"""Rows that the tests of this folder start from. Appointments are made by `booking`, as in life."""

import datetime
import itertools
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from calendars import booking
from calendars.models import Calendar
from campaigns.models import Campaign, Enrolment, Kind, Message, Step, TriggerEvent
from campaigns.triggers import look_at
from contacts.models import Appointment, AppointmentChange, Contact, User

UTC = datetime.UTC
NOW = datetime.datetime(2026, 6, 1, 12, tzinfo=UTC)
START = datetime.datetime(2026, 6, 10, 10, tzinfo=UTC)
numbers = itertools.count(1)


def user(**values: Any) -> User:
    values.setdefault("first_name", "Grace")
    return User.objects.create_user(f"staff{next(numbers)}@tandem.example", "pw", **values)


def calendar(**values: Any) -> Calendar:
    number = next(numbers)
    return Calendar.objects.create(
        **{
            "name": f"Consultations {number}",
            "slug": f"calendar-{number}",
            "time_zone": "Europe/London",
            **values,
        }
    )


def contact(address: str | None = "", **values: Any) -> Contact:
    person = Contact.objects.create(**{"first_name": "Ada", "last_name": "Lovelace", **values})
    if address is not None:
        person.emails.create(address=address or f"ada{person.pk}@example.com", is_primary=True)
    return person


def campaign(*steps: dict[str, Any], **values: Any) -> Campaign:
    row = Campaign.objects.create(**{"name": f"Campaign {next(numbers)}", **values})
    for position, step in enumerate(steps):
        Step.objects.create(
            campaign=row,
            position=position,
            **{"subject": "Your appointment", "body": "Hello {{ contact.name }}", **step},
        )
    return row


def at_once(**values: Any) -> dict[str, Any]:
    return {"anchor": Step.Anchor.AT_ONCE, "offset": timedelta(0), **values}


def before(hours: float = 24, **values: Any) -> dict[str, Any]:
    return {"anchor": Step.Anchor.BEFORE_START, "offset": timedelta(hours=hours), **values}


def after(hours: float = 2, **values: Any) -> dict[str, Any]:
    return {"anchor": Step.Anchor.AFTER_END, "offset": timedelta(hours=hours), **values}


def book(person: Contact | None = None, **values: Any) -> Appointment:
    """An appointment whose changes nobody has looked at yet (a test's commit never comes)."""
    return book_all([person or contact()], **values)[0]


def book_all(
    people: Iterable[Contact], *, starts_at: datetime.datetime = START, **values: Any
) -> list[Appointment]:
    """One appointment each, all at the same time."""
    owner = values.pop("owner", None) or user()
    on = values.pop("calendar", None) or calendar()
    ends_at = values.pop("ends_at", starts_at + timedelta(minutes=30))
    return booking.book_many(
        [
            booking.Booking(
                calendar=on,
                contact=person,
                owner=owner,
                starts_at=starts_at,
                ends_at=ends_at,
                **{"hosts": [owner], **values},
            )
            for person in people
        ]
    )


def look(now: datetime.datetime = NOW) -> None:
    """Looks at every change there is, in order."""
    for change in AppointmentChange.objects.filter(looked_at=None).order_by("pk"):
        look_at(change.pk, now=now)


def booked(person: Contact | None = None, *, now: datetime.datetime = NOW, **values: Any) -> Appointment:
    appointment = book(person, **values)
    look(now)
    return appointment


def moved(
    appointment: Appointment, starts_at: datetime.datetime, now: datetime.datetime = NOW, **values: Any
) -> None:
    booking.reschedule(appointment, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=30), **values)
    look(now)


def with_status(appointment: Appointment, status: str, now: datetime.datetime = NOW, **values: Any) -> None:
    booking.set_status(appointment, status, **values)
    look(now)


def messages(appointment: Appointment) -> list[tuple[str, datetime.datetime]]:
    """(state, due) of every message of the appointment."""
    rows = Message.objects.filter(enrolment__appointment=appointment).order_by("due_at", "pk")
    return list(rows.values_list("state", "due_at"))


def log(appointment: Appointment) -> list[tuple[str, bool, str]]:
    """(what, fired, why) of the appointment trigger, oldest first."""
    events = TriggerEvent.objects.filter(appointment=appointment, kind=Kind.APPOINTMENT).order_by("pk")
    return [(event.change.what, event.fired, event.why) for event in events.select_related("change")]


def entered(appointment: Appointment) -> set[str]:
    return set(Enrolment.objects.filter(appointment=appointment).values_list("campaign__name", flat=True))


def outcomes(appointment: Appointment, what: str = "booked") -> dict[str, str]:
    """Of the appointment trigger: by campaign, why it did not take them; "" where it did."""
    event = TriggerEvent.objects.get(appointment=appointment, kind=Kind.APPOINTMENT, change__what=what)
    names = dict(Campaign.objects.values_list("pk", "name"))
    return {names[pk]: why for pk, why in event.outcomes}
