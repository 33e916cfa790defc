"""The story of one contact in one list: appointments, notes, activities and changed fields, newest first."""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from django.db.models import QuerySet

from contacts.models import Activity, Appointment, Contact, Note, User
from contacts.privacy import with_privacy

LONGEST = 100
# What a staff member edits; the rest of the history table is bookkeeping.
TOLD_FIELDS = {
    "first_name": "first name",
    "last_name": "last name",
    "company": "company",
    "time_zone": "time zone",
    "owner_id": "owner",
    "no_email": "do not e-mail",
    "no_sms": "do not text",
    "archived_at": "archived",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One entry. `kind`: "appointment" (then `appointment` is set), "note", "activity" or "change"."""

    at: datetime.datetime
    kind: str
    text: str
    by: str = ""
    appointment: Appointment | None = None
    is_ahead: bool = False


def timeline(contact: Contact, viewer: User, now: datetime.datetime) -> list[Line]:
    """At most `LONGEST` lines, newest first, one query a kind. A private appointment tells the time only."""
    lines = [
        *appointment_lines(appointments_of(contact, viewer).order_by("-starts_at")[:LONGEST], now),
        *note_lines(contact.notes.select_related("author")[:LONGEST]),
        *activity_lines(contact.activities.select_related("by")[:LONGEST]),
        *change_lines(contact),
    ]
    return sorted(lines, key=lambda line: line.at, reverse=True)[:LONGEST]


def appointments_of(contact: Contact, viewer: User) -> QuerySet[Appointment]:
    """Every appointment the contact is attached to, as main contact or as a further guest."""
    rows = Appointment.objects.filter(guests__contact=contact).select_related("calendar", "owner")
    return with_privacy(rows, viewer)


def upcoming(contact: Contact, viewer: User, now: datetime.datetime) -> list[Appointment]:
    """The next ten standing appointments, the soonest first."""
    rows = appointments_of(contact, viewer).filter(ends_at__gte=now)
    return list(rows.exclude(status__in=Appointment.VOID_STATUSES).order_by("starts_at")[:10])


def appointment_lines(appointments: Iterable[Appointment], now: datetime.datetime) -> Iterator[Line]:
    for appointment in appointments:
        yield Line(
            at=appointment.starts_at,
            kind="appointment",
            text=str(appointment),
            appointment=appointment,
            is_ahead=appointment.starts_at > now,
        )


def note_lines(notes: Iterable[Note]) -> Iterator[Line]:
    for note in notes:
        yield Line(at=note.created_at, kind="note", text=note.text, by=str(note.author or ""))


def activity_lines(activities: Iterable[Activity]) -> Iterator[Line]:
    for activity in activities:
        yield Line(at=activity.at, kind="activity", text=activity.text, by=str(activity.by or ""))


def change_lines(contact: Contact) -> Iterator[Line]:
    """What was changed on the contact itself, by comparing each stored version with the one before it."""
    versions = list(
        contact.history.select_related("history_user").order_by("-history_date", "-history_id")[:LONGEST]
    )
    for newer, older in pairwise(versions):
        if newer.history_change_reason:
            # Told by an activity, in words of its own.
            continue
        changed = [
            words for field, words in TOLD_FIELDS.items() if getattr(newer, field) != getattr(older, field)
        ]
        if changed:
            yield Line(
                at=newer.history_date,
                kind="change",
                text=f"Changed {', '.join(changed)}",
                by=str(newer.history_user or ""),
            )
