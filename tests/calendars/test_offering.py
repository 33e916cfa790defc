"""Whose time counts when a calendar offers slots: appointments with their buffers, blocks, Google, and the unknown."""

import datetime
from typing import Any

import pytest
from django.db import transaction

from calendars import booking, offering
from calendars.models import BlockedTime, Calendar, DateOverride, WeeklyHours
from contacts.models import Appointment, User
from tests.factories import (
    CalendarFactory,
    ContactFactory,
    GoogleAccountFactory,
    GoogleCalendarFactory,
    GoogleEventFactory,
    MembershipFactory,
    UserFactory,
)

Kind = Calendar.Kind
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

    def hours(self, day: datetime.datetime = TEN) -> list[int]:
        """The hours of `day` at which a slot starts."""
        offer = offering.read(self.calendar, within=whole(day), now=NOW)
        return [slot.starts_at.hour for slot in offer.slots()]

    def hours_to_move(self, appointment: Appointment, day: datetime.datetime = TEN) -> list[int]:
        offer = offering.read_to_move(appointment, within=whole(day), now=NOW)
        return [slot.starts_at.hour for slot in offer.slots()]

    def book(self, starts_at: datetime.datetime = TEN, **fields: Any) -> Appointment:
        return booking.book(
            calendar=fields.pop("calendar", self.calendar),
            contact=ContactFactory(),
            owner=self.user,
            starts_at=starts_at,
            ends_at=starts_at + fields.pop("length", HOUR),
            **fields,
        )


def whole(day: datetime.datetime) -> tuple[int, int]:
    start = int(day.replace(hour=0).timestamp())
    return start, start + 86400


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
    practice = Practice(interval=HOUR / 2)
    appointment = practice.book()
    assert practice.hours() == [9, 11, 11, 12]
    # Not at ten, where it is already.
    assert practice.hours_to_move(appointment) == [9, 9, 10, 11, 11, 12]


def test_an_appointment_keeps_its_length_when_it_is_moved() -> None:
    practice = Practice()
    appointment = practice.book(length=2 * HOUR)
    assert practice.hours_to_move(appointment) == [9, 11]
    with transaction.atomic():
        moved = booking.move_to(appointment, TEN + HOUR, now=NOW)
    assert (moved.starts_at, moved.ends_at) == (TEN + HOUR, TEN + 3 * HOUR)


def test_nothing_moves_on_a_calendar_that_is_switched_off() -> None:
    practice = Practice()
    appointment = practice.book()
    Calendar.objects.update(is_active=False)
    appointment.refresh_from_db()
    assert practice.hours_to_move(appointment) == []
    with pytest.raises(booking.NotPossible, match="does not take bookings"):
        booking.move_to(appointment, TEN + HOUR, now=NOW)


def test_a_host_who_left_the_team_is_asked_when_their_appointment_moves() -> None:
    practice = Practice(kind=Kind.COLLECTIVE)
    leaver = MembershipFactory(calendar=practice.calendar)
    appointment = practice.book(hosts=[practice.user, leaver.user])
    leaver.delete()
    BlockedTime.objects.create(user=leaver.user, starts_at=TEN + HOUR, ends_at=TEN + 2 * HOUR)
    assert practice.hours_to_move(appointment) == [9, 12]
    practice.membership.is_active = False
    practice.membership.save()
    assert practice.hours_to_move(appointment) == []


def test_of_two_grids_a_start_is_anybodys_who_is_free_then() -> None:
    practice = Practice(kind=Kind.ROUND_ROBIN)
    late = MembershipFactory(calendar=practice.calendar, priority=5)
    WeeklyHours.objects.create(
        membership=late, weekday=1, starts=datetime.time(9, 30), ends=datetime.time(13)
    )
    offer = offering.read(practice.calendar, within=whole(TEN), now=NOW)
    free = {f"{slot.starts_at:%H:%M}": offer.hosts(slot) for slot in offer.slots()}
    both = [practice.user, late.user]
    assert free == {
        "09:00": [practice.user],
        "09:30": both,
        "10:00": both,
        "10:30": both,
        "11:00": both,
        "11:30": both,
        "12:00": both,
    }


def test_a_start_that_one_host_brings_stays_for_the_others_when_that_one_is_taken() -> None:
    practice = Practice(kind=Kind.ROUND_ROBIN)
    late = MembershipFactory(calendar=practice.calendar, priority=5)
    WeeklyHours.objects.create(
        membership=late, weekday=1, starts=datetime.time(9, 30), ends=datetime.time(13)
    )
    hosts = []
    for _ in range(2):
        with transaction.atomic():
            made = booking.take(booking.hold(practice.calendar, TEN, now=NOW), ContactFactory())
        hosts += [host.user for host in made.hosts.all()]
    assert hosts == [practice.user, late.user]
    with transaction.atomic(), pytest.raises(booking.Taken):
        booking.hold(practice.calendar, TEN, now=NOW)


def test_around_the_clock_each_slot_of_a_month_is_on_offer_by_itself() -> None:
    practice = Practice()
    practice.calendar.duration = datetime.timedelta(minutes=50)
    WeeklyHours.objects.all().delete()
    WeeklyHours.objects.bulk_create(
        WeeklyHours(
            membership=practice.membership, weekday=day, starts=datetime.time(0), ends=datetime.time(0)
        )
        for day in range(7)
    )
    start, end = whole(TEN)
    month = offering.read(practice.calendar, within=(start, end + 29 * 86400), now=NOW)
    found = month.slots()
    assert len(found) == 30 * 29
    for slot in found[::17]:
        alone = offering.read(practice.calendar, within=(slot.start, slot.start + 1), now=NOW)
        assert alone.slot_at(slot.starts_at) == slot


