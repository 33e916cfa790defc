from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from campaigns.carrier_sandbox import CarrierSandbox, serve
from tests.campaigns.carrier import SITE, Carrier, point_at


@pytest.fixture
def carrier(settings: Settings) -> Iterator[Carrier]:
    """A Twilio of one's own, with the settings pointed at it."""
    sandbox = CarrierSandbox(incoming_url=f"{SITE}/carriers/twilio/incoming/")
    server = serve(sandbox)
    point_at(settings, server.url)
    yield Carrier(sandbox, Client())
    server.close()
