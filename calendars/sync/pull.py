"""Pages → GoogleEvent rows, in bulk; keeps the sync token.

The token is stored with the effects of its last page, in one transaction, so a crash reads again and loses
nothing. A full pull is mark and sweep: rows keep their links, and a linked row that was not listed is asked for by
its id before anything follows from its absence.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Concat

from calendars.models import GoogleEvent, SyncRun
from calendars.models.google import GoogleEventQuerySet
from calendars.sync import bulk, setting, spreading
from calendars.sync.asking import ask_for
from calendars.sync.new_ids import take_new_ids
from calendars.sync.observation import MISSING, OBSERVED, PRIVATE, SERIES, TOMBSTONE, columns, takes_time
from integrations.google.client import CalendarClient, EventPage
from integrations.google.errors import PullInFull, Refused
from integrations.google.events import RemoteEvent, Unreadable
from integrations.models import GoogleAccount, GoogleCalendar

logger = logging.getLogger(__name__)

# What Google cannot tell of is asked for again after this, once; then with the night's full pull.
UNANSWERED_WAIT = timedelta(hours=1)
UNANSWERED = "Google could not tell of this event just now. It is asked for again by itself."
# Well below the requests that an account may make in a minute.
ASKED_AT_ONCE = 50


def pull(
    google_calendar: GoogleCalendar,
    client: CalendarClient,
    now: datetime,
    *,
    full: bool = False,
    ends_turn: bool = False,
    follows_break: bool = False,
    progress: Callable[[], None] = lambda: None,
    held: Callable[[], Q] = Q,
    interval: timedelta | None = None,
) -> "Pull":
    """Read what changed (or everything, when the token is missing, dead, or a day old) into observations.

    `interval`: until the next one, PULL_INTERVAL where it is None. The caller holds the calendar's claim, and `held`
    says what is true as long as it does; with `ends_turn` a pull that finds nothing gives it back along with the token;
    `follows_break`: an earlier one broke off (`SyncRun` still running); `progress` is called as it goes on.
    Raises what the client raises, but PullInFull, and LetGo; then the token is as it was.
    """
    begin = partial(Pull, google_calendar, client, now, held=held, interval=interval)
    anchored = google_calendar.next_full_at is not None and google_calendar.next_full_at > now
    if not full and anchored and google_calendar.sync_token:
        try:
            return begin(is_full=False, ends_turn=ends_turn, follows_break=follows_break).run(progress)
        except PullInFull:
            logger.info("Sync token of Google calendar %d is dead; pulling in full.", google_calendar.pk)
    return begin(is_full=True).run(progress)


class LetGo(Exception):
    """The calendar was disconnected, or another worker has it, since its pull began: nothing more is kept of it."""


class Pull:
    """One pull of one Google calendar."""

    def __init__(
        self,
        google_calendar: GoogleCalendar,
        client: CalendarClient,
        now: datetime,
        *,
        is_full: bool,
        ends_turn: bool = False,
        follows_break: bool = False,
        held: Callable[[], Q] = Q,
        interval: timedelta | None = None,
    ) -> None:
        self.google_calendar = google_calendar
        self.client = client
        self.now = now
        self.is_full = is_full
        # Nothing of it was read before, or all was given up (disconnected, unlinked).
        self.starts_anew = is_full and not google_calendar.sync_token
        self.ends_turn = ends_turn
        self.follows_break = follows_break
        self.held = held
        self.interval = interval or settings.PULL_INTERVAL
        self.pages = self.events = self.found = 0
        self.aside: set[str] = set()
        # Events that Google did not answer about.
        self.unanswered: list[str] = []
        self.asks_soon = False
        if is_full:
            self.window = (now - settings.SYNC_WINDOW_PAST, now + settings.SYNC_WINDOW_AHEAD)
        else:
            self.window = (
                google_calendar.window_starts_at or now - settings.SYNC_WINDOW_PAST,
                google_calendar.window_ends_at or now + settings.SYNC_WINDOW_AHEAD,
            )

    @cached_property
    def record(self) -> SyncRun:
        """The row that tells of this pull; made when there is something to tell."""
        kind = SyncRun.Kind.FULL if self.is_full else SyncRun.Kind.INCREMENTAL
        return SyncRun.objects.create(google_calendar=self.google_calendar, kind=kind, started_at=self.now)

    @cached_property
    def keeps_private(self) -> bool:
        return setting.keeps_private(setting.ruling(self.google_calendar))

    @property
    def found_something(self) -> bool:
        """Whether any row may differ from what was known before."""
        return self.is_full or self.follows_break or self.found > 0

    def run(self, progress: Callable[[], None] = lambda: None) -> "Pull":
        """Do it; `progress` is called after each page but the last, and before each event asked for by its id."""
        for page in self._pages():
            if page.next_sync_token:
                self._finish(page, progress)
                return self
            self._keep(page)
            progress()
        raise Refused("Google ended the list without a sync token.", "noSyncToken")

    def _pages(self) -> Iterable[EventPage]:
        if self.is_full:
            return self.client.list_events(
                self.google_calendar.google_id,
                starts_at=self.window[0],
                ends_at=self.window[1],
                time_zone=self.google_calendar.time_zone,
            )
        return self.client.list_events(
            self.google_calendar.google_id,
            sync_token=self.google_calendar.sync_token,
            time_zone=self.google_calendar.time_zone,
        )

    def _finish(self, page: EventPage, progress: Callable[[], None]) -> None:
        """The last page: its rows and the token in one transaction. Events asked for one by one, which may break off,
        come between the two: one that became a series is not gone, as the list tells.
        """
        listed = [event.google_id for event in page.events] + [bad.google_id for bad in page.unreadable]
        doubtful = self._doubtful(listed)
        self.found += len(doubtful)
        if not (self.found_something or listed):
            self._store_token(page.next_sync_token)
            return
        if doubtful:
            self._keep(page)
            self._settle(doubtful, progress)
        with transaction.atomic():
            self._check_is_read()
            if not doubtful:
                self._write(page)
            if self.is_full:
                self._sweep(listed)
            self._forgive()
            self._tell_of_unanswered()
            if self.starts_anew:
                self._resume()
            self._store_token(page.next_sync_token)

    def _keep(self, page: EventPage) -> None:
        with transaction.atomic():
            self._check_is_read()
            self._write(page)

    def _check_is_read(self) -> None:
        """Raises LetGo. Who lets the calendar go after this waits until the transaction ends, and forgets it all."""
        rows = GoogleCalendar.objects.select_for_update(no_key=True).filter(
            self.held(),
            pk=self.google_calendar.pk,
            sync_token=self.google_calendar.sync_token,
            next_pull_at__isnull=self.google_calendar.next_pull_at is None,
        )
        if not rows.exists():
            raise LetGo

    def _write(self, page: EventPage) -> None:
        self.pages += 1
        self.events += len(page.events)
        self.found += len(page.events) + len(page.unreadable)
        take_new_ids(self.google_calendar, page.events)
        inside = [event for event in page.events if self._is_inside(event)]
        # The window does not roll (S6): what lies outside is followed only if it was known already.
        outside = [event for event in page.events if not event.is_cancelled and not self._is_inside(event)]
        self._observe([*inside, *self._known(outside)])
        self._bury([event for event in page.events if event.is_cancelled])
        self._supersede({event.recurring_event_id for event in inside} - {""})
        self._set_aside(page.unreadable)

    def _is_inside(self, event: RemoteEvent) -> bool:
        if event.is_cancelled or event.starts_at is None or event.ends_at is None:
            return False
        return event.ends_at > self.window[0] and event.starts_at < self.window[1]

    def _known(self, events: Sequence[RemoteEvent]) -> list[RemoteEvent]:
        if not events:
            return []
        ids = {event.google_id for event in events}
        rows = GoogleEvent.objects.filter(google_calendar=self.google_calendar, google_id__in=ids)
        known = set(rows.values_list("google_id", flat=True))
        return [event for event in events if event.google_id in known]

    def _observe(self, events: Sequence[RemoteEvent]) -> None:
        living = {event.google_id: event for event in events if event.starts_at is not None}
        if living:
            keeps = any(event.visibility in PRIVATE for event in living.values()) and self.keeps_private
            rows = (
                self._row(event, keeps_private=keeps) | {"blocks": takes_time(event)}
                for event in living.values()
            )
            self._upsert(rows, OBSERVED, raised=["blocks"])
        self._bury([event for event in events if event.starts_at is None])

    def _bury(self, tombstones: Sequence[RemoteEvent]) -> None:
        """Only etag and status are news; a tombstone may stand for a whole series, or for the single event that was
        made one: what this pull saw alive stays.
        """
        if not tombstones:
            return
        unique = {event.google_id: event for event in tombstones}
        self._upsert((self._row(event, keeps_private=False) for event in unique.values()), TOMBSTONE)
        self._end(GoogleEvent.objects.filter(recurring_event_id__in=unique).exclude(run=self.record), SERIES)

    def _supersede(self, series: Collection[str]) -> None:
        """A single event that was made to repeat goes on as its occurrences, and is no event itself any more."""
        if series:
            self._end(GoogleEvent.objects.filter(google_id__in=series), SERIES)

    def _end(self, rows: GoogleEventQuerySet, mark: str) -> None:
        """Those of `rows` in this calendar that were alive are no more; `mark` ends their etags, which are news so."""
        rows.filter(google_calendar=self.google_calendar).exclude(status="cancelled").update(
            status="cancelled", etag=Concat("etag", Value(mark)), seen_at=self.now
        )

    def _set_aside(self, unreadable: Sequence[Unreadable]) -> None:
        """One bad event never stops a page; it is visible with its reason."""
        if not unreadable:
            return
        # Those without an id are one row.
        once = {bad.google_id: bad for bad in unreadable}
        self.aside |= set(once)
        GoogleEvent.objects.bulk_create(
            [
                GoogleEvent(
                    google_calendar=self.google_calendar,
                    google_id=bad.google_id,
                    error=bad.why[:500],
                    reason="Google's answer could not be read.",
                    seen_at=self.now,
                    run=self.record,
                )
                for bad in once.values()
            ],
            update_conflicts=True,
            unique_fields=["google_calendar", "google_id"],
            update_fields=["error", "seen_at", "run"],
        )

    def _row(self, event: RemoteEvent, *, keeps_private: bool) -> dict[str, Any]:
        row = columns(event, keeps_private=keeps_private)
        row["google_id"] = event.google_id
        return row

    def _upsert(
        self, rows: Iterable[Mapping[str, Any]], fields: Sequence[str], raised: Sequence[str] = ()
    ) -> None:
        calendar = self.google_calendar.pk
        same = {"google_calendar_id": calendar, "seen_at": self.now, "run_id": self.record.pk}
        bulk.upsert(rows, same=same, update=[*fields, "seen_at", "run_id"], raised=raised)

    def _missing(self, listed: Sequence[str]) -> Q:
        """Rows whose last known time lies in the window and that this pull did not list. An appointment that started
        before the window is history and is never touched; a block goes on taking time."""
        since = Q(starts_at__gte=self.window[0]) | Q(appointment=None, ends_at__gt=self.window[0])
        return (
            since
            & Q(google_calendar=self.google_calendar, starts_at__lt=self.window[1])
            & ~Q(status="cancelled")
            & ~Q(run=self.record)
            & ~Q(google_id__in=listed)
        )

    def _doubtful(self, listed: Sequence[str]) -> list[str]:
        """Ids of rows that this pull should have told of: linked ones that a full pull missed, those that a pull saw
        that broke off, and what was inserted from here since the token. What was made and deleted since the token,
        Google need not list."""
        if self.is_full:
            rows = GoogleEvent.objects.filter(self._missing(listed), appointment__isnull=False)
            return list(rows.values_list("google_id", flat=True))
        unlisted = Q()
        if self.follows_break:
            unlisted |= Q(run__state=SyncRun.State.RUNNING) & ~Q(run=self.record)
        if self._was_pushed_to:
            unlisted |= Q(seen_at=None, appointment__isnull=False)
        if not unlisted:
            return []
        rows = GoogleEvent.objects.filter(unlisted, google_calendar=self.google_calendar)
        rows = rows.exclude(Q(status="cancelled") | Q(google_id__in=listed))
        return list(rows.values_list("google_id", flat=True))

    @property
    def _was_pushed_to(self) -> bool:
        """Since the token this pull began with, as far as the account tells."""
        pushed, pulled = self.google_calendar.account.last_push_at, self.google_calendar.last_pull_at
        return pushed is not None and (pulled is None or pushed >= pulled)

    def _settle(self, google_ids: Sequence[str], progress: Callable[[], None]) -> None:
        """Ask for each, and keep the answers as they come: of hundreds, a limit may end the pull before the last,
        and the next one goes on from there.
        """
        for start in range(0, len(google_ids), ASKED_AT_ONCE):
            asked = ask_for(
                google_ids[start : start + ASKED_AT_ONCE], self.google_calendar, self.client, progress
            )
            self.unanswered += asked.unanswered
            with transaction.atomic():
                self._check_is_read()
                take_new_ids(self.google_calendar, asked.found)
                self._observe(asked.found)
                gone = GoogleEvent.objects.filter(google_id__in=asked.gone)
                gone.filter(google_calendar=self.google_calendar, error=UNANSWERED).update(error="")
                self._end(gone, MISSING)

    def _sweep(self, listed: Sequence[str]) -> None:
        """What had no appointment and is not in a full list any more blocks no more."""
        self._end(GoogleEvent.objects.filter(self._missing(listed), appointment=None), MISSING)

    def _forgive(self) -> None:
        """What could not be read before and now could: also under the etag that it had."""
        rows = GoogleEvent.objects.failed().filter(
            google_calendar=self.google_calendar, run=self.record, attempts=0
        )
        rows.exclude(google_id__in=self.aside).update(error="")
        if self.is_full and "" not in self.aside:
            GoogleEvent.objects.filter(google_calendar=self.google_calendar, google_id="").delete()

    def _tell_of_unanswered(self) -> None:
        """It stays what it was, visible with why."""
        if self.unanswered:
            rows = GoogleEvent.objects.filter(
                google_calendar=self.google_calendar, google_id__in=self.unanswered
            )
            self.asks_soon = bool(rows.filter(error="").update(error=UNANSWERED))

    def _resume(self) -> None:
        """What came back as it was is planned again, to block again; it does not become something else."""
        back = GoogleEvent.objects.filter(
            google_calendar=self.google_calendar, run=self.record, planned_etag=F("etag")
        )
        back.exclude(planned_etag="").update(replan=GoogleEvent.Replan.RESUME)

    def _store_token(self, token: str) -> None:
        calendar = self.google_calendar
        fields: dict[str, Any] = {"sync_token": token, "last_pull_at": self.now}
        fields |= {"failures": 0, "last_error": "", "refused_at": None}
        if self.is_full:
            fields["window_starts_at"], fields["window_ends_at"] = self.window
            fields["next_full_at"] = spreading.next_night(self.now, calendar.time_zone)
        if self.asks_soon:
            fields["next_full_at"] = self.now + spreading.spread(UNANSWERED_WAIT)
        self._schedule(fields)
        for name, value in fields.items():
            setattr(calendar, name, value)
        account = GoogleAccount.objects.filter(pk=calendar.account_id)
        account.update(last_pull_at=self.now, failures=0, last_error="")
        if self.found_something:
            self.record.state, self.record.ended_at = SyncRun.State.DONE, self.now
            self.record.pages, self.record.events = self.pages, self.events
            self.record.save(update_fields=["state", "ended_at", "pages", "events"])
            # Pulls that broke off before: this one has told all that they had to tell.
            broken = SyncRun.objects.filter(google_calendar=calendar, state=SyncRun.State.RUNNING)
            broken.update(state=SyncRun.State.FAILED, ended_at=self.now)

    def _schedule(self, fields: dict[str, Any]) -> None:
        """Store `fields` and when to pull next, unless that was changed since this pull began: what asked for another
        pull may have missed this one. Raises LetGo as `_check_is_read` does, which a pull without news need not ask."""
        calendar = self.google_calendar
        rows = GoogleCalendar.objects.filter(self.held(), pk=calendar.pk, sync_token=calendar.sync_token)
        planned: dict[str, Any] = {"next_pull_at": self.now + spreading.spread(self.interval)}
        if self.ends_turn and not self.found_something:
            planned["claimed_until"] = None
        if rows.filter(next_pull_at=calendar.next_pull_at).update(**fields, **planned):
            fields |= planned
        elif not rows.update(**fields):
            raise LetGo
