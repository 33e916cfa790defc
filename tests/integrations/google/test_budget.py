"""Q1: nobody's import uses up what the others need."""

import datetime
from typing import Any

import pytest
import time_machine

from integrations.google.budget import spend
from integrations.google.errors import TryLater

NOON = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)


@pytest.fixture
def _small(settings: Any) -> None:
    settings.GOOGLE_REQUESTS_A_MINUTE, settings.GOOGLE_PROJECT_REQUESTS_A_MINUTE = 3, 5


@pytest.mark.usefixtures("_small")
def test_q1_account_that_asked_a_lot_waits_until_the_next_minute_and_others_go_on() -> None:
    with time_machine.travel(NOON + datetime.timedelta(seconds=20), tick=False) as clock:
        for _ in range(3):
            spend(1)
        with pytest.raises(TryLater) as refused:
            spend(1)
        assert refused.value.after == datetime.timedelta(seconds=40)
        spend(2)
        clock.shift(40)
        spend(1)


@pytest.mark.usefixtures("_small")
def test_q1_everybody_together_keeps_below_the_projects_limit() -> None:
    with time_machine.travel(NOON, tick=False):
        for account in (1, 1, 2, 2, 3):
            spend(account)
        with pytest.raises(TryLater, match="Everybody"):
            spend(4)
