"""Push channels, both sides real: Google's stand-in sends over https, our pages take it, the worker pulls.

Names carry the numbers of Google's rules for channels (N1 to N11).
"""

import datetime
import urllib.robotparser
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from calendars import booking
from calendars.configuring import save_configuration, values_of
from calendars.sync.turn import CLAIM, take_turn
from calendars.tasks import pull_calendar
from contacts.models import Appointment
from integrations import channels
from integrations.connecting import refresh_calendars
from integrations.disconnecting import disconnect_account
from integrations.google.client import client_for
from integrations.google.errors import TryLater
from integrations.models import Channel, GoogleAccount, GoogleCalendar
from integrations.sandbox import RunningServer, Sandbox
from integrations.sandbox.faults import Fault
from tests.calendars.notices import LIST, STOP, WATCH, Site
from tests.factories import ContactFactory, UserFactory
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google
from tests.tls import Authority, serve_over_tls

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE, DAY = datetime.timedelta(minutes=1), datetime.timedelta(days=1)
NOTIFY = "/integrations/google/notify/"
PAGE = "/settings/integrations/"
State = Channel.State


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def site(
    google: Google,
    sandbox_server: tuple[Sandbox, RunningServer],
    authority: Authority,
    settings: Any,
    transactional_db: None,
) -> Iterator[Site]:
    with serve_over_tls(authority) as url:
        settings.PUBLIC_BASE_URL = url
        site = Site(url, google, sandbox_server[0])
        with site.reachable(authority):
            yield site


@pytest.fixture
def desk(site: Site) -> Desk:
    """Connected, pulled, and told of changes from here on."""
    desk = Desk(site.google)
    desk.turn()
    site.sweep()
    site.google.control.clear_requests()
    return desk


def only() -> Channel:
    return Channel.objects.get()


def travel(moment: datetime.datetime, site: Site) -> Any:
    """Both sides at `moment`."""
    site.google.control.set_clock(moment)
    return time_machine.travel(moment, tick=False)


def tell(site: Site, channel: Channel, **changed: str | None) -> Any:
    """A message as Google would send it over this channel, but for what is `changed`; through no network."""
    [real] = [each for each in site.google.control.channels() if each.id == channel.channel_id]
    headers = {
        "X-Goog-Channel-ID": real.id,
        "X-Goog-Channel-Token": real.token,
        "X-Goog-Resource-ID": real.resource_id,
        "X-Goog-Resource-State": "exists",
        "X-Goog-Message-Number": str(real.number + 1),
    }
    named = {f"X-Goog-{name.replace('_', '-')}": value for name, value in changed.items()}
    return Client().post(
        NOTIFY, headers={name: value for name, value in (headers | named).items() if value is not None}
    )


def next_pull(desk: Desk) -> datetime.datetime | None:
    return GoogleCalendar.objects.get(pk=desk.google_calendar.pk).next_pull_at


# --- a change travels ---


def test_n5_from_a_change_in_google_to_the_appointment_is_one_pull_at_once(site: Site, desk: Desk) -> None:
    site.google.add(desk.address, guests=("new.person@x.org",))
    assert site.statuses()[-1] == 204
    assert site.drain() == [("pull_calendar", [desk.google_calendar.pk])]
    pull_calendar(desk.google_calendar.pk)
    assert Appointment.objects.get().starts_at == TOMORROW_AT_TEN
    assert site.count(LIST) == 1
    assert site.work() == []


def test_n5_many_messages_are_one_pull(site: Site, desk: Desk) -> None:
    for number in range(5):
        site.google.add(desk.address, guests=(f"guest{number}@x.org",))
        assert site.statuses()[-1] == 204
    assert site.work() == ["pull_calendar"]
    assert site.count(LIST) == 1
    assert Appointment.objects.count() == 5


def test_n5_several_tasks_for_one_calendar_are_one_pull(site: Site, desk: Desk) -> None:
    site.google.add(desk.address)
    site.statuses()
    for _ in range(3):
        pull_calendar(desk.google_calendar.pk)
    assert site.count(LIST) == 1


