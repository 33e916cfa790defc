"""One turn among others: which calendars it asks for besides its own, and what it learns of the account's list."""

import datetime
from itertools import permutations

import pytest
import time_machine

from calendars import booking
from calendars.models import GoogleEvent
from calendars.sync.turn import take_turn
from contacts.models import Appointment
from integrations.cards import card_for
from integrations.models import GoogleAccount, GoogleCalendar
from integrations.sandbox.faults import Fault
from tests.factories import ContactFactory
from tests.google import BOSS, HOUR, NOW, TOMORROW_AT_TEN, Desk, Google, TwoCalendars

pytestmark = pytest.mark.django_db
LATER = datetime.timedelta(minutes=1)
DAY = datetime.timedelta(days=1)


def test_deletion_that_may_be_a_move_has_the_other_calendar_pulled_at_once(google: Google) -> None:
    two = TwoCalendars(google, is_linked=False)
    event = google.add(two.desk.address, guests=("ann@x.org",))
    for google_calendar in (two.second, two.first):
        two.turn(google_calendar, NOW)
    google.delete(two.desk.address, event)
    assert two.turn(two.first, NOW + LATER) == [two.second.pk]
    assert Appointment.objects.get().status == "new"
    assert list(GoogleCalendar.objects.due(NOW + LATER)) == [two.second]
    assert two.turn(two.second, NOW + LATER) == []
    assert two.turn(two.first, NOW + LATER) == []
    assert Appointment.objects.get().status == "cancelled"


@pytest.mark.parametrize("order", list(permutations(("first", "second"))), ids="-then-".join)
def test_event_dragged_between_two_linked_calendars_stays_one_appointment(
    google: Google, order: tuple[str, ...]
) -> None:
    """Whichever of the two is pulled first; and dragged back as well."""
    two = TwoCalendars(google, is_linked=True)
    event = two.add_and_read()
    made = Appointment.objects.get()
    now = NOW
    for here, there in ((two.first, two.second), (two.second, two.first)):
        two.drag(event["id"], here, there)
        now += LATER
        for _ in range(2):
            for name in order:
                two.turn(getattr(two, name), now)
        appointment = Appointment.objects.get()
        assert (appointment.pk, appointment.status) == (made.pk, "new")
        assert [row.google_calendar for row in GoogleEvent.objects.filter(blocks=True)] == [there]
        assert list(appointment.hosts.values_list("user", flat=True)) == [two.desk.user.pk]
    assert [change.what for change in made.changes.all()] == ["booked"]


def test_event_dragged_away_and_back_before_the_other_calendar_is_read_is_not_taken_for_deleted(
    google: Google,
) -> None:
    two = TwoCalendars(google, is_linked=True)
    event = two.add_and_read()
    two.drag(event["id"], two.first, two.second)
    assert two.turn(two.first, NOW + LATER) == [two.second.pk]
    two.drag(event["id"], two.second, two.first)
    two.turn(two.second, NOW + 2 * LATER)
    with time_machine.travel(NOW + 3 * LATER, tick=False):
        looked = take_turn(two.first.pk, NOW + 3 * LATER)
    assert looked.asks == [two.first.pk]
    assert two.turn(two.first, NOW + 4 * LATER) == []
    made = Appointment.objects.get()
    assert made.status == "new"
    assert [change.what for change in made.changes.all()] == ["booked"]


def test_appointment_moved_here_after_its_event_was_dragged_moves_the_one_event_there_is(
    google: Google,
) -> None:
    two = TwoCalendars(google, is_linked=True)
    event = two.add_and_read()
    two.drag(event["id"], two.first, two.second)
    for google_calendar in (two.first, two.second, two.first):
        two.turn(google_calendar, NOW + LATER)
    booking.reschedule(
        Appointment.objects.get(), starts_at=TOMORROW_AT_TEN + DAY, ends_at=TOMORROW_AT_TEN + DAY + HOUR
    )
    for google_calendar in (two.first, two.second, two.first, two.second):
        two.turn(google_calendar, NOW + 2 * LATER)
    assert google.events(two.desk.address) == []
    low, high = NOW - DAY, NOW + 9 * DAY
    [there] = google.control.events(two.desk.address, two.second.google_id, low, high)
    assert there["start"]["dateTime"].startswith("2026-03-04T10:00")


