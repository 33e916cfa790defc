"""What `manage.py check --deploy` says of the links that customers get by mail."""

import urllib.parse
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@register(Tags.urls, deploy=True)
def check_links(**options: Any) -> list[CheckMessage]:
    url = settings.PUBLIC_BASE_URL
    if url and not _is_loopback(url):
        return []
    return [
        Error(
            f"PUBLIC_BASE_URL is {url or 'not set'}: links in mails to customers would point to their own machine.",
            hint="Set it to the address at which they reach this server, such as https://crm.example.com.",
            id="calendars.E001",
        )
    ]


def _is_loopback(url: str) -> bool:
    try:
        return urllib.parse.urlsplit(url).hostname in LOOPBACK
    except ValueError:  # no address at all: `integrations.checks` says so
        return False