@pytest.mark.parametrize("finds", [True, False])
def test_n5_change_that_arrives_during_a_pull_is_pulled_afterwards(
    site: Site, desk: Desk, finds: bool
) -> None:
    if finds:
        site.google.add(desk.address, guests=("first@x.org",))
        site.statuses()
    site.drain()
    GoogleCalendar.objects.update(next_pull_at=NOW - MINUTE)
    site.meanwhile[LIST] = lambda: site.google.add(desk.address, guests=("late@x.org",))
    pull_calendar(desk.google_calendar.pk)
    # The notice itself queued nothing: the calendar was in a worker's hands, and that worker asks once more.
    assert site.drain() == [("pull_calendar", [desk.google_calendar.pk])]
    assert Appointment.objects.count() == finds
    pull_calendar(desk.google_calendar.pk)
    assert Appointment.objects.count() == finds + 1
    assert site.work() == []
    assert site.count(LIST) == 2


def test_change_that_arrives_while_a_dead_worker_holds_the_calendar_waits_for_the_sweep(
    site: Site, desk: Desk
) -> None:
    GoogleCalendar.objects.update(claimed_until=NOW + CLAIM)
    site.google.add(desk.address, guests=("new@x.org",))
    assert site.statuses()[-1] == 204
    assert site.work() == []
    later = NOW + CLAIM + MINUTE
    assert list(GoogleCalendar.objects.due(later)) == [desk.google_calendar]


def test_calendar_that_nobody_reads_since_a_pull_began_is_not_read_again(site: Site, desk: Desk) -> None:
    site.meanwhile[LIST] = lambda: GoogleCalendar.objects.update(next_pull_at=None)
    desk.turn()
    assert next_pull(desk) is None


def test_notice_does_not_cut_short_the_wait_after_a_failure(site: Site, desk: Desk) -> None:
    site.google.control.add_fault(Fault(method=LIST, status=503))
    take_turn(desk.google_calendar.pk, NOW, pulls=True)
    wait = next_pull(desk)
    site.google.add(desk.address)
    assert site.statuses()[-1] == 204
    assert next_pull(desk) == wait
    assert site.work() == []


def test_n6_asking_goes_on_more_seldom_and_finds_what_a_lost_message_told(site: Site, desk: Desk) -> None:
    desk.turn()
    due = next_pull(desk)
    assert due is not None
    assert 13 * MINUTE < due - NOW < 17 * MINUTE
    site.google.control.add_channel_fault("lose")
    site.google.add(desk.address, guests=("lost@x.org",))
    site.statuses()
    assert site.work() == []
    with travel(due, site):
        pull_calendar(desk.google_calendar.pk)
    assert Appointment.objects.count() == 1


def test_n6_channel_whose_first_message_never_came_does_not_slow_the_asking(site: Site) -> None:
    desk = Desk(site.google)
    site.google.control.add_channel_fault("lose")
    site.sweep()
    assert (only().state, only().last_message_at) == (State.OPEN, None)
    desk.turn()
    due = next_pull(desk)
    assert due is not None
    assert due - NOW < 6 * MINUTE


# --- opening ---


def test_n1_channel_is_opened_for_what_is_read_and_for_nothing_else(site: Site, desk: Desk) -> None:
    site.google.control.add_calendar(desk.address, "Private")
    [channel] = site.google.control.channels()
    assert (channel.resource, channel.address) == (desk.address, site.url + NOTIFY)
    ours = only()
    assert (ours.channel_id, ours.resource_id) == (channel.id, channel.resource_id)
    assert ours.expires_at == datetime.datetime.fromisoformat(channel.expires_at) == NOW + 7 * DAY
    assert ours.renew_at is not None
    assert 5 * DAY < ours.renew_at - NOW <= 6 * DAY
    assert len(channel.id) <= 64
    assert 40 <= len(channel.token) <= 256
    # The secret itself is nowhere in our database.
    assert channel.token not in str(Channel.objects.values())
    assert site.sweep() == []


