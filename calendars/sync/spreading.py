"""When calendars are pulled, spread at random: those connected together would otherwise stay together (Q6)."""

import random
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


def spread(interval: timedelta) -> timedelta:
    """Around `interval`, so that accounts connected together do not stay together (Q6)."""
    return interval * random.uniform(0.9, 1.1)  # noqa: S311 (spreads load; guards nothing)


def next_night(now: datetime, time_zone: str) -> datetime:
    """A random minute between one and five in the next night of `time_zone`."""
    tomorrow = now.astimezone(ZoneInfo(time_zone)) + timedelta(days=1)
    one = tomorrow.replace(hour=1, minute=0, second=0, microsecond=0)
    return one + timedelta(minutes=random.randrange(240))  # noqa: S311 (spreads load; guards nothing)
