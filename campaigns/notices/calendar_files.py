"""The calendar file that goes along with a notice."""

import datetime

from django.conf import settings

from calendars.ics import Entry, Method, Person, calendar_file
from campaigns.models import Notice
from campaigns.notices.reader import reader_of
from campaigns.notices.wording import ManageLink, hosts_of, manage_link, place_of
from campaigns.transports import CalendarFile, sender_address
from contacts.models import Appointment, Origin


def file_of(notice: Notice, recipient: str, now: datetime.datetime) -> CalendarFile:
    """The appointment as `recipient`'s calendar should hold it, or no longer."""
    method = Method.CANCEL if notice.kind == Notice.Kind.CANCELLED else Method.REQUEST
    link = manage_link(notice, now)
    entry = Entry(
        appointment_id=notice.appointment.pk,
        sequence=notice.appointment.revision,
        starts_at=notice.appointment.starts_at,
        ends_at=notice.appointment.ends_at,
        summary=notice.appointment.calendar.name,
        organizer=Person(settings.BUSINESS_NAME, sender_address()),
        attendee=Person(reader_of(notice).name, recipient),
        has_agreed=notice.is_own_doing or notice.appointment.origin == Origin.CUSTOMER,
        description=_description(notice.appointment, link),
        location=place_of(notice.appointment) or notice.appointment.meeting_url,
        url=link.url if link else "",
    )
    return CalendarFile(method.value, calendar_file(entry, method, stamp=now).decode())


def _description(appointment: Appointment, link: ManageLink | None) -> str:
    """Not the appointment's own: staff write that for themselves."""
    lines = [f"With {hosts_of(appointment)}"]
    lines += [f"Online: {appointment.meeting_url}"] if appointment.meeting_url else []
    lines += [f"{link.verbs}: {link.url}"] if link else []
    return "\n".join(lines)
