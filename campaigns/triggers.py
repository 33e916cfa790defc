"""From a change of an appointment to trigger events and enrolments: look_at() and fire_now().

Each change is looked at once, whoever comes first: a signal's receiver, the sweep, or a person.
"""

import datetime
import logging
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Prefetch
from django.utils import timezone

from calendars.models import GoogleEvent
from campaigns.enrolment import Entry, enrol, settle
from campaigns.firing import AFTERWARDS, REPEATED, FiringFacts, holds, why_silent
from campaigns.models import Campaign, Enrolment, Kind, Step, TriggerEvent
from contacts.models import Appointment, AppointmentChange, AppointmentGuest, Contact, Origin, User

logger = logging.getLogger(__name__)

What = AppointmentChange.What
# A signal usually comes within a moment; the sweep leaves it that long.
SIGNAL_TIME = datetime.timedelta(seconds=5)
SWEEP = 500


def look_at(change_id: int, *, now: datetime.datetime | None = None) -> bool:
    """Looks at the change if nobody has: logs each trigger, enrols, and settles what was planned before.

    False when it was looked at before. Safe to call any number of times, at the same moment too.
    """
    now = now or timezone.now()
    _look_at_first_of_series(change_id, now)
    with transaction.atomic():
        if not AppointmentChange.objects.filter(pk=change_id, looked_at=None).update(looked_at=now):
            return False
        change = AppointmentChange.objects.get(pk=change_id)
        appointment = _locked(change.appointment_id)
        settle(appointment, now=now, has_moved=change.what == What.RESCHEDULED)
        _trigger(change, appointment, now)
    return True


def enrol_missing(now: datetime.datetime | None = None) -> int:
    """Looks at every change whose signal was lost; each alone, so that one bad change holds up no other."""
    now = now or timezone.now()
    missed = AppointmentChange.objects.filter(looked_at=None, at__lte=now - SIGNAL_TIME)
    looked = 0
    for change_id in missed.order_by("at", "pk").values_list("pk", flat=True)[:SWEEP]:
        try:
            looked += look_at(change_id, now=now)
        except Exception:
            logger.exception("Change %s could not be looked at", change_id)
    return looked


def fire_now(
    appointment: Appointment,
    contact: Contact | None = None,
    *,
    by: User,
    now: datetime.datetime | None = None,
) -> list[TriggerEvent]:
    """A person fires what stayed silent, for every contact or for `contact` alone; returns what fired.

    Empty when nothing is left to fire. What fired before does not fire again.
    """
    now = now or timezone.now()
    for change_id in appointment.changes.filter(looked_at=None).values_list("pk", flat=True):
        look_at(change_id, now=now)
    with transaction.atomic():
        locked = _locked(appointment.pk)
        events = [e for e in can_fire(locked, now) if contact is None or e.contact_id == contact.pk]
        contacts = {guest.pk: guest for guest in _guests(locked)}
        whats = {event.change.what for event in events}
        campaigns = {what: _campaigns(what) for what in whats}
        entries: list[Entry] = []
        for event in events:
            person, what = contacts[event.contact_id], event.change.what
            entered = [c for c in campaigns[what] if matches(c, event.kind, what, locked, person)]
            event.fired, event.why = True, _with_campaigns(f"Fired by hand by {by}.", entered)
            entries += [Entry(campaign, person, event) for campaign in entered]
        TriggerEvent.objects.bulk_update(events, ["fired", "why"])
        if events:
            # The muted bell says "no triggers".
            GoogleEvent.objects.filter(appointment=locked).update(is_silent=False)
        enrol(locked, entries, now=now)
    return events


