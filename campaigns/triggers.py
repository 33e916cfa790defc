"""From changes of appointments to trigger events and enrolments: look_at(). `by_hand` fires later what stays silent.

Each change is looked at once, whoever comes first: a signal's receiver, the sweep, or a person. Any number of them cost
the statements of one: a first import books thousands.
"""

import datetime
import logging
import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from calendars.sync import sessions
from campaigns import candidates, undoing
from campaigns.enrolment import Entry, enrol, enrolments_of, settle, what_started
from campaigns.firing import REPEATED, FiringFacts, holds, why_silent
from campaigns.matching import SILENT
from campaigns.merge_fields import with_zones
from campaigns.models import Campaign, Enrolment, Kind, TriggerEvent
from campaigns.notices import writing
from contacts.models import Appointment, AppointmentChange, AppointmentGuest, Contact, Origin

logger = logging.getLogger(__name__)

What = AppointmentChange.What
# A signal usually comes within a moment; the sweep leaves it that long.
SIGNAL_TIME = datetime.timedelta(seconds=5)
SWEEP = 500
# Looked at in one transaction; their appointments stay locked that long.
BATCH = 250


def look_at(*change_ids: int, now: datetime.datetime | None = None) -> int:
    """Looks at those of the changes that nobody has looked at: logs each trigger, enrols, settles what was planned
    before, and writes the notices of the appointment itself. Returns how many those were.

    Safe to call any number of times, at the same moment too. Some two dozen statements for each BATCH, and a few
    more where a calendar sends notices.
    """
    now = now or timezone.now()
    looked = 0
    for start in range(0, len(change_ids), BATCH):
        for changes in _rounds(change_ids[start : start + BATCH]):
            _look_at_firsts_of_series(changes, now)
            looked += _look_at_together(changes, now)
    return looked


def enrol_missing(now: datetime.datetime | None = None) -> int:
    """Looks at every change whose signal was lost; where that fails, each alone, so that one bad change holds up no
    other."""
    now = now or timezone.now()
    missed = AppointmentChange.objects.filter(looked_at=None, at__lte=now - SIGNAL_TIME)
    pks = list(missed.order_by("at", "pk").values_list("pk", flat=True)[:SWEEP])
    try:
        return look_at(*pks, now=now)
    except Exception:
        logger.exception("%d changes could not be looked at together; one by one.", len(pks))
    looked = 0
    for change_id in pks:
        try:
            looked += look_at(change_id, now=now)
        except Exception:
            logger.exception("Change %s could not be looked at", change_id)
    return looked


# --- changes that are looked at together ------------------------------------------------------------------


def _rounds(change_ids: Sequence[int]) -> Iterator[list[AppointmentChange]]:
    """The changes that nobody looked at, so that those of one round do not depend on each other: one of an appointment
    follows its earlier ones, and a later occurrence what its series fired for."""
    waiting = AppointmentChange.objects.filter(pk__in=change_ids, looked_at=None).order_by("pk")
    earlier: Counter[uuid.UUID] = Counter()
    rounds: dict[tuple[int, bool], list[AppointmentChange]] = defaultdict(list)
    for change in waiting.select_related("appointment"):
        rounds[earlier[change.appointment_id], change.repeats_series].append(change)
        earlier[change.appointment_id] += 1
    for at in sorted(rounds):
        yield rounds[at]


def _look_at_firsts_of_series(changes: Collection[AppointmentChange], now: datetime.datetime) -> None:
    """A later occurrence enters what the first fired for, so the first must have been looked at."""
    series = {change.appointment.ical_uid for change in changes if change.repeats_series} - {""}
    if series:
        firsts = AppointmentChange.objects.filter(
            appointment__ical_uid__in=series, repeats_series=False, looked_at=None
        )
        look_at(*firsts.order_by("at", "pk").values_list("pk", flat=True), now=now)


@transaction.atomic
def _look_at_together(changes: Collection[AppointmentChange], now: datetime.datetime) -> int:
    """How many of `changes`, each of another appointment, it was the first to look at."""
    rows = AppointmentChange.objects.filter(pk__in=[change.pk for change in changes], looked_at=None)
    claimed = list(
        rows.select_for_update(of=("self",))
        .select_related("contact", "undone_by")
        .prefetch_related("contact__tags")
        .order_by("pk")
    )
    if not claimed:
        return 0
    AppointmentChange.objects.filter(pk__in=[change.pk for change in claimed]).update(looked_at=now)
    appointments = locked([change.appointment_id for change in claimed])
    moved = {change.appointment_id for change in claimed if change.what == What.RESCHEDULED}
    undoing.hand_back(claimed, now=now)
    standing = settle(appointments.values(), now=now, moved=moved)
    guests = guests_of(appointments)
    _trigger(claimed, appointments, guests, standing, now)
    undoing.hold(claimed, now=now)
    writing.write(claimed, appointments, guests, now=now)
    return len(claimed)


