"""What a plan does to its appointment, through booking alone. Runs in the transaction of its event's row."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from django.db.models import Max

from calendars import booking
from calendars.models import Calendar, GoogleEvent
from calendars.sync import copies, sessions, targets, unheard
from calendars.sync.facts import ACCEPTED, Book, Plan
from calendars.sync.firing import ONCE_A_SERIES
from calendars.sync.gather import Situation
from calendars.sync.hosts import free_absent
from calendars.sync.setting import Setting
from calendars.sync.telling import moved
from contacts.fields import normalise_address
from contacts.matching import contact_for_guest, contacts_for_guests
from contacts.models import Appointment, Contact, Origin, User

Status = Appointment.Status


def apply_plan(made: Plan, situation: Situation, setting: Setting) -> str:
    """Carry `made` out. What it says beyond its reason: what a copy that joins its colleagues' moved."""
    row = situation.row
    if made.join:
        return _join(made, situation, setting)
    if made.take_back:
        copies.take_back(row)
    if made.push_again:
        targets.push_again(row)
    appointment = row.appointment
    if appointment is None or made.changes_nothing:
        return ""
    there = row.google_calendar_id
    if sessions.is_seat(appointment):
        _take_session_along(made, appointment, row)
    if made.restore:
        status = Status.CONFIRMED if made.confirm else Status.NEW
        booking.set_status(
            appointment, status, fires=False, origin=Origin.GOOGLE, why=made.why, agreed_at=there
        )
        free_absent(appointment)
        _call_colleagues([row])
    if made.move is not None:
        booking.reschedule(
            appointment,
            starts_at=made.move[0],
            ends_at=made.move[1],
            repeats_series=made.repeats_series,
            fires=made.fires,
            origin=Origin.GOOGLE,
            why=made.why,
            agreed_at=there,
        )
    if made.words is not None:
        booking.take_words(appointment, made.words, agreed_at=there)
    _guests(made, appointment, setting)
    if made.confirm and not made.restore:
        booking.set_status(
            appointment,
            Status.CONFIRMED,
            origin=Origin.GOOGLE,
            agreed_at=there,
            **_once_a_series(made, ACCEPTED),
        )
    if made.add_host:
        booking.add_host(appointment, setting.owner.pk)
        copies.keep_copy(row)
    if made.free_host:
        booking.free_host(appointment, setting.owner.pk)
    if made.cancel:
        if row.is_cancelled:
            unheard.end_invitations(row)
        booking.cancel(
            appointment,
            fires=made.fires,
            repeats_series=made.repeats_series,
            origin=Origin.GOOGLE,
            why=made.why,
            # An event of ours that lives on, its last guest having declined, is taken away by the next push.
            agreed_at=there if situation.observed.is_cancelled or not situation.is_our_copy else None,
        )
    if made.move or made.restore or made.cancel:
        row.appointment = Appointment.objects.select_related("calendar").get(pk=appointment.pk)
    return ""


def _take_session_along(made: Plan, seat: Appointment, row: GoogleEvent) -> None:
    """What happened to the one event of a session happens to its other seats; Google is told of the event alone."""
    if made.restore:
        for other in sessions.cancelled_with(seat):
            status = sessions.status_before(other)
            booking.set_status(other, status, fires=False, origin=Origin.GOOGLE, why=made.why, aims=False)
    if not (made.move or made.cancel):
        return
    for other in sessions.along(seat, sessions.agreed_times(row)):
        if made.move:
            starts_at, ends_at = made.move
            booking.reschedule(
                other, starts_at=starts_at, ends_at=ends_at, origin=Origin.GOOGLE,
                fires=made.fires, why=made.why, aims=False,
            )  # fmt: skip
        if made.cancel:
            booking.cancel(other, origin=Origin.GOOGLE, fires=made.fires, why=made.why, aims=False)


def book_all(books: Sequence[tuple[Book, Situation]], setting: Setting) -> None:
    """Make the appointments of a batch, and link each to its event."""
    if not books:
        return
    if setting.target is None:
        raise ValueError("There is no calendar to file appointments on.")
    people = {guest.address: guest.name for wanted, _ in books for guest in wanted.guests}
    contacts = contacts_for_guests(people, owner=setting.owner)
    bookings = [
        _booking(wanted, situation, setting.target, setting.owner, contacts) for wanted, situation in books
    ]
    rows = [situation.row for _, situation in books]
    for row, appointment in zip(rows, booking.book_many(bookings), strict=True):
        row.appointment, row.made_by_run = appointment, row.run
    take_as_copies(rows)
    _call_colleagues(rows)


