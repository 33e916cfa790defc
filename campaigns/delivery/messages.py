"""The messages of campaigns, as delivery sees them."""

import datetime
from typing import ClassVar

from django.conf import settings

from campaigns import unsubscribing
from campaigns.delivery.claims import message_id_of
from campaigns.delivery.mailing import Mailing, Objection, unreachable, unreachable_by_phone
from campaigns.enrolment import is_undone, what_started
from campaigns.firing import VOID, holds
from campaigns.merge_fields import merge_fields
from campaigns.models import Message, Outgoing, OutgoingQuerySet, Step
from campaigns.rendering import render
from campaigns.transports import Letter, TryLater
from contacts.models import Appointment, Contact

State = Message.State


class Messages(Mailing[Message]):
    model: ClassVar[type[Outgoing]] = Message

    def rows(self) -> OutgoingQuerySet[Message]:
        return Message.objects.all()

    def read(self, pk: int) -> Message:
        return (
            Message.objects.select_related(
                "step",
                "enrolment__campaign",
                "enrolment__contact",
                "enrolment__trigger_event__change__undone_by",
                "enrolment__appointment__calendar",
                "enrolment__appointment__owner__calendar_configuration",
            )
            .prefetch_related(
                "enrolment__contact__emails", "enrolment__contact__phones", "enrolment__appointment__guests"
            )
            .get(pk=pk)
        )

    def addressee(self, row: Message) -> Contact:
        return row.enrolment.contact

    def about(self, row: Message) -> str:
        return row.enrolment.campaign.name

    def medium(self, row: Message) -> str:
        return row.step.medium

    def by_mediums(self, rows: OutgoingQuerySet[Message], mediums: list[str]) -> OutgoingQuerySet[Message]:
        return rows.filter(step__medium__in=mediums)

    def objection(self, row: Message, now: datetime.datetime) -> Objection | None:
        """What may have changed, asked once more in the order a person would."""
        why = _why_void(row)
        if why:
            return Objection(State.VOID, why)
        if is_undone(row.enrolment):
            raise TryLater("The move was undone, and what follows from that is not written yet.")
        why = _why_left_out(row) or _why_too_late(row, now)
        return Objection(State.SKIPPED, why) if why else None

    def letter(self, row: Message, now: datetime.datetime) -> Letter:
        contact, step = row.enrolment.contact, row.step
        url = unsubscribing.address_for(contact) if step.medium == Step.Medium.EMAIL else ""
        fields = merge_fields(row.enrolment.appointment, contact, medium=step.medium, now=now)
        rendered = render(subject=step.subject, body=step.body, fields=fields, unsubscribe_url=url)
        return Letter(
            recipient=_recipient(step.medium, contact),
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            message_id=message_id_of(row),
            unsubscribe_url=url,
        )


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
        return "The appointment moved; this was planned for its old start."
    if all(guest.contact_id != enrolment.contact_id for guest in appointment.guests.all()):
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
    return unreachable(contact.best_email) if by_email else unreachable_by_phone(contact.best_phone)


def _why_too_late(message: Message, now: datetime.datetime) -> str:
    step, limit = message.step, settings.MESSAGE_LATENESS
    if step.anchor == Step.Anchor.BEFORE_START and now >= message.enrolment.appointment.starts_at:
        return "The appointment had begun."
    if now - message.due_at > limit and step.when_late == Step.WhenLate.SKIP:
        return f"More than {limit // datetime.timedelta(minutes=1)} minutes late."
    return ""
