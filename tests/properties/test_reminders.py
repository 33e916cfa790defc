"""The random histories of reminders: the same few with every run; more by `make soak ARGS="-k reminders"`."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.reminding import Reminders
from tests.properties.soaking import soak

ALWAYS = settings(
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)
SHORT = settings(ALWAYS, max_examples=5, stateful_step_count=25, derandomize=True)
LONG = settings(ALWAYS, max_examples=25, stateful_step_count=50)
pytestmark = pytest.mark.django_db(transaction=True)


def test_whatever_happens_every_reminder_leaves_once_or_says_why_not() -> None:
    run_state_machine_as_test(Reminders, settings=SHORT)


@pytest.mark.soak
def test_soak(pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]) -> None:
    def say(words: str) -> None:
        with capsys.disabled():
            print(f"\n{words}", end="", flush=True)

    soak(Reminders, LONG, pytestconfig, say, again="-k reminders ", steps=lambda: Reminders.steps)
