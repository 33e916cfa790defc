"""Firing all that a filter of the trigger log finds, on every page of it: which events, and what would come of them."""

import datetime
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from campaigns import candidates
from campaigns.by_hand import can_fire
from campaigns.enrolment import enrolments_of
from campaigns.firing import AFTERWARDS
from campaigns.models import Campaign, TriggerEvent
from campaigns.outbox import hidden_from
from campaigns.triggers import guests_of
from contacts.models import Appointment, User

# Fired within a few seconds; whoever has more presses again.
MOST = 1000


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What one campaign would make of them: how many would enter, and why the others would not."""

    campaign: Campaign
    entering: int
    reasons: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Selection:
    """The events that may be fired, the oldest first. `has_more`: there are others beyond `MOST`."""

    events: list[TriggerEvent]
    has_more: bool = False

    @property
    def ids(self) -> list[int]:
        return [event.pk for event in self.events]

    @property
    def latest(self) -> int:
        return self.ids[-1] if self.events else 0


def fireable(
    found: QuerySet[TriggerEvent], viewer: User, now: datetime.datetime, *, up_to: int | None = None
) -> Selection:
    """Of `found`, what `viewer` may read and fire. `up_to`: the latest event that they saw counted.

    A few statements for each MOST of the events that are silent.
    """
    silent = _silent(found, now)
    if up_to is not None:
        silent = silent.filter(pk__lte=up_to)
    chosen: list[TriggerEvent] = []
    after = 0
    while len(chosen) <= MOST:
        part = list(silent.filter(pk__gt=after).values_list("pk", "appointment")[:MOST])
        if not part:
            break
        after = part[-1][0]
        hidden = hidden_from(viewer, {appointment for _, appointment in part})
        readable = {pk: appointment for pk, appointment in part if appointment not in hidden}
        may = can_fire(Appointment.objects.filter(pk__in=set(readable.values())), now)
        chosen += sorted((event for event in may if event.pk in readable), key=lambda event: event.pk)
    return Selection(chosen[:MOST], len(chosen) > MOST)


def _silent(found: QuerySet[TriggerEvent], now: datetime.datetime) -> QuerySet[TriggerEvent]:
    """Without what can be told to be over from the rows alone."""
    is_news = Q(appointment__starts_at__gt=now) | Q(change__what__in=AFTERWARDS)
    bare = found.select_related(None).prefetch_related(None)
    return bare.filter(is_news, fired=False).order_by("pk")


def foreseen(events: Sequence[TriggerEvent]) -> list[Foreseen]:
    """By campaign, as firing would decide now; nothing is written. A few statements for any number of events."""
    appointments = Appointment.objects.in_bulk({event.appointment_id for event in events})
    guests = {(pk, guest.pk): guest for pk, them in guests_of(appointments).items() for guest in them}
    field = candidates.read(guests.values(), entered=enrolments_of(*appointments))
    told: dict[Campaign, Counter[str]] = {}
    for event in events:
        person = guests.get((event.appointment_id, event.contact_id))
        if person is not None:
            appointment = appointments[event.appointment_id]
            for campaign, why in field.verdicts(event.kind, event.change.what, appointment, person):
                told.setdefault(campaign, Counter())[why] += 1
    return [Foreseen(campaign, whys.pop("", 0), whys.most_common()) for campaign, whys in told.items()]
