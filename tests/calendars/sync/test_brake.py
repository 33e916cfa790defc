"""Many cancellations at once wait for a person, for as long as it takes."""

import datetime

import pytest
import time_machine

from calendars import booking
from calendars.models import SyncRun
from calendars.sync import brake
from contacts.models import Appointment, AppointmentChange
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db

DAY = datetime.timedelta(days=1)


def add_many(google: Google, desk: Desk, number: int, apart: datetime.timedelta = DAY) -> list[dict]:
    """`number` events at Google with a guest each, the first one tomorrow, and their appointments."""
    events = [
        google.add(desk.address, start=TOMORROW_AT_TEN + n * apart, guests=(f"g{n}@x.org",))
        for n in range(number)
    ]
    desk.turn()
    return events


def cancelled() -> int:
    return Appointment.objects.filter(status="cancelled").count()


def fired() -> int:
    return AppointmentChange.objects.filter(what="cancelled", fires=True).count()


def delete_all(google: Google, desk: Desk, events: list[dict]) -> None:
    for event in events:
        google.delete(desk.address, event)
    desk.turn()


def test_brake_does_not_let_go_as_time_passes(google: Google) -> None:
    desk = Desk(google)
    delete_all(google, desk, add_many(google, desk, 12))
    later = NOW + 2 * DAY + 2 * HOUR
    with time_machine.travel(later, tick=False):
        google.control.set_clock(later)
        desk.turn()
        assert (cancelled(), fired()) == (0, 0)
        [run] = brake.braked_runs(desk.user)
        assert len(brake.held_events(run, later)) == 10
        assert "10 appointments" in run.error


def test_brake_does_not_let_go_when_staff_cancel_a_few(google: Google) -> None:
    desk = Desk(google)
    delete_all(google, desk, add_many(google, desk, 12))
    for appointment in Appointment.objects.all()[:3]:
        booking.cancel(appointment)
    desk.turn()
    assert cancelled() == 3
    [run] = brake.braked_runs(desk.user)
    assert len(brake.held_events(run, NOW)) == 9


def test_braked_run_is_closed_when_nothing_is_left_to_hold(google: Google) -> None:
    desk = Desk(google)
    delete_all(google, desk, add_many(google, desk, 12))
    for appointment in Appointment.objects.all():
        booking.cancel(appointment)
    desk.turn()
    assert brake.braked_runs(desk.user) == []
    assert not SyncRun.objects.exclude(error="").exists()


def test_deletions_after_a_braked_one_wait_on_the_same_run(google: Google) -> None:
    desk = Desk(google)
    events = add_many(google, desk, 13)
    delete_all(google, desk, events[:12])
    delete_all(google, desk, events[12:])
    assert cancelled() == 0
    run = SyncRun.objects.get(state="braked")
    assert "13 appointments" in run.error
