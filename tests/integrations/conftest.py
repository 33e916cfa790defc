"""Google for these tests: dana, amir and jo @example.com with their calendars and no events, over real HTTP."""

from typing import Any

import pytest
from django.test import Client

from contacts.models import User
from integrations.sandbox import RunningServer, Sandbox
from tests.integrations.stand_in import StandIn

PATHS = {
    "GOOGLE_AUTHORIZE_URL": "/o/oauth2/v2/auth",
    "GOOGLE_TOKEN_URL": "/token",
    "GOOGLE_REVOKE_URL": "/revoke",
    "GOOGLE_USERINFO_URL": "/oauth2/v3/userinfo",
    "GOOGLE_CERTS_URL": "/oauth2/v3/certs",
    "GOOGLE_CALENDAR_API_URL": "/calendar/v3/",
}


@pytest.fixture
def sandbox(sandbox_server: tuple[Sandbox, RunningServer], settings: Any) -> StandIn:
    stand_in = StandIn(sandbox_server[0], sandbox_server[1].url)
    stand_in.reset()
    for name, path in PATHS.items():
        setattr(settings, name, stand_in.url + path)
    settings.GOOGLE_CLIENT_ID = sandbox_server[0].oauth.client.id
    settings.GOOGLE_CLIENT_SECRET = sandbox_server[0].oauth.client.secret
    settings.GOOGLE_TIMEOUT_SECONDS = 5
    settings.PUBLIC_BASE_URL = ""
    return stand_in


@pytest.fixture
def staff(db: None) -> User:
    # Without a password: hashing one costs more than most tests here.
    return User.objects.create_user("staff@tandem.example")


@pytest.fixture
def signed_in(staff: User) -> Client:
    """Signed in as `staff`, at an address that the sandbox sends people back to."""
    client = Client(headers={"host": "localhost"})
    client.force_login(staff)
    return client
