"""Sends what is due: claim → check again → render → send → record. No lock is held while anything leaves.

A claim is one conditional update; its `claimed_until` is also the token under which the outcome is recorded.
Claims live by the real clock even when a sweep is run as of another moment.
"""

import datetime
import logging
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from campaigns import unsubscribing
from campaigns.enrolment import what_started
from campaigns.firing import VOID, holds
from campaigns.merge_fields import merge_fields
from campaigns.models import Message, Step
from campaigns.rendering import NotRenderable, Rendered, render
from campaigns.transports import TRANSPORTS, Letter, Refused, TryLater, Unclear, sender_domain
from contacts.models import Appointment, Contact

logger = logging.getLogger(__name__)

State = Message.State
BATCH = 20
CLAIM = datetime.timedelta(minutes=10)
FIRST_RETRY = datetime.timedelta(minutes=1)
LAST_RETRY = datetime.timedelta(hours=1)
MOST_ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message in this sweep."""

    message_id: int
    due_at: datetime.datetime
    campaign: str
    recipient: str
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a message is not sent, and whether it is left out (skipped) or has lost its reason (void)."""

    state: str
    why: str


def deliver_due(now: datetime.datetime | None = None) -> list[Outcome]:
    """Sends everything due at `now`, in due order, and says what became of each. Many may run at once."""
    now = now or timezone.now()
    _take_back_stuck()
    outcomes: list[Outcome] = []
    while claimed := _claim(now):
        until, ids = claimed
        for message_id in ids:
            outcomes.append(_deliver(message_id, until, now))
    return outcomes


def message_id_of(message: Message) -> str:
    """The Message-ID of a row, equal for every attempt; the digest tells installations apart."""
    digest = salted_hmac("campaigns.message", str(message.pk)).hexdigest()[:16]
    return f"<message-{message.pk}.{digest}@{sender_domain()}>"


# --- claim ------------------------------------------------------------------------------------------------


def _claim(now: datetime.datetime) -> tuple[datetime.datetime, list[int]] | None:
    """Takes the next due messages for this worker; None when nothing is due that others have not taken."""
    until = timezone.now() + CLAIM
    with transaction.atomic():
        # PostgreSQL skips what others are claiming; SQLite has one writer at a time and ignores the clause.
        due = Message.objects.due(now).select_for_update(skip_locked=True)
        ids = list(due.values_list("pk", flat=True)[:BATCH])
        taken = Message.objects.filter(pk__in=ids, state=State.WAITING)
        if not taken.update(state=State.SENDING, claimed_until=until):
            return None
    return until, ids


def _take_back_stuck() -> None:
    """Claims whose worker died: e-mail goes again under its id; an SMS could arrive twice, so it waits."""
    stuck = Message.objects.filter(state=State.SENDING, claimed_until__lt=timezone.now())
    repeatable = [medium for medium, transport in TRANSPORTS.items() if transport.recognises_repeats]
    begun = stuck.exclude(message_id="").exclude(step__medium__in=repeatable)
    begun.update(state=State.UNKNOWN, claimed_until=None, why="A worker stopped while sending it.")
    stuck.update(state=State.WAITING, claimed_until=None)


# --- one message ------------------------------------------------------------------------------------------


def _deliver(pk: int, until: datetime.datetime, now: datetime.datetime) -> Outcome:
    try:
        _send(pk, until, now)
    except Exception as error:
        logger.exception("Message %s could not be sent", pk)
        _record(pk, until, state=State.FAILED, why=f"An unexpected error ({type(error).__name__}).")
    message = Message.objects.select_related("enrolment__campaign", "enrolment__contact").get(pk=pk)
    return Outcome(
        pk,
        message.due_at,
        message.enrolment.campaign.name,
        message.recipient or message.enrolment.contact.name,
        message.state,
        message.why,
    )


def _send(pk: int, until: datetime.datetime, now: datetime.datetime) -> None:
    message = _loaded(pk)
    objection = _objection(message, now)
    if objection is not None:
        _leave_out(message, until, objection)
        return
    contact, step = message.enrolment.contact, message.step
    url = unsubscribing.address_for(contact) if step.medium == Step.Medium.EMAIL else ""
    try:
        rendered = _rendered(message, url)
        letter = Letter(
            recipient=_recipient(step.medium, contact),
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            message_id=message_id_of(message),
            unsubscribe_url=url,
        )
        # From here on the outside world may have it: the id marks a send that was begun under this claim.
        if not _record_begun(message, until, letter):
            return
        TRANSPORTS[step.medium].send(letter)
    except TryLater as error:
        _put_off(message, until, now, str(error))
    except (Refused, NotRenderable) as error:
        _record(pk, until, state=State.FAILED, why=str(error))
    except Unclear as error:
        _record(pk, until, state=State.UNKNOWN, why=str(error))
    else:
        _record(pk, until, state=State.SENT, why="", sent_at=timezone.now())


