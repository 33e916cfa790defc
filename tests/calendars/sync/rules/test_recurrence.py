"""Google's rules for recurring events (R1 to R5), kept by the engine over HTTP."""

import datetime

import pytest

from calendars import booking
from calendars.models import GoogleEvent
from contacts.models import Appointment, AppointmentChange
from integrations.sandbox.journal import LoggedRequest
from tests.calendars.sync.rules.scene import (
    DAY,
    DELETE,
    LIST,
    PATCH,
    WEEK,
    WRITES,
    add_series,
    book,
    occurrences,
    start_of,
)
from tests.google import HOUR, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db
UTC = datetime.UTC


def starts() -> list[datetime.datetime]:
    """When the standing appointments start, in order."""
    standing = Appointment.objects.exclude(status="cancelled").order_by("starts_at")
    return list(standing.values_list("starts_at", flat=True))


def test_r1_series_is_read_as_its_occurrences_and_never_as_itself(google: Google) -> None:
    desk = Desk(google)
    series = add_series(google, desk.address)
    desk.turn()
    google.control.patch(desk.address, "primary", series["id"], {"summary": "Other words"})
    desk.turn()
    rows = GoogleEvent.objects.all()
    assert [row.recurring_event_id for row in rows] == [series["id"]] * 4
    assert not rows.filter(google_id=series["id"]).exists()
    assert {request.parameter("singleEvents") for request in google.control.requests(LIST)} == {"true"}


def test_r2_moved_occurrence_is_known_by_its_series_and_original_start(google: Google) -> None:
    desk = Desk(google)
    add_series(google, desk.address)
    desk.turn()
    before = Appointment.objects.order_by("starts_at")[1]
    second = occurrences(google, desk.address)[1]
    google.move(desk.address, second, start_of(second) + DAY)
    # New ids for all: what stays is the series and where the occurrence was at first.
    google.control.set_options(instance_ids="opaque")
    google.control.expire_sync_tokens()
    desk.turn()
    before.refresh_from_db()
    assert (before.status, before.starts_at) == ("new", TOMORROW_AT_TEN + WEEK + DAY)
    assert Appointment.objects.count() == 4


def test_r3_series_is_never_written_when_one_occurrence_changes_here(google: Google) -> None:
    desk = Desk(google)
    series = add_series(google, desk.address)
    desk.turn()
    first, second, *_ = Appointment.objects.order_by("starts_at")
    booking.reschedule(first, starts_at=first.starts_at + HOUR, ends_at=first.ends_at + HOUR)
    booking.cancel(second)
    desk.turn()
    written = [*google.control.requests(PATCH), *google.control.requests(DELETE)]
    assert len(written) == 2
    assert not any(request.path.endswith(f"/{series['id']}") for request in written)
    expected = [TOMORROW_AT_TEN + HOUR, TOMORROW_AT_TEN + 2 * WEEK, TOMORROW_AT_TEN + 3 * WEEK]
    assert [start_of(event) for event in occurrences(google, desk.address)] == expected == starts()


def test_r3_this_and_following_changed_by_a_person_keeps_each_appointment(google: Google) -> None:
    """Google ends the old series and begins another one."""
    desk = Desk(google)
    series = add_series(google, desk.address)
    desk.turn()
    rule = "RRULE:FREQ=WEEKLY;COUNT=2"
    google.control.patch(desk.address, "primary", series["id"], {"recurrence": [rule]})
    third = TOMORROW_AT_TEN + 2 * WEEK + HOUR
    add_series(google, desk.address, third, recurrence=[rule])
    desk.turn()
    assert starts() == [TOMORROW_AT_TEN, TOMORROW_AT_TEN + WEEK, third, third + WEEK]
    assert Appointment.objects.count() == 4
    assert not AppointmentChange.objects.filter(what="cancelled").exists()


def test_r4_no_rule_of_recurrence_is_ever_written(life: list[LoggedRequest]) -> None:
    bodies = [request.body for request in life if request.method in WRITES and request.body]
    assert bodies
    assert not any("recurrence" in body for body in bodies)


def test_r4_excluded_date_takes_its_own_appointment_and_no_other(google: Google) -> None:
    desk = Desk(google)
    series = add_series(google, desk.address)
    desk.turn()
    excluded = TOMORROW_AT_TEN + WEEK
    lines = [*series["recurrence"], f"EXDATE:{excluded:%Y%m%dT%H%M%SZ}"]
    google.control.patch(desk.address, "primary", series["id"], {"recurrence": lines})
    desk.turn()
    assert starts() == [TOMORROW_AT_TEN, TOMORROW_AT_TEN + 2 * WEEK, TOMORROW_AT_TEN + 3 * WEEK]


def test_r4_one_occurrence_made_private_hides_the_whole_series(google: Google) -> None:
    desk = Desk(google)
    add_series(google, desk.address, attendees=[], summary="Therapy")
    desk.turn()
    google.change(desk.address, occurrences(google, desk.address)[1], visibility="private")
    desk.turn()
    assert set(GoogleEvent.objects.values_list("visibility", "summary")) == {("private", "")}


@pytest.mark.parametrize(("zone", "hours"), [("Europe/London", [10, 10, 10, 9]), ("UTC", [10, 10, 10, 10])])
def test_r5_occurrences_keep_their_wall_time_over_a_change_of_clocks(
    google: Google, zone: str, hours: list[int]
) -> None:
    """London changes on 29 March; Google counts it, for the zone of the series."""
    desk = Desk(google)
    add_series(google, desk.address, TOMORROW_AT_TEN + WEEK, zone=zone)
    desk.turn()
    assert [start.astimezone(UTC).hour for start in starts()] == hours


def test_r5_only_single_events_are_made_at_google(google: Google) -> None:
    desk = Desk(google)
    book(desk)
    desk.turn()
    [event] = google.events(desk.address)
    assert not {"recurrence", "recurringEventId"} & set(event)
