"""Carries plans out: observations → appointments, in batches; a batch that fails is replayed one event at a time.

Everything an event does happens in one transaction with its row, so a crash repeats work and changes nothing.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypedDict

from django.db import transaction
from django.db.models import Max

from calendars import booking
from calendars.models import Calendar, GoogleEvent, PrivateEvents
from calendars.sync import backoff, brake, bulk, late, sessions, targets
from calendars.sync.erasing import without_addresses
from calendars.sync.facts import ACCEPTED, Book, Plan
from calendars.sync.firing import ONCE_A_SERIES
from calendars.sync.gather import Situation, situations, words_of
from calendars.sync.hosts import free_absent
from calendars.sync.inheriting import take_over_decisions
from calendars.sync.plan import plan
from calendars.sync.series_news import SeriesNews, news_of
from calendars.sync.setting import Setting, setting_for
from calendars.sync.succession import hand_on
from contacts.fields import normalise_address
from contacts.matching import contact_for_guest, contacts_for_guests
from contacts.models import Appointment, Contact, Origin, User
from integrations.models import GoogleCalendar

logger = logging.getLogger(__name__)

BATCH = 250
Status = Appointment.Status
PLANNED_COLUMNS = [
    *("planned_etag", "replan", "outcome", "blocks", "colour", "outline", "is_silent", "reason"),
    *("appointment_id", "made_by_run_id", "error", "attempts", "not_before", "series_told"),
    *("agreed_etag", "agreed_starts_at", "agreed_ends_at", "agreed_cancelled", "agreed_words"),
]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one event, for the person who watches a run."""

    google_id: str
    outcome: str
    reason: str
    failed: bool = False
    # It is planned again once the person's other calendars were pulled.
    waits: bool = False


def reconcile(google_calendar: GoogleCalendar, now: datetime) -> Iterator[Done]:
    """Plan and carry out every event of `google_calendar` that is due. The caller holds the calendar's claim."""
    if not google_calendar.sync_token:
        # No full pull has ended since it was linked or reconnected: the rows are not what Google holds now.
        return
    # Before the brake counts: the occurrences of a moved series are not cancellations.
    handed = hand_on(google_calendar, now)
    setting = setting_for(google_calendar, now)
    # Held, the cancellations wait for a person; what else happened goes on, and new events block.
    held = brake.held(setting, now)
    due = GoogleEvent.objects.filter(google_calendar=google_calendar).unplanned(now)
    news = news_of(handed, due, google_calendar, now)
    pks = [pk for pk in due.order_by("starts_at", "pk").values_list("pk", flat=True) if pk not in held]
    for start in range(0, len(pks), BATCH):
        yield from _batch(pks[start : start + BATCH], setting, now, news)


def _batch(pks: Sequence[int], setting: Setting, now: datetime, news: SeriesNews) -> Iterator[Done]:
    try:
        with transaction.atomic():
            done = _carry_out(pks, setting, now, news)
    except Exception:
        logger.exception("A batch of %d events failed; replaying it one by one.", len(pks))
        for pk in pks:
            yield from _alone(pk, setting, now, news)
    else:
        yield from done


def _alone(pk: int, setting: Setting, now: datetime, news: SeriesNews) -> Iterator[Done]:
    """One bad event is recorded on its row with the error, and the rest goes on."""
    try:
        with transaction.atomic():
            done = _carry_out([pk], setting, now, news)
    except Exception as error:
        logger.exception("Event row %d failed.", pk)
        row = GoogleEvent.objects.get(pk=pk)
        row.attempts += 1
        row.error = f"It could not be carried out ({type(error).__name__}). It is tried again by itself."
        row.not_before = now + backoff.wait(row.attempts)
        # Whatever it is: time that may be taken is not offered.
        row.blocks = not (row.is_cancelled or row.is_free or row.starts_at is None)
        row.save(update_fields=["attempts", "error", "not_before", "blocks"])
        yield Done(row.google_id, "failed", row.error, failed=True)
    else:
        yield from done


