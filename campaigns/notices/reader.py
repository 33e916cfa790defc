"""Who reads a notice: under which name, and by which clocks."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from campaigns.merge_fields import zone_for
from campaigns.models import Notice
from contacts.models import AppointmentGuest, Origin
from contacts.time_zones import zone_or_none


@dataclass(frozen=True, slots=True)
class Reader:
    name: str
    zone: ZoneInfo


def guest_of(notice: Notice) -> AppointmentGuest | None:
    """The row of whom it is for, None once they were taken off. Reads prefetched `guests` without a query."""
    guests = notice.appointment.guests.all()
    return next((guest for guest in guests if guest.contact_id == notice.contact_id), None)


def reader_of(notice: Notice) -> Reader:
    """As they called themselves and in the zone they booked in, where they came through the booking page: whoever the
    contact is, an address that was only typed learns nothing of them. Otherwise as the contact is known."""
    guest, appointment = guest_of(notice), notice.appointment
    if guest is None and appointment.origin == Origin.CUSTOMER:
        # Taken off, and what they typed with it. Whoever is left booked in the same zone.
        zones = (zone_or_none(each.time_zone) for each in appointment.guests.all())
        return Reader("", next((zone for zone in zones if zone), None) or zone_for(appointment, None))
    if guest is not None and guest.time_zone:
        return Reader(guest.name, zone_or_none(guest.time_zone) or zone_for(appointment, None))
    return Reader(notice.contact.name, zone_for(appointment, notice.contact))
