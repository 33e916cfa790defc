"""EventDraft, EventPatch and answers → Google's JSON: no field that is not meant to change (W5, W6)."""

import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from integrations.google.events.reading import address_of, zone_named
from integrations.google.events.shapes import CRM_KEY, EventDraft, EventPatch


def write_draft(draft: EventDraft) -> dict[str, Any]:
    """The body of an insert. The Meet link counts only with conferenceDataVersion=1 (W9)."""
    body: dict[str, Any] = {
        "id": draft.event_id,
        "summary": draft.summary,
        "description": draft.description,
        "location": draft.location,
        "start": write_moment(draft.starts_at, draft.time_zone),
        "end": write_moment(draft.ends_at, draft.time_zone),
        # W11: an opaque id, on this calendar's copy alone; guests never see it.
        "extendedProperties": {"private": {CRM_KEY: draft.crm_id}},
    }
    if draft.attendees:
        body["attendees"] = [_write_guest(address, name) for address, name in draft.attendees]
    if draft.wants_meet:
        body["conferenceData"] = {
            "createRequest": {
                "requestId": draft.request_id or draft.event_id,
                "conferenceSolutionKey": {"type": "hangoutsMeet"},
            }
        }
    return body


def write_patch(patch: EventPatch, *, current: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The body of a patch. `current`: the attendees Google holds, whose answers a new list must keep (W5)."""
    body: dict[str, Any] = {
        key: value
        for key, value in (
            ("summary", patch.summary),
            ("description", patch.description),
            ("location", patch.location),
            ("status", patch.status),
        )
        if value is not None
    }
    if patch.starts_at is not None and patch.ends_at is not None:
        # W7: a patch merges, and a day beside a moment is refused; null takes the day away.
        no_day = {"date": None} if patch.was_all_day else {}
        body["start"] = {**write_moment(patch.starts_at, patch.time_zone), **no_day}
        body["end"] = {**write_moment(patch.ends_at, patch.time_zone), **no_day}
    if patch.invited or patch.uninvited:
        body["attendees"] = merge_attendees(current, patch.invited, patch.uninvited)
    return body


def write_moment(moment: datetime.datetime, time_zone: str) -> dict[str, str]:
    """W7: an offset always, and the zone it is told in."""
    zone = zone_named(time_zone)
    return {"dateTime": moment.astimezone(zone).isoformat(timespec="seconds"), "timeZone": zone.key}


def merge_attendees(
    current: Iterable[Mapping[str, Any]], invited: Sequence[tuple[str, str]], uninvited: Collection[str]
) -> list[dict[str, Any]]:
    """The whole list to send (W5): whoever is not taken off stays, with the answer they gave."""
    kept = [
        dict(person)
        for person in current
        if address_of(person) not in uninvited
        or any(person.get(mark) for mark in ("self", "organizer", "resource"))
    ]
    known = {address_of(person) for person in kept}
    return kept + [
        _write_guest(address, name) for address, name in invited if address.strip().lower() not in known
    ]


def answer_for_us(
    current: Iterable[Mapping[str, Any]], response: str, *, calendar_id: str = ""
) -> list[dict[str, Any]]:
    """The whole attendee list with our own answer changed (P2); empty when we are not on it."""
    people = [dict(person) for person in current]
    own = next((person for person in people if person.get("self") is True), None) or next(
        (person for person in people if calendar_id and address_of(person) == calendar_id.strip().lower()),
        None,
    )
    if own is None:
        return []
    own["responseStatus"] = response
    return people


def _write_guest(address: str, name: str) -> dict[str, Any]:
    # P4: an answer filled in beforehand keeps the event off the guest's calendar.
    guest = {"email": address, "responseStatus": "needsAction"}
    return {**guest, "displayName": name} if name else guest
