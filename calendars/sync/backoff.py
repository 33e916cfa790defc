"""How long to wait before the next try. Pure but for the die."""

import random
from datetime import timedelta

FIRST, LONGEST = timedelta(seconds=10), timedelta(hours=1)


def wait(attempts: int, asked: timedelta | None = None) -> timedelta:
    """The wait after the `attempts`-th failure: doubling from 10 s to an hour with jitter, never less than `asked`."""
    doubled: timedelta = min(FIRST * 2 ** min(max(attempts, 1) - 1, 20), LONGEST)
    jittered: timedelta = doubled * random.uniform(0.8, 1.2)  # noqa: S311 (spreads load; guards nothing)
    return max(jittered, asked or timedelta(0))
