"""`manage.py seed`: a believable business, once, and only where nobody is harmed by well-known passwords."""

import datetime

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone

from calendars import customers, offering
from calendars.calendar_settings import Member, check
from calendars.models import Calendar, CalendarConfiguration, WeeklyHours
from campaigns.delivery import deliver_due
from campaigns.management import harbour
from campaigns.management.commands.seed import working_day
from campaigns.models import Campaign, Message
from contacts.models import Appointment, AppointmentChange, Contact, User
from contacts.newcomers import Newcomer
from tests.campaigns import rows

pytestmark = pytest.mark.django_db

WEDNESDAY_NOON = datetime.datetime(2026, 3, 4, 12, 0, tzinfo=datetime.UTC)
SATURDAY = datetime.datetime(2026, 3, 7, 12, 0, tzinfo=datetime.UTC)


def counts() -> dict[str, int]:
    return {
        model.__name__: model.objects.count() for model in (User, Contact, Calendar, Appointment, Campaign)
    }


@time_machine.travel(WEDNESDAY_NOON, tick=False)
def test_it_makes_the_business_once():
    call_command("seed", verbosity=0)
    first = counts()
    call_command("seed", verbosity=0)
    assert counts() == first
    assert first["User"] == 3
    assert first["Contact"] >= 25
    assert first["Appointment"] >= 20


@time_machine.travel(WEDNESDAY_NOON, tick=False)
def test_nobody_in_it_hears_the_same_twice(client):
    call_command("seed", verbosity=0)
    client.force_login(User.objects.get(email="dana@example.com"))
    pages = [client.get(campaign.get_absolute_url()).content.decode() for campaign in Campaign.objects.all()]
    assert len(pages) == 3
    assert not [page for page in pages if "hear twice" in page]


@time_machine.travel(WEDNESDAY_NOON, tick=False)
def test_everybody_can_sign_in_and_only_the_administrator_sees_the_admin(client):
    call_command("seed", verbosity=0)
    for person in harbour.SIGN_INS:
        assert client.login(email=person.address, password=harbour.PASSWORD)
    assert list(User.objects.filter(is_staff=True).values_list("email", flat=True)) == ["admin@example.com"]


@time_machine.travel(WEDNESDAY_NOON, tick=False)
def test_there_is_a_calendar_of_each_kind_with_hours():
    call_command("seed", verbosity=0)
    assert set(Calendar.objects.values_list("kind", flat=True)) == set(Calendar.Kind.values)
    for calendar in Calendar.objects.all():
        hours = WeeklyHours.objects.filter(calendar=calendar) | WeeklyHours.objects.filter(
            membership__calendar=calendar
        )
        assert hours.exists(), calendar.name


@time_machine.travel(WEDNESDAY_NOON, tick=False)
def test_every_calendar_keeps_the_rules_and_offers_times_within_ten_days():
    call_command("seed", verbosity=0)
    now = timezone.now()
    within = (int(now.timestamp()), int(now.timestamp()) + 10 * 86400)
    for calendar in Calendar.objects.all():
        check(calendar, [Member(row.user, row.priority, row.is_active) for row in calendar.memberships.all()])
        assert calendar.description
        assert len(offering.read(calendar, within=within, now=now).slots()) > 3, calendar


@time_machine.travel(WEDNESDAY_NOON, tick=False)
def test_google_is_left_for_the_person_to_connect():
    call_command("seed", verbosity=0)
    dana = CalendarConfiguration.objects.get(user__email="dana@example.com")
    assert dana.time_zone == "Europe/London"
    assert dana.linked_calendar is None
    assert Calendar.objects.default_for(dana.user).exists()


@pytest.mark.parametrize("moment", [WEDNESDAY_NOON, SATURDAY])
def test_what_is_over_has_an_outcome_and_fires_nothing(moment):
    with time_machine.travel(moment, tick=False):
        call_command("seed", verbosity=0)
        past = Appointment.objects.filter(starts_at__lte=timezone.now())
        future = Appointment.objects.filter(starts_at__gt=timezone.now())
    assert set(past.values_list("status", flat=True)) == {"showed", "no_show", "cancelled"}
    assert set(future.values_list("status", flat=True)) <= {"new", "confirmed", "cancelled"}
    assert not AppointmentChange.objects.filter(appointment__in=past, fires=True).exists()


@time_machine.travel(WEDNESDAY_NOON, tick=False)
def test_every_contact_is_marked_as_demo_data_at_an_address_that_cannot_exist():
    call_command("seed", verbosity=0)
    assert not Contact.objects.exclude(tags__name=harbour.DEMO_TAG).exists()
    for contact in Contact.objects.prefetch_related("emails"):
        assert all(".example." in f".{email.address.partition('@')[2]}" for email in contact.emails.all())


@time_machine.travel(WEDNESDAY_NOON, tick=False)
@pytest.mark.parametrize(
    ("slug", "news"), [("first-visit", "Request received"), ("dana-consultations", "Booked")]
)
def test_who_books_online_is_told_of_it_once(slug: str, news: str) -> None:
    call_command("seed", verbosity=0)
    now, calendar = timezone.now(), Calendar.objects.get(slug=slug)
    within = (int(now.timestamp()), int(now.timestamp()) + 10 * 86400)
    slot = offering.read(calendar, within=within, now=now).slots()[-1]
    visit = customers.Visit(
        calendar=calendar,
        newcomer=Newcomer(first_name="Nell", address="nell@x.org", phone="+442079460958"),
        starts_at=datetime.datetime.fromtimestamp(slot.start, datetime.UTC),
    )
    appointment, _ = customers.book_visit(visit, now=now)
    rows.look(now)
    deliver_due(now)
    assert [letter.subject.partition(":")[0] for letter in mail.outbox if letter.to == ["nell@x.org"]] == [
        news
    ]
    planned = Message.objects.filter(enrolment__appointment=appointment)
    assert set(planned.values_list("step__anchor", flat=True)) == {"before_start"}


@time_machine.travel(WEDNESDAY_NOON, tick=False)
def test_what_was_made_at_the_desk_or_at_google_is_confirmed_by_one_campaign() -> None:
    call_command("seed", verbosity=0)
    at_once = Campaign.objects.filter(steps__anchor="at_once").order_by("pk")
    assert [campaign.made_by for campaign in at_once] == [["staff"], ["google"]]


def test_it_refuses_where_strangers_could_sign_in(settings):
    settings.IS_LOCAL = False
    with pytest.raises(CommandError, match="DEBUG"):
        call_command("seed")


@pytest.mark.parametrize(
    ("today", "days", "expected"),
    [
        ("2026-03-04", 0, "2026-03-04"),
        ("2026-03-04", 3, "2026-03-09"),
        ("2026-03-04", -3, "2026-02-27"),
        ("2026-03-07", 0, "2026-03-09"),
        ("2026-03-08", -1, "2026-03-06"),
    ],
)
def test_a_working_day_is_never_at_a_weekend(today, days, expected):
    assert working_day(datetime.date.fromisoformat(today), days) == datetime.date.fromisoformat(expected)
