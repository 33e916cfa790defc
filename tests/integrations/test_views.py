"""Settings → Integrations, and the whole way to Google and back through its pages."""

import datetime
import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from calendars.tasks import list_calendars
from contacts.models import User
from integrations import connecting
from integrations.connecting import connect_account
from integrations.google.answers import QUOTA_WAIT
from integrations.google.errors import Refused
from integrations.google.oauth import Grant
from integrations.models import GoogleAccount, GoogleCalendar
from integrations.signals import account_connected, account_disconnecting, sync_requested
from tests.integrations.stand_in import AMIR, DANA, StandIn

State = GoogleAccount.State
PAGE = "/settings/integrations/"
CALLBACK = "/settings/integrations/google/callback/"
SCOPE = "https://www.googleapis.com/auth/"
NOW = datetime.datetime(2026, 11, 2, 9, tzinfo=datetime.UTC)


def depart(signed_in: Client, account: GoogleAccount | None = None) -> str:
    """Google's address that the button leads to."""
    url = reverse("integrations:reconnect", args=[account.pk]) if account else reverse("integrations:connect")
    answer = signed_in.post(url)
    assert answer.status_code == 302
    return str(answer["Location"])


def arrive(signed_in: Client, back: str) -> list[str]:
    """Follows Google's redirect; the messages the page then shows."""
    parts = urlsplit(back)
    assert parts.path == CALLBACK
    return told(signed_in.get(f"{parts.path}?{parts.query}", follow=True))


def told(answer: Any) -> list[str]:
    """The messages of a page that was followed to."""
    return [str(message) for message in answer.context["messages"]]


def go(
    sandbox: StandIn, signed_in: Client, *, person: str = DANA, account: Any = None, **choice: Any
) -> list[str]:
    return arrive(signed_in, sandbox.control.authorize(depart(signed_in, account), person, **choice))


@pytest.fixture
def heard() -> Any:
    """The names of the signals sent, with the account each carried."""
    seen: list[tuple[str, int]] = []
    signals = {"connected": account_connected, "disconnecting": account_disconnecting, "sync": sync_requested}

    def listener(name: str) -> Any:
        def listen(sender: Any, account_id: int, **more: Any) -> None:
            seen.append((name, account_id))

        return listen

    listeners = [(signal, listener(name)) for name, signal in signals.items()]
    for signal, listen in listeners:
        signal.connect(listen)
    yield seen
    for signal, listen in listeners:
        signal.disconnect(listen)


# --- the way there ---


def test_a1_a2_a6_person_is_sent_with_state_pkce_offline_access_and_exactly_these_scopes(
    sandbox: StandIn, signed_in: Client
) -> None:
    url = urlsplit(depart(signed_in))
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{sandbox.url}/o/oauth2/v2/auth"
    assert query["redirect_uri"] == f"http://localhost{CALLBACK}"
    assert set(query["scope"].split()) == {
        "openid",
        f"{SCOPE}userinfo.email",
        f"{SCOPE}calendar.events",
        f"{SCOPE}calendar.calendarlist.readonly",
    }
    assert (query["access_type"], query["include_granted_scopes"], query["prompt"]) == (
        "offline",
        "true",
        "consent",
    )
    assert (query["code_challenge_method"], query["response_type"]) == ("S256", "code")
    assert len(query["state"]) >= 40
    assert "code_verifier" not in query


def test_redirect_address_is_the_public_one_where_the_site_knows_it(
    sandbox: StandIn, signed_in: Client, settings: Any
) -> None:
    settings.PUBLIC_BASE_URL = "https://crm.example.com"
    assert parse_qs(urlsplit(depart(signed_in)).query)["redirect_uri"] == [
        f"https://crm.example.com{CALLBACK}"
    ]


def test_a1_a7_reconnect_of_a_working_account_does_not_ask_for_consent_and_names_the_account(
    sandbox: StandIn, signed_in: Client, staff: User
) -> None:
    working = parse_qs(urlsplit(depart(signed_in, sandbox.account(staff))).query)
    assert working["login_hint"] == [DANA]
    assert "prompt" not in working
    paused = sandbox.account(staff, AMIR, state=State.RECONNECT)
    assert parse_qs(urlsplit(depart(signed_in, paused)).query)["prompt"] == ["consent"]


