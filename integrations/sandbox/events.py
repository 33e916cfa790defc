"""Writing events: insert, patch, update, delete, move, and what each means for guests and series.

The same verbs serve the API, the pages and the control plane. Each raises ApiError as Google would answer.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from integrations.sandbox import conference, event_rules, recurrence, times
from integrations.sandbox.errors import (
    ApiError,
    Json,
    bad_request,
    forbidden,
    gone,
    invalid,
    not_found,
    not_organizer,
)
from integrations.sandbox.event_view import View, full_resource, is_organizer
from integrations.sandbox.guests import Guests, attendee_of, check_self, with_own_answer, with_response
from integrations.sandbox.people import Calendar, People, Person, at_least, require_role
from integrations.sandbox.store import Row, Store

SHARED_SPREAD = ("summary", "description", "location", "attendees", "visibility", "transparency", "colorId")


@dataclass(frozen=True)
class Write:
    """Who writes where, and how: query parameters and the etag of If-Match."""

    person: Person
    calendar: Calendar
    role: str
    params: dict[str, Any] = field(default_factory=dict)
    if_match: str | None = None

    @property
    def send_updates(self) -> str:
        return str(self.params.get("sendUpdates", "none"))


class Events:
    def __init__(self, store: Store, people: People) -> None:
        self.store = store
        self.people = people
        self.guests = Guests(store, people)

    # Reading one

    def find(self, calendar: Calendar, event_id: str) -> Row:
        """The event, or the instance of a series that the id names; cancelled ones too (S13). Raises 404."""
        stored = recurrence.stored_id(event_id, self.store.option("instance_ids"))
        row = self.store.event(calendar.id, stored) if stored else None
        parts = recurrence.split_id(stored) if stored else None
        if parts is None:
            if row is None:
                raise not_found()
            return row
        master = self.store.event(calendar.id, parts[0])
        if master is not None and not master.is_cancelled and not master.is_series:
            raise not_found()  # it repeats no more: its exceptions went with its rule
        if master is not None and master.is_cancelled and row is not None:
            return Row(row.calendar, row.id, row.version, row.series, row.body | {"status": "cancelled"})
        return row or self._instance(master, parts[1])

    def _instance(self, master: Row | None, stamp: str) -> Row:
        if master is None or not master.is_series:
            raise not_found()
        original = recurrence.start_from_stamp(master.body, stamp)
        if original is None:
            raise not_found()
        return instance(master, original)

    def settle_conference(self, row: Row) -> Row:
        """Makes the conference that a write asked for; the event changes by it, so its etag does too."""
        body = None if row.is_cancelled else conference.settled(row.body, row.id)
        return self._save_quietly(row, body) if body is not None else row

    # Insert

    def insert(self, write: Write, sent: Json, *, given: Json | None = None) -> Row:
        """`given` are read-only fields that only the control plane sets: organizer, locked, eventType
        fromGmail."""
        require_role(write.role, "writerWithoutPrivateAccess")
        sent = event_rules.without_nulls(sent)
        event_rules.check_new(sent)
        event_rules.check_options(sent, {}, write.params)
        event_id = sent.get("id") or _new_id()
        if self.store.event(write.calendar.id, event_id) is not None:
            raise ApiError(409, "duplicate", "The requested identifier already exists.")
        body = event_rules.without_nulls(event_rules.writable(sent))
        body |= self._birth(write, sent, event_id) | (given or {})
        body = self._settled(body, write.calendar, is_instance=False)
        body = conference.requested(body, {})
        if body["status"] == "cancelled":
            raise invalid("An event cannot be created cancelled.", "status")
        return self._save(write, event_id, body, None, None)

    def _birth(self, write: Write, sent: Json, event_id: str) -> Json:
        now = times.milliseconds(self.store.now())
        event_type = sent.get("eventType", "default")
        born: Json = {
            "status": sent.get("status", "confirmed"),
            "created": now,
            "updated": now,
            "creator": {"email": write.person.email, "displayName": write.person.name},
            "organizer": _organizer(write, event_type),
            "iCalUID": sent.get("iCalUID", f"{event_id}@google.com"),
            "eventType": event_type,
            "sequence": sent.get("sequence", 0),
        }
        return born

    def _settled(self, body: Json, calendar: Calendar, *, is_instance: bool) -> Json:
        body = event_rules.settle(
            body, zone_name=calendar.time_zone, is_primary=calendar.is_primary, is_instance=is_instance
        )
        for attendee in body.get("attendees", []):
            known = self.people.find(attendee["email"])
            if known is not None:
                attendee.setdefault("displayName", known.name)
        return body

    # Change

    def patch(self, write: Write, event_id: str, sent: Json) -> Row:
        row = self._writable_row(write, event_id)
        return self._change(write, row, sent, event_rules.merged(row.body, event_rules.writable(sent)))

    def update(self, write: Write, event_id: str, sent: Json) -> Row:
        row = self._writable_row(write, event_id)
        for name in ("start", "end"):
            if name not in sent:
                raise bad_request("required", f"Missing {name} time.", name)
        body = event_rules.replaced(row.body, sent)
        if write.params.get("conferenceDataVersion", 0) == 0 and "conferenceData" in row.body:
            body["conferenceData"] = row.body["conferenceData"]
        if row.series is not None:
            body["originalStartTime"] = row.body["originalStartTime"]
        return self._change(write, row, sent, body)

    def _writable_row(self, write: Write, event_id: str) -> Row:
        row = self.find(write.calendar, event_id)
        require_role(write.role, "writerWithoutPrivateAccess")
        if _is_private(row.body) and not at_least(write.role, "writer"):
            raise forbidden()
        if write.if_match not in (None, "*", row.etag):
            raise ApiError(
                412, "conditionNotMet", "Precondition Failed", location="If-Match", location_type="header"
            )
        return row

    def _change(self, write: Write, row: Row, sent: Json, body: Json) -> Row:
        if row.is_cancelled and not (sent.get("status") == "confirmed" and self._is_in_living_series(row)):
            raise gone()
        view = View(write.calendar, write.role, _zone(write), self.store.option("instance_ids"))
        event_rules.check_change(sent, full_resource(row, view))
        event_rules.check_options(sent, row.body, write.params)
        if sent.get("status") == "cancelled":
            return self._cancel(write, row)
        check_self(sent, write.calendar)
        if sent.get("attendeesOmitted"):
            body["attendees"] = with_own_answer(row.body, sent, write.calendar.id)
        body = self._settled(body, write.calendar, is_instance=row.series is not None)
        if row.body.get("eventType") == "fromGmail" or row.body.get("locked"):
            _check_shared_unchanged(row.body, body, is_locked=bool(row.body.get("locked")))
        if is_organizer(write.calendar, row.body):
            return self._change_as_organizer(write, row, body)
        return self._change_as_guest(write, row, body)

    def _is_in_living_series(self, row: Row) -> bool:
        """A cancelled instance may be brought back while its series lives."""
        master = self.store.event(row.calendar, row.series) if row.series is not None else None
        return master is not None and not master.is_cancelled

    def _change_as_organizer(self, write: Write, row: Row, body: Json) -> Row:
        body = conference.requested(body, row.body)
        self._check_sequence(row.body, body)
        if row.series is not None and _is_private(row.body) and not _is_private(body):
            body["visibility"] = row.body["visibility"]  # R4: the way back is ignored on one instance
        body = self._touched(row.body, body)
        saved = self._save(write, row.id, body, row.series, row.body)
        if row.series is not None:
            self._spread_visibility(write, saved)
        elif row.is_series:
            self._renew_exceptions(write, row.body, saved)
        return saved

    def _check_sequence(self, old: Json, new: Json) -> None:
        if new.get("sequence", 0) < old.get("sequence", 0):
            raise invalid("Invalid sequence value.", "sequence")

    def _touched(self, old: Json, new: Json) -> Json:
        """S15: `updated` stays when only reminders changed; `sequence` rises when times do."""
        if {**old, "reminders": None} == {**new, "reminders": None}:
            return new | {"updated": old["updated"]}
        moved = any(old.get(name) != new.get(name) for name in ("start", "end", "recurrence"))
        sequence = max(new.get("sequence", 0), old.get("sequence", 0) + (1 if moved else 0))
        return new | {"updated": times.milliseconds(self.store.now()), "sequence": sequence}

    def _change_as_guest(self, write: Write, row: Row, body: Json) -> Row:
        """P1, P2: a guest's own fields stay on the copy, the answer goes to the organizer, the rest is
        refused."""
        if event_rules.shared_part(row.body) != event_rules.shared_part(body):
            if not row.body.get("guestsCanModify"):
                raise not_organizer()
            return self._change_for_organizer(write, row, body)
        old_me, me = attendee_of(row.body, write.calendar.id), attendee_of(body, write.calendar.id)
        others = [
            [each for each in b.get("attendees", []) if each["email"] != write.calendar.id]
            for b in (row.body, body)
        ]
        if others[0] != others[1] or (old_me is None) != (me is None):
            raise not_organizer()
        saved = self._save_quietly(row, self._touched(row.body, body))
        if me is not None and me != old_me:
            saved = self._answer(write, saved, me)
        return saved

    def _change_for_organizer(self, write: Write, row: Row, body: Json) -> Row:
        home = self._home(row)
        if home is None:
            raise not_organizer()
        calendar, original = home
        shared = event_rules.shared_part(body)
        properties = {"extendedProperties": {"shared": shared.pop("shared")}} if "shared" in shared else {}
        changed = event_rules.merged(original.body, shared | properties)
        organizer = Write(write.person, calendar, "owner", write.params)
        self._change_as_organizer(organizer, original, changed)
        return self.find(write.calendar, row.id)

    def _answer(self, write: Write, row: Row, me: Json) -> Row:
        """The guest's answer flows back to the organizer's copy, and from there to everyone's."""
        home = self._home(row)
        if home is None:
            self.guests.note(row.body["organizer"]["email"], "replied", row, write.send_updates)
            return row
        calendar, original = home
        body = with_response(original.body, write.calendar.id, me)
        body |= {"updated": times.milliseconds(self.store.now())}
        saved = self._save_quietly(original, body)
        self.guests.spread(calendar, original.body, saved)
        if write.send_updates != "none":
            self.guests.note(calendar.id, "replied", saved, write.send_updates)
        return self.store.event(row.calendar, row.id) or row

    def _home(self, row: Row) -> tuple[Calendar, Row] | None:
        """The organizer's own copy of this event; None when the organizer is outside the sandbox."""
        calendar = self.people.calendar(row.body["organizer"]["email"])
        if calendar is None:
            return None
        try:
            return calendar, self.find(calendar, self._told(row.id))
        except ApiError:
            return None

    def _told(self, stored: str) -> str:
        return recurrence.told_id(stored, self.store.option("instance_ids"))

    # Delete

    def delete(self, write: Write, event_id: str) -> Row:
        """Raises 410 `deleted` the second time (S7)."""
        row = self._writable_row(write, event_id)
        if row.is_cancelled:
            raise gone()
        return self._cancel(write, row)

    def restore(self, write: Write, event_id: str) -> Row:
        """A person takes it out of the bin, which no call of the API does."""
        row = self._writable_row(write, event_id)
        body = row.body | {"status": "confirmed", "updated": times.milliseconds(self.store.now())}
        return self._save(write, row.id, body, row.series, row.body)

    def _cancel(self, write: Write, row: Row) -> Row:
        body = row.body | {"status": "cancelled", "updated": times.milliseconds(self.store.now())}
        if is_organizer(write.calendar, row.body):
            return self._save(write, row.id, body, row.series, row.body)
        # A guest's deletion is a refusal of theirs; the event lives on for everybody else.
        body = with_response(body, write.calendar.id, {"responseStatus": "declined"})
        saved = self._save_quietly(row, body)
        me = attendee_of(body, write.calendar.id)
        return self._answer(write, saved, me) if me is not None else saved

    def move(self, write: Write, event_id: str, destination: Calendar, role: str) -> Row:
        row = self._writable_row(write, event_id)
        require_role(role, "writer")
        if row.body.get("eventType", "default") != "default":
            raise ApiError(400, "eventTypeRestriction", "Only events of type default can be moved.")
        if row.is_cancelled:
            raise gone()
        if not is_organizer(write.calendar, row.body):
            raise ApiError(
                403, "cannotChangeOrganizer", "Only the organizer's copy can be moved.", domain="calendar"
            )
        taken = self.store.event(destination.id, row.id)
        if (
            row.series is not None
            or destination.id == write.calendar.id
            or (taken and not taken.is_cancelled)
        ):
            raise invalid("The event cannot be moved there.", "destination")
        self._save_quietly(row, row.body | {"status": "cancelled"})
        there = Write(write.person, destination, role, write.params)
        body = row.body | {
            "organizer": _organizer(there, "default"),
            "updated": times.milliseconds(self.store.now()),
        }
        saved = self._save(there, row.id, body, None, row.body)
        for each in self.store.exceptions(row.calendar, row.id):
            self.store.save_event(
                destination.id, each.id, each.body | {"organizer": body["organizer"]}, each.series
            )
        return saved

    # Saving

    def _save(self, write: Write, event_id: str, body: Json, series: str | None, before: Json | None) -> Row:
        row = self.store.save_event(write.calendar.id, event_id, body, series)
        if is_organizer(write.calendar, body):
            self.guests.spread(write.calendar, before, row)
            self.guests.tell(row, before, write.send_updates, write.calendar.id)
        return row

    def _save_quietly(self, row: Row, body: Json) -> Row:
        return self.store.save_event(row.calendar, row.id, body, row.series)

    def _spread_visibility(self, write: Write, row: Row) -> None:
        """R4: one instance made private makes the whole series private."""
        master = self.store.event(row.calendar, row.series or "")
        if master is not None and _is_private(row.body) and not _is_private(master.body):
            changed = self._touched(master.body, master.body | {"visibility": row.body["visibility"]})
            self._save(write, master.id, changed, None, master.body)

    def _renew_exceptions(self, write: Write, old: Json, master: Row) -> None:
        """A change of the series reaches its exceptions where they had not differed; those off the series
        end."""
        for each in self.store.exceptions(master.calendar, master.id):
            original = each.body["originalStartTime"]
            if not (master.is_series and recurrence.has_start(master.body, original)):
                if not each.is_cancelled:
                    self._save(write, each.id, each.body | {"status": "cancelled"}, each.series, each.body)
                continue
            body = dict(each.body)
            for name in SHARED_SPREAD:
                if old.get(name) != master.body.get(name) and body.get(name) == old.get(name):
                    body = event_rules.merged(body, {name: master.body.get(name)})
            if body != each.body:
                self._save(write, each.id, self._touched(each.body, body), each.series, each.body)


