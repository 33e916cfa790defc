"""A person who turns up by name, address or phone: the contact we know already, else a new one."""

from dataclasses import dataclass

from django.db import transaction

from contacts.models import Contact, ContactEmail, ContactPhone, User


@dataclass(frozen=True, slots=True)
class Newcomer:
    """`phone` is in E.164 form; each part may be "" but not all of them. `time_zone` is for who is new."""

    first_name: str = ""
    last_name: str = ""
    address: str = ""
    phone: str = ""
    time_zone: str = ""

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


def known(newcomer: Newcomer) -> Contact | None:
    """The contact with that address, else with that phone number, else None; the oldest of several.

    An archived contact counts: it is to be restored, not doubled.
    """
    found = None
    if newcomer.address:
        found = Contact.objects.with_address(newcomer.address).first()
    if found is None and newcomer.phone:
        found = Contact.objects.filter(phones__number=newcomer.phone).order_by("pk").first()
    return found


@transaction.atomic
def find_or_add(newcomer: Newcomer, *, owner: User | None, source: str) -> tuple[Contact, bool]:
    """The contact, and whether it is new. A known one keeps its name, gains what it lacked, is restored."""
    found = known(newcomer)
    contact = found or Contact.objects.create(
        first_name=newcomer.first_name,
        last_name=newcomer.last_name,
        time_zone=newcomer.time_zone,
        owner=owner,
        source=source,
    )
    if contact.archived_at:
        contact.archived_at = None
        contact.save(update_fields=["archived_at", "updated_at"])
    if newcomer.address:
        ContactEmail.objects.get_or_create(
            contact=contact,
            address=newcomer.address,
            defaults={"is_primary": not contact.emails.exists()},
        )
    if newcomer.phone:
        ContactPhone.objects.get_or_create(
            contact=contact,
            number=newcomer.phone,
            defaults={"is_primary": not contact.phones.exists()},
        )
    return contact, found is None
