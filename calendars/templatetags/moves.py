"""What other apps' pages offer of moving an appointment."""

from typing import Any

from django import template

from calendars import booking
from contacts.models import Appointment, AppointmentChange

register = template.Library()


@register.simple_tag(takes_context=True)
def move_to_undo(context: dict[str, Any], appointment: Appointment) -> AppointmentChange | None:
    """The viewer's own move, if it is the latest change; reads prefetched `changes`, newest first, without a query."""
    latest = next(iter(appointment.changes.all()), None)
    if latest is None or booking.why_not_undone(latest, appointment, context["request"].user):
        return None
    return latest
