"""Many rows like one that is there, by one statement: 100,000 in a second or two."""

from django.db import connection, models


def multiply(row: models.Model, number: int = 0, *, source: str = "", **expressions: str) -> None:
    """`number` copies of the saved `row`; `expressions` give columns in SQL, where `n` counts from 1.

    With `source`, a query in brackets: one copy for each of its rows `s` instead.
    """
    meta = row._meta
    names = [
        field.column
        for field in meta.concrete_fields
        if field.column in expressions or not (field.primary_key or field.generated)
    ]
    wanted = ", ".join(expressions.get(name, f't."{name}"') for name in names)
    series = f"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {number})"
    pk = meta.pk
    assert pk is not None
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO "{meta.db_table}" ({", ".join(f'"{name}"' for name in names)})
            {"" if source else series}
            SELECT {wanted} FROM {source} s, "{meta.db_table}" t WHERE t."{pk.column}" = %s""",
            [pk.get_db_prep_value(row.pk, connection)],
        )


def analyse() -> None:
    """The planner's statistics, as autovacuum would have them by now, and what it notes of pages that all may see."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)" if connection.vendor == "postgresql" else "ANALYZE")