def instance(master: Row, original: Json) -> Row:
    """One occurrence of a series that has no exception of its own; it shares the master's version and
    etag."""
    body = {name: value for name, value in master.body.items() if name != "recurrence"}
    body |= {
        "start": original,
        "end": times.ending(original, master.body["start"], master.body["end"]),
        "originalStartTime": original,
    }
    return Row(master.calendar, recurrence.instance_id(master.id, original), master.version, master.id, body)


def _is_private(body: Json) -> bool:
    return body.get("visibility") in ("private", "confidential")


def _new_id() -> str:
    return base64.b32hexencode(secrets.token_bytes(15)).decode().lower() + "ab"


def _zone(write: Write) -> ZoneInfo:
    return times.zone(write.calendar.time_zone)


def _organizer(write: Write, event_type: str) -> Json:
    if event_type == "outOfOffice":
        return {"email": "unknownorganizer@calendar.google.com"}
    name = write.person.name if write.calendar.id == write.person.email else write.calendar.summary
    return {"email": write.calendar.id, "displayName": name}


def _check_shared_unchanged(old: Json, new: Json, *, is_locked: bool) -> None:
    """P3 and P7: the main fields of a locked event, and those of one from Gmail, cannot change."""
    if event_rules.shared_part(old) != event_rules.shared_part(new):
        if is_locked:
            raise forbidden("The main fields of a locked event cannot be changed.")
        raise ApiError(400, "eventTypeRestriction", "These fields cannot be changed on an event from Gmail.")
