"""The same code as a deployment runs it: PostgreSQL, Redis, and web, worker and beat in processes of their own."""

import contextlib
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from cryptography.fernet import Fernet

from tests import databases
from tests.processes import Running, run

REDIS = "redis://127.0.0.1:6379/"


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """On a PostgreSQL of its own, which `manage.py migrate` has prepared (`databases`)."""
    with contextlib.ExitStack() as stack:
        try:
            url = stack.enter_context(databases.postgresql(migrated=True))
        except psycopg.OperationalError:
            pytest.skip("needs a PostgreSQL on 127.0.0.1:5432 that lets postgres in")
        yield environment(url, tmp_path)


def environment(database_url: str, folder: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "SECRET_KEY": secrets.token_urlsafe(60),
        "TOKEN_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "ALLOWED_HOSTS": "crm.example.com",
        "PUBLIC_BASE_URL": "https://crm.example.com",
        "TANDEM_LOCAL_DIR": str(folder),
    }


def succeed(*words: str, **ours: str) -> None:
    outcome = run(*words, **ours)
    assert outcome.returncode == 0, outcome.stderr


def test_migrated_it_passes_the_deployment_checks_on_postgresql(deployment):
    succeed("manage.py", "migrate", "--check", **deployment)
    succeed("manage.py", "check", "--deploy", "--fail-level=WARNING", "--database=default", **deployment)


def test_worker_and_beat_in_processes_of_their_own_do_what_is_due(deployment):
    broker = redis.Redis.from_url(REDIS + "9")
    try:
        broker.flushdb()
    except redis.ConnectionError:
        pytest.skip("needs a Redis on 127.0.0.1:6379")
    processes = deployment | {"CELERY_BROKER_URL": REDIS + "9", "BEAT_SECONDS": "1"}
    succeed("manage.py", "seed", **deployment, DEBUG="true")
    with psycopg.connect(deployment["DATABASE_URL"], autocommit=True) as database:
        # As if the process that booked them had died before anybody looked.
        database.execute("TRUNCATE campaigns_message, campaigns_enrolment, campaigns_triggerevent")
        database.execute("UPDATE contacts_appointmentchange SET looked_at = NULL")
        worker = Running("-m", "celery", "-A", "config", "worker", "-c", "1", **processes)
        beat = Running("-m", "celery", "-A", "config", "beat", "-S", "celery.beat:Scheduler", **processes)
        try:
            waiting = wait_until_none(database, "contacts_appointmentchange WHERE looked_at IS NULL")
        finally:
            codes = (beat.stop(), worker.stop())
        (planned,) = database.execute("SELECT count(*) FROM campaigns_message").fetchone()
    assert waiting == 0, worker.output + beat.output
    assert planned > 0
    assert codes == (0, 0)
    broker.flushdb()


def wait_until_none(database: psycopg.Connection, rows: str, seconds: float = 40) -> int:
    deadline = time.monotonic() + seconds
    while True:
        (count,) = database.execute(f"SELECT count(*) FROM {rows}").fetchone()
        if not count or time.monotonic() > deadline:
            return count
        # Another process works; there is nothing in this one to wait on.
        time.sleep(0.2)
