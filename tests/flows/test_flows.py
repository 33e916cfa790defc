"""The two flows from end to end: the pages, Google over HTTP, the commands that run one sweep, the messages."""

import datetime
import io
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from calendars.models import Calendar, CalendarConfiguration, GoogleEvent
from campaigns.models import Campaign, Message, Step, TriggerEvent
from contacts.models import Appointment, Contact, User
from integrations.models import GoogleAccount, GoogleCalendar
from tests.factories import CalendarFactory, ContactFactory, MembershipFactory, UserFactory
from tests.google import HOUR, NOW, Google

pytestmark = pytest.mark.django_db(transaction=True)
DAY = datetime.timedelta(days=1)
START = NOW + 3 * DAY


class Business:
    """A business with one member of staff and a reminder 24 hours before."""

    def __init__(self, google: Google, client: Client) -> None:
        self.google, self.client = google, client
        self.user: User = UserFactory(email="dana@example.com")
        self.calendar: Calendar = CalendarFactory()
        MembershipFactory(calendar=self.calendar, user=self.user)
        campaign = Campaign.objects.create(name="Reminder")
        Step.objects.create(
            campaign=campaign, offset=DAY, subject="See you soon", body="Hello {{ contact.first_name }}"
        )
        google.control.add_person(self.user.email, "Dana")
        client.defaults["HTTP_HOST"] = "127.0.0.1:8000"
        client.force_login(self.user)

    def connect(self) -> None:
        """Through Google's consent page, as the person would."""
        answer = self.client.post(reverse("integrations:connect"))
        back = self.google.control.authorize(answer["Location"], self.user.email)
        assert self.client.get(back).status_code == 302

    def configure(self, **fields: Any) -> None:
        linked = GoogleCalendar.objects.get(is_primary=True)
        answer = self.client.post(
            reverse("calendars:profile"),
            {
                "linked_calendar": linked.pk,
                "sync_option": "two_way",
                "default_calendar": self.calendar.pk,
                "allow_contact_creation": "on",
                "allow_trigger": "on",
                **fields,
            },
        )
        assert answer.status_code == 302, answer.context["form"].errors


@pytest.fixture
def business(google: Google, client: Client) -> Business:
    business = Business(google, client)
    business.connect()
    business.configure()
    return business


def run(*command: str) -> str:
    out = io.StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


def test_event_in_google_becomes_contact_appointment_and_reminder(business: Business, google: Google) -> None:
    event = google.add(business.user.email, start=START, guests=("ann.lee@x.org",))
    assert event["id"] in run("pull")
    appointment = Appointment.objects.get()
    assert Contact.objects.get().name == "Ann Lee"
    assert {trigger.kind for trigger in TriggerEvent.objects.filter(fired=True)} == {
        "appointment",
        "customer_booked",
    }
    message = Message.objects.get()
    assert (message.state, message.due_at) == ("waiting", START - DAY)

    google.move(business.user.email, event, START + DAY)
    run("pull")
    message.refresh_from_db()
    assert (message.state, message.due_at) == ("waiting", START)
    page = business.client.get(appointment.get_absolute_url()).content.decode()
    assert "Reminder" in page

    google.delete(business.user.email, event)
    run("pull")
    message.refresh_from_db()
    appointment.refresh_from_db()
    assert (message.state, appointment.status) == ("void", "cancelled")
    run("deliver", "--at", (START + DAY).isoformat())
    assert mail.outbox == []


def test_reminder_is_sent_once(business: Business, google: Google) -> None:
    google.add(business.user.email, start=START, guests=("ann.lee@x.org",))
    run("pull")
    for _ in range(2):
        run("deliver", "--at", (START - DAY + HOUR / 2).isoformat())
    [sent] = mail.outbox
    assert (sent.to, sent.subject) == (["ann.lee@x.org"], "See you soon")
    assert "Hello Ann" in sent.body
    assert "See you soon" in business.client.get(reverse("campaigns:outbox")).content.decode()


def test_appointment_made_here_is_in_google_and_nothing_is_doubled(
    business: Business, google: Google
) -> None:
    ann = ContactFactory(address="ann@x.org", first_name="Ann")
    answer = business.client.post(
        reverse("calendars:book"),
        {
            "contact": ann.pk,
            "calendar": business.calendar.pk,
            "owner": business.user.pk,
            "starts_at": f"{START:%Y-%m-%dT%H:%M}",
            "minutes": "60",
        },
    )
    assert answer.status_code == 302, answer.context["form"].errors
    run("push")
    [event] = google.events(business.user.email)
    appointment = Appointment.objects.get()
    assert event["id"].startswith(appointment.pk.hex)
    for _ in range(2):
        run("pull")
        run("push")
    assert (
        Appointment.objects.count()
        == GoogleEvent.objects.count()
        == len(google.events(business.user.email))
        == 1
    )
    kinds = [trigger.kind for trigger in TriggerEvent.objects.filter(fired=True)]
    assert kinds == ["appointment"]


def test_disconnect_and_reconnect_double_nothing(business: Business, google: Google) -> None:
    google.add(business.user.email, start=START, guests=("ann.lee@x.org",))
    run("pull")
    account = GoogleAccount.objects.get()
    business.client.post(reverse("integrations:disconnect", args=[account.pk]))
    account.refresh_from_db()
    assert (account.state, str(account.refresh_token)) == ("disconnected", "")
    assert not GoogleEvent.objects.filter(blocks=True).exists()
    assert Appointment.objects.get().status == "new"
    assert CalendarConfiguration.objects.get().linked_calendar is not None
    business.connect()
    run("pull")
    assert Appointment.objects.count() == Contact.objects.count() == Message.objects.count() == 1
    assert TriggerEvent.objects.filter(fired=True).count() == 2
    assert GoogleEvent.objects.get().blocks
