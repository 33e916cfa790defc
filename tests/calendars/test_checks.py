"""What `manage.py check --deploy` says of links to customers."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from calendars.checks import check_links


@pytest.mark.parametrize(
    ("url", "is_well"),
    [
        ("", False),
        ("http://127.0.0.1:8000", False),
        ("http://localhost", False),
        ("http://[::1]:8000", False),
        ("https://crm.example.com", True),
        # No address at all is said by another check.
        ("https://[crm", True),
        ("http://192.168.1.5:8000/tandem", True),
    ],
)
def test_links_in_mails_must_not_point_to_the_readers_own_machine(
    settings: Any, url: str, is_well: bool
) -> None:
    settings.PUBLIC_BASE_URL = url
    assert [error.id for error in check_links()] == ([] if is_well else ["calendars.E001"])


def test_a_deployment_is_told_what_to_set_and_a_local_run_is_not(settings: Any) -> None:
    settings.PUBLIC_BASE_URL = ""
    call_command("check", "--tag=urls", stdout=StringIO())
    with pytest.raises(SystemCheckError, match="PUBLIC_BASE_URL is not set: links in mails"):
        call_command("check", "--tag=urls", "--deploy")
