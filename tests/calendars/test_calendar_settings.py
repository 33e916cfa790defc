"""The verbs that set calendars up: what they write, what they refuse, and what they leave alone."""

import datetime

import pytest

from calendars.calendar_settings import (
    Member,
    check,
    delete_calendar,
    forget_dates,
    free_slug,
    save_calendar,
    save_dates,
    save_week,
    switch,
)
from calendars.configuring import NotAllowed
from calendars.models import Calendar, CalendarConfiguration, DateOverride, Membership, WeeklyHours
from calendars.working_hours import USUAL_WEEK, Range
from contacts.models import Appointment
from tests.calendars.settings_pages import member_of, works
from tests.desk import booked
from tests.factories import CalendarFactory, ConfigurationFactory, UserFactory

pytestmark = pytest.mark.django_db
Kind = Calendar.Kind
NINE, NOON, FIVE = datetime.time(9), datetime.time(12), datetime.time(17)
EVE = datetime.date(2026, 12, 24)


def test_a_new_calendar_is_stored_with_its_team() -> None:
    first, second = UserFactory.create(), UserFactory.create()
    calendar = Calendar(name="First visit", slug="first-visit", kind=Kind.ROUND_ROBIN, keeps_owner=True)
    save_calendar(calendar, [Member(second, 5, is_active=False), Member(first, 1)])
    stored = Calendar.objects.get()
    assert stored.keeps_owner
    assert [(row.user, row.priority, row.is_active) for row in stored.memberships.all()] == [
        (first, 1, True),
        (second, 5, False),
    ]


def test_members_who_stay_keep_their_hours_and_those_of_who_goes_are_deleted() -> None:
    calendar = CalendarFactory.create(kind=Kind.COLLECTIVE)
    staying, leaving = member_of(calendar), member_of(calendar)
    save_calendar(calendar, [Member(staying.user, 3)])
    assert Membership.objects.get().pk == staying.pk
    assert set(WeeklyHours.objects.values_list("membership", flat=True)) == {staying.pk}
    assert not WeeklyHours.objects.filter(membership=leaving.pk).exists()


def test_without_a_team_the_members_are_left_alone() -> None:
    member = member_of()
    member.calendar.name = "Renamed"
    save_calendar(member.calendar)
    assert Membership.objects.get() == member
    assert Calendar.objects.get().name == "Renamed"


def test_an_unassigned_calendar_gets_no_team_whatever_is_handed_over() -> None:
    calendar = save_calendar(
        Calendar(name="Room", slug="room", kind=Kind.UNASSIGNED), [Member(UserFactory.create())]
    )
    assert not calendar.memberships.exists()


@pytest.mark.parametrize(
    ("kind", "seats", "keeps_owner"),
    [
        (Kind.CLASS, 8, False),
        (Kind.ROUND_ROBIN, 1, True),
        (Kind.PERSONAL, 1, False),
        (Kind.COLLECTIVE, 1, False),
    ],
)
def test_what_a_kind_does_not_use_is_stored_at_its_default(kind: str, seats: int, keeps_owner: bool) -> None:
    save_calendar(Calendar(name="One", slug="one", kind=kind, seats=8, keeps_owner=True))
    stored = Calendar.objects.get()
    assert (stored.seats, stored.keeps_owner) == (seats, keeps_owner)


@pytest.mark.parametrize("status", Appointment.Status.values)
def test_the_kind_is_locked_by_an_appointment_of_any_status(status: str) -> None:
    member = member_of()
    booked(member.user, calendar=member.calendar, status=status)
    member.calendar.kind = Kind.COLLECTIVE
    with pytest.raises(NotAllowed, match="The kind cannot change any more") as refusal:
        save_calendar(member.calendar)
    assert refusal.value.field == "kind"
    assert Calendar.objects.get().kind == Kind.PERSONAL


