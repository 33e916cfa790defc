"""An appointment of a round robin that its customer moves: who hosts it then, and who hears of that."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from calendars import booking, customers, links, offering
from calendars.models import BlockedTime, Calendar, Membership, PushTarget, WeeklyHours
from campaigns.delivery import deliver_due
from campaigns.models import Notice
from campaigns.triggers import look_at
from contacts.models import Appointment, AppointmentChange, AppointmentHost, Contact, User
from tests.factories import (
    CalendarFactory,
    ConfigurationFactory,
    ContactFactory,
    GoogleAccountFactory,
    GoogleCalendarFactory,
    MembershipFactory,
)

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 3, 2, 6, tzinfo=datetime.UTC)  # a Monday
TEN = datetime.datetime(2026, 3, 10, 10, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def team() -> Calendar:
    calendar: Calendar = CalendarFactory(
        kind=Calendar.Kind.ROUND_ROBIN, duration=HOUR, time_zone="UTC", notices=Calendar.Notices.ALL
    )
    for name in ("Dana", "Amir", "Nell"):
        member(calendar, name)
    return calendar


def member(calendar: Calendar, name: str) -> Membership:
    """Works on Tuesdays from nine to one."""
    row: Membership = MembershipFactory(calendar=calendar, user__first_name=name, user__last_name="Office")
    WeeklyHours.objects.create(membership=row, weekday=1, starts=datetime.time(9), ends=datetime.time(13))
    return row


def person(name: str) -> User:
    return User.objects.get(first_name=name)


def booked(
    team: Calendar, host: str = "Dana", starts_at: datetime.datetime = TEN, **values: Any
) -> Appointment:
    wanted = booking.Booking(
        calendar=team,
        contact=values.pop("contact", None) or ContactFactory(address="vic@x.org"),
        owner=person(host),
        hosts=[person(host)],
        starts_at=starts_at,
        ends_at=starts_at + HOUR,
        claims=True,
        **values,
    )
    return booking.book_many([wanted])[0]


def moved(appointment: Appointment, starts_at: datetime.datetime = TEN + HOUR) -> Appointment:
    row = Appointment.objects.get(pk=appointment.pk)
    customers.move(row, row.contact, starts_at, now=NOW)
    return Appointment.objects.get(pk=appointment.pk)


def hosts(appointment: Appointment) -> list[str]:
    return [host.user.first_name for host in appointment.hosts.select_related("user")]


def busy(name: str, starts_at: datetime.datetime = TEN + HOUR) -> None:
    BlockedTime.objects.create(user=person(name), starts_at=starts_at, ends_at=starts_at + HOUR)


def test_it_stays_with_its_host_who_is_free_then_whoever_is_next_in_turn(team: Calendar) -> None:
    appointment = booked(team)
    # Dana has the most to do.
    booked(team, starts_at=TEN - HOUR)
    assert hosts(moved(appointment)) == ["Dana"]
    assert AppointmentChange.objects.get(what="rescheduled").why == "Moved online by the customer."


def test_of_a_host_who_is_not_free_then_the_next_in_turn_takes_it_over_and_it_is_said_why(
    team: Calendar,
) -> None:
    appointment = booked(team)
    booked(team, "Amir", starts_at=TEN - HOUR)
    busy("Dana")
    row = moved(appointment)
    assert hosts(row) == ["Nell"]
    assert row.owner == person("Nell")
    assert row.assigned_why == (
        "Nell Office was free with the fewest upcoming appointments (0). Before it was moved: Dana Office."
    )
    assert AppointmentChange.objects.get(what="rescheduled").why == (
        "Moved online by the customer. Nell Office takes over from Dana Office, who is not free then."
    )
    claim = AppointmentHost.objects.get(appointment=row)
    assert (claim.claims_from, claim.claims_until) == (TEN + HOUR, TEN + 2 * HOUR)


def test_the_time_of_who_hosted_it_is_free_again(team: Calendar) -> None:
    appointment = booked(team)
    Membership.objects.exclude(user=person("Dana")).exclude(user=person("Nell")).delete()
    busy("Dana")
    moved(appointment)
    again = booked(team, contact=ContactFactory())
    assert hosts(again) == ["Dana"]


def test_a_contact_that_stays_with_their_owner_goes_to_them(team: Calendar) -> None:
    Calendar.objects.update(keeps_owner=True)
    contact: Contact = ContactFactory(address="vic@x.org", owner=person("Amir"))
    appointment = booked(team, contact=contact)
    booked(team, "Amir", starts_at=TEN - HOUR)
    busy("Dana")
    assert hosts(moved(appointment)) == ["Amir"]


def test_who_left_the_team_hands_over_what_is_moved(team: Calendar) -> None:
    appointment = booked(team)
    Membership.objects.filter(user=person("Dana")).delete()
    assert hosts(moved(appointment)) != ["Dana"]


def test_times_at_which_a_colleague_is_free_are_on_offer_too(team: Calendar) -> None:
    appointment = booked(team)
    busy("Dana", TEN + HOUR)
    day = int(TEN.replace(hour=0).timestamp())
    offer = offering.read_to_move(appointment, within=(day, day + 86400), now=NOW)
    assert [slot.starts_at.hour for slot in offer.slots()] == [9, 11, 12]


def test_nobody_is_free_then_is_still_told(team: Calendar) -> None:
    appointment = booked(team)
    for name in ("Dana", "Amir", "Nell"):
        busy(name)
    with pytest.raises(booking.Taken):
        moved(appointment)
    assert hosts(appointment) == ["Dana"]


def linked(name: str) -> int:
    google_calendar = GoogleCalendarFactory(
        account=GoogleAccountFactory(user=person(name)), window_ends_at=TEN + datetime.timedelta(days=99)
    )
    ConfigurationFactory(user=person(name), linked_calendar=google_calendar)
    return int(google_calendar.pk)


def test_its_event_leaves_the_old_hosts_calendar_and_stands_in_the_new_ones(team: Calendar) -> None:
    Membership.objects.filter(user=person("Amir")).delete()
    dana, nell = linked("Dana"), linked("Nell")
    appointment = booked(team)
    assert list(PushTarget.objects.values_list("google_calendar", flat=True)) == [dana]
    busy("Dana")
    row = moved(appointment)
    targets = PushTarget.objects.filter(appointment=row).values_list(
        "google_calendar", "host", "is_withdrawn", "wanted_revision"
    )
    assert sorted(targets) == sorted(
        [(dana, person("Dana").pk, True, row.revision), (nell, person("Nell").pk, False, row.revision)]
    )


def tell() -> None:
    """What the changes lead to is written and sent."""
    for change in AppointmentChange.objects.filter(looked_at=None).order_by("pk"):
        look_at(change.pk, now=NOW)
    deliver_due(NOW)


def test_the_customer_is_told_of_the_new_time_and_of_who_receives_them_then(team: Calendar) -> None:
    Membership.objects.filter(user=person("Amir")).delete()
    appointment = booked(team)
    tell()
    busy("Dana")
    moved(appointment)
    tell()
    told = Notice.objects.get(kind="moved")
    assert told.state == Notice.State.SENT
    assert "Nell Office" in told.body_text
    assert "Dana" not in told.body_text


def test_the_page_says_before_it_is_moved_that_a_colleague_takes_over(team: Calendar) -> None:
    appointment = booked(team)
    busy("Dana")
    address = f"{links.manage_path(appointment, appointment.contact)}move/"
    text = "Dana Office is not free then: a colleague takes over."
    assert text in Client().get(address, {"start": "20260310T110000Z"}).content.decode()
    assert text not in Client().get(address, {"start": "20260310T120000Z"}).content.decode()
