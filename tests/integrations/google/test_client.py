"""The calendar client, with Google's own library, against the sandbox over HTTP."""

import datetime
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import override_settings

from contacts.models import User
from integrations.google import library
from integrations.google.client import CalendarClient, client_for
from integrations.google.errors import (
    AlreadyThere,
    Changed,
    Gone,
    GoogleError,
    PullInFull,
    Reconnect,
    Refused,
    TryLater,
    Unchanged,
)
from integrations.google.events import EventDraft, EventPatch, RemoteEvent
from integrations.google.pages import read_calendar, read_page
from integrations.models import GoogleAccount
from tests.integrations.stand_in import AMIR, DANA, JO, StandIn

UTC = datetime.UTC
SCOPE = "https://www.googleapis.com/auth/"


@pytest.fixture
def account(sandbox: StandIn, staff: User) -> GoogleAccount:
    return sandbox.account(staff)


@pytest.fixture
def client(account: GoogleAccount) -> CalendarClient:
    return client_for(account)


def moment(hours: float = 24) -> datetime.datetime:
    """Whole hours from a fixed morning far ahead, so that nothing here depends on the day it runs."""
    return datetime.datetime(2030, 1, 7, 9, tzinfo=UTC) + datetime.timedelta(hours=hours - 24)


def draft(event_id: str = "abc00", **fields: Any) -> EventDraft:
    given: dict[str, Any] = {
        "event_id": event_id,
        "summary": "Visit",
        "description": "First",
        "location": "Room 2",
        "starts_at": moment(),
        "ends_at": moment(25),
        "time_zone": "Europe/London",
        "crm_id": "appointment-1",
    }
    return EventDraft(**(given | fields))


def body(summary: str = "Lunch", *, hours: float = 24, **fields: Any) -> dict[str, Any]:
    times = {
        "start": {"dateTime": moment(hours).isoformat()},
        "end": {"dateTime": moment(hours + 1).isoformat()},
    }
    return {"summary": summary, **times, **fields}


def pull(client: CalendarClient, token: str = "", **window: Any) -> tuple[list[RemoteEvent], str]:
    pages = list(client.list_events(DANA, sync_token=token, time_zone="Europe/London", **window))
    return [event for page in pages for event in page.events], pages[-1].next_sync_token


# --- listing ---


def test_calendars_are_listed_with_access_and_zone(client: CalendarClient) -> None:
    calendars = {each.summary: each for each in client.list_calendars()}
    primary = next(each for each in calendars.values() if each.is_primary)
    assert (primary.google_id, primary.access_role, primary.time_zone) == (DANA, "owner", "Europe/London")
    assert calendars["Team holidays"].access_role == "reader"
    assert primary.colour.startswith("#")


@pytest.mark.parametrize(
    ("told", "zone"),
    [("Europe/London", "Europe/London"), ("Mars/Olympus", "UTC"), ("", "UTC"), (None, "UTC")],
)
def test_a_calendar_whose_zone_is_not_known_here_is_read_in_utc(told: str | None, zone: str) -> None:
    assert read_calendar({"id": "c1", "timeZone": told}).time_zone == zone


@override_settings(GOOGLE_EVENTS_A_PAGE=2)
def test_s1_every_page_is_followed_and_only_the_last_has_the_token(
    sandbox: StandIn, client: CalendarClient
) -> None:
    for number in range(5):
        sandbox.control.insert(DANA, DANA, body(f"Event {number}", hours=24 + number))
    pages = list(client.list_events(DANA))
    assert [len(page.events) for page in pages] == [2, 2, 1]
    assert [bool(page.next_sync_token) for page in pages] == [False, False, True]


@override_settings(GOOGLE_EVENTS_A_PAGE=2)
def test_s3_incremental_sends_the_parameters_of_the_full_pull_without_its_window(
    sandbox: StandIn, client: CalendarClient
) -> None:
    sandbox.control.insert(DANA, DANA, body())
    _, token = pull(client, starts_at=moment(0), ends_at=moment(100))
    for number in range(3):
        sandbox.control.insert(DANA, DANA, body(f"New {number}"))
    sandbox.control.clear_requests()
    events, replacement = pull(client, token)
    assert {event.summary for event in events} == {"New 0", "New 1", "New 2"}
    assert replacement not in ("", token)
    sent = [dict(request.query) for request in sandbox.requests("calendar.events.list")]
    assert len(sent) == 2
    assert all(
        set(query) - {"alt", "pageToken"} == {"singleEvents", "maxResults", "syncToken"} for query in sent
    )
    assert {query["syncToken"] for query in sent} == {token}


