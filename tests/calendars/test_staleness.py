import datetime

import pytest

from calendars.staleness import stale_accounts
from contacts.models import User
from integrations.models import GoogleAccount
from tests.desk import HOUR, NOW
from tests.factories import GoogleAccountFactory, GoogleCalendarFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return UserFactory.create()


def account(user: User, *, is_read: bool = True, **fields: object) -> GoogleAccount:
    made = GoogleAccountFactory.create(user=user, **fields)
    GoogleCalendarFactory.create(account=made, next_pull_at=NOW if is_read else None)
    return made


def test_an_account_read_a_moment_ago_is_no_news(user: User) -> None:
    account(user, last_pull_at=NOW - datetime.timedelta(minutes=5))
    assert stale_accounts(user, NOW) == []


def test_silence_for_three_pulls_is_told_with_the_last_one(user: User) -> None:
    account(user, last_pull_at=NOW - HOUR)
    [stale] = stale_accounts(user, NOW)
    assert stale.last_pull_at == NOW - HOUR


@pytest.mark.parametrize("state", ["reconnect", "missing"])
def test_a_broken_account_is_told_in_the_banner_and_not_once_more(user: User, state: str) -> None:
    account(user, last_pull_at=NOW - HOUR, state=state)
    assert stale_accounts(user, NOW) == []
    assert list(
        GoogleAccount.objects.needing_attention().filter(user=user).values_list("state", flat=True)
    ) == [state]


def test_what_nobody_reads_cannot_be_stale(user: User) -> None:
    account(user, is_read=False)
    account(user, last_pull_at=NOW - HOUR, state="disconnected")
    assert stale_accounts(user, NOW) == []


def test_an_account_never_read_is_told(user: User) -> None:
    account(user)
    assert "first time" in stale_accounts(user, NOW)[0].words


def test_other_peoples_accounts_are_their_own_affair(user: User) -> None:
    account(UserFactory.create(), last_pull_at=NOW - HOUR)
    assert stale_accounts(user, NOW) == []
