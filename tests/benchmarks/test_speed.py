"""`make bench`: one table of ratios and counts, on SQLite and on PostgreSQL. No test fails on a time."""

import json
import subprocess
import sys

import psycopg
import pytest

from tests import databases, processes
from tests.benchmarks.measure import PARTS
from tests.benchmarks.stopwatch import Figure, table

DATABASES = {"SQLite": databases.sqlite, "PostgreSQL": databases.postgresql}
Figures = dict[str, list[Figure]]


@pytest.fixture(scope="module")
def figures() -> Figures:
    """Each part measured on a database and in a process of its own, as settings are made at the start of one."""
    found: Figures = {}
    for name, database in DATABASES.items():
        print(f"\n{name}", file=sys.stderr)
        try:
            for part in PARTS:
                with database(migrated=True) as url:
                    found[name] = found.get(name, []) + _measure(part, url)
        except psycopg.OperationalError as error:
            print(f"n/a ({error})", file=sys.stderr)
    print(f"\n\n{table(found)}\n")
    return found


def _measure(part: str, url: str) -> list[Figure]:
    key = "YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmU="
    environment = processes.environment(
        DATABASE_URL=url,
        DJANGO_SETTINGS_MODULE="config.settings",
        SECRET_KEY=key,
        TOKEN_ENCRYPTION_KEYS=key,
    )
    words = [sys.executable, "-m", "tests.benchmarks.measure", part]
    done = subprocess.run(words, cwd=processes.ROOT, env=environment, capture_output=True, text=True)
    sys.stderr.write(done.stderr)
    assert done.returncode == 0, done.stderr
    return [Figure(**line) for line in json.loads(done.stdout.splitlines()[-1])]


@pytest.mark.parametrize("database", DATABASES)
def test_what_is_counted_is_as_promised(figures: Figures, database: str) -> None:
    if database not in figures:
        pytest.skip(f"There is no {database} here.")
    counted = [figure for figure in figures[database] if figure.held is not None]
    assert len(counted) >= 6
    assert [f"{figure.what}: {figure.shown}" for figure in counted if not figure.held] == []
