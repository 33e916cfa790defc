"""A session: the appointments of one class at one time under one host. At Google it is one event, without guests.

One of those made here stands for the session: its push target holds the event, the others have none. What came from
Google is an event of its own.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db.models import Exists, OuterRef

from calendars.models import Calendar, GoogleEvent, PushTarget
from contacts.models import Appointment, AppointmentChange, AppointmentGuest, AppointmentHost, Origin
from contacts.models.appointments import AppointmentQuerySet


class Times(NamedTuple):
    starts_at: datetime
    ends_at: datetime


def is_seat(appointment: Appointment) -> bool:
    """Whether `appointment` is a seat of a session."""
    return appointment.calendar.kind == Calendar.Kind.CLASS and not appointment.came_from_google


def seats(appointment: Appointment, times: Times | None = None) -> AppointmentQuerySet:
    """The standing appointments of the session of `appointment`, or of the one it left at `times`; who stands for it
    first.
    """
    starts_at, ends_at = times or Times(appointment.starts_at, appointment.ends_at)
    return _at(appointment, starts_at, ends_at).standing()


def along(seat: Appointment, agreed: Times | None) -> list[Appointment]:
    """The other seats of the session whose event `seat` stands for. `agreed`: when that was, as both sides last agreed;
    None: its answer was lost. Where `seat` was moved here since, those who were moved along with it, and who stayed
    without an event of their own.
    """
    now = Times(seat.starts_at, seat.ends_at)
    if agreed in (None, now):
        return list(seats(seat).exclude(pk=seat.pk).select_related("contact"))
    move = seat.changes.filter(what=AppointmentChange.What.RESCHEDULED).order_by("pk").last()
    together = move.together if move else None
    moved = seats(seat).filter(changes__together=together).select_related("contact") if together else ()
    stayed = seats(seat, agreed).select_related("contact")
    without_event = (each for each in stayed if not getattr(each, "holds", False))
    return [each for each in {each.pk: each for each in (*moved, *without_event)}.values() if each != seat]


def agreed_times(event: GoogleEvent) -> Times | None:
    if event.agreed_starts_at is None or event.agreed_ends_at is None:
        return None
    return Times(event.agreed_starts_at, event.agreed_ends_at)


def print_of(seats: Iterable[tuple[object, object]]) -> str:
    """A short text that is another as soon as a seat comes, goes or is changed; of (pk, revision) of each."""
    lines = sorted(f"{pk} {revision}" for pk, revision in seats)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def cancelled_with(appointment: Appointment) -> AppointmentQuerySet:
    """The others of its session that Google cancelled along with it."""
    others = _at(appointment, appointment.starts_at, appointment.ends_at).exclude(pk=appointment.pk)
    return others.filter(status=Appointment.Status.CANCELLED, status_set_by=Origin.GOOGLE)


def status_before(seat: Appointment) -> str:
    """What a cancelled seat is again when its session comes back."""
    was_confirmed = seat.changes.filter(what=AppointmentChange.What.CONFIRMED, contact=None).exists()
    confirms = seat.calendar.confirms_automatically or was_confirmed
    return Appointment.Status.CONFIRMED if confirms else Appointment.Status.NEW


def lock(calendar_id: int) -> None:
    """Who joins and who leaves do it one after the other: of two at the same moment one stands for the session."""
    list(
        Calendar.objects.select_for_update(no_key=True, of=("self",)).filter(pk=calendar_id).values_list("pk")
    )


def lock_classes_of(appointments: AppointmentQuerySet) -> None:
    """The same for the classes among these, before several of their rows are taken: who changes one seat holds it and
    may then need another, in an order that nobody else knows."""
    classes = appointments.filter(calendar__kind=Calendar.Kind.CLASS).order_by().values("calendar")
    rows = Calendar.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=classes)
    list(rows.order_by("pk").values_list("pk"))


def share_link(seat: Appointment) -> None:
    """Who joins meets where the others meet."""
    if seat.meeting_url or not seat.calendar.uses_google_meet:
        return
    link = seats(seat).exclude(meeting_url="").values_list("meeting_url", flat=True).first()
    if link:
        seat.meeting_url = link
        seat.save(update_fields=["meeting_url"])


def words_of(appointment: Appointment) -> str:
    """How its event is called: the class and how full it is, nobody's name."""
    calendar, held = appointment.calendar, seats(appointment).values("pk")
    people = AppointmentGuest.objects.filter(appointment__in=held).count()
    return f"{calendar.name}: {people} of {calendar.seats}"


def _at(appointment: Appointment, starts_at: datetime, ends_at: datetime) -> AppointmentQuerySet:
    hosts = AppointmentHost.objects.filter(appointment=appointment).values("user")
    holding = PushTarget.objects.filter(appointment=OuterRef("pk"), is_withdrawn=False)
    rows = Appointment.objects.filter(
        calendar=appointment.calendar_id, starts_at=starts_at, ends_at=ends_at
    ).exclude(origin=Origin.GOOGLE)
    shared = AppointmentHost.objects.filter(appointment=OuterRef("pk"), user__in=hosts)
    return (
        rows.filter(Exists(shared))
        .annotate(holds=Exists(holding))
        .order_by("-holds", "created_at", "pk")
        .select_related("calendar")
    )
