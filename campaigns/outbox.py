"""What the outbox and the parts on other pages show of messages: lists that arrive ready."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from campaigns import wording
from campaigns.models import Message
from campaigns.previewing import would_read
from contacts.models import Appointment, User
from contacts.privacy import with_privacy

State = Message.State
TABS = {
    "sent": ("Sent", [State.SENT]),
    "waiting": ("Waiting", [State.WAITING, State.SENDING]),
    "left-out": ("Failed and skipped", [State.FAILED, State.UNKNOWN, State.SKIPPED, State.VOID]),
}
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


@dataclass(frozen=True, slots=True)
class Row:
    message: Message
    step: str
    subject: str
    tone: str
    # A private appointment of a colleague: time and person only.
    is_hidden: bool


def in_tab(tab: str) -> QuerySet[Message]:
    """The messages of a tab, newest first; what waits, the next first."""
    messages = related().filter(state__in=TABS[tab][1])
    orders = {"sent": "-sent_at", "waiting": "due_at", "left-out": "-due_at"}
    return messages.order_by(orders[tab], "-pk")


def of_appointment(appointment: Appointment) -> QuerySet[Message]:
    return related().filter(enrolment__appointment=appointment).order_by("due_at", "pk")


def of_contact(contact_id: int) -> QuerySet[Message]:
    return related().filter(enrolment__contact=contact_id).order_by("-due_at", "-pk")


def rows_of(messages: Iterable[Message], viewer: User) -> list[Row]:
    """Rows for a page; one statement more than `messages` takes, to learn what `viewer` may not read."""
    found = list(messages)
    ids = {message.enrolment.appointment_id for message in found}
    hidden = hidden_from(viewer, ids)
    return [_row(message, message.enrolment.appointment_id in hidden) for message in found]


def hidden_from(viewer: User, appointment_ids: set[uuid.UUID]) -> set[uuid.UUID]:
    appointments = with_privacy(Appointment.objects.filter(pk__in=appointment_ids), viewer)
    return set(appointments.filter(Q(is_hidden=True)).values_list("pk", flat=True))


def related() -> QuerySet[Message]:
    """Messages with everything their rows tell."""
    return Message.objects.select_related(
        "step",
        "enrolment__campaign",
        "enrolment__contact",
        "enrolment__appointment__calendar",
        "enrolment__appointment__owner__calendar_configuration",
    ).prefetch_related("enrolment__contact__emails")


def _row(message: Message, is_hidden: bool) -> Row:
    subject = "" if is_hidden else message.subject or would_read(message).subject
    return Row(message, wording.step(message.step), subject, TONES[State(message.state)], is_hidden)
