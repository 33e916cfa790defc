"""The transport of one account: it signs, counts, and meets a refused token with a fresh one."""

from collections.abc import Mapping
from typing import Any

import httplib2

from integrations.google.answers import is_about_token
from integrations.google.budget import spend
from integrations.google.errors import Reconnect
from integrations.google.tokens import GRANT_DIED, access_token
from integrations.models import GoogleAccount
from integrations.pausing import pause_account


class AccountHttp:
    """An httplib2.Http look-alike that signs for one account and meets a 401 with one forced renewal."""

    def __init__(self, account: GoogleAccount, transport: httplib2.Http) -> None:
        self.account = account
        self.transport = transport
        self.token = access_token(account, transport)
        # Whether the last request was sent again because a connection closed unanswered.
        self.was_repeated = False

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> tuple[httplib2.Response, bytes]:
        self.was_repeated = False
        response, content = self._send(uri, method, body, headers, options)
        if is_about_token(response.status, content):
            self.token = access_token(self.account, self.transport, refused=self.token)
            response, content = self._send(uri, method, body, headers, options)
        if is_about_token(response.status, content):
            # Q4: a fresh token was turned down as well; asking once more would not help.
            pause_account(self.account, GRANT_DIED)
            raise Reconnect(GRANT_DIED)
        return response, content

    def _send(
        self,
        uri: str,
        method: str,
        body: str | None,
        headers: Mapping[str, str] | None,
        options: Mapping[str, Any],
    ) -> tuple[httplib2.Response, bytes]:
        spend(self.account.pk)
        signed = {**(headers or {}), "authorization": f"Bearer {self.token}"}
        response, content = self.transport.request(uri, method, body=body, headers=signed, **options)
        # A transport of somebody else's does not tell.
        self.was_repeated |= getattr(self.transport, "was_repeated", False)
        return response, content