def test_l2_full_pull_keeps_to_its_window(sandbox: StandIn, client: CalendarClient) -> None:
    for hours in (1, 24, 500):
        sandbox.control.insert(DANA, DANA, body(f"At {hours}", hours=hours))
    events, _ = pull(client, starts_at=moment(20), ends_at=moment(100))
    assert [event.summary for event in events] == ["At 24"]


def test_r5_series_come_as_occurrences(sandbox: StandIn, client: CalendarClient) -> None:
    times = {"start": {"dateTime": moment().isoformat(), "timeZone": "Europe/London"}}
    times["end"] = {"dateTime": moment(25).isoformat(), "timeZone": "Europe/London"}
    series = sandbox.control.insert(
        DANA, DANA, {**body(), **times, "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"]}
    )
    events, _ = pull(client, starts_at=moment(0), ends_at=moment(200))
    assert [event.recurring_event_id for event in events] == [series["id"]] * 3
    assert events[1].original_start == "2030-01-08T09:00:00Z"


def test_s11_deleted_event_comes_as_a_tombstone(sandbox: StandIn, client: CalendarClient) -> None:
    made = sandbox.control.insert(DANA, DANA, body())
    _, token = pull(client)
    sandbox.control.delete(DANA, DANA, made["id"])
    events, _ = pull(client, token)
    assert [(event.google_id, event.status, event.starts_at) for event in events] == [
        (made["id"], "cancelled", None)
    ]


def test_s7_dead_sync_token_asks_for_a_full_pull(sandbox: StandIn, client: CalendarClient) -> None:
    _, token = pull(client)
    sandbox.control.expire_sync_tokens()
    with pytest.raises(PullInFull):
        pull(client, token)


