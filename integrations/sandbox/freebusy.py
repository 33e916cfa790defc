"""freebusy.query: the merged busy time of several calendars, and which events count as busy (P6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from integrations.sandbox import times
from integrations.sandbox.discovery import parse_moment
from integrations.sandbox.errors import ApiError, Json, bad_request, invalid
from integrations.sandbox.event_view import View
from integrations.sandbox.guests import attendee_of
from integrations.sandbox.listing import Listing, Question, Window, check_range
from integrations.sandbox.people import Calendar, People
from integrations.sandbox.store import LATEST, Row

LONGEST = timedelta(days=93)
MOST_CALENDARS = 50
NOT_FOUND = [{"domain": "global", "reason": "notFound"}]


def query(listing: Listing, people: People, person: str, body: Json, *, own_only: bool) -> Json:
    """`own_only`: the scope calendar.freebusy answers notFound for calendars shared by others (A6)."""
    for name in ("timeMin", "timeMax"):
        if name not in body:
            raise bad_request("required", f"Required: {name}", name)
    check_range(body)
    low, high = (parse_moment(body[name], name) for name in ("timeMin", "timeMax"))
    if high - low > LONGEST:
        raise bad_request("timeRangeTooLong", "The requested time range is too long.", "timeMax")
    items: list[Json] = body.get("items", [])
    if len(items) > int(body.get("calendarExpansionMax", MOST_CALENDARS)):
        raise bad_request("tooManyCalendarsRequested", "Too many calendars requested.", "items")
    zone = times.zone(body.get("timeZone", "UTC"))
    answers: Json = {}
    for item in items:
        if "id" not in item:
            raise invalid("Required: items.id", "items.id")
        answers[item["id"]] = _one(listing, people, person, item["id"], (low, high), zone, own_only=own_only)
    told = {"timeMin": times.rfc3339(low, ZoneInfo("UTC")), "timeMax": times.rfc3339(high, ZoneInfo("UTC"))}
    return {"kind": "calendar#freeBusy", **told, "calendars": answers}


def _one(
    listing: Listing,
    people: People,
    person: str,
    calendar_id: str,
    bounds: tuple[datetime, datetime],
    zone: ZoneInfo,
    *,
    own_only: bool,
) -> Json:
    try:
        calendar, role = people.open(person, calendar_id)
    except ApiError:
        return {"errors": NOT_FOUND, "busy": []}
    if own_only and role != "owner":
        return {"errors": NOT_FOUND, "busy": []}
    periods = busy(listing, calendar, role, bounds)
    return {
        "busy": [
            {"start": times.rfc3339(start, zone), "end": times.rfc3339(end, zone)} for start, end in periods
        ]
    }


def busy(
    listing: Listing, calendar: Calendar, role: str, bounds: tuple[datetime, datetime]
) -> list[tuple[datetime, datetime]]:
    """The merged busy periods, cut to the bounds."""
    low, high = bounds
    zone = times.zone(calendar.time_zone)
    view = View(calendar, role, zone)
    question = Question(view, {"singleEvents": True}, None, LATEST, Window(low, high, high))
    merged: list[tuple[datetime, datetime]] = []
    for start, end in sorted(_span(row, zone) for row in listing.full(question) if blocks(row, calendar)):
        begins, ends = max(start, low), min(end, high)
        if merged and begins <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], ends))
        else:
            merged.append((begins, ends))
    return merged


def _span(row: Row, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return times.moment(row.body["start"], zone), times.moment(row.body["end"], zone)


def blocks(row: Row, calendar: Calendar) -> bool:
    """P6: opaque, not cancelled, not declined by its owner, neither a working location nor a birthday."""
    if row.is_cancelled or row.body.get("transparency") == "transparent":
        return False
    me = attendee_of(row.body, calendar.id)
    declined = me is not None and me["responseStatus"] == "declined"
    return not declined and row.body.get("eventType") not in ("workingLocation", "birthday")
