"""What customers do themselves: book, move, cancel. They never learn whom we know."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import transaction

from calendars import allowance, booking
from calendars.models import Calendar
from contacts.fields import normalise_address
from contacts.matching import contacts_for_guests, lock_addresses
from contacts.models import Activity, Appointment, AppointmentChange, Contact, ContactEmail, Origin
from contacts.newcomers import Newcomer, find_or_add, known

MOVED_ENOUGH = "This appointment was moved online several times. Please contact us to move it again."
MOVE_BY_US = "To move it again, please contact us."
NOT_ONLINE = "This cannot be changed online. Please contact us."
TOO_LATE = "It is too late to change this online. Please contact us."


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a visitor asks for, told in `time_zone`. `others` are addresses of who comes along.

    `consent`: the words they agreed to, "" where none were asked. `form_key`: the form it came in.
    """

    calendar: Calendar
    newcomer: Newcomer
    starts_at: datetime.datetime
    time_zone: str = ""
    notes: str = ""
    others: Sequence[str] = ()
    consent: str = ""
    form_key: str = ""

    @property
    def address(self) -> str:
        return normalise_address(self.newcomer.address)


class FormIsUsed(booking.NotPossible):
    """That form has booked something else: show a fresh one, and lead `booker` to what was `made`.

    `booker`: None once they were taken off; then the appointment is that of who came along.
    """

    def __init__(self, made: Appointment) -> None:
        super().__init__("This form has made a booking already.")
        self.made = made
        # Who came along has no name.
        typed = made.guests.exclude(name="").exclude(time_zone="").select_related("contact").first()
        self.booker = typed.contact if typed else None


@transaction.atomic
def book_visit(visit: Visit, *, now: datetime.datetime) -> tuple[Appointment, Contact]:
    """The appointment, in a slot on offer, and whose it is; of a form that is sent again as it was, the one it made.

    Raises Taken, FormIsUsed, NotPossible; then nothing was stored.

    A contact we know, by address, else by phone, gets it; what was typed beside changes nothing about them. What
    leaves to a typed address, and what further guests see, is made from what was typed alone.
    """
    _lock(visit)
    made = Appointment.objects.filter(form_key=visit.form_key).first() if visit.form_key else None
    if made is not None and not _is_same(made, visit):
        raise FormIsUsed(made)
    if made is not None:
        return made, made.contact
    seat = booking.hold(visit.calendar, visit.starts_at, now=now)
    # Only now: a time that is not free is refused in the same words, whoever it is that has it.
    _refuse_excess(visit, now)
    zone, typed = visit.time_zone or visit.calendar.time_zone, visit.newcomer
    contact, is_new = _who(replace(typed, time_zone=zone))
    others = contacts_for_guests(dict.fromkeys(visit.others, ""), source=Contact.Source.BOOKING)
    companions = {address: person for address, person in others.items() if person.pk != contact.pk}
    appointment = booking.take(
        seat,
        contact,
        guests=list(companions.values()),
        addresses={person.pk: address for address, person in companions.items()}
        | {contact.pk: visit.address},
        typed={person.pk: booking.Typed("", zone) for person in companions.values()}
        | {contact.pk: booking.Typed(typed.name, zone)},
        title=f"{visit.calendar.name}: {typed.name or typed.address}"[:300],
        description=visit.notes,
        why=_as_whom(typed),
        form_key=visit.form_key,
    )
    if visit.consent:
        agreed = f"Agreed on booking {visit.calendar} online as {visit.address}: “{visit.consent}”"
        Activity.objects.create(contact=contact, text=agreed)
    if is_new:
        Contact.objects.filter(pk=contact.pk, owner=None).update(owner=appointment.owner)
    return appointment, contact


