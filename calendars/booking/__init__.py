"""The only functions that change an appointment.

Each runs in one transaction: the appointment, its `AppointmentChange`, its push targets; the signals of
`contacts.signals` follow on commit. Each locks the appointment's row first, so two callers take turns.
"""

from calendars.booking.attending import add_host, attach, detach, free_host, hand_over_room
from calendars.booking.changing import cancel, reschedule, set_details, set_status, take_words
from calendars.booking.claiming import hold, move_to, slots_to_move, take
from calendars.booking.making import Booking, Typed, book, book_many
from calendars.booking.rules import FINAL, NotPossible, Taken

__all__ = [
    "FINAL",
    "Booking",
    "NotPossible",
    "Taken",
    "Typed",
    "add_host",
    "attach",
    "book",
    "book_many",
    "cancel",
    "detach",
    "free_host",
    "hand_over_room",
    "hold",
    "move_to",
    "reschedule",
    "set_details",
    "set_status",
    "slots_to_move",
    "take",
    "take_words",
]
