"""A working access token for an account: the stored one, or a fresh one fetched under a claim.

Eight workers that meet one expired token make one refresh, not eight: the claim is a conditional update on
the account's row, and no lock is held across the network.
"""

import datetime
import logging
import time
from typing import Any

import httplib2
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from integrations.fields import WrongKey, encrypt
from integrations.google.answers import LONGEST_WAIT, read_retry_after
from integrations.google.errors import Reconnect, TryLater
from integrations.google.transport import post_form
from integrations.models import GoogleAccount
from integrations.pausing import pause_account

logger = logging.getLogger(__name__)

# A token that dies within this is renewed first: a long list must not lose it between two pages.
MARGIN = datetime.timedelta(seconds=60)
# What to believe where Google does not say (A8: never assume an hour).
UNSAID_LIFE = datetime.timedelta(minutes=5)
PATIENCE_SECONDS = 4.0
# What the token endpoint says of this site's own client, and not of a grant.
OUR_CLIENT_ERRORS = ("invalid_client", "unauthorized_client", "deleted_client", "disabled_client")
GRANT_DIED = "Google no longer accepts this connection. Reconnect the account."


def access_token(account: GoogleAccount, transport: httplib2.Http, *, refused: str = "") -> str:
    """A token to send now. `refused`: the one that Google just turned down, which is not to be used again.

    Raises Reconnect (the account is paused then) and TryLater.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        account.refresh_from_db(
            fields=["state", "access_token", "refresh_token", "access_expires_at", "refresh_claimed_until"]
        )
        if account.state in (GoogleAccount.State.RECONNECT, GoogleAccount.State.DISCONNECTED):
            raise Reconnect(account.last_error or GRANT_DIED)
        stored = _open(account.access_token)
        if stored and stored != refused and _is_fresh(account):
            return stored
        until = _claim(account)
        if until is not None:
            return _renew(account, transport, until)
        if time.monotonic() > deadline:
            raise TryLater("Another worker is renewing this account's access.")
        # Somebody else is asking Google for the same token; it is there in a moment.
        time.sleep(0.05)


def _open(sealed: Any) -> str:
    try:
        return str(sealed.open()) if sealed else ""
    except WrongKey as error:
        # The operators' keys are at fault, not the grant: nobody is asked to reconnect for that.
        logger.exception("A stored token cannot be opened")
        raise TryLater(
            "The stored token cannot be opened: a key is missing from TOKEN_ENCRYPTION_KEYS.", LONGEST_WAIT
        ) from error


def _is_fresh(account: GoogleAccount) -> bool:
    return account.access_expires_at is not None and account.access_expires_at > timezone.now() + MARGIN


def _claim(account: GoogleAccount) -> datetime.datetime | None:
    """Until when the renewal is ours; None: somebody else has it."""
    now = timezone.now()
    until = now + datetime.timedelta(seconds=2 * settings.GOOGLE_TIMEOUT_SECONDS)
    claimed = GoogleAccount.objects.filter(
        Q(refresh_claimed_until=None) | Q(refresh_claimed_until__lte=now),
        pk=account.pk,
        # Renewed between our reading and our claim: read again instead of asking Google again.
        access_token=account.access_token,
    ).update(refresh_claimed_until=until)
    return until if claimed else None


def _renew(account: GoogleAccount, transport: httplib2.Http, until: datetime.datetime) -> str:
    """A fresh access token, saved with what Google sent along. The claim is given back whatever happens."""
    try:
        refresh_token = _open(account.refresh_token)
        if not refresh_token:
            pause_account(account, GRANT_DIED)
            raise Reconnect(GRANT_DIED)
        answer = _ask(account, transport, refresh_token)
        return _save(account, answer)
    finally:
        mine = GoogleAccount.objects.filter(pk=account.pk, refresh_claimed_until=until)
        mine.update(refresh_claimed_until=None)


def _ask(account: GoogleAccount, transport: httplib2.Http, refresh_token: str) -> dict[str, Any]:
    status, answer, headers = post_form(
        transport,
        settings.GOOGLE_TOKEN_URL,
        {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": settings.GOOGLE_CLIENT_ID,
            "client_secret": settings.GOOGLE_CLIENT_SECRET,
        },
    )
    if status == 200 and isinstance(answer.get("access_token"), str):
        return answer
    error = answer.get("error")
    if error == "invalid_grant":
        pause_account(account, GRANT_DIED)
        raise Reconnect(GRANT_DIED)
    if error == "admin_policy_enforced":
        raise TryLater(
            "Your organisation's Google administrator does not allow this connection any more. Ask them to.",
            LONGEST_WAIT,
        )
    if error in OUR_CLIENT_ERRORS:
        # A11: our own configuration. No user can mend it, and none is asked to.
        logger.error(
            "Google refused this site's own client: %s. Check GOOGLE_CLIENT_ID and its secret.", error
        )
        raise TryLater("Google does not accept this site's client id and secret.", LONGEST_WAIT)
    after = read_retry_after(headers.get("retry-after", ""), now=timezone.now())
    raise TryLater(f"Google could not renew the access ({status}).", after)


def _save(account: GoogleAccount, answer: dict[str, Any]) -> str:
    token = str(answer["access_token"])
    fresh: dict[str, Any] = {
        "access_token": encrypt(token),
        "access_expires_at": timezone.now() + read_life(answer),
    }
    # A8: normally absent, and then the old one stays.
    if isinstance(answer.get("refresh_token"), str) and answer["refresh_token"]:
        fresh["refresh_token"] = encrypt(answer["refresh_token"])
    if isinstance(answer.get("scope"), str) and answer["scope"]:
        fresh["scopes"] = sorted(answer["scope"].split())
    # Not over a grant that was renewed or disconnected meanwhile: its refresh token is another one, or none.
    GoogleAccount.objects.filter(pk=account.pk, refresh_token=account.refresh_token).update(**fresh)
    account.refresh_from_db(fields=["access_token", "refresh_token", "access_expires_at", "scopes"])
    return token


def read_life(answer: dict[str, Any]) -> datetime.timedelta:
    """How long the access token of a token answer lives."""
    try:
        return datetime.timedelta(seconds=max(float(answer["expires_in"]), 0))
    except (KeyError, TypeError, ValueError, OverflowError):
        return UNSAID_LIFE
