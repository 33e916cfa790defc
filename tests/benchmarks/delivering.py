"""Reminders: a sweep over very many planned messages, deliveries into a carrier that takes everything, and planning."""

import datetime
import time
from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import patch

from django.db import connection, transaction
from django.utils import timezone

from campaigns import delivery
from campaigns.delivery import claims, deliver_due
from campaigns.delivery.messages import Messages
from campaigns.enrolment import follow_steps
from campaigns.models import Campaign, Enrolment, Message, Step
from campaigns.transports import Letter, Receipt
from campaigns.triggers import look_at
from contacts.models import (
    Appointment,
    AppointmentChange,
    AppointmentGuest,
    Contact,
    ContactEmail,
    Origin,
)
from tests.benchmarks.multitudes import analyse, multiply
from tests.benchmarks.stopwatch import Figure, best, seconds, statements
from tests.factories import CalendarFactory, UserFactory

PLANNED, DUE, FEW = 1_000_000, 10_000, 10_000
BOOKED = 10_000
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
BODY = """Hello {{ contact.first_name | default: "there" }},

this is a reminder of your appointment: {{ appointment.title }}, {{ appointment.starts_at }}.
To move or cancel it: {{ appointment.manage_url }}

{{ business.name }}
"""


class Null:
    recognises_repeats = True

    def send(self, letter: Letter) -> Receipt:
        return Receipt("taken")


class Clinic:
    """One booked appointment with one planned message, and as many like it as wanted."""

    def __init__(self) -> None:
        self.now = timezone.now()
        self.campaign = Campaign.objects.create(name="Visit")
        self.step = Step.objects.create(
            campaign=self.campaign,
            subject="Your appointment",
            body=BODY,
            when_late=Step.WhenLate.SEND,
        )
        user = UserFactory(email="dana@example.com")
        self.contact = Contact.objects.create(first_name="Ada", last_name="Lovelace")
        self.address = ContactEmail.objects.create(contact=self.contact, address="ada@x.org", is_primary=True)
        self.appointment = Appointment.objects.create(
            calendar=CalendarFactory(),
            contact=self.contact,
            owner=user,
            starts_at=self.now + DAY,
            ends_at=self.now + DAY + 30 * MINUTE,
        )
        self.guest = AppointmentGuest.objects.create(appointment=self.appointment, contact=self.contact)
        self.change = AppointmentChange.objects.create(
            appointment=self.appointment,
            revision=1,
            what="booked",
            origin=Origin.STAFF,
            contact=self.contact,
            looked_at=self.now,
        )

    def crowd(self, number: int) -> None:
        """So many appointments more, each of a contact of its own."""
        contacts, appointments = Contact._meta.db_table, Appointment._meta.db_table
        multiply(self.contact, number, last_name="'Lovelace ' || n")
        every = f"(SELECT id FROM {contacts} WHERE id <> {self.contact.pk})"
        mail = "'ada' || s.id || '@x.org'"
        multiply(self.address, source=every, contact_id="s.id", address=mail, looked_for=mail)
        uuid = "gen_random_uuid()" if connection.vendor == "postgresql" else "lower(hex(randomblob(16)))"
        multiply(self.appointment, source=every, id=uuid, contact_id="s.id")
        own = self.appointment.pk if connection.vendor == "postgresql" else self.appointment.pk.hex
        booked = f"(SELECT id, contact_id FROM {appointments} WHERE id <> '{own}')"
        multiply(self.guest, source=booked, appointment_id="s.id", contact_id="s.contact_id")
        multiply(self.change, source=booked, appointment_id="s.id", contact_id="s.contact_id")

    def enrol(self) -> None:
        """All of them, with a message that is due in a year, by two statements."""
        enrolment = Enrolment.objects.create(
            campaign=self.campaign, appointment=self.appointment, contact=self.contact
        )
        own = self.appointment.pk if connection.vendor == "postgresql" else self.appointment.pk.hex
        table = Appointment._meta.db_table
        booked = f"(SELECT id, contact_id FROM {table} WHERE id <> '{own}')"
        multiply(enrolment, source=booked, appointment_id="s.id", contact_id="s.contact_id")
        Message.objects.create(
            enrolment=enrolment,
            step=self.step,
            for_start=self.appointment.starts_at,
            due_at=self.now + 365 * DAY,
        )

    def plan(self, number: int) -> None:
        """`number` messages, DUE of them due by now: the rest is of other times of the same appointments."""
        message = Message.objects.order_by("pk")[0]
        table = Enrolment._meta.db_table
        others = f"(SELECT id FROM {table} WHERE id <> {message.enrolment_id})"
        due = self.now - MINUTE
        multiply(message, source=others, enrolment_id="s.id", due_at=_literal(due))
        rest = number - Message.objects.count()
        multiply(
            message, rest, for_start=_minutes_after(self.now + DAY), due_at=_minutes_after(self.now + DAY)
        )
        analyse()


