"""Late matches: whoever of the two comes last is news once, and nothing that is old is looked at again."""

import datetime

import pytest
from pytest_django import DjangoAssertNumQueries

from calendars.models import GoogleEvent, GoogleEventGuest
from calendars.sync import late
from calendars.sync.late import late_matches
from contacts.models import Appointment, ContactEmail
from tests.factories import ContactFactory, GoogleEventFactory
from tests.google import Desk, Google

pytestmark = pytest.mark.django_db


def blocked(address: str) -> GoogleEvent:
    start = datetime.datetime(2090, 1, 1, 9, tzinfo=datetime.UTC)
    event: GoogleEvent = GoogleEventFactory(starts_at=start, ends_at=start + datetime.timedelta(hours=1))
    GoogleEventGuest.objects.create(event=event, address=address)
    return event


def replanned() -> set[int]:
    return set(GoogleEvent.objects.filter(replan=GoogleEvent.Replan.CONTACT).values_list("pk", flat=True))


def test_whoever_comes_last_is_found() -> None:
    first = blocked("ann@x.org")
    assert late_matches() == 0
    ContactFactory(address="ann@x.org")
    # As if it had been planned before the contact was committed, and was itself committed after.
    second = blocked("ann@x.org")
    assert late_matches() == 2
    assert replanned() == {first.pk, second.pk}
    third = blocked("ann@x.org")
    assert late_matches() == 1
    assert third.pk in replanned()
    assert late_matches() == 0


@pytest.mark.parametrize("by_update", [True, False])
def test_an_address_that_changes_is_news_again(by_update: bool) -> None:
    event = blocked("ann@new.org")
    email = ContactFactory(address="ann@old.org").emails.get()
    assert late_matches() == 0
    if by_update:
        ContactEmail.objects.filter(pk=email.pk).update(address="Ann@new.org ")
    else:
        email.address = "Ann@new.org"
        email.save()
    assert late_matches() == 1
    assert replanned() == {event.pk}


def test_more_news_than_fit_in_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late, "AT_ONCE", 2)
    for number in range(5):
        blocked(f"guest{number}@x.org")
        ContactFactory(address=f"guest{number}@x.org")
    assert late_matches() == 5


@pytest.mark.parametrize("number", [1, 4])
def test_without_news_two_statements_tell(
    number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for each in range(number):
        blocked(f"stranger{each}@x.org")
        ContactFactory(address=f"known{each}@x.org")
    late_matches()
    with django_assert_num_queries(2):
        assert late_matches() == 0


def test_guest_of_a_free_event_who_becomes_a_contact_gets_the_appointment(google: Google) -> None:
    desk = Desk(google, "smart", creation=False)
    google.add(desk.address, guests=("ann@x.org",), transparency="transparent")
    desk.turn()
    assert GoogleEvent.objects.get().outcome == "free"
    ContactFactory(address="ann@x.org")
    assert late_matches() == 1
    desk.turn()
    assert not Appointment.objects.get().changes.get().fires


def test_organiser_of_an_unanswered_invitation_who_becomes_a_contact_gets_the_appointment(
    google: Google,
) -> None:
    desk = Desk(google, "smart", creation=False, blocks_unanswered=False)
    google.control.add_person("boss@x.org")
    google.add("boss@x.org", guests=(desk.address,))
    desk.turn()
    assert GoogleEvent.objects.get().outcome == "free"
    ContactFactory(address="boss@x.org")
    late_matches()
    desk.turn()
    assert Appointment.objects.get().contact.primary_address == "boss@x.org"
