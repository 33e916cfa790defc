"""Who on an event is one of us: asked of the addresses at hand, however many users there are."""

import pytest
from pytest_django import DjangoAssertNumQueries

from calendars.sync.setting import colleagues, our_addresses
from contacts.models.users import UserAddress
from tests.factories import (
    ConfigurationFactory,
    GoogleAccountFactory,
    GoogleCalendarFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("others", [0, 5])
def test_ours_are_logins_aliases_and_connected_accounts(
    others: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    user = UserFactory(email="dana@example.com")
    UserAddress.objects.create(user=user, address="Dana.Alias@example.com")
    GoogleAccountFactory(user=user, address="dana@gmail.com")
    for _ in range(others):
        GoogleAccountFactory()
    asked = {"dana@example.com", "dana.alias@example.com", "dana@gmail.com", "ann@x.org"}
    with django_assert_num_queries(1):
        assert our_addresses(asked) == asked - {"ann@x.org"}


def test_colleagues_are_those_whose_own_calendar_is_read(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    user, amir = UserFactory(), UserFactory(first_name="Amir", last_name="")
    for person, address in ((amir, "amir@x.org"), (user, "me@x.org")):
        account = GoogleAccountFactory(user=person, address=address)
        ConfigurationFactory(user=person, linked_calendar=GoogleCalendarFactory(account=account))
    GoogleAccountFactory(address="unread@x.org")
    with django_assert_num_queries(1):
        found = colleagues(user.pk, {"amir@x.org", "me@x.org", "unread@x.org", "ann@x.org"})
    assert found == {"amir@x.org": str(amir)}


def test_nobody_at_hand_asks_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert (our_addresses(set()), colleagues(1, set())) == (frozenset(), {})