def _loaded(pk: int) -> Message:
    return (
        Message.objects.select_related(
            "step",
            "enrolment__campaign",
            "enrolment__contact",
            "enrolment__trigger_event__change",
            "enrolment__appointment__calendar",
            "enrolment__appointment__owner__calendar_configuration",
        )
        .prefetch_related("enrolment__contact__emails", "enrolment__contact__phones")
        .get(pk=pk)
    )


def _rendered(message: Message, unsubscribe_url: str) -> Rendered:
    enrolment = message.enrolment
    fields = merge_fields(enrolment.appointment, enrolment.contact)
    return render(
        subject=message.step.subject,
        body=message.step.body,
        fields=fields,
        unsubscribe_url=unsubscribe_url,
    )


def _recipient(medium: str, contact: Contact) -> str:
    if medium == Step.Medium.EMAIL:
        return contact.primary_address
    phones = sorted(contact.phones.all(), key=lambda phone: (not phone.is_primary, phone.pk))
    return str(phones[0].number) if phones else ""


# --- check again ------------------------------------------------------------------------------------------


def _objection(message: Message, now: datetime.datetime) -> Objection | None:
    """Everything that may have changed since it was planned, asked once more in the order a person would."""
    why = _why_void(message)
    if why:
        return Objection(State.VOID, why)
    why = _why_left_out(message) or _why_too_late(message, now)
    return Objection(State.SKIPPED, why) if why else None


def _why_void(message: Message) -> str:
    enrolment = message.enrolment
    appointment = enrolment.appointment
    if enrolment.withdrawn_at is not None:
        return enrolment.withdrawn_why
    if not _makes_sense(message, appointment):
        return f"The appointment is {appointment.get_status_display().lower()}."
    if message.for_start != appointment.starts_at:
        return "The appointment moved; this was planned for its old start."
    if not appointment.guests.filter(contact=enrolment.contact_id).exists():
        return "No longer a guest of the appointment."
    return ""


def _makes_sense(message: Message, appointment: Appointment) -> bool:
    if message.step.anchor == Step.Anchor.BEFORE_START and appointment.status in VOID:
        return False
    return holds(what_started(message.enrolment), appointment.status)


def _why_left_out(message: Message) -> str:
    contact, step = message.enrolment.contact, message.step
    by_email = step.medium == Step.Medium.EMAIL
    if not message.enrolment.campaign.is_active:
        return "The campaign is switched off."
    if not step.is_active:
        return "The step was removed from the campaign."
    if contact.archived_at is not None:
        return "The contact is archived."
    if contact.no_email if by_email else contact.no_sms:
        return "The contact is not to be e-mailed." if by_email else "The contact is not to be texted."
    if not _recipient(step.medium, contact):
        return "The contact has no e-mail address." if by_email else "The contact has no phone number."
    return ""


def _why_too_late(message: Message, now: datetime.datetime) -> str:
    step, limit = message.step, settings.MESSAGE_LATENESS
    if step.anchor == Step.Anchor.BEFORE_START and now >= message.enrolment.appointment.starts_at:
        return "The appointment had begun."
    if now - message.due_at > limit and step.when_late == Step.WhenLate.SKIP:
        return f"More than {limit // datetime.timedelta(minutes=1)} minutes late."
    return ""


# --- record -----------------------------------------------------------------------------------------------


def _record(pk: int, until: datetime.datetime, **values: object) -> bool:
    """Writes the outcome unless the claim was lost meanwhile, and says whether it did."""
    ours = Message.objects.filter(pk=pk, state=State.SENDING, claimed_until=until)
    return bool(ours.update(claimed_until=None, **values))


def _record_begun(message: Message, until: datetime.datetime, letter: Letter) -> bool:
    ours = Message.objects.filter(pk=message.pk, state=State.SENDING, claimed_until=until)
    return bool(
        ours.update(
            message_id=letter.message_id,
            recipient=letter.recipient,
            subject=letter.subject[:300],
            body_text=letter.text,
            body_html=letter.html,
        )
    )


def _leave_out(message: Message, until: datetime.datetime, objection: Objection) -> None:
    if message.message_id:
        # Begun by a worker that died, and no longer right to repeat: nobody knows whether it left.
        why = f"It may have been sent before a worker stopped. Not repeated: {objection.why}"
        _record(message.pk, until, state=State.UNKNOWN, why=why)
    else:
        _record(message.pk, until, state=objection.state, why=objection.why)


def _put_off(message: Message, until: datetime.datetime, now: datetime.datetime, why: str) -> None:
    attempts = message.attempts + 1
    if attempts >= MOST_ATTEMPTS:
        why = f"Given up after {attempts} attempts. {why}"
        _record(message.pk, until, state=State.FAILED, why=why, attempts=attempts)
        return
    wait = min(FIRST_RETRY * 2 ** (attempts - 1), LAST_RETRY)
    # A sweep run as of a later moment must not meet its own retries.
    again_at = max(now, timezone.now()) + wait
    # Certainly not sent, so nothing counts as begun.
    _record(
        message.pk,
        until,
        state=State.WAITING,
        why=why,
        attempts=attempts,
        not_before=again_at,
        message_id="",
    )
