"""Google's JSON → RemoteEvent.

Never fails on a field or a value it does not know (P9); raises Unreadable only for an event without an id that a row
can hold, or whose time makes no sense. Whatever else it answers with a row can hold, on PostgreSQL as well. The rule
numbers are those that the tests carry in their names.
"""

import datetime
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from integrations.google.events.shapes import CRM_KEY, Attendee, RemoteEvent, Unreadable

# An event without an etag gets one of ours, to be compared but never sent as If-Match.
LOCAL_ETAG = "local-"
# Google's have some twenty characters; a row has room for 100, marks of ours included.
LONGEST_ETAG = 80
LONGEST_ID = 1024
LARGEST_INTEGER = 2**31 - 1
# One year short of what there is: the same moment must exist on every clock.
FIRST_YEAR, LAST_YEAR = datetime.MINYEAR + 1, datetime.MAXYEAR - 1
# What an appointment keeps of it: copies of one meeting are found by the same.
LONGEST_UID = 255

# Types that exist on a person's own primary calendar alone, so that nobody else can have organised them (P7).
OWN_TYPES = {"outOfOffice", "focusTime", "workingLocation", "birthday"}
NO_ID = "Google sent an event without an id."
NOTHING: Mapping[str, Any] = {}
UNKNOWN_ORGANIZER = "unknownorganizer@calendar.google.com"


def read_event(raw: object, *, calendar_time_zone: str, calendar_id: str = "") -> RemoteEvent:
    """`raw` in our words. `calendar_id` finds our own attendee and organizer where `self` is left out.

    Raises Unreadable. A cancelled event needs nothing but its id (S11).
    """
    if not isinstance(raw, dict):
        raise Unreadable("", NO_ID)
    google_id = _id(raw)
    status = _text(raw, "status", 12) or "confirmed"
    zone = zone_named(calendar_time_zone)
    starts_at, ends_at, is_all_day = _span(raw, google_id, zone, is_needed=status != "cancelled")
    attendees = _attendees(raw, calendar_id)
    organizer = _mapping(raw, "organizer")
    organizer_address = address_of(organizer)
    event_type = _text(raw, "eventType", 20) or "default"
    return RemoteEvent(
        google_id=google_id,
        etag=_etag(raw),
        status=status,
        event_type=event_type,
        ical_uid=_text(raw, "iCalUID", LONGEST_UID),
        recurring_event_id=_text(raw, "recurringEventId", 1024),
        original_start=_original_start(raw, zone),
        summary=_text(raw, "summary", 1024),
        description=_text(raw, "description"),
        location=_text(raw, "location", 1024),
        html_link=_link(raw.get("htmlLink")),
        meeting_url=_meeting_url(raw),
        visibility=_text(raw, "visibility", 16),
        # P6: absent means opaque.
        is_free=raw.get("transparency") == "transparent",
        is_all_day=is_all_day,
        starts_at=starts_at,
        ends_at=ends_at,
        time_zone=_text(_mapping(raw, "start"), "timeZone", 64) or calendar_time_zone,
        organizer_address=organizer_address,
        organised_by_us=(
            # P1, P2: `organizer.self`, or nobody named; asked first, as it is true of most.
            not organizer
            or organizer.get("self") is True
            or _is_ours_all_the_same(organizer_address, event_type, attendees, calendar_id)
        ),
        attendees=attendees,
        attendees_omitted=raw.get("attendeesOmitted") is True,
        # P3, P7: time and words cannot be changed; nor those of what Google made from an e-mail.
        is_locked=raw.get("locked") is True or event_type == "fromGmail",
        # We write no series: an occurrence has our mark from an event of ours that a person made repeat.
        crm_id=""
        if "recurringEventId" in raw
        else _text(_mapping(_mapping(raw, "extendedProperties"), "private"), CRM_KEY, 64),
        created_at=_moment_or_none(raw.get("created")),
        updated_at=_moment_or_none(raw.get("updated")),
        sequence=_sequence(raw.get("sequence")),
        is_series=bool(raw.get("recurrence")),
    )


