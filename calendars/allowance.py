"""How much one address may have ahead through booking pages, and how often an appointment moves online. Whoever types
an address does not prove that it is theirs, and each appointment, and each move, sends it mails."""

import datetime
from collections.abc import Collection

from django.conf import settings
from django.db.models import Count, Q

from calendars.models import Calendar
from contacts.models import Appointment, AppointmentChange, AppointmentGuest, Origin

DAY = datetime.timedelta(days=1)


def why_too_many(calendar: Calendar, address: str, others: Collection[str], now: datetime.datetime) -> str:
    """Why this visit would be one too many, in words for who typed it; "" when it would not.

    Of who books, appointments of this calendar count; of who comes along, those of all. What was booked since
    yesterday counts even when it was cancelled.
    """
    limit = settings.BOOKING_MOST_AHEAD
    if _counted([address], Q(appointment__calendar=calendar), now).get(address, 0) >= limit:
        return (
            f"One e-mail address can have {limit} appointments ahead here, and this one has. "
            "Please contact us to book another."
        )
    full = [other for other, number in _counted(others, Q(), now).items() if number >= limit]
    if full:
        return f"{', '.join(full)} cannot be brought along to more appointments. Leave it out, or contact us."
    return ""


def is_booked_already(calendar: Calendar, starts_at: datetime.datetime, address: str) -> bool:
    """Whether `address` was typed here for that time before. Who the person is, and what was agreed with them in other
    ways, does not count: whoever types an address would be told of it."""
    there = Appointment.objects.standing().filter(calendar=calendar, starts_at=starts_at)
    guests = AppointmentGuest.objects.filter(appointment__in=there, address=address)
    return guests.exclude(time_zone="").exists()


def has_moved_enough(appointment: Appointment) -> bool:
    """Whether its customer has moved it so often that staff should hear of the next."""
    moves = appointment.changes.filter(what=AppointmentChange.What.RESCHEDULED, origin=Origin.CUSTOMER)
    return bool(moves.count() >= settings.BOOKING_MOST_MOVES)


def _counted(addresses: Collection[str], where: Q, now: datetime.datetime) -> dict[str, int]:
    if not addresses:
        return {}
    ahead = Q(appointment__starts_at__gt=now) & ~Q(appointment__status__in=Appointment.VOID_STATUSES)
    rows = AppointmentGuest.objects.filter(where, address__in=addresses).exclude(time_zone="")
    counted = rows.filter(ahead | Q(appointment__created_at__gt=now - DAY)).order_by()
    return dict(counted.values("address").annotate(number=Count("pk")).values_list("address", "number"))
