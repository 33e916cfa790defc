"""An appointment as a guest's own calendar should show it, whether by e-mail or as a download from its page."""

import datetime
from email.utils import parseaddr

from django.conf import settings

from calendars import customers, ics, links
from contacts.models import Appointment, Contact


def entry_of(
    appointment: Appointment,
    contact: Contact,
    *,
    now: datetime.datetime,
    attendee: ics.Person | None = None,
    has_agreed: bool = False,
) -> ics.Entry:
    """The entry of `contact`, whose link it holds while they have a place. Reads prefetched `hosts` and
    `guests` without a query."""
    url = links.manage_url(appointment, contact)
    return ics.Entry(
        appointment_id=appointment.pk,
        sequence=appointment.revision,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        summary=appointment.calendar.name,
        organizer=ics.Person(settings.BUSINESS_NAME, parseaddr(settings.DEFAULT_FROM_EMAIL)[1]),
        attendee=attendee,
        has_agreed=has_agreed,
        is_cancelled=appointment.is_void,
        is_tentative=awaits_us(appointment),
        description=_description(appointment, contact, url, now),
        location=place_of(appointment) or appointment.meeting_url,
        url=url,
    )


def awaits_us(appointment: Appointment) -> bool:
    """Whether staff have yet to confirm it: until then nobody is told that it is booked."""
    return appointment.status == Appointment.Status.NEW and not appointment.calendar.confirms_automatically


def hosts_of(appointment: Appointment) -> str:
    """Everybody who hosts it, by name; its owner where nobody does. Reads prefetched `hosts` without a query."""
    hosts = [host.user for host in appointment.hosts.all()] or [appointment.owner]
    return ", ".join(host.get_full_name() or host.email for host in hosts)


def place_of(appointment: Appointment) -> str:
    return " ".join((appointment.location or appointment.calendar.location).split())


def _description(appointment: Appointment, contact: Contact, url: str, now: datetime.datetime) -> str:
    """Not the appointment's own: staff write that for themselves."""
    may = customers.may_do(appointment, contact, now)
    lines = [f"With {hosts_of(appointment)}"]
    lines += [f"Online: {appointment.meeting_url}"] if appointment.meeting_url else []
    lines += [f"{may.does}: {url}"] if may and url else []
    return "\n".join(lines)
