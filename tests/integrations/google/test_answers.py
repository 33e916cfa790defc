"""What a refusal of Google's tells the caller to do: by reason and status both."""

import datetime
import json
from typing import Any

import pytest

from integrations.google.answers import Asked, error_for, read_refusal, read_retry_after
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

NOW = datetime.datetime(2026, 11, 2, 9, tzinfo=datetime.UTC)


def answer(
    status: int, reason: str = "", *, asked: Asked = Asked.OTHER, message: str = "", **error: Any
) -> GoogleError:
    errors = [{"domain": "global", "reason": reason}] if reason else []
    content = json.dumps({"error": {"code": status, "message": message, "errors": errors, **error}}).encode()
    return error_for(read_refusal(status, content, {}, now=NOW), asked)


@pytest.mark.parametrize(
    ("status", "reason", "asked", "kind"),
    [
        (410, "fullSyncRequired", Asked.LIST_WITH_TOKEN, PullInFull),
        (410, "updatedMinTooLongAgo", Asked.LIST, PullInFull),
        (410, "", Asked.LIST_WITH_TOKEN, PullInFull),
        (410, "deleted", Asked.EVENT, Gone),
        (404, "notFound", Asked.EVENT, Gone),
        (404, "notFound", Asked.LIST, Refused),
        (404, "notFound", Asked.INSERT, Refused),
        (412, "conditionNotMet", Asked.EVENT, Changed),
        (409, "duplicate", Asked.INSERT, AlreadyThere),
        (409, "", Asked.INSERT, AlreadyThere),
        (409, "conflict", Asked.INSERT, TryLater),
        (409, "conflict", Asked.EVENT, TryLater),
        (304, "", Asked.EVENT, Unchanged),
        (403, "rateLimitExceeded", Asked.LIST, TryLater),
        (403, "userRateLimitExceeded", Asked.EVENT, TryLater),
        (429, "", Asked.EVENT, TryLater),
        (403, "quotaExceeded", Asked.INSERT, TryLater),
        (403, "accessNotConfigured", Asked.LIST, TryLater),
        (500, "backendError", Asked.LIST, TryLater),
        (503, "", Asked.EVENT, TryLater),
        (408, "", Asked.EVENT, TryLater),
        (403, "forbiddenForNonOrganizer", Asked.EVENT, Refused),
        (403, "requiredAccessLevel", Asked.LIST, Refused),
        (400, "invalid", Asked.EVENT, Refused),
    ],
)
def test_s7_q4_w13_reason_and_status_together_tell_what_to_do(
    status: int, reason: str, asked: Asked, kind: type[GoogleError]
) -> None:
    assert type(answer(status, reason, asked=asked)) is kind


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Invalid sync token value.", PullInFull),
        ("Sync token cannot be used with other request restrictions.", Refused),
        ("Invalid value for: syncToken", PullInFull),
        ("Bad Request", Refused),
    ],
)
def test_s4_bad_sync_token_is_told_from_a_mistake_of_ours(message: str, kind: type[GoogleError]) -> None:
    assert type(answer(400, "invalid", asked=Asked.LIST_WITH_TOKEN, message=message)) is kind


def test_s7_bad_sync_token_may_be_told_by_its_place_alone() -> None:
    body = {"error": {"message": "Invalid value", "errors": [{"reason": "invalid", "location": "syncToken"}]}}
    refusal = read_refusal(400, json.dumps(body).encode(), {}, now=NOW)
    assert type(error_for(refusal, Asked.LIST_WITH_TOKEN)) is PullInFull
    assert type(error_for(refusal, Asked.LIST)) is Refused


@pytest.mark.parametrize(
    "content", [b"", b"<html>Busy</html>", b'{"error": {"status": "RESOURCE_EXHAUSTED"}}']
)
def test_q2_429_is_a_limit_whoever_says_so(content: bytes) -> None:
    error = error_for(read_refusal(429, content, {"retry-after": "7"}, now=NOW), Asked.EVENT)
    assert isinstance(error, TryLater)
    assert (error.is_limit, error.after) == (True, datetime.timedelta(seconds=7))


def test_w13_scope_refusal_is_found_in_either_list() -> None:
    in_details = answer(403, details=[{"@type": "x", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}])
    in_errors = answer(403, "insufficientPermissions")
    assert [error.reason for error in (in_details, in_errors) if isinstance(error, Refused)] == [
        "scope",
        "scope",
    ]


def test_w13_rate_reason_in_the_second_list_counts() -> None:
    assert type(answer(403, "forbidden", details=[{"reason": "RATE_LIMIT_EXCEEDED"}])) is TryLater


def test_q3_usage_limit_stops_the_account_for_hours() -> None:
    error = answer(403, "quotaExceeded")
    assert isinstance(error, TryLater)
    assert error.after == datetime.timedelta(hours=6)
    assert "usage limit" in error.why


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", None),
        ("soon", None),
        ("12", 12),
        ("-5", 0),
        ("nan", None),
        ("999999", 3600),
        ("Mon, 02 Nov 2026 09:00:30 GMT", 30),
        ("Mon, 02 Nov 2026 08:00:00 GMT", 0),
        ("Thu, 01 Jan 99999999999 00:00:00 GMT", None),
    ],
)
def test_q2_retry_after_is_honoured_within_an_hour(value: str, seconds: int | None) -> None:
    wait = read_retry_after(value, now=NOW)
    assert wait == (None if seconds is None else datetime.timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "content", [b"", b"<html>Bad gateway</html>", b"[]", b'{"error": "odd"}', b'{"error": null}']
)
def test_answers_that_are_not_googles_are_read_by_status(content: bytes) -> None:
    assert type(error_for(read_refusal(502, content, {}, now=NOW), Asked.LIST)) is TryLater
    assert type(error_for(read_refusal(400, content, {}, now=NOW), Asked.LIST)) is Refused