def test_nobody_is_sent_to_google_where_it_is_not_set_up(signed_in: Client, settings: Any) -> None:
    settings.GOOGLE_CLIENT_ID = ""
    assert "not set up" in told(signed_in.post(reverse("integrations:connect"), follow=True))[0]


# --- and back ---


def test_whole_way_through_googles_pages_connects_the_account(
    sandbox: StandIn, signed_in: Client, staff: User
) -> None:
    google = requests.Session()
    with google:
        consent = google.get(depart(signed_in), timeout=5)
        back = press_through(google, consent)
    messages = arrive(signed_in, back)
    account = GoogleAccount.objects.get(user=staff)
    assert messages[0].startswith(f"{account.address} is connected, with ")
    assert account.is_connected
    assert account.subject == sandbox.subject(account.address)


def press_through(google: requests.Session, page: requests.Response) -> str:
    """Chooses an account, ticks every box and allows; the address Google then redirects to."""
    for _ in range(4):
        assert page.ok, page.text
        form = re.search(r"<form[^>]*action=\"([^\"]+)\"[^>]*>(.*?)</form>", page.text, re.S)
        assert form, page.text
        fields = [
            (unescape(name), unescape(value))
            for tag in re.findall(r"<(?:input|button)[^>]*>", form[2])
            if (name := attribute(tag, "name")) and not is_denial(tag)
            for value in [attribute(tag, "value")]
        ]
        once = list(dict(reversed(fields)).items()) if page.url.endswith("/chooser") else fields
        target = requests.compat.urljoin(page.url, unescape(form[1]))
        answer = google.post(target, data=once, timeout=5, allow_redirects=False)
        if answer.is_redirect:
            location = requests.compat.urljoin(target, answer.headers["Location"])
            if urlsplit(location).path == CALLBACK:
                return location
            answer = google.get(location, timeout=5)
        page = answer
    raise AssertionError(page.text)


