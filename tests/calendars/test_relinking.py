"""Another linked calendar: what becomes of what is there is said before it is saved, and then it is so."""

import datetime
import re
from html import unescape
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from calendars import booking
from calendars.models import Calendar, CalendarConfiguration, GoogleEvent, PushTarget
from calendars.sync import targets
from integrations.connecting import refresh_calendars
from integrations.models import GoogleCalendar
from tests.desk import booked, signed_in
from tests.factories import CalendarFactory, ContactFactory
from tests.google import NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db
PROFILE = "/settings/profile/"
DAY = datetime.timedelta(days=1)
LEAVES = (
    "2 events of “{old}” no longer block time and 1 appointment that came from it stays but no longer "
    "follows it, unless you choose it as a conflict calendar."
)


class At:
    """Two appointments made here, one from Google, two events that only block; and a second Google calendar."""

    def __init__(self, google: Google) -> None:
        self.google, self.desk = google, Desk(google)
        self.old = self.desk.google_calendar
        for days in range(2):
            booked(self.desk.user, TOMORROW_AT_TEN + days * DAY, calendar=self.desk.calendar)
            google.add(self.desk.address, start=TOMORROW_AT_TEN + (days + 4) * DAY)
        booked(self.desk.user, NOW - DAY, calendar=self.desk.calendar)
        google.add(self.desk.address, start=TOMORROW_AT_TEN + 7 * DAY, guests=("ann@x.org",))
        google.add(self.desk.address, start=NOW - 3 * DAY)
        self.desk.turn()
        second = google.control.add_calendar(self.desk.address, "Second")
        refresh_calendars(self.desk.account)
        self.new = GoogleCalendar.objects.get(google_id=second)
        self.client = signed_in(self.desk.user)[0]

    def live(self, **values: Any) -> str:
        stored = {"sync_option": "two_way", "default_calendar": self.desk.calendar.pk, "time_zone": "UTC"}
        return words_of(self.client, f"{PROFILE}effect/", {**stored, **values})


def words_of(client: Client, path: str, data: dict[str, Any] | None = None) -> str:
    with time_machine.travel(NOW, tick=False):
        body = client.get(path, data).content.decode()
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_what_another_link_moves_frees_and_leaves_is_counted_live_and_without_a_script(
    google: Google,
) -> None:
    at = At(google)
    leaves = LEAVES.format(old=at.old)
    live = at.live(linked_calendar=at.new.pk)
    moved = f"2 upcoming appointments made here are moved from “{at.old}” to"
    assert f"Another linked calendar: {moved} “Second”. {leaves}" in live
    assert f"If you choose another: {moved} the new one. {leaves}" in words_of(at.client, PROFILE)


def test_same_link_says_nothing(google: Google) -> None:
    at = At(google)
    assert "Another linked calendar" not in at.live(linked_calendar=at.old.pk)
    assert "Another linked calendar" not in words_of(at.client, PROFILE)


def test_old_calendar_that_is_read_on_goes_on_blocking(google: Google) -> None:
    at = At(google)
    live = at.live(linked_calendar=at.new.pk, conflict_calendars=at.old.pk)
    assert "are moved from" in live
    assert "no longer" not in live
    room = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, owner=at.desk.user)
    CalendarConfiguration.objects.create(calendar=room, linked_calendar=at.old)
    assert "no longer" not in at.live(linked_calendar=at.new.pk)


def test_no_link_any_more_takes_out_what_was_made_here(google: Google) -> None:
    at = At(google)
    live = at.live(linked_calendar="")
    assert f"2 upcoming appointments made here are taken out of “{at.old}”. 2 events" in live


def test_first_link_receives_what_was_made_before_it(google: Google) -> None:
    desk = Desk(google)
    CalendarConfiguration.objects.update(linked_calendar=None)
    booked(desk.user, TOMORROW_AT_TEN, calendar=desk.calendar)
    client = signed_in(desk.user)[0]
    values = {"sync_option": "one_way", "time_zone": "UTC", "linked_calendar": desk.google_calendar.pk}
    live = words_of(client, f"{PROFILE}effect/", values)
    assert f"1 upcoming appointment made here is put into “{desk.google_calendar}”." in live
    assert "If you choose another" not in words_of(client, PROFILE)


def test_unassigned_calendar_counts_its_own(google: Google) -> None:
    at = At(google)
    room = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, owner=at.desk.user)
    CalendarConfiguration.objects.create(calendar=room, linked_calendar=at.new)
    booking.book(
        calendar=room,
        contact=ContactFactory.create(),
        owner=at.desk.user,
        starts_at=TOMORROW_AT_TEN,
        ends_at=TOMORROW_AT_TEN + DAY / 24,
    )
    values = {"sync_option": "two_way", "time_zone": "UTC", "linked_calendar": ""}
    live = words_of(at.client, f"{PROFILE}calendars/{room.pk}/effect/", values)
    assert "1 upcoming appointment made here is taken out of “Second”." in live


def test_it_becomes_so(google: Google) -> None:
    at = At(google)
    with time_machine.travel(NOW, tick=False):
        configuration = CalendarConfiguration.objects.get(user=at.desk.user)
        configuration.linked_calendar = at.new
        configuration.save()
        targets.retarget_configuration(configuration)
    moved = PushTarget.objects.filter(google_calendar=at.old, is_withdrawn=True)
    assert moved.count() == PushTarget.objects.filter(google_calendar=at.new).count() == 2
    assert GoogleEvent.objects.filter(appointment__origin="google").count() == 1


def test_more_events_and_appointments_cost_no_more_queries(google: Google) -> None:
    at = At(google)

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            at.live(linked_calendar=at.new.pk)
        return len(found)

    first = queries()
    for days in range(3):
        booked(at.desk.user, TOMORROW_AT_TEN + (days + 20) * DAY, calendar=at.desk.calendar)
    assert queries() == first
