"""The only functions that change an appointment.

Each runs in one transaction: the appointment, its `AppointmentChange`, its push targets; the signals of
`contacts.signals` follow on commit. Each locks the appointment's row first, so two callers take turns.
"""

import datetime
import uuid
from collections.abc import Iterable, Sequence
from functools import partial

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone

from calendars import hosting
from calendars.models import Calendar
from calendars.sync import targets
from contacts import signals
from contacts.models import (
    Appointment,
    AppointmentChange,
    AppointmentGuest,
    AppointmentHost,
    Contact,
    Origin,
    User,
)

What = AppointmentChange.What
Status = Appointment.Status

# The change that reaching a status writes; "new" is not news.
WHAT_BY_STATUS = {
    Status.CONFIRMED: What.CONFIRMED,
    Status.CANCELLED: What.CANCELLED,
    Status.SHOWED: What.SHOWED,
    Status.NO_SHOW: What.NO_SHOW,
    Status.INVALID: What.INVALID,
}
FINAL = (Status.SHOWED, Status.NO_SHOW, Status.INVALID)


class NotPossible(ValueError):
    """What was asked cannot be done; the text says why, for a person."""


class Taken(NotPossible):
    """The time is no longer free."""


@transaction.atomic
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
    meeting_url: str = "",
    guests: Iterable[Contact] = (),
    hosts: Sequence[User] | None = None,
    status: str | None = None,
    meeting: tuple[str, str] = ("", ""),
    is_recurring: bool = False,
    repeats_series: bool = False,
    fires: bool = True,
    why: str = "",
    check_free: bool = False,
    aims: bool = True,
) -> Appointment:
    """A new appointment of `contact` (and further `guests`) on `calendar`, hosted by `hosts` or as its kind says.

    Never looks at working hours; overlaps unless `check_free`. `meeting` is (iCalUID, original start) of a Google
    event. `aims=False` leaves the push targets to the caller. Raises NotPossible, and Taken with `check_free`.
    """
    _check_times(starts_at, ends_at)
    if not calendar.is_active and origin == Origin.CUSTOMER:
        raise NotPossible(f"{calendar.name} does not take bookings at the moment.")
    hosting_users = (
        list(hosts) if hosts is not None else hosting.hosts_for(calendar, owner, starts_at, ends_at)
    )
    if check_free:
        hosting.lock(hosting_users)
        if hosting.is_busy(hosting_users, starts_at, ends_at):
            raise Taken("That time was just taken. Choose another one.")
    appointment = Appointment.objects.create(
        calendar=calendar,
        contact=contact,
        owner=owner,
        starts_at=starts_at,
        ends_at=ends_at,
        status=status or (Status.CONFIRMED if calendar.confirms_automatically else Status.NEW),
        status_set_by=origin if status else "",
        origin=origin,
        title=title or _usual_title(calendar, contact),
        description=description,
        location=location or calendar.location,
        meeting_url=meeting_url,
        is_recurring=is_recurring,
        ical_uid=meeting[0],
        original_start=meeting[1],
    )
    AppointmentHost.objects.bulk_create(
        AppointmentHost(appointment=appointment, user=user) for user in hosting_users
    )
    everyone = {person.pk: person for person in (contact, *guests)}
    AppointmentGuest.objects.bulk_create(
        AppointmentGuest(appointment=appointment, contact=person, address=person.primary_address)
        for person in everyone.values()
    )
    _record(
        appointment, What.BOOKED, origin=origin, by=by, fires=fires, why=why, repeats_series=repeats_series
    )
    if aims:
        targets.aim(appointment)
    return appointment


@transaction.atomic
def reschedule(
    appointment: Appointment,
    *,
    starts_at: datetime.datetime,
    ends_at: datetime.datetime,
    origin: str = Origin.STAFF,
    by: User | None = None,
    fires: bool = True,
    why: str = "",
    agreed_at: int | None = None,
    repeats_series: bool = False,
    check_free: bool = False,
) -> Appointment:
    """`appointment` at its new time; nothing happens when it is already there.

    Raises NotPossible when it is cancelled, or when it is an invitation: then its organiser sets the time.
    """
    _check_times(starts_at, ends_at)
    row = _locked(appointment)
    if (row.starts_at, row.ends_at) == (starts_at, ends_at):
        return row
    if row.is_void:
        raise NotPossible("This appointment is cancelled. Book a new one instead.")
    if origin != Origin.GOOGLE and _is_invitation(row):
        raise NotPossible(
            "We are guests of this meeting: its organiser sets time and place. Ask them to move it."
        )
    if check_free:
        users = [host.user for host in row.hosts.select_related("user")]
        hosting.lock(users)
        if hosting.is_busy(users, starts_at, ends_at, but=row):
            raise Taken("That time was just taken. Choose another one.")
    row.starts_at, row.ends_at = starts_at, ends_at
    _save(row, "starts_at", "ends_at")
    _record(row, What.RESCHEDULED, origin=origin, by=by, fires=fires, why=why, repeats_series=repeats_series)
    targets.aim(row, agreed_at=agreed_at)
    return row


def cancel(
    appointment: Appointment,
    *,
    origin: str = Origin.STAFF,
    by: User | None = None,
    fires: bool = True,
    why: str = "",
    agreed_at: int | None = None,
) -> Appointment:
    """`appointment` cancelled; the row stays. Nothing happens when it already is."""
    return set_status(
        appointment, Status.CANCELLED, origin=origin, by=by, fires=fires, why=why, agreed_at=agreed_at
    )