def _is_same(made: Appointment, visit: Visit) -> bool:
    """Whether `visit` asks for no more and nothing else than the booking that its form made."""
    booked = made.changes.filter(what=AppointmentChange.What.BOOKED).earliest("pk")
    is_as_typed = booked.why == _as_whom(visit.newcomer) and made.description == visit.notes
    others, there = {normalise_address(other) for other in visit.others}, set(made.guests.all())
    booker = next((guest.address for guest in there if guest.contact_id == made.contact_id), "")
    invited = {guest.address for guest in there if guest.contact_id != made.contact_id}
    # Two addresses of one contact have one place.
    known = ContactEmail.objects.filter(contact__in=[guest.contact_id for guest in there], address__in=others)
    return (
        made.starts_at == visit.starts_at
        and is_as_typed
        and booker == visit.address
        and invited <= others
        and others <= invited | set(known.values_list("address", flat=True))
    )


def _refuse_excess(visit: Visit, now: datetime.datetime) -> None:
    if allowance.is_booked_already(visit.calendar, visit.starts_at, visit.address):
        raise booking.NotPossible(
            "You are booked at this time already. The confirmation in your e-mail leads to your appointment."
        )
    others = [normalise_address(other) for other in visit.others]
    why = allowance.why_too_many(visit.calendar, visit.address, others, now)
    if why:
        raise booking.NotPossible(why)


def _lock(visit: Visit) -> None:
    """Everybody's address, and the phone, at once and before anything is looked up: two visitors with one of them at
    the same moment are one contact, and two who bring each other along do not wait for each other in a circle. The form
    too: sent twice at once, the second finds what the first one made."""
    others = {normalise_address(other) for other in visit.others}
    form = f"form {visit.form_key}" if visit.form_key else ""
    lock_addresses({visit.address, visit.newcomer.phone, form, *others} - {""})


def _who(newcomer: Newcomer) -> tuple[Contact, bool]:
    found = known(newcomer)
    if found is None:
        return find_or_add(newcomer, owner=None, source=Contact.Source.BOOKING)
    if found.archived_at is not None:
        found.archived_at = None
        found.save(update_fields=["archived_at", "updated_at"])
    return found, False


def _as_whom(typed: Newcomer) -> str:
    """For staff to compare with the contact, and to tell a form that was mended from one that was sent twice."""
    address = normalise_address(typed.address)
    return f"Booked online as {', '.join(part for part in (typed.name, address, typed.phone) if part)}."[:300]


def is_companion(appointment: Appointment, contact: Contact) -> bool:
    """Whether somebody else booked it, or has it now, and `contact` came along."""
    return appointment.contact_id != contact.pk


@dataclass(frozen=True, slots=True)
class May:
    """What the holder of a link may do online, as the words on it, and until when."""

    does: str
    until: datetime.datetime
    # How else, where they have moved it as often as one may online.
    otherwise: str = ""


def may_do(appointment: Appointment, contact: Contact, now: datetime.datetime) -> May | None:
    """None where it is nothing, or nothing any more."""
    why_stays = why_no_move_now(appointment, contact, now)
    moves, otherwise = not why_stays, MOVE_BY_US if why_stays == MOVED_ENOUGH else ""
    cancels = not why_no_cancel(appointment, contact, now)
    if is_companion(appointment, contact):
        return May("Take yourself off", appointment.starts_at) if cancels else None
    verbs = " or ".join(verb for verb, may in (("move", moves), ("cancel", cancels)) if may)
    until = appointment.starts_at - appointment.calendar.change_deadline
    return May(f"{verbs.capitalize()} it", until, otherwise) if verbs else None


def why_no_move(appointment: Appointment, contact: Contact, now: datetime.datetime) -> str:
    """Why `contact` cannot move it (any more), in words for them; "" when they can."""
    over = _why_over(appointment, now)
    if not over and is_companion(appointment, contact):
        return "Only who booked this appointment can move it."
    calendar = appointment.calendar
    return over or _why_not(appointment, calendar.allows_reschedule and calendar.is_active, now)


