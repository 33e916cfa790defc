"""Upcoming appointments that a campaign would take, had it been on when they were made: fitting(), enter()."""

import datetime
import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Exists, OuterRef

from campaigns import candidates
from campaigns.enrolment import REPEATED_STEP, Entry, changes_of, enrol, enrolments_of
from campaigns.firing import REPEATED, holds
from campaigns.matching import why_not
from campaigns.models import Campaign, Enrolment, Message, TriggerEvent
from campaigns.triggers import guests_of, locked
from contacts.models import Appointment, Contact

# The soonest, on one page; entering them shows the next. Of so many that lie ahead it is asked whether they fit.
MOST = 200
LOOKED_AT = 2_000
LATER = "They entered later: what is said at once was not."


@dataclass(frozen=True, slots=True)
class Fitting:
    """One contact's appointment. `is_silent`: nothing fired for it, as with what came with a first link to Google;
    `why` says so."""

    event: TriggerEvent
    contact: Contact
    appointment: Appointment
    is_silent: bool

    @property
    def why(self) -> str:
        return self.event.why if self.is_silent else ""


def fitting(campaign: Campaign, now: datetime.datetime, most: int = MOST) -> list[Fitting]:
    """Those that fit its filters, are ahead, stand, and are not in it, soonest first. Seven statements for any number
    but those that no campaign takes."""
    events = _latest(campaign, now)
    return _taken(campaign, events)[:most]


def _latest(campaign: Campaign, now: datetime.datetime) -> list[TriggerEvent]:
    """Of every contact's upcoming appointment the last change that the campaign starts from."""
    entered = Enrolment.objects.filter(
        campaign=campaign, appointment=OuterRef("appointment"), contact=OuterRef("contact")
    )
    found = TriggerEvent.objects.filter(
        kind=campaign.trigger,
        change__what__in=changes_of(campaign),
        change__undoes=None,
        change__undone_by=None,
        appointment__starts_at__gt=now,
    ).exclude(Exists(entered))
    related = found.select_related(
        "change", "contact", "appointment__calendar", "appointment__owner__calendar_configuration"
    ).prefetch_related("contact__tags", "contact__emails", "appointment__guests")
    by_key: dict[tuple[uuid.UUID, int], TriggerEvent] = {}
    soonest = related.order_by("appointment__starts_at", "appointment_id", "contact_id", "change_id")
    for event in soonest[:LOOKED_AT]:
        if holds(event.change.what, event.appointment.status) and _is_guest(event):
            by_key[event.appointment_id, event.contact_id] = event
    return list(by_key.values())


def _is_guest(event: TriggerEvent) -> bool:
    return any(guest.contact_id == event.contact_id for guest in event.appointment.guests.all())


def _taken(campaign: Campaign, events: list[TriggerEvent]) -> list[Fitting]:
    if not events:
        return []
    field = candidates.read(event.contact for event in events)
    mine = next(each for each in field.candidates if each.campaign.pk == campaign.pk)
    # Whether it is on is asked when people are entered.
    filters = replace(mine.filters, is_active=True)
    found = []
    for event in events:
        fact = field.fact(event.kind, event.change.what, event.appointment, event.contact)
        if why_not(filters, fact) == "":
            found.append(
                Fitting(
                    event,
                    event.contact,
                    event.appointment,
                    is_silent=not event.fired and event.why != REPEATED,
                )
            )
    return found


@transaction.atomic
def enter(campaign: Campaign, event_ids: Collection[int], *, now: datetime.datetime) -> int:
    """Enters those of `event_ids` that (still) fit; how many. Their dated steps run; what is said at once is not said
    so long after."""
    wanted = set(event_ids)
    appointments = locked(TriggerEvent.objects.filter(pk__in=wanted).values_list("appointment_id", flat=True))
    chosen = [
        each
        for each in _taken(campaign, _latest(campaign, now))
        if each.event.pk in wanted and each.appointment.pk in appointments
    ]
    mine = next(each.campaign for each in candidates.candidates() if each.campaign.pk == campaign.pk)
    guests = {pk: {person.pk: person for person in people} for pk, people in guests_of(appointments).items()}
    entries = []
    for each in chosen:
        each.event.appointment = appointments[each.appointment.pk]
        person = guests[each.appointment.pk][each.contact.pk]
        entries.append(Entry(mine, person, each.event, at_once=False))
    enrol(entries, now=now)
    entered = enrolments_of(*{each.appointment.pk for each in chosen})
    left_out = Message.objects.filter(
        enrolment__in=[one.pk for one in entered if one.campaign_id == campaign.pk]
    )
    left_out.filter(state=Message.State.SKIPPED, why=REPEATED_STEP).update(why=LATER)
    return len(entries)
