"""Several workers at once, on SQLite and on PostgreSQL: nothing is enrolled or sent twice, and nothing is lost."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests import databases
from tests.campaigns.race import APPOINTMENTS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A throw-away database with every table; the PostgreSQL one is skipped where there is no server."""
    with contextlib.ExitStack() as stack:
        if request.param == "sqlite":
            yield stack.enter_context(databases.sqlite(migrated=True))
            return
        try:
            url = stack.enter_context(databases.postgresql(migrated=True))
        except psycopg.OperationalError:
            pytest.skip("No PostgreSQL server to test on (TEST_POSTGRES_URL).")
        yield url


def test_workers_at_the_same_moment_enrol_and_send_everything_once(database_url: str) -> None:
    env = {**os.environ, "DATABASE_URL": database_url, "EMAIL_URL": "memorymail://", "DEBUG": "1"}
    run = subprocess.run(
        [sys.executable, "-m", "tests.campaigns.race"],
        cwd=ROOT,
        env={**env, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    messages = APPOINTMENTS * 3
    assert (result["events"], result["enrolments"]) == (APPOINTMENTS, messages)
    assert result["most_repeats"] == 1
    states = result["states"]
    assert result["confirmations"] == APPOINTMENTS
    # Skipped: by the clock of this machine those appointments are over.
    assert set(result["notices"]) <= {"sent", "waiting", "skipped"}
    assert result["mails"] == states["sent"] + result["notices"]["sent"]
    assert states["sent"] + states.get("void", 0) == 2 * messages
    assert sum(result["shares"]) == messages + APPOINTMENTS
