"""Who was invited is forgotten with the event that told it, also in the words of its plan."""

from dataclasses import replace

import pytest
from django.core import serializers
from django.test import Client

from calendars import configuring
from calendars.models import CalendarConfiguration, GoogleEvent, GoogleEventGuest
from calendars.sync import brake
from calendars.sync.erasing import without_addresses
from contacts.models import Appointment
from integrations.disconnecting import disconnect_account
from tests.calendars.sync.test_brake import add_many, delete_all
from tests.factories import ContactFactory
from tests.google import HOUR, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db


def stored() -> str:
    """All that is kept of events, as text."""
    return serializers.serialize("json", [*GoogleEvent.objects.all(), *GoogleEventGuest.objects.all()])


@pytest.mark.parametrize(
    ("reason", "left"),
    [
        ("Smart: a@x.org is not a contact.", "Smart: a guest is not a contact."),
        ("Added: a@x.org, b.c+d@y.org. Silent.", "Added: a guest, a guest. Silent."),
        ("Smart: a@x.org, b@x.org and 3 more is not", "Smart: a guest, a guest and 3 more is not"),
        ("Two way: a@x.org", "Two way: a guest"),
        ("Two way: cut@", "Two way: a guest"),
        ("No guests, so no appointment.", "No guests, so no appointment."),
    ],
)
def test_reason_names_nobody_by_address(reason: str, left: str) -> None:
    assert without_addresses(reason) == left


def test_addresses_that_are_known_are_found_however_odd_they_look() -> None:
    assert without_addresses('Smart: "jo doe"@x.org is', ['"jo doe"@x.org']) == "Smart: a guest is"


def test_disconnect_leaves_no_guests_address_on_any_event(google: Google) -> None:
    desk = Desk(google, "smart", creation=False)
    ContactFactory(address="known@secret.org")
    google.add(desk.address, guests=("stranger@secret.org",), description="d", location="l")
    google.add(desk.address, start=TOMORROW_AT_TEN + HOUR, guests=("known@secret.org",))
    desk.turn()
    assert "stranger@secret.org" in stored()
    disconnect_account(desk.account)
    assert "secret.org" not in stored()
    assert GoogleEvent.objects.filter(reason__startswith="Smart: a guest is ").count() == 2


def test_disconnect_ends_the_wait_of_a_braked_run(google: Google) -> None:
    desk = Desk(google)
    delete_all(google, desk, add_many(google, desk, 12))
    disconnect_account(desk.account)
    assert brake.braked_runs(desk.user) == []


def test_disconnected_events_do_not_say_that_they_block(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address)
    desk.turn()
    browser = Client()
    browser.force_login(desk.user)
    pages = ["/agenda/ledger/?when=all", f"/agenda/events/{GoogleEvent.objects.get().pk}/"]
    before = [words_of(browser, page) for page in pages]
    disconnect_account(desk.account)
    after = [words_of(browser, page) for page in pages]
    assert [before, after] == [[(True, False)] * 2, [(False, True)] * 2]


def words_of(browser: Client, page: str) -> tuple[bool, bool]:
    text = browser.get(page).content.decode().partition("<tbody")[2] or browser.get(page).content.decode()
    return "Blocks time" in text, "Does not block" in text


def test_event_that_turns_private_names_no_guest_in_its_reason(google: Google) -> None:
    desk = Desk(google, "smart", creation=False)
    ContactFactory(address="known@secret.org")
    linked = google.add(desk.address, guests=("known@secret.org", "other@secret.org"))
    block = google.add(desk.address, start=TOMORROW_AT_TEN + HOUR, guests=("stranger@secret.org",))
    desk.turn()
    for event in (linked, block):
        google.change(desk.address, event, visibility="private")
    desk.turn()
    assert Appointment.objects.get().status == "new"
    assert "secret.org" not in stored()


def save_private(desk: Desk, choice: str) -> None:
    configuration = CalendarConfiguration.objects.get(pk=desk.configuration.pk)
    values = replace(configuring.values_of(configuration), private_events=choice)
    configuring.save_configuration(values, user=desk.user, by=desk.user)


@pytest.mark.parametrize("choice", ["block", "ignore"])
def test_private_events_are_erased_with_the_setting_that_let_them_be_kept(
    google: Google, choice: str
) -> None:
    desk = Desk(google, "smart", creation=False, private_events="normal")
    said = {"visibility": "private", "description": "Results", "location": "Oncology"}
    google.add(desk.address, guests=("doc@secret.org",), **said, summary="Oncologist")
    google.add(desk.address, start=TOMORROW_AT_TEN + HOUR, guests=("doc@open.org",), summary="Lunch")
    desk.turn()
    save_private(desk, choice)
    for word in ("Oncologist", "Results", "Oncology", "secret.org"):
        assert word not in stored()
    assert "Lunch" in stored()
    assert "doc@open.org" in stored()
    assert GoogleEvent.objects.filter(blocks=True).count() == 2
    before = stored()
    save_private(desk, choice)
    assert stored() == before


def test_appointment_of_an_event_whose_details_are_kept_no_more_stays_without_its_title(
    google: Google,
) -> None:
    desk = Desk(google, private_events="normal")
    google.add(desk.address, guests=("doc@x.org",), summary="Oncologist", visibility="private")
    desk.turn()
    changes = Appointment.objects.get().changes.count()
    save_private(desk, "block")
    desk.turn()
    appointment = Appointment.objects.get()
    assert (appointment.title, appointment.status) == ("", "new")
    assert appointment.changes.filter(fires=True).count() == changes
