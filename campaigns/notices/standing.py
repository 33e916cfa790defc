"""How things stand for one notice at the moment it is to leave, read from rows that were fetched with it."""

from dataclasses import dataclass

from django.db.models import Prefetch

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
    history = Notice.objects.defer("body_text", "body_html", "calendar_file").order_by("pk")
    return notices.select_related(
        "contact",
        "change__undone_by",
        "appointment__calendar",
        "appointment__owner__calendar_configuration",
    ).prefetch_related(
        "contact__emails",
        Prefetch("appointment__hosts", AppointmentHost.objects.select_related("user").order_by("pk")),
        Prefetch("appointment__guests", AppointmentGuest.objects.order_by("pk")),
        Prefetch("appointment__push_targets", PushTarget.objects.filter(is_withdrawn=False)),
        Prefetch("appointment__notices", history),
    )


def standing_of(notice: Notice) -> Standing:
    """Of a notice that came through `with_standing`."""
    appointment = notice.appointment
    guest = guest_of(notice)
    mine = [each for each in appointment.notices.all() if each.contact_id == notice.contact_id]
    earlier = tuple(each for each in mine if each.pk < notice.pk)
    told = [each.recipient for each in reversed(earlier) if each.recipient]
    # Who was taken off is written to where they were written to before.
    written_to = guest.address if guest is not None else next(iter(told), "")
    return Standing(
        is_guest=guest is not None,
        google_invites=google_invites(appointment),
        recipient=_deliverable(written_to, notice.contact),
        earlier=earlier,
        newer=tuple(each for each in mine if each.pk > notice.pk),
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
