"""Signed links by which a contact manages an appointment without signing in. The link itself is the permission."""

import datetime
import uuid
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.urls import get_script_prefix, reverse

from contacts.models import Appointment, Contact

SIGNER = signing.Signer(salt="calendars.place")
NEWS = signing.TimestampSigner(salt="calendars.news")
NEWS_SECONDS = 600
PLACEHOLDER = "TOKEN"


@dataclass(frozen=True, slots=True)
class Link:
    """Which appointment, and the place in it (an AppointmentGuest) whose guest holds the link.

    Never the contact: its number would say which of two addresses we knew before, and who is the same person.
    """

    appointment_id: uuid.UUID
    guest_id: int


def manage_url(appointment: Appointment, contact: Contact) -> str:
    """The whole address at which `contact` sees, moves or cancels `appointment`; "" once they have no place in it."""
    base = settings.PUBLIC_BASE_URL or f"http://127.0.0.1:{settings.PORT}"
    path = manage_path(appointment, contact)
    return base + path if path else ""


def action_urls(appointment: Appointment, contact: Contact) -> dict[str, str]:
    """The whole addresses of "manage", "reschedule", "cancel" and "confirm", whether that is possible or not; each ""
    once `contact` has no place in it."""
    base = manage_url(appointment, contact)
    # A confirmation is of the time the message spoke of: its page asks anew once that is another.
    confirm = f"confirm/?start={stamp_of(appointment)}"
    pages = {"manage": "", "reschedule": "move/", "cancel": "cancel/", "confirm": confirm}
    return {action: f"{base}{page}" if base else "" for action, page in pages.items()}


def stamp_of(appointment: Appointment) -> str:
    """Its start, as the links and forms of its pages say it."""
    return f"{appointment.starts_at.astimezone(datetime.UTC):%Y%m%dT%H%M}"


def manage_path(appointment: Appointment, contact: Contact) -> str:
    """The same without the site. Reads prefetched `guests` without a query."""
    place = next((guest.pk for guest in appointment.guests.all() if guest.contact_id == contact.pk), None)
    if place is None:
        return ""
    return page_for("calendars:manage", SIGNER.sign(f"{appointment.pk.hex}.{place}"))


def page_for(view: str, token: str) -> str:
    """The path of `view`, whose one argument is a signed token. Every message that leaves has two such, and to look the
    view up takes longer than to sign."""
    return _page_of(view, get_script_prefix()).replace(PLACEHOLDER, token)


@cache
def _page_of(view: str, _prefix: str) -> str:
    return reverse(view, args=[PLACEHOLDER])


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
        appointment, _, place = SIGNER.unsign(token).partition(".")
        return Link(uuid.UUID(appointment), int(place))
    except (signing.BadSignature, ValueError):
        return None
