"""Whether a medium's carrier takes anything, how much of it now, and what its refusals say of the person written to."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Max, Q, QuerySet, Value
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


@dataclass(frozen=True, slots=True)
class Attention:
    """What every page says of what leaves: which carriers are stopped, how many messages need a person."""

    halts: list[Halt]
    unclear_messages: int
    unclear_notices: int

    @property
    def unclear(self) -> int:
        return self.unclear_messages + self.unclear_notices


def attention() -> Attention:
    """One statement while nothing is stopped."""
    now = timezone.now()
    stopped = Carrier.objects.exclude(stopped_at=None).annotate(number=Value(0))
    found = stopped.values_list("medium", "stopped_why", "stopped_at", "number").union(
        _unclear(Message), _unclear(Notice), all=True
    )
    halts, unclear = [], {}
    for medium, words, since, number in found:
        if medium:
            name = Step.Medium(medium).label
            halts.append(Halt(medium, name, words, since or now, _waiting(medium, now)))
        else:
            unclear[words] = number
    halts.sort(key=lambda halt: halt.medium)
    return Attention(halts, unclear[Message.__name__], unclear[Notice.__name__])


def _unclear(kind: type[Message] | type[Notice]) -> QuerySet[Any]:
    """One row as of a carrier without a name: how many of `kind` have an unknown outcome."""
    rows = kind._default_manager.filter(state=Outgoing.State.UNKNOWN).order_by()
    one = rows.annotate(medium=Value(""), words=Value(kind.__name__)).values("medium", "words")
    return one.annotate(at=Max("due_at"), number=Count("*")).values_list("medium", "words", "at", "number")


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
