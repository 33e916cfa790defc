"""Moments reckoned with in the database: a day on somebody's clocks, and a while before.

PostgreSQL does both by itself. For SQLite Django calls Python, once for each of a million rows; here SQLite does it
with functions of its own. Moments are kept there as text, in UTC, with a fraction of a second only where there is one.
"""

import datetime
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateTimeField, Func, Value
from django.db.models.functions import TruncDate
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

YEARS_BACK, YEARS_AHEAD = 8, 2
SECOND, DAY = datetime.timedelta(seconds=1), datetime.timedelta(days=1)
Compiled = tuple[str, tuple[Any, ...]]


class Day(TruncDate):
    """TruncDate. What lies further off than YEARS_BACK and YEARS_AHEAD is left to Python on SQLite too."""

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any) -> Compiled:
        moment, params = compiler.compile(self.lhs)
        far_off, far_off_params = self.as_sql(compiler, connection)
        year = timezone.now().year
        zone = self.tzinfo or timezone.get_current_timezone()
        arms = [
            f"WHEN {moment} >= '{since:%Y-%m-%d %H:%M:%S}' THEN {_day(moment, offset)}"
            for since, offset in stretches(zone, year - YEARS_BACK, year + YEARS_AHEAD)
        ]
        end = f"WHEN {moment} >= '{year + YEARS_AHEAD}-12-31' THEN {far_off}"
        sql = f"CASE {end} {' '.join(reversed(arms))} ELSE {far_off} END"
        of_arms = (*params, *params) * len(arms)
        return sql, (*params, *far_off_params, *of_arms, *far_off_params)


def _day(moment: str, offset: datetime.timedelta) -> str:
    """Without the fraction of a second, which SQLite rounds."""
    return f"date(substr({moment}, 1, 19), '{offset // SECOND:+d} seconds')"


class Before(Func):
    """A moment so long before another; `lead` in whole seconds."""

    template, arg_joiner = "(%(expressions)s)", " - "

    def __init__(self, moment: str, lead: datetime.timedelta, **extra: Any) -> None:
        self.lead = lead
        super().__init__(moment, Value(lead), output_field=DateTimeField(), **extra)

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any) -> Compiled:
        moment, params = compiler.compile(self.source_expressions[0])
        earlier = f"'{-(self.lead // SECOND):+d} seconds'"
        whole = f"strftime('%%Y-%%m-%%d %%H:%%M:%%S', substr({moment}, 1, 19), {earlier})"
        return f"({whole} || substr({moment}, 20))", (*params, *params)


@lru_cache(maxsize=32)
def stretches(
    zone: datetime.tzinfo, first_year: int, last_year: int
) -> tuple[tuple[datetime.datetime, datetime.timedelta], ...]:
    """From which moment on, in UTC, the clocks of `zone` are ahead of UTC by how much; the first is the beginning of
    `first_year`. Pure."""
    start = datetime.datetime(first_year, 1, 1, tzinfo=datetime.UTC)
    end = datetime.datetime(last_year + 1, 1, 1, tzinfo=datetime.UTC)
    return ((start, _ahead(zone, start)), *_changes(zone, start, end))


def _changes(
    zone: datetime.tzinfo, start: datetime.datetime, end: datetime.datetime
) -> Iterator[tuple[datetime.datetime, datetime.timedelta]]:
    moment = start
    while moment < end:
        if _ahead(zone, moment) != _ahead(zone, moment + DAY):
            changed = _first_after(zone, moment)
            yield changed, _ahead(zone, changed)
        moment += DAY


def _first_after(zone: datetime.tzinfo, moment: datetime.datetime) -> datetime.datetime:
    """The second within the day after `moment` at which the clocks of `zone` change."""
    before, low, high = _ahead(zone, moment), 0, 24 * 60 * 60
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _ahead(zone, moment + middle * SECOND) == before else (low, middle)
    return moment + high * SECOND


def _ahead(zone: datetime.tzinfo, moment: datetime.datetime) -> datetime.timedelta:
    return moment.astimezone(zone).utcoffset() or datetime.timedelta()
