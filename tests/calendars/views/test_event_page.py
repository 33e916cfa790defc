"""The page of one Google event: whether it is read, what its buttons do, who becomes a contact."""

import re
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client

from calendars.models import CalendarConfiguration, GoogleEvent
from calendars.sync.disconnecting import forget_unread, resume
from contacts.models import Appointment, Contact
from integrations.disconnecting import disconnect_account
from integrations.fields import encrypt
from integrations.models import GoogleAccount, GoogleCalendar
from tests.desk import signed_in
from tests.factories import ContactFactory
from tests.google import NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db


class At:
    """Somebody at their desk, who looks at the one event there is."""

    def __init__(self, google: Google, *guests: str, **configuration: Any) -> None:
        self.google, self.desk = google, Desk(google, **configuration)
        self.there = google.add(self.desk.address, guests=guests)
        self.desk.turn()
        self.client = signed_in(self.desk.user)[0]

    @property
    def event(self) -> GoogleEvent:
        return GoogleEvent.objects.get()

    @property
    def page(self) -> str:
        return words_of(self.client, f"/agenda/events/{self.event.pk}/")

    def decide(self, **values: str) -> str:
        return words_of(self.client, f"/agenda/events/{self.event.pk}/decide/", values)


def words_of(client: Client, path: str, data: dict[str, str] | None = None) -> str:
    with time_machine.travel(NOW, tick=False):
        answer = client.post(path, data, follow=True) if data else client.get(path)
    body = answer.content.decode().partition("<main")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


# --- what is not read ---------------------------------------------------------------------------------------------


def test_disconnected_calendar_is_named_as_the_reason_why_it_blocks_nothing(google: Google) -> None:
    at = At(google)
    assert "is not read" not in at.page
    disconnect_account(at.desk.account)
    why = f"{at.desk.account} is disconnected, so its calendar is not read and it blocks no time by itself."
    assert "Does not block" in at.page
    assert why in at.page


def test_calendar_that_nobody_links_is_named_as_the_reason(google: Google) -> None:
    at = At(google)
    CalendarConfiguration.objects.update(linked_calendar=None)
    GoogleCalendar.objects.update(next_pull_at=None)
    forget_unread()
    assert (
        "Its calendar is neither linked nor a conflict calendar now: it is not read and blocks no" in at.page
    )


def test_dead_grant_leaves_what_was_known(google: Google) -> None:
    at = At(google)
    GoogleAccount.objects.update(state=GoogleAccount.State.RECONNECT)
    until = f"Its calendar is not read until {at.desk.account} is connected again. What was last known still"
    assert until in at.page
    assert "Blocks time" in at.page


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_after_a_reconnect_what_was_deleted_is_gone_from_google(google: Google, when: str) -> None:
    at = At(google)
    if when == "before":
        google.delete(at.desk.address, at.there)
        at.desk.read()
        at.desk.turn()
    disconnect_account(at.desk.account)
    assert at.page.startswith('id="main"')
    assert "No longer read" in at.page
    if when == "meanwhile":
        google.delete(at.desk.address, at.there)
    with time_machine.travel(NOW, tick=False):
        again = google.control.issue_tokens(at.desk.address)
        connected_again(at.desk, again)
        assert "Being read again" in at.page or when == "before"
        at.desk.turn()
    assert "Gone from Google" in at.page
    assert "No longer read" not in at.page
    assert "is not read" not in at.page


def connected_again(desk: Desk, tokens: Any) -> None:
    GoogleAccount.objects.filter(pk=desk.account.pk).update(
        state=GoogleAccount.State.CONNECTED,
        access_token=encrypt(tokens.access_token),
        refresh_token=encrypt(tokens.refresh_token),
        access_expires_at=NOW.replace(year=2100),
    )
    resume(desk.account.pk, NOW)


# --- never this guest -----------------------------------------------------------------------------------------------


def test_guest_of_an_appointment_is_never_one_again_and_the_appointment_stays(google: Google) -> None:
    at = At(google, "ann@x.org", "bob@x.org")
    assert "Its appointment stays as it is, with everybody on it and their messages." in at.page
    assert "From now on no event in your calendar makes ann@x.org a contact or an appointment." in at.page
    said = at.decide(decision="never", address="ann@x.org")
    assert "ann@x.org becomes no contact from now on. The appointment stays." in said
    configuration = CalendarConfiguration.objects.get(user=at.desk.user)
    assert configuration.ignored_guests == "ann@x.org"
    google.change(at.desk.address, at.there, location="Room 2")
    at.google.add(at.desk.address, start=TOMORROW_AT_TEN.replace(day=5), guests=("ann@x.org",))
    at.desk.read()
    at.desk.turn()
    appointment = Appointment.objects.get()
    assert appointment.status == "new"
    assert sorted(appointment.guests.values_list("address", flat=True)) == ["ann@x.org", "bob@x.org"]


def test_only_guest_of_an_appointment_is_asked_about_the_same(google: Google) -> None:
    at = At(google, "ann@x.org")
    at.decide(decision="never", address="ann@x.org")
    assert Appointment.objects.get().status == "new"
    assert "Never a guest" in at.page
    assert "Never this guest" not in at.page


def test_guest_of_a_block_is_asked_nothing(google: Google) -> None:
    at = At(google, "ann@x.org", option="one_way")
    assert "Never this guest" in at.page
    assert "Its appointment stays" not in at.page


def test_guest_who_is_a_contact_leads_to_their_page(google: Google) -> None:
    ann = ContactFactory.create(address="ann@x.org")
    at = At(google, "ann@x.org", "bob@x.org", option="smart")
    with time_machine.travel(NOW, tick=False):
        page = at.client.get(f"/agenda/events/{at.event.pk}/").content.decode()
    guests = page.partition('id="event-guests"')[2].partition("</section>")[0]
    assert re.findall(r"/contacts/(\d+)/", guests) == [str(ann.pk)]


# --- make appointment -----------------------------------------------------------------------------------------------


def test_large_meeting_says_how_many_contacts_are_made(google: Google) -> None:
    ContactFactory.create(address="g0@x.org")
    at = At(google, *(f"g{number}@x.org" for number in range(25)))
    assert "24 new contacts are made. Nothing is sent to anybody." in at.page
    at.decide(decision="make")
    assert Contact.objects.count() == 25


def test_one_new_contact_and_none(google: Google) -> None:
    at = At(google, "ann@x.org", option="one_way")
    assert "1 new contact is made. Nothing is sent to anybody." in at.page
    ContactFactory.create(address="ann@x.org")
    assert "new contact" not in at.page
    assert "Nothing is sent to anybody." in at.page
