"""The people of the sandbox, their calendars, and who may see which calendar how far."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from integrations.sandbox.errors import ApiError, Json, not_found
from integrations.sandbox.store import Store

ROLES = ("freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner")
PALETTE = ("#9fe1e7", "#f83a22", "#7bd148", "#fad165", "#ac725e", "#b99aff")


@dataclass(frozen=True)
class Person:
    email: str
    name: str
    sub: str


@dataclass(frozen=True)
class Calendar:
    """`owner` is its data owner's address. A primary calendar's id is its owner's address."""

    id: str
    owner: str
    body: Json
    version: int

    @property
    def time_zone(self) -> str:
        return str(self.body["timeZone"])

    @property
    def summary(self) -> str:
        return str(self.body["summary"])

    @property
    def is_primary(self) -> bool:
        return self.id == self.owner


@dataclass(frozen=True)
class Entry:
    """One calendar in one person's list. `body` holds what is theirs alone: hidden, deleted,
    summaryOverride."""

    person: str
    calendar: str
    role: str
    body: Json
    version: int


class People:
    def __init__(self, store: Store) -> None:
        self.store = store

    def all(self) -> list[Person]:
        found = self.store.db.execute("SELECT * FROM people ORDER BY rowid")
        return [Person(each["email"], each["name"], each["sub"]) for each in found]

    def find(self, email: str) -> Person | None:
        found = self.store.db.execute("SELECT * FROM people WHERE email = ?", (email,)).fetchone()
        return None if found is None else Person(found["email"], found["name"], found["sub"])

    def add(self, email: str, name: str = "", time_zone: str = "Europe/London") -> Person:
        """Adds a person with a primary calendar. The subject depends on the address alone, so it is
        stable."""
        email = email.strip().lower()
        known = self.find(email)
        if known is not None:
            return known
        number = int(hashlib.sha256(email.encode()).hexdigest(), 16)
        person = Person(email, name or email.split("@")[0].title(), str(10**20 + number % 10**20))
        self.store.db.execute("INSERT INTO people VALUES (?, ?, ?)", (person.email, person.name, person.sub))
        self.add_calendar(email, email, {"summary": email, "timeZone": time_zone})
        return person

    def add_calendar(self, calendar_id: str, owner: str, body: Json) -> Calendar:
        version = self.store.next_version()
        values = (calendar_id, owner, json.dumps(body), version)
        self.store.db.execute("INSERT INTO calendars VALUES (?, ?, ?, ?)", values)
        self.share(calendar_id, owner, "owner")
        return Calendar(calendar_id, owner, body, version)

    def create_calendar(self, owner: str, summary: str, *, time_zone: str = "UTC", app: str = "") -> Calendar:
        """A secondary calendar. `app` is the client that made it, for the scope calendar.app.created."""
        body = {"summary": summary, "timeZone": time_zone} | ({"app": app} if app else {})
        number = len(self.entries(owner))
        name = hashlib.sha256(f"{owner} {summary} {number}".encode()).hexdigest()[:32]
        calendar_id = f"c_{name}@group.calendar.google.com"
        return self.add_calendar(calendar_id, owner, body)

    def calendar(self, calendar_id: str) -> Calendar | None:
        found = self.store.db.execute("SELECT * FROM calendars WHERE id = ?", (calendar_id,)).fetchone()
        if found is None:
            return None
        return Calendar(found["id"], found["owner"], json.loads(found["body"]), found["version"])

    def share(self, calendar_id: str, person: str, role: str | None) -> None:
        """Gives access, changes it, or takes it away (None: the entry stays in the list as deleted)."""
        known = self.entry(person, calendar_id)
        body = dict(known.body) if known else {}
        body.pop("deleted", None)
        if role is None:
            body["deleted"] = True
        self.save_entry(person, calendar_id, role or "none", body)

    def save_entry(self, person: str, calendar_id: str, role: str, body: Json) -> None:
        values = (person, calendar_id, role, json.dumps(body), self.store.next_version())
        self.store.db.execute("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)", values)
        self.store.touched.add(f"list:{person}")  # N9: new access is told on the calendar list only

    def entry(self, person: str, calendar_id: str) -> Entry | None:
        query = "SELECT * FROM entries WHERE person = ? AND calendar = ?"
        found = self.store.db.execute(query, (person, calendar_id)).fetchone()
        if found is None:
            return None
        return Entry(
            found["person"], found["calendar"], found["role"], json.loads(found["body"]), found["version"]
        )

    def entries(self, person: str) -> list[Entry]:
        """Deleted and hidden ones too, ordered by calendar id so that paging is stable."""
        found = self.store.db.execute("SELECT * FROM entries WHERE person = ? ORDER BY calendar", (person,))
        return [
            Entry(e["person"], e["calendar"], e["role"], json.loads(e["body"]), e["version"]) for e in found
        ]

    def open(self, person: str, calendar_id: str) -> tuple[Calendar, str]:
        """The calendar and this person's role on it; `primary` is resolved. Raises 404 (W14)."""
        resolved = person if calendar_id == "primary" else calendar_id
        calendar, entry = self.calendar(resolved), self.entry(person, resolved)
        if calendar is None or entry is None or entry.role not in ROLES:
            raise not_found()
        return calendar, entry.role


def at_least(role: str, needed: str) -> bool:
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)


def require_role(role: str, needed: str) -> None:
    if not at_least(role, needed):
        message = f"You need to have {needed} access to this calendar."
        raise ApiError(403, "requiredAccessLevel", message, domain="calendar")


def entry_resource(calendar: Calendar | None, entry: Entry) -> Json:
    """A CalendarListEntry; of a deleted one only its id is told."""
    etag = f'"{1_700_000_000_000_000 + max(entry.version, calendar.version if calendar else 0)}"'
    resource: Json = {"kind": "calendar#calendarListEntry", "etag": etag, "id": entry.calendar}
    if calendar is None or entry.body.get("deleted"):
        return resource | {"deleted": True}
    number = int(hashlib.sha256(calendar.id.encode()).hexdigest(), 16) % len(PALETTE)
    resource |= {
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "colorId": str(number + 1),
        "backgroundColor": PALETTE[number],
        "foregroundColor": "#000000",
        "selected": True,
        "accessRole": entry.role,
        "defaultReminders": [],
        "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
        "dataOwner": calendar.owner,
        **{
            key: value
            for key, value in entry.body.items()
            if key in ("hidden", "summaryOverride", "selected")
        },
    }
    if calendar.is_primary and entry.person == calendar.owner:
        resource["primary"] = True
    return resource


def calendar_resource(calendar: Calendar) -> Json:
    return {
        "kind": "calendar#calendar",
        "etag": f'"{1_600_000_000_000_000 + calendar.version}"',
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
        "dataOwner": calendar.owner,
    }