def _carry_out(pks: Sequence[int], setting: Setting, now: datetime, news: SeriesNews) -> list[Done]:
    rows = list(
        GoogleEvent.objects.filter(pk__in=pks)
        .select_related("appointment__calendar", "appointment__contact", "run")
        .order_by("starts_at", "pk")
    )
    for row in rows:
        row.google_calendar = setting.google_calendar  # loaded once, not once a row
    take_over_decisions(rows)
    found = situations(rows, setting, now)
    batch = news.as_it_is()
    plans = list(_planned(found, batch))
    _book([(made.book, situation) for made, situation in plans if made.book is not None], setting)
    for made, situation in plans:
        if made.book is None:
            _apply(made, situation, setting)
        _remember(made, situation)
    _take_as_copies([situation.row for _, situation in plans if situation.is_taken_over])
    _save(rows)
    _spend_decisions(plans)
    late.remember_unmatched([situation for _, situation in plans], now)
    batch.remember(news, setting.google_calendar, but=pks)
    news.told = batch.told
    return [
        Done(situation.row.google_id, situation.row.outcome, situation.row.reason, waits=made.waits)
        for made, situation in plans
    ]


def _planned(found: Sequence[Situation], news: SeriesNews) -> Iterator[tuple[Plan, Situation]]:
    """The plan of each situation, in order: what one occurrence told, the next ones of its series repeat."""
    seen: set[tuple[str, str]] = set()
    for situation in found:
        row = situation.row
        key = (row.ical_uid, row.original_start)
        if row.ical_uid and row.appointment is None and key in seen:
            continue  # the second copy of one meeting: the next sweep meets its appointment
        seen.add(key)
        facts = replace(situation.facts, series_told=situation.facts.series_told | news.of(row))
        made = plan(situation.observed, situation.held, situation.agreed, facts)
        news.note(row, made)
        yield made, situation


def _save(rows: Sequence[GoogleEvent]) -> None:
    """The planned columns of `rows` in one statement. An upsert that always meets its row: bulk_update spells a CASE
    for every column and row, and took forty times as long."""
    for calendar in {row.google_calendar_id for row in rows}:
        bulk.upsert(
            [
                {name: getattr(row, name) for name in ("google_id", *PLANNED_COLUMNS)}
                for row in rows
                if row.google_calendar_id == calendar
            ],
            same={"google_calendar_id": calendar},
            update=PLANNED_COLUMNS,
        )


def _spend_decisions(plans: Sequence[tuple[Plan, Situation]]) -> None:
    """To keep an appointment is decided about one end of it: the event that lives again may end it another time."""
    keep = GoogleEvent.Decision.KEEP
    spent = [at.row.pk for made, at in plans if at.row.decision == keep and not (made.is_kept or made.waits)]
    if spent:
        GoogleEvent.objects.filter(pk__in=spent, decision=keep).update(decision="", decided_by=None)


def _remember(made: Plan, situation: Situation) -> None:
    """Write the plan on its row: what staff see, and what both sides now agree on."""
    row, observed = situation.row, situation.observed
    row.reason = (made.reason or row.reason or "Linked to its appointment.")[:500]
    if observed.is_private and situation.facts.private_events != PrivateEvents.NORMAL:
        # The one that stays from before it turned private, too.
        row.reason = without_addresses(row.reason)
    if made.waits:
        return
    row.outcome, row.blocks, row.colour, row.outline = made.outcome, made.blocks, made.colour, made.outline
    row.is_silent = row.is_silent if made.is_silent is None else made.is_silent
    # Who joined looks at the appointment as its own with the next sweep: its guests may be others by now.
    row.planned_etag, row.replan = row.etag, GoogleEvent.Replan.MEETING if made.join else ""
    row.error, row.attempts, row.not_before, row.series_told = "", 0, None, []
    if made.agrees and row.appointment is not None:
        row.agreed_etag = row.etag
        row.agreed_cancelled = observed.is_cancelled
        if not observed.is_cancelled:
            row.agreed_starts_at, row.agreed_ends_at = observed.starts_at, observed.ends_at
            row.agreed_words = [observed.words.prints, (made.words or words_of(row.appointment)).prints]