def test_list_that_leads_back_to_a_page_that_was_read_ends_and_is_tried_later(
    client: CalendarClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_execute", lambda request, asked: {"items": [], "nextPageToken": "again"})
    with pytest.raises(TryLater, match="led back"):
        list(client.list_events(DANA))
    with pytest.raises(TryLater, match="led back"):
        client.list_calendars()


def test_unreadable_event_is_set_aside_and_its_page_goes_on() -> None:
    answer = {"items": [{"id": "bad", "start": {}}, {"id": "good", "start": {"date": "2030-01-07"}}]}
    page = read_page(answer, DANA, "UTC", "token")
    assert [event.google_id for event in page.events] == ["good"]
    assert [event.google_id for event in page.unreadable] == ["bad"]


def test_p8_calendar_ids_are_percent_encoded(sandbox: StandIn, client: CalendarClient) -> None:
    with pytest.raises(Refused) as caught:
        list(client.list_events("en.uk#holiday@group.v.calendar.google.com"))
    assert caught.value.reason == "notFound"
    assert sandbox.requests()[-1].path.endswith(
        "/calendars/en.uk%23holiday%40group.v.calendar.google.com/events"
    ) or (sandbox.requests()[-1].path.endswith("/calendars/en.uk#holiday@group.v.calendar.google.com/events"))


# --- writing ---


def test_insert_is_read_back_with_our_mark(sandbox: StandIn, client: CalendarClient) -> None:
    made = client.insert_event(DANA, draft(), send_updates="none")
    assert (made.google_id, made.crm_id, made.organised_by_us) == ("abc00", "appointment-1", True)
    assert (made.starts_at, made.ends_at, made.time_zone) == (moment(), moment(25), "Europe/London")
    assert client.get_event(DANA, "abc00", time_zone="Europe/London") == made


def test_w2_insert_of_a_taken_id_says_it_is_there_already(client: CalendarClient) -> None:
    client.insert_event(DANA, draft(), send_updates="none")
    with pytest.raises(AlreadyThere):
        client.insert_event(DANA, draft(), send_updates="none")


def test_w2_insert_whose_answer_was_lost_makes_one_event(sandbox: StandIn, client: CalendarClient) -> None:
    sandbox.fault("calendar.events.insert", drop_after=True)
    # httplib2 sends the POST again by itself, and meets what the first one made.
    with pytest.raises(AlreadyThere):
        client.insert_event(DANA, draft(), send_updates="none")
    events, _ = pull(client)
    assert [event.google_id for event in events] == ["abc00"]


@pytest.mark.parametrize("send_updates", ["all", "none"])
def test_w8_who_is_told_is_always_said(sandbox: StandIn, client: CalendarClient, send_updates: str) -> None:
    made = client.insert_event(DANA, draft(attendees=(("g@example.net", ""),)), send_updates=send_updates)
    patched = client.patch_event(
        DANA, "abc00", EventPatch(summary="B"), etag=made.etag, send_updates=send_updates
    )
    client.delete_event(DANA, "abc00", etag=patched.etag, send_updates=send_updates)
    writes = [
        each for each in sandbox.requests() if each.method.split(".")[-1] in ("insert", "patch", "delete")
    ]
    assert [each.parameter("sendUpdates") for each in writes] == [send_updates] * 3


def test_w9_meet_link_is_made(client: CalendarClient) -> None:
    client.insert_event(DANA, draft(wants_meet=True, request_id="r-1"), send_updates="none")
    assert client.get_event(DANA, "abc00").meeting_url.startswith("https://")


def test_w4_patch_changes_what_was_asked_and_sends_the_etag(sandbox: StandIn, client: CalendarClient) -> None:
    made = client.insert_event(DANA, draft(), send_updates="none")
    patch = EventPatch(starts_at=moment(48), ends_at=moment(49), time_zone="Europe/London")
    moved = client.patch_event(DANA, "abc00", patch, etag=made.etag, send_updates="none")
    assert (moved.starts_at, moved.summary, moved.crm_id) == (moment(48), "Visit", "appointment-1")
    assert sandbox.requests("calendar.events.patch")[-1].if_match == made.etag


def test_w4_patch_of_an_event_changed_meanwhile_is_refused(sandbox: StandIn, client: CalendarClient) -> None:
    made = client.insert_event(DANA, draft(), send_updates="none")
    sandbox.control.patch(DANA, DANA, "abc00", {"summary": "Theirs"})
    with pytest.raises(Changed):
        client.patch_event(DANA, "abc00", EventPatch(summary="Ours"), etag=made.etag, send_updates="none")
    with pytest.raises(Changed):
        client.delete_event(DANA, "abc00", etag=made.etag, send_updates="none")
    assert client.get_event(DANA, "abc00").summary == "Theirs"


def test_w4_get_of_an_event_that_has_the_etag_answers_unchanged(client: CalendarClient) -> None:
    made = client.insert_event(DANA, draft(), send_updates="none")
    with pytest.raises(Unchanged):
        client.get_event(DANA, "abc00", etag=made.etag)


def test_w5_new_guest_list_keeps_the_answers_given(sandbox: StandIn, client: CalendarClient) -> None:
    client.insert_event(DANA, draft(attendees=((AMIR, ""), (JO, ""))), send_updates="all")
    sandbox.control.respond(AMIR, "abc00", "accepted")
    patch = EventPatch(invited=((AMIR, ""), ("new@example.net", "New")), uninvited=frozenset({JO}))
    patched = client.patch_event(DANA, "abc00", patch, etag="", send_updates="none")
    answers = {each.address: each.response for each in patched.attendees if not each.is_self}
    assert answers == {AMIR: "accepted", "new@example.net": "needsAction"}


def test_s13_deleted_event_is_read_as_cancelled_and_gone_when_deleted_again(client: CalendarClient) -> None:
    made = client.insert_event(DANA, draft(), send_updates="none")
    client.delete_event(DANA, "abc00", etag=made.etag, send_updates="none")
    assert client.get_event(DANA, "abc00").is_cancelled
    with pytest.raises(Gone):
        client.delete_event(DANA, "abc00", send_updates="none")


def test_w14_unknown_event_is_gone(client: CalendarClient) -> None:
    with pytest.raises(Gone):
        client.get_event(DANA, "neverseen")


def test_p2_answer_reaches_the_organiser_and_leaves_the_others(
    sandbox: StandIn, client: CalendarClient
) -> None:
    made = sandbox.control.insert(AMIR, AMIR, body(attendees=[{"email": DANA}, {"email": JO}]))
    sandbox.control.respond(JO, made["id"], "tentative")
    client.respond(DANA, made["id"], "declined", send_updates="none")
    there = {
        each["email"]: each["responseStatus"]
        for each in sandbox.control.get(AMIR, AMIR, made["id"])["attendees"]
    }
    assert (there[DANA], there[JO]) == ("declined", "tentative")


def test_p2_who_is_not_invited_cannot_answer(sandbox: StandIn, client: CalendarClient) -> None:
    made = sandbox.control.insert(DANA, DANA, body())
    with pytest.raises(Refused) as caught:
        client.respond(DANA, made["id"], "declined", send_updates="none")
    assert caught.value.reason == "notInvited"


def test_n1_channel_is_opened_and_stopped(sandbox: StandIn, client: CalendarClient) -> None:
    life = datetime.timedelta(days=1)
    address = "https://crm.example.com/hook"
    channel = client.watch(DANA, channel_id="channel-1", address=address, token="secret", life=life)
    assert channel.resource_id
    assert channel.expires_at is not None
    client.stop("channel-1", channel.resource_id)
    client.stop("channel-1", channel.resource_id)
    assert sandbox.control.channels() == []


# --- what goes wrong ---


@pytest.mark.parametrize(
    "fields", [{"status": 500}, {"status": 503}, {"status": 429}, {"drop_before": True, "count": 9}]
)
def test_q4_passing_trouble_is_for_later_and_leaves_the_account_alone(
    sandbox: StandIn, client: CalendarClient, account: GoogleAccount, fields: dict[str, Any]
) -> None:
    sandbox.fault("calendar.events.list", **fields)
    with pytest.raises(TryLater):
        pull(client)
    account.refresh_from_db()
    assert account.is_connected


def test_q2_retry_after_is_handed_on(sandbox: StandIn, client: CalendarClient) -> None:
    sandbox.fault("calendar.events.list", 403, reason="rateLimitExceeded", headers={"Retry-After": "17"})
    with pytest.raises(TryLater) as caught:
        pull(client)
    assert caught.value.after == datetime.timedelta(seconds=17)
    assert len(sandbox.requests("calendar.events.list")) == 1


def test_q3_usage_limit_is_a_long_wait(sandbox: StandIn, client: CalendarClient) -> None:
    sandbox.fault("calendar.events.insert", 403, reason="quotaExceeded")
    with pytest.raises(TryLater) as caught:
        client.insert_event(DANA, draft(), send_updates="none")
    assert caught.value.after == datetime.timedelta(hours=6)


def test_q4_server_that_is_not_there_is_for_later(account: GoogleAccount, settings: Any) -> None:
    settings.GOOGLE_CALENDAR_API_URL = "http://127.0.0.1:9/calendar/v3/"
    with pytest.raises(TryLater):
        pull(client_for(account))


def test_q4_forbidden_write_is_refused_with_words(sandbox: StandIn, account: GoogleAccount) -> None:
    holidays = next(each for each in client_for(account).list_calendars() if each.summary == "Team holidays")
    with pytest.raises(Refused) as caught:
        client_for(account).insert_event(holidays.google_id, draft(), send_updates="none")
    assert caught.value.reason
    assert caught.value.why.startswith("Google does not allow this")


def test_w13_missing_scope_marks_the_account(sandbox: StandIn, staff: User) -> None:
    account = sandbox.account(staff, scopes=("openid", f"{SCOPE}calendar.calendarlist.readonly"))
    with pytest.raises(Refused) as caught:
        pull(client_for(account))
    assert caught.value.reason == "scope"
    account.refresh_from_db()
    assert account.state == GoogleAccount.State.MISSING


@pytest.mark.parametrize("challenge", ['Bearer realm="https://accounts.example/"', "Bearer", ""])
def test_q4_revoked_access_token_is_renewed_once_and_the_call_goes_through(
    sandbox: StandIn, account: GoogleAccount, challenge: str
) -> None:
    headers = {"WWW-Authenticate": challenge} if challenge else {}
    sandbox.fault("calendar.events.list", 401, reason="authError", headers=headers)
    pull(client_for(account))
    assert len(sandbox.requests("oauth.token")) == 1
    account.refresh_from_db()
    assert account.is_connected


def test_q4_fresh_token_that_is_turned_down_as_well_needs_a_reconnect(
    sandbox: StandIn, account: GoogleAccount
) -> None:
    sandbox.fault("calendar.events.list", 401, reason="authError", count=2)
    with pytest.raises(Reconnect):
        pull(client_for(account))
    account.refresh_from_db()
    assert account.state == GoogleAccount.State.RECONNECT
    assert len(sandbox.requests("oauth.token")) == 1


def test_paused_account_gets_no_client_and_asks_google_nothing(sandbox: StandIn, staff: User) -> None:
    account = sandbox.account(staff, state=GoogleAccount.State.RECONNECT)
    sandbox.control.clear_requests()
    with pytest.raises(Reconnect):
        client_for(account)
    assert sandbox.requests() == []


@pytest.fixture
def mumbling(settings: Any) -> Iterator[list[bytes]]:
    """A server in Google's place whose every answer is the body put here."""
    bodies = [b""]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(bodies[0])))
            self.end_headers()
            self.wfile.write(bodies[0])

        def log_message(self, *args: Any) -> None:
            """Nothing to say."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        settings.GOOGLE_CALENDAR_API_URL = f"http://127.0.0.1:{server.server_port}/calendar/v3/"
        yield bodies
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<html>", TryLater),
        (b"[1]", TryLater),
        (b"", TryLater),
        (b"{}", TryLater),
        (b'{"id": "x"}', Refused),
    ],
)
def test_answer_that_makes_no_sense_is_an_error_the_caller_knows(
    account: GoogleAccount, mumbling: list[bytes], content: bytes, kind: type[GoogleError]
) -> None:
    mumbling[0] = content
    with client_for(account) as client, pytest.raises(kind):
        client.get_event(DANA, "x")


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"<html>"])
def test_empty_answer_to_a_list_is_asked_for_again(
    account: GoogleAccount, mumbling: list[bytes], content: bytes
) -> None:
    """Not an empty calendar, and no refusal that waits for an hour."""
    mumbling[0] = content
    with client_for(account) as client:
        with pytest.raises(TryLater):
            list(client.list_events(DANA))
        with pytest.raises(TryLater):
            client.list_calendars()


# --- the library ---


@pytest.mark.parametrize(
    "url", ["https://host.example/calendar/v3/", "http://127.0.0.1:81/deep/er/calendar/v3/"]
)
def test_api_address_moves_single_calls_and_batches(url: str) -> None:
    service = library.service_at(url)
    assert service.events().list(calendarId="a@b.c").uri.startswith(f"{url}calendars/a%40b.c/events")
    assert service._baseUrl == url
    assert service.new_batch_http_request()._batch_uri.startswith(url.removesuffix("calendar/v3/"))


def test_threads_with_a_client_each_get_their_own_answers(sandbox: StandIn, account: GoogleAccount) -> None:
    """One shared client hands answers to the wrong thread without an error; ours are never shared."""
    for number in range(4):
        client_for(account).insert_event(
            DANA, draft(f"abc0{number}", summary=f"E{number}"), send_updates="none"
        )
    clients = [client_for(account) for _ in range(4)]
    wrong: list[str] = []

    def ask(number: int) -> None:
        for _ in range(10):
            event = clients[number].get_event(DANA, f"abc0{number}")
            if event.summary != f"E{number}":
                wrong.append(event.summary)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_web_start_does_not_import_googles_library() -> None:
    code = (
        "import django, sys; django.setup(); import config.urls; from integrations.google import client, oauth;"
        "print([name for name in ('googleapiclient', 'google_auth_oauthlib') if name in sys.modules])"
    )
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEBUG": "1",
        "DATABASE_URL": "sqlite://:memory:",
    }
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert answer.stdout.strip() == "[]"
