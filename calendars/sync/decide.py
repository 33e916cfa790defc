"""What a person decides about an event or its series: make it an appointment, keep it private, never this guest;
or that the option decides again.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction

from calendars import configuring
from calendars.models import GoogleEvent, PrivateEvents
from calendars.models.google import GoogleEventQuerySet
from calendars.sync import keeping_private
from calendars.sync.gather import situations
from calendars.sync.guests import GUESTS_DECLINED_OR_IGNORED, GUESTS_IGNORED, is_outside
from calendars.sync.inheriting import GOES_ALONG
from calendars.sync.observation import PRIVATE
from calendars.sync.people import people_on
from calendars.sync.plan import plan
from calendars.sync.setting import our_addresses, setting_for
from calendars.sync.turn import take_turn
from contacts.fields import normalise_address
from contacts.models import User

Decision = GoogleEvent.Decision


class NotPossible(ValueError):
    """The decision cannot be carried out; the text says why, for a person."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the owner of an event may decide about it now."""

    # Why no appointment can be made; "": it can.
    why_not_made: str
    private: bool
    # Keeping it private cancels its appointment here.
    ends_appointment: bool
    # The decision may be taken back.
    option: bool
    # The same for all occurrences of its series.
    private_series: bool
    option_series: bool

    @property
    def has_any(self) -> bool:
        return self.make or self.private or self.option

    @property
    def make(self) -> bool:
        return not self.why_not_made


def offer(event: GoogleEvent, now: datetime) -> Offer:
    """The buttons that would do something."""
    stands = event.appointment is not None and not event.appointment.is_void
    why_not_private = keeping_private.why_not_private(event, now)
    is_private = event.decision == Decision.KEEP_PRIVATE and not stands
    takes_back = bool(event.decision) and not stands and not why_not_private
    is_series = bool(event.recurring_event_id)
    return Offer(
        why_not_made=why_not_made(event, now),
        private=not (why_not_private or is_private),
        ends_appointment=stands,
        option=takes_back,
        private_series=is_series and not (why_not_private or (is_private and event.decides_series)),
        option_series=is_series and takes_back and event.decides_series,
    )


def make_appointment(event: GoogleEvent, *, by: User, now: datetime) -> GoogleEvent:
    """`event` as an appointment with its guests, silently. Raises NotPossible where none would come of it: a decision
    that waits would make one by itself some day.
    """
    why = why_not_made(event, now)
    if why:
        raise NotPossible(why)
    return _decide(event, Decision.MAKE, by=by, now=now)


def why_not_made(event: GoogleEvent, now: datetime) -> str:
    """Why a person cannot make `event` an appointment now; "" where they can. A dozen statements."""
    if event.appointment is not None:
        void = "Its appointment was cancelled. It can be brought back on its own page."
        return void if event.appointment.is_void else "This event has its appointment already."
    setting = setting_for(event.google_calendar, now)
    if setting.is_conflict_calendar:
        return "This Google calendar only blocks time. Link it to make appointments from it."
    if setting.target is None:
        return "Choose a default calendar in Settings → Profile first: appointments are filed on it."
    if event.is_all_day:
        return "An all-day event is never an appointment. Give it a start and an end at Google."
    # A copy: what is looked up beside it is not to be seen by the caller.
    situation = situations([copy(event)], setting, now)[0]
    facts = situation.facts
    if event.visibility in PRIVATE and facts.private_events != PrivateEvents.NORMAL:
        return (
            "This event is private, so its guests are not kept here. "
            "Settings → Profile, “Private events”, can change that."
        )
    made = plan(situation.observed, None, None, replace(facts, decision=Decision.MAKE))
    if made.book or made.join:
        return ""
    if facts.nobody in (GUESTS_IGNORED, GUESTS_DECLINED_OR_IGNORED):
        return f"No appointment: {facts.nobody}. Settings → Profile, “Ignored guests”, can change that."
    if not facts.guests and made.outcome != GoogleEvent.Outcome.CANCELLED:
        return "It has no guest to make an appointment with. Invite them at Google, or book here."
    return made.reason


