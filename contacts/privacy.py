"""Who may see what an appointment is about: a private Google event's is for its owner and hosts alone."""

from typing import Any, TypeVar

from django.db.models import Exists, OuterRef, QuerySet

from contacts.models import Appointment, User

PRIVATE = ("private", "confidential")

AppointmentsT = TypeVar("AppointmentsT", bound=QuerySet[Appointment, Any])


def with_privacy(appointments: AppointmentsT, viewer: User) -> AppointmentsT:
    """Annotates `is_hidden`: `viewer` may see the time only. No further query.

    The way to Google's rows goes by the names of relations: contacts imports nothing of the apps above it.
    """
    private = (
        Appointment.objects.filter(pk=OuterRef("pk"), google_events__visibility__in=PRIVATE)
        .exclude(google_events__google_calendar__account__user=viewer)
        .exclude(hosts__user=viewer)
    )
    return appointments.annotate(is_hidden=Exists(private))


def hides(appointment: Appointment) -> bool:
    """Whether an appointment that went through `with_privacy` shows its time only. Not asked means hidden."""
    return bool(getattr(appointment, "is_hidden", True))
