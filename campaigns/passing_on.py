"""Who answers a text message reaches a person: whom it concerns gets what was written by e-mail, once."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone

from campaigns.merge_fields import moment_in_words, zone_for
from campaigns.models import Message, Step
from campaigns.transports.mail import sender_domain
from contacts import reaching
from contacts.models import Appointment, Contact, User

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Concerned:
    """Who is told, of whom, and of what: the appointment our last text was about, else their next one, else none."""

    user: User
    contact: Contact
    appointment: Appointment | None = None
    is_answer: bool = False


def pass_on(number: str, text: str, sid: str) -> None:
    """E-mails `text` from `number` to whom it concerns, if anybody. A task that a dying worker leaves to another may
    send it again, under the same Message-ID, which is made of the carrier's `sid`."""
    concerned = next(_concerned(number), None)
    if concerned is None:
        logger.info("Nobody is told of an SMS: neither a host nor an owner works here (%s)", sid)
        return
    try:
        _mail_to(concerned, number, text, sid).send()
    except Exception:
        # The timeline has it; what failed is the mail server.
        logger.exception("User %s could not be told of an SMS (%s)", concerned.user.pk, sid)


def _concerned(number: str) -> Iterator[Concerned]:
    """Who works here, the nearest to the matter first."""
    ids = reaching.contacts_with_number(number)
    last = _last_text(ids, number)
    if last is not None and last.enrolment.appointment.owner.is_active:
        about = last.enrolment.appointment
        yield Concerned(about.owner, last.enrolment.contact, about, is_answer=True)
    is_answer = last is not None
    ahead = Appointment.objects.standing().filter(guests__contact__in=ids, ends_at__gte=timezone.now())
    for about in ahead.select_related("owner", "calendar").order_by("starts_at", "pk")[:1]:
        if about.owner.is_active:
            person = Contact.objects.filter(pk__in=ids, attendances__appointment=about).order_by("pk")[0]
            yield Concerned(about.owner, person, about, is_answer)
    owned = Contact.objects.filter(pk__in=ids, owner__is_active=True)
    for person in owned.select_related("owner").order_by("pk"):
        if person.owner is not None:
            yield Concerned(person.owner, person, is_answer=is_answer)


def _last_text(ids: Sequence[int], number: str) -> Message | None:
    sent = Message.objects.filter(
        enrolment__contact__in=ids, step__medium=Step.Medium.SMS, state=Message.State.SENT, recipient=number
    )
    related = ("enrolment__contact", "enrolment__appointment__owner", "enrolment__appointment__calendar")
    return sent.select_related(*related).order_by("-sent_at", "-pk").first()


def _mail_to(concerned: Concerned, number: str, text: str, sid: str) -> EmailMessage:
    person, about = concerned.contact, concerned.appointment
    best = person.best_email
    address = best.address if best and best.undeliverable_at is None else ""
    base = settings.PUBLIC_BASE_URL
    told = {
        "person": person,
        "number": number,
        "lines": text.strip().splitlines() or ["(no text)"],
        "about": about,
        "when": moment_in_words(about.starts_at.astimezone(zone_for(about, None))) if about else "",
        "is_answer": concerned.is_answer,
        "address": address,
        "page": f"{base}{person.get_absolute_url()}" if base else "",
    }
    what = "answered your text" if concerned.is_answer else "sent a text"
    return EmailMessage(
        f"{' '.join(person.name.split())} {what}",
        render_to_string("campaigns/mail/answer.txt", told),
        to=[concerned.user.email],
        reply_to=[address] if address else None,
        headers={"Message-ID": f"<answer-{sid}@{sender_domain()}>"},
    )
