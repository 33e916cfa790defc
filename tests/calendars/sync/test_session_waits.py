"""A class moved or deleted at Google while something of one seat waits to be sent: every seat follows."""

from collections.abc import Callable

import pytest

from calendars import booking
from calendars.models import PushTarget
from calendars.sync.turn import take_turn
from contacts.models import Appointment
from integrations.sandbox.faults import Fault
from tests.calendars.sync.rules.scene import INSERT
from tests.calendars.sync.test_sessions import LATER, at_google, class_of, join, move_all
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db
NOON = TOMORROW_AT_TEN + 2 * HOUR


def third_joins(desk: Desk) -> None:
    join(desk)


def words_are_edited(desk: Desk) -> None:
    seat = Appointment.objects.order_by("created_at")[0]
    booking.set_details(seat, title="Other words", description="", location="Room 9")


def second_is_confirmed(desk: Desk) -> None:
    booking.set_status(Appointment.objects.order_by("created_at")[1], "confirmed")


@pytest.mark.parametrize("waits", [third_joins, words_are_edited, second_is_confirmed])
@pytest.mark.parametrize("what", ["moved", "deleted"])
def test_every_seat_follows_while_something_of_one_waits(
    google: Google, waits: Callable[[Desk], None], what: str
) -> None:
    desk = class_of(google)
    join(desk)
    join(desk)
    desk.turn()
    [event] = google.events(desk.address)
    waits(desk)
    if what == "moved":
        google.move(desk.address, event, NOON)
    else:
        google.delete(desk.address, event)
    for _ in range(3):
        desk.turn()
    seats = Appointment.objects.all()
    if what == "moved":
        assert {seat.starts_at for seat in seats} == {NOON}
        assert len(at_google(google, desk)) == 1
    else:
        assert {seat.status for seat in seats} == {"cancelled"}
        assert at_google(google, desk) == {}
    assert not PushTarget.objects.behind().exists()


@pytest.mark.parametrize("what", ["moved", "deleted"])
def test_every_seat_follows_the_event_whose_insert_was_not_answered(google: Google, what: str) -> None:
    desk = class_of(google)
    join(desk)
    join(desk)
    google.control.add_fault(Fault(method=INSERT, drop_after=True))
    google.control.add_fault(Fault(method=INSERT, drop_before=True))
    assert take_turn(desk.google_calendar.pk, NOW).has_failed
    [event] = google.events(desk.address)
    if what == "moved":
        google.move(desk.address, event, NOON)
    else:
        google.delete(desk.address, event)
    desk.turn()
    PushTarget.objects.update(not_before=None)
    desk.turn()
    desk.turn()
    seats = Appointment.objects.all()
    if what == "moved":
        assert {seat.starts_at for seat in seats} == {NOON}
    else:
        # Nobody here knew of it: what is wanted is there in the end.
        assert {seat.status for seat in seats} in ({"cancelled"}, {"new"})
    assert len(at_google(google, desk)) == (0 if {seat.status for seat in seats} == {"cancelled"} else 1)


def test_session_moved_here_as_one_and_deleted_at_google_is_cancelled_as_one(google: Google) -> None:
    desk = class_of(google)
    first = join(desk)
    join(desk)
    desk.turn()
    [event] = google.events(desk.address)
    move_all(desk, first, LATER)
    google.delete(desk.address, event)
    for _ in range(3):
        desk.turn()
    assert {seat.status for seat in Appointment.objects.all()} == {"cancelled"}
    assert at_google(google, desk) == {}


def test_who_books_the_time_a_session_was_moved_from_is_not_cancelled_with_it(google: Google) -> None:
    desk = class_of(google)
    first = join(desk)
    join(desk)
    desk.turn()
    [event] = google.events(desk.address)
    move_all(desk, first, LATER)
    newcomer = join(desk)
    google.delete(desk.address, event)
    for _ in range(3):
        desk.turn()
    newcomer.refresh_from_db()
    assert newcomer.status == "new"
    assert list(at_google(google, desk)) == ["2026-03-03T10:00"]
    assert Appointment.objects.filter(status="cancelled").count() == 2
