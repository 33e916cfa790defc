"""What `make soak` may be told: `make soak ARGS="--minutes 60"`, or `--seed 123` to see one failure again."""

import os

import pytest

SOAKS = os.environ.get("HYPOTHESIS_PROFILE") == "soak"


def pytest_addoption(parser: pytest.Parser) -> None:
    options = parser.getgroup("soak")
    options.addoption("--minutes", type=float, default=10, help="how long the random histories run")
    options.addoption(
        "--calls", action="store_true", help="before that, every story with every fault at every call"
    )
    options.addoption("--seed", type=int, default=None, help="the one seed to run, as a failure printed it")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: runs with `make soak` alone")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long run and the short one exclude each other; neither is a skipped test."""
    here = os.path.dirname(__file__)
    others = [item for item in items if not str(item.path).startswith(here)]
    mine = [item for item in items if str(item.path).startswith(here)]
    wanted = [item for item in mine if (item.get_closest_marker("soak") is not None) == SOAKS]
    config.hook.pytest_deselected(items=[item for item in mine if item not in wanted])
    items[:] = others + wanted
