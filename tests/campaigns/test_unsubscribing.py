"""Contacts decide what they get: by the link in a message, by a mail reader's button, and through staff."""

from collections.abc import Iterator

import pytest
import time_machine
from django.core import signing
from django.test import Client
from pytest_django import Settings

from campaigns import unsubscribing
from campaigns.delivery import deliver_due
from campaigns.models import Message
from contacts.models import Activity, Contact, User
from contacts.timeline import change_lines
from tests.campaigns import rows
from tests.campaigns.rows import NOW, START, before

pytestmark = pytest.mark.django_db
State = Message.State


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def visitor() -> Client:
    return Client(enforce_csrf_checks=True)


def path_for(contact: Contact, medium: str = "email") -> str:
    return unsubscribing.address_for(contact, medium).removeprefix("http://127.0.0.1:8000")


def wishes(contact: Contact) -> tuple[bool, bool]:
    contact.refresh_from_db()
    return contact.no_email, contact.no_sms


def notes(contact: Contact) -> list[str]:
    return list(contact.activities.order_by("pk").values_list("text", flat=True))


def test_the_link_of_an_email_sent_long_ago_still_works(visitor: Client) -> None:
    person = rows.contact()
    old = signing.Signer(salt="campaigns.unsubscribe").sign(str(person.pk))
    assert visitor.post(f"/campaigns/unsubscribe/{old}/").status_code == 200
    assert wishes(person) == (True, False)


@pytest.mark.parametrize(("medium", "wish"), [("email", (True, False)), ("sms", (False, True))])
def test_a_link_stops_the_medium_it_came_by_and_looking_stops_nothing(
    visitor: Client, medium: str, wish: tuple[bool, bool]
) -> None:
    person = rows.contact()
    name = {"email": "e-mails", "sms": "texts"}[medium]
    path = path_for(person, medium)
    assert f"Stop these {name}?" in visitor.get(path).content.decode()
    assert wishes(person) == (False, False)
    text = visitor.post(path, {"stop": medium}).content.decode()
    assert f"You will get no more {name}" in text
    assert wishes(person) == wish
    assert notes(person) == [f"Unsubscribed from {name} by the link in one"]


def test_a_mail_readers_button_stops_at_once_and_answers_without_sending_elsewhere(visitor: Client) -> None:
    person = rows.contact()
    for _ in range(2):
        response = visitor.post(path_for(person), {"List-Unsubscribe": "One-Click"})
        assert response.status_code == 200
    assert wishes(person) == (True, False)
    assert len(notes(person)) == 1


def test_texts_can_be_stopped_along_with_emails_and_each_started_again(visitor: Client) -> None:
    person, path = rows.contact(), ""
    path = path_for(person)
    visitor.post(path, {"stop": ["email", "sms"]})
    assert wishes(person) == (True, True)
    text = visitor.post(path, {"start": "sms"}).content.decode()
    assert wishes(person) == (True, False)
    assert "Stop texts too" in text
    assert "You get e-mails again" in visitor.post(path, {"start": "email"}).content.decode()
    assert wishes(person) == (False, False)
    assert notes(person)[-2:] == [
        "Subscribed to texts again by the link in one",
        "Subscribed to e-mails again by the link in one",
    ]


def test_an_unknown_medium_stops_what_the_link_came_by(visitor: Client) -> None:
    person = rows.contact()
    visitor.post(path_for(person), {"stop": "pigeon"})
    assert wishes(person) == (True, False)


def test_staff_let_somebody_have_emails_again_with_their_name_beside_it() -> None:
    grace = rows.user(last_name="Hopper")
    desk = Client()
    desk.force_login(grace)
    person = rows.contact()
    unsubscribing.unsubscribe(person)
    assert "Send e-mails again" in desk.get(person.get_absolute_url()).content.decode()
    path = f"/contacts/{person.pk}/resubscribe/"
    assert desk.get(path).status_code == 405
    assert desk.post(path, {"medium": "email"}).status_code == 302
    assert wishes(person) == (False, False)
    last = Activity.objects.latest("pk")
    assert (last.text, last.by) == ("Gets e-mails again, switched on here", grace)
    assert "Send e-mails again" not in desk.get(person.get_absolute_url()).content.decode()
    assert Client().post(path, {"medium": "email"}).status_code == 302
    assert Activity.objects.count() == 2


def test_the_timeline_tells_a_wish_once_and_never_as_somebody_elses_edit() -> None:
    person = rows.contact()
    unsubscribing.unsubscribe(person)
    person.first_name = "Augusta"
    person.save()
    assert [line.text for line in change_lines(person)] == ["Changed first name"]


def test_subscribing_again_brings_back_nothing_that_was_skipped_and_lets_go_what_waits() -> None:
    rows.campaign(before(24), before(1))
    person = rows.contact()
    appointment = rows.booked(person)
    unsubscribing.unsubscribe(person)
    deliver_due(START.replace(day=9))
    unsubscribing.resubscribe(person, "email")
    rows.look()
    deliver_due(START.replace(hour=9))
    assert [state for state, _ in rows.messages(appointment)] == [State.SKIPPED, State.SENT]


def test_a_wish_changed_by_two_at_once_is_noted_once() -> None:
    person = rows.contact()
    stale: list[Contact] = [Contact.objects.get(pk=person.pk) for _ in range(2)]
    assert [unsubscribing.unsubscribe(each) for each in stale] == [True, False]
    assert User.objects.count() == 0
    assert len(notes(person)) == 1


@pytest.mark.parametrize("is_known", [True, False])
def test_customers_read_the_name_of_the_business_alone(settings: Settings, is_known: bool) -> None:
    settings.BUSINESS_NAME = "Harbour Physio"
    path = path_for(rows.contact()) if is_known else "/campaigns/unsubscribe/forged/"
    page = Client().get(path).content.decode()
    assert "<title>What you get from us · Harbour Physio</title>" in page
    assert "Tandem" not in page
