"""What `manage.py check` says of the Google settings, before somebody meets it on a page."""

import urllib.parse
from collections.abc import Iterator
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from integrations.google.oauth import may_be_plain

ENDPOINTS = (
    "GOOGLE_AUTHORIZE_URL",
    "GOOGLE_TOKEN_URL",
    "GOOGLE_REVOKE_URL",
    "GOOGLE_USERINFO_URL",
    "GOOGLE_CERTS_URL",
    "GOOGLE_CALENDAR_API_URL",
)


@register()
def check_google(**options: Any) -> list[CheckMessage]:
    return [*_client(), *_endpoints(), *_keys(), *_own_address()]


def _client() -> Iterator[CheckMessage]:
    if bool(settings.GOOGLE_CLIENT_ID) != bool(settings.GOOGLE_CLIENT_SECRET):
        absent = "GOOGLE_CLIENT_SECRET" if settings.GOOGLE_CLIENT_ID else "GOOGLE_CLIENT_ID"
        yield Error(
            f"Google is half configured: {absent} is missing.",
            hint="Set both, or neither to run without Google.",
            id="integrations.E001",
        )


def _endpoints() -> Iterator[CheckMessage]:
    for name in ENDPOINTS:
        url = getattr(settings, name)
        if not _is_web_address(url) or (url.startswith("http://") and not may_be_plain(url)):
            yield Error(
                f"{name} is not an https address: {url}",
                hint="Plain http is for a stand-in on this machine, or with DEBUG.",
                id="integrations.E002",
            )
    if not settings.GOOGLE_CALENDAR_API_URL.endswith("/calendar/v3/"):
        yield Error(
            f"GOOGLE_CALENDAR_API_URL does not end in /calendar/v3/: {settings.GOOGLE_CALENDAR_API_URL}",
            hint="Google's own is https://www.googleapis.com/calendar/v3/",
            id="integrations.E003",
        )


def _keys() -> Iterator[CheckMessage]:
    hint = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
    if not settings.TOKEN_ENCRYPTION_KEYS:
        yield Error("TOKEN_ENCRYPTION_KEYS is empty.", hint=f"Make one: {hint}", id="integrations.E004")
    for number, key in enumerate(settings.TOKEN_ENCRYPTION_KEYS, start=1):
        try:
            Fernet(key)
        except ValueError:
            # The key itself is not shown: what is nearly a key is still a secret.
            yield Error(
                f"Key {number} of TOKEN_ENCRYPTION_KEYS is not a Fernet key.",
                hint=f"Make one: {hint}",
                id="integrations.E005",
            )


def _own_address() -> Iterator[CheckMessage]:
    url = settings.PUBLIC_BASE_URL
    parts = urllib.parse.urlsplit(url)
    if url and (not _is_web_address(url) or parts.query or parts.fragment):
        yield Error(
            f"PUBLIC_BASE_URL is not a web address: {url}",
            hint="For example https://crm.example.com, without a slash at the end.",
            id="integrations.E006",
        )


def _is_web_address(url: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
