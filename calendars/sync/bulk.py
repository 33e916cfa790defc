"""Writes any number of event rows by one statement: the database unpacks them from one JSON parameter.

Django's bulk_create prepares every value through five calls and, on SQLite, splits a page into statements of twenty
rows; it took ten times as long. Both databases read JSON at the speed of their own bulk loading.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from django.db import connection
from django.db.models import Field

from calendars.models import GoogleEvent

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


def upsert(rows: Sequence[Mapping[str, Any]], *, same: Mapping[str, Any], update: Sequence[str]) -> None:
    """Insert `rows`, or where one is there already (KEY) set its `update` columns. One statement.

    Every row has the same columns, each `google_id` once; `same` holds those that all share, `google_calendar_id`
    among them. What neither names gets its default. Foreign keys are named by their column.
    """
    if not rows:
        return
    fields = {
        field.attname: field
        for field in GoogleEvent._meta.concrete_fields
        if not (field.primary_key or field.generated)
    }
    names = list(rows[0])
    fixed = {
        name: field.get_db_prep_save(same.get(name, field.get_default()), connection)
        for name, field in fields.items()
        if name not in rows[0]
    }
    writers = [(name, _writer(fields[name])) for name in names]
    packed = json.dumps([[write(row[name]) for name, write in writers] for row in rows], default=str)
    quote = connection.ops.quote_name
    taken = ", ".join([*(_taken(fields[name], at) for at, name in enumerate(names)), *["%s"] * len(fixed)])
    # SQLite would take ON CONFLICT for a join's ON if there were no WHERE.
    statement = (
        f"INSERT INTO {quote(GoogleEvent._meta.db_table)} ({', '.join(map(quote, [*names, *fixed]))}) "  # noqa: S608 (names are the model's)
        f"SELECT {taken} FROM {_unpacked()} WHERE true ON CONFLICT ({', '.join(map(quote, KEY))}) "
        f"DO UPDATE SET {', '.join(f'{quote(name)} = EXCLUDED.{quote(name)}' for name in update)}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*fixed.values(), packed])


def _writer(field: "Field[Any, Any]") -> Callable[[Any], Any]:
    if field.get_internal_type() in PLAIN:
        return _as_it_is
    if field.get_internal_type() == "DateTimeField":
        return cast(Callable[[Any], Any], connection.ops.adapt_datetimefield_value)
    return partial(field.get_db_prep_save, connection=connection)


def _as_it_is(value: object) -> object:
    return value


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
