import pytest

from contacts.models import Contact, ContactPhone
from contacts.searching import matching, number_part
from tests.factories import ContactFactory


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ("07700 900123", "7700900123"),
        ("+44 7700 900123", "447700900123"),
        ("0044 7700 900123", "447700900123"),
        ("(020) 7946-0018", "2079460018"),
        ("9001", "9001"),
        ("900", ""),
        ("Flat 12345", ""),
        ("", ""),
    ],
)
def test_digits_are_read_as_they_stand_inside_a_stored_number(typed: str, part: str) -> None:
    assert number_part(typed) == part


@pytest.mark.django_db
@pytest.mark.parametrize(
    "typed", ["maria", "SILVA", "maria silva", "silva maria", "northw", "Maria@Home.example", "07700 900123"]
)
def test_every_word_is_looked_for_in_name_company_address_and_phone(typed: str) -> None:
    maria = ContactFactory.create(
        first_name="Maria", last_name="Silva", company="Northwind", address="maria@home.example"
    )
    ContactPhone.objects.create(contact=maria, number="+447700900123", is_primary=True)
    ContactFactory.create(first_name="Jonas", last_name="Weber", address="jonas@work.example")
    assert list(matching(Contact.objects.all(), typed)) == [maria]


@pytest.mark.django_db
def test_a_contact_with_two_matching_addresses_is_found_once() -> None:
    maria = ContactFactory.create(address="maria@home.example")
    maria.emails.create(address="maria@work.example")
    assert list(matching(Contact.objects.all(), "maria")) == [maria]


@pytest.mark.django_db
def test_one_word_that_nobody_has_finds_nobody() -> None:
    ContactFactory.create(first_name="Maria")
    assert not matching(Contact.objects.all(), "maria zebra").exists()
