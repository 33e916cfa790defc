"""The one clock that all workers share: the database's. What a machine's own says, or steps to, counts for nothing."""

import datetime

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
