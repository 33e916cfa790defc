"""What a person decides about one event: make it an appointment, keep it private, never this guest."""

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from calendars import configuring
from calendars.models import GoogleEvent, PrivateEvents
from calendars.sync.gather import people_on, situations
from calendars.sync.guests import is_outside
from calendars.sync.observation import PRIVATE
from calendars.sync.setting import our_addresses, setting_for
from calendars.sync.turn import take_turn
from contacts.fields import normalise_address
from contacts.models import User

Decision = GoogleEvent.Decision


class NotPossible(ValueError):
    """The decision cannot be carried out; the text says why, for a person."""


def make_appointment(event: GoogleEvent, *, by: User, now: datetime) -> GoogleEvent:
    """`event` as an appointment with its guests, silently. Raises NotPossible where nobody could be booked."""
    setting = setting_for(event.google_calendar, now)
    if event.appointment_id is not None:
        raise NotPossible("This event has its appointment already.")
    if setting.is_conflict_calendar:
        raise NotPossible("This Google calendar only blocks time. Link it to make appointments from it.")
    if setting.target is None:
        raise NotPossible(
            "Choose a default calendar in Settings → Profile first: appointments are filed on it."
        )
    if event.is_all_day:
        raise NotPossible("An all-day event is never an appointment. Give it a start and an end at Google.")
    facts = situations([event], setting, now)[0].facts
    if event.visibility in PRIVATE and facts.private_events != PrivateEvents.NORMAL:
        raise NotPossible(
            "This event is private, so its guests are not kept here. "
            "Settings → Profile, “Private events”, can change that."
        )
    if not facts.guests:
        raise NotPossible("It has no guest to make an appointment with. Invite them at Google, or book here.")
    return _decide(event, Decision.MAKE, by=by, now=now)


def keep_private(event: GoogleEvent, *, by: User, now: datetime) -> GoogleEvent:
    """`event` only blocks from now on, whatever its guests or the option become."""
    if event.appointment_id is not None:
        raise NotPossible("This event has an appointment. Cancel that first.")
    return _decide(event, Decision.KEEP_PRIVATE, by=by, now=now)


def never_guest(event: GoogleEvent, address: str, *, by: User, now: datetime) -> GoogleEvent:
    """`address` never becomes a contact through this person's calendar; the event is planned again without them."""
    address = normalise_address(address)
    person = next((each for each in people_on(event) if normalise_address(each.address) == address), None)
    if person is None:
        raise NotPossible("That address is not on this event.")
    if not is_outside(person, our_addresses({address})):
        raise NotPossible("Colleagues and rooms are never guests: there is nothing to decide.")
    configuration = setting_for(event.google_calendar, now).configuration
    if configuration is None:
        raise NotPossible("This Google calendar is not linked.")
    lines = [line for line in configuration.ignored_guests.splitlines() if line.strip()]
    if address not in {line.strip().lower() for line in lines}:
        values = configuring.values_of(configuration)
        values = replace(values, ignored_guests="\n".join([*lines, address]))
        configuring.save_configuration(
            values, user=configuration.user, calendar=configuration.calendar, by=by, now=now
        )
    return _decide(event, event.decision, by=by, now=now)


def _decide(event: GoogleEvent, decision: str, *, by: User, now: datetime) -> GoogleEvent:
    with transaction.atomic():
        GoogleEvent.objects.filter(pk=event.pk).update(
            decision=decision, decided_by=by, replan=GoogleEvent.Replan.DECISION, not_before=None
        )
    # At once, so that the person sees what came of it; if another worker has the turn, the sweep does it.
    take_turn(event.google_calendar_id, now, pushes=False)
    event.refresh_from_db()
    return event