def _apply(made: Plan, situation: Situation, setting: Setting) -> None:
    row = situation.row
    if made.join:
        _join(made, situation, setting)
        return
    if made.push_again:
        targets.push_again(row)
    appointment = row.appointment
    if appointment is None or made.changes_nothing:
        return
    there = row.google_calendar_id
    if sessions.is_seat(appointment):
        _take_session_along(made, appointment, row)
    if made.restore:
        status = Status.CONFIRMED if made.confirm else Status.NEW
        booking.set_status(
            appointment, status, fires=False, origin=Origin.GOOGLE, why=made.why, agreed_at=there
        )
        free_absent(appointment)
        _call_colleagues([row])
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
    if made.words is not None:
        booking.take_words(appointment, made.words, agreed_at=there)
    _guests(made, appointment, setting)
    if made.confirm and not made.restore:
        booking.set_status(
            appointment,
            Status.CONFIRMED,
            origin=Origin.GOOGLE,
            agreed_at=there,
            **_once_a_series(made, ACCEPTED),
        )
    if made.add_host:
        booking.add_host(appointment, setting.owner.pk)
        targets.keep_copy(row)
    if made.free_host:
        booking.free_host(appointment, setting.owner.pk)
    if made.cancel:
        booking.cancel(
            appointment,
            fires=made.fires,
            repeats_series=made.repeats_series,
            origin=Origin.GOOGLE,
            why=made.why,
            # An event of ours that lives on, its last guest having declined, is taken away by the next push.
            agreed_at=there if situation.observed.is_cancelled or not situation.is_our_copy else None,
        )
    if made.move or made.restore or made.cancel:
        row.appointment = Appointment.objects.select_related("calendar").get(pk=appointment.pk)


def _take_session_along(made: Plan, seat: Appointment, row: GoogleEvent) -> None:
    """What happened to the one event of a session happens to its other seats; Google is told of the event alone."""
    if made.restore:
        for other in sessions.cancelled_with(seat):
            status = sessions.status_before(other)
            booking.set_status(other, status, fires=False, origin=Origin.GOOGLE, why=made.why, aims=False)
    if not (made.move or made.cancel):
        return
    for other in sessions.along(seat, sessions.agreed_times(row)):
        if made.move:
            starts_at, ends_at = made.move
            booking.reschedule(
                other, starts_at=starts_at, ends_at=ends_at, origin=Origin.GOOGLE,
                fires=made.fires, why=made.why, aims=False,
            )  # fmt: skip
        if made.cancel:
            booking.cancel(other, origin=Origin.GOOGLE, fires=made.fires, why=made.why, aims=False)


def _book(books: Sequence[tuple[Book, Situation]], setting: Setting) -> None:
    """Make the appointments of a batch, and link each to its event."""
    if not books:
        return
    if setting.target is None:
        raise ValueError("There is no calendar to file appointments on.")
    people = {guest.address: guest.name for wanted, _ in books for guest in wanted.guests}
    contacts = contacts_for_guests(people, owner=setting.owner)
    bookings = [
        _booking(wanted, situation, setting.target, setting.owner, contacts) for wanted, situation in books
    ]
    rows = [situation.row for _, situation in books]
    for row, appointment in zip(rows, booking.book_many(bookings), strict=True):
        row.appointment, row.made_by_run = appointment, row.run
    _take_as_copies(rows)
    _call_colleagues(rows)


