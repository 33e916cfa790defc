"""Undoing a move: back where it was, once, by whoever moved it, if nobody changed it since."""

from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from calendars import booking
from calendars.models import Calendar, CalendarConfiguration
from contacts.models import Appointment, AppointmentChange, User
from tests.desk import HOUR, NOW, booked
from tests.factories import (
    CalendarFactory,
    ContactFactory,
    GoogleAccountFactory,
    GoogleCalendarFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana() -> User:
    return UserFactory.create(first_name="Dana", last_name="Whitfield")


def moved(appointment: Appointment, by: User | None, **values: Any) -> AppointmentChange:
    booking.reschedule(
        appointment, starts_at=NOW + 3 * HOUR, ends_at=NOW + 5 * HOUR, by=by, **{"why": "Ill", **values}
    )
    return appointment.changes.latest("pk")


def times(appointment: Appointment) -> tuple[Any, Any]:
    appointment.refresh_from_db()
    return appointment.starts_at, appointment.ends_at


def test_a_move_remembers_where_it_came_from(dana: User) -> None:
    move = moved(booked(dana), dana)
    assert booking.old_times(move) == (NOW + HOUR, NOW + 2 * HOUR)


def test_an_undone_move_is_back_where_it_was_and_the_history_says_so(dana: User) -> None:
    appointment = booked(dana)
    move = moved(appointment, dana)
    booking.undo_move(appointment, move, by=dana)
    assert times(appointment) == (NOW + HOUR, NOW + 2 * HOUR)
    change = appointment.changes.latest("pk")
    assert (change.why, change.fires, change.undoes) == (
        "Undone: moved back by Dana Whitfield.",
        False,
        move,
    )
    assert appointment.revision == move.revision + 1


def test_it_claims_its_hosts_time_again_unless_that_overlaps(dana: User) -> None:
    appointment = booked(dana, claims=True)
    booking.undo_move(appointment, moved(appointment, dana), by=dana)
    assert appointment.hosts.get().claims_from == NOW + HOUR
    booking.undo_move(appointment, moved(appointment, dana), by=dana, overlap="She insists")
    assert appointment.hosts.get().claims_from is None
    assert appointment.changes.latest("pk").why.endswith("by Dana Whitfield. Overlaps: She insists")


@pytest.mark.parametrize("change", ["move", "status", "words", "guest"])
def test_what_was_changed_since_stays(dana: User, change: str) -> None:
    appointment = booked(dana)
    move = moved(appointment, dana)
    if change == "move":
        booking.reschedule(appointment, starts_at=NOW + 7 * HOUR, ends_at=NOW + 8 * HOUR)
    elif change == "status":
        booking.set_status(appointment, "confirmed")
    elif change == "words":
        booking.set_details(appointment, title="New", description="", location="")
    else:
        booking.attach(appointment, ContactFactory.create())
    before = times(appointment)
    with pytest.raises(booking.NotPossible, match="changed since"):
        booking.undo_move(appointment, move, by=dana)
    assert times(appointment) == before


def test_only_who_moved_it_undoes_it_and_only_once(dana: User) -> None:
    appointment = booked(dana)
    move = moved(appointment, dana)
    with pytest.raises(booking.NotPossible, match="Dana Whitfield moved it"):
        booking.undo_move(appointment, move, by=UserFactory.create())
    booking.undo_move(appointment, move, by=dana)
    move = AppointmentChange.objects.get(pk=move.pk)
    with pytest.raises(booking.NotPossible, match="undone already"):
        booking.undo_move(appointment, move, by=dana)
    undoing = appointment.changes.latest("pk")
    with pytest.raises(booking.NotPossible, match="Only a move"):
        booking.undo_move(appointment, undoing, by=dana)


@pytest.mark.parametrize("origin", ["customer", "google"])
def test_what_others_moved_is_not_undone(dana: User, origin: str) -> None:
    appointment = booked(dana)
    move = moved(appointment, None, origin=origin)
    with pytest.raises(booking.NotPossible, match="Only a move"):
        booking.undo_move(appointment, move, by=dana)


def test_a_move_of_another_appointment_is_not_undone(dana: User) -> None:
    move = moved(booked(dana), dana)
    with pytest.raises(booking.NotPossible, match="Only a move"):
        booking.undo_move(booked(dana), move, by=dana)


def test_the_database_lets_a_move_be_undone_once(dana: User) -> None:
    appointment = booked(dana)
    move = moved(appointment, dana)
    booking.undo_move(appointment, move, by=dana)
    twin = appointment.changes.latest("pk")
    twin.pk = None
    with pytest.raises(IntegrityError):
        twin.save()


@pytest.mark.parametrize("invites", [True, False])
def test_google_hears_of_a_move_late_only_where_it_writes_to_the_guests(
    dana: User, settings: Any, invites: bool
) -> None:
    settings.NOTICE_GRACE = HOUR
    link = GoogleCalendarFactory.create(account=GoogleAccountFactory.create(user=dana))
    CalendarConfiguration.objects.create(user=dana, linked_calendar=link)
    calendar: Calendar = CalendarFactory.create(invites_through_google=invites)
    appointment = booked(dana, calendar=calendar)
    due = appointment.push_targets.due
    assert due(timezone.now()).exists()
    move = moved(appointment, dana)
    assert due(timezone.now()).exists() is not invites
    assert due(timezone.now() + 2 * HOUR).exists()
    booking.undo_move(appointment, move, by=dana)
    assert due(timezone.now()).exists()