def locked(appointment_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Appointment]:
    """The appointments by id, held until the transaction ends; taken in one order, classes before their seats, so that
    nobody waits in a circle."""
    sessions.lock_classes_of(Appointment.objects.filter(pk__in=appointment_ids))
    rows = Appointment.objects.select_for_update(of=("self",)).filter(pk__in=appointment_ids).order_by("pk")
    found = {row.pk: row for row in rows.select_related("calendar", "owner__calendar_configuration")}
    with_zones(found.values())
    return found


def guests_of(appointment_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[Contact]]:
    found: dict[uuid.UUID, list[Contact]] = defaultdict(list)
    guests = AppointmentGuest.objects.filter(appointment__in=appointment_ids).order_by("pk")
    for guest in guests.select_related("contact").prefetch_related("contact__tags"):
        found[guest.appointment_id].append(guest.contact)
    return found


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of trigger for one contact, with the event that logs it and the campaigns that take it."""

    event: TriggerEvent
    contact: Contact
    campaigns: list[Campaign]
    at_once: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What deciding reads beside the changes themselves, each read once for all of them."""

    guests: dict[uuid.UUID, list[Contact]]
    # Appointment, kind of change, kind of trigger and contact of all that fired before.
    fired: frozenset[tuple[uuid.UUID, str, str, int]]
    # Appointment and contact → the revision with which they joined what was there before; 0 for who returned.
    joined: dict[tuple[uuid.UUID, int], int]
    field: candidates.Field
    # By iCalUID, what occurrences of that series entered.
    series: dict[str, list[Enrolment]]


def _trigger(
    changes: Sequence[AppointmentChange],
    appointments: dict[uuid.UUID, Appointment],
    guests: dict[uuid.UUID, list[Contact]],
    standing: Sequence[Enrolment],
    now: datetime.datetime,
) -> None:
    cases = _decided(changes, appointments, guests, standing, now)
    TriggerEvent.objects.bulk_create([case.event for case in cases])
    entries = [
        Entry(campaign, case.contact, case.event, case.at_once)
        for case in cases
        for campaign in case.campaigns
    ]
    enrol(entries, now=now)


def known_of(appointments: dict[uuid.UUID, Appointment], guests: dict[uuid.UUID, list[Contact]]) -> Known:
    """What `foreseen` wants to know of the appointments, whatever is asked of them. No occurrence of a series."""
    standing = [
        each for each in enrolments_of(*appointments) if each.withdrawn_at is None or _comes_back(each)
    ]
    return _known((), appointments, guests, standing)


def foreseen(
    changes: Sequence[AppointmentChange],
    appointments: dict[uuid.UUID, Appointment],
    known: Known,
    now: datetime.datetime,
) -> list[Case]:
    """What would be logged and entered of `changes` that nobody has made yet. Nothing is stored or read."""
    return [
        case for change in changes for case in _cases(change, appointments[change.appointment_id], known, now)
    ]


def _comes_back(enrolment: Enrolment) -> bool:
    """Whether nothing but the status of its appointment, void by now, ended it: restored, it stands again."""
    return enrolment.appointment.is_void and holds(what_started(enrolment), Appointment.Status.CONFIRMED)


def _decided(
    changes: Sequence[AppointmentChange],
    appointments: dict[uuid.UUID, Appointment],
    guests: dict[uuid.UUID, list[Contact]],
    standing: Sequence[Enrolment],
    now: datetime.datetime,
) -> list[Case]:
    return foreseen(changes, appointments, _known(changes, appointments, guests, standing), now)


def _known(
    changes: Sequence[AppointmentChange],
    appointments: dict[uuid.UUID, Appointment],
    guests: dict[uuid.UUID, list[Contact]],
    standing: Sequence[Enrolment],
) -> Known:
    people = [contact for contacts in guests.values() for contact in contacts]
    people += [change.contact for change in changes if change.contact is not None]
    field = candidates.read(people, entered=standing)
    return Known(guests, _fired(appointments), _joined(changes), field, _series(changes, appointments))


def _fired(appointment_ids: Collection[uuid.UUID]) -> frozenset[tuple[uuid.UUID, str, str, int]]:
    events = TriggerEvent.objects.filter(appointment__in=appointment_ids, fired=True)
    return frozenset(events.values_list("appointment_id", "change__what", "kind", "contact_id"))