def test_n1_nothing_is_opened_without_an_https_address_of_our_own(site: Site, settings: Any) -> None:
    for url in ("", "http://127.0.0.1:8000"):
        settings.PUBLIC_BASE_URL = url
        desk = Desk(site.google)
        assert site.sweep() == []
        desk.turn()
        due = next_pull(desk)
        assert due is not None
        assert due - NOW < 6 * MINUTE
    assert site.count(WATCH) == 0


def test_n2_message_before_the_answer_finds_the_row(site: Site, desk: Desk) -> None:
    assert site.statuses() == [204]
    assert [message.headers["X-Goog-Resource-State"] for message in site.messages()] == ["sync"]
    channel = only()
    assert (channel.state, channel.last_message_number, channel.last_message_at) == (State.OPEN, 1, NOW)
    # `sync` says that the channel is there; nothing changed.
    assert next_pull(desk) != NOW


def test_n2_message_tells_that_a_channel_is_open_whose_answer_was_lost(site: Site) -> None:
    Desk(site.google)
    site.google.control.add_fault(Fault(method=WATCH, drop_after=True))
    site.sweep()
    [channel] = site.google.control.channels()
    assert (only().channel_id, only().resource_id) == (channel.id, channel.resource_id)
    assert only().state == State.OPEN
    assert site.sweep() == []


def test_n2_message_after_a_lost_answer_saves_the_channel(site: Site) -> None:
    Desk(site.google)
    site.google.control.add_fault(Fault(method=WATCH, drop_after=True))
    site.google.control.add_channel_fault("delay")
    site.sweep()
    assert only().state == State.FAILED
    site.google.control.release_messages()
    assert site.statuses() == [204]
    site.sweep()
    assert only().state == State.OPEN
    assert len(site.google.control.channels()) == 1


def test_worker_that_died_while_opening_is_made_good(site: Site, desk: Desk) -> None:
    Channel.objects.all().delete()
    channels._asked_for(desk.google_calendar, "secret", NOW)
    assert site.sweep() == []
    with travel(NOW + channels.ANSWER_IS_LOST, site):
        site.sweep()
        assert only().state == State.FAILED
    with travel(NOW + 20 * MINUTE, site):
        site.sweep()
        assert only().state == State.OPEN


def test_two_workers_open_one_channel(site: Site, desk: Desk) -> None:
    Channel.objects.all().delete()
    channels._asked_for(desk.google_calendar, "secret", NOW)
    with client_for(desk.account) as client:
        assert channels.open_channel(desk.google_calendar, client, NOW) is None
    assert site.count(WATCH) == 0


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, "push.webhookUrlUnauthorized"), (400, "push.webhookUrlNotHttps"), (403, "forbidden")],
)
def test_n11_refused_channel_leaves_the_connection_well_and_says_so(
    site: Site, status: int, reason: str
) -> None:
    desk = Desk(site.google)
    site.google.control.add_fault(Fault(method=WATCH, status=status, reason=reason))
    site.sweep()
    desk.account.refresh_from_db()
    assert (desk.account.state, desk.account.last_error) == (GoogleAccount.State.CONNECTED, "")
    channel = only()
    assert channel.state == State.FAILED
    page = looked_at(desk)
    assert "asked every 5 minutes" in page
    assert channel.last_error in page
    assert reason in channel.last_error
    desk.turn()
    # Not again and again, but again one day.
    assert site.sweep() == []
    with travel(NOW + 28 * 60 * MINUTE, site):
        site.sweep()
        assert only().state == State.OPEN


def test_q3_usage_limit_met_by_a_channel_stops_the_account(site: Site) -> None:
    desk = Desk(site.google)
    site.google.control.add_fault(Fault(method=WATCH, status=403, reason="quotaExceeded"))
    site.sweep()
    desk.account.refresh_from_db()
    assert desk.account.not_before is not None
    assert desk.account.not_before > NOW + 5 * 60 * MINUTE
    assert "usage limit" in desk.account.last_error


