"""Taking back a move: the appointment is where it was, and what the move would have sent is not sent."""

import datetime

from django.db import transaction

from calendars.booking.changing import how_it_stands, reschedule
from calendars.booking.claiming import overlap_is_taken
from calendars.booking.record import What, lock_all
from calendars.booking.rules import NotPossible
from calendars.models import GoogleEvent
from calendars.sync import sessions, targets
from contacts.models import Appointment, AppointmentChange, Origin, User


@transaction.atomic
def undo_move(
    appointment: Appointment, move: AppointmentChange, *, by: User, overlap: str = ""
) -> Appointment:
    """`appointment` where `move` took it from; where its session moved as one, all of it. Triggers hear nothing of it.

    `overlap`: why it may overlap with what stands there by now; "" when nothing does, and then its hosts' time is
    asked for as free. Raises NotPossible for any but the person's own latest move.
    """
    if sessions.is_seat(appointment):
        sessions.lock(appointment.calendar_id)
    moves, old = _made_together(move), old_times(move)
    rows = lock_all({appointment.pk, *(each.appointment_id for each in moves)})
    row = rows[appointment.pk]
    refusals = (why_not_undone(each, rows[each.appointment_id], by) for each in moves)
    why = next(filter(None, (why_not_undone(move, row, by), *refusals)), "")
    if old is None or why:
        raise NotPossible(why or "This cannot be undone.")
    words = f"Undone: moved back by {by}."
    # What Google changed meanwhile gave way to the move: it is looked at again.
    GoogleEvent.objects.filter(appointment__in=rows).update(replan=GoogleEvent.Replan.MEETING)
    with overlap_is_taken():
        back = [
            reschedule(
                rows[each.appointment_id],
                starts_at=old[0],
                ends_at=old[1],
                by=by,
                fires=False,
                why=f"{words} Overlaps: {overlap}" if overlap else words,
                claims=not overlap,
                undoes=each,
                aims=move.together is None,
            )
            for each in moves
        ]
    if move.together is not None:
        targets.aim_together(back, left=sessions.Times(row.starts_at, row.ends_at))
    return next(each for each in back if each.pk == row.pk)


def _made_together(move: AppointmentChange) -> list[AppointmentChange]:
    """`move`, with those of the other seats of the session that was moved as one."""
    if move.together is None:
        return [move]
    rows = AppointmentChange.objects.filter(together=move.together, what=What.RESCHEDULED, undoes=None)
    return list(rows.select_related("by", "undone_by").order_by("appointment"))


def old_times(move: AppointmentChange) -> tuple[datetime.datetime, datetime.datetime] | None:
    """Where `move` took its appointment from."""
    if move.old_starts_at is None or move.old_ends_at is None:
        return None
    return move.old_starts_at, move.old_ends_at


def why_not_undone(move: AppointmentChange, row: Appointment, by: User) -> str:
    """Why `by` cannot take back `move` of `row`; "" when it can be."""
    is_move = move.what == What.RESCHEDULED and move.origin == Origin.STAFF and move.undoes_id is None
    if not is_move or move.appointment_id != row.pk or old_times(move) is None:
        return "Only a move can be undone."
    if move.by_id != by.pk:
        return f"{move.by or 'Somebody else'} moved it: only they can undo that. You can move it yourself."
    if move.is_undone:
        return "This was undone already."
    if row.is_void or not targets.is_latest(move, row):
        return f"It was changed since, so nothing was undone. {how_it_stands(row)}"
    return ""
