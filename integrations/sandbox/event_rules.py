"""What Google accepts in the body of an event, and what it makes of it before storing (W1, W5, W7, W9, W11,
P7)."""

from __future__ import annotations

import re
from typing import Any

from integrations.sandbox import recurrence, times
from integrations.sandbox.errors import ApiError, Json, bad_request, invalid, not_implemented

READ_ONLY = frozenset(
    {
        "kind",
        "etag",
        "created",
        "updated",
        "htmlLink",
        "creator",
        "organizer",
        "hangoutLink",
        "recurringEventId",
        "originalStartTime",
        "locked",
        "privateCopy",
        "endTimeUnspecified",
    }
)
# P1: these belong to each copy; everything else is the organizer's.
OWN = frozenset({"reminders", "colorId", "eventLabelId", "transparency", "visibility"})
FIXED = ("id", "iCalUID", "eventType")
KEPT = ("status", "created", "updated", "creator", "organizer", "iCalUID", "eventType", "sequence", "locked")
CHOICES = {
    "status": {"confirmed", "tentative", "cancelled"},
    "transparency": {"opaque", "transparent"},
    "visibility": {"default", "public", "private", "confidential"},
    "eventType": {"default", "birthday", "focusTime", "fromGmail", "outOfOffice", "workingLocation"},
    "colorId": {str(number) for number in range(1, 12)},
}
RESPONSES = {"needsAction", "declined", "tentative", "accepted"}
PRIMARY_ONLY = {"focusTime", "outOfOffice", "workingLocation"}
REFUSED = ("gadget", "anyoneCanAddSelf")
MAX_ATTENDEES = 200


def check_new(body: Json) -> None:
    """Raises 400 for fields that an insert may not set."""
    for name in body:
        if name in READ_ONLY and (name, body[name]) != ("kind", "calendar#event"):
            raise invalid(f"The field {name} is read-only.", name)
    if "id" in body and "iCalUID" in body:
        raise invalid("Only one of id and iCalUID may be given (W1).", "iCalUID")
    if "id" in body and not re.fullmatch(r"[a-v0-9]{5,1024}", body["id"]):
        raise invalid("Invalid resource id value.", "id")
    if body.get("eventType") == "fromGmail":
        raise ApiError(400, "eventTypeRestriction", "Events of type fromGmail cannot be created.")
    for name in ("start", "end"):
        if name not in body:
            raise bad_request("required", f"Missing {name} time.", name)


def check_change(body: Json, told: Json) -> None:
    """Raises 400 when a change would touch what cannot be changed. `told` is the event as this person last
    read it."""
    for name in (*READ_ONLY, *FIXED):
        if name in body and body[name] != told.get(name):
            if name == "eventType":
                raise ApiError(400, "eventTypeRestriction", "The event type cannot be changed.")
            raise invalid(f"The field {name} cannot be changed.", name)


def merged(old: Json, change: Json) -> Json:
    """Patch semantics (W5): objects are merged, arrays replaced whole, null deletes."""
    result = dict(old)
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = merged(result[name], value)
        else:
            result[name] = merged({}, value) if isinstance(value, dict) else value
    return result


def without_nulls(body: Json) -> Json:
    return merged({}, body)


def writable(body: Json) -> Json:
    """A sent body without what only echoes the stored event."""
    skipped = {*READ_ONLY, "id", "iCalUID", "eventType", "attendeesOmitted"}
    return {name: value for name, value in body.items() if name not in skipped}


def replaced(old: Json, sent: Json) -> Json:
    """Update semantics (W5): what is left out is reset, except what is the event's identity."""
    kept = {name: old[name] for name in KEPT if name in old and name != "status"}
    return kept | {"status": "confirmed"} | without_nulls(writable(sent))


def settle(body: Json, *, zone_name: str, is_primary: bool, is_instance: bool) -> Json:
    """The body as it is stored; raises 400 or 501 for what Google would refuse or the sandbox does not do."""
    body = _stripped(body)
    for name in REFUSED:
        if name in body:
            raise not_implemented(f"the event field {name}")
    for name, allowed in CHOICES.items():
        if body.get(name) is not None and body[name] not in allowed:
            raise invalid(f"Invalid value for {name}: {body[name]}", name)
    _settle_times(body, zone_name, is_instance=is_instance)
    _settle_type(body, is_primary=is_primary)
    _settle_attendees(body)
    _settle_reminders(body)
    _settle_properties(body)
    for name in [name for name, value in body.items() if value in ({}, [], None)]:
        del body[name]
    return body


def _stripped(value: Any) -> Any:
    """A deep copy without nulls; those inside an array's objects mean nothing to delete."""
    if isinstance(value, dict):
        return {name: _stripped(item) for name, item in value.items() if item is not None}
    return [_stripped(item) for item in value] if isinstance(value, list) else value


