"""Carries plans out: observations → appointments, in batches; a batch that fails is replayed one event at a time.

Everything an event does happens in one transaction with its row, so a crash repeats work and changes nothing.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from calendars import booking
from calendars.models import GoogleEvent, GoogleEventGuest
from calendars.sync import backoff, brake, targets
from calendars.sync.facts import BLOCK, Book, Plan
from calendars.sync.gather import Setting, Situation, setting_for, situations
from calendars.sync.guests import Guest
from calendars.sync.plan import plan
from calendars.sync.succession import hand_on
from contacts.matching import contact_for_guest
from contacts.models import Appointment, Contact, ContactEmail, Origin
from integrations.models import GoogleCalendar

logger = logging.getLogger(__name__)

BATCH = 100
Status = Appointment.Status
PLANNED_FIELDS = [
    *(
        "planned_etag",
        "replan",
        "outcome",
        "blocks",
        "colour",
        "outline",
        "is_silent",
        "appointment",
        "reason",
    ),
    *("made_by_run", "error", "attempts", "not_before"),
    *("agreed_etag", "agreed_starts_at", "agreed_ends_at", "agreed_cancelled"),
]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one event, for the person who watches a run."""

    google_id: str
    outcome: str
    reason: str
    failed: bool = False


@dataclass
class MovedSeries:
    """Rows that took a vanished occurrence's place, and the series whose move fired: the first occurrence in order
    of time speaks for the others."""

    rows: set[int]
    told: set[str] = field(default_factory=set)


def reconcile(google_calendar: GoogleCalendar, now: datetime) -> Iterator[Done]:
    """Plan and carry out every event of `google_calendar` that is due. The caller holds the calendar's claim."""
    if not google_calendar.sync_token:
        # No full pull has ended since it was linked or reconnected: the rows are not what Google holds now.
        return
    # Before the brake counts: the occurrences of a moved series are not cancellations.
    moved = MovedSeries(hand_on(google_calendar, now))
    if brake.holds(google_calendar, now):
        return
    setting = setting_for(google_calendar, now)
    due = GoogleEvent.objects.filter(google_calendar=google_calendar).unplanned(now)
    pks = list(due.order_by("starts_at", "pk").values_list("pk", flat=True))
    for start in range(0, len(pks), BATCH):
        yield from _batch(pks[start : start + BATCH], setting, now, moved)


def late_matches() -> int:
    """Mark upcoming events that only block though a guest of theirs is a contact by now; how many. One statement."""
    became = ContactEmail.objects.filter(address=OuterRef("address"))
    guests = GoogleEventGuest.objects.filter(Exists(became)).values("event")
    return GoogleEvent.objects.filter(pk__in=guests, replan="").update(replan=GoogleEvent.Replan.CONTACT)


def _batch(pks: Sequence[int], setting: Setting, now: datetime, moved: "MovedSeries") -> Iterator[Done]:
    try:
        with transaction.atomic():
            done = _carry_out(pks, setting, now, moved)
    except Exception:
        logger.exception("A batch of %d events failed; replaying it one by one.", len(pks))
        for pk in pks:
            yield from _alone(pk, setting, now, moved)
    else:
        yield from done


def _alone(pk: int, setting: Setting, now: datetime, moved: "MovedSeries") -> Iterator[Done]:
    """One bad event is recorded on its row with the error, and the rest goes on."""
    try:
        with transaction.atomic():
            done = _carry_out([pk], setting, now, moved)
    except Exception as error:
        logger.exception("Event row %d failed.", pk)
        row = GoogleEvent.objects.get(pk=pk)
        row.attempts += 1
        row.error = f"{type(error).__name__}: it could not be carried out. It is tried again by itself."
        row.not_before = now + backoff.wait(row.attempts)
        row.save(update_fields=["attempts", "error", "not_before"])
        yield Done(row.google_id, "failed", row.error, failed=True)
    else:
        yield from done


def _carry_out(pks: Sequence[int], setting: Setting, now: datetime, moved: "MovedSeries") -> list[Done]:
    rows = list(
        GoogleEvent.objects.filter(pk__in=pks)
        .select_related("appointment__calendar", "appointment__contact", "run")
        .order_by("starts_at", "pk")
    )
    found = situations(rows, setting, now)
    # The bulk write saves what the plans changed; rows that wait keep everything but the reason.
    done, fired, seen, blocking = [], set(), set(), []
    told = set(moved.told)
    for situation in found:
        row = situation.row
        key = (row.ical_uid, row.original_start)
        if row.ical_uid and row.appointment is None and key in seen:
            continue  # the second copy of one meeting: the next sweep meets its appointment
        seen.add(key)
        series = row.recurring_event_id
        if series and series in fired:
            situation = replace(situation, facts=replace(situation.facts, series_has_fired=True))
        if row.pk in moved.rows:
            situation = replace(situation, facts=replace(situation.facts, series_has_moved=series in told))
        made = plan(situation.observed, situation.held, situation.agreed, situation.facts)
        if made.book and made.book.fires and series:
            fired.add(series)
        if made.move and made.fires and row.pk in moved.rows:
            told.add(series)
        _apply(made, situation, setting)
        _remember(made, situation)
        if row.outcome == BLOCK and row.ends_at and row.ends_at > now:
            blocking.append((row, situation.facts.guests))
        done.append(Done(row.google_id, row.outcome, row.reason))
    GoogleEvent.objects.bulk_update(rows, PLANNED_FIELDS)
    _remember_unmatched(rows, blocking)
    moved.told |= told
    return done


