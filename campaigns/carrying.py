"""Whether a medium's carrier takes anything, and what its refusals say of the person written to."""

import datetime
from dataclasses import dataclass

from django.utils import timezone

from campaigns.models import Carrier, Message, Notice, Outgoing, Step
from campaigns.transports import Refused
from contacts import reaching

WAITING = Outgoing.State.WAITING


def stop(medium: str, why: str, now: datetime.datetime) -> None:
    """Nothing leaves by `medium` until a person has tried again. The first reason stays."""
    Carrier.objects.get_or_create(medium=medium)
    Carrier.objects.filter(medium=medium, stopped_at=None).update(stopped_at=now, stopped_why=why[:300])


def resume(medium: str) -> bool:
    """A person thinks that it works again: what waits goes at once. False when it was not stopped."""
    stopped = Carrier.objects.filter(medium=medium).exclude(stopped_at=None)
    return bool(stopped.update(stopped_at=None, stopped_why="", not_before=None))


def is_stopped(medium: str) -> bool:
    return Carrier.objects.filter(medium=medium).exclude(stopped_at=None).exists()


@dataclass(frozen=True, slots=True)
class Halt:
    """A stopped carrier as every page tells it. `waiting`: how many messages are due and cannot leave."""

    medium: str
    name: str
    why: str
    since: datetime.datetime
    waiting: int


def halts() -> list[Halt]:
    """One statement while nothing is stopped."""
    now = timezone.now()
    stopped = Carrier.objects.exclude(stopped_at=None).order_by("medium")
    return [
        Halt(
            row.medium,
            row.get_medium_display(),
            row.stopped_why,
            row.stopped_at or now,
            _waiting(row.medium, now),
        )
        for row in stopped
    ]


def _waiting(medium: str, now: datetime.datetime) -> int:
    due = {"state": WAITING, "due_at__lte": now}
    count = Message.objects.filter(step__medium=medium, **due).count()
    return count + (Notice.objects.filter(**due).count() if medium == Step.Medium.EMAIL else 0)


def heed(medium: str, recipient: str, refusal: Refused, now: datetime.datetime) -> None:
    """What a refusal says of `recipient` goes on their contacts: it leads nowhere, or they want nothing."""
    if refusal.opted_out:
        reaching.stop_texts(
            reaching.contacts_with_number(recipient), "Asked the SMS service to stop texts from us"
        )
    elif refusal.leads_nowhere and medium == Step.Medium.SMS:
        reaching.mark_number(recipient, str(refusal), now)
    elif refusal.leads_nowhere:
        reaching.mark_address(recipient, str(refusal), now)
