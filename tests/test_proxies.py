"""Whose tries are counted behind proxies of our own, and that nobody outside can choose."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from tests.factories import CalendarFactory

pytestmark = pytest.mark.django_db
BOOK = "/book/visit/20260303T100000Z/"
PROXY = "10.0.0.1"


@pytest.fixture(autouse=True)
def _limits(settings: Any) -> None:
    cache.clear()
    settings.BOOKING_TRIES = 1
    settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
    CalendarFactory.create(slug="visit")


def tries(path: str, *forwarded: str) -> list[int]:
    """What the proxy gets for one try after the other, each with this X-Forwarded-For."""
    return [
        Client().post(path, {}, REMOTE_ADDR=PROXY, headers={"X-Forwarded-For": each}).status_code
        for each in forwarded
    ]


@pytest.mark.parametrize("path", [BOOK, "/accounts/login/"])
class TestTries:
    def test_two_visitors_behind_our_proxy_are_counted_apart(self, path: str, settings: Any) -> None:
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
        first, second, again = tries(path, "203.0.113.1", "203.0.113.2", "203.0.113.1")
        assert first == second != 429
        assert again == 429

    def test_what_a_visitor_writes_into_the_header_itself_buys_no_more_tries(
        self, path: str, settings: Any
    ) -> None:
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
        assert tries(path, "1.1.1.1, 203.0.113.1", "2.2.2.2, 203.0.113.1")[1] == 429

    def test_of_two_proxies_the_outer_one_says_who_it_is(self, path: str, settings: Any) -> None:
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
        seen = tries(
            path,
            "1.1.1.1, 203.0.113.1, 10.0.0.2",
            "1.1.1.1, 203.0.113.2, 10.0.0.2",
            "2.2.2.2, 203.0.113.1, 10.0.0.2",
        )
        assert seen[0] == seen[1] != 429
        assert seen[2] == 429

    def test_without_a_proxy_of_ours_the_header_counts_for_nothing(self, path: str) -> None:
        assert tries(path, "203.0.113.1", "203.0.113.2")[1] == 429
