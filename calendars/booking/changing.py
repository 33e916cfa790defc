"""Moving an appointment, its status, its words."""

import datetime
import uuid
from itertools import starmap

from django.conf import settings
from django.db import transaction
from django.db.models import Exists
from django.utils import timezone

from calendars.booking.record import What, locked, record, record_words, save, words_of
from calendars.booking.rules import MARKS, NotPossible, Status, check_times
from calendars.locking import WHY_FIXED, Copy, lock_of
from calendars.models import Calendar, GoogleEvent, PushTarget
from calendars.sync import sessions, targets
from calendars.sync.words import Words
from contacts.models import Appointment, AppointmentChange, AppointmentHost, Origin, User

# The change that reaching a status writes; "new" is not news.
WHAT_BY_STATUS = {
    Status.CONFIRMED: What.CONFIRMED,
    Status.CANCELLED: What.CANCELLED,
    Status.SHOWED: What.SHOWED,
    Status.NO_SHOW: What.NO_SHOW,
    Status.INVALID: What.INVALID,
}


@transaction.atomic
def reschedule(
    appointment: Appointment,
    *,
    starts_at: datetime.datetime,
    ends_at: datetime.datetime,
    origin: str = Origin.STAFF,
    by: User | None = None,
    fires: bool = True,
    why: str = "",
    agreed_at: int | None = None,
    repeats_series: bool = False,
    claims: bool = False,
    undoes: AppointmentChange | None = None,
    known_revision: int | None = None,
    aims: bool = True,
    together: uuid.UUID | None = None,
) -> Appointment:
    """`appointment` at its new time; nothing happens when it is already there.

    `claims`: its hosts' time there was asked for as free; otherwise it may overlap with others. `undoes`: the move
    that this takes back, which `undo_move` has looked at. `known_revision`: the one that the person saw. `aims` False:
    the caller sees to what Google is to hold. `together`: what it has in common with the moves made with it.

    Raises NotPossible when it is cancelled, an invitation (its organiser sets the time), locked at Google, or not as
    the person saw it.
    """
    check_times(starts_at, ends_at)
    row = locked(appointment)
    if known_revision not in (None, row.revision):
        raise NotPossible(changed_meanwhile(row))
    if (row.starts_at, row.ends_at) == (starts_at, ends_at):
        return row
    why_not = why_not_moved(row, origin=origin)
    if why_not:
        raise NotPossible(why_not)
    left = sessions.Times(row.starts_at, row.ends_at)
    row.starts_at, row.ends_at = starts_at, ends_at
    save(row, "starts_at", "ends_at")
    asked_for_free = claims and row.calendar.kind != Calendar.Kind.CLASS
    _claim(row, starts_at if asked_for_free else None, ends_at if asked_for_free else None)
    record(
        row,
        What.RESCHEDULED,
        origin=origin,
        by=by,
        fires=fires,
        why=why,
        repeats_series=repeats_series,
        old_times=left,
        undoes=undoes,
        together=together,
    )
    if aims:
        targets.aim(row, agreed_at=agreed_at, left=left)
    if undoes is None and origin == Origin.STAFF and row.calendar.lets_google_invite:
        # Google writes to the guests the moment it hears of the move.
        targets.hold(row, until=timezone.now() + settings.NOTICE_GRACE)
    return row


def cancel(
    appointment: Appointment,
    *,
    origin: str = Origin.STAFF,
    by: User | None = None,
    fires: bool = True,
    why: str = "",
    agreed_at: int | None = None,
    repeats_series: bool = False,
    aims: bool = True,
) -> Appointment:
    """`appointment` cancelled; the row stays. Nothing happens when it already is."""
    return set_status(
        appointment,
        Status.CANCELLED,
        origin=origin,
        by=by,
        fires=fires,
        why=why,
        agreed_at=agreed_at,
        repeats_series=repeats_series,
        aims=aims,
    )


@transaction.atomic
def set_status(
    appointment: Appointment,
    status: str,
    *,
    origin: str = Origin.STAFF,
    by: User | None = None,
    fires: bool = True,
    why: str = "",
    agreed_at: int | None = None,
    repeats_series: bool = False,
    known_revision: int | None = None,
    claims: bool = False,
    aims: bool = True,
) -> Appointment:
    """`appointment` with `status`, remembered as set by `origin`; nothing happens when it has it already.

    `known_revision`: the one that the person saw. `claims`: where it takes its hosts' time again, that was asked for as
    free. Raises NotPossible for a status there is not, and where it is not as the person saw it.
    """
    if status not in Status.values:
        raise NotPossible(f"There is no status “{status}”.")
    row = locked(appointment)
    if row.status == status:
        return row
    if known_revision not in (None, row.revision):
        raise NotPossible(changed_meanwhile(row))
    was_void, ended_by = row.is_void, row.status_set_by
    row.status, row.status_set_by = status, origin
    save(row, "status", "status_set_by")
    if row.is_void:
        _claim(row, None, None)
    if row.is_void and not was_void:
        # What can only be read there stays, and takes time by itself from here on.
        _call_copies(row, but=agreed_at, only_read=True)
    if was_void and not row.is_void:
        if claims and row.calendar.kind != Calendar.Kind.CLASS:
            _claim(row, row.starts_at, row.ends_at)
        if origin != Origin.GOOGLE:
            _hold_to_it(row, by, ended_by)
        _lift_privacy(row, by)
        _call_copies(row, but=agreed_at)
        # The time is taken again: reminders come back, but what fired once does not fire again.
        record(
            row, What.BOOKED, origin=origin, by=by, fires=False, why=why or "Restored: booked fired before."
        )
    if status in WHAT_BY_STATUS:
        record(
            row,
            WHAT_BY_STATUS[Status(status)],
            origin=origin,
            by=by,
            fires=fires,
            why=why,
            repeats_series=repeats_series,
        )
    if aims:
        targets.aim(row, agreed_at=agreed_at)
    return row