def can_fire(appointment: Appointment, now: datetime.datetime) -> list[TriggerEvent]:
    """The silent events one may fire now: per contact and trigger the booking, else the latest change."""
    guests = set(appointment.guests.values_list("contact_id", flat=True))
    log: dict[tuple[int, str], list[TriggerEvent]] = defaultdict(list)
    for event in appointment.trigger_events.select_related("change").order_by("-change_id"):
        if event.contact_id in guests:
            log[event.contact_id, event.kind].append(event)
    chosen = (_silent(events, appointment, now) for events in log.values())
    return [event for event in chosen if event is not None]


def _silent(
    events: list[TriggerEvent], appointment: Appointment, now: datetime.datetime
) -> TriggerEvent | None:
    bookings = [event for event in events if event.change.what == What.BOOKED]
    never_booked = bookings and not any(event.fired for event in bookings)
    event = bookings[0] if never_booked else events[0]
    what = event.change.what
    is_news = appointment.starts_at > now or what in AFTERWARDS
    is_repeat = what == What.BOOKED and not never_booked
    if event.fired or is_repeat or not is_news or not holds(what, appointment.status):
        return None
    return event


# --- one change -------------------------------------------------------------------------------------------


def _locked(appointment_id: uuid.UUID) -> Appointment:
    return (
        Appointment.objects.select_for_update(of=("self",))
        .select_related("calendar", "owner__calendar_configuration")
        .get(pk=appointment_id)
    )


def _guests(appointment: Appointment) -> list[Contact]:
    guests = AppointmentGuest.objects.filter(appointment=appointment).order_by("pk")
    return [guest.contact for guest in guests.select_related("contact").prefetch_related("contact__tags")]


def _look_at_first_of_series(change_id: int, now: datetime.datetime) -> None:
    """A later occurrence enters what the first fired for, so the first must have been looked at."""
    later = AppointmentChange.objects.filter(pk=change_id, repeats_series=True, looked_at=None)
    change = later.exclude(appointment__ical_uid="").select_related("appointment").first()
    if change is None:
        return
    firsts = AppointmentChange.objects.filter(
        appointment__ical_uid=change.appointment.ical_uid, repeats_series=False, looked_at=None
    )
    for first_id in firsts.order_by("at", "pk").values_list("pk", flat=True):
        look_at(first_id, now=now)


@dataclass(frozen=True, slots=True)
class _Case:
    """One kind of trigger for one contact, with the event that logs it."""

    event: TriggerEvent
    contact: Contact
    campaigns: list[Campaign]
    at_once: bool


def _trigger(change: AppointmentChange, appointment: Appointment, now: datetime.datetime) -> None:
    guests = _guests(appointment)
    concerned = guests if change.contact is None else [change.contact]
    attached = {guest.pk for guest in guests}
    fired = set(
        TriggerEvent.objects.filter(
            appointment=appointment, fired=True, change__what=change.what
        ).values_list("kind", "contact_id")
    )
    offered = _campaigns(change.what)
    repeated = _campaigns_of_series(change, appointment)
    cases = []
    for contact in concerned:
        for kind in _kinds(change):
            facts = FiringFacts(
                what=change.what,
                status=appointment.status,
                fires=change.fires,
                why=change.why,
                repeats_series=change.repeats_series,
                fired_before=change.what == What.BOOKED and (kind, contact.pk) in fired,
                is_attached=contact.pk in attached,
                has_begun=appointment.starts_at <= now,
            )
            matching = [c for c in offered if matches(c, kind, change.what, appointment, contact)]
            cases.append(_case(change, kind, contact, facts, matching, repeated[kind, contact.pk]))
    TriggerEvent.objects.bulk_create([case.event for case in cases])
    entries = [
        Entry(campaign, case.contact, case.event, case.at_once)
        for case in cases
        for campaign in case.campaigns
    ]
    enrol(appointment, entries, now=now)


