"""What happens to a whole series is told once, also where one of its occurrences fails and is tried again later."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from calendars import booking
from calendars.models import GoogleEvent
from calendars.sync.turn import take_turn
from contacts.models import Appointment, AppointmentChange
from integrations.models import GoogleAccount
from tests.calendars.sync.rules.scene import WEEKLY, add_series
from tests.calendars.sync.scenes import times
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch, verb: str, appointment: Appointment) -> Iterator[None]:
    """`verb` of booking fails for `appointment`."""
    real: Callable[..., Any] = getattr(booking, verb)

    def broken(row: Appointment, *args: Any, **values: Any) -> Any:
        if row.pk == appointment.pk:
            raise RuntimeError("broken for the test")
        return real(row, *args, **values)

    with monkeypatch.context() as patched:
        patched.setattr(booking, verb, broken)
        yield


def fired(what: str, **only: Any) -> int:
    return AppointmentChange.objects.filter(what=what, fires=True, **only).count()


def carried_out(what: str, **only: Any) -> int:
    return AppointmentChange.objects.filter(what=what, **only).count()


@pytest.mark.parametrize("which", [0, 2], ids=["the first", "a later one"])
def test_occurrence_that_fails_and_is_moved_later_does_not_tell_the_move_again(
    google: Google, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    desk = Desk(google)
    series = add_series(google, desk.address)
    desk.turn()
    held = Appointment.objects.order_by("starts_at")[which]
    with failing(monkeypatch, "reschedule", held):
        google.move(desk.address, series, TOMORROW_AT_TEN + HOUR)
        assert take_turn(desk.google_calendar.pk, NOW, pulls=True).has_failed
    assert (carried_out("rescheduled"), fired("rescheduled")) == (3, 1)
    GoogleEvent.objects.update(not_before=None)
    desk.turn(pulls=False)
    assert (carried_out("rescheduled"), fired("rescheduled")) == (4, 1)


def test_occurrence_that_fails_does_not_tell_of_an_added_guest_again(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(google)
    series = add_series(google, desk.address)
    desk.turn()
    ben = {"contact__emails__address": "ben@x.org"}
    with failing(monkeypatch, "attach", Appointment.objects.order_by("starts_at")[0]):
        google.change(desk.address, series, attendees=[{"email": "new@x.org"}, {"email": "ben@x.org"}])
        assert take_turn(desk.google_calendar.pk, NOW, pulls=True).has_failed
    GoogleEvent.objects.update(not_before=None)
    desk.turn(pulls=False)
    assert (carried_out("booked", **ben), fired("booked", **ben)) == (4, 1)


def test_occurrence_that_fails_does_not_tell_the_end_of_its_series_again(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(google)
    series = add_series(google, desk.address)
    desk.turn()
    with failing(monkeypatch, "cancel", Appointment.objects.order_by("starts_at")[1]):
        google.delete(desk.address, series)
        assert take_turn(desk.google_calendar.pk, NOW, pulls=True).has_failed
    GoogleEvent.objects.update(not_before=None)
    desk.turn(pulls=False)
    assert (carried_out("cancelled"), fired("cancelled")) == (4, 1)


def test_same_change_of_a_series_made_again_is_told_again(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(google)
    series = add_series(google, desk.address)
    desk.turn()
    with failing(monkeypatch, "reschedule", Appointment.objects.order_by("starts_at")[0]):
        google.move(desk.address, series, TOMORROW_AT_TEN + HOUR)
        take_turn(desk.google_calendar.pk, NOW, pulls=True)
    GoogleEvent.objects.update(not_before=None)
    desk.turn(pulls=False)
    google.move(desk.address, series, TOMORROW_AT_TEN + 2 * HOUR)
    desk.turn()
    assert (carried_out("rescheduled"), fired("rescheduled")) == (8, 2)
    assert not GoogleEvent.objects.exclude(series_told=[]).exists()


def test_guest_of_a_series_that_a_colleague_made_known_first_is_told_once(google: Google) -> None:
    """Occurrences that join the colleague's appointments look at their guests with the next sweep only."""
    organiser, colleague = Desk(google), Desk(google, "disable_trigger")
    event = google.add(organiser.address, guests=("new@x.org", colleague.address))
    for desk in (organiser, colleague):
        desk.turn()
    google.change(organiser.address, event, **WEEKLY)
    # While the organiser is disconnected, the colleague's configuration decides.
    GoogleAccount.objects.filter(pk=organiser.account.pk).update(state=GoogleAccount.State.DISCONNECTED)
    colleague.turn()
    GoogleAccount.objects.update(state=GoogleAccount.State.CONNECTED)
    google.change(organiser.address, event, attendees=[{"email": "ben@x.org"}])
    organiser.turn()
    colleague.turn()
    organiser.turn(pulls=False)
    ben = {"contact__emails__address": "ben@x.org"}
    assert (carried_out("booked", **ben), fired("booked", **ben)) == (4, 1)
    assert not GoogleEvent.objects.exclude(series_told=[]).exists()


def test_guest_of_a_series_is_told_of_no_occurrence_that_comes_back(google: Google) -> None:
    """It was cancelled when they were added to the series (seed 972088602 of `make soak`)."""
    desk = Desk(google)
    series = add_series(google, desk.address)
    desk.turn()
    google.change(desk.address, series, attendees=[{"email": "ben@x.org"}])
    occurrence = google.events(desk.address)[1]
    google.delete(desk.address, occurrence)
    desk.turn()
    google.change(desk.address, occurrence, status="confirmed")
    desk.turn()
    ben = {"contact__emails__address": "ben@x.org"}
    assert (carried_out("booked", **ben), fired("booked", **ben)) == (4, 1)


@pytest.mark.parametrize("also", ["added", "accepted"])
def test_move_of_a_series_is_told_once_also_where_its_guests_changed_with_it(
    google: Google, also: str
) -> None:
    desk = Desk(google)
    series = add_series(google, desk.address)
    desk.turn()
    guests = [{"email": "new@x.org"}, {"email": "ben@x.org"}]
    if also == "accepted":
        guests = [{"email": "new@x.org", "responseStatus": "accepted"}]
    start = TOMORROW_AT_TEN + HOUR
    google.change(desk.address, series, attendees=guests, **times(start))
    desk.turn()
    what = "booked" if also == "added" else "confirmed"
    assert (carried_out("rescheduled"), fired("rescheduled")) == (4, 1)
    only = {"contact__emails__address": "ben@x.org"} if also == "added" else {}
    assert (carried_out(what, **only), fired(what, **only)) == (4, 1)


@pytest.mark.parametrize("joined", ["from the first", "later"])
def test_guest_who_leaves_and_returns_is_not_said_to_be_told_again(google: Google, joined: str) -> None:
    desk = Desk(google)
    ann, ben = {"email": "ann@x.org"}, {"email": "ben@x.org"}
    event = google.add(
        desk.address, guests=("ann@x.org", "ben@x.org")[: 2 if joined == "from the first" else 1]
    )
    desk.turn()
    row = GoogleEvent.objects.get()
    for guests in ([ann, ben], [ann], [ann, ben]):
        google.change(desk.address, event, attendees=guests)
        desk.turn()
    row.refresh_from_db()
    assert row.reason == "Added again: ben@x.org. Silent: it was told to them before."
    assert {guest.contact.primary_address for guest in Appointment.objects.get().guests.all()} == {
        "ann@x.org",
        "ben@x.org",
    }
