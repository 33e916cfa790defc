"""What the events of an appointment say once its triggers were fired by hand."""

from calendars.models import GoogleEvent
from calendars.sync.firing import fired_by_hand
from contacts.models import Appointment, User


def tell_fired(appointment: Appointment, *, by: User) -> None:
    """No muted bell any more, which says "no triggers", and a reason that says who fired them."""
    for row in GoogleEvent.objects.filter(appointment=appointment):
        reason = fired_by_hand(row.reason, str(by))[:500]
        GoogleEvent.objects.filter(pk=row.pk).update(is_silent=False, reason=reason)
