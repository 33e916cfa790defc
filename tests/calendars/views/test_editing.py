from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from calendars import booking
from calendars.models import CalendarConfiguration
from campaigns.forms import CampaignForm
from contacts.models import Appointment, Contact, Origin, User
from tests.contacts.test_contacts_list import queries_of
from tests.desk import NOW, booked, google_event, signed_in
from tests.factories import CalendarFactory, ContactFactory, GoogleAccountFactory, GoogleCalendarFactory

pytestmark = pytest.mark.django_db
Signed = tuple[Client, User]


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def desk() -> Signed:
    return signed_in()


def path_of(appointment: Appointment) -> str:
    return f"/appointments/{appointment.pk}/edit/"


def save(client: Client, appointment: Appointment, **values: Any) -> str:
    """What the page says after *Save*, with the appointment's own words unless `values` say otherwise."""
    values = {
        "revision": appointment.revision,
        "title": appointment.title,
        "location": appointment.location,
        "description": appointment.description,
        **values,
    }
    text: str = client.post(path_of(appointment), values, follow=True).content.decode()
    appointment.refresh_from_db()
    return text


def guests(appointment: Appointment) -> set[Contact]:
    return set(Contact.objects.filter(attendances__appointment=appointment))


def test_the_page_is_for_people_who_signed_in_and_may_see_the_appointment(desk: Signed) -> None:
    owner = signed_in()[1]
    appointment = booked(owner, origin=Origin.GOOGLE)
    google_event(owner, appointment=appointment, visibility="private", outcome="appointment")
    assert Client().get(path_of(appointment)).status_code == 302
    assert desk[0].get(path_of(appointment)).status_code == 404
    assert desk[0].post(path_of(appointment), {"title": "x"}).status_code == 404


def test_the_appointments_page_leads_there(desk: Signed) -> None:
    client, user = desk
    appointment = booked(user)
    assert path_of(appointment) in client.get(appointment.get_absolute_url()).content.decode()


def test_words_are_changed_and_google_hears_of_them(desk: Signed) -> None:
    client, user = desk
    link = GoogleCalendarFactory.create(account=GoogleAccountFactory.create(user=user))
    CalendarConfiguration.objects.filter(user=user).update(linked_calendar=link)
    appointment = booked(user)
    text = save(client, appointment, title="Second look", location="Room 2", description="Knee")
    assert "It will be in Google in a moment." in text
    assert (appointment.title, appointment.location, appointment.description) == (
        "Second look",
        "Room 2",
        "Knee",
    )
    assert appointment.push_targets.get().wanted_revision == appointment.revision


def test_an_empty_title_is_the_calendar_and_the_name(desk: Signed) -> None:
    client, user = desk
    appointment = booked(user, title="Old")
    save(client, appointment, title="")
    assert appointment.title == f"{appointment.calendar.name}: {appointment.contact.name}"


def test_guests_are_added_and_taken_off_in_one_go(desk: Signed) -> None:
    client, user = desk
    appointment = booked(user)
    first, second = appointment.contact, ContactFactory.create()
    save(client, appointment, add=[second.pk], off=[first.pk], first_name="Lea", address="lea@x.org")
    lea = Contact.objects.get(first_name="Lea")
    assert guests(appointment) == {second, lea}
    assert appointment.contact in (second, lea)
    history = [(change.what, change.contact, change.by) for change in appointment.changes.order_by("pk")]
    assert history[1:] == [("booked", second, user), ("booked", lea, user), ("cancelled", first, user)]


def test_the_last_guest_stays_and_nothing_else_is_saved_then(desk: Signed) -> None:
    client, user = desk
    appointment = booked(user, title="Old")
    text = save(client, appointment, title="New words", off=[appointment.contact.pk])
    assert "cancel the appointment" in text
    assert "New words" in text
    assert (appointment.title, guests(appointment)) == ("Old", {appointment.contact})


def test_who_is_no_guest_is_not_taken_off(desk: Signed) -> None:
    client, user = desk
    appointment = booked(user)
    save(client, appointment, off=[ContactFactory.create().pk])
    assert guests(appointment) == {appointment.contact}


def test_searching_keeps_who_was_chosen_and_what_was_typed(desk: Signed) -> None:
    client, user = desk
    appointment = booked(user)
    zelda, omar = ContactFactory.create(first_name="Zelda"), ContactFactory.create(first_name="Omar")
    part = client.get(path_of(appointment), {"who": "zel", "add": [omar.pk]}).content.decode()
    assert "<html" not in part
    assert f'value="{omar.pk}" checked' in part
    assert f'value="{zelda.pk}">' in part
    text = save(client, appointment, who="zel", find="1", title="Kept as typed", off=[appointment.contact.pk])
    assert "Zelda" in text
    assert "Kept as typed" in text
    assert f'name="off" value="{appointment.contact.pk}" checked' in text
    assert "Zelda" in save(client, appointment, who="zel")
    assert guests(appointment) == {appointment.contact}


