"""The calendar file that goes along with a notice."""

import datetime

from calendars.entries import entry_of
from calendars.ics import Method, Person, calendar_file
from campaigns.models import Notice
from campaigns.notices.reader import reader_of
from campaigns.transports import CalendarFile
from contacts.models import Origin


def file_of(notice: Notice, recipient: str, now: datetime.datetime) -> CalendarFile:
    """The appointment as `recipient`'s calendar should hold it, or no longer."""
    method = Method.CANCEL if notice.kind == Notice.Kind.CANCELLED else Method.REQUEST
    entry = entry_of(
        notice.appointment,
        notice.contact,
        now=now,
        attendee=Person(reader_of(notice).name, recipient),
        has_agreed=_has_agreed(notice),
    )
    return CalendarFile(method.value, calendar_file(entry, method, stamp=now).decode())


def _has_agreed(notice: Notice) -> bool:
    """Who booked it themselves. Who was brought along has still to say whether they come."""
    booked_it = notice.appointment.contact_id == notice.contact_id
    return notice.is_own_doing or (booked_it and notice.appointment.origin == Origin.CUSTOMER)
