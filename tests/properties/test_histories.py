"""The random histories: a few, always the same, with every run of the suite; `make soak` for as long as one likes."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from integrations.sandbox import Sandbox
from tests.properties.histories import Histories
from tests.properties.soaking import soak
from tests.properties.world import Place, standing_in

ALWAYS = settings(
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)
SHORT = settings(ALWAYS, max_examples=5, stateful_step_count=16, derandomize=True)
# One seed's worth: a minute or so, so that a failure is found again in that time.
LONG = settings(ALWAYS, max_examples=25, stateful_step_count=40)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def place() -> Iterator[Place]:
    sandbox = Sandbox(seed=False)
    with standing_in(sandbox) as place:
        yield place
    sandbox.close()


def test_whatever_happens_every_promise_holds_in_the_end(place: Place) -> None:
    run_state_machine_as_test(type("Short", (Histories,), {"place": place}), settings=SHORT)


@pytest.mark.soak
def test_soak(place: Place, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]) -> None:
    def say(words: str) -> None:
        with capsys.disabled():
            print(f"\n{words}", end="", flush=True)

    placed = type("Placed", (Histories,), {"place": place})
    soak(placed, LONG, pytestconfig, say, again="-k histories ", steps=lambda: Histories.steps)
