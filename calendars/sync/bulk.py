"""Writes any number of event rows by one statement: the database unpacks them from one JSON parameter.

Django's bulk_create prepares every value through five calls and, on SQLite, splits a page into statements of twenty
rows; it took ten times as long. Both databases read JSON at the speed of their own bulk loading.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from typing import Any

from django.db import connection
from django.db.models import Field

from calendars.models import GoogleEvent

Writer = Callable[[Any], Any]
KEY = ("google_calendar_id", "google_id")
# What JSON and both databases spell alike; everything else goes through its field.
PLAIN = {
    "CharField",
    "TextField",
    "URLField",
    "BooleanField",
    "IntegerField",
    "PositiveIntegerField",
    "JSONField",
}


def upsert(
    rows: Iterable[Mapping[str, Any]],
    *,
    same: Mapping[str, Any],
    update: Sequence[str],
    raised: Sequence[str] = (),
) -> None:
    """Insert `rows`, or where one is there already (KEY) set its `update` columns. One statement.

    The `raised` columns are booleans that a row with a new etag may set and does not take back.

    Every row has the same columns, each `google_id` once; `same` holds those that all share, `google_calendar_id`
    among them. What neither names gets its default. Foreign keys are named by their column.
    `rows` may be made as they are asked for: a page of them need not live at once.
    """
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    fields = {
        field.attname: field
        for field in GoogleEvent._meta.concrete_fields
        if not (field.primary_key or field.generated)
    }
    names = list(first)
    written = [(at, write) for at, name in enumerate(names) if (write := _writer(fields[name]))]
    fixed = {
        name: field.get_db_prep_save(same.get(name, field.get_default()), connection)
        for name, field in fields.items()
        if name not in first
    }
    packed = _packed(_values(row, names, written) for row in chain([first], rows))
    quote = connection.ops.quote_name
    table = quote(GoogleEvent._meta.db_table)
    sets = [f"{quote(name)} = EXCLUDED.{quote(name)}" for name in update]
    sets += [
        f"{quote(name)} = {table}.{quote(name)} OR (EXCLUDED.{quote(name)} AND EXCLUDED.etag <> {table}.etag)"
        for name in raised
    ]
    taken = ", ".join([*(_taken(fields[name], at) for at, name in enumerate(names)), *["%s"] * len(fixed)])
    # SQLite would take ON CONFLICT for a join's ON if there were no WHERE.
    statement = (
        f"INSERT INTO {table} ({', '.join(map(quote, [*names, *fixed]))}) "  # noqa: S608 (names are the model's)
        f"SELECT {taken} FROM {_unpacked()} WHERE true ON CONFLICT ({', '.join(map(quote, KEY))}) "
        f"DO UPDATE SET {', '.join(sets)}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*fixed.values(), packed])


def _packed(rows: Iterator[list[Any]]) -> str:
    """One JSON array of `rows`, a few at a time: thousands of lists that live at once are looked through by the
    garbage collector again and again."""
    parts = []
    while few := list(islice(rows, 200)):
        parts.append(json.dumps(few, check_circular=False, default=str)[1:-1])
    return f"[{','.join(parts)}]"


def _values(row: Mapping[str, Any], names: Sequence[str], written: Sequence[tuple[int, Writer]]) -> list[Any]:
    values = list(map(row.__getitem__, names))
    for at, write in written:
        if values[at] is not None:
            values[at] = write(values[at])
    return values


def _writer(field: "Field[Any, Any]") -> Writer | None:
    """What makes a value of `field` fit for JSON; None where it is already."""
    if field.get_internal_type() in PLAIN:
        return None
    if field.get_internal_type() == "DateTimeField":
        return _moment_on_sqlite if connection.vendor == "sqlite" else str
    return partial(field.get_db_prep_save, connection=connection)


def _moment_on_sqlite(moment: datetime) -> str:
    """As Django stores it there, in UTC and without saying so; its own way asks five questions a value."""
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).isoformat(" ")[:-6]


def _unpacked() -> str:
    return (
        "jsonb_array_elements(%s::jsonb) AS j" if connection.vendor == "postgresql" else "json_each(%s) AS j"
    )


def _taken(field: "Field[Any, Any]", at: int) -> str:
    """The SQL of the value at place `at` of a row. Text is not cast: a cast to varchar(n) would cut it silently."""
    if connection.vendor != "postgresql":
        return f"json_extract(j.value, '$[{at}]')"
    kind = field.db_type(connection) or "text"
    return f"j.value->>{at}" if kind.startswith(("varchar", "text")) else f"(j.value->>{at})::{kind}"