def attribute(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return found[1] if found else ""


def is_denial(tag: str) -> bool:
    return "deny" in tag.lower() or "cancel" in tag.lower()


def test_a10_connected_account_has_its_grant_sealed_and_its_calendars_listed(
    sandbox: StandIn,
    signed_in: Client,
    staff: User,
    heard: list[Any],
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        messages = go(sandbox, signed_in)
    account = GoogleAccount.objects.get(user=staff)
    assert messages == ["dana@example.com is connected, with 4 calendars."]
    assert (account.address, account.subject, account.state) == (DANA, sandbox.subject(), State.CONNECTED)
    stored = GoogleAccount.objects.filter(pk=account.pk).values_list("refresh_token", "access_token")[0]
    assert all(str.__str__(sealed).startswith("gAAAA") for sealed in stored)
    assert account.calendars.get(is_primary=True).google_id == DANA
    assert account.calendars.get(summary="Team holidays").access_role == "reader"
    assert account.calendars.exclude(next_pull_at=None).count() == 0
    assert heard == [("connected", account.pk)]


def test_a2_answer_counts_once(sandbox: StandIn, signed_in: Client) -> None:
    back = sandbox.control.authorize(depart(signed_in), DANA)
    arrive(signed_in, back)
    assert "belongs to no connection" in arrive(signed_in, back)[0]


@pytest.mark.parametrize("state", ["", "invented"])
def test_a2_foreign_state_is_refused_before_google_is_asked(
    sandbox: StandIn, signed_in: Client, state: str
) -> None:
    depart(signed_in)
    query = urlencode({"state": state, "code": "4/0stolen"})
    assert "belongs to no connection" in told(signed_in.get(f"{CALLBACK}?{query}", follow=True))[0]
    assert sandbox.requests("oauth.token") == []


def test_a2_answer_in_another_users_browser_is_refused(sandbox: StandIn, signed_in: Client) -> None:
    back = sandbox.control.authorize(depart(signed_in), DANA)
    other = Client(headers={"host": "localhost"})
    other.force_login(User.objects.create_user("other@tandem.example"))
    assert "belongs to no connection" in arrive(other, back)[0]
    assert not GoogleAccount.objects.exists()


def test_a2_session_that_changed_hands_loses_what_was_started(sandbox: StandIn, signed_in: Client) -> None:
    back = sandbox.control.authorize(depart(signed_in), DANA)
    session = signed_in.session
    waiting = session["google_departures"]
    signed_in.force_login(User.objects.create_user("other@tandem.example"))
    session = signed_in.session
    session["google_departures"] = waiting
    session.save()
    assert "belongs to no connection" in arrive(signed_in, back)[0]


def test_a2_answer_after_ten_minutes_is_too_late(sandbox: StandIn, signed_in: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        back = sandbox.control.authorize(depart(signed_in), DANA)
        clock.shift(datetime.timedelta(minutes=10, seconds=1))
        assert "belongs to no connection" in arrive(signed_in, back)[0]


def test_a3_denial_is_told_and_connects_nothing(sandbox: StandIn, signed_in: Client) -> None:
    assert go(sandbox, signed_in, deny=True) == [
        "Nothing was connected: it was not allowed on Google's page."
    ]
    assert not GoogleAccount.objects.exists()


def with_code(back: str, code: str) -> str:
    """The address that Google sends people back to, with another code."""
    parts = urlsplit(back)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | {"code": code}
    return f"http://localhost{parts.path}?{urlencode(query)}"


def test_code_that_google_refuses_is_told(sandbox: StandIn, signed_in: Client) -> None:
    back = sandbox.control.authorize(depart(signed_in), DANA)
    messages = arrive(signed_in, with_code(back, "4/0wrong"))
    assert messages == ["Google's answer was too old or used already. Connect again."]


@pytest.mark.parametrize("method", ["oauth.token", "oauth.userinfo"])
def test_google_that_fails_on_the_way_back_is_told(sandbox: StandIn, signed_in: Client, method: str) -> None:
    back = sandbox.control.authorize(depart(signed_in), DANA)
    sandbox.fault(method, drop_before=True, count=9)
    assert arrive(signed_in, back) == ["Google could not be reached."]
    assert not GoogleAccount.objects.exists()


def test_answer_without_a_code_is_told(sandbox: StandIn, signed_in: Client) -> None:
    back = sandbox.control.authorize(depart(signed_in), DANA)
    messages = arrive(signed_in, with_code(back, ""))
    assert messages == ["Google could not answer just now. Connect again in a moment."]


@pytest.mark.parametrize("status", [429, 403, 500])
def test_w13_refusal_of_a_code_in_the_other_envelope_is_told_in_words(
    sandbox: StandIn, signed_in: Client, status: int
) -> None:
    back = sandbox.control.authorize(depart(signed_in), DANA)
    sandbox.fault("oauth.token", status)
    assert arrive(signed_in, back) == ["Google could not answer just now. Connect again in a moment."]


@pytest.mark.parametrize("body", ["[]", "null", "1", '"x"', "<html>", ""])
def test_token_answer_that_is_none_is_told_in_words(
    sandbox: StandIn, signed_in: Client, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = sandbox.control.authorize(depart(signed_in), DANA)

    def answered(self: requests.Session, *args: object, **options: object) -> requests.Response:
        answer = requests.Response()
        answer.status_code, answer._content = 200, body.encode()
        answer.request = requests.Request("POST", "http://localhost/token").prepare()
        return answer

    monkeypatch.setattr(requests.Session, "request", answered)
    assert arrive(signed_in, back) == ["Google could not answer just now. Connect again in a moment."]
    assert not GoogleAccount.objects.exists()


def test_id_token_counts_where_userinfo_says_nothing(
    sandbox: StandIn, signed_in: Client, staff: User
) -> None:
    back = sandbox.control.authorize(depart(signed_in), DANA)
    sandbox.fault("oauth.userinfo", 404, reason="notFound")
    arrive(signed_in, back)
    assert GoogleAccount.objects.get(user=staff).subject == sandbox.subject()


def test_a4_unticked_permission_is_named_and_offered_again(
    sandbox: StandIn, signed_in: Client, staff: User
) -> None:
    messages = go(sandbox, signed_in, scopes=("calendar.calendarlist.readonly",))
    account = GoogleAccount.objects.get(user=staff)
    assert account.state == State.MISSING
    assert messages == [f"{account.address} is connected, but a permission is missing."]
    page = signed_in.get(PAGE).content.decode()
    assert page.count("ermission is missing") == 1
    assert 'class="banner"' not in page
    assert "see and change the events of your calendars" in page
    assert "Grant it" in page
    go(sandbox, signed_in, account=account)
    account.refresh_from_db()
    assert account.is_connected


def test_a4_account_that_may_not_list_calendars_is_kept(
    sandbox: StandIn, signed_in: Client, staff: User
) -> None:
    go(sandbox, signed_in, scopes=("calendar.events",))
    account = GoogleAccount.objects.get(user=staff)
    assert (account.state, account.calendars.count()) == (State.MISSING, 0)
    assert "see the list of your calendars" in signed_in.get(PAGE).content.decode()


def test_calendars_that_could_not_be_listed_leave_the_connection_standing(
    sandbox: StandIn, signed_in: Client, staff: User
) -> None:
    back = sandbox.control.authorize(depart(signed_in), DANA)
    sandbox.fault("calendar.calendarList.list", 503)
    assert "its calendars are not listed yet" in arrive(signed_in, back)[0]
    account = GoogleAccount.objects.get(user=staff)
    assert account.is_connected
    signed_in.post(reverse("integrations:list_again", args=[account.pk]))
    assert account.calendars.count() == 4
    account.refresh_from_db()
    assert (account.last_error, account.failures, account.not_before) == ("", 0, None)


def test_calendars_that_could_not_be_listed_are_asked_for_by_themselves(
    sandbox: StandIn, signed_in: Client, staff: User
) -> None:
    back = sandbox.control.authorize(depart(signed_in), DANA)
    sandbox.fault("calendar.calendarList.list", 503, count=3)
    arrive(signed_in, back)
    account, tries = GoogleAccount.objects.get(user=staff), []
    for _ in range(2):
        list_calendars(account.pk)  # not yet
        assert account.not_before is not None
        tries.append(account.not_before)
        with time_machine.travel(account.not_before, tick=False):
            assert list(connecting.unlisted(timezone.now())) == [account]
            list_calendars(account.pk)
            account.refresh_from_db()
    assert account.not_before is not None
    assert account.not_before - tries[1] > tries[1] - tries[0]
    assert account.calendars.count() == 0
    assert "We wait until" in signed_in.get(PAGE).content.decode()
    with time_machine.travel(account.not_before, tick=False):
        list_calendars(account.pk)
    account.refresh_from_db()
    assert account.calendars.count() == 4
    assert (account.last_error, account.failures, account.not_before) == ("", 0, None)


def test_sync_now_of_an_account_without_calendars_asks_for_them(
    sandbox: StandIn, signed_in: Client, staff: User
) -> None:
    back = sandbox.control.authorize(depart(signed_in), DANA)
    sandbox.fault("calendar.calendarList.list", 503)
    arrive(signed_in, back)
    account = GoogleAccount.objects.get(user=staff)
    sync_now = reverse("integrations:sync_now", args=[account.pk])
    assert told(signed_in.post(sync_now, follow=True)) == [
        "Google could not answer just now. Its calendars are asked for again by itself."
    ]
    GoogleAccount.objects.update(not_before=None)
    assert told(signed_in.post(sync_now, follow=True)) == [f"Google lists 4 calendars for {account.address}."]


def test_a1_grant_without_a_lasting_token_is_refused_where_none_is_held(
    sandbox: StandIn, staff: User
) -> None:
    grant = Grant("1", DANA, ("openid",), NOW, "access", "")
    with pytest.raises(Refused) as caught:
        connect_account(staff, grant)
    assert caught.value.reason == "noRefreshToken"


# --- again ---


def test_a8_reconnect_keeps_the_rows_and_the_refresh_token(
    sandbox: StandIn, signed_in: Client, staff: User
) -> None:
    go(sandbox, signed_in)
    account = GoogleAccount.objects.get(user=staff)
    calendars = set(account.calendars.values_list("pk", flat=True))
    refresh_token = account.refresh_token.open()
    go(sandbox, signed_in, account=account)
    again = GoogleAccount.objects.get(user=staff)
    assert again.pk == account.pk
    assert again.refresh_token.open() == refresh_token
    assert set(again.calendars.values_list("pk", flat=True)) == calendars


def test_banner_of_a_dead_grant_says_that_times_may_be_out_of_date(
    sandbox: StandIn, signed_in: Client, staff: User
) -> None:
    account = sandbox.connected(staff)
    assert "may be out of date" not in signed_in.get("/contacts/").content.decode()
    GoogleAccount.objects.filter(pk=account.pk).update(state=State.RECONNECT, last_error="dead")
    page = signed_in.get("/contacts/").content.decode()
    assert "Its last known times keep blocking, and may be out of date." in page
    GoogleAccount.objects.filter(pk=account.pk).update(last_pull_at=NOW)
    page = " ".join(re.sub(r"<[^>]+>", "", signed_in.get("/contacts/").content.decode()).split())
    assert re.search(r"Its times of \d+ \w+, \d\d:\d\d keep blocking, and may be out of date\.", page)


def test_reconnect_heals_a_paused_account(sandbox: StandIn, signed_in: Client, staff: User) -> None:
    account = sandbox.connected(staff)
    sandbox.control.revoke(DANA)
    GoogleAccount.objects.filter(pk=account.pk).update(
        state=State.RECONNECT, mailed_at=NOW, last_error="dead"
    )
    account.calendars.filter(is_primary=True).update(failures=1, last_error="dead")
    go(sandbox, signed_in, account=account)
    account.refresh_from_db()
    assert (account.state, account.mailed_at, account.last_error) == (State.CONNECTED, None, "")
    assert not account.calendars.exclude(failures=0, last_error="").exists()


def test_a3_reconnecting_as_another_google_account_is_refused_with_words(
    sandbox: StandIn, signed_in: Client, staff: User
) -> None:
    account = sandbox.connected(staff)
    messages = go(sandbox, signed_in, person=AMIR, account=account)
    assert "you chose amir@example.com, but this connection is dana@example.com" in messages[0]
    assert list(GoogleAccount.objects.values_list("address", flat=True)) == [DANA]
    # The grant nobody wanted is given back.
    assert len(sandbox.requests("oauth.revoke")) == 1


def test_user_connects_several_google_accounts(sandbox: StandIn, signed_in: Client, staff: User) -> None:
    go(sandbox, signed_in)
    go(sandbox, signed_in, person=AMIR)
    assert list(GoogleAccount.objects.filter(user=staff).values_list("address", flat=True)) == [AMIR, DANA]


def test_w14_calendar_that_vanished_is_marked_and_comes_back_as_the_same_row(
    sandbox: StandIn, signed_in: Client, staff: User
) -> None:
    account = sandbox.connected(staff)
    holidays = account.calendars.get(summary="Team holidays")
    refresh = reverse("integrations:list_again", args=[account.pk])
    sandbox.control.share(holidays.google_id, DANA, None)
    signed_in.post(refresh)
    holidays.refresh_from_db()
    assert holidays.gone_at is not None
    sandbox.control.share(holidays.google_id, DANA, "writer")
    signed_in.post(refresh)
    holidays.refresh_from_db()
    assert (holidays.gone_at, holidays.access_role) == (None, "writer")


def test_card_says_that_google_has_not_told_the_calendars_for_days(
    sandbox: StandIn, signed_in: Client, staff: User
) -> None:
    account = sandbox.connected(staff)
    account.calendars.update(next_pull_at=timezone.now())
    said = "Google has not listed this account's calendars since"
    assert said not in signed_in.get(PAGE).content.decode()
    GoogleAccount.objects.update(listed_at=timezone.now() - datetime.timedelta(days=3))
    assert said in signed_in.get(PAGE).content.decode()
    signed_in.post(reverse("integrations:list_again", args=[account.pk]))
    assert said not in signed_in.get(PAGE).content.decode()


# --- away ---


def test_a9_disconnect_erases_tokens_stops_pulls_and_revokes(
    sandbox: StandIn,
    signed_in: Client,
    staff: User,
    heard: list[Any],
    django_capture_on_commit_callbacks: Any,
) -> None:
    account = sandbox.connected(staff)
    account.calendars.update(next_pull_at=NOW)
    refresh_token = account.refresh_token.open()
    with django_capture_on_commit_callbacks(execute=True):
        answer = signed_in.post(reverse("integrations:disconnect", args=[account.pk]), follow=True)
    account.refresh_from_db()
    assert (account.state, account.access_token, account.refresh_token) == (State.DISCONNECTED, "", "")
    assert not account.calendars.exclude(next_pull_at=None).exists()
    assert account.calendars.count() == 4
    assert heard == [("disconnecting", account.pk)]
    assert "Contacts and appointments stayed" in told(answer)[0]
    assert sandbox.control.sandbox.oauth.token(refresh_token) is None


def test_a9_grant_stays_while_another_connection_lives_by_it(
    sandbox: StandIn, signed_in: Client, staff: User, django_capture_on_commit_callbacks: Any
) -> None:
    account = sandbox.connected(staff)
    sandbox.account(User.objects.create_user("other@tandem.example"))
    with django_capture_on_commit_callbacks(execute=True):
        signed_in.post(reverse("integrations:disconnect", args=[account.pk]))
    assert sandbox.requests("oauth.revoke") == []


@pytest.mark.parametrize("fault", [{"status": 500}, {"drop_before": True, "count": 9}])
def test_a9_failing_revoke_does_not_block_a_disconnect(
    sandbox: StandIn,
    signed_in: Client,
    staff: User,
    fault: dict[str, Any],
    django_capture_on_commit_callbacks: Any,
) -> None:
    account = sandbox.connected(staff)
    sandbox.fault("oauth.revoke", **fault)
    with django_capture_on_commit_callbacks(execute=True):
        signed_in.post(reverse("integrations:disconnect", args=[account.pk]))
    account.refresh_from_db()
    assert account.state == State.DISCONNECTED


@pytest.mark.django_db(transaction=True)
def test_a9_failing_revoke_is_told(sandbox: StandIn, signed_in: Client, staff: User) -> None:
    account = sandbox.connected(staff)
    sandbox.fault("oauth.revoke", 500)
    answer = signed_in.post(reverse("integrations:disconnect", args=[account.pk]), follow=True)
    assert told(answer)[1].startswith("Google did not confirm that it took the permission back.")


@pytest.mark.django_db(transaction=True)
def test_a9_token_that_cannot_be_opened_is_not_called_given_back(
    sandbox: StandIn, signed_in: Client, staff: User, settings: Any
) -> None:
    account = sandbox.connected(staff)
    settings.TOKEN_ENCRYPTION_KEYS = ["MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="]
    answer = signed_in.post(reverse("integrations:disconnect", args=[account.pk]), follow=True)
    assert told(answer)[1].startswith("Google did not confirm that it took the permission back.")


def test_disconnected_account_is_connected_again_as_the_same_rows(
    sandbox: StandIn, signed_in: Client, staff: User, django_capture_on_commit_callbacks: Any
) -> None:
    account = sandbox.connected(staff)
    with django_capture_on_commit_callbacks(execute=True):
        signed_in.post(reverse("integrations:disconnect", args=[account.pk]))
    go(sandbox, signed_in)
    again = GoogleAccount.objects.get(user=staff)
    assert (again.pk, again.is_connected, again.calendars.count()) == (account.pk, True, 4)


# --- now ---


def test_sync_now_makes_the_calendars_due_that_are_read(
    sandbox: StandIn,
    signed_in: Client,
    staff: User,
    heard: list[Any],
    django_capture_on_commit_callbacks: Any,
) -> None:
    account = sandbox.connected(staff, not_before=NOW + datetime.timedelta(minutes=5))
    later = NOW + datetime.timedelta(minutes=4)
    primary = sandbox.primary(account)
    GoogleCalendar.objects.filter(pk=primary.pk).update(next_pull_at=later)
    with time_machine.travel(NOW, tick=False), django_capture_on_commit_callbacks(execute=True):
        answer = signed_in.post(reverse("integrations:sync_now", args=[account.pk]), follow=True)
        assert list(GoogleCalendar.objects.due(NOW)) == [primary]
    assert told(answer) == ["Pulling dana@example.com now."]
    assert account.calendars.exclude(next_pull_at=None).count() == 1
    assert heard == [("sync", account.pk)]


def test_q3_sync_now_does_not_lift_a_usage_limit(sandbox: StandIn, signed_in: Client, staff: User) -> None:
    until = NOW + QUOTA_WAIT
    account = sandbox.connected(staff, not_before=until)
    account.calendars.update(next_pull_at=NOW)
    with time_machine.travel(NOW, tick=False):
        answer = signed_in.post(reverse("integrations:sync_now", args=[account.pk]), follow=True)
    account.refresh_from_db()
    assert account.not_before == until
    # The wait is ours: Google names none.
    assert told(answer)[0].startswith("We wait until")


def test_sync_now_without_a_calendar_to_read_says_where_to_choose_one(
    sandbox: StandIn, signed_in: Client, staff: User
) -> None:
    account = sandbox.connected(staff)
    answer = signed_in.post(reverse("integrations:sync_now", args=[account.pk]), follow=True)
    assert "Choose one in Settings, Profile" in told(answer)[0]


# --- the page ---


@pytest.mark.parametrize("verb", ["sync_now", "reconnect", "disconnect", "list_again"])
def test_accounts_of_others_are_not_found(sandbox: StandIn, signed_in: Client, verb: str) -> None:
    foreign = sandbox.account(User.objects.create_user("other@tandem.example"))
    assert signed_in.post(reverse(f"integrations:{verb}", args=[foreign.pk])).status_code == 404
    assert signed_in.get(reverse("integrations:account", args=[foreign.pk])).status_code == 404
    foreign.refresh_from_db()
    assert foreign.is_connected


@pytest.mark.parametrize("verb", ["sync_now", "reconnect", "disconnect", "list_again"])
def test_looking_changes_nothing(sandbox: StandIn, signed_in: Client, staff: User, verb: str) -> None:
    account = sandbox.account(staff)
    assert signed_in.get(reverse(f"integrations:{verb}", args=[account.pk])).status_code == 405


def test_page_wants_a_sign_in(db: None) -> None:
    assert Client().get(PAGE)["Location"].startswith("/accounts/login/")


def test_empty_page_has_one_clear_button(signed_in: Client) -> None:
    page = signed_in.get(PAGE).content.decode()
    assert page.count("Connect Google Calendar") == 1
    assert "Connect another account" not in page


def test_page_says_what_to_set_where_google_is_not_set_up(signed_in: Client, settings: Any) -> None:
    settings.GOOGLE_CLIENT_ID = ""
    page = signed_in.get(PAGE).content.decode()
    assert "GOOGLE_CLIENT_ID" in page
    assert f"http://localhost{CALLBACK}" in page
    assert '<button class="btn btn-primary">' not in page


def test_page_says_how_each_account_is(sandbox: StandIn, signed_in: Client, staff: User) -> None:
    account = sandbox.connected(
        staff, queue_length=7, last_push_at=NOW, last_error="Google could not answer just now."
    )
    GoogleCalendar.objects.filter(pk=sandbox.primary(account).pk).update(
        next_pull_at=NOW + datetime.timedelta(minutes=5), last_pull_at=NOW - datetime.timedelta(minutes=42)
    )
    with time_machine.travel(NOW, tick=False):
        page = signed_in.get(PAGE).content.decode()
    for words in (
        DANA,
        "Connected",
        "42 min",
        "stale",
        ">7<",
        "Google could not answer just now.",
        "Sync now",
        "Can read",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("state", "words", "button"),
    [
        (State.RECONNECT, "no longer accepts this connection", "Reconnect"),
        (State.DISCONNECTED, "Nothing is read or sent", "Reconnect"),
    ],
)
def test_page_says_what_to_do_next(
    sandbox: StandIn, signed_in: Client, staff: User, state: str, words: str, button: str
) -> None:
    sandbox.account(staff, state=state)
    page = signed_in.get(PAGE).content.decode()
    assert words in page
    assert button in page
    assert "Sync now" not in page


def test_broken_account_is_told_on_every_other_page(sandbox: StandIn, signed_in: Client, staff: User) -> None:
    sandbox.account(staff, state=State.RECONNECT)
    assert 'class="banner"' in signed_in.get("/contacts/").content.decode()
    # There, its card says it.
    assert 'class="banner"' not in signed_in.get(PAGE).content.decode()


def test_card_asks_for_itself_again_only_while_a_pull_is_under_way(
    sandbox: StandIn, signed_in: Client, staff: User
) -> None:
    account = sandbox.connected(staff)
    card = reverse("integrations:account", args=[account.pk])
    assert "hx-trigger" not in signed_in.get(card).content.decode()
    account.calendars.filter(is_primary=True).update(next_pull_at=timezone.now())
    assert "hx-trigger" in signed_in.get(card).content.decode()


def test_page_makes_the_same_queries_for_one_and_three_accounts(signed_in: Client, staff: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            signed_in.get(PAGE)
        return len(counted)

    add(staff, 1)
    one = queries()
    add(staff, 2)
    add(staff, 3)
    assert queries() == one


def add(user: User, number: int) -> None:
    account = GoogleAccount.objects.create(user=user, subject=str(number), address=f"a{number}@example.com")
    for calendar in range(number):
        GoogleCalendar.objects.create(account=account, google_id=str(calendar), access_role="owner")


# --- the words of a card ---


def card_of(signed_in: Client, account: GoogleAccount) -> str:
    with time_machine.travel(NOW, tick=False):
        return signed_in.get(reverse("integrations:account", args=[account.pk])).content.decode()


def test_refused_calendar_is_named_with_the_time_of_its_next_try(
    sandbox: StandIn, signed_in: Client, staff: User
) -> None:
    # Another calendar of the account worked since.
    account = sandbox.connected(staff, last_error="", failures=0)
    primary = sandbox.primary(account)
    GoogleCalendar.objects.filter(pk=primary.pk).update(
        failures=1, last_error="Google no longer shows it.", next_pull_at=NOW + datetime.timedelta(hours=1)
    )
    until = timezone.localtime(NOW + datetime.timedelta(hours=1))
    card = card_of(signed_in, account)
    assert (
        f"{primary}</strong>: Google no longer shows it. It is tried again by itself at {until:%H:%M}."
        in card
    )
    assert f"tried again at {until:%H:%M}" in card


def test_wait_is_told_as_ours(sandbox: StandIn, signed_in: Client, staff: User) -> None:
    account = sandbox.connected(staff, not_before=NOW + QUOTA_WAIT, last_error="The limit is reached.")
    card = card_of(signed_in, account)
    assert "Google asked us" not in card
    assert "We wait until" in card
    assert "The limit is reached." in card


def test_paused_account_shows_no_green_meter(sandbox: StandIn, signed_in: Client, staff: User) -> None:
    account = sandbox.connected(staff)
    account.calendars.filter(is_primary=True).update(next_pull_at=NOW, last_pull_at=NOW)
    assert "up to date" in card_of(signed_in, account)
    assert "<meter" in card_of(signed_in, account)
    GoogleAccount.objects.filter(pk=account.pk).update(state=State.RECONNECT)
    card = card_of(signed_in, account)
    assert "<meter" not in card
    assert "paused" in card
    assert "nothing is read or sent" in card
    assert "up to date" not in card


def test_failures_say_what_they_count(sandbox: StandIn, signed_in: Client, staff: User) -> None:
    account = sandbox.connected(staff, failures=3)
    assert "failed tries in a row, in all calendars" in card_of(signed_in, account)
