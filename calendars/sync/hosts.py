"""Who hosts an appointment that came from Google: those who have a living copy of its meeting."""

from calendars import booking
from calendars.models import GoogleEvent
from contacts.models import Appointment


def free_absent(appointment: Appointment, *, but: int | None = None) -> None:
    """Take off the hosts whose every copy is gone; the appointment goes on with those who still have one.

    `but`: the user whose copy is only now being linked.
    """
    if not appointment.came_from_google:
        return
    copies = GoogleEvent.objects.filter(appointment=appointment)
    present = copies.exclude(status="cancelled").values("google_calendar__account__user")
    gone = copies.filter(status="cancelled").exclude(google_calendar__account__user__in=present)
    for user in set(gone.values_list("google_calendar__account__user", flat=True)) - {but}:
        booking.free_host(appointment, user)