def test_what_was_changed_meanwhile_is_not_overwritten_unseen(desk: Signed) -> None:
    client, user = desk
    appointment = booked(user)
    before = appointment.revision
    booking.set_details(appointment, title="Theirs", description="", location="")
    text = save(client, appointment, title="Ours", revision=before)
    assert "It was changed meanwhile. Here is what you typed" in text
    assert appointment.title == "Theirs"
    save(client, appointment, title="Ours")
    assert appointment.title == "Ours"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"notices": "none"}, "this calendar sends no notices"),
        ({"notices": "all"}, "The calendar tells"),
        ({"invites_through_google": True}, "Google writes to"),
    ],
)
def test_it_says_beforehand_who_is_told_of_a_guest_added(
    desk: Signed, fields: dict[str, Any], words: str
) -> None:
    client, user = desk
    link = GoogleCalendarFactory.create(account=GoogleAccountFactory.create(user=user))
    CalendarConfiguration.objects.filter(user=user).update(linked_calendar=link)
    appointment = booked(user, calendar=CalendarFactory.create(**fields))
    told = reverse("calendars:told_of_edit", args=[appointment.pk])
    assert f'hx-post="{told}"' in client.get(path_of(appointment)).content.decode()
    new = ContactFactory.create(address="new@x.org")
    text = client.post(told, {"add": [new.pk]}).content.decode()
    assert words in text
    assert guests(appointment) == {appointment.contact}


def test_of_an_event_that_we_organise_at_google_only_the_words_are_edited(desk: Signed) -> None:
    client, user = desk
    appointment = booked(user, origin=Origin.GOOGLE)
    google_event(user, appointment=appointment, outcome="appointment", organised_by_us=True)
    text = client.get(path_of(appointment)).content.decode()
    assert "Google keeps its own text" in text
    assert "Take off" not in text
    save(client, appointment, title="Ours", add=[ContactFactory.create().pk])
    assert (appointment.title, len(guests(appointment))) == ("Ours", 1)


def test_guests_of_somebody_elses_event_edit_nothing(desk: Signed) -> None:
    client, user = desk
    appointment = booked(user, origin=Origin.GOOGLE, title="Theirs")
    google_event(user, appointment=appointment, outcome="appointment", organised_by_us=False)
    assert "its organiser decides" in client.get(path_of(appointment)).content.decode()
    assert client.post(path_of(appointment), {"title": "Ours", "revision": "1"}).status_code == 409
    appointment.refresh_from_db()
    assert appointment.title == "Theirs"


def test_what_is_cancelled_is_not_edited(desk: Signed) -> None:
    client, user = desk
    appointment = booking.cancel(booked(user))
    assert "The appointment is cancelled." in client.get(path_of(appointment)).content.decode()


def test_three_guests_cost_as_many_queries_as_one(desk: Signed) -> None:
    client, user = desk
    one = booked(user)
    three = booked(user, guests=[ContactFactory.create(address=f"g{n}@x.org") for n in range(2)])
    assert queries_of(client, path_of(one)) == queries_of(client, path_of(three))


# --- history ----------------------------------------------------------------------------------------------


def test_new_words_leave_a_line_in_the_history_that_nothing_fires_for(desk: Signed) -> None:
    client, user = desk
    appointment = booked(user, title="Back class", location="Room 1")
    save(client, appointment, title="Neck class", location="", description="Bring\na towel")
    line = appointment.changes.latest("pk")
    assert (line.what, line.by, line.origin, line.revision) == ("edited", user, Origin.STAFF, 2)
    assert line.why == (
        "Title: “Back class” is now “Neck class” · Place: no more “Room 1” · What it is about added"
    )
    assert line.looked_at is not None
    assert not line.trigger_events.exists()
    text = client.get(appointment.get_absolute_url()).content.decode()
    assert "Edited" in text
    assert "“Back class” is now “Neck class”" in text


def test_of_an_event_made_at_google_the_history_quotes_nothing(desk: Signed) -> None:
    client, user = desk
    appointment = booked(user, origin=Origin.GOOGLE, title="Oncologist")
    google_event(user, appointment=appointment, outcome="appointment", organised_by_us=True)
    save(client, appointment, title="Visit")
    assert appointment.changes.latest("pk").why == "Title changed"


def test_words_that_stay_leave_no_line(desk: Signed) -> None:
    client, user = desk
    appointment = booked(user)
    save(client, appointment)
    assert [change.what for change in appointment.changes.all()] == ["booked"]


def test_no_campaign_can_start_with_an_edit() -> None:
    fields = CampaignForm().fields
    assert "edited" not in dict(fields["on_changes"].choices)  # type: ignore[attr-defined]  # a choice field