def why_no_move_now(appointment: Appointment, contact: Contact, now: datetime.datetime) -> str:
    """The same on a page, where it counts too how often it has moved, and whether we can move it at Google."""
    why = why_no_move(appointment, contact, now)
    if not why and booking.why_not_moved(appointment):
        return NOT_ONLINE
    return why or (MOVED_ENOUGH if allowance.has_moved_enough(appointment) else "")


def why_no_cancel(appointment: Appointment, contact: Contact, now: datetime.datetime) -> str:
    """The same for cancelling. Who came along takes themselves off, whenever they like: nobody asked them before."""
    over = _why_over(appointment, now)
    if over or is_companion(appointment, contact):
        return over
    return _why_not(appointment, appointment.calendar.allows_cancel, now)


def why_no_confirm(appointment: Appointment, contact: Contact, now: datetime.datetime) -> str:
    """The same for saying that they come. A time they asked for themselves, and we have yet to agree to, is ours to
    confirm; of an event at Google, to whose guests it is news, they may."""
    if appointment.is_void:
        return "This appointment is cancelled."
    if appointment.starts_at <= now or appointment.status in booking.FINAL:
        return "This appointment is over, or has begun."
    if is_companion(appointment, contact):
        return "Only who has this appointment can confirm it."
    if appointment.status == Appointment.Status.CONFIRMED:
        return "This appointment is confirmed already. Nothing else is to be done."
    if appointment.origin == Origin.CUSTOMER and not appointment.calendar.confirms_automatically:
        return "We have yet to confirm this appointment ourselves: you hear from us."
    return ""


def _why_over(appointment: Appointment, now: datetime.datetime) -> str:
    if appointment.is_void:
        return "This appointment is cancelled."
    if appointment.starts_at <= now or appointment.status in booking.FINAL:
        return "This appointment is over, or has begun."
    if appointment.came_from_google:
        return "This meeting was arranged in a calendar: answer its invitation, or contact us."
    return ""


def _why_not(appointment: Appointment, allowed: bool, now: datetime.datetime) -> str:
    if not allowed:
        return NOT_ONLINE
    return TOO_LATE if now > appointment.starts_at - appointment.calendar.change_deadline else ""


def cancel(appointment: Appointment, contact: Contact, *, now: datetime.datetime) -> None:
    """Cancels it for everybody; of who came along, takes only them off. Raises NotPossible past the deadline."""
    why = why_no_cancel(appointment, contact, now)
    if why:
        raise booking.NotPossible(why)
    if is_companion(appointment, contact):
        booking.detach(appointment, contact, origin=Origin.CUSTOMER, why="Took themselves off online.")
    else:
        booking.cancel(appointment, origin=Origin.CUSTOMER, why="Cancelled online by the customer.")


def confirm(appointment: Appointment, contact: Contact, *, now: datetime.datetime) -> None:
    """Confirmed by its customer. Raises NotPossible where that is not theirs to do (any more), and where it was changed
    since `appointment` was read."""
    why = why_no_confirm(appointment, contact, now)
    if why:
        raise booking.NotPossible(why)
    booking.set_status(
        appointment,
        Appointment.Status.CONFIRMED,
        origin=Origin.CUSTOMER,
        why="Confirmed online by the customer.",
        known_revision=appointment.revision,
    )


@transaction.atomic
def move(
    appointment: Appointment,
    contact: Contact,
    starts_at: datetime.datetime,
    *,
    now: datetime.datetime,
    time_zone: str = "",
) -> Appointment:
    """`appointment` at another slot on offer, moved by its customer, who chose it on the clocks of `time_zone` ("" for
    those they booked in). Raises Taken; NotPossible past its deadline, and when it has moved often enough."""
    why = why_no_move_now(appointment, contact, now)
    if why:
        raise booking.NotPossible(why)
    if time_zone:
        # Of who did not book online no zone is kept: theirs is the contact's.
        appointment.guests.filter(contact=contact).exclude(time_zone="").update(time_zone=time_zone)
    return booking.move_to(appointment, starts_at, now=now, why="Moved online by the customer.")
