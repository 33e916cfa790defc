"""The links a message carries: confirm, move, cancel, see, unsubscribe; what they open, and when they are left out."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connection as default
from django.test import Client
from django.test.utils import CaptureQueriesContext

from calendars import booking
from campaigns.delivery import deliver_due
from campaigns.merge_fields import merge_fields
from campaigns.models import Message
from contacts.models import Appointment, Contact
from tests.campaigns import rows
from tests.campaigns.rows import NOW, START, at_once, before

pytestmark = pytest.mark.django_db
SITE = "http://127.0.0.1:8000"
DAY = timedelta(days=1)
ACTIONS = ("confirm_url", "reschedule_url", "cancel_url", "manage_url")


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def visitor() -> Client:
    return Client(enforce_csrf_checks=True)


def there(appointment: Appointment, contact: Contact | None = None, **moment: Any) -> set[str]:
    """Which of the links a message to them would carry."""
    row = Appointment.objects.get(pk=appointment.pk)
    fields = merge_fields(row, contact or row.contact, **moment)["appointment"]
    return {action.removesuffix("_url") for action in ACTIONS if fields[action]}


def link(appointment: Appointment, action: str) -> str:
    row = Appointment.objects.get(pk=appointment.pk)
    return merge_fields(row, row.contact)["appointment"][f"{action}_url"].removeprefix(SITE)


def reads(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path, follow=True)
    assert response.status_code == status
    return response.content.decode()


def press(client: Client, path: str) -> str:
    """The one press on the page behind `path`, and the page after it."""
    start = path.rpartition("start=")[2]
    return client.post(path, {"start": start}, follow=True).content.decode()


# --- which links there are --------------------------------------------------------------------------------


def test_links_are_left_out_where_they_would_lead_nowhere() -> None:
    free = rows.calendar(change_deadline=DAY)
    appointment = rows.booked(calendar=free)
    assert there(appointment) == {"confirm", "reschedule", "cancel", "manage"}
    assert there(appointment, now=START - timedelta(hours=2)) == {"confirm", "manage"}
    assert there(appointment, now=START) == {"manage"}
    fixed = rows.calendar(allows_cancel=False, allows_reschedule=False)
    assert there(rows.booked(calendar=fixed)) == {"confirm", "manage"}
    booking.cancel(appointment)
    assert there(appointment) == {"manage"}
    assert there(rows.booked(origin="google", calendar=free)) == {"confirm", "manage"}


def test_who_has_no_place_in_it_gets_no_link_and_who_came_along_may_take_themselves_off() -> None:
    ada, bob = rows.contact(), rows.contact()
    appointment = rows.booked(ada, guests=[bob])
    assert there(appointment, bob) == {"cancel", "manage"}
    assert there(appointment, rows.contact()) == set()


def test_a_request_that_staff_have_yet_to_accept_is_not_its_customers_to_confirm() -> None:
    asked = rows.booked(origin="customer", calendar=rows.calendar(confirms_automatically=False))
    assert "confirm" not in there(asked)
    assert "confirm" not in there(rows.booked(calendar=rows.calendar(confirms_automatically=True)))


def test_a_fallback_stands_in_for_a_link_that_is_not_there() -> None:
    body = '{{ appointment.cancel_url | default: "Call us" }} {{ contact.unsubscribe_url }}'
    rows.campaign(at_once(body=body))
    rows.booked(calendar=rows.calendar(allows_cancel=False))
    deliver_due(NOW)
    assert mail.outbox[0].body.startswith(f"Call us {SITE}/campaigns/unsubscribe/")


def test_links_cost_no_statement_a_message() -> None:
    rows.campaign(*(before(hours, body="{{ appointment.confirm_url }}") for hours in range(1, 5)))
    appointment = rows.booked()
    me = rows.user()
    desk = Client()
    desk.force_login(me)
    counts = []
    for most in (2, 4):
        Message.objects.update(state="void")
        pks = Message.objects.values_list("pk", flat=True)[:most]
        Message.objects.exclude(pk__in=list(pks)).delete()
        with CaptureQueriesContext(connection()) as queries:
            desk.get("/outbox/?tab=left-out")
        counts.append(len(queries))
        Message.objects.all().delete()
        rows.moved(appointment, START + most * DAY)
    assert counts[0] == counts[1]


def connection() -> Any:
    return default


# --- confirming -------------------------------------------------------------------------------------------


def test_opening_a_link_changes_nothing_and_one_press_confirms(visitor: Client) -> None:
    rows.campaign(at_once(subject="Thanks"), on_changes=["confirmed"], name="Thanks")
    appointment = rows.booked()
    path = link(appointment, "confirm")
    assert "Confirm: I will be there" in reads(visitor, path)
    appointment.refresh_from_db()
    assert appointment.status == "new"
    assert "Thank you, it is confirmed" in press(visitor, path)
    appointment.refresh_from_db()
    assert (appointment.status, appointment.status_set_by) == ("confirmed", "customer")
    rows.look()
    change = appointment.changes.latest("pk")
    assert (change.what, change.origin, change.fires) == ("confirmed", "customer", True)
    assert rows.entered(appointment) == {"Thanks"}


def test_a_second_press_says_that_it_is_confirmed_already(visitor: Client) -> None:
    appointment = rows.booked()
    path = link(appointment, "confirm")
    press(visitor, path)
    assert "confirmed already" in press(visitor, path)
    assert appointment.changes.filter(what="confirmed").count() == 1


def test_a_time_that_moved_meanwhile_is_shown_before_it_is_confirmed(visitor: Client) -> None:
    appointment = rows.booked()
    old = link(appointment, "confirm")
    rows.moved(appointment, START + DAY)
    assert "This appointment has another time now" in reads(visitor, old)
    assert "Confirm the new time" in press(visitor, old)
    appointment.refresh_from_db()
    assert appointment.status == "new"
    assert "Thank you, it is confirmed" in press(visitor, link(appointment, "confirm"))


@pytest.mark.parametrize(
    ("happens", "words"),
    [("cancelled", "This appointment is cancelled."), ("past", "This appointment is over, or has begun.")],
)
def test_what_can_no_longer_be_confirmed_says_why(
    visitor: Client, clock: time_machine.Traveller, happens: str, words: str
) -> None:
    appointment = rows.booked()
    path = link(appointment, "confirm")
    if happens == "cancelled":
        booking.cancel(appointment)
    else:
        clock.move_to(START + DAY)
    status = Appointment.objects.get().status
    assert words in reads(visitor, path)
    assert words in press(visitor, path)
    assert Appointment.objects.get().status == status


@pytest.mark.parametrize("action", ["confirm/", "cancel/", "move/", ""])
def test_a_wrong_link_has_words_and_one_whose_holder_was_taken_off_has_others(
    visitor: Client, action: str
) -> None:
    assert "This link does not work" in reads(visitor, f"/book/appointments/forged/{action}", 404)
    bob = rows.contact()
    appointment = rows.booked(guests=[bob])
    path = merge_fields(appointment, bob)["appointment"]["manage_url"].removeprefix(SITE)
    booking.detach(appointment, bob)
    assert "no longer part of this appointment" in reads(visitor, f"{path}{action}", 410)


def test_the_links_of_a_message_lead_to_moving_and_cancelling(visitor: Client) -> None:
    appointment = rows.booked()
    assert "Cancel this appointment?" in reads(visitor, link(appointment, "cancel"))
    assert visitor.get(link(appointment, "reschedule")).status_code == 200
    assert "Your appointment" in reads(visitor, link(appointment, "manage"))


@pytest.mark.parametrize(
    ("origin", "words"), [("staff", "confirm that you come</a>"), ("customer", "you hear from us")]
)
def test_who_may_confirm_is_not_told_to_wait_for_us(visitor: Client, origin: str, words: str) -> None:
    appointment = rows.book(calendar=rows.calendar(confirms_automatically=False), origin=origin)
    page = reads(visitor, link(appointment, "manage"))
    assert f"It is not confirmed yet: {words}" in page.replace(
        f'<a href="{link(appointment, "confirm").partition("?")[0]}">', ""
    )
