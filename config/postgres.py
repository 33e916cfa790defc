"""Moments read from PostgreSQL by the parser of Python's library, about fifty times quicker than Django's own does: a
page of Google's events, or a batch of messages, reads thousands.
"""

import datetime
from functools import cache
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


def read_moments_quickly(connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    """Of `connection`, just opened, if it is PostgreSQL's and speaks UTC."""
    if connection.vendor == "postgresql" and connection.timezone is datetime.UTC:
        connection.connection.adapters.register_loader("timestamptz", _loader())


@cache
def _loader() -> type[Any]:
    from django.db.backends.postgresql.psycopg_any import BaseTzLoader  # noqa: PLC0415 (only where there is one)

    class UtcLoader(BaseTzLoader):  # type: ignore[misc]  # psycopg or psycopg2, as installed
        timezone = datetime.UTC

        def load(self, data: Any) -> datetime.datetime:
            """What it cannot read (years of five digits, "infinity") Django's loader reads, or refuses."""
            text = bytes(data)
            if text.endswith(b"+00"):
                try:
                    return datetime.datetime.fromisoformat(text.decode())
                except ValueError:
                    pass
            moment: datetime.datetime = super().load(data)
            return moment

    return UtcLoader


connection_created.connect(read_moments_quickly)
