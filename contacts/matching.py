"""The only way a guest becomes a contact.

By address first. Of two contacts with one address the oldest wins; an archived one is restored, not doubled.
"""

import zlib
from collections.abc import Iterable, Mapping

from django.db import connection, transaction
from simple_history.utils import bulk_create_with_history

from contacts.fields import normalise_address
from contacts.models import Activity, Contact, ContactEmail, User


def contacts_by_address(addresses: list[str]) -> dict[str, int]:
    """Address → pk of the contact it belongs to (the oldest of several). Unknown addresses are absent. One query."""
    wanted = [normalise_address(address) for address in addresses]
    rows = ContactEmail.objects.filter(address__in=wanted).order_by("-contact_id")
    return dict(rows.values_list("address", "contact_id"))


def contact_for_guest(
    address: str, name: str = "", *, owner: User | None = None, source: str = Contact.Source.GOOGLE
) -> Contact:
    """The contact with `address`: found, restored from the archive, or made from the guest's name for `owner`."""
    return contacts_for_guests({address: name}, owner=owner, source=source)[normalise_address(address)]


@transaction.atomic
def contacts_for_guests(
    guests: Mapping[str, str], *, owner: User | None = None, source: str = Contact.Source.GOOGLE
) -> dict[str, Contact]:
    """Address → contact for each of `guests` (address → name), as `contact_for_guest` says, in a few statements."""
    names = {normalise_address(address): name for address, name in guests.items()}
    lock_addresses(names)
    pks = contacts_by_address(list(names))
    known = Contact.objects.in_bulk(set(pks.values()))
    _restore([contact for contact in known.values() if contact.archived_at is not None])
    found = {address: known[pk] for address, pk in pks.items()}
    missing = {address: name for address, name in names.items() if address not in found}
    return found | _create(missing, owner, source)


def split_name(name: str, address: str) -> tuple[str, str]:
    """First and last name of a guest; from the address when Google knows no name ("ann.lee@x" → Ann Lee)."""
    if not name or "@" in name:
        name = address.partition("@")[0].partition("+")[0].replace(".", " ").replace("_", " ").title()
    first, _, last = name.strip().partition(" ")
    return first[:100], last.strip()[:100]


def _restore(archived: list[Contact]) -> None:
    for contact in archived:
        contact.archived_at = None
    Contact.objects.bulk_update(archived, ["archived_at"])
    text = "Restored from the archive: invited again."
    Activity.objects.bulk_create(Activity(contact=contact, text=text) for contact in archived)


def _create(names: Mapping[str, str], owner: User | None, source: str) -> dict[str, Contact]:
    if not names:
        return {}
    fresh = []
    for address, name in names.items():
        first, last = split_name(name, address)
        fresh.append(Contact(first_name=first, last_name=last, owner=owner, source=source))
    contacts = dict(zip(names, bulk_create_with_history(fresh, Contact), strict=True))
    ContactEmail.objects.bulk_create(
        ContactEmail(contact=contact, address=address, is_primary=True)
        for address, contact in contacts.items()
    )
    text = f"Came from {Contact.Source(source).label}."
    Activity.objects.bulk_create(Activity(contact=contact, text=text) for contact in contacts.values())
    return contacts


def lock_addresses(addresses: Iterable[str]) -> None:
    """Hold normalised addresses, or phone numbers, until the transaction ends. Once a transaction, for all of them."""
    # An address may belong to two contacts, so no constraint can hold two workers back here. SQLite's writers
    # take turns anyway (IMMEDIATE). In one order, so that two batches cannot wait for each other.
    if connection.vendor == "postgresql":
        keys = sorted({zlib.crc32(address.encode()) - 2**31 for address in addresses})
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(7, key) FROM unnest(%s::int[]) AS key", [keys])