def _joined(changes: Sequence[AppointmentChange]) -> dict[tuple[uuid.UUID, int], int]:
    """No statement where nothing was moved."""
    moved = {change.appointment_id for change in changes if change.what == What.RESCHEDULED}
    if not moved:
        return {}
    rows = AppointmentChange.objects.filter(
        appointment__in=moved, what__in=[What.BOOKED, What.CANCELLED], contact__isnull=False
    ).order_by("pk")
    joined: dict[tuple[uuid.UUID, int], int] = {}
    for pk, contact, what, at in rows.values_list("appointment", "contact", "what", "revision"):
        # Whoever had left before knows the earlier time.
        joined[pk, contact] = at if what == What.BOOKED and (pk, contact) not in joined else 0
    return joined


def _cases(
    change: AppointmentChange, appointment: Appointment, known: Known, now: datetime.datetime
) -> Iterator[Case]:
    guests = known.guests[appointment.pk]
    concerned = guests if change.contact is None else [change.contact]
    attached = {guest.pk for guest in guests}
    repeated = _campaigns_of_series(change, appointment, known)
    for contact in concerned:
        for kind in _kinds(change):
            fired = (appointment.pk, change.what, kind, contact.pk) in known.fired
            facts = FiringFacts(
                what=change.what,
                status=appointment.status,
                fires=change.fires,
                why=change.why,
                repeats_series=change.repeats_series,
                fired_before=change.what == What.BOOKED and fired,
                is_attached=contact.pk in attached,
                has_begun=appointment.starts_at <= now,
                has_joined_since=change.what == What.RESCHEDULED
                and known.joined.get((appointment.pk, contact.pk), 0) >= change.revision,
                is_undone=change.is_undone,
            )
            verdicts = known.field.verdicts(kind, change.what, appointment, contact)
            case = _case(change, kind, contact, facts, verdicts, repeated[kind, contact.pk])
            case.event.appointment = appointment
            yield case


def _case(
    change: AppointmentChange,
    kind: Kind,
    contact: Contact,
    facts: FiringFacts,
    verdicts: list[tuple[Campaign, str]],
    repeated: set[int],
) -> Case:
    silent = why_silent(facts)
    event = TriggerEvent(
        change=change,
        kind=kind,
        contact=contact,
        appointment_id=change.appointment_id,
        fired=not silent,
        why=(silent or _why_fired(change))[:300],
    )
    # Only what nothing but its series keeps silent goes on to the dated steps.
    taken = repeated if silent == REPEATED else set()
    if silent:
        verdicts = [(c, SILENT if not why and c.pk not in taken else why) for c, why in verdicts]
    event.outcomes = [[campaign.pk, why] for campaign, why in verdicts]
    return Case(event, contact, [campaign for campaign, why in verdicts if not why], at_once=not silent)


def _why_fired(change: AppointmentChange) -> str:
    """Google's reason; what staff or a customer gave as theirs stands with the change already."""
    if change.origin == Origin.GOOGLE and change.why:
        return change.why
    return f"{change.get_what_display()} by {_who(change)}."


def _kinds(change: AppointmentChange) -> list[Kind]:
    if change.what == What.EDITED:
        return []
    by_customer = change.what == What.BOOKED and change.origin in (Origin.CUSTOMER, Origin.GOOGLE)
    return [Kind.APPOINTMENT, *([Kind.CUSTOMER_BOOKED] if by_customer else [])]


def _who(change: AppointmentChange) -> str:
    names = {Origin.STAFF: "staff", Origin.CUSTOMER: "the customer", Origin.GOOGLE: "Google Calendar"}
    return names[Origin(change.origin)]


def _series(
    changes: Collection[AppointmentChange], appointments: dict[uuid.UUID, Appointment]
) -> dict[str, list[Enrolment]]:
    """By iCalUID of each series that `changes` repeat: what its occurrences entered."""
    series = {appointments[each.appointment_id].ical_uid for each in changes if each.repeats_series} - {""}
    found: dict[str, list[Enrolment]] = defaultdict(list)
    if not series:
        return found
    enrolments = Enrolment.objects.filter(appointment__ical_uid__in=series, trigger_event__isnull=False)
    for enrolment in enrolments.select_related("trigger_event", "appointment"):
        found[enrolment.appointment.ical_uid].append(enrolment)
    return found


def _campaigns_of_series(
    change: AppointmentChange, appointment: Appointment, known: Known
) -> dict[tuple[str, int], set[int]]:
    """By trigger and contact: the campaigns that other occurrences of this series entered."""
    found: dict[tuple[str, int], set[int]] = defaultdict(set)
    if not change.repeats_series or not appointment.ical_uid:
        return found
    for enrolment in known.series[appointment.ical_uid]:
        if enrolment.appointment_id != appointment.pk and enrolment.trigger_event is not None:
            found[enrolment.trigger_event.kind, enrolment.contact_id].add(enrolment.campaign_id)
    return found
