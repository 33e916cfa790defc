"""Changing a class's session as one: every seat of it, or none."""

import datetime
import uuid

from django.db import transaction

from calendars import hosting
from calendars.booking.changing import cancel, reschedule, set_status, why_not_moved
from calendars.booking.record import lock_all
from calendars.booking.rules import MARKS, NotPossible, Status
from calendars.sync import sessions, targets
from contacts.models import Appointment, User


def session_of(appointment: Appointment) -> list[Appointment]:
    """The seats of its session, itself among them; itself alone where it is no seat, or is void."""
    seats = list(sessions.seats(appointment)) if sessions.is_seat(appointment) else []
    return seats if appointment in seats else [appointment]


def version_of(seats: list[Appointment]) -> str:
    """What a page knows of a session. It is another as soon as a seat comes, goes or is changed."""
    return sessions.print_of((seat.pk, seat.revision) for seat in seats)


@transaction.atomic
def move_session(
    seat: Appointment,
    *,
    starts_at: datetime.datetime,
    ends_at: datetime.datetime,
    by: User,
    version: str,
    why: str = "",
) -> list[Appointment]:
    """Every seat of the session of `seat` at its new time. Each customer hears of it once, Google of one event.

    `version`: what the person saw of the session (see `version_of`). Raises NotPossible when it is another by now, or
    one of its seats cannot be moved; then none is.
    """
    # Calendar, hosts, seats: in the order of everybody who takes more than one of them.
    sessions.lock(seat.calendar_id)
    hosting.lock(list(User.objects.filter(hosted__appointment=seat).distinct()))
    seats = _as_seen(seat, version)
    row = next(each for each in seats if each.pk == seat.pk)
    why_not = next(filter(None, map(why_not_moved, seats)), "")
    if why_not:
        raise NotPossible(why_not)
    left = sessions.Times(row.starts_at, row.ends_at)
    if left == (starts_at, ends_at):
        return seats
    mark = uuid.uuid4()
    moved = [
        reschedule(
            each,
            starts_at=starts_at,
            ends_at=ends_at,
            by=by,
            why=why,
            together=mark,
            aims=False,
        )
        for each in seats
    ]
    targets.aim_together(moved, left=left)
    return moved


@transaction.atomic
def cancel_session(seat: Appointment, *, by: User, version: str, why: str = "") -> list[Appointment]:
    """Every seat of the session of `seat` cancelled. Each customer hears of it as of a cancellation of their own.

    `version`: what the person saw of the session. Raises NotPossible when it is another by now; then none is.
    """
    sessions.lock(seat.calendar_id)
    return [cancel(each, by=by, why=why) for each in _as_seen(seat, version)]


@transaction.atomic
def mark_session(seat: Appointment, status: str, *, by: User, version: str) -> list[Appointment]:
    """Showed or no-show for every seat of the session that bears neither mark yet, or confirmed for every seat that
    waits for it; those it is.

    Raises NotPossible as `cancel_session` does, and for any other status.
    """
    if status not in (*MARKS, Status.CONFIRMED):
        raise NotPossible(f"A whole class is not marked “{status}”.")
    waits = (Status.NEW,) if status == Status.CONFIRMED else (Status.NEW, Status.CONFIRMED)
    sessions.lock(seat.calendar_id)
    unmarked = [each for each in _as_seen(seat, version) if each.status in waits]
    return [set_status(each, status, by=by) for each in unmarked]


def _as_seen(seat: Appointment, version: str) -> list[Appointment]:
    """The seats of its session as they are now, held, in one order. Raises NotPossible unless they are `version`."""
    row = lock_all([each.pk for each in session_of(seat)])[seat.pk]
    seats = session_of(row)
    if version_of(seats) != version:
        # Not by whom: the latest change of `seat` itself may be another one.
        raise NotPossible("Somebody joined, left or was changed meanwhile, so nothing was done. Look again.")
    return sorted(seats, key=lambda each: each.pk)
