"""Whether a medium's carrier takes anything, how much of it now, and what its refusals say of the person written to."""

import datetime
from dataclasses import dataclass

from django.conf import settings
from django.db.models import F, Q
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


# --- how much may leave now ---------------------------------------------------------------------------------

UNLIMITED = 1_000_000
# A service that asks for more than this is asked again all the same: one odd answer must not stop everything for a day.
LONGEST_HOLD = datetime.timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing may leave for so long; 0: not until a person has tried again."""

    seconds: float


def rate_of(medium: str) -> float:
    """How many a second may leave by `medium`, all workers together; 0 for as many as there are."""
    return float({"email": settings.EMAIL_MOST_A_SECOND, "sms": settings.SMS_MOST_A_SECOND}.get(medium, 0))


def refilled(allowance: float, since: datetime.datetime | None, now: datetime.datetime, rate: float) -> float:
    """What a bucket that held `allowance` at `since` holds at `now`: a second's worth at the most, and at least one.
    Pure."""
    full = max(1.0, rate)
    if since is None:
        return full
    # A clock that was set back gives nothing, and takes nothing.
    return min(full, allowance + max(0.0, (now - since).total_seconds()) * rate)


def room(medium: str, now: datetime.datetime) -> int | Wait:
    """How many may leave by `medium` at `now`. Where a rate is set, inside a transaction that `spend` ends: its row is
    held until then, so that all workers share one rate."""
    rate = rate_of(medium)
    rows = Carrier.objects.filter(medium=medium)
    if rate:
        Carrier.objects.get_or_create(medium=medium)
        rows = rows.select_for_update()
    row = rows.first()
    if row is None:
        return UNLIMITED
    if row.stopped_at is not None:
        return Wait(0)
    if row.not_before is not None and row.not_before > now:
        return Wait((row.not_before - now).total_seconds())
    if not rate:
        return UNLIMITED
    # Kept at once: what was set back counts on from now.
    row.allowance, row.allowance_at = refilled(row.allowance, row.allowance_at, now, rate), now
    row.save(update_fields=["allowance", "allowance_at"])
    return int(row.allowance) or Wait((1 - row.allowance) / rate)


def spend(medium: str, number: int) -> None:
    if rate_of(medium):
        Carrier.objects.filter(medium=medium).update(allowance=F("allowance") - number)


def hold(medium: str, wait: datetime.timedelta, now: datetime.datetime) -> None:
    """The carrier asked everybody to wait."""
    Carrier.objects.get_or_create(medium=medium)
    until = now + min(wait, LONGEST_HOLD)
    shorter = Q(not_before=None) | Q(not_before__lt=until)
    Carrier.objects.filter(shorter, medium=medium).update(not_before=until)


# --- what its refusals say ----------------------------------------------------------------------------------


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