@pytest.mark.parametrize("attempts", [0, 8])
def test_q2_limit_met_by_a_channel_stops_the_account_for_a_minute(site: Site, attempts: int) -> None:
    """However often the channel failed before, and for whatever reason; and a longer wait stands."""
    desk = Desk(site.google)
    Channel.objects.create(
        google_calendar=desk.google_calendar,
        channel_id="old",
        state=State.FAILED,
        attempts=attempts,
        asked_at=NOW - HOUR,
        expires_at=NOW + HOUR,
        address=channels.address(),
    )
    site.google.control.add_fault(Fault(method=WATCH, status=429))
    site.sweep()
    desk.account.refresh_from_db()
    assert desk.account.not_before == NOW + MINUTE
    GoogleAccount.objects.update(not_before=NOW + 180 * MINUTE)
    channels._failed(only(), "x", NOW, TryLater("x", is_limit=True))
    desk.account.refresh_from_db()
    assert desk.account.not_before == NOW + 180 * MINUTE


def test_q4_failure_is_tried_again_after_a_growing_wait(site: Site) -> None:
    Desk(site.google)
    site.google.control.add_fault(Fault(method=WATCH, status=503, count=2))
    site.sweep()
    first = only()
    assert first.not_before is not None
    with travel(first.not_before, site):
        site.sweep()
        second = only()
        assert second.attempts == 2
        assert second.not_before is not None
        assert second.not_before - first.not_before > first.not_before - NOW
    with travel(second.not_before, site):
        site.sweep()
        assert (only().state, only().last_error) == (State.OPEN, "")


def test_n9_each_calendar_that_is_read_has_a_channel_of_its_own(site: Site, desk: Desk) -> None:
    google_id = site.google.control.add_calendar(desk.address, "Clinic")
    refresh_calendars(desk.account)
    clinic = GoogleCalendar.objects.get(google_id=google_id)
    desk.configuration.conflict_calendars.add(clinic)
    GoogleCalendar.objects.filter(pk=clinic.pk).update(next_pull_at=NOW)
    pull_calendar(clinic.pk)
    site.sweep()
    assert {each.resource for each in site.google.control.channels()} == {desk.address, google_id}
    site.google.add(desk.address, calendar=google_id)
    assert site.drain() == [("pull_calendar", [clinic.pk])]


def test_calendar_gets_its_channel_when_it_is_chosen_and_loses_it_when_it_is_left(site: Site) -> None:
    desk = Desk(site.google)
    values = values_of(desk.configuration)
    save_configuration(values, user=desk.user)
    assert "keep_channel" in site.work()
    assert only().state == State.OPEN
    left = type(values)(linked_calendar=None, default_calendar=desk.calendar)
    save_configuration(left, user=desk.user)
    site.work()
    assert not Channel.objects.exists()
    assert site.google.control.channels() == []


# --- messages that are not what they seem ---


@pytest.mark.parametrize(
    "forged",
    [
        {"Channel_Token": "guessed"},
        {"Channel_Token": None},
        {"Resource_ID": "another"},
        {"Resource_ID": None},
        {"Channel_ID": "0" * 32},
        {"Channel_ID": None},
        {"Channel_ID": "\u00e9'; --"},
    ],
)
def test_n4_forged_message_gets_404_and_nothing_else(
    site: Site, desk: Desk, forged: dict[str, str | None]
) -> None:
    before = list(Channel.objects.values()), list(GoogleCalendar.objects.values())
    answer = tell(site, only(), **forged)
    assert (answer.status_code, answer.content) == (404, b"")
    assert not answer.cookies
    assert (list(Channel.objects.values()), list(GoogleCalendar.objects.values())) == before
    assert site.drain() == []


def test_n4_forged_message_over_the_wire(site: Site, desk: Desk) -> None:
    site.google.control.add_channel_fault("forge")
    site.google.add(desk.address)
    assert site.statuses()[-1] == 404
    assert site.drain() == []


def test_n4_only_post_with_no_body_to_speak_of(site: Site, desk: Desk) -> None:
    assert Client().get(NOTIFY).status_code == 405
    assert Client().post(NOTIFY, b"x" * 2000, "application/json").status_code == 413
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(NOTIFY).status_code == 404


def test_n3_doubled_message_is_one_pull(site: Site, desk: Desk) -> None:
    site.google.control.add_channel_fault("double")
    site.google.add(desk.address)
    assert site.statuses()[-2:] == [204, 204]
    assert site.work() == ["pull_calendar"]


