"""Signed links by which a contact manages an appointment without signing in. The link itself is the permission."""

import uuid
from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.urls import reverse

from contacts.models import Appointment, Contact

SIGNER = signing.Signer(salt="calendars.appointment")
NEWS = signing.TimestampSigner(salt="calendars.news")
NEWS_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Link:
    """Which appointment, and which of its guests holds the link."""

    appointment_id: uuid.UUID
    contact_id: int


def manage_url(appointment: Appointment, contact: Contact) -> str:
    """The whole address at which `contact` sees, moves or cancels `appointment`."""
    base = settings.PUBLIC_BASE_URL or f"http://127.0.0.1:{settings.PORT}"
    return base + manage_path(appointment, contact)


def manage_path(appointment: Appointment, contact: Contact) -> str:
    token = SIGNER.sign(f"{appointment.pk.hex}.{contact.pk}")
    return reverse("calendars:manage", args=[token])


def news_path(appointment: Appointment, contact: Contact, news: str) -> str:
    """The same, saying for a while what has just happened ("booked"): people keep the address."""
    signed = NEWS.sign(f"{news}.{appointment.pk.hex}")
    return f"{manage_path(appointment, contact)}?{urlencode({'news': signed})}"


def read_news(text: str, appointment: Appointment) -> str:
    """What has just happened to `appointment`; "" once that is some minutes ago."""
    try:
        news, _, pk = NEWS.unsign(text, max_age=NEWS_SECONDS).partition(".")
    except signing.BadSignature:
        return ""
    return news if pk == appointment.pk.hex else ""


def read(token: str) -> Link | None:
    """What `token` stands for; None for one that we did not sign."""
    try:
        appointment, _, contact = SIGNER.unsign(token).partition(".")
        return Link(uuid.UUID(appointment), int(contact))
    except (signing.BadSignature, ValueError):
        return None
