"""A grant → a connected account with its calendars listed. The same Google account stays the same rows."""

import logging
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from integrations.fields import encrypt
from integrations.google.client import RemoteCalendar, client_for
from integrations.google.errors import GoogleError, Refused, TryLater
from integrations.google.oauth import Grant, missing_scopes, revoke
from integrations.models import GoogleAccount, GoogleCalendar
from integrations.signals import account_connected

logger = logging.getLogger(__name__)

# Until a list that Google did not give is asked for again; doubling.
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(hours=1)


def connect_account(
    user: AbstractBaseUser, grant: Grant, *, account: GoogleAccount | None = None
) -> GoogleAccount:
    """`user`'s account for the Google account behind `grant`, connected, with its calendars listed.

    `account`: the one that was to be reconnected. State "missing" where a permission is; a list that Google
    did not give is told in `last_error` and asked for again by a sweep, and the connection stands. Sends
    account_connected. Raises Refused for another Google account than `account`'s (A3), and with reason
    "noRefreshToken" where no lasting token came and none is held.
    """
    if account is not None and account.subject != grant.subject:
        revoke_if_unused(grant.subject, grant.access_token)
        raise Refused(
            f"On Google's page you chose {grant.address}, but this connection is {account.address}. "
            f"Choose {account.address}, or connect {grant.address} as an account of its own.",
            "otherAccount",
        )
    account = _store(user, grant)
    try:
        refresh_calendars(account)
    except GoogleError as error:
        _list_later(account, error, timezone.now())
    account.refresh_from_db()
    transaction.on_commit(partial(account_connected.send_robust, sender=GoogleAccount, account_id=account.pk))
    return account


def _store(user: AbstractBaseUser, grant: Grant) -> GoogleAccount:
    with transaction.atomic():
        held = GoogleAccount.objects.filter(user_id=user.pk, subject=grant.subject).first()
        if not grant.refresh_token and not _holds_lasting_token(held):
            raise Refused(
                "Google gave no lasting permission. Connect once more and allow it again.", "noRefreshToken"
            )
        is_whole = not missing_scopes(grant.scopes)
        fresh: dict[str, Any] = {
            "address": grant.address,
            "state": GoogleAccount.State.CONNECTED if is_whole else GoogleAccount.State.MISSING,
            "scopes": list(grant.scopes),
            "access_token": encrypt(grant.access_token),
            "access_expires_at": grant.expires_at,
            "refresh_claimed_until": None,
            "connected_at": timezone.now(),
            "failures": 0,
            "not_before": None,
            "last_error": "",
            "mailed_at": None,
        }
        if grant.refresh_token:
            fresh["refresh_token"] = encrypt(grant.refresh_token)
        account, _ = GoogleAccount.objects.update_or_create(
            user_id=user.pk, subject=grant.subject, defaults=fresh
        )
        # What the dead connection answered says nothing about this one.
        account.calendars.exclude(failures=0).update(failures=0, last_error="")
    return GoogleAccount.objects.get(pk=account.pk)


def _holds_lasting_token(account: GoogleAccount | None) -> bool:
    """A paused account's token is dead: that is why it is paused."""
    return (
        account is not None and bool(account.refresh_token) and account.state != GoogleAccount.State.RECONNECT
    )


def refresh_calendars(account: GoogleAccount) -> int:
    """Asks Google for `account`'s calendars and brings our rows up to them; how many there are.

    A calendar that vanished gets `gone_at` and is never deleted: its events, and what was made of them, hang
    on it. Raises GoogleError.
    """
    with client_for(account) as client:
        found = client.list_calendars()
    rows = [_row(account, calendar) for calendar in found]
    now = timezone.now()
    with transaction.atomic():
        GoogleAccount.objects.filter(pk=account.pk).update(listed_at=now)
        GoogleCalendar.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["account", "google_id"],
            update_fields=["summary", "time_zone", "access_role", "colour", "is_primary", "gone_at"],
        )
        if rows:
            # Every person has a calendar, so an empty list says nothing about any of them.
            ids = [row.google_id for row in rows]
            account.calendars.filter(gone_at=None).exclude(google_id__in=ids).update(gone_at=now)
    return len(rows)


def unlisted(now: datetime) -> QuerySet[GoogleAccount]:
    """Connected accounts of which Google has not told the calendars yet, and is to be asked again."""
    return GoogleAccount.objects.filter(
        Q(not_before__lte=now) | Q(not_before=None) & ~Q(last_error=""),
        ~Exists(GoogleCalendar.objects.filter(account=OuterRef("pk"))),
        state=GoogleAccount.State.CONNECTED,
    )


def list_at_last(account_id: int, now: datetime) -> None:
    """Ask once more for the calendars of an account that has none yet. What fails waits on its row."""
    account = unlisted(now).filter(pk=account_id).first()
    if account is None:
        return
    try:
        list_for_the_first_time(account)
    except GoogleError as error:
        _list_later(account, error, now)


def list_for_the_first_time(account: GoogleAccount) -> int:
    """As `refresh_calendars`, and nothing is said any more of the list that did not come. Raises GoogleError."""
    count = refresh_calendars(account)
    GoogleAccount.objects.filter(pk=account.pk, state=GoogleAccount.State.CONNECTED).update(
        failures=0, last_error="", not_before=None
    )
    return count


def _list_later(account: GoogleAccount, error: GoogleError, now: datetime) -> None:
    """The sweep asks again, unless the grant is dead or a permission missing: that its owner mends. Where the calendars
    are known from before, their pulls tell of it soon enough, and the night lists them anew.
    """
    connected = GoogleAccount.objects.filter(pk=account.pk, state=GoogleAccount.State.CONNECTED)
    if account.calendars.exists() and not (isinstance(error, TryLater) and error.is_limit):
        connected.update(last_error=error.why[:500])
        return
    doubled: timedelta = min(FIRST_WAIT * 2 ** min(account.failures, 10), LONGEST_WAIT)
    asked = error.after if isinstance(error, TryLater) else None
    connected.update(
        last_error=error.why[:500],
        failures=F("failures") + 1,
        not_before=now + max(doubled, asked or doubled),
    )


def _row(account: GoogleAccount, calendar: RemoteCalendar) -> GoogleCalendar:
    # P8: "primary" is an alias; the calendar's own id is the account's address.
    google_id = account.address if calendar.google_id == "primary" else calendar.google_id
    return GoogleCalendar(
        account=account,
        google_id=google_id[:255],
        summary=calendar.summary[:255],
        time_zone=calendar.time_zone[:64],
        access_role=calendar.access_role[:32],
        colour=calendar.colour[:7],
        is_primary=calendar.is_primary or calendar.google_id == "primary",
        gone_at=None,
    )


def revoke_if_unused(subject: str, token: str) -> bool:
    """Ends the grant at Google unless another connection here lives by it: revoking ends them all (A9). False: Google
    did not confirm its end."""
    is_used = (
        GoogleAccount.objects.filter(subject=subject).exclude(state=GoogleAccount.State.DISCONNECTED).exists()
    )
    return revoke(token) if token and not is_used else True
