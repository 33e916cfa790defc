"""How many requests a minute may go to Google: for one person, and for all of them together (Q1).

Kept in the cache, a counter a minute, so that it costs no statement; several processes share it through CACHE_URL.
Ours is a little below Google's, because its minute slides and ours does not: a first import of a huge calendar
then waits here, in words, instead of using up what everybody else needs.
"""

import datetime

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from integrations.google.errors import TryLater

MINUTE = 60


def spend(account_id: int) -> None:
    """Count one request of this account. Raises TryLater, until the next minute, when a budget is used up."""
    now = timezone.now()
    for whose, most, why in (
        (
            f"account-{account_id}",
            settings.GOOGLE_REQUESTS_A_MINUTE,
            "This account asked Google a lot just now",
        ),
        (
            "project",
            settings.GOOGLE_PROJECT_REQUESTS_A_MINUTE,
            "Everybody together asked Google a lot just now",
        ),
    ):
        if _count(whose, now) > most:
            raise TryLater(f"{why}; it goes on in a minute.", _until_next_minute(now), is_limit=True)


def _count(whose: str, now: datetime.datetime) -> int:
    key = f"google-requests:{whose}:{int(now.timestamp()) // MINUTE}"
    # `add` first: `incr` does not make a key, and of two that add one wins.
    cache.add(key, 0, timeout=2 * MINUTE)
    return cache.incr(key)


def _until_next_minute(now: datetime.datetime) -> datetime.timedelta:
    return datetime.timedelta(seconds=MINUTE - now.timestamp() % MINUTE)
