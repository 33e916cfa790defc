"""Somebody is deactivated in the admin: what they leave behind is said before that is saved."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.test.utils import CaptureQueriesContext

from calendars.leaving import leaving
from calendars.models import Calendar
from contacts.models import Appointment, User
from tests.calendars.settings_pages import text, works
from tests.desk import HOUR, NOW, booked
from tests.factories import (
    CalendarFactory,
    GoogleAccountFactory,
    GoogleCalendarFactory,
    GoogleEventFactory,
    MembershipFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
USERS = "/admin/contacts/user/"


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def desk() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@x.org", "correct horse"))
    return client


@pytest.fixture
def dana() -> User:
    """The only one of her calendar, with an appointment in an hour."""
    member = MembershipFactory(
        calendar__name="Physiotherapy", user__first_name="Dana", user__last_name="Hall"
    )
    works(member, days=range(5))
    booked(member.user, NOW + HOUR, calendar=member.calendar)
    user: User = member.user
    return user


def sent(user: User, **changed: Any) -> dict[str, Any]:
    """The untouched change page of `user`, and then `changed`; a box that is not ticked is not sent."""
    given = {
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "is_active": "on",
        "addresses-TOTAL_FORMS": "0",
        "addresses-INITIAL_FORMS": "0",
        **changed,
    }
    return {name: value for name, value in given.items() if value is not None}


def path(user: User) -> str:
    return f"{USERS}{user.pk}/change/"


def test_deactivating_names_what_they_host_and_serve_first_and_then_does_it(desk: Client, dana: User) -> None:
    GoogleAccountFactory(user=dana, address="dana@gmail.test")
    page = text(desk.post(path(dana), sent(dana, is_active=None)))
    assert "Dana Hall could no longer sign in, and hosts 1 upcoming appointment" in page
    assert "nothing is moved, cancelled or sent" in page
    assert "Hosted by Dana Hall alone." in page
    assert "Nobody else serves Physiotherapy: it offers no times until somebody does." in page
    assert "stays so until it is disconnected: dana@gmail.test." in page
    dana.refresh_from_db()
    assert dana.is_active
    assert not LogEntry.objects.exists()
    assert desk.post(path(dana), sent(dana, is_active=None, anyway="1")).status_code == 302
    dana.refresh_from_db()
    assert not dana.is_active
    assert Appointment.objects.get().status == "new"


def test_whoever_leaves_nothing_behind_is_deactivated_at_once(desk: Client) -> None:
    nobody = UserFactory()
    assert desk.post(path(nobody), sent(nobody, is_active=None)).status_code == 302
    nobody.refresh_from_db()
    assert not nobody.is_active


def test_another_change_of_a_person_asks_nothing(desk: Client, dana: User) -> None:
    assert desk.post(path(dana), sent(dana, first_name="Diana")).status_code == 302
    assert User.objects.get(pk=dana.pk).first_name == "Diana"


def test_deleting_a_person_asks_too(desk: Client) -> None:
    member = MembershipFactory(calendar__name="Physiotherapy")
    page = text(desk.post(f"{USERS}{member.user.pk}/delete/", {"post": "yes"}))
    assert "Nobody else serves Physiotherapy" in page
    assert User.objects.filter(pk=member.user.pk).exists()
    desk.post(f"{USERS}{member.user.pk}/delete/", {"post": "yes", "anyway": "1"})
    assert not User.objects.filter(pk=member.user.pk).exists()


def test_a_calendar_that_a_colleague_serves_goes_on(dana: User) -> None:
    viewer = UserFactory()
    colleague = MembershipFactory(calendar=Calendar.objects.get())
    (found,) = leaving([dana.pk], viewer=viewer, now=NOW)
    assert (found.count, found.alone) == (1, ())
    # Unless they leave together.
    both = leaving([dana.pk, colleague.user.pk], viewer=viewer, now=NOW)
    assert [each.alone for each in both] == [(colleague.calendar,)] * 2


def test_an_unassigned_calendar_of_theirs_is_named(dana: User) -> None:
    room = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, owner=dana, name="Room")
    (found,) = leaving([dana.pk], viewer=UserFactory(), now=NOW)
    assert room in found.alone


def test_what_is_over_cancelled_or_of_others_is_not_named(dana: User) -> None:
    Appointment.objects.update(status="cancelled")
    booked(dana, NOW - HOUR)
    booked(UserFactory(), NOW + HOUR)
    (found,) = leaving([dana.pk], viewer=UserFactory(), now=NOW)
    assert found.count == 0


def test_a_private_appointment_of_theirs_tells_the_time_only(desk: Client, dana: User) -> None:
    appointment = Appointment.objects.get()
    account = GoogleAccountFactory(user=dana)
    GoogleEventFactory(
        google_calendar=GoogleCalendarFactory(account=account), appointment=appointment, visibility="private"
    )
    page = text(desk.post(path(dana), sent(dana, is_active=None)))
    assert "busy. Hosted by Dana Hall alone." in page
    assert str(appointment.contact) not in page


def test_many_appointments_are_counted_and_the_first_are_named_at_the_cost_of_one(dana: User) -> None:
    from django.db import connection  # noqa: PLC0415 (the one of this test)

    viewer, costs = UserFactory(), []
    for number in (0, 11):
        for at in range(number):
            booked(dana, NOW + (2 + at) * HOUR)
        with CaptureQueriesContext(connection) as queries:
            (found,) = leaving([dana.pk], viewer=viewer, now=NOW)
        costs.append(len(queries))
    assert (found.count, len(found.rows), found.more) == (12, 10, 2)
    assert costs[0] == costs[1]
