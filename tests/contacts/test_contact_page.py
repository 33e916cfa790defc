from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from contacts.models import Activity, Note, Origin
from tests.contacts.test_contacts_list import queries_of
from tests.desk import HOUR, NOW, booked, google_event, signed_in
from tests.factories import ContactFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def test_the_page_is_for_people_who_signed_in() -> None:
    assert Client().get(ContactFactory.create().get_absolute_url()).status_code == 302


def test_the_timeline_merges_appointments_notes_activities_and_changes_newest_first() -> None:
    client, user = signed_in()
    with time_machine.travel(NOW - 5 * HOUR, tick=False):
        contact = ContactFactory.create(first_name="Maria", source="google")
        Activity.objects.create(contact=contact, text="Came from Google Calendar.")
    with time_machine.travel(NOW - 2 * HOUR, tick=False):
        Note.objects.create(contact=contact, text="Prefers mornings.", author=user)
    with time_machine.travel(NOW - HOUR, tick=False):
        contact.company = "Northwind"
        contact.save()
    booked(user, NOW - 4 * HOUR, contact=contact)
    booked(user, NOW + 4 * HOUR, contact=contact)
    page = client.get(contact.get_absolute_url())
    kinds = [line.kind for line in page.context["lines"]]
    assert kinds == ["appointment", "change", "note", "appointment", "activity"]
    assert "Came from Google Calendar on 23 November 2026" in page.content.decode()
    assert len(page.context["upcoming"]) == 1


def test_an_appointment_shows_on_every_guests_page() -> None:
    client, user = signed_in()
    guest = ContactFactory.create()
    booked(user, guests=[guest])
    assert len(client.get(guest.get_absolute_url()).context["upcoming"]) == 1


def test_more_appointments_and_notes_cost_no_more_queries() -> None:
    client, user = signed_in()
    contact = ContactFactory.create(address="ann@x.org")
    booked(user, contact=contact)
    Note.objects.create(contact=contact, text="One", author=user)
    client.get(contact.get_absolute_url())
    at_one = queries_of(client, contact.get_absolute_url())
    for number in (2, 3):
        booked(user, NOW + number * HOUR, contact=contact)
        Note.objects.create(contact=contact, text="More", author=user)
    assert queries_of(client, contact.get_absolute_url()) == at_one


def test_a_shared_address_is_told_with_a_link_to_the_other_contact() -> None:
    client, _ = signed_in()
    contact = ContactFactory.create(address="same@x.org")
    twin = ContactFactory.create(first_name="Twin", address="same@x.org")
    page = client.get(contact.get_absolute_url()).content.decode()
    assert "has the same e-mail address" in page
    assert twin.get_absolute_url() in page


def test_a_note_is_kept_with_its_author() -> None:
    client, user = signed_in()
    contact = ContactFactory.create()
    client.post(f"/contacts/{contact.pk}/notes/", {"text": "Call back."})
    note = contact.notes.get()
    assert (note.text, note.author) == ("Call back.", user)


def test_an_empty_note_is_not_kept() -> None:
    client, _ = signed_in()
    contact = ContactFactory.create()
    client.post(f"/contacts/{contact.pk}/notes/", {"text": "  "})
    assert not contact.notes.exists()


def test_archiving_is_taken_back_by_the_same_button() -> None:
    client, _ = signed_in()
    contact = ContactFactory.create()
    for is_archived in (True, False):
        client.post(f"/contacts/{contact.pk}/archive/")
        contact.refresh_from_db()
        assert (contact.archived_at is not None) is is_archived


def test_a_private_appointment_shows_a_colleague_its_time_only() -> None:
    colleague, _ = signed_in()
    own, owner = signed_in()
    contact = ContactFactory.create()
    appointment = booked(owner, contact=contact, title="Secret talk", origin=Origin.GOOGLE)
    google_event(owner, appointment=appointment, visibility="private", summary="Secret talk")
    for page in (contact.get_absolute_url(), appointment.get_absolute_url()):
        assert "Secret talk" in own.get(page).content.decode()
        seen = colleague.get(page).content.decode()
        assert "Secret talk" not in seen
        assert "10:00" in seen