def _settle_times(body: Json, zone_name: str, *, is_instance: bool) -> None:
    lines = body.get("recurrence") or []
    if lines and is_instance:
        raise invalid("An instance of a recurring event has no recurrence (R2).", "recurrence")
    for name in ("start", "end"):
        if name not in body:
            raise bad_request("required", f"Missing {name} time.", name)
        body[name] = times.clean(body[name], name, zone_name, needs_zone=bool(lines))
    times.check_order(body["start"], body["end"])
    if lines:
        recurrence.check(lines, body["start"])


def _settle_type(body: Json, *, is_primary: bool) -> None:
    kind = body.get("eventType", "default")
    if kind in PRIMARY_ONLY and not is_primary:
        raise ApiError(400, "eventTypeRestriction", f"Events of type {kind} exist on primary calendars only.")
    # Who is on an event made from an e-mail stands in the e-mail; nobody can set it.
    if kind not in ("default", "fromGmail") and body.get("attendees"):
        raise ApiError(400, "eventTypeRestriction", "Attendees cannot be set on this event type.")
    rules = body.get("recurrence", [])
    yearly = any("FREQ=YEARLY" in line for line in rules) or "originalStartTime" in body
    if kind == "birthday" and not (times.is_all_day(body["start"]) and yearly):
        raise ApiError(400, "eventTypeRestriction", "A birthday is an all-day event that recurs yearly.")


def _settle_attendees(body: Json) -> None:
    attendees: list[Json] = body.get("attendees") or []
    if len(attendees) > MAX_ATTENDEES:
        raise invalid(f"More than {MAX_ATTENDEES} attendees.", "attendees")
    seen: set[str] = set()
    for attendee in attendees:
        address = str(attendee.get("email", "")).lower()
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
            raise invalid("Invalid attendee email.", "attendees.email")
        if address in seen:
            raise invalid(f"Attendee given twice: {address}", "attendees.email")
        seen.add(address)
        if attendee.setdefault("responseStatus", "needsAction") not in RESPONSES:
            raise invalid(f"Invalid responseStatus: {attendee['responseStatus']}", "attendees.responseStatus")
        attendee["email"] = address
        for name in ("self", "organizer", "id"):
            attendee.pop(name, None)


def _settle_reminders(body: Json) -> None:
    reminders: Json = body.get("reminders") or {}
    overrides: list[Json] = reminders.get("overrides") or []
    if reminders.get("useDefault") and overrides:
        raise bad_request(
            "cannotUseDefaultRemindersAndSpecifyOverride",
            "Cannot specify both default reminders and overrides.",
        )
    if len(overrides) > 5:
        raise invalid("At most 5 override reminders.", "reminders.overrides")
    for each in overrides:
        if each.get("method") not in ("email", "popup") or not 0 <= each.get("minutes", -1) <= 40320:
            raise invalid(f"Invalid reminder: {each}", "reminders.overrides")


def _settle_properties(body: Json) -> None:
    """W11: a long key is dropped and a long value cut without a word, just as Google does it."""
    extended: Json = body.get("extendedProperties") or {}
    for kind, properties in extended.items():
        extended[kind] = {key: str(value)[:1024] for key, value in properties.items() if len(key) <= 44}
    pairs = [pair for properties in extended.values() for pair in properties.items()]
    if len(pairs) > 300 or sum(len(key) + len(value) for key, value in pairs) > 32 * 1024:
        raise invalid("Too many or too large extended properties.", "extendedProperties")
    for kind in [kind for kind, properties in extended.items() if not properties]:
        del extended[kind]


def check_options(body: Json, stored: Json, params: Json) -> None:
    """W9: what needs a parameter is refused without it, where Google would drop it."""
    asks = params.get("conferenceDataVersion", 0) == 1
    if "conferenceData" in body and not asks and body["conferenceData"] != stored.get("conferenceData"):
        raise invalid(
            "conferenceData needs conferenceDataVersion=1; without it, it is dropped.", "conferenceData"
        )
    attachments: Any = body.get("attachments")
    if attachments and attachments != stored.get("attachments"):
        if not params.get("supportsAttachments"):
            raise invalid("attachments need supportsAttachments=true.", "attachments")
        if len(attachments) > 25:
            raise invalid("At most 25 attachments.", "attachments")


def shared_part(body: Json) -> Json:
    """The fields the organizer owns (P1); equal in two bodies when a guest has changed nothing shared."""
    skipped = {*OWN, *READ_ONLY, "attendees", "updated", "sequence", "status"}
    part = {name: value for name, value in body.items() if name not in skipped}
    extended = part.pop("extendedProperties", {})
    return part | ({"shared": extended["shared"]} if extended.get("shared") else {})


def own_part(body: Json) -> Json:
    """The fields that stay on one copy (P1)."""
    part: Json = {name: body[name] for name in OWN if name in body}
    private = body.get("extendedProperties", {}).get("private")
    return part | ({"private": private} if private else {})
