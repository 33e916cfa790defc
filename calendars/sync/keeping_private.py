"""Ends the appointments of events that a person keeps as private blocks, and gives them back.

The appointment ends here, silently; at Google nothing is deleted or declined (`sync.push` leaves such events alone). It
stays linked to its event, so that the same one returns when the decision is taken back.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from calendars import booking
from calendars.models import GoogleEvent, PushTarget
from calendars.sync.gather import Situation, situations
from calendars.sync.plan import plan
from calendars.sync.setting import Setting
from contacts.models import Appointment, AppointmentChange, Origin, User

KEPT = "Kept as a private block"
RETURNED = "The option decides again: the appointment is back, silently."


def why_not_private(event: GoogleEvent, now: datetime) -> str:
    """Why a person cannot keep `event` as a private block; "" where they can."""
    if event.is_cancelled or event.ends_at is None:
        return "It is gone from Google, so there is nothing to keep."
    if event.ends_at <= now:
        return "It lies in the past: what was made of it stays."
    appointment = event.appointment
    if appointment is None:
        return ""
    if not appointment.came_from_google or event.crm_id == str(appointment.pk):
        return "Its appointment was made here. Cancel that on its page, and the event goes with it."
    if appointment.status in booking.FINAL:
        return "Its appointment is closed, and stays as it is."
    return ""


def end_appointments(events: Sequence[GoogleEvent], setting: Setting, *, by: User, now: datetime) -> None:
    """No event of `events` has a standing appointment afterwards. To run with what stores the decision."""
    standing = [event for event in events if event.appointment is not None and not event.appointment.is_void]
    for situation in situations(standing, setting, now) if standing else ():
        appointment = situation.row.appointment
        if appointment is None:
            continue
        facts = situation.facts
        if facts.other_copies and not (facts.is_organisers_copy or facts.has_own_copy):
            _leave_to_colleagues(situation.row, appointment, setting)
            continue
        why = f"{KEPT} by {by}."
        booking.cancel(appointment, by=by, fires=False, why=why, agreed_at=situation.row.google_calendar_id)
        copies = GoogleEvent.objects.filter(appointment=appointment).exclude(pk=situation.row.pk)
        copies.update(replan=GoogleEvent.Replan.MEETING)


def _leave_to_colleagues(event: GoogleEvent, appointment: Appointment, setting: Setting) -> None:
    """A meeting of several staff, organised by another: it goes on without this person, whose event stays."""
    PushTarget.objects.filter(
        appointment=appointment, google_calendar=event.google_calendar_id, is_adopted=True
    ).delete()
    booking.free_host(appointment, setting.owner.pk)
    GoogleEvent.objects.filter(pk=event.pk).update(appointment=None)


def give_back(events: Sequence[GoogleEvent], setting: Setting, *, by: User, now: datetime) -> set[int]:
    """Restore what the decision ended, where the option would make an appointment by itself; the events' pks."""
    ended = [event for event in events if event.decision == GoogleEvent.Decision.KEEP_PRIVATE]
    ended = [event for event in ended if event.appointment is not None and _was_ended(event.appointment)]
    given = set()
    for event, situation in zip(ended, situations(ended, setting, now) if ended else (), strict=True):
        status = _status_by_option(situation)
        if event.appointment is not None and status:
            booking.set_status(
                event.appointment,
                status,
                # As the option would have it: a guest's answer may change it later.
                origin=Origin.GOOGLE,
                by=by,
                fires=False,
                why=RETURNED,
                agreed_at=event.google_calendar_id,
            )
            given.add(event.pk)
    return given


def _was_ended(appointment: Appointment) -> bool:
    """Whether it was this decision that cancelled it: what staff cancelled stays cancelled."""
    cancelled = appointment.changes.filter(what=AppointmentChange.What.CANCELLED, contact=None)
    last = cancelled.order_by("pk").last()
    return (
        appointment.status == Appointment.Status.CANCELLED and last is not None and last.why.startswith(KEPT)
    )


def _status_by_option(situation: Situation) -> str:
    """The status of the appointment that the option would make of the event; "" where it would make none."""
    facts = replace(situation.facts, decision="", sibling="")
    made = plan(situation.observed, None, None, facts)
    return made.book.status if made.book else ""
