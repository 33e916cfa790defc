"""What can be refused, and in which words."""

import datetime

from django.utils import timezone

from contacts.models import Appointment

Status = Appointment.Status
# What staff say of who came; taken back, the appointment stands as before.
MARKS = (Status.SHOWED, Status.NO_SHOW)
FINAL = (*MARKS, Status.INVALID)


class NotPossible(ValueError):
    """What was asked cannot be done; the text says why, for a person."""


class Taken(NotPossible):
    """The time is no longer free."""


def check_times(starts_at: datetime.datetime, ends_at: datetime.datetime) -> None:
    """Raises NotPossible for times without a zone and for an end before its start."""
    if timezone.is_naive(starts_at) or timezone.is_naive(ends_at):
        raise NotPossible("Start and end need a time zone.")
    if ends_at <= starts_at:
        raise NotPossible("The end must come after the start.")
