"""Whose time counts when a calendar offers slots: appointments with their buffers, blocks, Google, and the unknown."""

import datetime
from typing import Any

import pytest

from calendars import booking, offering
from calendars.models import BlockedTime, Calendar, DateOverride, WeeklyHours
from tests.factories import (
    CalendarFactory,
    ContactFactory,
    GoogleAccountFactory,
    GoogleCalendarFactory,
    GoogleEventFactory,
    MembershipFactory,
)

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 3, 2, 6, tzinfo=datetime.UTC)  # a Monday
TEN = datetime.datetime(2026, 3, 3, 10, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)


class Practice:
    """One member who works on Tuesdays from nine to one, in slots of an hour."""

    def __init__(self, **fields: Any) -> None:
        self.calendar: Calendar = CalendarFactory(duration=HOUR, time_zone="UTC", **fields)
        self.membership = MembershipFactory(calendar=self.calendar)
        self.user = self.membership.user
        WeeklyHours.objects.create(
            membership=self.membership, weekday=1, starts=datetime.time(9), ends=datetime.time(13)
        )

    def hours(self, day: datetime.datetime = TEN, **how: Any) -> list[int]:
        """The hours of `day` at which a slot starts."""
        start = int(day.replace(hour=0).timestamp())
        offer = offering.read(self.calendar, within=(start, start + 86400), now=NOW, **how)
        return [slot.starts_at.hour for slot in offer.slots()]


def test_everything_that_takes_the_members_time_is_left_out() -> None:
    practice = Practice()
    assert practice.hours() == [9, 10, 11, 12]
    other = CalendarFactory(buffer_after=datetime.timedelta(minutes=30))
    booking.book(
        calendar=other,
        contact=ContactFactory(),
        owner=practice.user,
        hosts=[practice.user],
        starts_at=TEN - HOUR,
        ends_at=TEN,
    )
    # The buffer of the other calendar takes ten o'clock as well.
    assert practice.hours() == [11, 12]
    BlockedTime.objects.create(user=practice.user, starts_at=TEN + 2 * HOUR, ends_at=TEN + 3 * HOUR)
    assert practice.hours() == [11]
    google_calendar = GoogleCalendarFactory(account=GoogleAccountFactory(user=practice.user))
    GoogleEventFactory(
        google_calendar=google_calendar, starts_at=TEN + HOUR, ends_at=TEN + 2 * HOUR, blocks=True
    )
    assert practice.hours() == []


def test_date_override_stands_in_place_of_the_weekly_hours() -> None:
    practice = Practice()
    DateOverride.objects.create(membership=practice.membership, on=TEN.date())
    assert practice.hours() == []
    DateOverride.objects.update(starts=datetime.time(18), ends=datetime.time(20))
    assert practice.hours() == [18, 19]


def test_time_that_nobody_has_read_yet_is_not_offered() -> None:
    practice = Practice()
    google_calendar = GoogleCalendarFactory(
        account=GoogleAccountFactory(user=practice.user), next_pull_at=NOW, sync_token=""
    )
    assert practice.hours() == []
    google_calendar.sync_token, google_calendar.window_ends_at = "token", TEN + 2 * HOUR
    google_calendar.save()
    assert practice.hours() == [9, 10, 11]


def test_an_appointments_own_time_is_free_for_moving_it() -> None:
    practice = Practice()
    appointment = booking.book(
        calendar=practice.calendar,
        contact=ContactFactory(),
        owner=practice.user,
        starts_at=TEN,
        ends_at=TEN + HOUR,
    )
    assert practice.hours() == [9, 11, 12]
    assert practice.hours(but=appointment) == [9, 10, 11, 12]


def test_full_day_offers_nothing_more() -> None:
    practice = Practice(most_per_day=1)
    booking.book(
        calendar=practice.calendar,
        contact=ContactFactory(),
        owner=practice.user,
        starts_at=TEN,
        ends_at=TEN + HOUR,
    )
    assert practice.hours() == []
    assert practice.hours(TEN + 7 * DAY) == [9, 10, 11, 12]


def test_room_offers_its_own_hours_and_its_owners_time() -> None:
    practice = Practice()
    room = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, owner=practice.user, duration=HOUR, time_zone="UTC")
    WeeklyHours.objects.create(calendar=room, weekday=1, starts=datetime.time(10), ends=datetime.time(12))
    start = int(TEN.replace(hour=0).timestamp())
    offer = offering.read(room, within=(start, start + 86400), now=NOW)
    assert [slot.starts_at.hour for slot in offer.slots()] == [10, 11]
