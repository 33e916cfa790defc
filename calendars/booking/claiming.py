"""Taking time that is on offer. Whoever may host is locked in a fixed order and read again, so that of any number of
simultaneous requests for one slot as many succeed as there are free hosts or seats."""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from calendars import hosting, offering
from calendars.availability import Slot
from calendars.booking.attending import hand_over
from calendars.booking.changing import reschedule
from calendars.booking.making import Booking, Typed, book_many
from calendars.booking.rules import NotPossible, Taken
from calendars.models import Calendar
from contacts.models import Appointment, Contact, Origin, User

JUST_TAKEN = "That time was just taken. Choose another one."
# The exclusion constraint of contacts' migration 0004.
CLAIMS = "appointment_host_claims_once"


@dataclass(frozen=True, slots=True)
class Seat:
    """A slot that is held until the transaction ends, with those who could host it."""

    calendar: Calendar
    slot: Slot
    hosts: Sequence[User]


def hold(calendar: Calendar, starts_at: datetime.datetime, *, now: datetime.datetime) -> Seat:
    """The slot of `calendar` that starts at `starts_at`, held. Call it inside a transaction. Raises Taken."""
    # First the calendar: its seats and its most per day are nobody's row. As it is now, not as the page showed it.
    calendar = _locked(calendar)
    if not calendar.is_active:
        raise NotPossible(f"{calendar.name} does not take bookings at the moment.")
    hosting.lock(offering.candidates(calendar, starts_at))
    # Only now: what was taken until the locks were ours has to be seen.
    start = int(starts_at.timestamp())
    offer = offering.read(calendar, within=(start, start + 1), now=now)
    slot = offer.slot_at(starts_at)
    if slot is None:
        raise Taken(JUST_TAKEN)
    return Seat(calendar, slot, offer.hosts(slot))


def _locked(calendar: Calendar) -> Calendar:
    rows = Calendar.objects.select_for_update(no_key=True, of=("self",)).select_related("owner")
    return rows.get(pk=calendar.pk)


def take(
    seat: Seat,
    contact: Contact,
    *,
    guests: Sequence[Contact] = (),
    addresses: Mapping[int, str] | None = None,
    typed: Mapping[int, Typed] | None = None,
    title: str = "",
    description: str = "",
    why: str = "",
    form_key: str = "",
    origin: str = Origin.CUSTOMER,
    by: User | None = None,
) -> Appointment:
    """`contact`'s appointment in the held `seat`. Of several who could host one is chosen, and it is said why.

    Raises Taken where the database knows of an overlap that was not seen.
    """
    _check_seats(seat.calendar, seat.slot, len({contact.pk, *(guest.pk for guest in guests)}))
    calendar, hosts, assigned_why = seat.calendar, list(seat.hosts), ""
    if calendar.kind == Calendar.Kind.ROUND_ROBIN:
        choice = hosting.choose(calendar, hosts, contact_owner=contact.owner)
        hosts, assigned_why = [choice.user], choice.why
    booking = Booking(
        calendar=calendar,
        contact=contact,
        guests=tuple(guests),
        addresses=addresses or {},
        typed=typed or {},
        owner=hosts[0],
        hosts=hosts,
        starts_at=seat.slot.starts_at,
        ends_at=seat.slot.ends_at,
        title=title,
        description=description,
        why=why,
        origin=origin,
        by=by,
        assigned_why=assigned_why,
        form_key=form_key,
        claims=True,
    )
    with overlap_is_taken():
        return book_many([booking])[0]


def _check_seats(calendar: Calendar, slot: Slot, people: int) -> None:
    """Everybody who comes sits on a seat of the class. Raises Taken."""
    left = slot.seats_left
    if calendar.kind == Calendar.Kind.CLASS and people > left:
        raise Taken(f"Only {left} {'seats are' if left > 1 else 'seat is'} left then, and you are {people}.")


@transaction.atomic
def move_to(
    appointment: Appointment,
    starts_at: datetime.datetime,
    *,
    now: datetime.datetime,
    origin: str = Origin.CUSTOMER,
    why: str = "",
) -> Appointment:
    """`appointment` at another slot on offer, with the length it has. It stays with its hosts; of a round robin whose
    host is not free then, the next in turn takes it over. Raises Taken, NotPossible."""
    calendar = appointment.calendar = _locked(appointment.calendar)
    if not calendar.is_active:
        raise NotPossible(f"{calendar.name} does not take bookings at the moment.")
    hosts = [host.user for host in appointment.hosts.select_related("user")]
    anybody = offering.candidates(calendar, starts_at) if offering.may_change_hands(calendar, hosts) else []
    hosting.lock([*hosts, *anybody])
    offer = slots_to_move(appointment, starts_at, now=now)
    slot = offer.slot_at(starts_at)
    if slot is None:
        raise Taken(JUST_TAKEN)
    _check_seats(calendar, slot, appointment.guests.count())
    with overlap_is_taken():
        leaver = who_hands_over(appointment, slot)
        if leaver is not None:
            choice = hosting.choose(calendar, offer.hosts(slot), contact_owner=appointment.contact.owner)
            hand_over(appointment, to=choice.user, why=f"{choice.why} Before it was moved: {leaver}.")
            why = f"{why} {choice.user} takes over from {leaver}, who is not free then.".strip()
        return reschedule(
            appointment,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            origin=origin,
            why=why,
            claims=True,
        )


def who_hands_over(appointment: Appointment, slot: Slot) -> User | None:
    """The host of a round robin's `appointment` who could not host it in `slot`, which is on offer to move it to."""
    hosts = [host.user for host in appointment.hosts.select_related("user")]
    if not offering.may_change_hands(appointment.calendar, hosts) or hosts[0].pk in slot.free:
        return None
    return hosts[0]


def slots_to_move(
    appointment: Appointment,
    starts_at: datetime.datetime,
    *,
    now: datetime.datetime,
    until: datetime.datetime | None = None,
) -> offering.Offer:
    """What is on offer to move `appointment` to, from `starts_at` on (see `offering.read_to_move`)."""
    start = int(starts_at.timestamp())
    within = (start, int(until.timestamp()) if until else start + 1)
    return offering.read_to_move(appointment, within=within, now=now)


@contextmanager
def overlap_is_taken() -> Iterator[None]:
    """The database's own refusal of two claims on one host's time, in words."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if CLAIMS in str(error):
            raise Taken(JUST_TAKEN) from error
        raise
