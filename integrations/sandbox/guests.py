"""Guests: their copies of an event, their answers, and who would have been mailed (P1 to P4, W8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from integrations.sandbox.errors import Json, invalid
from integrations.sandbox.event_rules import own_part, shared_part
from integrations.sandbox.people import Calendar, People
from integrations.sandbox.store import Row, Store


@dataclass(frozen=True)
class Invitation:
    """A mail Google would have sent. `what` is invited, updated, cancelled or replied."""

    to: str
    what: str
    event_id: str
    summary: str
    send_updates: str
    at: datetime


def attendee_of(body: Json, address: str) -> Json | None:
    return next((each for each in body.get("attendees", []) if each["email"] == address), None)


def with_response(body: Json, address: str, answer: Json) -> Json:
    """The body with this attendee's own fields replaced; the others' stay."""
    attendees = [each | answer if each["email"] == address else each for each in body.get("attendees", [])]
    return body | {"attendees": attendees}


def check_self(sent: Json, calendar: Calendar) -> None:
    """Raises 400 when somebody else is called `self`."""
    for attendee in sent.get("attendees") or []:
        if attendee.get("self") and str(attendee.get("email", "")).lower() != calendar.id:
            raise invalid("attendees.self is read-only.", "attendees.self")


def with_own_answer(old: Json, sent: Json, address: str) -> list[Json]:
    """P2: with attendeesOmitted only the participant's own answer is taken over."""
    given = [each for each in sent.get("attendees") or [] if str(each.get("email", "")).lower() == address]
    if len(given) != 1 or len(sent.get("attendees") or []) != 1:
        raise invalid("With attendeesOmitted only the participant's own entry may be sent.", "attendees")
    answer = {
        name: given[0][name] for name in ("responseStatus", "comment", "additionalGuests") if name in given[0]
    }
    attendees: list[Json] = with_response(old, address, answer).get("attendees", [])
    return attendees


class Guests:
    def __init__(self, store: Store, people: People) -> None:
        self.store = store
        self.people = people
        self.invitations: list[Invitation] = []

    def spread(self, calendar: Calendar, before: Json | None, row: Row) -> None:
        """Brings every seeded guest's copy up to the organizer's event."""
        invited = {each["email"]: each for each in row.body.get("attendees", [])}
        earlier = {each["email"] for each in (before or {}).get("attendees", [])}
        for address in sorted((set(invited) | earlier) - {calendar.id}):
            if self.people.find(address) is None:
                continue
            copy = self.store.event(address, row.id)
            if row.is_cancelled or address not in invited:
                self._withdraw(copy)
            elif copy is not None or self._has_series(address, row) or _is_open(invited[address]):
                self._bring_up(address, copy, row, invited[address])

    def _has_series(self, address: str, row: Row) -> bool:
        return row.series is not None and self.store.event(address, row.series) is not None

    def _withdraw(self, copy: Row | None) -> None:
        if copy is not None and not copy.is_cancelled:
            body = copy.body | {"status": "cancelled"}
            self.store.save_event(copy.calendar, copy.id, body, copy.series)

    def _bring_up(self, address: str, copy: Row | None, row: Row, attendee: Json) -> None:
        if copy is not None and copy.is_cancelled and attendee["responseStatus"] == "declined":
            return
        own = _own_fields(copy.body) if copy is not None else self._first_own_fields(address, row)
        shared = shared_part(row.body)
        properties = {"shared": shared.pop("shared")} if "shared" in shared else {}
        kept = (
            "status",
            "created",
            "updated",
            "creator",
            "organizer",
            "sequence",
            "attendees",
            "originalStartTime",
        )
        body = shared | {name: row.body[name] for name in kept if name in row.body} | own
        if properties or "extendedProperties" in body:
            body["extendedProperties"] = properties | body.get("extendedProperties", {})
        if copy is None or copy.body != body:
            self.store.save_event(address, row.id, body, row.series)

    def _first_own_fields(self, address: str, row: Row) -> Json:
        series = self.store.event(address, row.series) if row.series is not None else None
        if series is not None:
            return _own_fields(series.body)
        return {name: row.body[name] for name in ("visibility", "transparency") if name in row.body}

    def tell(self, row: Row, before: Json | None, send_updates: str, organizer: str) -> None:
        """Notes who would have been mailed: with `none` nobody, with `externalOnly` nobody of the sandbox
        (W8)."""
        earlier = {each["email"] for each in (before or {}).get("attendees", [])}
        present = {each["email"] for each in row.body.get("attendees", [])}
        for address in sorted((earlier | present) - {organizer}):
            if send_updates == "none" or (send_updates == "externalOnly" and self.people.find(address)):
                continue
            gone = row.is_cancelled or address not in present
            what = "cancelled" if gone else "updated" if address in earlier else "invited"
            self.note(address, what, row, send_updates)

    def note(self, to: str, what: str, row: Row, send_updates: str) -> None:
        summary = str(row.body.get("summary", ""))
        self.invitations.append(Invitation(to, what, row.id, summary, send_updates, self.store.now()))


def _is_open(attendee: Json) -> bool:
    """P4: an answer filled in beforehand does not put the event on the guest's calendar."""
    return bool(attendee["responseStatus"] == "needsAction")


def _own_fields(body: Json) -> Json:
    own = own_part(body)
    private = own.pop("private", None)
    return own | ({"extendedProperties": {"private": private}} if private else {})
