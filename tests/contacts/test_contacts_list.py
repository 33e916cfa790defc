from collections.abc import Iterator

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calendars import booking
from contacts import paging
from contacts.models import Contact, Tag
from tests.desk import HOUR, NOW, booked, signed_in
from tests.factories import ContactFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def full_contact(tag: Tag) -> Contact:
    contact = ContactFactory.create(owner=signed_in()[1], address="one@x.org")
    contact.emails.create(address=f"two{contact.pk}@x.org")
    contact.phones.create(number=f"+4477009{contact.pk:05d}", is_primary=True)
    contact.tags.add(tag)
    booked(contact.owner, contact=contact)
    return contact


def queries_of(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as found:
        assert client.get(path).status_code == 200
    return len(found)


def test_the_list_is_for_people_who_signed_in() -> None:
    assert Client().get("/contacts/").status_code == 302


def test_three_contacts_cost_as_many_queries_as_one() -> None:
    client, _ = signed_in()
    tag = Tag.objects.create(name="VIP")
    full_contact(tag)
    client.get("/contacts/")
    at_one = queries_of(client, "/contacts/")
    full_contact(tag)
    full_contact(tag)
    assert queries_of(client, "/contacts/") == at_one


def test_a_row_shows_how_to_reach_the_person_and_what_comes_next() -> None:
    client, user = signed_in(time_zone="Europe/Lisbon")
    contact = ContactFactory.create(first_name="Maria", address="maria@home.example", source="google")
    booking.cancel(booked(user, NOW + HOUR, contact=contact), by=user)
    later = booked(user, NOW + 3 * HOUR, contact=contact)
    page = client.get("/contacts/").content.decode()
    assert "maria@home.example" in page
    assert "Google Calendar" in page
    assert f"/appointments/{later.pk}/" in page
    assert "Mon 23 Nov, 12:00" in page


def test_filters_narrow_the_list() -> None:
    client, user = signed_in()
    vip = Tag.objects.create(name="VIP")
    mine = ContactFactory.create(first_name="Wanted", owner=user, source="import")
    mine.tags.add(vip)
    ContactFactory.create(first_name="Other")
    for query in (f"owner={user.pk}", "source=import", f"tag={vip.pk}", "q=wanted"):
        page = client.get(f"/contacts/?{query}").content.decode()
        assert "Wanted" in page
        assert "Other" not in page


def test_archived_contacts_stand_apart() -> None:
    client, _ = signed_in()
    ContactFactory.create(first_name="Gone", archived_at=timezone.now())
    assert "Gone" not in client.get("/contacts/").content.decode()
    assert "Gone" in client.get("/contacts/?archived=on").content.decode()


def test_the_next_appointment_sorts_first_and_nobody_is_lost() -> None:
    client, user = signed_in()
    ContactFactory.create(first_name="Idle", last_name="Aa")
    booked(user, NOW + 2 * HOUR, contact=ContactFactory.create(first_name="Later"))
    booked(user, NOW + HOUR, contact=ContactFactory.create(first_name="Sooner"))
    rows = client.get("/contacts/?sort=next").context["page"].rows
    assert [contact.first_name for contact in rows] == ["Sooner", "Later", "Idle"]


def test_live_search_gets_the_pages_own_part() -> None:
    client, _ = signed_in()
    ContactFactory.create(first_name="Maria")
    part = client.get("/contacts/?q=mar", headers={"HX-Request": "true"}).content.decode()
    assert "Maria" in part
    assert "<html" not in part


def test_an_empty_list_says_whether_there_is_nobody_or_nobody_found() -> None:
    client, _ = signed_in()
    assert "No contacts yet" in client.get("/contacts/").content.decode()
    assert "Nobody found" in client.get("/contacts/?q=zebra").content.decode()


def test_pages_keep_the_search_and_stop_at_the_end() -> None:
    client, _ = signed_in()
    Contact.objects.bulk_create(Contact(first_name="Ann", last_name=f"{n:03d}") for n in range(51))
    first = client.get("/contacts/?q=ann").content.decode()
    assert "?q=ann&amp;page=2" in first
    second = client.get("/contacts/?q=ann&page=2")
    assert [contact.last_name for contact in second.context["page"].rows] == ["050"]
    assert not second.context["page"].has_next


@pytest.mark.parametrize("number", ["", "0", "-3", "x", "²"])
def test_an_unreadable_page_number_is_page_one(number: str) -> None:
    client, _ = signed_in()
    assert client.get("/contacts/", {"page": number}).context["page"].number == 1


def test_the_count_stops_instead_of_reading_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "COUNTED", 2)
    ContactFactory.create_batch(3)
    page = paging.page_of(Contact.objects.all(), None)
    assert (page.known, page.is_exact) == (2, False)
