"""What `manage.py check` and `rotate_tokens` say of the settings, and the admin of tokens."""

from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from django.urls import reverse

from contacts.models import User
from integrations.checks import check_google
from integrations.fields import encrypt
from integrations.models import GoogleAccount, GoogleCalendar
from tests.factories import GoogleAccountFactory


@pytest.mark.parametrize(
    ("overrides", "ids"),
    [
        ({}, []),
        ({"GOOGLE_CLIENT_ID": "", "GOOGLE_CLIENT_SECRET": ""}, []),
        ({"GOOGLE_CLIENT_SECRET": ""}, ["E001"]),
        ({"GOOGLE_CLIENT_ID": ""}, ["E001"]),
        ({"GOOGLE_TOKEN_URL": "http://127.0.0.1:81/token"}, []),
        ({"GOOGLE_TOKEN_URL": "http://stand-in/token", "DEBUG": True}, []),
        ({"GOOGLE_TOKEN_URL": "http://stand-in/token"}, ["E002"]),
        ({"GOOGLE_REVOKE_URL": "revoke"}, ["E002"]),
        ({"GOOGLE_CALENDAR_API_URL": "https://www.googleapis.com/calendar/v3"}, ["E003"]),
        ({"GOOGLE_CALENDAR_API_URL": "http://127.0.0.1:1/deep/calendar/v3/"}, []),
        ({"TOKEN_ENCRYPTION_KEYS": []}, ["E004"]),
        ({"TOKEN_ENCRYPTION_KEYS": ["short"]}, ["E005"]),
        ({"PUBLIC_BASE_URL": "crm.example.com"}, ["E006"]),
        ({"PUBLIC_BASE_URL": "https://crm.example.com?x=1"}, ["E006"]),
        ({"PUBLIC_BASE_URL": "https://crm.example.com:port"}, ["E006"]),
        ({"PUBLIC_BASE_URL": "https://crm.example.com/tandem"}, []),
    ],
)
def test_half_a_configuration_fails_the_check(overrides: dict[str, Any], ids: list[str]) -> None:
    with override_settings(**overrides):
        assert [error.id for error in check_google()] == [f"integrations.{name}" for name in ids]


def test_check_never_shows_a_key() -> None:
    with override_settings(TOKEN_ENCRYPTION_KEYS=["nearly-a-secret"]):
        assert "nearly-a-secret" not in str(check_google())


def test_rotation_puts_every_token_under_the_first_key(db: None, settings: Any) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    settings.TOKEN_ENCRYPTION_KEYS = [old]
    account = GoogleAccountFactory(access_token=encrypt("a"), refresh_token="")
    settings.TOKEN_ENCRYPTION_KEYS = [new, old]
    out = StringIO()
    call_command("rotate_tokens", stdout=out)
    settings.TOKEN_ENCRYPTION_KEYS = [new]
    account = GoogleAccount.objects.get(pk=account.pk)
    assert (account.access_token.open(), account.refresh_token) == ("a", "")
    assert out.getvalue() == f"{account.pk} {account.address}: done\n"


def test_rotation_fails_for_a_token_that_no_key_opens_and_rotates_the_rest(db: None, settings: Any) -> None:
    lost, new = (Fernet.generate_key().decode() for _ in range(2))
    settings.TOKEN_ENCRYPTION_KEYS = [lost]
    bad = GoogleAccountFactory(access_token=encrypt("a"))
    settings.TOKEN_ENCRYPTION_KEYS = [new]
    good = GoogleAccountFactory(access_token=encrypt("b"), refresh_token=encrypt("c"))
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError):
        call_command("rotate_tokens", stdout=out, stderr=err)
    assert out.getvalue() == f"{good.pk} {good.address}: done\n"
    assert err.getvalue().startswith(f"{bad.pk} {bad.address}: no key opens")


@pytest.fixture
def desk(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("admin@tandem.example"))
    return client


def test_admin_finds_accounts_and_shows_no_token(desk: Client) -> None:
    account = GoogleAccountFactory(address="dana@example.com")
    calendar = GoogleCalendar.objects.create(
        account=account, google_id="x", access_role="owner", sync_token="secret-token"
    )
    pages = [
        desk.get(reverse("admin:integrations_googleaccount_changelist") + "?q=dana"),
        desk.get(reverse("admin:integrations_googleaccount_change", args=[account.pk])),
        desk.get(reverse("admin:integrations_googlecalendar_change", args=[calendar.pk])),
    ]
    for page in pages:
        text = page.content.decode()
        assert page.status_code == 200
        assert "dana@example.com" in text
        assert "gAAAA" not in text
        assert "secret-token" not in text


def test_admin_calls_the_same_verbs(desk: Client) -> None:
    account = GoogleAccountFactory(refresh_token="", access_token="")
    url = reverse("admin:integrations_googleaccount_changelist")
    for action in ("sync_now", "disconnect"):
        assert desk.post(url, {"action": action, "_selected_action": [account.pk]}).status_code == 302
    account.refresh_from_db()
    assert account.state == GoogleAccount.State.DISCONNECTED
