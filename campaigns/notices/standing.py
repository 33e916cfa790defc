"""How things stand for one notice at the moment it is to leave, read from rows that were fetched with it."""

import sys
from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet

from calendars.models import PushTarget
from campaigns.models import Notice, OutgoingQuerySet
from campaigns.notices.deciding import TOLD
from campaigns.notices.reader import guest_of
from contacts.models import Appointment, AppointmentGuest, AppointmentHost, Contact


@dataclass(frozen=True, slots=True)
class Standing:
    """`last_told`: what the person was told last. `recipient`: where they are reached now, "" for nowhere."""

    is_guest: bool
    google_invites: bool
    recipient: str
    earlier: tuple[Notice, ...]
    newer: tuple[Notice, ...]

    @property
    def last_told(self) -> Notice | None:
        return next((each for each in reversed(self.earlier) if each.state in TOLD), None)


def with_standing(notices: OutgoingQuerySet[Notice]) -> OutgoingQuerySet[Notice]:
    """`notices` with all that `standing_of` and their words read, in one statement for each kind of row."""
    return notices.select_related(
        "contact",
        "change__undone_by",
        "appointment__calendar",
        "appointment__owner__calendar_configuration",
    ).prefetch_related("contact__emails", *_of_appointments("appointment__"))


def with_standing_of_notices(appointments: QuerySet[Appointment]) -> QuerySet[Appointment]:
    """`appointments` with what `standing_of` reads of those of a notice that is not stored (yet)."""
    return appointments.select_related("calendar", "owner__calendar_configuration").prefetch_related(
        *_of_appointments("")
    )


def _of_appointments(path: str) -> list[Prefetch[str]]:
    history = Notice.objects.defer("body_text", "body_html", "calendar_file").order_by("pk")
    return [
        Prefetch(f"{path}hosts", AppointmentHost.objects.select_related("user").order_by("pk")),
        Prefetch(f"{path}guests", AppointmentGuest.objects.order_by("pk")),
        Prefetch(f"{path}push_targets", PushTarget.objects.filter(is_withdrawn=False)),
        Prefetch(f"{path}notices", history),
    ]


def standing_of(notice: Notice) -> Standing:
    """Of a notice that came through `with_standing`; one that is not stored yet comes after all others."""
    place = notice.pk or sys.maxsize
    appointment = notice.appointment
    guest = guest_of(notice)
    mine = [each for each in appointment.notices.all() if each.contact_id == notice.contact_id]
    earlier = tuple(each for each in mine if each.pk < place)
    told = [each.recipient for each in reversed(earlier) if each.recipient]
    # Who was taken off is written to where they were written to before.
    written_to = guest.address if guest is not None else next(iter(told), "")
    return Standing(
        is_guest=guest is not None,
        google_invites=google_invites(appointment),
        recipient=_deliverable(written_to, notice.contact),
        earlier=earlier,
        newer=tuple(each for each in mine if each.pk > place),
    )


def _deliverable(address: str, contact: Contact) -> str:
    """`address` unless it is known to lead nowhere and another of theirs is not."""
    best = contact.best_email
    leads_nowhere = {each.address for each in contact.emails.all() if each.undeliverable_at is not None}
    is_better = best is not None and best.undeliverable_at is None and address in leads_nowhere
    return contact.primary_address if is_better or not address else address


def google_invites(appointment: Appointment) -> bool:
    """Whether Google writes to the guests: the calendar wants it, and a Google calendar is to hold the appointment."""
    return appointment.calendar.lets_google_invite and bool(appointment.push_targets.all())
