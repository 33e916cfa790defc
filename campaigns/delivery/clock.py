"""The one clock that all workers share: the database's. What a machine's own says, or steps to, counts for nothing."""

import datetime
from typing import Any, Protocol

from django.db import connection
from django.utils import timezone


def database_now() -> datetime.datetime:
    """One statement on PostgreSQL; SQLite has this machine's clock, which is everybody's there."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime.datetime = cursor.fetchone()[0]
    return found


def asked_along() -> str:
    """What an UPDATE of one row ends with to say when it was, which saves asking by a statement of its own."""
    return " RETURNING clock_timestamp()" if connection.vendor == "postgresql" else ""


class Heard(Protocol):
    """A cursor, as far as `heard` reads it."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...


def heard(cursor: Heard) -> datetime.datetime | None:
    """When the UPDATE in `cursor`, which ended with `asked_along`, wrote its row; None where it wrote none."""
    if connection.vendor != "postgresql":
        return timezone.now() if cursor.rowcount else None
    found: tuple[datetime.datetime] | None = cursor.fetchone()
    return found[0] if found else None
