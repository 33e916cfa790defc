"""Writes what happened beside what it happened to, and sends the news on commit."""

import datetime
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import partial

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone

from calendars.sync import sessions
from contacts import signals
from contacts.models import Appointment, AppointmentChange, Contact, Origin, User

What = AppointmentChange.What
SIGNAL_BY_WHAT: dict[str, Signal] = {
    What.BOOKED: signals.appointment_booked,
    What.RESCHEDULED: signals.appointment_rescheduled,
}


WORDS = {"title": "Title", "location": "Place", "description": "What it is about"}
# What stands in full in a history line; three of them fit into it.
SHORT = 40


def words_of(row: Appointment) -> dict[str, str]:
    return {name: getattr(row, name) for name in WORDS}


def locked(appointment: Appointment) -> Appointment:
    """The appointment as it is now, held until the transaction ends; of a class the calendar first, as `hold` does:
    who changes one seat may have to change another.
    """
    if sessions.is_seat(appointment):
        sessions.lock(appointment.calendar_id)
    rows = Appointment.objects.select_for_update(of=("self",)).select_related("calendar")
    return rows.get(pk=appointment.pk)


def lock_all(pks: Collection[uuid.UUID]) -> dict[uuid.UUID, Appointment]:
    """Several as they are now, held in the order in which campaigns take them. A class's calendar is held before."""
    rows = Appointment.objects.select_for_update(of=("self",)).select_related("calendar")
    return {row.pk: row for row in rows.filter(pk__in=pks).order_by("pk")}


def save(row: Appointment, *fields: str) -> None:
    """Write `fields` as the next revision."""
    row.revision += 1
    row.save(update_fields=[*fields, "revision", "updated_at"])


def record(
    row: Appointment,
    what: str,
    *,
    origin: str,
    by: User | None,
    fires: bool,
    why: str,
    contact: Contact | None = None,
    repeats_series: bool = False,
    old_times: tuple[datetime.datetime, datetime.datetime] | tuple[None, None] = (None, None),
    undoes: AppointmentChange | None = None,
    together: uuid.UUID | None = None,
) -> None:
    """One change of `row`; with `contact` it concerns that guest alone. `old_times`: where a move took it from.
    `together`: what the moves of one session have in common."""
    change = AppointmentChange(
        appointment=row,
        revision=row.revision,
        what=what,
        origin=origin,
        by=by,
        fires=fires,
        why=why[:300],
        contact=contact,
        repeats_series=repeats_series,
        old_starts_at=old_times[0],
        old_ends_at=old_times[1],
        undoes=undoes,
        together=together,
    )
    record_all([change])


def record_words(row: Appointment, before: Mapping[str, str], *, by: User | None) -> None:
    """A line that says which words of `row` are other than `before`, by field; none where all are the same. It is no
    fact that anything fires for, so that triggers need not look at it."""
    # What Google's own event was called may have to be erased again: no history keeps it.
    longest = 0 if row.came_from_google else SHORT
    lines = [_new_words(label, before[name], getattr(row, name), longest) for name, label in WORDS.items()]
    if any(lines):
        AppointmentChange.objects.create(
            appointment=row,
            revision=row.revision,
            what=What.EDITED,
            origin=Origin.STAFF,
            by=by,
            fires=False,
            why=" · ".join(filter(None, lines))[:300],
            looked_at=timezone.now(),
        )


def _new_words(label: str, old: str, new: str, longest: int) -> str:
    if old == new:
        return ""
    if max(len(old), len(new)) > longest or "\n" in old + new:
        return f"{label} {'taken out' if not new else 'changed' if old else 'added'}"
    return (
        f"{label}: “{old}” is now “{new}”"
        if old and new
        else f"{label}: “{new}”"
        if new
        else f"{label}: no more “{old}”"
    )


def record_all(changes: Sequence[AppointmentChange]) -> None:
    """Store the changes in one statement; they are told of on commit, by one signal for all it concerns."""
    news: dict[Signal, list[AppointmentChange]] = defaultdict(list)
    for change in AppointmentChange.objects.bulk_create(changes):
        news[SIGNAL_BY_WHAT.get(change.what, signals.appointment_status_changed)].append(change)
        by_customer = change.origin == Origin.CUSTOMER or (change.origin == Origin.GOOGLE and change.fires)
        if change.what == What.BOOKED and by_customer:
            news[signals.customer_booked_appointment].append(change)
    for signal, told in news.items():
        _send_on_commit(signal, told)


def _send_on_commit(signal: Signal, changes: Sequence[AppointmentChange]) -> None:
    # send_robust and a plain on_commit: with robust=True and a partial Django 5.2 would hide the error.
    transaction.on_commit(
        partial(
            signal.send_robust,
            sender=Appointment,
            appointment_ids=tuple(change.appointment_id for change in changes),
            change_ids=tuple(change.pk for change in changes),
        )
    )