def _booking(
    wanted: Book, situation: Situation, calendar: Calendar, owner: User, contacts: Mapping[str, Contact]
) -> booking.Booking:
    row, (starts_at, ends_at) = situation.row, situation.observed.span
    first, *others = (contacts[normalise_address(guest.address)] for guest in wanted.guests)
    return booking.Booking(
        calendar=calendar,
        contact=first,
        guests=others,
        addresses={contacts[normalise_address(guest.address)].pk: guest.address for guest in wanted.guests},
        owner=owner,
        hosts=[owner],
        starts_at=starts_at,
        ends_at=ends_at,
        origin=Origin.GOOGLE,
        status=Status.CONFIRMED if wanted.status == Status.CONFIRMED else None,
        title=row.summary[:300],
        description=row.description,
        location=row.location[:500],
        takes_usual_place=row.organised_by_us,
        meeting_url=row.meeting_url[:500],
        meeting=(row.ical_uid[:255], row.original_start),
        is_recurring=bool(row.recurring_event_id),
        repeats_series=wanted.repeats_series,
        fires=wanted.fires,
        why=wanted.why,
        aims=False,
    )


def _join(made: Plan, situation: Situation, setting: Setting) -> None:
    row, sibling = situation.row, situation.sibling
    if sibling is None:
        raise ValueError("There is no appointment of a colleague to join.")
    booking.add_host(sibling, setting.owner.pk)
    if made.restore:
        status = Status.CONFIRMED if made.confirm else Status.NEW
        sibling = booking.set_status(sibling, status, origin=Origin.GOOGLE, fires=False, why=made.reason)
        free_absent(sibling, but=setting.owner.pk)
    times = situation.observed.span
    if times != (sibling.starts_at, sibling.ends_at) and (made.restore or _knows_better(row, sibling)):
        sibling = booking.reschedule(
            sibling, starts_at=times[0], ends_at=times[1], origin=Origin.GOOGLE, fires=False, why=made.reason
        )
    row.appointment = sibling
    _take_as_copies([row])


def _knows_better(row: GoogleEvent, sibling: Appointment) -> bool:
    """Whether this copy saw a later move of the meeting than any other: Google counts them in `sequence`."""
    others = GoogleEvent.objects.filter(appointment=sibling).exclude(pk=row.pk)
    latest = others.aggregate(latest=Max("sequence"))["latest"]
    return latest is not None and row.sequence > latest


def _take_as_copies(rows: Sequence[GoogleEvent]) -> None:
    """The events are pushed to when their appointments are edited here: ours are patched, invitations declined."""
    targets.adopt(
        (row.appointment, row)
        for row in rows
        if row.google_calendar.is_writable and row.appointment is not None
    )


def _call_colleagues(rows: Sequence[GoogleEvent]) -> None:
    """Other copies of these meetings, planned as blocks before, join the appointment with the next sweep."""
    meetings = {(row.ical_uid, row.original_start): row.pk for row in rows if row.ical_uid}
    others = GoogleEvent.objects.filter(ical_uid__in={uid for uid, _ in meetings}, appointment=None)
    called = [
        pk
        for pk, *meeting in others.values_list("pk", "ical_uid", "original_start")
        if tuple(meeting) in meetings and pk not in meetings.values()
    ]
    if called:
        GoogleEvent.objects.filter(pk__in=called).update(replan=GoogleEvent.Replan.MEETING)


def _guests(made: Plan, appointment: Appointment, setting: Setting) -> None:
    for guest in made.attach:
        booking.attach(
            appointment,
            contact_for_guest(guest.address, guest.name, owner=setting.owner),
            address=guest.address,
            origin=Origin.GOOGLE,
            **_once_a_series(made, guest.address),
        )
    for pk in made.detach:
        booking.detach(
            appointment, Contact.objects.get(pk=pk), origin=Origin.GOOGLE, why="No longer a guest at Google."
        )


class _Fires(TypedDict):
    fires: bool
    why: str
    repeats_series: bool


def _once_a_series(made: Plan, what: str) -> _Fires:
    """How `what` fires: told of a whole series once, while the dated reminders run for each occurrence."""
    repeats = made.fires and what in made.repeats
    return _Fires(
        fires=made.fires and not repeats, why=ONCE_A_SERIES if repeats else made.why, repeats_series=repeats
    )
