"""What `make soak` may be told: `make soak ARGS="--minutes 60"`, or `--seed 123` to see one failure again."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    options = parser.getgroup("soak")
    options.addoption("--minutes", type=float, default=10, help="how long the random histories run")
    options.addoption("--seed", type=int, default=None, help="the one seed to run, as a failure printed it")
