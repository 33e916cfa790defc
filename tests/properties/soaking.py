"""How long random histories run: `make soak ARGS="--minutes 60"`, or `--seed 123` to see one failure again."""

import random
import time
from collections.abc import Callable

import pytest
from hypothesis import seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def soak(
    machine: type[RuleBasedStateMachine],
    long: settings,
    config: pytest.Config,
    say: Callable[[str], None],
    *,
    again: str,
    steps: Callable[[], int],
) -> None:
    """Seeds one after the other until the time is over. `again`: what one types to see a failure once more, before the
    seed. `steps`: how many all histories did so far."""
    only = config.getoption("--seed", default=None)
    ends_at = time.perf_counter() + 60 * config.getoption("--minutes", default=10)
    number = only if only is not None else random.SystemRandom().randrange(2**32)
    while True:
        say(f"seed {number} …")
        try:
            run_state_machine_as_test(seed(number)(type("Long", (machine,), {})), settings=long)
        except BaseException:
            say(f'failed: `make soak ARGS="{again}--seed {number}"` shows it again.')
            raise
        say(f"seed {number}: every promise held, {steps()} steps so far")
        if only is not None or time.perf_counter() > ends_at:
            return
        number += 1
