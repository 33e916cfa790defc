"""Which addresses and numbers lead somewhere, and who wants to be written to. One address may be known of several."""

import datetime
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from contacts.fields import normalise_address
from contacts.models import Activity, Contact, ContactEmail, ContactPhone, User

LONGEST_LINE = 800


# --- what leads nowhere -------------------------------------------------------------------------------------


def mark_address(address: str, why: str, at: datetime.datetime) -> None:
    """Every contact's `address` leads nowhere; told once on each of their timelines."""
    _mark(ContactEmail.objects.filter(address=normalise_address(address)), why, at)


def mark_number(number: str, why: str, at: datetime.datetime) -> None:
    """As `mark_address`, of a phone number in E.164."""
    _mark(ContactPhone.objects.filter(number=number), why, at)


@transaction.atomic
def _mark(rows: QuerySet[Any], why: str, at: datetime.datetime) -> None:
    for row in rows.filter(undeliverable_at=None).order_by("pk"):
        unmarked = rows.filter(pk=row.pk, undeliverable_at=None)
        if unmarked.update(undeliverable_at=at, undeliverable_why=why[:300]):
            note([row.contact_id], f"Messages no longer reach {row}. {why}")


@transaction.atomic
def try_again(row: ContactEmail | ContactPhone, *, by: User) -> None:
    """A person thinks that `row` leads somewhere after all; noted on the timeline."""
    marked = type(row)._default_manager.filter(pk=row.pk).exclude(undeliverable_at=None)
    if marked.update(undeliverable_at=None, undeliverable_why=""):
        note([row.contact_id], f"{row} is used again", by=by)


# --- who wants what -----------------------------------------------------------------------------------------


def contacts_with_number(number: str) -> list[int]:
    return list(Contact.objects.filter(phones__number=number).order_by("pk").values_list("pk", flat=True))


def stop_texts(contact_ids: Sequence[int], words: str) -> None:
    """No more text messages; `words` on the timeline of each who got them until now."""
    _switch(contact_ids, "no_sms", True, words)


def allow_texts(contact_ids: Sequence[int], words: str) -> None:
    _switch(contact_ids, "no_sms", False, words)


def stop_mail_to(address: str, words: str) -> None:
    """No more e-mail for whoever has `address`."""
    ids = Contact.objects.filter(emails__address=normalise_address(address)).values_list("pk", flat=True)
    _switch(list(ids), "no_email", True, words)


@transaction.atomic
def _switch(contact_ids: Sequence[int], field: str, value: bool, words: str) -> None:
    for pk in sorted(contact_ids):
        if Contact.objects.filter(pk=pk, **{field: not value}).update(**{field: value}):
            note([pk], words)


def note(contact_ids: Iterable[int], text: str, *, by: User | None = None) -> None:
    """A line on each timeline; several where `text` is longer than one holds, so that nothing is lost."""
    parts = [text[start : start + LONGEST_LINE] for start in range(0, len(text), LONGEST_LINE)]
    # The timeline shows the newest first: the last part goes in first.
    Activity.objects.bulk_create(
        Activity(contact_id=pk, text=part, by=by) for pk in contact_ids for part in reversed(parts)
    )
