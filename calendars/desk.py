"""What staff do at the desk: see what a new time collides with, and book for somebody known or new."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db import transaction

from calendars import booking
from calendars.agenda import Asked, Entry, entries
from calendars.models import Calendar
from contacts.models import Appointment, Contact, User
from contacts.newcomers import Newcomer, find_or_add


@dataclass(frozen=True, slots=True)
class Wish:
    """One appointment to be booked, for a `contact` or, if that is None, a `newcomer`."""

    contact: Contact | None
    newcomer: Newcomer
    calendar: Calendar
    owner: User
    starts_at: datetime.datetime
    ends_at: datetime.datetime
    title: str = ""
    description: str = ""
    location: str = ""


@transaction.atomic
def book_wish(wish: Wish, *, by: User, why: str = "") -> Appointment:
    """The appointment; its contact is made in the same transaction. `why` goes into its history.

    Raises booking.NotPossible.
    """
    contact = wish.contact
    if contact is None:
        contact, _ = find_or_add(wish.newcomer, owner=by, source=Contact.Source.MANUAL)
    return booking.book(
        calendar=wish.calendar,
        contact=contact,
        owner=wish.owner,
        starts_at=wish.starts_at,
        ends_at=wish.ends_at,
        by=by,
        title=wish.title,
        description=wish.description,
        location=wish.location,
        why=why,
    )


def conflicts(
    hosts: Iterable[User],
    starts_at: datetime.datetime,
    ends_at: datetime.datetime,
    *,
    viewer: User,
    zone: ZoneInfo,
    but: Appointment | None = None,
) -> list[Entry]:
    """What takes the time of one of `hosts` already, as `viewer` may see it; `but` is not counted."""
    found: dict[str, Entry] = {}
    for host in hosts:
        asked = Asked(
            viewer=viewer, person=host.pk, calendar=None, starts_at=starts_at, ends_at=ends_at, zone=zone
        )
        found |= {entry.key: entry for entry in entries(asked) if entry.look != "free"}
    if but is not None:
        found.pop(f"appointment-{but.pk}", None)
    return list(found.values())
