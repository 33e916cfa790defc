"""Statements that PostgreSQL reads and plans once for each connection: that costs more than carrying them out.

They are kept under a name made of their text, so that a pooler which hands the connection on in between does no harm:
there the name is missing, and the statement is carried out as it is.
"""

import hashlib
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

from django.db import Error, connection
from django.db.backends.utils import CursorWrapper

# As PostgreSQL's errors are numbered.
NO_SUCH_STATEMENT, THERE_ALREADY = "26000", "42P05"
_kept: weakref.WeakKeyDictionary[Any, set[str]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class _Named:
    """`name` is that of the statement which `prepare` leaves with the database for `execute`."""

    name: str
    prepare: str
    execute: str


def execute(cursor: CursorWrapper, statement: str, params: Sequence[Any]) -> None:
    """Carries `statement` out, planned already where the database can keep it. Only %s stands in its places.

    Inside a transaction it goes out as it is: a name that is missing would break the transaction.
    """
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        cursor.execute(statement, params)
        return
    named = _named(statement)
    try:
        _keep(cursor, named)
        cursor.execute(named.execute, params)
    except Error as error:
        if _number(error) != NO_SUCH_STATEMENT:
            raise
        _names_kept().discard(named.name)
        cursor.execute(statement, params)


def _keep(cursor: CursorWrapper, named: _Named) -> None:
    kept = _names_kept()
    if named.name in kept:
        return
    try:
        cursor.execute(named.prepare)
    except Error as error:
        # Left by somebody else whom a pooler gave this connection before: the same name is the same text.
        if _number(error) != THERE_ALREADY:
            raise
    kept.add(named.name)


def _number(error: Error) -> str:
    return getattr(error.__cause__, "sqlstate", None) or ""


def _names_kept() -> set[str]:
    """With the connection there is now; another one begins with none."""
    return _kept.setdefault(connection.connection, set())


@cache
def _named(statement: str) -> _Named:
    digest = hashlib.sha256(statement.encode()).hexdigest()[:32]
    name, numbers = f"tandem_{digest}", count(1)
    pieces = statement.split("%s")
    places = [f"${next(numbers)}" for _ in pieces[1:]]
    text = "".join(piece + place for piece, place in zip(pieces, [*places, ""], strict=True))
    return _Named(name, f"PREPARE {name} AS {text}", f"EXECUTE {name} ({', '.join('%s' for _ in places)})")
