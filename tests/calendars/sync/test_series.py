"""Series that move, split, change their rule or their zone: paired by a pure function, carried out over HTTP."""

import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from calendars.models import GoogleEvent, PushTarget
from calendars.sync.series import Occurrence, pair
from contacts.models import Appointment, AppointmentChange, Contact
from tests.google import HOUR, TOMORROW_AT_TEN, Desk, Google

LONDON = ZoneInfo("Europe/London")
WEEK = datetime.timedelta(days=7)
DAY = datetime.timedelta(days=1)
MONDAY = datetime.datetime(2026, 3, 2, 10, tzinfo=LONDON)


def weekly(first: datetime.datetime, *, count: int = 4, series: str = "s", key: int = 0) -> list[Occurrence]:
    return [Occurrence(key + n, series, frozenset({"ann@x.org"}), first + n * WEEK) for n in range(count)]


class TestPairing:
    def test_same_local_date_decides_when_only_the_hour_moved(self) -> None:
        assert pair(weekly(MONDAY), weekly(MONDAY + 3 * HOUR, key=10)) == {0: 10, 1: 11, 2: 12, 3: 13}

    def test_else_the_same_ordinal(self) -> None:
        assert pair(weekly(MONDAY), weekly(MONDAY + DAY, key=10)) == {0: 10, 1: 11, 2: 12, 3: 13}

    def test_hour_that_crosses_a_daylight_saving_day_keeps_its_local_date(self) -> None:
        # British summer time begins on 29 March 2026: late evenings change their UTC date there.
        late = datetime.datetime(2026, 3, 23, 23, 30, tzinfo=LONDON)
        assert pair(weekly(late, count=2), weekly(late - HOUR, count=2, key=10)) == {0: 10, 1: 11}

    def test_those_left_over_stand_alone(self) -> None:
        assert pair(weekly(MONDAY, count=3), weekly(MONDAY + DAY, count=1, key=10)) == {0: 10}
        assert pair([], weekly(MONDAY)) == {}

    def test_split_series_goes_on_under_another_id_with_the_same_guests(self) -> None:
        assert pair(weekly(MONDAY), weekly(MONDAY + HOUR, series="other", key=10)) == {
            0: 10,
            1: 11,
            2: 12,
            3: 13,
        }

    def test_only_the_end_of_a_series_goes_on_in_another(self) -> None:
        gone, *rest = weekly(MONDAY)
        other = weekly(MONDAY + HOUR, series="other", key=10)
        assert pair([gone], other, remains_until={"s": rest[-1].starts_at}) == {}
        assert pair(rest, other, remains_until={"s": gone.starts_at}) == {1: 11, 2: 12, 3: 13}

    def test_series_that_was_there_before_does_not_take_over(self) -> None:
        assert pair(weekly(MONDAY), weekly(MONDAY + HOUR, series="other", key=10), known={"other"}) == {}

    def test_other_peoples_series_is_not_taken_for_it(self) -> None:
        stranger = [Occurrence(10, "other", frozenset({"bob@x.org"}), MONDAY + HOUR)]
        assert pair(weekly(MONDAY), stranger) == {}


def add_series(google: Google, desk: Desk, count: int = 4, **body: Any) -> dict[str, Any]:
    return google.control.insert(
        desk.address,
        "primary",
        {
            "summary": "Weekly",
            "start": {"dateTime": TOMORROW_AT_TEN.isoformat(), "timeZone": "Europe/London"},
            "end": {"dateTime": (TOMORROW_AT_TEN + HOUR).isoformat(), "timeZone": "Europe/London"},
            "recurrence": [f"RRULE:FREQ=WEEKLY;COUNT={count}"],
            "attendees": [{"email": "new@x.org"}],
            **body,
        },
    )


def starts() -> list[datetime.datetime]:
    return list(Appointment.objects.exclude(status="cancelled").values_list("starts_at", flat=True))


def occurrence(google: Google, desk: Desk, index: int) -> dict[str, Any]:
    return sorted(google.events(desk.address), key=lambda event: event["start"]["dateTime"])[index]


