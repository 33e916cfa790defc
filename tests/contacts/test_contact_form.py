from typing import Any

import pytest
from django.utils import timezone

from contacts.models import Contact, Note, Tag
from tests.desk import signed_in
from tests.factories import ContactFactory

pytestmark = pytest.mark.django_db


def rows(kind: str, field: str, values: list[str], *, initial: int = 0, primary: str = "") -> dict[str, str]:
    """A formset's part of a POST."""
    return {
        f"{kind}-TOTAL_FORMS": str(len(values)),
        f"{kind}-INITIAL_FORMS": str(initial),
        f"{kind}-primary": primary,
        **{f"{kind}-{at}-{field}": value for at, value in enumerate(values)},
    }


def posted(emails: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    return {
        **(emails or rows("emails", "address", [])),
        **rows("phones", "number", fields.pop("phones", [])),
        **fields,
    }


def test_a_new_contact_has_several_addresses_and_the_chosen_primary() -> None:
    client, user = signed_in()
    emails = rows("emails", "address", ["Maria@Home.example", "maria@work.example", ""], primary="1")
    client.post(
        "/contacts/new/",
        posted(emails, first_name="Maria", phones=["07911 123456"], new_tags="VIP, Physio", note="Mornings."),
    )
    contact = Contact.objects.get()
    assert contact.primary_address == "maria@work.example"
    assert set(contact.emails.values_list("address", flat=True)) == {
        "maria@home.example",
        "maria@work.example",
    }
    assert [str(phone) for phone in contact.phones.filter(is_primary=True)] == ["+447911123456"]
    assert {tag.name for tag in contact.tags.all()} == {"VIP", "Physio"}
    assert Note.objects.get().author == user
    assert contact.source == "manual"


def test_the_first_address_is_primary_when_none_was_chosen() -> None:
    client, _ = signed_in()
    client.post("/contacts/new/", posted(rows("emails", "address", ["a@x.org", "b@x.org"])))
    assert Contact.objects.get().primary_address == "a@x.org"


def test_a_contact_needs_a_name_or_an_address() -> None:
    client, _ = signed_in()
    page = client.post("/contacts/new/", posted(company="Northwind"))
    assert not Contact.objects.exists()
    assert "Give a name or an e-mail address" in page.content.decode()


def test_the_same_address_twice_is_refused_with_words() -> None:
    client, _ = signed_in()
    page = client.post("/contacts/new/", posted(rows("emails", "address", ["a@x.org", "A@X.org"])))
    assert not Contact.objects.exists()
    assert "stands here twice" in page.content.decode()


def test_the_primary_mark_moves_to_another_row() -> None:
    client, _ = signed_in()
    contact = ContactFactory.create(address="old@x.org")
    second = contact.emails.create(address="new@x.org")
    first = contact.emails.get(is_primary=True)
    emails = rows("emails", "address", ["old@x.org", "new@x.org"], initial=2, primary="1")
    emails |= {"emails-0-id": str(first.pk), "emails-1-id": str(second.pk)}
    client.post(f"/contacts/{contact.pk}/edit/", posted(emails, first_name="Ann"))
    assert Contact.objects.get().primary_address == "new@x.org"


def test_removing_the_primary_address_makes_the_next_one_primary() -> None:
    client, _ = signed_in()
    contact = ContactFactory.create(address="old@x.org")
    second = contact.emails.create(address="new@x.org")
    first = contact.emails.get(is_primary=True)
    emails = rows("emails", "address", ["old@x.org", "new@x.org"], initial=2, primary="0")
    emails |= {"emails-0-id": str(first.pk), "emails-1-id": str(second.pk), "emails-0-DELETE": "on"}
    client.post(f"/contacts/{contact.pk}/edit/", posted(emails, first_name="Ann"))
    email = contact.emails.get()
    assert (email.address, email.is_primary) == ("new@x.org", True)


def test_tags_that_exist_are_used_again() -> None:
    client, _ = signed_in()
    Tag.objects.create(name="VIP")
    client.post("/contacts/new/", posted(first_name="Ann", new_tags="VIP"))
    assert Tag.objects.count() == 1
    assert Contact.objects.get().tags.get().name == "VIP"


def test_an_unknown_time_zone_is_refused() -> None:
    client, _ = signed_in()
    assert client.post("/contacts/new/", posted(first_name="Ann", time_zone="Mars/Base")).status_code == 200
    assert not Contact.objects.exists()


def posted_with_phone(contact: Contact, typed: str) -> dict[str, Any]:
    (phone,) = contact.phones.all()
    phones = rows("phones", "number", [typed], initial=1, primary="0") | {"phones-0-id": str(phone.pk)}
    return {**rows("emails", "address", []), **phones, "first_name": "Ann", "company": "Northwind"}


# A number kept for films and demonstrations: it looks right, and no rule of numbers takes it.
DRAMA = "+447700900123"


@pytest.mark.parametrize("shown", ["07700 900123", "+44 7700 900123"])
def test_a_number_that_stays_keeps_nobody_from_being_edited(shown: str) -> None:
    client, _ = signed_in()
    contact = ContactFactory.create()
    contact.phones.create(number=DRAMA, is_primary=True, undeliverable_at=timezone.now())
    page = client.get(f"/contacts/{contact.pk}/edit/").content.decode()
    assert 'value="07700 900123"' in page
    assert client.post(f"/contacts/{contact.pk}/edit/", posted_with_phone(contact, shown)).status_code == 302
    contact.refresh_from_db()
    assert contact.company == "Northwind"
    phone = contact.phones.get()
    assert (phone.number.as_e164, phone.undeliverable_at is None) == (DRAMA, False)


def test_a_number_that_is_typed_anew_has_to_be_one() -> None:
    client, _ = signed_in()
    contact = ContactFactory.create()
    contact.phones.create(number=DRAMA, is_primary=True)
    page = client.post(f"/contacts/{contact.pk}/edit/", posted_with_phone(contact, "07700 900124"))
    assert "valid phone number" in page.content.decode()
    assert str(contact.phones.get().number) == DRAMA