def test_n3_message_that_was_overtaken_changes_nothing(site: Site, desk: Desk) -> None:
    assert tell(site, only(), Message_Number="900").status_code == 204
    assert site.work() == ["pull_calendar"]
    for number in ("900", "7"):
        assert tell(site, only(), Message_Number=number).status_code == 204
        assert site.work() == []
    assert only().last_message_number == 900


@pytest.mark.parametrize("number", ["", "many", "9" * 40])
def test_n3_message_without_a_number_counts(site: Site, desk: Desk, number: str) -> None:
    assert tell(site, only(), Message_Number=number).status_code == 204
    assert site.work() == ["pull_calendar"]


def test_n3_notice_of_our_own_write_is_a_pull_that_changes_nothing(site: Site, desk: Desk) -> None:
    appointment = booking.book(
        calendar=desk.calendar,
        contact=ContactFactory(),
        owner=desk.user,
        starts_at=TOMORROW_AT_TEN,
        ends_at=TOMORROW_AT_TEN + HOUR,
    )
    assert "pull_calendar" in site.work()
    assert site.statuses()[-1] == 204
    assert site.work() == []
    assert [change.what for change in appointment.changes.all()] == ["booked"]
    assert (site.count("calendar.events.insert"), site.count("calendar.events.patch")) == (1, 0)


def test_n3_resource_that_no_longer_exists_is_looked_at(site: Site, desk: Desk) -> None:
    assert tell(site, only(), Resource_State="not_exists").status_code == 204
    assert site.work() == ["pull_calendar"]


def test_message_for_an_account_that_waits_for_its_owner_pulls_nothing(site: Site, desk: Desk) -> None:
    GoogleAccount.objects.update(state=GoogleAccount.State.RECONNECT)
    site.google.add(desk.address)
    assert site.statuses()[-1] == 204
    assert site.work() == []
    # Its channels are left to run out: nobody can stop them without a token.
    assert site.sweep() == []
    assert site.count(STOP) == 0


def test_n10_robots_may_reach_the_path(site: Site) -> None:
    answer = Client().get("/robots.txt")
    robots = urllib.robotparser.RobotFileParser()
    robots.parse(answer.content.decode().splitlines() if answer.status_code == 200 else [])
    robots.modified()
    assert robots.can_fetch("APIs-Google", site.url + NOTIFY)
    assert reverse("integrations:notify") == NOTIFY


# --- renewal and end ---


def test_n7_renewal_overlaps_and_the_old_one_is_stopped_once_the_new_one_works(
    site: Site, desk: Desk
) -> None:
    old = only()
    assert old.renew_at is not None
    with travel(old.renew_at, site):
        desk.turn()
        site.google.control.add_channel_fault("delay")
        site.sweep()
        new = Channel.objects.get(state=State.OPEN)
        assert new.channel_id != old.channel_id
        # The new one has not been heard of yet: both are there, and both are listened to.
        site.sweep()
        assert {each.id for each in site.google.control.channels()} == {old.channel_id, new.channel_id}
        site.google.add(desk.address, start=old.renew_at + DAY, guests=("new@x.org",))
        assert site.statuses()[-2:] == [204, 204]
        assert site.work() == ["pull_calendar"]
        assert Appointment.objects.count() == 1
        site.google.control.release_messages()
        site.statuses()
        site.sweep()
        assert [each.id for each in site.google.control.channels()] == [new.channel_id]
        assert only() == new
        assert site.sweep() == []
        assert tell(site, new, Channel_ID=old.channel_id).status_code == 404


def test_n7_renewal_comes_a_day_before_the_end_at_the_latest(site: Site, desk: Desk) -> None:
    old = only()
    with travel(old.expires_at - DAY, site):
        site.sweep()
        assert Channel.objects.get(state=State.OPEN) != old


def test_n7_failed_renewal_leaves_the_old_channel_at_work(site: Site, desk: Desk) -> None:
    old = only()
    assert old.renew_at is not None
    with travel(old.renew_at, site):
        desk.turn()
        site.google.control.add_fault(Fault(method=WATCH, status=503))
        site.sweep()
        old.refresh_from_db()
        assert old.state == State.OPEN
        site.google.add(desk.address)
        assert site.work() == ["pull_calendar"]
        assert "told at once" in looked_at(desk)


