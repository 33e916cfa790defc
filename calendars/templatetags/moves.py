"""What other apps' pages offer of moving an appointment, and of the class it is a seat of."""

from typing import Any

from django import template

from calendars import booking
from calendars.sync import sessions
from contacts.models import Appointment, AppointmentChange

register = template.Library()


@register.simple_tag(takes_context=True)
def move_to_undo(context: dict[str, Any], appointment: Appointment) -> AppointmentChange | None:
    """The viewer's own move, if it is the latest change; reads prefetched `changes`, newest first, without a query."""
    latest = next(iter(appointment.changes.all()), None)
    if latest is None or booking.why_not_undone(latest, appointment, context["request"].user):
        return None
    return latest


@register.simple_tag
def class_of(appointment: Appointment) -> str:
    """How full the session is of which it is a seat that stands ("Back class: 3 of 8"); "" where it is none. No query
    for any other kind of calendar."""
    is_one = sessions.is_seat(appointment) and not appointment.is_void
    return sessions.words_of(appointment) if is_one else ""
