"""Carries plans out: observations → appointments, in batches; a batch that fails is replayed one event at a time.

Everything an event does happens in one transaction with its row, so a crash repeats work and changes nothing.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction

from calendars.models import GoogleEvent, PrivateEvents
from calendars.sync import backoff, brake, bulk, copies, late, unheard
from calendars.sync.apply import apply_plan, book_all, take_as_copies
from calendars.sync.erasing import without_addresses
from calendars.sync.facts import Plan
from calendars.sync.gather import Situation, situations, words_of
from calendars.sync.inheriting import take_over_decisions
from calendars.sync.plan import READ_ONLY, plan
from calendars.sync.series_news import SeriesNews, news_of
from calendars.sync.setting import Setting, setting_for
from calendars.sync.succession import hand_on
from integrations.models import GoogleCalendar

logger = logging.getLogger(__name__)

BATCH = 250
PLANNED_COLUMNS = [
    *("planned_etag", "outcome", "blocks", "colour", "outline", "is_silent", "reason"),
    *("appointment_id", "made_by_run_id", "error", "attempts", "not_before", "series_told"),
    *("agreed_etag", "agreed_starts_at", "agreed_ends_at", "agreed_cancelled", "agreed_words"),
    *("gone_at", "is_left"),
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
        # But for what a disconnect gave up since the turn began.
        GoogleEvent.objects.filter(pk__in=pks)
        .exclude(etag="")
        .select_related("appointment__calendar", "appointment__contact")
        # Thousands of rows share a handful of runs.
        .prefetch_related("run")
        .order_by("starts_at", "pk")
    )
    asked = {row.pk: row.replan for row in rows}
    for row in rows:
        row.google_calendar = setting.google_calendar  # loaded once, not once a row
    take_over_decisions(rows, setting)
    found = situations(rows, setting, now, notes=True)
    batch = news.as_it_is()
    plans = list(_planned(found, batch))
    book_all([(made.book, situation) for made, situation in plans if made.book is not None], setting)
    for made, situation in plans:
        also = apply_plan(made, situation, setting) if made.book is None else ""
        _remember(made, situation, also, told=batch.of(situation.row))
    take_as_copies([situation.row for _, situation in plans if situation.is_taken_over])
    copies.take_along(
        (at.row, at.dragged.target, made.push_again or at.dragged.lacks) for made, at in plans if at.dragged
    )
    _save(rows)
    unheard.settle(rows, {at.row.pk: at.heard_of for at in found if at.heard_of is not None})
    _answer(rows, asked)
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
        facts, told = situation.facts, news.of(row)
        if not told <= facts.series_told:
            facts = replace(facts, series_told=facts.series_told | told)
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


def _answer(rows: Sequence[GoogleEvent], asked: Mapping[int, str]) -> None:
    """Why each is planned again, if at all. What a person decided since it was read (`asked`) stays to be done."""
    changed: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in rows:
        if row.replan != asked[row.pk]:
            changed[asked[row.pk], row.replan].append(row.pk)
    for (was, now), pks in changed.items():
        GoogleEvent.objects.filter(pk__in=pks, replan=was).update(replan=now)


def _spend_decisions(plans: Sequence[tuple[Plan, Situation]]) -> None:
    """To keep an appointment is decided about one end of it: the event that lives again may end it another time."""
    keeps = (GoogleEvent.Decision.KEEP, GoogleEvent.Decision.RESTORED)
    spent = [at.row.pk for made, at in plans if at.row.decision in keeps and not (made.is_kept or made.waits)]
    if spent:
        GoogleEvent.objects.filter(pk__in=spent, decision__in=keeps).update(decision="", decided_by=None)


def _remember(made: Plan, situation: Situation, also: str, *, told: frozenset[str]) -> None:
    """Write the plan on its row: what staff see, and what both sides now agree on. `told`: what was told of its series,
    for one that is planned once more.
    """
    row, observed = situation.row, situation.observed
    # What was said of it stands, but for what it is no more.
    is_stale = row.outcome == GoogleEvent.Outcome.CANCELLED or row.reason == READ_ONLY
    reason = made.reason or ("" if is_stale else row.reason) or "Linked to its appointment."
    row.reason = f"{reason} {also}".strip()[:500]
    if observed.is_private and situation.facts.private_events != PrivateEvents.NORMAL:
        # The one that stays from before it turned private, too.
        row.reason = without_addresses(row.reason)
    row.series_told = sorted({*row.series_told, *told}) if made.waits or made.join else []
    if made.waits:
        return
    row.outcome, row.blocks, row.colour, row.outline = made.outcome, made.blocks, made.colour, made.outline
    row.is_silent = row.is_silent if made.is_silent is None else made.is_silent
    # Who joined looks at the appointment as its own with the next sweep: its guests may be others by now.
    row.planned_etag, row.replan = row.etag, GoogleEvent.Replan.MEETING if made.join else ""
    row.error, row.attempts, row.not_before = "", 0, None
    _remember_where(made, situation)
    if made.agrees and row.appointment is not None:
        row.agreed_etag = row.etag
        row.agreed_cancelled = observed.is_cancelled
        if not observed.is_cancelled:
            row.agreed_starts_at, row.agreed_ends_at = observed.starts_at, observed.ends_at
            row.agreed_words = [observed.words.prints, (made.words or words_of(row.appointment)).prints]


def _remember_where(made: Plan, situation: Situation) -> None:
    """That it is gone, or is left to its person, which holds wherever they drag it."""
    row = situation.row
    if made.outcome == GoogleEvent.Outcome.CANCELLED:
        row.gone_at = row.seen_at
    elif row.appointment is None or not row.appointment.is_void:
        row.is_left = False
    elif not situation.facts.is_conflict_calendar:
        # In a calendar that is only read nothing is ever removed: there it says what it said where it came from.
        row.is_left = not made.push_again
