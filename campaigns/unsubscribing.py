"""The signed link every e-mail carries. The link itself is the permission, so it works without signing in."""

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from contacts.models import Activity, Contact

SIGNER = signing.Signer(salt="campaigns.unsubscribe")


def address_for(contact: Contact) -> str:
    """The whole address of this contact's unsubscribe page."""
    base = settings.PUBLIC_BASE_URL or f"http://127.0.0.1:{settings.PORT}"
    return base + reverse("campaigns:unsubscribe", args=[SIGNER.sign(str(contact.pk))])


def contact_of(token: str) -> Contact | None:
    """Whose link it is; None for a link we did not sign, or a contact that is gone."""
    try:
        return Contact.objects.filter(pk=SIGNER.unsign(token)).first()
    except signing.BadSignature:
        return None


@transaction.atomic
def unsubscribe(contact: Contact) -> None:
    """No more e-mail for `contact`; noted once on their timeline. Waiting messages are skipped when due."""
    if Contact.objects.filter(pk=contact.pk, no_email=False).update(no_email=True):
        Activity.objects.create(contact=contact, text="Unsubscribed from e-mails by the link in one")
