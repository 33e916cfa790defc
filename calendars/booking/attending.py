"""Who attends and who hosts."""

from django.db import transaction
from django.utils import timezone

from calendars.booking.record import What, locked, record, save
from calendars.models import Calendar
from calendars.sync import targets
from contacts.models import Appointment, AppointmentGuest, AppointmentHost, Contact, Origin, User


@transaction.atomic
def attach(
    appointment: Appointment,
    contact: Contact,
    *,
    address: str = "",
    origin: str = Origin.STAFF,
    by: User | None = None,
    fires: bool = True,
    why: str = "",
    repeats_series: bool = False,
) -> bool:
    """Add `contact` as a guest; triggers run for them alone. False when they were attached already.

    Google hears of a guest who was added here, where the calendar invites through it.
    """
    row = locked(appointment)
    _, is_new = AppointmentGuest.objects.get_or_create(
        appointment=row, contact=contact, defaults={"address": address or contact.primary_address}
    )
    if is_new:
        _tell_google(row, origin)
        record(
            row,
            What.BOOKED,
            origin=origin,
            by=by,
            fires=fires,
            why=why,
            contact=contact,
            repeats_series=repeats_series,
        )
    return is_new


@transaction.atomic
def detach(
    appointment: Appointment,
    contact: Contact,
    *,
    origin: str = Origin.STAFF,
    by: User | None = None,
    why: str = "",
) -> None:
    """Take `contact` off; their messages become void, nothing fires. The next guest becomes the primary contact."""
    row = locked(appointment)
    deleted, _ = AppointmentGuest.objects.filter(appointment=row, contact=contact).delete()
    if not deleted:
        return
    heir = row.guests.order_by("pk").first()
    if row.contact_id == contact.pk and heir is not None:
        row.contact_id = heir.contact_id
        row.save(update_fields=["contact", "updated_at"])
    _tell_google(row, origin)
    record(row, What.CANCELLED, origin=origin, by=by, fires=False, why=why, contact=contact)


def _tell_google(row: Appointment, origin: str) -> None:
    """Who is invited is part of what Google holds; what came from there is no news to it."""
    if origin != Origin.GOOGLE:
        save(row)
        targets.aim(row)


@transaction.atomic
def free_host(appointment: Appointment, user_id: int) -> None:
    """Take a host off whose copy of the meeting is gone; the others keep it, and no copy is put back there."""
    row = locked(appointment)
    AppointmentHost.objects.filter(appointment=row, user=user_id).delete()
    targets.aim(row)


@transaction.atomic
def add_host(appointment: Appointment, user_id: int) -> None:
    """A further user whose time the meeting takes."""
    AppointmentHost.objects.get_or_create(appointment=locked(appointment), user_id=user_id)


@transaction.atomic
def hand_over(appointment: Appointment, *, to: User, why: str) -> None:
    """Another hosts it alone from now on, and `why` says why it is them. It claims nobody's time until who moves it
    claims theirs; history and Google hear of it with that move."""
    row = locked(appointment)
    AppointmentHost.objects.filter(appointment=row).update(user=to, claims_from=None, claims_until=None)
    row.owner, row.assigned_why = to, why[:300]
    row.save(update_fields=["owner", "assigned_why", "updated_at"])


def hand_over_room(calendar: Calendar, *, old: User | None, new: User) -> None:
    """What was booked ahead on an unassigned calendar takes the time of whoever's account it is linked to now.

    Not what came from Google: that stands in the calendar of who hosted it.
    """
    ahead = Appointment.objects.standing().filter(calendar=calendar, starts_at__gt=timezone.now())
    hosted = AppointmentHost.objects.filter(appointment__in=ahead.exclude(origin=Origin.GOOGLE), user=old)
    has_new = AppointmentHost.objects.filter(user=new).values("appointment")
    hosted.exclude(appointment__in=has_new).update(user=new)
