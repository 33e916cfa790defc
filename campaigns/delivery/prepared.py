"""Statements that PostgreSQL reads and plans once for each connection: that costs more than carrying them out.

They are kept under a name made of their text, so that a pooler which hands the connection on in between does no harm:
there the name is missing, and the statement is carried out as it is. psycopg's own prepared statements are numbered,
and a number may be another client's statement there; Django switches them off for that.
"""

import hashlib
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

from django.db import Error, connection

# As PostgreSQL's errors are numbered.
NO_SUCH_STATEMENT, THERE_ALREADY = "26000", "42P05"
_kept: weakref.WeakKeyDictionary[Any, set[bytes]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class _Named:
    name: bytes
    text: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: one row, or none where none was written. As much of a cursor as its reader needs."""

    row: tuple[Any, ...] | None

    @property
    def rowcount(self) -> int:
        return int(self.row is not None)

    def fetchone(self) -> tuple[Any, ...] | None:
        return self.row


def execute(statement: str, params: Sequence[Any]) -> Answer | None:
    """Carries `statement` out, planned already, and answers with its first row. Only %s stands in its places.

    None where it has to go out as it is: on another database; inside a transaction, which a name that is missing would
    break; where somebody counts or logs statements; and where the name was missing. Then nothing was done.
    """
    is_seen = connection.in_atomic_block or connection.execute_wrappers or connection.queries_logged
    if connection.vendor != "postgresql" or is_seen:
        return None
    connection.ensure_connection()
    try:
        with connection.wrap_database_errors:
            return Answer(_row(connection.connection, _named(statement), params))
    except Error as error:
        if getattr(error.__cause__, "sqlstate", None) != NO_SUCH_STATEMENT:
            raise
        _kept.pop(connection.connection, None)
        return None


def _row(raw: Any, named: _Named, params: Sequence[Any]) -> tuple[Any, ...] | None:
    """Through libpq itself, which takes a name of ours; `raw` is psycopg's connection."""
    from psycopg import adapt, pq  # noqa: PLC0415 (only where there is one)

    adapting = adapt.Transformer(raw)
    dumped = adapting.dump_sequence(params, [adapt.PyFormat.TEXT] * len(params))
    kept = _kept.setdefault(raw, set())
    with raw.lock:
        if named.name not in kept:
            made = raw.pgconn.prepare(named.name, named.text)
            # There already: left by somebody whom a pooler gave this connection before. The same name is the same text.
            refusal = None if made.status == pq.ExecStatus.COMMAND_OK else _error(raw, made)
            if refusal is not None and refusal.sqlstate != THERE_ALREADY:
                raise refusal
            kept.add(named.name)
        result = raw.pgconn.exec_prepared(named.name, dumped)
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise _error(raw, result)
    adapting.set_pgresult(result)
    found: list[tuple[Any, ...]] = adapting.load_rows(0, min(result.ntuples, 1), tuple)
    return found[0] if found else None


def _error(raw: Any, result: Any) -> Any:
    """What `result` says; that of a connection which has ended has no number, and is told as psycopg tells it."""
    from psycopg import OperationalError, errors  # noqa: PLC0415 (only where there is one)

    if raw.closed:
        return OperationalError("The connection to the database has ended.")
    return errors.error_from_result(result)


@cache
def _named(statement: str) -> _Named:
    numbers = count(1)
    first, *pieces = statement.split("%s")
    text = first + "".join(f"${next(numbers)}{piece}" for piece in pieces)
    digest = hashlib.sha256(statement.encode()).hexdigest()[:32]
    return _Named(f"tandem_{digest}".encode(), text.encode())
