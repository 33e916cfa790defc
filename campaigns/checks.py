"""What `manage.py check` says of the settings for carriers, before a message meets it."""

import importlib.util
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from campaigns.transports import twilio

SHORTEST_SECRET = 16


@register()
def check_carriers(**options: Any) -> list[CheckMessage]:
    return [*_sms(), *_rates(), *_reports()]


def _sms() -> Iterator[CheckMessage]:
    if not twilio.is_twilio(settings.SMS_URL):
        return
    account = twilio.account_of(settings.SMS_URL)
    if not (account.sid.startswith("AC") and account.token):
        yield Error(
            "SMS_URL names no Twilio account.",
            hint="Write twilio://ACCOUNT_SID:AUTH_TOKEN@/?from=+441632960000; the account's id begins with AC.",
            id="campaigns.E001",
        )
    if not account.sender.startswith(("+", "MG")):
        yield Error(
            "SMS_URL names no sender.",
            hint="Add ?from=+441632960000, or ?messaging_service=MG… for a messaging service.",
            id="campaigns.E002",
        )
    if importlib.util.find_spec("twilio") is None:
        yield Error(
            "SMS_URL wants Twilio, and its client is not installed.",
            hint="uv sync --group sms (or pip install twilio).",
            id="campaigns.E003",
        )


def _rates() -> Iterator[CheckMessage]:
    for name in ("EMAIL_MOST_A_SECOND", "SMS_MOST_A_SECOND"):
        if getattr(settings, name) < 0:
            yield Error(f"{name} is below 0.", hint="0 means no limit.", id="campaigns.E004")


def _reports() -> Iterator[CheckMessage]:
    secrets = settings.ANYMAIL.get("WEBHOOK_SECRET", [])
    by_service = settings.EMAIL_BACKEND.startswith("anymail.")
    if by_service and settings.PUBLIC_BASE_URL and not secrets:
        yield Warning(
            "The mail service cannot report bounces and complaints: EMAIL_WEBHOOK_SECRET is not set.",
            hint="Set user:password, and give the service the address with both in it (.env.example).",
            id="campaigns.W001",
        )
    for secret in secrets:
        if ":" not in secret or len(secret) < SHORTEST_SECRET:
            yield Error(
                "EMAIL_WEBHOOK_SECRET is not user:password, or short enough to guess.",
                hint="python -c \"import secrets; print(f'mail:{secrets.token_urlsafe(32)}')\"",
                id="campaigns.E005",
            )
