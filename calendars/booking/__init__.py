"""The only functions that change an appointment.

Each runs in one transaction: the appointment, its `AppointmentChange`, its push targets; the signals of
`contacts.signals` follow on commit. Each locks the appointment's row first, so two callers take turns.
"""

from calendars.booking.attending import add_host, attach, detach, free_host, hand_over_room
from calendars.booking.changing import (
    by_whom,
    cancel,
    changed_meanwhile,
    how_it_stands,
    reschedule,
    set_details,
    set_status,
    take_mark_back,
    take_words,
    why_not_moved,
)
from calendars.booking.claiming import hold, move_to, overlap_is_taken, slots_to_move, take, who_hands_over
from calendars.booking.making import Booking, Typed, book, book_many
from calendars.booking.rules import FINAL, MARKS, NotPossible, Taken
from calendars.booking.together import cancel_session, mark_session, move_session, session_of, version_of
from calendars.booking.undoing import old_times, undo_move, why_not_undone

__all__ = [
    "FINAL",
    "MARKS",
    "Booking",
    "NotPossible",
    "Taken",
    "Typed",
    "add_host",
    "attach",
    "book",
    "book_many",
    "by_whom",
    "cancel",
    "cancel_session",
    "changed_meanwhile",
    "detach",
    "free_host",
    "hand_over_room",
    "hold",
    "how_it_stands",
    "mark_session",
    "move_session",
    "move_to",
    "old_times",
    "overlap_is_taken",
    "reschedule",
    "session_of",
    "set_details",
    "set_status",
    "slots_to_move",
    "take",
    "take_mark_back",
    "take_words",
    "undo_move",
    "version_of",
    "who_hands_over",
    "why_not_moved",
    "why_not_undone",
]
