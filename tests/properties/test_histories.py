"""The random histories: a few, always the same, with every run of the suite; `make soak` for as long as one likes."""

import random
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from integrations.sandbox import Sandbox
from tests.properties.histories import Histories
from tests.properties.world import Place, standing_in

ALWAYS = settings(
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)
SHORT = settings(ALWAYS, max_examples=8, stateful_step_count=16, derandomize=True)
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
    only = pytestconfig.getoption("--seed", default=None)
    ends_at = time.perf_counter() + 60 * pytestconfig.getoption("--minutes", default=10)
    number = only if only is not None else random.SystemRandom().randrange(2**32)
    Histories.steps = 0

    def say(words: str) -> None:
        with capsys.disabled():
            print(f"\n{words}", end="", flush=True)

    while True:
        say(f"seed {number} …")
        try:
            run_state_machine_as_test(
                seed(number)(type("Long", (Histories,), {"place": place})), settings=LONG
            )
        except BaseException:
            say(f'failed: `make soak ARGS="--seed {number}"` shows it again.')
            raise
        say(f"seed {number}: every promise held, {Histories.steps} steps so far")
        if only is not None or time.perf_counter() > ends_at:
            return
        number += 1
