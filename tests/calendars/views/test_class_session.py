import datetime
import html
import re
from collections.abc import Iterator

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from calendars import booking
from campaigns.models import Message
from contacts.models import Appointment, User
from tests.campaigns import rows
from tests.desk import HOUR, NOW, booked, signed_in
from tests.factories import CalendarFactory, ContactFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def session(user: User, starts_at: datetime.datetime = NOW + HOUR) -> tuple[list[Appointment], str]:
    """Three seats of eight, and the address of their session's page."""
    calendar = CalendarFactory.create(kind="class", name="Back class", seats=8)
    people = [ContactFactory.create(first_name=name) for name in ("Ann", "Ben", "Cid")]
    seats = [booked(user, starts_at, calendar=calendar, contact=person) for person in people]
    return seats, f"/appointments/{seats[0].pk}/session/"


def version_in(client: Client, path: str) -> str:
    found = re.search(r'name="version" value="([^"]+)"', client.get(path).content.decode())
    assert found
    return found[1]


def statuses(seats: list[Appointment]) -> list[str]:
    return [Appointment.objects.get(pk=seat.pk).status for seat in seats]


def test_it_names_who_comes_and_leads_there_from_each_of_them() -> None:
    client, user = signed_in()
    seats, path = session(user)
    text = client.get(path).content.decode()
    assert "3 of 8 seats taken" in text
    assert all(f'href="{seat.get_absolute_url()}"' in text for seat in seats)
    assert 'value="showed"' not in text
    page = client.get(seats[1].get_absolute_url()).content.decode()
    assert f'href="/appointments/{seats[1].pk}/session/">Back class: 3 of 8<' in page


def test_who_came_is_marked_one_by_one_and_the_rest_at_once() -> None:
    client, user = signed_in()
    seats, path = session(user, NOW - HOUR)
    assert "Everybody showed" in client.get(path).content.decode()
    pressed = {"status": "no_show", "revision": seats[1].revision, "session": "1"}
    back = client.post(f"/appointments/{seats[1].pk}/status/", pressed)
    assert back.headers["Location"] == f"/appointments/{seats[1].pk}/session/"
    assert "Ben Lee: no-show." in client.get(path).content.decode()
    assert "The other 2 showed" in client.get(path).content.decode()
    said = client.post(path, {"do": "showed", "version": version_in(client, path)}, follow=True)
    assert "2 appointments marked showed." in said.content.decode()
    assert statuses(seats) == ["showed", "no_show", "showed"]
    marked = Appointment.objects.get(pk=seats[1].pk)
    client.post(f"/appointments/{marked.pk}/unmark/", {"revision": marked.revision, "session": "1"})
    assert statuses(seats) == ["showed", "new", "showed"]


def test_it_says_what_a_campaign_sends_of_a_mark_before_it_is_set() -> None:
    client, user = signed_in()
    seats, path = session(user, NOW - HOUR)
    seats[0].contact.emails.create(address="ann@x.org", is_primary=True)
    assert "<b>No-show:</b>" not in client.get(path).content.decode()
    rows.campaign(rows.at_once(), name="Missed", on_changes=["no_show"])
    page = client.get(path).content.decode()
    assert "“Missed” sends an e-mail at once to" in html.unescape(page).partition("<b>No-show:</b>")[2]
    assert "<b>Showed:</b>" not in page


@pytest.mark.django_db(transaction=True)
def test_after_a_mark_it_says_how_long_taking_it_back_sends_nothing(settings: Settings) -> None:
    settings.NOTICE_GRACE = datetime.timedelta(seconds=30)
    client, user = signed_in()
    seats, path = session(user, NOW - HOUR)
    for number, seat in enumerate(seats):
        seat.contact.emails.create(address=f"ann{number}@x.org", is_primary=True)
    rows.campaign(rows.at_once(), name="Missed", on_changes=["no_show"])
    rows.campaign(rows.at_once(), name="Thanks", on_changes=["showed"])
    rows.campaign(rows.at_once(medium="sms"), name="By text", on_changes=["showed"])
    rows.campaign(rows.after(48), name="Review", on_changes=["showed"])

    def said_after(where: str, pressed: dict[str, object]) -> str:
        return html.unescape(client.post(where, pressed, follow=True).content.decode())

    one = {"status": "no_show", "revision": seats[1].revision, "session": "1"}
    words = "Ben Lee: no-show. Take it back within 30 seconds, and nothing of “Missed” is sent."
    assert words in said_after(f"/appointments/{seats[1].pk}/status/", one)
    page = client.get(seats[1].get_absolute_url()).content.decode()
    assert re.search(r"Held until \d\d:\d\d:30, in case it is taken back", page)
    words = (
        "2 appointments marked showed. Take one back within 30 seconds, and nothing of “Thanks” is sent to "
        "that person."
    )
    assert words in said_after(path, {"do": "showed", "version": version_in(client, path)})