def _case(
    change: AppointmentChange,
    kind: Kind,
    contact: Contact,
    facts: FiringFacts,
    matching: list[Campaign],
    repeated: list[Campaign],
) -> _Case:
    silent = why_silent(facts)
    event = TriggerEvent(
        change=change, kind=kind, contact=contact, appointment_id=change.appointment_id, fired=not silent
    )
    if not silent:
        event.why = _with_campaigns(change.why or f"{change.get_what_display()} by {_who(change)}.", matching)
        return _Case(event, contact, matching, at_once=True)
    # Only what nothing but its series keeps silent goes on to the dated steps.
    entered = repeated if silent == REPEATED else []
    event.why = _with_campaigns(silent, entered, verb="Dated reminders") if entered else silent[:300]
    return _Case(event, contact, entered, at_once=False)


def _kinds(change: AppointmentChange) -> list[Kind]:
    by_customer = change.what == What.BOOKED and change.origin in (Origin.CUSTOMER, Origin.GOOGLE)
    return [Kind.APPOINTMENT, *([Kind.CUSTOMER_BOOKED] if by_customer else [])]


def _who(change: AppointmentChange) -> str:
    names = {Origin.STAFF: "staff", Origin.CUSTOMER: "the customer", Origin.GOOGLE: "Google Calendar"}
    return names[Origin(change.origin)]


def _with_campaigns(words: str, campaigns: list[Campaign], *, verb: str = "Entered") -> str:
    names = ", ".join(campaign.name for campaign in campaigns)
    words = words if words.endswith(".") else f"{words}."
    line = f"{words} {verb}: {names}." if names else f"{words} No campaign matched."
    return line if len(line) <= 300 else f"{line[:299]}…"


def _campaigns(what: str) -> list[Campaign]:
    """Active campaigns that a change of kind `what` can enter, with what matching and planning read."""
    active_steps = Prefetch("steps", Step.objects.filter(is_active=True))
    campaigns = Campaign.objects.filter(is_active=True).prefetch_related("calendars", "tags", active_steps)
    return [campaign for campaign in campaigns if what in _changes_of(campaign)]


def _changes_of(campaign: Campaign) -> list[str]:
    if campaign.trigger == Kind.CUSTOMER_BOOKED:
        return [What.BOOKED]
    return campaign.on_changes or [What.BOOKED]


def _campaigns_of_series(
    change: AppointmentChange, appointment: Appointment
) -> dict[tuple[str, int], list[Campaign]]:
    """By trigger and contact: the active campaigns that other occurrences of this series entered."""
    found: dict[tuple[str, int], list[Campaign]] = defaultdict(list)
    if not change.repeats_series or not appointment.ical_uid:
        return found
    enrolments = Enrolment.objects.filter(
        appointment__ical_uid=appointment.ical_uid, trigger_event__isnull=False, campaign__is_active=True
    ).exclude(appointment=appointment)
    for enrolment in enrolments.select_related("campaign", "trigger_event").order_by("pk"):
        campaigns = found[enrolment.trigger_event.kind, enrolment.contact_id]  # type: ignore[union-attr]  # filtered above
        if change.what in _changes_of(enrolment.campaign) and enrolment.campaign not in campaigns:
            campaigns.append(enrolment.campaign)
    return found


def matches(campaign: Campaign, kind: str, what: str, appointment: Appointment, contact: Contact) -> bool:
    """Whether `campaign` (with its filters prefetched) takes this contact's appointment for this trigger."""
    return (
        campaign.trigger == kind
        and what in _changes_of(campaign)
        and _in_or_any(appointment.calendar_id, (calendar.pk for calendar in campaign.calendars.all()))
        and _in_or_any(appointment.origin, campaign.made_by)
        and (not campaign.recurring or (campaign.recurring == "yes") == appointment.is_recurring)
        and _share_or_any({tag.pk for tag in contact.tags.all()}, {tag.pk for tag in campaign.tags.all()})
    )


def _in_or_any(value: object, allowed: Iterable[object]) -> bool:
    values = list(allowed)
    return not values or value in values


def _share_or_any(values: set[int], allowed: set[int]) -> bool:
    return not allowed or bool(values & allowed)