@transaction.atomic
def set_status(
    appointment: Appointment,
    status: str,
    *,
    origin: str = Origin.STAFF,
    by: User | None = None,
    fires: bool = True,
    why: str = "",
    agreed_at: int | None = None,
) -> Appointment:
    """`appointment` with `status`, remembered as set by `origin`. Raises NotPossible for a status there is not."""
    if status not in Status.values:
        raise NotPossible(f"There is no status “{status}”.")
    row = _locked(appointment)
    if row.status == status:
        return row
    was_void, row.status, row.status_set_by = row.is_void, status, origin
    _save(row, "status", "status_set_by")
    if was_void and not row.is_void:
        # The time is taken again: reminders come back, but what fired once does not fire again.
        _record(
            row, What.BOOKED, origin=origin, by=by, fires=False, why=why or "Restored: booked fired before."
        )
    if status in WHAT_BY_STATUS:
        _record(row, WHAT_BY_STATUS[Status(status)], origin=origin, by=by, fires=fires, why=why)
    targets.aim(row, agreed_at=agreed_at)
    return row


@transaction.atomic
def set_details(
    appointment: Appointment, *, title: str, description: str, location: str, by: User | None = None
) -> Appointment:
    """`appointment` with new words; Google hears of them, triggers do not."""
    row = _locked(appointment)
    if (row.title, row.description, row.location) == (title, description, location):
        return row
    row.title, row.description, row.location = title, description, location
    _save(row, "title", "description", "location")
    targets.aim(row)
    return row


@transaction.atomic
def attach(
    appointment: Appointment, contact: Contact, *, address: str = "", origin: str, fires: bool, why: str
) -> bool:
    """Add `contact` as a guest; triggers run for them alone. False when they were attached already."""
    row = _locked(appointment)
    _, is_new = AppointmentGuest.objects.get_or_create(
        appointment=row, contact=contact, defaults={"address": address or contact.primary_address}
    )
    if is_new:
        _record(row, What.BOOKED, origin=origin, by=None, fires=fires, why=why, contact=contact)
    return is_new


@transaction.atomic
def detach(appointment: Appointment, contact: Contact, *, origin: str, why: str) -> None:
    """Take `contact` off; their messages become void, nothing fires. The next guest becomes the primary contact."""
    row = _locked(appointment)
    deleted, _ = AppointmentGuest.objects.filter(appointment=row, contact=contact).delete()
    if not deleted:
        return
    heir = row.guests.order_by("pk").first()
    if row.contact_id == contact.pk and heir is not None:
        row.contact_id = heir.contact_id
        row.save(update_fields=["contact", "updated_at"])
    _record(row, What.CANCELLED, origin=origin, by=None, fires=False, why=why, contact=contact)


@transaction.atomic
def free_host(appointment: Appointment, user_id: int) -> None:
    """Take a host off whose copy of the meeting is gone; the others keep it."""
    AppointmentHost.objects.filter(appointment=_locked(appointment), user=user_id).delete()


@transaction.atomic
def add_host(appointment: Appointment, user_id: int) -> None:
    """A further user whose time the meeting takes."""
    AppointmentHost.objects.get_or_create(appointment=_locked(appointment), user_id=user_id)


def _check_times(starts_at: datetime.datetime, ends_at: datetime.datetime) -> None:
    if timezone.is_naive(starts_at) or timezone.is_naive(ends_at):
        raise NotPossible("Start and end need a time zone.")
    if ends_at <= starts_at:
        raise NotPossible("The end must come after the start.")


def _is_invitation(row: Appointment) -> bool:
    """Somebody else organises it at Google: no copy of it is ours to change."""
    organised = set(row.google_events.exclude(status="cancelled").values_list("organised_by_us", flat=True))
    return organised == {False}


def _usual_title(calendar: Calendar, contact: Contact) -> str:
    return f"{calendar.name}: {contact.name}"[:300]


def _locked(appointment: Appointment) -> Appointment:
    return (
        Appointment.objects.select_for_update(of=("self",)).select_related("calendar").get(pk=appointment.pk)
    )


def _save(row: Appointment, *fields: str) -> None:
    row.revision += 1
    row.save(update_fields=[*fields, "revision", "updated_at"])


SIGNAL_BY_WHAT: dict[str, Signal] = {
    What.BOOKED: signals.appointment_booked,
    What.RESCHEDULED: signals.appointment_rescheduled,
}


def _record(
    row: Appointment,
    what: str,
    *,
    origin: str,
    by: User | None,
    fires: bool,
    why: str,
    contact: Contact | None = None,
    repeats_series: bool = False,
) -> None:
    change = AppointmentChange.objects.create(
        appointment=row,
        revision=row.revision,
        what=what,
        origin=origin,
        by=by,
        fires=fires,
        why=why[:300],
        contact=contact,
        repeats_series=repeats_series,
    )
    _send_on_commit(SIGNAL_BY_WHAT.get(what, signals.appointment_status_changed), row.pk, change.pk)
    if what == What.BOOKED and (origin == Origin.CUSTOMER or (origin == Origin.GOOGLE and fires)):
        _send_on_commit(signals.customer_booked_appointment, row.pk, change.pk)


def _send_on_commit(signal: Signal, appointment_id: uuid.UUID, change_id: int) -> None:
    # send_robust and a plain on_commit: with robust=True and a partial Django 5.2 would hide the error.
    transaction.on_commit(
        partial(signal.send_robust, sender=Appointment, appointment_id=appointment_id, change_id=change_id)
    )
