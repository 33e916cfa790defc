"""Fixtures every test may use. Nothing a test does reaches beyond loopback."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from integrations.sandbox import RunningServer, Sandbox, serve
from tests import databases
from tests.google import NOW, Google

# A slow machine is no fault of what is tested. In a CI hypothesis has a profile of its own, which says so as well.
hypothesis_settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if "CI" not in os.environ:
    hypothesis_settings.load_profile("patient")


@pytest.fixture(scope="session")
def django_db_keepdb(request: pytest.FixtureRequest) -> bool:
    """Whether the database is there already: a SQLite one is, with every table (`django_db_modify_db_settings`)."""
    return connection.vendor == "sqlite" or bool(request.config.getvalue("reuse_db"))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> Iterator[None]:
    if connection.vendor != "sqlite":
        yield
        return
    path = Path(connection.settings_dict["TEST"]["NAME"])
    shutil.copy(databases.migrated_file(), path)
    yield
    connection.close()
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


@pytest.fixture(autouse=True)
def _fresh_cache() -> Iterator[None]:
    """Rate limits and the like never leak from one test into the next."""
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def _one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a test stops this process's clock, the database's stands still with it, whichever database that is."""
    monkeypatch.setattr("campaigns.delivery.clock.database_now", timezone.now)
    monkeypatch.setattr(
        "campaigns.delivery.clock.heard", lambda cursor: timezone.now() if cursor.rowcount else None
    )


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """The real hasher takes half a second a user on purpose; here it would be most of the run."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _static_files_as_they_are_asked_for(settings: Any) -> None:
    """Each test's client is a server of its own: to list all static files first was a quarter of a page's test."""
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[tuple[Sandbox, RunningServer]]:
    sandbox = Sandbox(seed=False)
    server = serve(sandbox)
    yield sandbox, server
    server.close()
    sandbox.close()


@pytest.fixture
def google(sandbox_server: tuple[Sandbox, RunningServer], settings: Any) -> Iterator[Google]:
    """An empty Google over real HTTP, every address in settings pointed at it; it is NOW on both sides."""
    sandbox, server = sandbox_server
    sandbox.control.clear()
    sandbox.control.set_clock(NOW)
    for name, path in {
        "GOOGLE_AUTHORIZE_URL": "/o/oauth2/v2/auth",
        "GOOGLE_TOKEN_URL": "/token",
        "GOOGLE_REVOKE_URL": "/revoke",
        "GOOGLE_USERINFO_URL": "/oauth2/v3/userinfo",
        "GOOGLE_CERTS_URL": "/oauth2/v3/certs",
        "GOOGLE_CALENDAR_API_URL": "/calendar/v3/",
    }.items():
        setattr(settings, name, server.url.rstrip("/") + path)
    with time_machine.travel(NOW, tick=False):
        yield Google(sandbox.control, server.url)
