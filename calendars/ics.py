"""The calendar file of one appointment (RFC 5545), as mail readers (RFC 5546) and a download want it. Pure.

Whoever makes such a file makes it here, so that what a person adds from a page and what comes by e-mail are one entry
in their calendar.
"""

import datetime
import unicodedata
import uuid
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlencode

from icalendar import Calendar, Event, vCalAddress, vText, vUri

PRODID = "-//Tandem CRM//Appointments//EN"
# A constant, not the domain of the installation: that may change, and an update under another UID would stand beside
# the first entry for ever. A UUID needs no domain to be the only one of its kind.
UID_DOMAIN = "appointments.tandem-crm"


class Method(Enum):
    """What the reader is to do: take it in as an invitation, take it out, or offer it as it is."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"
    PUBLISH = "PUBLISH"


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An appointment as one person's calendar shows it. Moments have a zone; texts may hold anything.

    `sequence` is the appointment's revision: readers keep the highest. `attendee` None for a download, which is not
    addressed to anybody. `has_agreed`: they asked for it themselves, so that no answer is awaited. `is_cancelled`: it
    does not take place, however the file comes. `is_tentative`: nobody here has confirmed it yet.
    """

    appointment_id: uuid.UUID
    sequence: int
    starts_at: datetime.datetime
    ends_at: datetime.datetime
    summary: str
    organizer: Person
    attendee: Person | None = None
    has_agreed: bool = False
    is_cancelled: bool = False
    is_tentative: bool = False
    description: str = ""
    location: str = ""
    url: str = ""


def uid_of(appointment_id: uuid.UUID) -> str:
    """The name under which every calendar knows the appointment, from its booking to its end."""
    return f"{appointment_id}@{UID_DOMAIN}"


def calendar_file(entry: Entry, method: Method, *, stamp: datetime.datetime) -> bytes:
    """`entry` as a VCALENDAR in UTF-8, written at `stamp`. REQUEST and CANCEL want an attendee: ValueError without."""
    if method is not Method.PUBLISH and entry.attendee is None:
        raise ValueError(f"{method.value} is addressed to somebody.")
    file = Calendar()
    file.add("prodid", PRODID)
    file.add("version", "2.0")
    file.add("calscale", "GREGORIAN")
    file.add("method", method.value)
    file.add_component(_event(entry, method, stamp))
    return bytes(file.to_ical())


def google_add_url(base: str, entry: Entry) -> str:
    """The address at which Google Calendar offers to add `entry`; `base` is that page (ADD_TO_GOOGLE_URL)."""
    times = "/".join(f"{_utc(moment):%Y%m%dT%H%M%SZ}" for moment in (entry.starts_at, entry.ends_at))
    details = _text(entry.description)
    # What the entry is about mostly ends with the link already.
    link = "" if entry.url in details else entry.url
    fields = {
        "action": "TEMPLATE",
        "text": _line(entry.summary),
        "dates": times,
        "details": "\n\n".join(part for part in (details, link) if part),
        "location": _line(entry.location),
    }
    return f"{base}?{urlencode({name: value for name, value in fields.items() if value})}"


def _event(entry: Entry, method: Method, stamp: datetime.datetime) -> Event:
    event = Event()
    event.add("uid", uid_of(entry.appointment_id))
    event.add("sequence", entry.sequence)
    event.add("dtstamp", _utc(stamp))
    event.add("dtstart", _utc(entry.starts_at))
    event.add("dtend", _utc(entry.ends_at))
    is_cancelled = entry.is_cancelled or method is Method.CANCEL
    stands = "TENTATIVE" if entry.is_tentative else "CONFIRMED"
    event.add("status", "CANCELLED" if is_cancelled else stands)
    event.add("summary", vText(_line(entry.summary)))
    for name, text in (("description", _text(entry.description)), ("location", _line(entry.location))):
        if text:
            event.add(name, vText(text))
    if entry.url:
        event.add("url", vUri(_line(entry.url)))
    event.add("organizer", _address(entry.organizer), encode=False)
    if entry.attendee is not None and method is not Method.PUBLISH:
        event.add("attendee", _attendee(entry.attendee, _answer(entry)), encode=False)
    return event


def _answer(entry: Entry) -> str:
    """What counts as the attendee's answer: readers draw the entry by it, so what is not confirmed stays a maybe."""
    if not entry.has_agreed:
        return "NEEDS-ACTION"
    return "TENTATIVE" if entry.is_tentative and not entry.is_cancelled else "ACCEPTED"


def _attendee(person: Person, answer: str) -> vCalAddress:
    address = _address(person)
    address.params["CUTYPE"] = "INDIVIDUAL"
    address.params["ROLE"] = "REQ-PARTICIPANT"
    address.params["PARTSTAT"] = answer
    # Answers would go to an address that nobody reads; moving and cancelling is behind the link.
    address.params["RSVP"] = "FALSE"
    return address


def _address(person: Person) -> vCalAddress:
    """A parameter cannot hold a double quote or a line break (RFC 5545, 3.2), however it is written."""
    address = vCalAddress(f"mailto:{_line(person.address)}")
    name = _line(person.name).replace('"', "'")
    if name:
        address.params["CN"] = name
    return address


def _utc(moment: datetime.datetime) -> datetime.datetime:
    return moment.astimezone(datetime.UTC)


def _line(text: str) -> str:
    """`text` on one line."""
    return " ".join(_text(text).split())


def _text(text: str) -> str:
    """Without the control characters that the format forbids, its lines ended in one way."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(sign for sign in lines if sign in "\n\t" or unicodedata.category(sign) != "Cc").strip()