@transaction.atomic
def take_mark_back(
    appointment: Appointment, *, by: User | None = None, known_revision: int | None = None
) -> Appointment:
    """`appointment`, marked as showed or no-show by mistake, as it stood before the mark. What the mark started in
    campaigns ends, and nothing fires.

    Raises NotPossible where it bears no such mark (any more), or is not as the person saw it.
    """
    row = locked(appointment)
    if known_revision not in (None, row.revision):
        raise NotPossible(changed_meanwhile(row))
    if row.status not in MARKS:
        raise NotPossible("It is marked neither as showed nor as no-show.")
    why = f"No longer marked “{row.get_status_display()}”."
    row.status, row.status_set_by = sessions.status_before(row), Origin.STAFF
    save(row, "status", "status_set_by")
    record(row, What.EDITED, origin=Origin.STAFF, by=by, fires=False, why=why)
    targets.aim(row)
    return row


@transaction.atomic
def set_details(
    appointment: Appointment, *, title: str, description: str, location: str, by: User | None = None
) -> Appointment:
    """`appointment` with new words, which its history tells; Google hears of them, triggers do not."""
    row = locked(appointment)
    if (row.title, row.description, row.location) == (title, description, location):
        return row
    before = words_of(row)
    row.title, row.description, row.location = title, description, location
    save(row, "title", "description", "location")
    record_words(row, before, by=by)
    targets.aim(row)
    return row


@transaction.atomic
def take_words(appointment: Appointment, words: Words, *, agreed_at: int) -> Appointment:
    """`appointment` with the words its event has at Google; triggers hear nothing of it."""
    row = locked(appointment)
    row.title, row.description, row.location, row.meeting_url = words
    save(row, "title", "description", "location", "meeting_url")
    targets.aim(row, agreed_at=agreed_at)
    return row


def _claim(row: Appointment, starts_at: datetime.datetime | None, ends_at: datetime.datetime | None) -> None:
    hosts = AppointmentHost.objects.filter(appointment=row).exclude(
        claims_from=starts_at, claims_until=ends_at
    )
    hosts.update(claims_from=starts_at, claims_until=ends_at)


def _hold_to_it(row: Appointment, by: User | None, ended_by: str) -> None:
    """What ended it at Google, where its event lives on (an answer, guests who left), does not end it once more."""
    Decision, Outcome = GoogleEvent.Decision, GoogleEvent.Outcome
    living = row.google_events.exclude(status="cancelled")
    # Kept at the brake, it was also kept from what is deleted later.
    living.filter(decision=Decision.KEEP).update(decision=Decision.RESTORED, decided_by=by)
    if ended_by != Origin.GOOGLE:
        # Ended here, and planned so: declined, or without its guests by now. A slip that nobody saw decides nothing.
        living = living.filter(outcome__in=[Outcome.FREE, Outcome.BLOCK])
    undecided = living.filter(decision__in=["", Decision.MAKE])
    undecided.update(decision=Decision.RESTORED, decided_by=by)


def _lift_privacy(row: Appointment, by: User | None) -> None:
    """Whoever brings it back takes back the decision to keep its event as a private block."""
    kept = row.google_events.filter(decision=GoogleEvent.Decision.KEEP_PRIVATE)
    kept.update(
        decision=GoogleEvent.Decision.RESTORED,
        decided_by=by,
        decides_series=False,
        replan=GoogleEvent.Replan.DECISION,
        reason="The appointment was brought back: the event is no private block any more.",
    )


def _call_copies(row: Appointment, *, but: int | None, only_read: bool = False) -> None:
    """Copies of the meeting in other Google calendars, which only block while it is cancelled, are looked at again."""
    living = row.google_events.filter(replan="").exclude(status="cancelled")
    if only_read:
        living = living.exclude(Exists(PushTarget.objects.of_event()))
    copies = living.exclude(etag="").exclude(google_calendar=but)
    copies.update(replan=GoogleEvent.Replan.MEETING)


def why_not_moved(row: Appointment, *, origin: str = Origin.STAFF) -> str:
    """Why `row` cannot be moved; "" when it can be. Google may move what only its organiser may."""
    if row.is_void:
        return "This appointment is cancelled. Book a new one instead."
    return _why_fixed(row) if origin != Origin.GOOGLE else ""


def changed_meanwhile(row: Appointment) -> str:
    return f"It was changed meanwhile{by_whom(row)}, so it stays. {how_it_stands(row)}"


def by_whom(row: Appointment) -> str:
    """ " by Dana" where a colleague made the latest change of `row`; else ""."""
    last = row.changes.select_related("by").order_by("-pk").first()
    return f" by {last.by}" if last and last.by and last.revision == row.revision else ""


def how_it_stands(row: Appointment) -> str:
    """ "It is now at Tue 12 May, 10:00 (confirmed)." on the viewer's clocks."""
    start = timezone.localtime(row.starts_at)
    return f"It is now at {start:%a} {start.day} {start:%b, %H:%M} ({row.get_status_display().lower()})."


def _why_fixed(row: Appointment) -> str:
    """Why no copy of it at Google is ours to move; "" when one is, or when there is none."""
    living = row.google_events.exclude(status="cancelled")
    is_pushed_to = Exists(PushTarget.objects.of_event())
    copies = living.values_list("organised_by_us", "is_locked", is_pushed_to)
    return WHY_FIXED[lock_of(starmap(Copy, copies))]
