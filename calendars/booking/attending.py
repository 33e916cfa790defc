"""Who attends and who hosts."""

from django.db import transaction

from calendars.booking.record import What, locked, record
from contacts.models import Appointment, AppointmentGuest, AppointmentHost, Contact


@transaction.atomic
def attach(
    appointment: Appointment,
    contact: Contact,
    *,
    address: str = "",
    origin: str,
    fires: bool,
    why: str,
    repeats_series: bool = False,
) -> bool:
    """Add `contact` as a guest; triggers run for them alone. False when they were attached already."""
    row = locked(appointment)
    _, is_new = AppointmentGuest.objects.get_or_create(
        appointment=row, contact=contact, defaults={"address": address or contact.primary_address}
    )
    if is_new:
        record(
            row,
            What.BOOKED,
            origin=origin,
            by=None,
            fires=fires,
            why=why,
            contact=contact,
            repeats_series=repeats_series,
        )
    return is_new


@transaction.atomic
def detach(appointment: Appointment, contact: Contact, *, origin: str, why: str) -> None:
    """Take `contact` off; their messages become void, nothing fires. The next guest becomes the primary contact."""
    row = locked(appointment)
    deleted, _ = AppointmentGuest.objects.filter(appointment=row, contact=contact).delete()
    if not deleted:
        return
    heir = row.guests.order_by("pk").first()
    if row.contact_id == contact.pk and heir is not None:
        row.contact_id = heir.contact_id
        row.save(update_fields=["contact", "updated_at"])
    record(row, What.CANCELLED, origin=origin, by=None, fires=False, why=why, contact=contact)


@transaction.atomic
def free_host(appointment: Appointment, user_id: int) -> None:
    """Take a host off whose copy of the meeting is gone; the others keep it."""
    AppointmentHost.objects.filter(appointment=locked(appointment), user=user_id).delete()


@transaction.atomic
def add_host(appointment: Appointment, user_id: int) -> None:
    """A further user whose time the meeting takes."""
    AppointmentHost.objects.get_or_create(appointment=locked(appointment), user_id=user_id)
