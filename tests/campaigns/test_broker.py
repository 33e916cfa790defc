"""A broker that loses and doubles everything, under real Celery workers on Redis: rows are the truth."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from celery import Celery

from tests import databases, processes

REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/11")
KEY = "d29ya2Vycy13b3JrZXJzLXdvcmtlcnMtd29ya2Vycy0="
NUMBER = 20
TICKS = ("campaigns.tasks.enrol_missing", "campaigns.tasks.deliver_due")


@pytest.fixture
def broker() -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(REDIS)
    try:
        client.flushdb()
    except redis.ConnectionError:
        pytest.skip("needs a Redis (TEST_REDIS_URL)")
    yield client
    client.flushdb()
    client.close()


@pytest.fixture
def site(broker: redis.Redis, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a deployment in which people have booked and nobody has heard of it."""
    with contextlib.ExitStack() as stack:
        try:
            url = stack.enter_context(databases.postgresql(migrated=True))
        except psycopg.OperationalError:
            pytest.skip("needs a PostgreSQL (TEST_POSTGRES_URL)")
        site = {
            "DATABASE_URL": url,
            "CELERY_BROKER_URL": REDIS,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SECRET_KEY": KEY,
            "TOKEN_ENCRYPTION_KEYS": KEY,
            "OUTSIDE": str(tmp_path / "letters"),
        }
        made = [sys.executable, "-m", "tests.campaigns.workers.unlooked", str(NUMBER)]
        subprocess.run(made, cwd=processes.ROOT, env=processes.environment(**site), timeout=300, check=True)
        yield site


class Workers:
    """Four processes of one Celery worker, in a group of their own."""

    def __init__(self, site: dict[str, str]) -> None:
        app = ["-m", "celery", "-A", "tests.campaigns.workers.celery_app"]
        self.process = subprocess.Popen(
            [sys.executable, *app, "worker", "-c", "4", "--without-gossip", "--without-mingle"],
            cwd=processes.ROOT,
            env=processes.environment(**site),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill(self) -> None:
        """All of them at once, as a machine that loses its power."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def workers(site: dict[str, str]) -> Iterator[list[Workers]]:
    running = [Workers(site)]
    yield running
    for each in running:
        each.kill()


def tick(times: int = 1) -> None:
    """What beat sends, `times` at once."""
    with Celery(broker=REDIS) as beat:
        for name in TICKS:
            for _ in range(times):
                beat.send_task(name)


def arrived(site: dict[str, str]) -> list[str]:
    path = Path(site["OUTSIDE"])
    return path.read_text().split() if path.exists() else []


def wait_for(site: dict[str, str], number: int) -> None:
    """Until so many messages have arrived, while beat goes on ticking."""
    deadline = time.monotonic() + 120
    while len(set(arrived(site))) < number:
        assert time.monotonic() < deadline, f"{len(set(arrived(site)))} of {number} arrived"
        tick()
        time.sleep(0.2)


def states(site: dict[str, str]) -> dict[str, int]:
    with psycopg.connect(site["DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT state, count(*) FROM campaigns_message GROUP BY state")
        return {state: number for state, number in rows}


def claims_run_out(site: dict[str, str]) -> None:
    with psycopg.connect(site["DATABASE_URL"]) as connection:
        connection.execute("UPDATE campaigns_message SET claimed_until = now() WHERE state = 'sending'")


def test_a_broker_that_doubles_and_loses_everything_makes_nothing_come_twice_or_never(
    site: dict[str, str], workers: list[Workers], broker: redis.Redis
) -> None:
    """Every tick comes twelve times at once; then all workers are killed, and the broker forgets what it had."""
    tick(12)
    wait_for(site, NUMBER // 4)
    workers[0].kill()
    broker.flushdb()
    once = arrived(site)
    assert len(once) == len(set(once)) < NUMBER
    claims_run_out(site)
    workers.append(Workers(site))
    wait_for(site, NUMBER)
    # Each of the four may have been killed over one that had arrived: it came again, under the same id.
    assert NUMBER <= len(arrived(site)) <= NUMBER + 4
    assert sum(states(site).values()) == NUMBER
    assert set(states(site)) <= {"sent", "sending"}