@pytest.mark.parametrize("order", list(permutations(("first", "second"))), ids="-then-".join)
def test_event_of_ours_dragged_to_another_linked_calendar_stays_the_appointments_event(
    google: Google, order: tuple[str, ...]
) -> None:
    two = TwoCalendars(google, is_linked=True)
    for google_calendar in (two.first, two.second):
        two.turn(google_calendar, NOW)
    made = booking.book(
        calendar=two.desk.calendar,
        contact=ContactFactory(address="ann@x.org"),
        owner=two.desk.user,
        starts_at=TOMORROW_AT_TEN,
        ends_at=TOMORROW_AT_TEN + HOUR,
    )
    two.turn(two.first, NOW)
    [event] = google.events(two.desk.address)
    now, low, high = NOW, NOW - DAY, NOW + 9 * DAY
    for here, there in ((two.first, two.second), (two.second, two.first)):
        two.drag(event["id"], here, there)
        now += LATER
        for name in order * 2:
            two.turn(getattr(two, name), now)
        made.refresh_from_db()
        assert made.status == "new"
        booking.reschedule(made, starts_at=made.starts_at + HOUR, ends_at=made.ends_at + HOUR)
        for name in order * 2:
            two.turn(getattr(two, name), now)
        assert google.control.events(two.desk.address, here.google_id, low, high) == []
        [copy] = google.control.events(two.desk.address, there.google_id, low, high)
        made.refresh_from_db()
        assert datetime.datetime.fromisoformat(copy["start"]["dateTime"]) == made.starts_at
    assert Appointment.objects.count() == 1


def test_n9_access_that_changed_at_google_is_known_after_the_nights_pull(google: Google) -> None:
    desk = Desk(google)
    shared = desk.shared_by_boss()
    desk.turn()
    google.control.share(shared.google_id, desk.address, "reader")
    with time_machine.travel(NOW + 2 * DAY, tick=False):
        google.control.set_clock(NOW + 2 * DAY)
        desk.turn()
    assert GoogleCalendar.objects.get(pk=shared.pk).access_role == "reader"


def test_n9_list_that_fails_night_after_night_stops_no_pull_and_is_told(google: Google) -> None:
    desk = Desk(google)
    desk.turn()
    for night in range(1, 4):
        now = NOW + night * DAY
        with time_machine.travel(now, tick=False):
            google.control.set_clock(now)
            google.control.add_fault(Fault(method="calendar.calendarList.list", status=503, count=9))
            desk.turn()
            google.control.clear_faults()
        desk.google_calendar.refresh_from_db()
        assert (desk.google_calendar.last_pull_at, desk.google_calendar.last_error) == (now, "")
        desk.account.refresh_from_db()
        old = card_for(desk.account, now).old_list_of
        assert old == (NOW if night > 2 else None)


def test_w14_calendar_that_answers_404_is_looked_up_in_the_list_and_nothing_is_cancelled(
    google: Google,
) -> None:
    desk = Desk(google)
    linked = desk.linked_to_boss()
    google.add(BOSS, calendar=linked.google_id, guests=("ann@x.org",))
    assert not take_turn(linked.pk, NOW, pulls=True).has_failed
    google.control.share(linked.google_id, desk.address, None)
    error = take_turn(linked.pk, NOW, pulls=True).error
    assert error.startswith("Google no longer shows this calendar to the account.")
    linked.refresh_from_db()
    assert linked.gone_at is not None
    assert Appointment.objects.get().status == "new"
    assert GoogleEvent.objects.get().blocks


def test_turn_that_only_works_asks_for_the_pull_that_found_the_calendar_taken(google: Google) -> None:
    """What waits is looked at again and again: the calendar is in a worker's hands whenever it comes due."""
    desk = Desk(google)
    GoogleCalendar.objects.update(next_pull_at=NOW + LATER)
    assert not take_turn(desk.google_calendar.pk, NOW).is_wanted_again
    assert take_turn(desk.google_calendar.pk, NOW + LATER).is_wanted_again
    GoogleAccount.objects.update(not_before=NOW + DAY)
    assert not take_turn(desk.google_calendar.pk, NOW + LATER).is_wanted_again