def _literal(moment: datetime.datetime) -> str:
    text = f"'{moment:%Y-%m-%d %H:%M:%S.%f}'"
    return f"{text}::timestamp AT TIME ZONE 'UTC'" if connection.vendor == "postgresql" else text


def _minutes_after(moment: datetime.datetime) -> str:
    if connection.vendor == "postgresql":
        return f"({_literal(moment)}) + n * interval '1 minute'"
    return f"strftime('%Y-%m-%d %H:%M:%f000', {_literal(moment)}, '+' || n || ' minutes')"


def measure() -> Iterator[Figure]:
    clinic = Clinic()
    clinic.crowd(DUE)
    yield from _planning(clinic)
    clinic.enrol()
    clinic.plan(2 * DUE)
    few = _claiming()
    clinic_more(clinic)
    yield from _sweep(few)
    yield from _delivering()


def clinic_more(clinic: Clinic) -> None:
    message = Message.objects.order_by("pk")[0]
    start = clinic.now + 400 * DAY
    multiply(
        message,
        PLANNED - Message.objects.count(),
        for_start=_minutes_after(start),
        due_at=_minutes_after(start),
    )
    analyse()


# --- a sweep ------------------------------------------------------------------------------------------------


def _claiming() -> float:
    """Seconds to claim a batch of what is due, and to let it go."""
    mailing = Messages()

    def claim() -> None:
        now = timezone.now()
        taken = claims.claim(mailing, "email", now=now, real=now)
        assert isinstance(taken, claims.Claim)
        assert len(taken.pks) == claims.BATCH
        claims.give_back(mailing, taken, taken.pks)

    return best(claim, tries=7)


def _sweep(few: float) -> Iterator[Figure]:
    many = _claiming()
    due = Messages().by_mediums(Message.objects.due(timezone.now()), ["email"])
    plan = due[: claims.BATCH].explain()
    held = "deliver_due" in plan
    yield Figure(
        "claim",
        f"claiming {claims.BATCH} of {DUE:,} due, 1,000,000 planned ÷ 20,000",
        many / few,
        " ×",
        "1",
    )
    yield Figure("claim_ms", "   milliseconds", many * 1000)
    yield Figure("claim_index", "   only what is due is read, by its index (1: yes)", held, "", "1", held)


# --- deliveries ---------------------------------------------------------------------------------------------


def _delivering() -> Iterator[Figure]:
    with patch.dict(delivery.TRANSPORTS, {"email": Null()}):
        each = _statements_each()
        left = Message.objects.due(timezone.now()).count()
        before = time.process_time()
        took = seconds(deliver_due)
        spent = time.process_time() - before
    assert Message.objects.filter(state=Message.State.SENT).count() == DUE
    yield Figure("deliver", f"{DUE:,} deliveries, one worker: a second", left / took, "", "≥ 500")
    yield Figure("deliver_processor", "   milliseconds of the worker's processor each", 1000 * spent / left)
    yield Figure("deliver_statements", "   statements each", each, "", "≤ 6", each <= 6)


def _statements_each() -> float:
    """Of a whole batch, claiming and reading included."""
    lane = next(lane for lane in delivery.LANES if isinstance(lane.mailing, Messages))
    with statements() as seen:
        now = timezone.now()
        claim = claims.claim(lane.mailing, lane.medium, now=now, real=now)
        assert isinstance(claim, claims.Claim)
        sent = list(delivery.deliver_batch(lane, claim, None))
    assert {outcome.state for outcome in sent} == {Message.State.SENT}
    return len(seen) / len(sent)


# --- planning -----------------------------------------------------------------------------------------------


def _planning(clinic: Clinic) -> Iterator[Figure]:
    """What was booked enters a campaign of three steps; then a step of it is moved for all who wait."""
    campaign = Campaign.objects.create(name="Care")
    for anchor in (Step.Anchor.AT_ONCE, Step.Anchor.BEFORE_START, Step.Anchor.AFTER_END):
        Step.objects.create(campaign=campaign, anchor=anchor, body=BODY, when_late=Step.WhenLate.SEND)
    Campaign.objects.filter(pk=clinic.campaign.pk).update(is_active=False)
    AppointmentChange.objects.update(looked_at=None)
    changes = list(AppointmentChange.objects.order_by("pk").values_list("pk", flat=True))[:BOOKED]
    took = seconds(lambda: look_at(*changes))
    assert Message.objects.count() == 3 * BOOKED
    yield Figure("campaign", f"{BOOKED:,} appointments enter a campaign of 3 steps: a second", BOOKED / took)
    campaign.steps.filter(anchor=Step.Anchor.AFTER_END).update(offset=timedelta(hours=3))
    with transaction.atomic():
        moved = seconds(lambda: follow_steps(campaign, now=timezone.now(), moves_waiting=True))
    yield Figure("followed", "   a step of it moves: appointments a second", BOOKED / moved)
    for model in (Message, Enrolment):
        model._default_manager.all()._raw_delete("default")  # type: ignore[attr-defined]  # Django's own, without signals
    campaign.delete()
    Campaign.objects.update(is_active=True)
