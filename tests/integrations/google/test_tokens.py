"""One working access token, renewed once however many ask, and what a refused renewal means."""

import datetime
import threading
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from contacts.models import User
from integrations.fields import encrypt
from integrations.google.errors import Reconnect, TryLater
from integrations.google.tokens import access_token
from integrations.google.transport import new_http
from integrations.models import GoogleAccount
from integrations.pausing import pause_account
from tests.integrations.stand_in import StandIn

State = GoogleAccount.State


def expired(sandbox: StandIn, user: User, **fields: Any) -> GoogleAccount:
    return sandbox.account(user, access_expires_at=timezone.now() - datetime.timedelta(minutes=1), **fields)


def ask(account: GoogleAccount) -> str:
    transport = new_http()
    try:
        return access_token(account, transport)
    finally:
        transport.close()


def test_stored_token_is_used_while_it_lives(sandbox: StandIn, staff: User) -> None:
    account = sandbox.account(staff)
    assert ask(account) == account.access_token.open()
    assert sandbox.requests("oauth.token") == []


def test_a8_expired_token_is_renewed_saved_and_the_old_refresh_token_kept(
    sandbox: StandIn, staff: User
) -> None:
    account = expired(sandbox, staff)
    refresh_token = account.refresh_token.open()
    fresh = ask(account)
    saved = GoogleAccount.objects.get(pk=account.pk)
    assert saved.access_token.open() == fresh
    assert saved.refresh_token.open() == refresh_token
    assert saved.refresh_claimed_until is None


def test_a8_life_of_a_token_is_what_google_says(sandbox: StandIn, staff: User) -> None:
    sandbox.control.set_options(token_lifetime=600)
    account = expired(sandbox, staff)
    ask(account)
    account.refresh_from_db()
    left = account.access_expires_at - timezone.now()
    assert datetime.timedelta(seconds=540) < left <= datetime.timedelta(seconds=600)


@pytest.mark.django_db(transaction=True)
def test_a8_eight_workers_with_one_expired_token_make_one_renewal(sandbox: StandIn) -> None:
    account = expired(sandbox, User.objects.create_user("many@tandem.example"))
    tokens: list[str] = []

    def work() -> None:
        tokens.append(ask(GoogleAccount.objects.get(pk=account.pk)))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens) == 8
    assert len(set(tokens)) == 1
    assert len(sandbox.requests("oauth.token")) == 1


def test_claim_of_a_dead_worker_is_taken_over(sandbox: StandIn, staff: User) -> None:
    account = expired(sandbox, staff, refresh_claimed_until=timezone.now() - datetime.timedelta(seconds=1))
    assert ask(account)


def test_a7_dead_grant_pauses_the_account_and_tells_its_owner_once(
    sandbox: StandIn, staff: User, mailoutbox: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    account = expired(sandbox, staff)
    sandbox.control.revoke(account.address)
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True), pytest.raises(Reconnect):
            ask(account)
    account.refresh_from_db()
    assert (account.state, account.refresh_claimed_until) == (State.RECONNECT, None)
    assert [(mail.to, mail.subject) for mail in mailoutbox] == [
        (["staff@tandem.example"], "Reconnect dana@example.com to Tandem")
    ]
    assert len(sandbox.requests("oauth.token")) == 1


def test_mail_of_a_pause_says_where_to_reconnect(
    sandbox: StandIn,
    staff: User,
    mailoutbox: list[Any],
    django_capture_on_commit_callbacks: Any,
    settings: Any,
) -> None:
    settings.PUBLIC_BASE_URL = "https://crm.example.com"
    account = expired(sandbox, staff)
    sandbox.control.revoke(account.address)
    with django_capture_on_commit_callbacks(execute=True), pytest.raises(Reconnect):
        ask(account)
    assert "https://crm.example.com/settings/integrations/" in mailoutbox[0].body


def test_account_without_a_refresh_token_is_paused(sandbox: StandIn, staff: User) -> None:
    account = expired(sandbox, staff, refresh_token="")
    with pytest.raises(Reconnect):
        ask(account)
    account.refresh_from_db()
    assert account.state == State.RECONNECT


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"drop_before": True, "count": 9}])
def test_a11_passing_trouble_of_a_renewal_never_means_reconnect(
    sandbox: StandIn, staff: User, fault: dict[str, Any]
) -> None:
    account = expired(sandbox, staff)
    sandbox.fault("oauth.token", **fault)
    with pytest.raises(TryLater):
        ask(account)
    account.refresh_from_db()
    assert (account.state, account.refresh_claimed_until) == (State.CONNECTED, None)


def test_a11_refused_client_is_the_operators_affair(
    sandbox: StandIn, staff: User, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.GOOGLE_CLIENT_SECRET = "wrong"
    account = expired(sandbox, staff)
    with pytest.raises(TryLater):
        ask(account)
    account.refresh_from_db()
    assert account.is_connected
    assert "invalid_client" in caplog.text


@pytest.mark.parametrize("error", ["deleted_client", "disabled_client", "admin_policy_enforced"])
def test_a11_what_is_wrong_with_our_client_is_not_the_grants_fault(
    sandbox: StandIn, staff: User, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = expired(sandbox, staff)
    monkeypatch.setattr("integrations.google.tokens.post_form", lambda *args: (401, {"error": error}, {}))
    with pytest.raises(TryLater, match=r"administrator|client id") as raised:
        ask(account)
    assert raised.value.after == datetime.timedelta(hours=1)
    account.refresh_from_db()
    assert account.is_connected


def test_lost_key_is_the_operators_affair(sandbox: StandIn, staff: User, settings: Any) -> None:
    account = sandbox.account(staff)
    settings.TOKEN_ENCRYPTION_KEYS = ["MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="]
    with pytest.raises(TryLater):
        ask(account)
    account.refresh_from_db()
    assert account.is_connected


def test_claim_of_another_worker_is_waited_for_and_then_told(
    sandbox: StandIn, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.google.tokens.PATIENCE_SECONDS", 0.1)
    claim = timezone.now() + datetime.timedelta(minutes=1)
    account = expired(sandbox, staff, refresh_claimed_until=claim)
    with pytest.raises(TryLater):
        ask(account)
    account.refresh_from_db()
    assert account.refresh_claimed_until == claim


def test_dead_old_token_says_nothing_about_a_grant_renewed_meanwhile(sandbox: StandIn, staff: User) -> None:
    read_before = sandbox.account(staff)
    renewed = encrypt(sandbox.tokens().refresh_token)
    GoogleAccount.objects.filter(pk=read_before.pk).update(refresh_token=renewed)
    pause_account(read_before, "The old token is dead.")
    assert GoogleAccount.objects.get(pk=read_before.pk).is_connected
