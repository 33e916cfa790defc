"""Q1 to Q6: quotas and faults, as a test asks for them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httplib2
import pytest
from googleapiclient.errors import HttpError

from integrations.sandbox.faults import Fault
from tests.integrations.sandbox.conftest import DANA, Google, event, everything, refused


def test_Q1_the_rate_of_one_person_can_be_limited(google: Google, dana: Any) -> None:
    google.control.set_options(requests_per_minute=2)
    for _ in range(2):
        dana.events().list(calendarId="primary").execute()
    assert refused(dana.events().list(calendarId="primary")) == (403, "userRateLimitExceeded")
    google.control.advance_clock(timedelta(seconds=61))
    dana.events().list(calendarId="primary").execute()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (403, "userRateLimitExceeded"),
        (403, "rateLimitExceeded"),
        (429, "rateLimitExceeded"),
        (403, "quotaExceeded"),
    ],
)
def test_Q2_Q3_a_refusal_for_quota_names_its_reason(
    google: Google, dana: Any, status: int, reason: str
) -> None:
    google.control.add_fault(Fault("calendar.events.list", status, reason, headers={"Retry-After": "7"}))
    with pytest.raises(HttpError) as caught:
        dana.events().list(calendarId="primary").execute()
    error = json.loads(caught.value.content)["error"]
    assert (caught.value.resp.status, error["errors"][0]["reason"]) == (status, reason)
    assert error["errors"][0]["domain"] == "usageLimits"
    assert caught.value.resp["retry-after"] == "7"
    dana.events().list(calendarId="primary").execute()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_Q4_temporary_errors_come_as_often_as_asked(google: Google, dana: Any, status: int) -> None:
    google.control.add_fault(Fault("*", status, count=2))
    for _ in range(2):
        assert refused(dana.events().list(calendarId="primary"))[0] == status
    dana.events().list(calendarId="primary").execute()


def test_Q4_a_connection_may_break_before_the_call_is_carried_out(google: Google, dana: Any) -> None:
    google.control.add_fault(Fault("calendar.events.patch", drop_before=True, count=9))
    made = dana.events().insert(calendarId="primary", body=event()).execute()
    with pytest.raises((httplib2.HttpLib2Error, OSError)):
        dana.events().patch(calendarId="primary", eventId=made["id"], body={"summary": "x"}).execute()
    google.control.clear_faults()
    assert everything(dana)[0][0]["summary"] == "Call"


def test_a_fault_can_wait_and_can_mean_one_person(google: Google, dana: Any) -> None:
    google.control.add_fault(Fault("calendar.events.list", 503, skip=1))
    google.control.add_fault(Fault("calendar.calendarList.list", 503, person="amir@example.com"))
    dana.events().list(calendarId="primary").execute()
    assert refused(dana.events().list(calendarId="primary"))[0] == 503
    dana.calendarList().list().execute()


def test_every_request_is_logged(google: Google, dana: Any) -> None:
    google.control.clear_requests()
    request = dana.events().insert(calendarId="primary", body=event("Logged"), sendUpdates="none")
    request.execute()
    (logged,) = google.control.requests("calendar.events.insert")
    assert (logged.person, logged.status, logged.parameter("sendUpdates")) == (DANA, 200, "none")
    assert logged.body is not None
    assert logged.body["summary"] == "Logged"