@pytest.mark.django_db
class TestOverHttp:
    def test_moved_series_moves_its_appointments_and_tells_once(self, google: Google) -> None:
        desk = Desk(google)
        event = add_series(google, desk)
        desk.turn()
        before = set(Appointment.objects.values_list("pk", flat=True))
        google.move(desk.address, event, TOMORROW_AT_TEN + 3 * HOUR)
        desk.turn()
        assert set(Appointment.objects.values_list("pk", flat=True)) == before
        # The clocks go forward on 29 March, after the last occurrence.
        assert starts() == [TOMORROW_AT_TEN + 3 * HOUR + n * WEEK for n in range(4)]
        moved = AppointmentChange.objects.filter(what="rescheduled").order_by("appointment__starts_at")
        assert [change.fires for change in moved] == [True, False, False, False]
        assert not AppointmentChange.objects.filter(what="cancelled").exists()
        assert not PushTarget.objects.behind().exists()
        assert desk.turn().reconciled == []

    def test_moved_occurrence_moves_alone_and_fires(self, google: Google) -> None:
        desk = Desk(google)
        add_series(google, desk)
        desk.turn()
        second = occurrence(google, desk, 1)
        google.move(desk.address, second, TOMORROW_AT_TEN + WEEK + DAY)
        desk.turn()
        assert starts() == [TOMORROW_AT_TEN + n * WEEK + (DAY if n == 1 else 0 * DAY) for n in range(4)]
        assert AppointmentChange.objects.get(what="rescheduled").fires

    def test_cancelled_occurrence_cancels_alone(self, google: Google) -> None:
        desk = Desk(google)
        add_series(google, desk)
        desk.turn()
        google.delete(desk.address, occurrence(google, desk, 2))
        desk.turn()
        assert Appointment.objects.filter(status="cancelled").count() == 1
        assert len(starts()) == 3

    def test_changed_rule_keeps_the_appointments(self, google: Google) -> None:
        desk = Desk(google)
        event = add_series(google, desk)
        desk.turn()
        before = set(Appointment.objects.values_list("pk", flat=True))
        google.change(desk.address, event, recurrence=["RRULE:FREQ=DAILY;COUNT=4"])
        desk.turn()
        assert set(Appointment.objects.values_list("pk", flat=True)) == before
        assert starts() == [TOMORROW_AT_TEN + n * DAY for n in range(4)]

    def test_this_and_following_moves_the_rest_of_the_series(self, google: Google) -> None:
        desk = Desk(google)
        event = add_series(google, desk)
        desk.turn()
        before = set(Appointment.objects.values_list("pk", flat=True))
        split = TOMORROW_AT_TEN + 2 * WEEK
        google.change(desk.address, event, recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"])
        add_series(
            google,
            desk,
            count=2,
            start={"dateTime": (split + HOUR).isoformat(), "timeZone": "Europe/London"},
            end={"dateTime": (split + 2 * HOUR).isoformat(), "timeZone": "Europe/London"},
        )
        desk.turn()
        assert set(Appointment.objects.values_list("pk", flat=True)) == before
        assert starts() == [
            TOMORROW_AT_TEN,
            TOMORROW_AT_TEN + WEEK,
            split + HOUR,
            split + WEEK + HOUR,
        ]

    def test_deleted_series_cancels_every_occurrence(self, google: Google) -> None:
        desk = Desk(google)
        event = add_series(google, desk)
        desk.turn()
        google.delete(desk.address, event)
        desk.turn()
        assert starts() == []
        assert Contact.objects.count() == 1
        assert not GoogleEvent.objects.filter(blocks=True).exists()

    def test_block_time_only_makes_no_appointments(self, google: Google) -> None:
        desk = Desk(google, recurring_events="block")
        add_series(google, desk)
        desk.turn()
        assert not Appointment.objects.exists()
        assert GoogleEvent.objects.filter(blocks=True).count() == 4

    def test_large_moved_series_does_not_brake(self, google: Google) -> None:
        desk = Desk(google)
        event = add_series(google, desk, count=15)
        desk.turn()
        google.move(desk.address, event, TOMORROW_AT_TEN + HOUR)
        desk.turn()
        assert not Appointment.objects.filter(status="cancelled").exists()
        assert Appointment.objects.filter(starts_at=TOMORROW_AT_TEN + HOUR).exists()
