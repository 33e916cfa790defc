"""The running Google sandbox as these tests see it: its control plane, and accounts of ours connected to it."""

import datetime
from typing import Any

from django.utils import timezone

from integrations.connecting import refresh_calendars
from integrations.fields import encrypt
from integrations.models import GoogleAccount, GoogleCalendar
from integrations.sandbox import Sandbox
from integrations.sandbox.control import DEFAULT_SCOPES, TokenPair
from integrations.sandbox.faults import Fault
from integrations.sandbox.journal import LoggedRequest

DANA, AMIR, JO = "dana@example.com", "amir@example.com", "jo@example.com"


class StandIn:
    """`control` edits as a person, moves the clock and looks at what was sent; `url` has no slash at the end."""

    def __init__(self, sandbox: Sandbox, url: str) -> None:
        self.control = sandbox.control
        self.url = url

    def reset(self) -> None:
        """The people of the seed and their calendars, without events."""
        self.control.clear()
        self.control.seed(events=False)

    def tokens(self, person: str = DANA, scopes: tuple[str, ...] = DEFAULT_SCOPES) -> TokenPair:
        return self.control.issue_tokens(person, scopes)

    def subject(self, person: str = DANA) -> str:
        return next(each.sub for each in self.control.people() if each.email == person)

    def account(
        self, user: Any, person: str = DANA, *, scopes: tuple[str, ...] = DEFAULT_SCOPES, **fields: Any
    ) -> GoogleAccount:
        """A connected account of `user` for `person`, without its calendars."""
        pair = self.tokens(person, scopes)
        given: dict[str, Any] = {
            "subject": self.subject(person),
            "address": person,
            "scopes": list(pair.scopes),
            "access_token": encrypt(pair.access_token),
            "refresh_token": encrypt(pair.refresh_token),
            "access_expires_at": timezone.now() + datetime.timedelta(seconds=pair.expires_in),
            "connected_at": timezone.now(),
        }
        account = GoogleAccount.objects.create(user=user, **(given | fields))
        return GoogleAccount.objects.get(pk=account.pk)

    def connected(self, user: Any, person: str = DANA, **fields: Any) -> GoogleAccount:
        """As `account`, with its calendars listed."""
        account = self.account(user, person, **fields)
        refresh_calendars(account)
        return account

    def primary(self, account: GoogleAccount) -> GoogleCalendar:
        return account.calendars.get(is_primary=True)

    def fault(self, method: str, status: int = 503, **fields: Any) -> None:
        """The next call of `method` ("calendar.events.list", "oauth.token", …) is answered so."""
        self.control.add_fault(Fault(method=method, status=status, **fields))

    def requests(self, method: str = "") -> list[LoggedRequest]:
        return self.control.requests(method)
