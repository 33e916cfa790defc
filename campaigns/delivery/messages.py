"""The messages of campaigns, as delivery sees them."""

import datetime
from collections import defaultdict
from collections.abc import Collection, Hashable
from functools import cache
from typing import ClassVar

from django.conf import settings
from django.db import connection
from django.db.models import Prefetch, prefetch_related_objects

from campaigns.answering import answers_to
from campaigns.delivery.claims import message_id_of
from campaigns.delivery.mailing import Mailing, Objection, unreachable, unreachable_by_phone
from campaigns.delivery.writing import Condition, as_parameter, exists
from campaigns.enrolment import is_undone, what_started
from campaigns.firing import VOID, holds
from campaigns.merge_fields import merge_fields
from campaigns.models import Campaign, Enrolment, Message, Outgoing, OutgoingQuerySet, Step
from campaigns.rendering import render
from campaigns.transports import Letter, TryLater
from campaigns.wording import why_step_is_off
from contacts.models import Appointment, AppointmentGuest, Contact, ContactEmail, ContactPhone

State = Message.State
PERHAPS_SENT = (State.SENDING, State.SENT, State.UNKNOWN)


class Messages(Mailing[Message]):
    model: ClassVar[type[Outgoing]] = Message
    mediums = (Step.Medium.EMAIL.value, Step.Medium.SMS.value)

    def rows(self) -> OutgoingQuerySet[Message]:
        return Message.objects.all()

    def read(self, pks: Collection[int]) -> list[Message]:
        rows = list(
            Message.objects.filter(pk__in=pks)
            .select_related(
                "step",
                "enrolment__campaign",
                "enrolment__contact",
                "enrolment__trigger_event__change__undone_by",
                "enrolment__appointment__calendar",
                "enrolment__appointment__owner__calendar_configuration",
            )
            .prefetch_related("enrolment__contact__emails", "enrolment__appointment__guests")
            .order_by("due_at", "pk")
        )
        texts = [row for row in rows if row.step.medium == Step.Medium.SMS]
        prefetch_related_objects(texts, "enrolment__contact__phones")
        begun = Message.objects.filter(state__in=PERHAPS_SENT).exclude(message_id="")
        told = begun.only("pk", "enrolment", "step", "for_start", "told_before", "recipient")
        rivals = [row for row in rows if self.has_rivals(row)]
        prefetch_related_objects(rivals, Prefetch("enrolment__appointment__enrolments__messages", told))
        _introduce(rivals)
        # Whose name a title may tell to nobody else.
        others = [row for row in rows if row.enrolment.appointment.contact_id != row.enrolment.contact_id]
        prefetch_related_objects(others, "enrolment__appointment__contact__emails")
        return rows

    def addressee(self, row: Message) -> Contact:
        return row.enrolment.contact

    def about(self, row: Message) -> str:
        return row.enrolment.campaign.name

    def appointment(self, row: Message) -> Appointment:
        return row.enrolment.appointment

    def by_mediums(self, rows: OutgoingQuerySet[Message], mediums: list[str]) -> OutgoingQuerySet[Message]:
        return rows.filter(step__in=Step.objects.filter(medium__in=mediums))

    def has_rivals(self, row: Message) -> bool:
        return _has_rivals(row)

    def objection(self, row: Message, now: datetime.datetime) -> Objection | None:
        """What may have changed, asked once more in the order a person would."""
        why = _why_void(row)
        if why:
            return Objection(State.VOID, why)
        if is_undone(row.enrolment):
            raise TryLater("The move was undone, and what follows from that is not written yet.")
        why = _why_left_out(row) or _why_repeat(row) or _why_too_late(row, now)
        return Objection(State.SKIPPED, why) if why else None

    def still(self, row: Message, letter: Letter) -> Condition:
        enrolment, appointment = row.enrolment, row.enrolment.appointment
        uuid = Appointment._meta.pk.get_db_prep_value(appointment.pk, connection)
        same = Condition(
            _same(row.step.medium),
            (
                enrolment.pk,
                enrolment.contact_id,
                uuid,
                enrolment.trigger_event_id or 0,
                enrolment.campaign_id,
                row.step_id,
                enrolment.contact_id,
                uuid,
                as_parameter(appointment.starts_at),
                as_parameter(appointment.ends_at),
                appointment.status,
                appointment.revision,
                uuid,
                enrolment.contact_id,
                enrolment.contact_id,
                letter.recipient,
            ),
        )
        if not self.has_rivals(row):
            return same
        told = (uuid, row.step_id, as_parameter(row.for_start), row.told_before, letter.recipient, row.pk)
        return same & Condition(_untold(), told)

    def letter(self, row: Message, now: datetime.datetime) -> Letter:
        contact, step, campaign = row.enrolment.contact, row.step, row.enrolment.campaign
        fields = merge_fields(
            row.enrolment.appointment, contact, campaign=campaign, medium=step.medium, now=now
        )
        url = fields["contact"]["unsubscribe_url"] if step.medium == Step.Medium.EMAIL else ""
        rendered = render(
            subject=step.subject, body=step.body, rich=step.rich, fields=fields, unsubscribe_url=url
        )
        return Letter(
            recipient=_recipient(step.medium, contact),
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            message_id=message_id_of(row),
            unsubscribe_url=url,
            reply_to=answers_to(row.enrolment.appointment),
        )