def test_the_start_after_the_notice_does_not_wander_with_the_clock() -> None:
    practice = Practice(minimum_notice=HOUR)
    for minute in (0, 7, 23):
        now = TEN - HOUR + datetime.timedelta(minutes=minute)
        found = offering.read(practice.calendar, within=whole(TEN), now=now).slots()
        assert [f"{slot.starts_at:%H:%M}" for slot in found][-2:] == ["11:00", "12:00"]


def test_a_calendar_whose_owner_left_offers_nothing() -> None:
    room: Calendar = CalendarFactory(kind=Kind.UNASSIGNED, owner=UserFactory(), duration=HOUR)
    WeeklyHours.objects.create(calendar=room, weekday=1, starts=datetime.time(9), ends=datetime.time(13))
    assert offering.read(room, within=whole(TEN), now=NOW).slots()
    User.objects.update(is_active=False)
    assert not offering.read(Calendar.objects.get(), within=whole(TEN), now=NOW).slots()


class TestClass:
    def test_a_session_is_on_offer_until_its_seats_are_full(self) -> None:
        practice = Practice(kind=Kind.CLASS, seats=2)
        assert seats(practice) == {9: 2, 10: 2, 11: 2, 12: 2}
        practice.book()
        assert seats(practice) == {9: 2, 10: 1, 11: 2, 12: 2}
        practice.book()
        assert seats(practice) == {9: 2, 11: 2, 12: 2}

    def test_one_seat_is_one_seat(self) -> None:
        practice = Practice(kind=Kind.CLASS, seats=1)
        with transaction.atomic():
            booking.take(booking.hold(practice.calendar, TEN, now=NOW), ContactFactory())
        with transaction.atomic(), pytest.raises(booking.Taken):
            booking.hold(practice.calendar, TEN, now=NOW)

    def test_who_comes_along_sits_on_a_seat_as_well(self) -> None:
        practice = Practice(kind=Kind.CLASS, seats=4)
        with transaction.atomic():
            seat = booking.hold(practice.calendar, TEN, now=NOW)
            booking.take(seat, ContactFactory(), guests=[ContactFactory(), ContactFactory()])
        assert seats(practice) == {9: 4, 10: 1, 11: 4, 12: 4}
        with (
            transaction.atomic(),
            pytest.raises(booking.Taken, match="Only 1 seat is left then, and you are 2"),
        ):
            booking.take(
                booking.hold(practice.calendar, TEN, now=NOW), ContactFactory(), guests=[ContactFactory()]
            )

    def test_most_per_day_counts_sessions_not_seats(self) -> None:
        practice = Practice(kind=Kind.CLASS, seats=3, most_per_day=1)
        practice.book()
        assert seats(practice) == {10: 2}

    def test_buffers_hold_between_its_own_sessions(self) -> None:
        practice = Practice(kind=Kind.CLASS, seats=3, buffer_after=HOUR / 2, interval=HOUR / 2)
        practice.book()
        offer = offering.read(practice.calendar, within=whole(TEN), now=NOW)
        assert [f"{slot.starts_at:%H:%M}" for slot in offer.slots()] == ["10:00", "11:30", "12:00"]

    def test_a_session_whose_host_has_something_else_to_do_takes_nobody_more(self) -> None:
        practice = Practice(kind=Kind.CLASS, seats=3)
        practice.book()
        BlockedTime.objects.create(user=practice.user, starts_at=TEN, ends_at=TEN + HOUR)
        assert practice.hours() == [9, 11, 12]

    def test_a_session_outside_the_hours_stays_on_offer(self) -> None:
        practice = Practice(kind=Kind.CLASS, seats=3)
        practice.book(TEN + 10 * HOUR)
        assert practice.hours() == [9, 10, 11, 12, 20]

    def test_a_session_keeps_its_host_when_the_class_gets_another(self) -> None:
        practice = Practice(kind=Kind.CLASS, seats=3)
        practice.book()
        practice.membership.delete()
        heir = MembershipFactory(calendar=practice.calendar)
        assert practice.hours() == [10]
        with transaction.atomic():
            joined = booking.take(booking.hold(practice.calendar, TEN, now=NOW), ContactFactory())
        assert [host.user for host in joined.hosts.all()] == [practice.user]
        assert heir.user != practice.user

    def test_two_sessions_of_one_host_that_overlap_take_nobody_more(self) -> None:
        practice = Practice(kind=Kind.CLASS, seats=3)
        practice.book()
        practice.book(TEN + HOUR / 2)
        assert practice.hours() == [9, 12]

    def test_a_seat_moves_to_another_session(self) -> None:
        practice = Practice(kind=Kind.CLASS, seats=2)
        appointment = practice.book()
        practice.book(TEN + HOUR)
        assert practice.hours_to_move(appointment) == [9, 11, 12]
        practice.book(TEN + HOUR)
        assert practice.hours_to_move(appointment) == [9, 12]


def seats(practice: Practice) -> dict[int, int]:
    offer = offering.read(practice.calendar, within=whole(TEN), now=NOW)
    return {slot.starts_at.hour: slot.seats_left for slot in offer.slots()}


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
    room = CalendarFactory(kind=Kind.UNASSIGNED, owner=practice.user, duration=HOUR, time_zone="UTC")
    WeeklyHours.objects.create(calendar=room, weekday=1, starts=datetime.time(10), ends=datetime.time(12))
    start = int(TEN.replace(hour=0).timestamp())
    offer = offering.read(room, within=(start, start + 86400), now=NOW)
    assert [slot.starts_at.hour for slot in offer.slots()] == [10, 11]
