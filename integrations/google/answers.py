"""A refusal of Google's → the error named after what to do. Pure.

Google tells a refusal by status *and* reason, and keeps the reason in either of two lists (W13); keying on
the status alone wipes a calendar because one event was deleted twice (S7).
"""

import datetime
import email.utils
import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.google.errors import (
    AlreadyThere,
    Changed,
    Gone,
    GoogleError,
    PullInFull,
    Refused,
    TryLater,
    Unchanged,
)

RATE_REASONS = {"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"}
# Not a rate but anti-abuse: it takes hours to lift, and asking again makes it worse (Q3).
QUOTA_REASONS = {"quotaExceeded", "dailyLimitExceeded", "calendarUsageLimitsExceeded"}
QUOTA_WAIT = datetime.timedelta(hours=6)
# Google never asks for more; a wait longer than this is a usage limit.
LONGEST_WAIT = datetime.timedelta(hours=1)
SCOPE_REASONS = {"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "insufficientScopes"}
# push.webhookUrlUnauthorized, push.webhookUrlNotHttps: the address of a channel does not suit Google (N11).
CHANNEL_REASONS = "push."
# Our own project's configuration: its operators must act, no user can (A11).
OPERATOR_REASONS = {"accessNotConfigured", "SERVICE_DISABLED", "keyInvalid", "ipRefererBlocked"}
TOKEN_REASONS = {"fullSyncRequired", "updatedMinTooLongAgo"}
TEMPORARY = {408, 425}
SLOW_DOWN = "Google asked us to slow down."


class Asked(enum.Enum):
    """What the request was about: a 404 means another thing for a list than for one event."""

    LIST = enum.auto()
    LIST_WITH_TOKEN = enum.auto()
    INSERT = enum.auto()
    EVENT = enum.auto()
    OTHER = enum.auto()


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is not a success: status, every reason it names, and Google's words."""

    status: int
    reasons: frozenset[str]
    message: str
    retry_after: datetime.timedelta | None
    # What of the request it is about: the names of parameters and headers.
    locations: frozenset[str] = frozenset()

    @property
    def reason(self) -> str:
        return min(self.reasons, default="")


def read_refusal(
    status: int, content: bytes, headers: Mapping[str, str], *, now: datetime.datetime
) -> Refusal:
    """Never fails: proxies answer in HTML, and OAuth's refusals have another shape than the API's."""
    try:
        error = json.loads(content)["error"]
    except (ValueError, KeyError, TypeError):
        error = {}
    if not isinstance(error, Mapping):
        error = {"errors": [{"reason": str(error)}]}
    listed = [item for key in ("errors", "details") for item in _items(error, key)]
    reasons = {item["reason"] for item in listed if isinstance(item.get("reason"), str)}
    locations = {item["location"] for item in listed if isinstance(item.get("location"), str)}
    message = error.get("message")
    return Refusal(
        status=status,
        reasons=frozenset(reasons),
        message=message[:300] if isinstance(message, str) else "",
        retry_after=read_retry_after(headers.get("retry-after", ""), now=now),
        locations=frozenset(locations),
    )


def is_about_token(status: int, content: bytes) -> bool:
    """Whether a 401 turns our token down. It may also be about a channel's address, the grant being well (N11)."""
    if status != 401:
        # Asked of every answer: a page of events is megabytes that are read once, by the library.
        return False
    refusal = read_refusal(status, content, {}, now=datetime.datetime.now(datetime.UTC))
    return not any(reason.startswith(CHANNEL_REASONS) for reason in refusal.reasons)


def _items(error: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    items = error.get(key)
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def read_retry_after(value: str, *, now: datetime.datetime) -> datetime.timedelta | None:
    """Seconds or an HTTP date; None when there is none. Held between nothing and an hour."""
    try:
        wait = datetime.timedelta(seconds=float(value))
    except (ValueError, OverflowError):
        try:
            moment = email.utils.parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        wait = (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)) - now
    return min(max(wait, datetime.timedelta(0)), LONGEST_WAIT)


def error_for(refusal: Refusal, asked: Asked) -> GoogleError:
    """What the caller must do. 401 is not for here: it is met by a fresh token first."""
    return _by_reason(refusal, asked) or _by_status(refusal, asked)


def _by_reason(refusal: Refusal, asked: Asked) -> GoogleError | None:
    reasons, status = refusal.reasons, refusal.status
    if reasons & QUOTA_REASONS:
        why = "Google's usage limit for this account is reached; it lifts by itself."
        return TryLater(why, QUOTA_WAIT, is_limit=True)
    if reasons & RATE_REASONS:
        return TryLater(SLOW_DOWN, refusal.retry_after, is_limit=True)
    if reasons & OPERATOR_REASONS:
        return TryLater("The Google Calendar API is not switched on for this site.", LONGEST_WAIT)
    if status == 403 and reasons & SCOPE_REASONS:
        return Refused("A permission is missing: grant it on Google's page.", "scope")
    if reasons & TOKEN_REASONS and asked in (Asked.LIST, Asked.LIST_WITH_TOKEN):
        return PullInFull("Google forgot our place in the calendar; everything is read again.")
    return None


def _by_status(refusal: Refusal, asked: Asked) -> GoogleError:
    status = refusal.status
    if status == 429:
        # Whoever says so, and without a reason: a limit all the same (Q2).
        return TryLater(SLOW_DOWN, refusal.retry_after, is_limit=True)
    if status >= 500 or status in TEMPORARY:
        return TryLater("Google could not answer just now.", refusal.retry_after)
    if asked is Asked.LIST_WITH_TOKEN and (status == 410 or _is_about_sync_token(refusal)):
        return PullInFull("Google forgot our place in the calendar; everything is read again.")
    if asked is Asked.EVENT and status in (404, 410):
        return Gone("The event is no longer at Google.")
    if status == 412:
        return Changed("The event was changed at Google in the meantime.")
    if status == 304:
        return Unchanged()
    if status == 409:
        # Since 2024 a write may collide with its neighbours (W12): that one is alone worth another try.
        if asked is Asked.INSERT and "conflict" not in refusal.reasons:
            return AlreadyThere("The event is at Google already.")
        return TryLater("Google was busy with another change of this event.", is_alone=True)
    return Refused(_words(refusal), refusal.reason, lacks_access=status in (403, 404))


def _is_about_sync_token(refusal: Refusal) -> bool:
    # "… cannot be used with other request restrictions" is a mistake of ours, which no full pull mends (S4).
    words = refusal.message.lower()
    is_named = "syncToken" in refusal.locations or "sync token" in words or "synctoken" in words
    return refusal.status == 400 and is_named and "restriction" not in words


def _words(refusal: Refusal) -> str:
    if refusal.status == 404:
        return "Google no longer shows this calendar to the account."
    if refusal.status == 403:
        said = refusal.message.rstrip(".") or refusal.reason or "no access"
        return f"Google does not allow this: {said}."
    said = refusal.message.rstrip(".") or refusal.reason or "no words"
    return f"Google refused the request ({refusal.status}): {said}."