@cache
def _same(medium: str) -> str:
    """What asks whether all is as it was read. Each table by itself: to plan one join of them takes the database
    longer than all the rest of a delivery."""
    by_email = medium == Step.Medium.EMAIL
    kind: type[ContactEmail] | type[ContactPhone] = ContactEmail if by_email else ContactPhone
    reach = "address" if by_email else "number"
    asked = (
        (
            Enrolment,
            "id = %s AND contact_id = %s AND appointment_id = %s AND withdrawn_at IS NULL"
            " AND COALESCE(trigger_event_id, 0) = %s",
        ),
        (Campaign, "id = %s AND is_active"),
        (Step, "id = %s AND is_active"),
        (Contact, f"id = %s AND archived_at IS NULL AND NOT no_{medium}"),
        (Appointment, "id = %s AND starts_at = %s AND ends_at = %s AND status = %s AND revision = %s"),
        (AppointmentGuest, "appointment_id = %s AND contact_id = %s"),
        (kind, f"contact_id = %s AND {reach} = %s AND undeliverable_at IS NULL"),
    )
    return " AND ".join(exists(model, condition) for model, condition in asked)


@cache
def _untold() -> str:
    """Nothing began to go to the same address for the same step and start of the same appointment, whoever it was
    for."""
    of_appointment = f"SELECT id FROM {Enrolment._meta.db_table} WHERE appointment_id = %s"  # noqa: S608 (a name of ours)
    states = ", ".join(f"'{state}'" for state in PERHAPS_SENT)
    begun = exists(
        Message,
        f"enrolment_id IN ({of_appointment}) AND step_id = %s AND for_start = %s AND told_before = %s"
        f" AND recipient = %s AND state IN ({states}) AND message_id <> '' AND id <> %s",
    )
    return f"NOT {begun}"


def _has_rivals(message: Message) -> bool:
    return len(message.enrolment.appointment.guests.all()) > 1


def _introduce(rivals: Collection[Message]) -> None:
    """Lets each know its twins, so that what became of those a moment ago need not be read again."""
    told: dict[Hashable, list[Message]] = defaultdict(list)
    for row in rivals:
        twins = told[row.enrolment.appointment_id, *_telling(row)]
        twins.append(row)
        row.twins = twins


def _telling(message: Message) -> tuple[Hashable, ...]:
    """Equal for what says the same to the same address."""
    recipient = _recipient(message.step.medium, message.enrolment.contact)
    return message.step_id, message.for_start, message.told_before, recipient


def _recipient(medium: str, contact: Contact) -> str:
    if medium == Step.Medium.EMAIL:
        return contact.primary_address
    phone = contact.best_phone
    return str(phone.number) if phone else ""


def _why_void(message: Message) -> str:
    enrolment = message.enrolment
    appointment = enrolment.appointment
    if enrolment.withdrawn_at is not None:
        return enrolment.withdrawn_why
    if not _makes_sense(message, appointment):
        return f"The appointment is {appointment.get_status_display().lower()}."
    if message.for_start != appointment.starts_at:
        return _why_moved(message, appointment)
    if all(guest.contact_id != enrolment.contact_id for guest in appointment.guests.all()):
        return "No longer a guest of the appointment."
    return ""


def _why_moved(message: Message, appointment: Appointment) -> str:
    """What waits to leave at once goes along to the new start, and must not be given up before that is planned."""
    if message.step.anchor == Step.Anchor.AT_ONCE and appointment.changes.filter(looked_at=None).exists():
        raise TryLater("The appointment moved, and what follows from that is not planned yet.")
    return "The appointment moved; this was planned for its old start."


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
        return why_step_is_off(step)
    if contact.archived_at is not None:
        return "The contact is archived."
    if contact.no_email if by_email else contact.no_sms:
        return "The contact is not to be e-mailed." if by_email else "The contact is not to be texted."
    return unreachable(contact.best_email) if by_email else unreachable_by_phone(contact.best_phone)


def _why_repeat(message: Message) -> str:
    """Two people of one appointment may share an address: it gets each message once."""
    if not _has_rivals(message):
        return ""
    others = (each for e in message.enrolment.appointment.enrolments.all() for each in e.messages.all())
    mine = _telling(message)
    is_told = any(
        (each.step_id, each.for_start, each.told_before, each.recipient) == mine and each.pk != message.pk
        for each in others
    )
    is_told |= any(
        each.message_id and each.state in PERHAPS_SENT for each in message.twins if each.pk != message.pk
    )
    what = "address" if message.step.medium == Step.Medium.EMAIL else "number"
    return f"It went to the same {what} for another guest of the appointment." if is_told else ""


def _why_too_late(message: Message, now: datetime.datetime) -> str:
    step, limit = message.step, settings.MESSAGE_LATENESS
    if step.anchor == Step.Anchor.BEFORE_START and now >= message.enrolment.appointment.starts_at:
        return "The appointment had begun."
    if now - message.due_at > limit and step.when_late == Step.WhenLate.SKIP:
        return f"More than {limit // datetime.timedelta(minutes=1)} minutes late."
    return ""