def keep_private(event: GoogleEvent, *, by: User, now: datetime, whole_series: bool = False) -> GoogleEvent:
    """`event` only blocks from now on, whatever its guests or the option become; so do, with `whole_series`, all that
    lies ahead of its series and what is added to that.

    An appointment that came from it is cancelled here, silently; at Google everything stays. Raises NotPossible.
    """
    why = keeping_private.why_not_private(event, now)
    if why:
        raise NotPossible(why)
    setting = setting_for(event.google_calendar, now)
    with transaction.atomic():
        meant = _meant(event, now, whole_series=whole_series)
        events = [each for each in meant if not keeping_private.why_not_private(each, now)]
        keeping_private.end_appointments(events, setting, by=by, now=now)
        _store(events, Decision.KEEP_PRIVATE, by=by, whole_series=whole_series, goes_along=True)
    return _carry_out(event, now)


def let_option_decide(
    event: GoogleEvent, *, by: User, now: datetime, whole_series: bool = False
) -> GoogleEvent:
    """Take the decision on `event`, or on its `whole_series`, back: it is planned as if nobody had decided. An
    appointment that the decision had ended returns, silently, if the option would make one.
    """
    if not event.decision:
        raise NotPossible("Nobody decided about this event.")
    setting = setting_for(event.google_calendar, now)
    with transaction.atomic():
        events = [each for each in _meant(event, now, whole_series=whole_series) if each.decision]
        returned = keeping_private.give_back(events, setting, by=by, now=now)
        if whole_series:
            _series(event).update(decides_series=False)
        _store(events, Decision.NONE, by=None, whole_series=False, goes_along=True)
        GoogleEvent.objects.filter(pk__in=returned).update(reason=keeping_private.RETURNED)
    return _carry_out(event, now)


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


def _series(event: GoogleEvent) -> GoogleEventQuerySet:
    return GoogleEvent.objects.filter(
        google_calendar=event.google_calendar_id, recurring_event_id=event.recurring_event_id
    )


def _meant(event: GoogleEvent, now: datetime, *, whole_series: bool) -> GoogleEventQuerySet:
    """The rows that a decision is for."""
    rows = GoogleEvent.objects.filter(pk=event.pk)
    if whole_series and event.recurring_event_id:
        rows = _series(event).filter(ends_at__gt=now).exclude(status="cancelled")
    return rows.select_related("appointment__calendar", "google_calendar__account", "run").order_by(
        "starts_at"
    )


def _decide(event: GoogleEvent, decision: str, *, by: User, now: datetime) -> GoogleEvent:
    _store([event], decision, by=by, whole_series=False)
    return _carry_out(event, now)


def _store(
    events: Sequence[GoogleEvent],
    decision: str,
    *,
    by: User | None,
    whole_series: bool,
    goes_along: bool = False,
) -> None:
    GoogleEvent.objects.filter(pk__in=[event.pk for event in events]).update(
        decision=decision,
        decided_by=by,
        decides_series=whole_series,
        replan=GoogleEvent.Replan.DECISION,
        not_before=None,
    )
    # Dragged, and only where it went was read: where it was, it is the same event.
    if goes_along:
        elsewhere = GoogleEvent.objects.filter(
            google_calendar__account__user__in={event.google_calendar.account.user_id for event in events},
            google_id__in=[event.google_id for event in events if event.organised_by_us],
            organised_by_us=True,
            decision__in=("", *GOES_ALONG),
        ).exclude(google_calendar__in={event.google_calendar_id for event in events})
        elsewhere.update(decision=decision, decided_by=by, decides_series=whole_series)


def _carry_out(event: GoogleEvent, now: datetime) -> GoogleEvent:
    # At once, so that the person sees what came of it; if another worker has the turn, the sweep does it.
    take_turn(event.google_calendar_id, now, pushes=False)
    event.refresh_from_db()
    return event