@pytest.mark.django_db(transaction=True)
def test_a_mark_that_sends_nothing_at_once_says_only_that_it_is_set(settings: Settings) -> None:
    settings.NOTICE_GRACE = datetime.timedelta(seconds=30)
    client, user = signed_in()
    appointment = booked(user, NOW - HOUR)
    appointment.contact.emails.create(address="ann@x.org", is_primary=True)
    rows.campaign(rows.after(48), on_changes=["showed"])
    pressed = {"status": "showed", "revision": appointment.revision}
    said = client.post(f"/appointments/{appointment.pk}/status/", pressed, follow=True).content.decode()
    assert Message.objects.filter(enrolment__appointment=appointment).count() == 1
    assert "Take it back within" not in said


def test_who_waits_for_it_is_confirmed_at_once_and_the_others_stay_as_they_are() -> None:
    client, user = signed_in()
    seats, path = session(user)
    booking.set_status(seats[0], "confirmed")
    assert "Confirm all 2" in client.get(path).content.decode()
    said = client.post(path, {"do": "confirmed", "version": version_in(client, path)}, follow=True)
    assert "2 appointments confirmed." in said.content.decode()
    assert statuses(seats) == ["confirmed"] * 3
    assert seats[0].changes.filter(what="confirmed").count() == 1


def test_a_class_is_cancelled_as_one_with_its_reason() -> None:
    client, user = signed_in()
    seats, path = session(user)
    said = client.post(
        path, {"do": "cancel", "why": "Flood", "version": version_in(client, path)}, follow=True
    )
    assert "The class is cancelled, 3 appointments." in said.content.decode()
    assert statuses(seats) == ["cancelled"] * 3
    assert {seat.changes.latest("pk").why for seat in seats} == {"Flood"}


@pytest.mark.parametrize("do", ["cancel", "showed"])
def test_nothing_is_done_to_a_class_that_somebody_joined_meanwhile(do: str) -> None:
    client, user = signed_in()
    seats, path = session(user)
    version = version_in(client, path)
    booked(user, calendar=seats[0].calendar)
    said = client.post(path, {"do": do, "version": version, "why": "Ill & in bed"}, follow=True)
    assert "Somebody joined, left or was changed meanwhile, so nothing was done." in said.content.decode()
    assert "4 of 8 seats taken" in said.content.decode()
    assert 'value="Ill &amp; in bed"' in said.content.decode()
    assert statuses(seats) == ["new"] * 3


@pytest.mark.parametrize("leaver", [0, 1])
def test_who_leaves_changes_no_other_seat_that_somebody_has_open(leaver: int) -> None:
    client, user = signed_in()
    seats, _ = session(user)
    open_page = client.get(seats[2].get_absolute_url()).content.decode()
    seen = re.search(r'name="revision" value="(\d+)"', open_page)
    assert seen
    booking.cancel(seats[leaver])
    stayed = seats[1 - leaver]
    assert Appointment.objects.get(pk=stayed.pk).revision == stayed.revision
    pressed = {"status": "confirmed", "revision": seen[1]}
    assert (
        "changed meanwhile"
        not in client.post(f"/appointments/{seats[2].pk}/status/", pressed, follow=True).content.decode()
    )
    assert statuses(seats)[2] == "confirmed"


def test_a_move_of_one_seat_is_undone_although_another_seat_left_meanwhile() -> None:
    user = signed_in()[1]
    seats, _ = session(user)
    moved = booking.reschedule(
        seats[1], starts_at=seats[1].starts_at + 2 * HOUR, ends_at=seats[1].ends_at + 2 * HOUR, by=user
    )
    other = booked(user, moved.starts_at, calendar=moved.calendar)
    booking.cancel(other)
    move = moved.changes.get(what="rescheduled")
    back = booking.undo_move(moved, move, by=user)
    assert back.starts_at == seats[1].starts_at


def test_what_is_no_mark_is_refused() -> None:
    client, user = signed_in()
    seats, path = session(user)
    said = client.post(path, {"do": "invalid", "version": version_in(client, path)}, follow=True)
    assert "A whole class is not marked" in said.content.decode()
    assert statuses(seats) == ["new"] * 3


def test_what_is_no_seat_or_is_cancelled_has_its_own_page_alone() -> None:
    client, user = signed_in()
    seats, _ = session(user)
    booking.cancel(seats[0])
    for appointment in (seats[0], booked(user)):
        answer = client.get(f"/appointments/{appointment.pk}/session/")
        assert answer.headers["Location"] == appointment.get_absolute_url()
        assert "/session/" not in client.get(appointment.get_absolute_url()).content.decode()


def test_moving_the_class_starts_with_all_of_it() -> None:
    client, user = signed_in()
    seats, path = session(user)
    assert "?who=all" in client.get(path).content.decode()
    form = client.get(f"/appointments/{seats[0].pk}/move/?who=all").context["form"]
    assert form["who"].value() == "all"


def test_a_session_costs_the_same_statements_however_many_come() -> None:
    client, user = signed_in()
    seats, path = session(user)
    with CaptureQueriesContext(connection) as three:
        client.get(path)
    for _ in range(3):
        booked(user, calendar=seats[0].calendar)
    with CaptureQueriesContext(connection) as six:
        client.get(path)
    assert len(six) == len(three)