@pytest.mark.parametrize("kind", [Kind.PERSONAL, Kind.CLASS])
def test_a_calendar_with_one_host_refuses_a_second_active_member(kind: str) -> None:
    calendar = CalendarFactory.create(kind=kind)
    first, second = Member(UserFactory.create()), UserFactory.create()
    with pytest.raises(NotAllowed, match="has one host"):
        check(calendar, [first, Member(second)])
    check(calendar, [first, Member(second, is_active=False)])


def test_switching_off_leaves_appointments_and_members_as_they_are() -> None:
    member = member_of()
    appointment = booked(member.user, calendar=member.calendar)
    switch(member.calendar, on=False)
    appointment.refresh_from_db()
    assert not Calendar.objects.get().is_active
    assert (appointment.status, appointment.revision) == ("new", 1)
    assert Membership.objects.get().is_active


def test_a_calendar_that_has_appointments_is_never_deleted() -> None:
    member = member_of()
    booked(member.user, calendar=member.calendar, status="cancelled")
    with pytest.raises(NotAllowed, match="Switch it off instead"):
        delete_calendar(member.calendar)
    assert Calendar.objects.exists()


def test_who_filed_on_a_deleted_calendar_falls_back_to_blocking() -> None:
    member = member_of()
    ConfigurationFactory.create(
        user=member.user, default_calendar=member.calendar, allow_contact_creation=True, allow_trigger=True
    )
    delete_calendar(member.calendar)
    stored = CalendarConfiguration.objects.get()
    assert (stored.default_calendar, stored.allow_contact_creation, stored.allow_trigger) == (
        None,
        False,
        False,
    )


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("First visit", "first-visit-3"),
        ("Dana – consultations", "dana-consultations"),
        ("会", "calendar"),
        ("Appointments", "appointments-2"),
    ],
)
def test_a_free_address_is_made_from_the_name(name: str, slug: str) -> None:
    CalendarFactory.create(slug="first-visit")
    CalendarFactory.create(slug="first-visit-2")
    assert free_slug(name) == slug


def test_a_calendar_may_keep_its_own_address() -> None:
    calendar = CalendarFactory.create(slug="first-visit")
    assert free_slug("First visit", but=calendar) == "first-visit"


def test_a_week_replaces_the_week_of_its_owner_alone() -> None:
    member, other = member_of(), member_of()
    save_dates(member, [EVE], [])
    save_week(member, {5: [Range(NINE, NOON), Range(NOON, FIVE)]})
    rows = WeeklyHours.objects.filter(membership=member)
    assert [(row.weekday, row.starts, row.ends) for row in rows] == [(5, NINE, NOON), (5, NOON, FIVE)]
    assert WeeklyHours.objects.filter(membership=other).count() == 5
    assert DateOverride.objects.filter(membership=member).count() == 1


def test_an_unassigned_calendar_has_hours_of_its_own() -> None:
    room = CalendarFactory.create(kind=Kind.UNASSIGNED)
    save_week(room, USUAL_WEEK)
    assert list(room.weeklyhours_set.values_list("weekday", flat=True)) == [0, 1, 2, 3, 4]


def test_an_empty_week_closes_every_day() -> None:
    room = CalendarFactory.create(kind=Kind.UNASSIGNED)
    works(room)
    save_week(room, {})
    assert not WeeklyHours.objects.exists()


def test_a_date_replaces_what_was_there_and_can_be_forgotten() -> None:
    member = member_of()
    save_dates(member, [EVE], [Range(NINE, NOON), Range(NOON, FIVE)])
    save_dates(member, [EVE, EVE + datetime.timedelta(1)], [])
    rows = DateOverride.objects.filter(membership=member)
    assert [(row.on, row.starts) for row in rows] == [(EVE, None), (EVE + datetime.timedelta(1), None)]
    assert forget_dates(member, [EVE]) == 1
    assert DateOverride.objects.get().on == EVE + datetime.timedelta(1)
