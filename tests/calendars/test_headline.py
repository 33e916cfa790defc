"""The card of an account says the worst thing that is true in large type, and what of it waits for what."""

import datetime
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from calendars.models import CalendarConfiguration, PushTarget, SyncRun
from integrations.models import GoogleAccount, GoogleCalendar
from tests.desk import NOW, booked, google_event, signed_in
from tests.factories import GoogleAccountFactory, GoogleCalendarFactory

pytestmark = pytest.mark.django_db
State = GoogleAccount.State
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


class Linked:
    """Signed in, with one account whose linked calendar was read a moment ago."""

    def __init__(self, **account: Any) -> None:
        self.client, self.user = signed_in()
        self.account = GoogleAccountFactory.create(user=self.user, **account)
        self.google_calendar = GoogleCalendarFactory.create(
            account=self.account, last_pull_at=NOW, next_pull_at=NOW + MINUTE
        )
        rows = CalendarConfiguration.objects.filter(user=self.user)
        rows.update(linked_calendar=self.google_calendar)

    def read(self, **fields: Any) -> None:
        GoogleCalendar.objects.filter(pk=self.google_calendar.pk).update(**fields)

    @property
    def card(self) -> str:
        return words_of(self.client)

    @property
    def headline(self) -> tuple[str, str]:
        body = self.client.get(f"/settings/integrations/{self.account.pk}/").content.decode()
        number, label = re.findall(r'stat-(?:number|label)">([^<]*)<', body)[:2]
        return unescape(number), unescape(label)

    def refuse(self, number: int = 1) -> None:
        for hours in range(number):
            booked(self.user, NOW + datetime.timedelta(hours=1 + 2 * hours))
        PushTarget.objects.update(last_error="Google refused it.")


def words_of(client: Client) -> str:
    body = client.get("/settings/integrations/").content.decode().partition("<main")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_all_is_well() -> None:
    assert Linked().headline == ("up to date", "with Google")


def test_google_that_could_not_be_reached_a_moment_ago_is_not_up_to_date() -> None:
    at = Linked()
    at.read(failures=1, last_error="Google could not be reached.")
    assert at.headline == ("failing", "the last try to reach Google failed")
    at.read(last_pull_at=NOW - 3 * MINUTE)
    assert at.headline == ("3 min", "behind Google: the last try failed")
    assert "<meter" in at.client.get("/settings/integrations/").content.decode()
    at.read(last_pull_at=None)
    assert at.headline == ("–", "the first pull failed")


def test_wait_that_google_asked_for_is_the_headline() -> None:
    at = Linked(not_before=NOW + 30 * MINUTE, last_error="The limit is reached.")
    assert at.headline == ("waits", "until 09:30: Google's limit is reached")


def test_paused_account_says_how_far_behind_it_fell() -> None:
    at = Linked(state=State.RECONNECT)
    assert at.headline == ("paused", "nothing is read or sent")
    at.read(last_pull_at=NOW - 180 * MINUTE)
    assert at.headline == ("paused", "3 h behind Google")


def test_cancellations_behind_the_brake_are_the_headline() -> None:
    at = Linked()
    SyncRun.objects.create(
        google_calendar=at.google_calendar, kind="incremental", state=SyncRun.State.BRAKED, started_at=NOW
    )
    assert at.headline == ("waits", "for you: many appointments would be cancelled")
    at.read(failures=1, last_error="Google could not be reached.")
    assert at.headline[0] == "failing"


def test_what_google_did_not_take_and_what_needs_a_look_are_the_headline() -> None:
    at = Linked()
    google_event(at.user, google_calendar=at.google_calendar, error="Unreadable")
    assert at.headline == ("1 to see", "Google event needs a look")
    at.refuse(2)
    assert at.headline == ("2 not sent", "Google did not take them")
    PushTarget.objects.update(pushed_revision=F("wanted_revision"))
    google_event(at.user, NOW + 9 * MINUTE, google_calendar=at.google_calendar, error="Unreadable")
    assert at.headline == ("2 to see", "Google events need a look")


def test_connected_account_is_offered_sync_now_for_what_was_not_sent() -> None:
    at = Linked()
    at.refuse()
    assert "1 appointment could not be sent to Google. Press Sync now" in at.card


@pytest.mark.parametrize(
    ("state", "button"),
    [(State.RECONNECT, "Reconnect"), (State.DISCONNECTED, "Reconnect"), (State.MISSING, "Grant it")],
)
def test_account_that_is_not_connected_says_how_many_appointments_wait_and_for_what(
    state: str, button: str
) -> None:
    at = Linked(state=state, queue_length=1)
    at.refuse()
    assert f"1 appointment waits to be sent to Google. It goes out after {button} ." in at.card
    assert "Sync now" not in at.card
    assert "could not be sent" not in at.card
    GoogleAccount.objects.update(queue_length=3)
    assert f"3 appointments wait to be sent to Google. They go out after {button} ." in at.card
    GoogleAccount.objects.update(queue_length=0)
    assert "to be sent to Google. " not in at.card


def test_more_accounts_cost_no_query_more_for_their_headlines() -> None:
    at = Linked()

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            at.client.get("/settings/integrations/")
        return len(found)

    first = queries()
    for number in range(2):
        account = GoogleAccountFactory.create(user=at.user, address=f"more{number}@x.org")
        GoogleCalendarFactory.create(account=account, last_pull_at=NOW, next_pull_at=NOW)
    assert queries() == first
