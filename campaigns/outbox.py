"""What the outbox and the parts on other pages show of messages and notices: lists that arrive ready."""

import datetime
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator

from campaigns import wording
from campaigns.models import Message, Notice, Outgoing, OutgoingQuerySet, Step
from campaigns.notices.standing import standing_of, with_standing
from campaigns.notices.wording import rendered, subject_of
from campaigns.previewing import would_read
from campaigns.rendering import Rendered
from contacts.models import Appointment, Contact, User
from contacts.privacy import with_privacy

State, Report = Outgoing.State, Outgoing.Report
TABS = {
    "sent": ("Sent", [State.SENT]),
    "waiting": ("Waiting", [State.WAITING, State.SENDING]),
    "needs-a-person": ("Needs a person", [State.UNKNOWN]),
    "left-out": ("Failed and skipped", [State.FAILED, State.SKIPPED, State.VOID]),
}
KINDS = {"messages": "From campaigns", "notices": "Confirmations, moves, cancellations"}
HEADLINE = 60
# The words of the design system for how good a state is.
TONES = {
    State.WAITING: "info",
    State.SENDING: "info",
    State.SENT: "good",
    State.FAILED: "bad",
    State.UNKNOWN: "warn",
    State.SKIPPED: "quiet",
    State.VOID: "quiet",
}
REPORT_TONES = {Report.DELIVERED: "good", Report.BOUNCED: "bad", Report.COMPLAINED: "bad"}


@dataclass(frozen=True, slots=True)
class Row:
    """`about`: the campaign, or the kind of notice; `about_url` is "" where that has no page."""

    message: Outgoing
    contact: Contact
    appointment: Appointment
    url: str
    about: str
    about_url: str
    step: str
    medium: str
    subject: str
    tone: str
    # A private appointment of a colleague: time and person only.
    is_hidden: bool

    @property
    def at(self) -> datetime.datetime:
        """When it left, else when it leaves or should have."""
        return self.message.sent_at or self.message.due_at

    @property
    def starts_at(self) -> datetime.datetime:
        """The start that it is about: what was said before a move was said of another."""
        about = (
            self.message.told_start if isinstance(self.message, Notice) else _message(self.message).for_start
        )
        return about or self.appointment.starts_at

    @property
    def report_tone(self) -> str:
        return REPORT_TONES[Report(self.message.report)] if self.message.report else ""


def in_tab(tab: str, kind: str) -> QuerySet[Message] | QuerySet[Notice]:
    """The messages or notices of a tab, newest first; what waits, the next first."""
    order = {"sent": "-sent_at", "waiting": "due_at"}.get(tab, "-due_at")
    if kind == "notices":
        return notices().filter(state__in=TABS[tab][1]).order_by(order, "-pk")
    return messages().filter(state__in=TABS[tab][1]).order_by(order, "-pk")


def of_appointment(appointment: Appointment, viewer: User) -> list[Row]:
    """All that went or goes out about an appointment, in order of time."""
    found: list[Outgoing] = [*notices().filter(appointment=appointment).order_by("pk")]
    found += messages().filter(enrolment__appointment=appointment).order_by("due_at", "pk")
    return sorted(rows_of(found, viewer), key=lambda row: row.message.due_at)


def of_contact(contact_id: int, viewer: User, most: int) -> list[Row]:
    """The latest `most` to a contact, those to come first."""
    found: list[Outgoing] = [*notices().filter(contact=contact_id).order_by("-due_at", "-pk")[:most]]
    found += messages().filter(enrolment__contact=contact_id).order_by("-due_at", "-pk")[:most]
    found.sort(key=lambda each: each.due_at, reverse=True)
    return rows_of(found[:most], viewer)


def rows_of(found: Iterable[Outgoing], viewer: User) -> list[Row]:
    """Rows for a page; one statement more than `found` takes, to learn what `viewer` may not read."""
    outgoing = list(found)
    hidden = hidden_from(viewer, {appointment_of(each).pk for each in outgoing})
    return [row_of(each, is_hidden=appointment_of(each).pk in hidden) for each in outgoing]


def hidden_from(viewer: User, appointment_ids: set[uuid.UUID]) -> set[uuid.UUID]:
    appointments = with_privacy(Appointment.objects.filter(pk__in=appointment_ids), viewer)
    return set(appointments.filter(Q(is_hidden=True)).values_list("pk", flat=True))


def messages() -> OutgoingQuerySet[Message]:
    """Messages with everything their rows tell."""
    return Message.objects.select_related(
        "step",
        "enrolment__campaign",
        "enrolment__contact",
        "enrolment__appointment__calendar",
        "enrolment__appointment__owner__calendar_configuration",
    ).prefetch_related("enrolment__contact__emails", "enrolment__appointment__guests")


def notices() -> OutgoingQuerySet[Notice]:
    """Notices with everything their rows tell."""
    return with_standing(Notice.objects.all())


def appointment_of(one: Outgoing) -> Appointment:
    return one.appointment if isinstance(one, Notice) else _message(one).enrolment.appointment


def as_it_reads(one: Outgoing) -> Rendered:
    """As it was sent; as it would read if it left now, where it was not."""
    if one.body_text:
        return Rendered(one.subject, one.body_text, one.body_html)
    if isinstance(one, Notice):
        return rendered(one, standing_of(one), timezone.now())
    return would_read(_message(one))


def _message(one: Outgoing) -> Message:
    if not isinstance(one, Message):
        raise TypeError(f"Neither a message nor a notice: {one!r}")
    return one


def row_of(one: Outgoing, *, is_hidden: bool = False) -> Row:
    """The row of one with everything it tells."""
    return _notice_row(one, is_hidden) if isinstance(one, Notice) else _message_row(_message(one), is_hidden)


def _notice_row(notice: Notice, is_hidden: bool) -> Row:
    return Row(
        message=notice,
        contact=notice.contact,
        appointment=notice.appointment,
        url=reverse("campaigns:notice", args=[notice.pk]),
        about=notice.get_kind_display(),
        about_url="",
        step="At once",
        medium="E-mail",
        subject="" if is_hidden else notice.subject or subject_of(notice, timezone.now()),
        tone=TONES[State(notice.state)],
        is_hidden=is_hidden,
    )


def _headline(message: Message) -> str:
    """Its subject; of a text message, which has none, how it begins."""
    if message.step.medium == Step.Medium.EMAIL:
        return message.subject or would_read(message).subject
    text = message.body_text or would_read(message).text
    return Truncator(" ".join(text.split())).chars(HEADLINE)


def _message_row(message: Message, is_hidden: bool) -> Row:
    return Row(
        message=message,
        contact=message.enrolment.contact,
        appointment=message.enrolment.appointment,
        url=reverse("campaigns:message", args=[message.pk]),
        about=message.enrolment.campaign.name,
        about_url=message.enrolment.campaign.get_absolute_url(),
        step=wording.step(message.step),
        medium=message.step.get_medium_display(),
        subject="" if is_hidden else _headline(message),
        tone=TONES[State(message.state)],
        is_hidden=is_hidden,
    )
