"""What the scenes start from: appointments whose one message is due by the real clock."""

import datetime
from collections import Counter
from datetime import timedelta

from django.utils import timezone

from campaigns.models import Campaign, Enrolment, Message, Step, TriggerEvent
from contacts.models import Appointment, AppointmentChange, Contact
from tests.campaigns import rows

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def clear() -> None:
    Message.objects.all().delete()
    for model in (Enrolment, TriggerEvent, AppointmentChange, Appointment, Campaign, Contact):
        model._default_manager.all().delete()


def due(number: int, medium: str = "email", *, since: timedelta = MINUTE) -> None:
    """`number` messages by `medium` that became due `since` ago."""
    rows.campaign(rows.before(24, medium=medium, when_late=Step.WhenLate.SEND))
    owner, calendar = rows.user(), rows.calendar()
    people = [rows.contact() for _ in range(number)]
    for person in people:
        person.phones.create(number=f"+44794600{person.pk % 10_000:04}", is_primary=True)
    rows.book_all(people, owner=owner, calendar=calendar, starts_at=timezone.now() + DAY - since)
    assert states() == {"waiting": number}, states()


def states() -> dict[str, int]:
    return dict(Counter(Message.objects.values_list("state", flat=True)))


def claims_run_out() -> None:
    """As ten minutes would do."""
    Message.objects.filter(state="sending").update(claimed_until=timezone.now() - MINUTE)


def due_also_claimed() -> None:
    """One that is due now, and that a living worker has."""
    due_one = Message.objects.order_by("pk")[0]
    twin = Enrolment.objects.exclude(pk=due_one.enrolment_id).order_by("pk")[0]
    Message.objects.create(
        enrolment=twin,
        step=due_one.step,
        for_start=due_one.for_start - DAY,
        due_at=timezone.now() - MINUTE,
        state="sending",
        claimed_until=timezone.now() + 5 * MINUTE,
    )


def sent_since(moment: datetime.datetime) -> int:
    return Message.objects.filter(sent_at__gte=moment, sent_at__lte=timezone.now() + MINUTE).count()
