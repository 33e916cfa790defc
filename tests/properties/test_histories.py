"""The random histories, in short; `make soak` runs them for as long as one likes."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from integrations.sandbox import Sandbox
from tests.properties.histories import Histories
from tests.properties.world import standing_in

pytestmark = pytest.mark.django_db(transaction=True)
SHORT = settings(
    max_examples=20,
    stateful_step_count=25,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)


def test_whatever_happened_every_promise_holds_in_the_end() -> None:
    sandbox = Sandbox(seed=False)
    with standing_in(sandbox) as place:
        machine = type("Short", (Histories,), {"place": place})
        run_state_machine_as_test(machine, settings=SHORT)
    sandbox.close()
