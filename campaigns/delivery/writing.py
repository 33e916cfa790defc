"""One row written under a condition, by one statement whose text is put together once.

Django's own update would do, but putting it together takes longer than the database takes to carry it out, twice for
each row that leaves.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection, models

from campaigns.delivery import clock, prepared
from campaigns.models import Outgoing

# The commit does not wait for the disk. Said inside the statement, it is true of this transaction alone.
RELAXED = "set_config('synchronous_commit', 'off', true) = 'off'"


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold, in SQL that is the same for all rows alike; what differs is in `params`."""

    sql: str
    params: tuple[Any, ...] = ()

    def __and__(self, other: "Condition") -> "Condition":
        return Condition(f"{self.sql} AND {other.sql}", self.params + other.params)


def exists(model: type[models.Model], condition: str) -> str:
    """SQL that asks whether `model` has a row of which `condition` holds."""
    return f"EXISTS (SELECT 1 FROM {model._meta.db_table} WHERE {condition})"  # noqa: S608 (names of ours)


def as_parameter(moment: datetime.datetime) -> object:
    """`moment` as the database wants it in a condition."""
    return connection.ops.adapt_datetimefield_value(moment)


def write(
    row: Outgoing, condition: Condition, values: Mapping[str, object], *, survives_power_cut: bool = True
) -> datetime.datetime | None:
    """Puts `values` on `row`, here and in the database, where `condition` holds there. Returns when it did, by the
    database's clock; None where it did not.

    Without `survives_power_cut` PostgreSQL may lose it again when its machine dies within the next second, never when
    only a worker does. SQLite does not wait for the disk in any case (settings.DATABASES).
    """
    relaxed = not survives_power_cut and connection.vendor == "postgresql"
    statement, columns = _update(type(row), tuple(values), condition.sql, relaxed=relaxed)
    params = [
        column.get_db_prep_save(value, connection)
        for column, value in zip(columns, values.values(), strict=True)
    ]
    written_at = _carried_out(statement, [*params, row.pk, *condition.params])
    if written_at is not None:
        for name, value in values.items():
            setattr(row, name, value)
    return written_at


def _carried_out(statement: str, params: list[Any]) -> datetime.datetime | None:
    answer = prepared.execute(statement, params)
    if answer is not None:
        return clock.heard(answer)
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return clock.heard(cursor)


@cache
def _update(
    model: type[Outgoing], names: tuple[str, ...], condition: str, *, relaxed: bool
) -> tuple[str, list[Any]]:
    """The statement, and the columns it assigns in their order."""
    columns: list[Any] = [model._meta.get_field(name) for name in names]
    assigned = ", ".join(f"{field.column} = %s" for field in columns)
    asked = f"{condition} AND {RELAXED}" if relaxed else condition
    update = f"UPDATE {model._meta.db_table} SET {assigned} WHERE id = %s AND {asked}"  # noqa: S608 (names of ours)
    return update + clock.asked_along(), columns