@functools.lru_cache(maxsize=64)
def zone_named(name: str) -> ZoneInfo:
    """The zone `name`, or UTC where nobody knows it: a calendar with an odd zone is still read."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def _id(raw: Mapping[str, Any]) -> str:
    """The id of the event. Raises Unreadable: without one it has no row of its own, and cannot be asked for."""
    google_id = raw.get("id")
    if not isinstance(google_id, str) or not google_id:
        raise Unreadable("", NO_ID)
    # Counted in bytes: it stands in an index, and there they count.
    if len(google_id.encode(errors="replace")) > LONGEST_ID or clean(google_id) != google_id:
        raise Unreadable("", "Google sent an event whose id nobody can keep.")
    return google_id


def _sequence(value: object) -> int:
    """Only compared; beyond what a row holds, as far as it goes."""
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return min(max(value, 0), LARGEST_INTEGER)


def _text(raw: Mapping[str, Any], key: str, limit: int | None = None) -> str:
    value = raw.get(key)
    return clean(value, limit) if value and isinstance(value, str) else ""


def clean(value: str, limit: int | None = None) -> str:
    """`value` as every database takes it."""
    # PostgreSQL refuses NUL in text, no database takes half a character, and one odd title must not stop a page.
    if not value.isascii():
        value = value.encode(errors="replace").decode()
    return value.replace("\x00", "")[:limit]


def _mapping(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key)
    # Not Mapping: JSON knows no other, and asking an abstract class took a tenth of the reading.
    return value if isinstance(value, dict) else NOTHING


def address_of(person: Mapping[str, Any]) -> str:
    # Cut last: some letters are two in lower case.
    return _text(person, "email").strip().lower()[:254]


def _link(value: object) -> str:
    """A web address, or "": pages show it as a link, so nothing but http(s) passes."""
    is_web = isinstance(value, str) and value.startswith(("https://", "http://")) and len(value) <= 1024
    return clean(str(value)) if is_web else ""


def _meeting_url(raw: Mapping[str, Any]) -> str:
    if "conferenceData" not in raw:
        return _link(raw.get("hangoutLink"))
    points = _mapping(raw, "conferenceData").get("entryPoints")
    videos = [
        _link(point.get("uri"))
        for point in (points if isinstance(points, list) else [])
        if isinstance(point, dict) and point.get("entryPointType") == "video"
    ]
    return _link(raw.get("hangoutLink")) or next(filter(None, videos), "")


def _etag(raw: Mapping[str, Any]) -> str:
    """Google's, or one of our own making where there is none (a tombstone may lack even that, S11) or none that a row
    can hold: rows are planned again when the etag changes."""
    etag = _text(raw, "etag")
    if etag and len(etag) <= LONGEST_ETAG:
        return etag
    content = json.dumps(raw, sort_keys=True, default=str).encode()
    return LOCAL_ETAG + hashlib.sha256(content).hexdigest()[:32]


def _span(
    raw: Mapping[str, Any], google_id: str, zone: ZoneInfo, *, is_needed: bool
) -> tuple[datetime.datetime | None, datetime.datetime | None, bool]:
    """Start, end (both UTC) and whether the event is all-day. Raises Unreadable where `is_needed`."""
    try:
        starts_at, ends_at, is_all_day = _read_span(_mapping(raw, "start"), _mapping(raw, "end"), zone)
        if starts_at.year < FIRST_YEAR or ends_at.year > LAST_YEAR:
            raise ValueError("it lies too far away")
        return starts_at, ends_at, is_all_day
    except (ValueError, OverflowError) as error:
        if is_needed:
            raise Unreadable(
                google_id, clean(f"Google sent an event whose time cannot be read: {error}.")
            ) from error
        return None, None, False


def _read_span(
    start: Mapping[str, Any], end: Mapping[str, Any], zone: ZoneInfo
) -> tuple[datetime.datetime, datetime.datetime, bool]:
    if isinstance(start.get("date"), str):
        first = datetime.date.fromisoformat(start["date"])
        if end and "date" not in end:
            raise ValueError("it starts on a day but ends at a moment")
        # W7: the end of an all-day event is exclusive; some old ones end on the day they start.
        after = datetime.date.fromisoformat(end["date"]) if end else first
        after = max(after, first + datetime.timedelta(days=1))
        return midnight(first, zone), midnight(after, zone), True
    if not isinstance(start.get("dateTime"), str):
        raise ValueError("it has no start")
    if end and "dateTime" not in end:
        raise ValueError("it starts at a moment but ends on a day")
    starts_at = _moment(start, zone)
    ends_at = _moment(end, zone) if end else starts_at
    if ends_at < starts_at:
        raise ValueError("it ends before it starts")
    return starts_at, ends_at, False


def midnight(day: datetime.date, zone: ZoneInfo) -> datetime.datetime:
    """When `day` begins in `zone`, in UTC. Where a clock change skips midnight, the moment of the change."""
    return datetime.datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(datetime.UTC)


def _moment(value: Mapping[str, Any], zone: ZoneInfo) -> datetime.datetime:
    """W7: the offset decides; without one, the value's own zone; without that, the calendar's."""
    moment = datetime.datetime.fromisoformat(value["dateTime"])
    if moment.tzinfo is None:
        own = value.get("timeZone")
        moment = moment.replace(tzinfo=zone_named(own) if isinstance(own, str) and own else zone)
    return moment.astimezone(datetime.UTC)


def _moment_or_none(value: object) -> datetime.datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.datetime.fromisoformat(value)
        # One without an offset is taken for UTC: there is no event's zone to ask.
        return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return None


def _original_start(raw: Mapping[str, Any], zone: ZoneInfo) -> str:
    value = _mapping(raw, "originalStartTime")
    if not value:
        return ""
    if isinstance(value.get("date"), str):
        return _text(value, "date", 10)
    try:
        return _moment(value, zone).strftime("%Y-%m-%dT%H:%M:%SZ") if value.get("dateTime") else ""
    except (ValueError, OverflowError, TypeError):
        return ""


def _attendees(raw: Mapping[str, Any], calendar_id: str) -> tuple[Attendee, ...]:
    people = raw.get("attendees")
    if not people or not isinstance(people, list):
        return ()
    people = [person for person in people if isinstance(person, dict)]
    own = calendar_id.strip().lower()
    names_self = any(person.get("self") is True for person in people)
    return tuple(
        Attendee(
            address=address_of(person),
            name=_text(person, "displayName", 255).strip(),
            response=_text(person, "responseStatus", 20) or "needsAction",
            is_self=person.get("self") is True
            or (not names_self and own != "" and address_of(person) == own),
            is_organizer=person.get("organizer") is True,
            is_resource=person.get("resource") is True,
            is_optional=person.get("optional") is True,
        )
        for person in people
    )


def _is_ours_all_the_same(
    organizer: str, event_type: str, attendees: Sequence[Attendee], calendar_id: str
) -> bool:
    """P7: out-of-office events name a stranger, yet are ours; and `self` may be left out."""
    return (
        event_type in OWN_TYPES
        or organizer == UNKNOWN_ORGANIZER
        or (organizer != "" and organizer == calendar_id.strip().lower())
        or any(attendee.is_self and attendee.is_organizer for attendee in attendees)
    )
