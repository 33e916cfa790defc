from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from campaigns.carrier_sandbox import CarrierSandbox, serve
from contacts.models import User
from tests.campaigns import rows
from tests.campaigns.carrier import SITE, Carrier, point_at
from tests.campaigns.rows import NOW


@pytest.fixture
def carrier(settings: Settings) -> Iterator[Carrier]:
    """A Twilio of one's own, with the settings pointed at it."""
    sandbox = CarrierSandbox(incoming_url=f"{SITE}/carriers/twilio/incoming/")
    server = serve(sandbox)
    point_at(settings, server.url)
    yield Carrier(sandbox, Client())
    server.close()


@pytest.fixture
def clock() -> Iterator[None]:
    """It is NOW."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def me() -> User:
    return rows.user(first_name="Grace", last_name="Hopper")


@pytest.fixture
def desk(me: User) -> Client:
    """A browser in which `me` is signed in."""
    client = Client()
    client.force_login(me)
    return client
