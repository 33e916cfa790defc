"""What a person wishes to get no more of, by medium: the signed link that every e-mail carries, and the verbs.

The link itself is the permission, so it works without signing in, and for good.
"""

from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.db import transaction

from calendars import links
from campaigns.models import Step
from contacts.models import Activity, Contact, User

SIGNER = signing.Signer(salt="campaigns.unsubscribe")
Medium = Step.Medium
FIELDS = {Medium.EMAIL: "no_email", Medium.SMS: "no_sms"}
NAMES = {Medium.EMAIL: "e-mails", Medium.SMS: "texts"}


@dataclass(frozen=True, slots=True)
class Link:
    """Whose wishes, and which medium it came by."""

    contact: Contact
    medium: Medium


def address_for(contact: Contact, medium: str = Medium.EMAIL) -> str:
    """The whole address of this contact's unsubscribe page, in what leaves by `medium`."""
    base = settings.PUBLIC_BASE_URL or f"http://127.0.0.1:{settings.PORT}"
    # Links in e-mails name no medium: those sent before there were others must work as well.
    named = str(contact.pk) if medium == Medium.EMAIL else f"{contact.pk}.{medium}"
    return base + links.page_for("campaigns:unsubscribe", SIGNER.sign(named))


def opened(token: str) -> Link | None:
    """What a link opens; None for one that we did not sign, or whose contact is gone."""
    try:
        pk, _, medium = SIGNER.unsign(token).partition(".")
        contact = Contact.objects.filter(pk=pk).first()
        return Link(contact, Medium(medium or Medium.EMAIL)) if contact else None
    except (signing.BadSignature, ValueError):
        return None


def is_stopped(contact: Contact, medium: str) -> bool:
    return bool(getattr(contact, FIELDS[Medium(medium)]))


def unsubscribe(contact: Contact, medium: str = Medium.EMAIL, *, how: str = "by the link in one") -> bool:
    """Nothing more for `contact` by `medium`; noted once on their timeline. What waits is skipped when due.

    False when that was so already.
    """
    return _wish(contact, Medium(medium), stops=True, told=f"Unsubscribed from {NAMES[Medium(medium)]} {how}")


def resubscribe(
    contact: Contact, medium: str, *, by: User | None = None, how: str = "by the link in one"
) -> bool:
    """`contact` gets messages by `medium` again: what still waits goes out, what was skipped stays skipped.

    `by`: who of staff did it for them. False when nothing had been stopped.
    """
    name = NAMES[Medium(medium)]
    told = f"Gets {name} again, switched on here" if by else f"Subscribed to {name} again {how}"
    return _wish(contact, Medium(medium), stops=False, told=told, by=by)


@transaction.atomic
def _wish(contact: Contact, medium: Medium, *, stops: bool, told: str, by: User | None = None) -> bool:
    field = FIELDS[medium]
    row = Contact.objects.select_for_update().get(pk=contact.pk)
    setattr(contact, field, stops)
    if getattr(row, field) == stops:
        return False
    setattr(row, field, stops)
    # Told by the activity below, so that the timeline need not tell of the changed field too.
    row._change_reason = told[:100]  # type: ignore[attr-defined]  # simple-history reads it
    row.save(update_fields=[field, "updated_at"])
    Activity.objects.create(contact=row, text=told, by=by)
    return True
