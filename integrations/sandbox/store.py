"""The sandbox's memory: one SQLite file of its own, so that a restart keeps grants, events and sync tokens.

Every write of an event appends a version; nothing is overwritten. So a listing can be paged over a frozen
moment (S2), and an incremental answer can be told exactly what has vanished since the moment its sync token
names.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from integrations.sandbox.errors import Json

SCHEMA = """
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS people (email TEXT PRIMARY KEY, name TEXT NOT NULL, sub TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS calendars (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, body TEXT NOT NULL, version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
    person TEXT NOT NULL, calendar TEXT NOT NULL, role TEXT NOT NULL, body TEXT NOT NULL,
    version INTEGER NOT NULL, PRIMARY KEY (person, calendar));
CREATE TABLE IF NOT EXISTS events (
    calendar TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, series TEXT, body TEXT NOT NULL,
    PRIMARY KEY (calendar, id, version)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS events_changed ON events (calendar, version);
CREATE INDEX IF NOT EXISTS events_series ON events (calendar, series, version);
CREATE TABLE IF NOT EXISTS grants (
    person TEXT NOT NULL, client TEXT NOT NULL, scopes TEXT NOT NULL, PRIMARY KEY (person, client));
CREATE TABLE IF NOT EXISTS codes (code TEXT PRIMARY KEY, expires_at TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY, kind TEXT NOT NULL, person TEXT NOT NULL, client TEXT NOT NULL,
    scopes TEXT NOT NULL, expires_at TEXT, number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS channels (
    id TEXT PRIMARY KEY, resource TEXT NOT NULL, stopped INTEGER NOT NULL, body TEXT NOT NULL);
"""
TABLES = ("people", "calendars", "entries", "events", "grants", "codes", "tokens", "channels")
LATEST = 2**62
# What a test may bend; see `SandboxControl.set_options`.
DEFAULT_OPTIONS: Json = {
    "token_lifetime": 3599,
    "instance_ids": "stamp",
    "allow_http_webhooks": False,
    "empty_pages": False,
    "full_tombstones": False,
    "batch_conflicts": True,
    "requests_per_minute": 0,
}


@dataclass(frozen=True)
class Row:
    """One version of one event as one calendar holds it. `series` is the master's id on an exception."""

    calendar: str
    id: str
    version: int
    series: str | None
    body: Json

    @property
    def etag(self) -> str:
        return f'"{3_500_000_000_000_000 + self.version * 2000}"'

    @property
    def is_cancelled(self) -> bool:
        return bool(self.body["status"] == "cancelled")

    @property
    def is_series(self) -> bool:
        return bool(self.body.get("recurrence"))


class Store:
    """`path` None keeps everything in memory. All access holds `lock`; `transaction` is one request."""

    def __init__(self, path: Path | str | None) -> None:
        self.lock = threading.RLock()
        self.db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=OFF")
        self.db.executescript(SCHEMA)
        self._depth = 0
        self._owner = 0
        self.touched: set[str] = set()

    def close(self) -> None:
        with self.lock:
            self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; nests."""
        with self.lock:
            if self._depth:
                yield
                return
            self._depth = 1
            self._owner = threading.get_ident()
            self.db.execute("BEGIN")
            try:
                yield
            except BaseException:
                self.db.execute("ROLLBACK")
                self.touched.clear()
                raise
            else:
                self.db.execute("COMMIT")
            finally:
                self._depth = 0

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is inside one; asked with the lock held or from a thread that cannot hold
        it."""
        return self._depth > 0 and self._owner == threading.get_ident()

    def clear(self) -> None:
        """Forgets everything but its keys and version number: an old token is then dead (S7), not
        malformed."""
        with self.transaction():
            for table in TABLES:
                self.db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names are the constant above
            for name in ("clock_offset", "clock_frozen", "options"):
                self.db.execute("DELETE FROM state WHERE name = ?", (name,))
            self.set_state("epoch", secrets.token_hex(8))

    # Small facts

    def state(self, name: str, default: Any = None) -> Any:
        row = self.db.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return default if row is None else json.loads(row["value"])

    def set_state(self, name: str, value: Any) -> None:
        self.db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, json.dumps(value)))

    def secret(self, name: str) -> str:
        """A random secret made at its first use and kept."""
        value = self.state(name)
        if value is None:
            value = secrets.token_hex(32)
            self.set_state(name, value)
        return str(value)

    def option(self, name: str) -> Any:
        return self.state("options", {}).get(name, DEFAULT_OPTIONS[name])

    @property
    def version(self) -> int:
        return int(self.state("version", 0))

    def next_version(self) -> int:
        version = self.version + 1
        self.set_state("version", version)
        return version

    # The clock

    def now(self) -> datetime:
        frozen = self.state("clock_frozen")
        if frozen is not None:
            return datetime.fromisoformat(frozen)
        return datetime.now(UTC) + timedelta(seconds=float(self.state("clock_offset", 0)))

    def set_clock(self, moment: datetime, *, frozen: bool) -> None:
        self.set_state("clock_frozen", moment.astimezone(UTC).isoformat() if frozen else None)
        self.set_state("clock_offset", (moment - datetime.now(UTC)).total_seconds())

    def advance_clock(self, duration: timedelta) -> None:
        self.set_clock(self.now() + duration, frozen=self.state("clock_frozen") is not None)

    # Events

    def event(self, calendar: str, event_id: str, version: int = LATEST) -> Row | None:
        """The event as it was at `version`, cancelled or not; None when it never was."""
        found = self.db.execute(
            "SELECT * FROM events WHERE calendar = ? AND id = ? AND version <= ?"
            " ORDER BY version DESC LIMIT 1",
            (calendar, event_id, version),
        ).fetchone()
        return None if found is None else _row(found)

    def events(self, calendar: str, version: int = LATEST) -> list[Row]:
        """Every event of the calendar as it was at `version`, cancelled ones too."""
        found = self.db.execute(
            "SELECT calendar, id, MAX(version) AS version, series, body FROM events"
            " WHERE calendar = ? AND version <= ? GROUP BY id",
            (calendar, version),
        )
        return [_row(each) for each in found]

    def exceptions(self, calendar: str, series: str, version: int = LATEST) -> list[Row]:
        found = self.db.execute(
            "SELECT calendar, id, MAX(version) AS version, series, body FROM events"
            " WHERE calendar = ? AND series = ? AND version <= ? GROUP BY id",
            (calendar, series, version),
        )
        return [_row(each) for each in found]

    def changed(self, calendar: str, since: int, until: int) -> list[Row]:
        """The events that have a version after `since`, as they were at `until`."""
        found = self.db.execute(
            "SELECT calendar, id, MAX(version) AS version, series, body FROM events"
            " WHERE calendar = ? AND version > ? AND version <= ? GROUP BY id",
            (calendar, since, until),
        )
        return [_row(each) for each in found]

    def save_event(self, calendar: str, event_id: str, body: Json, series: str | None = None) -> Row:
        row = Row(calendar, event_id, self.next_version(), series, body)
        values = (calendar, event_id, row.version, series, json.dumps(body))
        self.db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?)", values)
        self.touched.add(calendar)
        return row


def _row(found: sqlite3.Row) -> Row:
    return Row(found["calendar"], found["id"], found["version"], found["series"], json.loads(found["body"]))
