"""The only way a guest becomes a contact.

By address first. Of two contacts with one address the oldest wins; an archived one is restored, not doubled.
"""

import zlib

from django.db import connection, transaction

from contacts.fields import normalise_address
from contacts.models import Activity, Contact, ContactEmail, User


def contacts_by_address(addresses: list[str]) -> dict[str, int]:
    """Address → pk of the contact it belongs to (the oldest of several). Unknown addresses are absent. One query."""
    wanted = [normalise_address(address) for address in addresses]
    rows = ContactEmail.objects.filter(address__in=wanted).order_by("-contact_id")
    return dict(rows.values_list("address", "contact_id"))


@transaction.atomic
def contact_for_guest(
    address: str, name: str = "", *, owner: User | None = None, source: str = Contact.Source.GOOGLE
) -> Contact:
    """The contact with `address`: found, restored from the archive, or made from the guest's name for `owner`."""
    address = normalise_address(address)
    _lock(address)
    contact = Contact.objects.with_address(address).first()
    if contact is None:
        return _create(address, name, owner, source)
    if contact.archived_at is not None:
        contact.archived_at = None
        contact.save(update_fields=["archived_at", "updated_at"])
        Activity.objects.create(contact=contact, text="Restored from the archive: invited again.")
    return contact


def split_name(name: str, address: str) -> tuple[str, str]:
    """First and last name of a guest; from the address when Google knows no name ("ann.lee@x" → Ann Lee)."""
    if not name or "@" in name:
        name = address.partition("@")[0].partition("+")[0].replace(".", " ").replace("_", " ").title()
    first, _, last = name.strip().partition(" ")
    return first[:100], last.strip()[:100]


def _create(address: str, name: str, owner: User | None, source: str) -> Contact:
    first, last = split_name(name, address)
    contact = Contact.objects.create(first_name=first, last_name=last, owner=owner, source=source)
    ContactEmail.objects.create(contact=contact, address=address, is_primary=True)
    Activity.objects.create(contact=contact, text=f"Came from {Contact.Source(source).label}.")
    return contact


def _lock(address: str) -> None:
    # An address may belong to two contacts, so no constraint can hold two workers back here. SQLite's writers
    # take turns anyway (IMMEDIATE).
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [7, zlib.crc32(address.encode()) - 2**31])