def test_channel_that_ran_out_is_forgotten_and_opened_anew(site: Site, desk: Desk) -> None:
    old = only()
    with travel(old.expires_at, site):
        site.sweep()
        assert only().channel_id != old.channel_id


def test_site_that_moves_opens_channels_at_its_new_address(site: Site, desk: Desk) -> None:
    Channel.objects.update(address="https://old.example.com/notify/")
    site.sweep()
    site.sweep()
    assert only().address == site.url + NOTIFY
    assert len(site.google.control.channels()) == 1


def test_n8_a9_disconnect_stops_channels_before_the_grant_is_given_back(site: Site, desk: Desk) -> None:
    disconnect_account(desk.account)
    methods = [each.method for each in site.google.control.requests()]
    assert methods == [STOP, "oauth.revoke"]
    assert site.google.control.channels() == []
    assert not Channel.objects.exists()
    desk.account.refresh_from_db()
    assert (desk.account.state, desk.account.refresh_token) == (GoogleAccount.State.DISCONNECTED, "")


@pytest.mark.parametrize("status", [401, 403, 404, 503])
def test_a9_failing_stop_does_not_block_a_disconnect(
    site: Site, desk: Desk, status: int, mailoutbox: list[Any]
) -> None:
    site.google.control.add_fault(Fault(method=STOP, status=status, count=5))
    disconnect_account(desk.account)
    desk.account.refresh_from_db()
    assert (desk.account.state, desk.account.access_token) == (GoogleAccount.State.DISCONNECTED, "")
    assert not Channel.objects.exists()
    assert site.google.control.requests("oauth.revoke")
    # Nobody who disconnects is asked by mail to reconnect.
    assert mailoutbox == []


def test_account_disconnected_while_google_opens_a_channel_keeps_none(site: Site) -> None:
    desk = Desk(site.google)
    site.meanwhile[WATCH] = lambda: Channel.objects.all().delete()
    site.sweep()
    assert not Channel.objects.exists()
    assert site.count(STOP) == 1
    assert desk.account.is_connected


def test_stop_that_google_cannot_do_now_is_tried_again(site: Site, desk: Desk) -> None:
    GoogleCalendar.objects.update(next_pull_at=None)
    site.google.control.add_fault(Fault(method=STOP, status=503))
    site.sweep()
    assert only().state == State.ENDING
    assert site.sweep() == []
    assert only().not_before is not None
    with travel(NOW + 15 * MINUTE, site):
        site.sweep()
    assert not Channel.objects.exists()
    assert site.google.control.channels() == []


# --- what people see ---


def looked_at(desk: Desk) -> str:
    client = Client(headers={"host": "localhost"})
    client.force_login(desk.user)
    return unescape(client.get(PAGE).content.decode())


def test_page_says_how_changes_arrive(site: Site, desk: Desk, settings: Any) -> None:
    page = looked_at(desk)
    assert "told at once" in page
    assert "asked every 15 minutes" in page
    Channel.objects.update(last_message_at=None)
    assert "the first has not arrived yet" in looked_at(desk)
    settings.PUBLIC_BASE_URL = "http://127.0.0.1:8000"
    page = looked_at(desk)
    assert "asked every 5 minutes" in page
    assert "no https address" in page


def test_admin_shows_channels_without_their_secret(site: Site, desk: Desk) -> None:
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    channel = only()
    for page in (
        reverse("admin:integrations_channel_changelist"),
        reverse("admin:integrations_channel_change", args=[channel.pk]),
    ):
        shown = client.get(page)
        assert shown.status_code == 200
        assert channel.token_digest not in shown.content.decode()


def test_sweep_costs_the_same_for_one_and_three_calendars(
    site: Site, desk: Desk, django_assert_num_queries: Any
) -> None:
    for _ in range(2):
        with django_assert_num_queries(1):
            assert list(channels.unsettled(NOW)) == []
        Desk(site.google)
        site.sweep()
