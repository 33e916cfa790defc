"""Databases of their own for tests that run in several processes and for measurements: a SQLite file, and one at the
PostgreSQL on loopback. Migrating takes seconds, so it is done once for each state of the migrations and copied.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from tests import processes

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432")
MIGRATED = processes.ROOT / ".local" / "migrated"


@contextlib.contextmanager
def sqlite(*, migrated: bool = False) -> Iterator[str]:
    """The address of an empty database, or of one with every table, as long as it is used."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "test.sqlite3"
        if migrated:
            shutil.copy(migrated_file(), path)
        yield f"sqlite:///{path}"


@contextlib.contextmanager
def postgresql(*, migrated: bool = False) -> Iterator[str]:
    """As `sqlite`. Raises psycopg.OperationalError where there is no PostgreSQL that lets us in."""
    name = f"tandem_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True, connect_timeout=3) as server:
        template = _migrated_template(server) if migrated else "template1"
        server.execute(_words("CREATE DATABASE {} TEMPLATE {}", name, template))
        try:
            yield f"{POSTGRES}/{name}"
        finally:
            server.execute(_words("DROP DATABASE {} WITH (FORCE)", name))


def migrated_file() -> Path:
    """A SQLite database with every table, to be copied; kept in `.local` until the migrations change."""
    path = MIGRATED / f"{_state()}.sqlite3"
    with _one_at_a_time("sqlite"):
        if not path.exists():
            for old in MIGRATED.glob("*.sqlite3*"):
                old.unlink()
            making = path.with_suffix(".sqlite3-making")
            _migrate(f"sqlite:///{making}")
            making.rename(path)
    return path


def _migrated_template(server: psycopg.Connection) -> str:
    """Its name; kept on the server until the migrations change."""
    name, beginning = f"tandem_migrated_{_state()}", "tandem\\_migrated\\_%"
    with _one_at_a_time("postgresql"):
        found = {
            row[0]
            for row in server.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [beginning])
        }
        if name not in found:
            for old in found:
                server.execute(_words("DROP DATABASE {} WITH (FORCE)", old))
            making = f"{name}_making"
            server.execute(_words("CREATE DATABASE {}", making))
            _migrate(f"{POSTGRES}/{making}")
            server.execute(_words("ALTER DATABASE {} RENAME TO {}", making, name))
    return name


def _migrate(url: str) -> None:
    outcome = processes.run("manage.py", "migrate", "--verbosity=0", DATABASE_URL=url, DEBUG="true")
    assert outcome.returncode == 0, outcome.stderr


def _state() -> str:
    """Changes with every migration, ours and the libraries'."""
    files = sorted(processes.ROOT.glob("*/migrations/*.py"))
    read = b"".join(file.read_bytes() for file in (*files, processes.ROOT / "uv.lock"))
    return hashlib.sha256(read).hexdigest()[:12]


@contextlib.contextmanager
def _one_at_a_time(what: str) -> Iterator[None]:
    """Among all processes of a run."""
    MIGRATED.mkdir(parents=True, exist_ok=True)
    with open(MIGRATED / f"{what}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _words(statement: str, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*map(sql.Identifier, names))
