"""How a stored event is told to one person: tombstones, roles, zones, self flags (S11 to S13, P2, P5, W7)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from integrations.sandbox import times
from integrations.sandbox.errors import Json
from integrations.sandbox.people import Calendar, at_least
from integrations.sandbox.recurrence import told_id
from integrations.sandbox.store import Row

# A busy-only view and a private event seen by a reader tell no more than this (P5).
OUTLINE = ("status", "created", "updated", "visibility", "transparency", "eventType")


@dataclass(frozen=True)
class View:
    """One person's sight of one calendar. `role` may be narrower than their access, when their scopes are."""

    calendar: Calendar
    role: str
    zone: ZoneInfo
    id_form: str = "stamp"
    max_attendees: int | None = None
    full_tombstones: bool = False

    def sees_details(self, body: Json) -> bool:
        if not at_least(self.role, "reader"):
            return False
        return at_least(self.role, "writer") or body.get("visibility") not in ("private", "confidential")


def is_organizer(calendar: Calendar, body: Json) -> bool:
    """Whether this copy is the one that rules. P7: an out-of-office event names a generated organizer."""
    return body["organizer"]["email"] == calendar.id or body.get("eventType") == "outOfOffice"


def tombstone(row: Row, view: View) -> Json:
    """S11, S12: of a deleted event its id; of a cancelled instance also which one it was."""
    told = _identity(row, view) | {"status": "cancelled"}
    if row.series is not None:
        told |= _place_in_series(row, view)
    return told


def resource(row: Row, view: View) -> Json:
    """The event as a listing tells it."""
    if row.is_cancelled and not (view.full_tombstones and is_organizer(view.calendar, row.body)):
        return tombstone(row, view)
    return _living(row, view)


def full_resource(row: Row, view: View) -> Json:
    """The event as `get` tells it: on the organizer's calendar the details of a deleted one remain (S11,
    S13)."""
    if row.is_cancelled and (row.series is not None or not is_organizer(view.calendar, row.body)):
        return tombstone(row, view)
    return _living(row, view)


def _identity(row: Row, view: View) -> Json:
    return {"kind": "calendar#event", "etag": row.etag, "id": told_id(row.id, view.id_form)}


def _place_in_series(row: Row, view: View) -> Json:
    original = times.shown(row.body["originalStartTime"], view.zone)
    return {"recurringEventId": row.series, "originalStartTime": original}


def _living(row: Row, view: View) -> Json:
    body = row.body
    told = _identity(row, view)
    if view.sees_details(body):
        told |= {name: value for name, value in body.items() if name != "originalStartTime"}
        told |= _people(body, view)
        told |= {"htmlLink": html_link(row, view.calendar.id), "eventType": body.get("eventType", "default")}
        told.setdefault("reminders", {"useDefault": True})
    else:
        told |= {name: body[name] for name in OUTLINE if name in body}
    told |= {"start": times.shown(body["start"], view.zone), "end": times.shown(body["end"], view.zone)}
    if row.series is not None:
        told |= _place_in_series(row, view)
    return told


def html_link(row: Row, calendar_id: str) -> str:
    eid = base64.urlsafe_b64encode(f"{row.id} {calendar_id}".encode()).decode().rstrip("=")
    return f"https://www.google.com/calendar/event?eid={eid}"


def _people(body: Json, view: View) -> Json:
    here = view.calendar.id
    told: Json = {name: _with_self(body[name], here) for name in ("organizer", "creator")}
    attendees = [_attendee(each, body, here) for each in body.get("attendees", [])]
    if not attendees:
        return told
    hidden = body.get("guestsCanSeeOtherGuests") is False and not is_organizer(view.calendar, body)
    if hidden or (view.max_attendees is not None and len(attendees) > view.max_attendees):
        attendees = [each for each in attendees if each.get("self")]
        told["attendeesOmitted"] = True
    return told | {"attendees": attendees}


def _with_self(someone: Json, here: str) -> Json:
    return someone | ({"self": True} if someone["email"] == here else {})


def _attendee(attendee: Json, body: Json, here: str) -> Json:
    told = _with_self(attendee, here)
    if attendee["email"] == body["organizer"]["email"]:
        told["organizer"] = True
    return told
