"""A person fires what stayed silent, once they have seen what would come of it: can_fire(), fire(), would_come()."""

import datetime
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone

from calendars.sync.fired import tell_fired
from campaigns import candidates
from campaigns.enrolment import Entry, enrol, enrolments_of
from campaigns.firing import AFTERWARDS, holds
from campaigns.models import Message, TriggerEvent
from campaigns.triggers import BATCH, guests_of, locked, look_at
from contacts.models import Appointment, AppointmentChange, AppointmentGuest, Contact, User

What = AppointmentChange.What


def can_fire(appointments: Iterable[Appointment], now: datetime.datetime) -> list[TriggerEvent]:
    """The silent events one may fire now: per appointment, contact and trigger the booking, else the latest change.

    Two statements for any number of appointments.
    """
    by_id = {appointment.pk: appointment for appointment in appointments}
    if not by_id:
        return []
    attending = AppointmentGuest.objects.filter(appointment__in=by_id)
    guests = set(attending.values_list("appointment_id", "contact_id"))
    log: dict[tuple[uuid.UUID, int, str], list[TriggerEvent]] = defaultdict(list)
    # A move that was undone, and its undoing, are no news to anybody.
    events = TriggerEvent.objects.filter(
        appointment__in=by_id, change__undoes=None, change__undone_by=None
    ).select_related("change")
    for event in events.order_by("-change_id"):
        if (event.appointment_id, event.contact_id) in guests:
            log[event.appointment_id, event.contact_id, event.kind].append(event)
    chosen = (_silent(events, by_id[key[0]], now) for key, events in log.items())
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


def fire(event_ids: Collection[int], *, by: User, now: datetime.datetime | None = None) -> list[TriggerEvent]:
    """A person fires these silent events; returns those that fired.

    What fired before does not fire again, nor what nobody may fire (any more). The statements of one for each BATCH of
    appointments.
    """
    now = now or timezone.now()
    wanted, fired = set(event_ids), []
    found = TriggerEvent.objects.filter(pk__in=wanted).order_by("appointment_id")
    ids = list(dict.fromkeys(found.values_list("appointment_id", flat=True)))
    for start in range(0, len(ids), BATCH):
        fired += _fire_of(ids[start : start + BATCH], wanted, by, now)
    return fired


def fire_now(
    appointment: Appointment,
    contact: Contact | None = None,
    *,
    by: User,
    now: datetime.datetime | None = None,
) -> list[TriggerEvent]:
    """A person fires all that stayed silent of `appointment`, for every contact or for `contact` alone."""
    now = now or timezone.now()
    _catch_up([appointment.pk], now)
    silent = can_fire([appointment], now)
    return fire([e.pk for e in silent if contact is None or e.contact_id == contact.pk], by=by, now=now)


def _catch_up(appointment_ids: Collection[uuid.UUID], now: datetime.datetime) -> None:
    """What nobody looked at yet may have fired already."""
    changes = AppointmentChange.objects.filter(appointment__in=appointment_ids, looked_at=None)
    look_at(*changes.order_by("pk").values_list("pk", flat=True), now=now)


def _fire_of(
    appointment_ids: Collection[uuid.UUID], wanted: Collection[int], by: User, now: datetime.datetime
) -> list[TriggerEvent]:
    _catch_up(appointment_ids, now)
    with transaction.atomic():
        appointments = locked(appointment_ids)
        events = [event for event in can_fire(appointments.values(), now) if event.pk in wanted]
        guests = {(pk, guest.pk): guest for pk, them in guests_of(appointments).items() for guest in them}
        field = candidates.read(guests.values(), entered=enrolments_of(*appointments))
        entries: list[Entry] = []
        for event in events:
            event.appointment = appointments[event.appointment_id]
            person = guests[event.appointment_id, event.contact_id]
            verdicts = field.verdicts(event.kind, event.change.what, event.appointment, person)
            event.fired, event.why = True, f"Fired by hand by {by}."[:300]
            event.outcomes = [[campaign.pk, why] for campaign, why in verdicts]
            entries += [Entry(campaign, person, event) for campaign, why in verdicts if not why]
        TriggerEvent.objects.bulk_update(events, ["fired", "why", "outcomes"])
        tell_fired({event.appointment_id for event in events}, by=by)
        enrol(entries, now=now)
    return events


# --- before the press -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Coming:
    """What firing one event would do: its outcomes by campaign, and the messages it would leave, by time."""

    event: TriggerEvent
    messages: list[Message]


def would_come(event_ids: Collection[int], *, by: User, now: datetime.datetime | None = None) -> list[Coming]:
    """What firing these events now would do. It is done, read and taken back, so that it cannot be told wrong."""
    with transaction.atomic():
        events = fire(event_ids, by=by, now=now)
        messages = Message.objects.filter(enrolment__trigger_event__in=events).select_related(
            "step",
            "enrolment__campaign",
            "enrolment__contact",
            "enrolment__appointment__calendar",
            "enrolment__appointment__owner__calendar_configuration",
        )
        found = list(
            messages.prefetch_related(
                "enrolment__appointment__guests", "enrolment__contact__emails", "enrolment__contact__phones"
            ).order_by("due_at", "pk")
        )
        prefetch_related_objects(events, "contact__emails", "appointment__calendar")
        transaction.set_rollback(True)
    by_event: dict[int | None, list[Message]] = defaultdict(list)
    for message in found:
        by_event[message.enrolment.trigger_event_id].append(message)
    return [Coming(event, by_event[event.pk]) for event in events]
