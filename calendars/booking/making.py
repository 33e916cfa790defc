"""Making appointments: one at the desk, or all that a pull brought at once."""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.db import transaction

from calendars import hosting
from calendars.booking.record import What, record_all
from calendars.booking.rules import NotPossible, Status, check_times
from calendars.models import Calendar
from calendars.sync import targets
from contacts.models import (
    Appointment,
    AppointmentChange,
    AppointmentGuest,
    AppointmentHost,
    Contact,
    ContactEmail,
    Origin,
    User,
)


@dataclass(frozen=True, slots=True)
class Typed:
    """What a visitor typed of a guest on the booking page, whoever the contact turned out to be."""

    name: str
    time_zone: str


NOTHING_TYPED = Typed("", "")


@dataclass(frozen=True, kw_only=True)
class Booking:
    """What is to be booked. `contact` is the primary one; `guests` come along.

    `hosts` None: as the calendar's kind says. `meeting`: iCalUID and original start of a Google event. `addresses`:
    contact pk → the address invited, where it is not the primary one; `typed`: contact pk → what the booking page was
    told of them. `aims` False: the caller writes push targets.
    """

    calendar: Calendar
    contact: Contact
    owner: User
    starts_at: datetime.datetime
    ends_at: datetime.datetime
    origin: str = Origin.STAFF
    by: User | None = None
    title: str = ""
    description: str = ""
    location: str = ""
    # Without a place of its own it takes the calendar's; not where somebody else decides on the place.
    takes_usual_place: bool = True
    meeting_url: str = ""
    guests: Sequence[Contact] = ()
    addresses: Mapping[int, str] = field(default_factory=dict)
    typed: Mapping[int, Typed] = field(default_factory=dict)
    hosts: Sequence[User] | None = None
    status: str | None = None
    meeting: tuple[str, str] = ("", "")
    is_recurring: bool = False
    repeats_series: bool = False
    fires: bool = True
    why: str = ""
    # Asked for free time and got it: no other claim on its hosts' time may overlap.
    claims: bool = False
    assigned_why: str = ""
    form_key: str = ""
    aims: bool = True

    @property
    def claims_time(self) -> bool:
        """Whether its hosts' time was asked for as free; a class fills one time seat by seat."""
        return self.claims and self.calendar.kind != Calendar.Kind.CLASS

    @property
    def everyone(self) -> list[Contact]:
        """Each attached contact once, the primary one first."""
        return list({person.pk: person for person in (self.contact, *self.guests)}.values())


def book(
    *,
    calendar: Calendar,
    contact: Contact,
    owner: User,
    starts_at: datetime.datetime,
    ends_at: datetime.datetime,
    origin: str = Origin.STAFF,
    by: User | None = None,
    title: str = "",
    description: str = "",
    location: str = "",
    guests: Iterable[Contact] = (),
    hosts: Sequence[User] | None = None,
    status: str | None = None,
    fires: bool = True,
    why: str = "",
) -> Appointment:
    """A new appointment of `contact` (and further `guests`) on `calendar`, hosted by `hosts` or as its kind says.

    Never looks at working hours nor at what else is on then: who wants free time holds it first (`hold`, `take`).
    Raises NotPossible.
    """
    booking = Booking(
        calendar=calendar,
        contact=contact,
        owner=owner,
        starts_at=starts_at,
        ends_at=ends_at,
        origin=origin,
        by=by,
        title=title,
        description=description,
        location=location,
        guests=tuple(guests),
        hosts=hosts,
        status=status,
        fires=fires,
        why=why,
    )
    return book_many([booking])[0]


@transaction.atomic
def book_many(bookings: Sequence[Booking]) -> list[Appointment]:
    """The appointments of `bookings`, in order. Four statements for those that bring hosts and addresses and do not
    aim. Raises as `book` does; then none is made.
    """
    bookings = [_with_hosts(booking) for booking in bookings]
    appointments = Appointment.objects.bulk_create(_appointment(booking) for booking in bookings)
    AppointmentHost.objects.bulk_create(
        AppointmentHost(
            appointment=appointment,
            user=user,
            claims_from=booking.starts_at if booking.claims_time else None,
            claims_until=booking.ends_at if booking.claims_time else None,
        )
        for appointment, booking in zip(appointments, bookings, strict=True)
        for user in booking.hosts or ()
    )
    invited = _invited_at(bookings)
    AppointmentGuest.objects.bulk_create(
        AppointmentGuest(
            appointment=appointment,
            contact=person,
            address=booking.addresses.get(person.pk) or invited.get(person.pk, ""),
            name=booking.typed.get(person.pk, NOTHING_TYPED).name,
            time_zone=booking.typed.get(person.pk, NOTHING_TYPED).time_zone,
        )
        for appointment, booking in zip(appointments, bookings, strict=True)
        for person in booking.everyone
    )
    record_all(
        [_booked(appointment, booking) for appointment, booking in zip(appointments, bookings, strict=True)]
    )
    for appointment, booking in zip(appointments, bookings, strict=True):
        if booking.aims:
            targets.aim(appointment)
    return appointments


def _with_hosts(booking: Booking) -> Booking:
    """`booking`, which can be made, with its hosts."""
    check_times(booking.starts_at, booking.ends_at)
    if not booking.calendar.is_active and booking.origin == Origin.CUSTOMER:
        raise NotPossible(f"{booking.calendar.name} does not take bookings at the moment.")
    if booking.hosts is not None:
        return booking
    found = hosting.assigned(booking.calendar, booking.owner, booking.starts_at, booking.ends_at)
    return replace(booking, hosts=found.hosts, assigned_why=found.why)


def _appointment(booking: Booking) -> Appointment:
    usual = Status.CONFIRMED if booking.calendar.confirms_automatically else Status.NEW
    return Appointment(
        calendar=booking.calendar,
        contact=booking.contact,
        owner=booking.owner,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        status=booking.status or usual,
        status_set_by=booking.origin if booking.status else "",
        origin=booking.origin,
        title=booking.title or f"{booking.calendar.name}: {booking.contact.name}"[:300],
        description=booking.description,
        location=booking.location or (booking.calendar.location if booking.takes_usual_place else ""),
        meeting_url=booking.meeting_url,
        assigned_why=booking.assigned_why[:300],
        is_recurring=booking.is_recurring,
        ical_uid=booking.meeting[0],
        original_start=booking.meeting[1],
        form_key=booking.form_key,
    )


def _invited_at(bookings: Sequence[Booking]) -> dict[int, str]:
    """The primary address of each contact whose booking does not say where they were invited."""
    unsaid = [
        person.pk for booking in bookings for person in booking.everyone if person.pk not in booking.addresses
    ]
    if not unsaid:
        return {}
    found: dict[int, str] = defaultdict(str)
    rows = ContactEmail.objects.filter(contact__in=unsaid).order_by("is_primary", "-pk")
    found.update(rows.values_list("contact", "address"))
    return found


def _booked(appointment: Appointment, booking: Booking) -> AppointmentChange:
    return AppointmentChange(
        appointment=appointment,
        revision=appointment.revision,
        what=What.BOOKED,
        origin=booking.origin,
        by=booking.by,
        fires=booking.fires,
        why=booking.why[:300],
        repeats_series=booking.repeats_series,
    )