def _booking(
    wanted: Book, situation: Situation, calendar: Calendar, owner: User, contacts: Mapping[str, Contact]
) -> booking.Booking:
    row, (starts_at, ends_at) = situation.row, situation.observed.span
    first, *others = (contacts[normalise_address(guest.address)] for guest in wanted.guests)
    return booking.Booking(
        calendar=calendar,
        contact=first,
        guests=others,
        addresses={contacts[normalise_address(guest.address)].pk: guest.address for guest in wanted.guests},
        owner=owner,
        hosts=[owner],
        starts_at=starts_at,
        ends_at=ends_at,
        origin=Origin.GOOGLE,
        status=Status.CONFIRMED if wanted.status == Status.CONFIRMED else None,
        title=row.summary[:300],
        description=row.description,
        location=row.location[:500],
        takes_usual_place=row.organised_by_us,
        meeting_url=row.meeting_url[:500],
        meeting=(row.ical_uid[:255], row.original_start),
        is_recurring=bool(row.recurring_event_id),
        repeats_series=wanted.repeats_series,
        fires=wanted.fires,
        why=wanted.why,
        aims=False,
    )


def _join(made: Plan, situation: Situation, setting: Setting) -> str:
    row, sibling = situation.row, situation.sibling
    if sibling is None:
        raise ValueError("There is no appointment of a colleague to join.")
    booking.add_host(sibling, setting.owner.pk)
    if made.restore:
        status = Status.CONFIRMED if made.confirm else Status.NEW
        sibling = booking.set_status(sibling, status, origin=Origin.GOOGLE, fires=False, why=made.reason)
        free_absent(sibling, but=setting.owner.pk)
    times = situation.observed.span
    held = (sibling.starts_at, sibling.ends_at)
    if times != held and (made.restore or _knows_better(row, sibling)):
        sibling = booking.reschedule(
            sibling, starts_at=times[0], ends_at=times[1], origin=Origin.GOOGLE, fires=False, why=made.reason
        )
    row.appointment = sibling
    take_as_copies([row])
    now = (sibling.starts_at, sibling.ends_at)
    return moved(held, now, situation.facts.time_zone) if now != held else ""


def _knows_better(row: GoogleEvent, sibling: Appointment) -> bool:
    """Whether this copy saw a later move of the meeting than any other: Google counts them in `sequence`."""
    others = GoogleEvent.objects.filter(appointment=sibling).exclude(pk=row.pk)
    latest = others.aggregate(latest=Max("sequence"))["latest"]
    return latest is not None and row.sequence > latest


def take_as_copies(rows: Sequence[GoogleEvent]) -> None:
    """The events are pushed to when their appointments are edited here: ours are patched, invitations declined."""
    copies.adopt(
        (row.appointment, row)
        for row in rows
        if row.google_calendar.is_writable and row.appointment is not None
    )


def _call_colleagues(rows: Sequence[GoogleEvent]) -> None:
    """Other copies of these meetings, planned as blocks before, join the appointment with the next sweep."""
    meetings = {(row.ical_uid, row.original_start): row.pk for row in rows if row.ical_uid}
    others = GoogleEvent.objects.filter(ical_uid__in={uid for uid, _ in meetings}, appointment=None)
    called = [
        pk
        for pk, *meeting in others.values_list("pk", "ical_uid", "original_start")
        if tuple(meeting) in meetings and pk not in meetings.values()
    ]
    if called:
        GoogleEvent.objects.filter(pk__in=called).update(replan=GoogleEvent.Replan.MEETING)


def _guests(made: Plan, appointment: Appointment, setting: Setting) -> None:
    for guest in made.attach:
        booking.attach(
            appointment,
            contact_for_guest(guest.address, guest.name, owner=setting.owner),
            address=guest.address,
            origin=Origin.GOOGLE,
            **_once_a_series(made, guest.address),
        )
    for pk in made.detach:
        booking.detach(
            appointment, Contact.objects.get(pk=pk), origin=Origin.GOOGLE, why="No longer a guest at Google."
        )


class _Fires(TypedDict):
    fires: bool
    why: str
    repeats_series: bool


def _once_a_series(made: Plan, what: str) -> _Fires:
    """How `what` fires: told of a whole series once, while the dated reminders run for each occurrence."""
    repeats = made.guests_fire and what in made.repeats
    return _Fires(
        fires=made.guests_fire and not repeats,
        why=ONCE_A_SERIES if repeats else made.guests_why,
        repeats_series=repeats,
    )
