"""What staff do at the desk: see what a new time collides with, and book for somebody known or new."""

import datetime
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet

from calendars import booking
from calendars.agenda import Asked, Entry, entries, full_session
from calendars.models import Calendar, GoogleEvent
from contacts.models import Appointment, AppointmentChange, AppointmentGuest, Contact, User
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


@contextmanager
def tried(wish: Wish, *, by: User) -> Iterator[Appointment]:
    """The appointment that `wish` would make, there for as long as the block lasts and taken back after it: what is
    read of it meanwhile cannot be told wrong. Raises booking.NotPossible."""
    with transaction.atomic():
        yield book_wish(wish, by=by)
        transaction.set_rollback(True)


@dataclass(frozen=True, slots=True)
class Edit:
    """New words for an appointment, who is added to its guests and who is taken off. `newcomer`: somebody typed, None
    for nobody."""

    title: str
    location: str
    description: str
    added: Sequence[Contact] = ()
    newcomer: Newcomer | None = None
    taken_off: Sequence[Contact] = ()


@transaction.atomic
def edit(appointment: Appointment, edit: Edit, *, by: User) -> Appointment:
    """`appointment` as `edit` says, all of it or nothing. Raises booking.NotPossible when nobody would be left."""
    added = list(edit.added)
    if edit.newcomer is not None:
        added.append(find_or_add(edit.newcomer, owner=by, source=Contact.Source.MANUAL)[0])
    for contact in added:
        booking.attach(appointment, contact, by=by)
    for contact in edit.taken_off:
        booking.detach(appointment, contact, by=by)
    # Not by the relation: who came before may stand there, read for the page.
    if not AppointmentGuest.objects.filter(appointment=appointment).exists():
        raise booking.NotPossible("Somebody has to come. To take the last one off, cancel the appointment.")
    return booking.set_details(
        appointment,
        title=edit.title or usual_title(appointment),
        description=edit.description,
        location=edit.location,
        by=by,
    )


@dataclass(frozen=True, slots=True)
class GuestNews:
    """The changes that concern one guest each, as an edit would write them."""

    added: Sequence[AppointmentChange]
    taken_off: Sequence[AppointmentChange]


@contextmanager
def tried_edit(appointment: Appointment, wish: Edit, *, by: User) -> Iterator[GuestNews]:
    """What `wish` would make of the guests, there for as long as the block lasts and taken back after it. Raises
    booking.NotPossible."""
    with transaction.atomic():
        before = AppointmentChange.objects.filter(appointment=appointment).order_by("-pk").first()
        edit(appointment, wish, by=by)
        changes = AppointmentChange.objects.filter(appointment=appointment, pk__gt=before.pk if before else 0)
        news = list(changes.exclude(contact=None).select_related("contact").order_by("pk"))
        yield GuestNews(
            added=[each for each in news if each.what == AppointmentChange.What.BOOKED],
            taken_off=[each for each in news if each.what == AppointmentChange.What.CANCELLED],
        )
        transaction.set_rollback(True)


def usual_title(appointment: Appointment) -> str:
    """What an appointment is called that nobody gave a title: as when it was booked."""
    contact = Contact.objects.get(appointments=appointment)
    return f"{appointment.calendar.name}: {contact.name}"[:300]


def conflicts(
    hosts: Iterable[User],
    starts_at: datetime.datetime,
    ends_at: datetime.datetime,
    *,
    viewer: User,
    zone: ZoneInfo,
    calendar: Calendar | None = None,
    but: Sequence[Appointment] = (),
) -> list[Entry]:
    """What takes the time of one of `hosts` already from something of `calendar`, as `viewer` may see it.

    `but`, which is moved or brought back in its own calendar (of a class several seats as one), and its own events at
    Google are not counted. A session of the same class is joined: it counts only once its seats are full.
    """
    hosts = list(hosts)
    found: dict[str, Entry] = {}
    for host in hosts:
        asked = Asked(
            viewer=viewer, person=host.pk, calendar=None, starts_at=starts_at, ends_at=ends_at, zone=zone
        )
        found |= {entry.key: entry for entry in entries(asked) if entry.look != "free"}
    if but:
        calendar = but[0].calendar
        events = GoogleEvent.objects.filter(appointment__in=but).values_list("pk", flat=True)
        for key in (*(f"appointment-{row.pk}" for row in but), *(f"event-{pk}" for pk in events)):
            found.pop(key, None)
    if calendar is not None and calendar.kind == Calendar.Kind.CLASS:
        at_that_time = Appointment.objects.filter(calendar=calendar, starts_at=starts_at, ends_at=ends_at)
        people = AppointmentGuest.objects.filter(appointment__in=but).count() if but else 1
        found = _joining(found, at_that_time.filter(hosts__user__in=hosts), calendar, people=people)
    return list(found.values())


def _joining(
    found: dict[str, Entry], session: QuerySet[Appointment], calendar: Calendar, *, people: int
) -> dict[str, Entry]:
    """`found` without what belongs to `session`; where that has no seats left for `people`, one entry says so."""
    seats = {f"appointment-{pk}" for pk in session.values_list("pk", flat=True)}
    events = GoogleEvent.objects.filter(appointment__in=session.values("pk"))
    own = seats | {f"event-{pk}" for pk in events.values_list("pk", flat=True)}
    others = {key: entry for key, entry in found.items() if key not in own}
    taken = [entry for key, entry in found.items() if key in seats]
    if not taken or sum(entry.people for entry in taken) + people <= calendar.seats:
        return others
    full = full_session(taken, calendar)
    return {full.key: full, **others}
