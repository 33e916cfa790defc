"""What our pull is measured against: the least that lists, parses and writes the same, and a package that syncs too."""

import asyncio
import json
import sqlite3
from typing import Any
from urllib.parse import urlencode

import psycopg
from django.conf import settings
from django.db import connection

from calendars.models import GoogleEvent
from integrations.google import library
from integrations.models import GoogleCalendar
from tests.benchmarks.google_pages import Pages

try:
    from gcal_sync.api import GoogleCalendarService
    from gcal_sync.auth import AbstractAuth
    from gcal_sync.sync import CalendarEventSyncManager
except ImportError:  # the group `bench` is not installed
    AbstractAuth = object


class BareDriver:
    """The rows that our pull wrote for one Google calendar, written again for `other` without Django."""

    def __init__(self, written: GoogleCalendar, other: GoogleCalendar) -> None:
        self.is_postgresql = connection.vendor == "postgresql"
        stored = (
            each for each in GoogleEvent._meta.concrete_fields if not (each.primary_key or each.generated)
        )
        names = [field.column for field in stored]
        table = GoogleEvent._meta.db_table
        read = ", ".join(
            f"{name}::text" if name == "attendees" and self.is_postgresql else name for name in names
        )
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {read} FROM {table} WHERE google_calendar_id = %s", [written.pk])
            found = cursor.fetchall()
        at = names.index("google_calendar_id")
        self.rows = [(*row[:at], other.pk, *row[at + 1 :]) for row in found]
        mark = "%s" if self.is_postgresql else "?"
        self.insert = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join([mark] * len(names))})"

    def write(self) -> None:
        if self.is_postgresql:
            with psycopg.connect(**self._parameters()) as database, database.cursor() as cursor:
                cursor.executemany(self.insert, self.rows)
        else:
            database = sqlite3.connect(settings.DATABASES["default"]["NAME"], timeout=20)
            database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
            with database:
                database.executemany(self.insert, self.rows)
            database.close()

    def _parameters(self) -> dict[str, Any]:
        given = connection.settings_dict
        return {"host": given["HOST"], "port": given["PORT"], "user": given["USER"], "dbname": given["NAME"]}


def list_with_the_bare_library(pages: Pages) -> list[dict[str, Any]]:
    """Every event as Google's own library parses it."""
    service = library.service_at(settings.GOOGLE_CALENDAR_API_URL)
    events = service.events()
    request, found = events.list(calendarId="primary", singleEvents=True, maxResults=2500), []
    while request is not None:
        answer = request.execute(http=pages, num_retries=0)
        found += answer["items"]
        request = events.list_next(request, answer)
    return found


class _OverPages(AbstractAuth):  # type: ignore[misc]  # gcal_sync may be absent
    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    async def async_get_access_token(self) -> str:
        return "unused"

    async def get_json(self, url: str, **kwargs: Any) -> dict[str, Any]:
        content = self.pages.request(f"{url}?{urlencode(kwargs.get('params') or {})}")[1]
        return dict(json.loads(content))


def has_gcal_sync() -> bool:
    return AbstractAuth is not object


def sync_with_gcal_sync(pages: Pages) -> None:
    """gcal_sync's first sync into the store it brings, which is in memory: nothing is written to a disk."""
    manager = CalendarEventSyncManager(GoogleCalendarService(_OverPages(pages)), "primary")
    asyncio.run(manager.run())