def _remember(made: Plan, situation: Situation) -> None:
    """Write the plan on its row: what staff see, and what both sides now agree on."""
    row, observed = situation.row, situation.observed
    row.reason = (made.reason or row.reason or "Linked to its appointment.")[:500]
    if made.waits:
        return
    row.outcome, row.blocks, row.colour, row.outline = made.outcome, made.blocks, made.colour, made.outline
    row.is_silent = row.is_silent if made.is_silent is None else made.is_silent
    row.planned_etag, row.replan = row.etag, ""
    row.error, row.attempts, row.not_before = "", 0, None
    if made.agrees and row.appointment is not None:
        row.agreed_etag = row.etag
        row.agreed_cancelled = observed.is_cancelled
        if not observed.is_cancelled:
            row.agreed_starts_at, row.agreed_ends_at = observed.starts_at, observed.ends_at


def _apply(made: Plan, situation: Situation, setting: Setting) -> None:
    row = situation.row
    if made.book is not None:
        row.appointment = _book(made.book, situation, setting)
        row.made_by_run = row.run
        return
    if made.join:
        _join(situation, setting)
        return
    appointment = row.appointment
    if appointment is None or made.changes_nothing:
        return
    there = row.google_calendar_id
    if made.restore:
        status = Status.CONFIRMED if made.confirm else Status.NEW
        booking.set_status(
            appointment, status, fires=False, origin=Origin.GOOGLE, why=made.why, agreed_at=there
        )
    if made.move is not None:
        booking.reschedule(
            appointment,
            starts_at=made.move[0],
            ends_at=made.move[1],
            repeats_series=made.repeats_series,
            fires=made.fires,
            origin=Origin.GOOGLE,
            why=made.why,
            agreed_at=there,
        )
    _guests(made, appointment, setting)
    if made.confirm and not made.restore:
        booking.set_status(
            appointment,
            Status.CONFIRMED,
            fires=made.fires,
            origin=Origin.GOOGLE,
            why=made.why,
            agreed_at=there,
        )
    if made.free_host:
        booking.free_host(appointment, setting.owner.pk)
    if made.cancel:
        booking.cancel(appointment, fires=made.fires, origin=Origin.GOOGLE, why=made.why, agreed_at=there)
    if made.move or made.restore or made.cancel:
        row.appointment = Appointment.objects.select_related("calendar").get(pk=appointment.pk)


def _book(wanted: Book, situation: Situation, setting: Setting) -> Appointment:
    row = situation.row
    if setting.target is None:
        raise ValueError("There is no calendar to file the appointment on.")
    starts_at, ends_at = situation.observed.span
    contacts = [contact_for_guest(guest.address, guest.name, owner=setting.owner) for guest in wanted.guests]
    appointment = booking.book(
        calendar=setting.target,
        contact=contacts[0],
        guests=contacts[1:],
        owner=setting.owner,
        hosts=[setting.owner],
        starts_at=starts_at,
        ends_at=ends_at,
        origin=Origin.GOOGLE,
        status=None,
        title=row.summary[:300],
        description=row.description,
        location=row.location[:500],
        meeting_url=row.meeting_url[:500],
        meeting=(row.ical_uid[:255], row.original_start),
        is_recurring=bool(row.recurring_event_id),
        repeats_series=wanted.repeats_series,
        fires=wanted.fires,
        why=wanted.why,
        aims=False,
    )
    if wanted.status == Status.CONFIRMED and appointment.status != Status.CONFIRMED:
        Appointment.objects.filter(pk=appointment.pk).update(status=Status.CONFIRMED)
        appointment.status = Status.CONFIRMED
    _take_as_copy(appointment, row)
    _call_colleagues(row)
    return appointment


def _join(situation: Situation, setting: Setting) -> None:
    row, sibling = situation.row, situation.sibling
    if sibling is None:
        raise ValueError("There is no appointment of a colleague to join.")
    booking.add_host(sibling, setting.owner.pk)
    row.appointment = sibling
    _take_as_copy(sibling, row)


def _take_as_copy(appointment: Appointment, row: GoogleEvent) -> None:
    """The event is pushed to when the appointment is edited here: ours is patched, an invitation declined."""
    if row.google_calendar.is_writable:
        targets.adopt(appointment, row)


def _call_colleagues(row: GoogleEvent) -> None:
    """Other copies of the meeting, planned as blocks before, join the appointment with the next sweep."""
    if row.ical_uid:
        GoogleEvent.objects.filter(
            ical_uid=row.ical_uid, original_start=row.original_start, appointment=None
        ).exclude(pk=row.pk).update(replan=GoogleEvent.Replan.MEETING)


def _guests(made: Plan, appointment: Appointment, setting: Setting) -> None:
    for guest in made.attach:
        booking.attach(
            appointment,
            contact_for_guest(guest.address, guest.name, owner=setting.owner),
            address=guest.address,
            origin=Origin.GOOGLE,
            fires=made.fires,
            why=made.why,
        )
    for pk in made.detach:
        booking.detach(
            appointment, Contact.objects.get(pk=pk), origin=Origin.GOOGLE, why="No longer a guest at Google."
        )


def _remember_unmatched(
    rows: Sequence[GoogleEvent], blocking: Sequence[tuple[GoogleEvent, tuple[Guest, ...]]]
) -> None:
    GoogleEventGuest.objects.filter(event__in=rows).delete()
    GoogleEventGuest.objects.bulk_create(
        GoogleEventGuest(event=row, address=guest.address)
        for row, guests in blocking
        for guest in guests
        if guest.contact is None
    )
