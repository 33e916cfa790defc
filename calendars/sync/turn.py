"""One writer per Google calendar (Q5): whoever takes the turn pulls, reconciles and pushes it, in order.

The claim is one conditional update and ends by itself if its worker dies.
"""

import logging
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q

from calendars.models import GoogleEvent, PushTarget, SyncRun
from calendars.sync import backoff, unheard
from calendars.sync.pull import LetGo, Pull, pull
from calendars.sync.push import Pushed, push
from calendars.sync.reconcile import Done, reconcile
from calendars.sync.setting import setting_for
from integrations import channels
from integrations.connecting import refresh_calendars
from integrations.google.client import client_for
from integrations.google.errors import Gone, GoogleError, Reconnect, Refused, TryLater
from integrations.models import Channel, GoogleAccount, GoogleCalendar

logger = logging.getLogger(__name__)

CLAIM = timedelta(minutes=10)
KEEP_SECONDS = 60
# Web and worker may run on two machines: what one calls due now must not be early to the other.
CLOCKS_DIFFER = timedelta(seconds=5)
# What Google refused at the level of a whole calendar is asked again after this.
REFUSED_WAIT = timedelta(hours=1)
# To the person whose account it is.
ASK_FOR_ACCESS = (
    "Look at Google whether this account may still see it, or choose another one in Settings, Profile."
)
OUR_FAULT = "Something went wrong in Tandem itself. Its operators are told, and it is tried again by itself."


@dataclass
class Turn:
    """What one turn did, for tests and for the person who watches a run. `taken`: False when another worker had it."""

    google_calendar: GoogleCalendar | None = None
    taken: bool = False
    pulled: Pull | None = None
    reconciled: list[Done] = field(default_factory=list)
    pushed: list[Pushed] = field(default_factory=list)
    error: str = ""
    # Somebody asked for a pull while this turn had the calendar; what it told of may have missed this turn's list.
    is_wanted_again: bool = False
    # Google calendars of the person, due by now: a deletion seen here may be a move to another one, and back.
    asks: list[int] = field(default_factory=list)

    @property
    def has_failed(self) -> bool:
        return bool(
            self.error
            or any(done.failed for done in self.reconciled)
            or any(pushed.failed for pushed in self.pushed)
        )


def take_turn(
    google_calendar_id: int,
    now: datetime,
    *,
    pulls: bool = False,
    full: bool = False,
    pushes: bool = True,
    if_due: bool = False,
) -> Turn:
    """Pull (if asked), reconcile and push one Google calendar. Errors of Google end the turn and are kept on rows.

    `if_due`: only where its next pull has come, so that of several tasks for one calendar the first does the work.
    """
    rows = GoogleCalendar.objects.filter(pk=google_calendar_id)
    claim = Claim(google_calendar_id, now)
    if not claim.take(Q(next_pull_at__lte=now + CLOCKS_DIFFER) if if_due else Q()):
        return Turn()
    found = _looked_up(google_calendar_id, now)
    google_calendar, account = found.google_calendar, found.google_calendar.account
    # A limit belongs to the person: whichever calendar met it, all of the account's wait.
    waits = account.not_before is not None and account.not_before > now
    works = account.is_connected and not waits
    # Of what nobody reads any more nothing is read, whoever still asks for it.
    pulls = pulls and google_calendar.next_pull_at is not None
    pushes = pushes and works and found.has_unpushed
    turn = Turn(google_calendar, taken=True)
    if pulls and waits:
        turn.error = f"waits until {account.not_before:%H:%M} UTC: {account.last_error}"
    goes_on = True
    try:
        if pulls and works:
            ends_turn = not (found.has_unplanned or pushes)
            goes_on = _pull(turn, found, now, claim, full=full, ends_turn=ends_turn)
        if goes_on and (found.has_unplanned or (turn.pulled and turn.pulled.found_something)):
            _reconcile(turn, google_calendar, now, claim)
        if goes_on and pushes:
            _push(turn, google_calendar, now, claim)
    except Exception:
        # A fault of ours. It waits like Google's, or every sweep would meet it anew.
        _postpone(google_calendar, OUR_FAULT, backoff.wait(google_calendar.failures + 1), now)
        raise
    finally:
        if google_calendar.claimed_until is not None:
            claim.release()
    if not turn.error and google_calendar.claimed_until is not None:
        # Only after the claim is given back: who asks from here on finds the calendar free, and wakes a worker.
        asked = ~Q(next_pull_at=google_calendar.next_pull_at)
        if works and not pulls:
            # Whoever came to pull it meanwhile found it taken.
            asked |= Q(next_pull_at__lte=now)
        turn.is_wanted_again = rows.filter(asked, next_pull_at__isnull=False).exists()
    return turn


class Claim:
    """The right to work on one Google calendar, for as long as its worker lives."""

    def __init__(self, google_calendar_id: int, now: datetime) -> None:
        self.rows = GoogleCalendar.objects.filter(pk=google_calendar_id)
        self.now, self.until = now, now + CLAIM
        self.taken_at = self.kept_at = time.monotonic()

    def take(self, condition: Q) -> bool:
        free = Q(claimed_until=None) | Q(claimed_until__lte=self.now)
        return bool(self.rows.filter(free, condition).update(claimed_until=self.until))

    def keep(self) -> None:
        """Called as the work goes on: a long turn claims anew each minute, so that a first import is not taken over."""
        if time.monotonic() - self.kept_at < KEEP_SECONDS:
            return
        self.kept_at = time.monotonic()
        until = self.now + CLAIM + timedelta(seconds=self.kept_at - self.taken_at)
        self.rows.filter(claimed_until=self.until).update(claimed_until=until)
        self.until = until

    def held(self) -> Q:
        """True of the row as long as this worker has it."""
        return Q(claimed_until=self.until)

    def release(self) -> None:
        """Give it back, unless another worker has it by now."""
        self.rows.filter(claimed_until=self.until).update(claimed_until=None)


@dataclass(frozen=True, slots=True)
class Found:
    """What a turn meets: events to plan, appointments to push, a channel that tells of changes, a pull that broke
    off, a deletion or a no of ours that may have come through.
    """

    google_calendar: GoogleCalendar
    has_unplanned: bool
    has_unpushed: bool
    has_channel: bool
    follows_break: bool
    has_unheard_end: bool


def _looked_up(pk: int, now: datetime) -> Found:
    """One statement: most pulls find nothing, and those cost five in all."""
    mine = OuterRef("pk")
    unplanned = GoogleEvent.objects.unplanned(now).filter(google_calendar=mine)
    unpushed = PushTarget.objects.due(now).filter(google_calendar=mine)
    telling = Channel.objects.telling(now).filter(google_calendar=mine)
    broken = SyncRun.objects.filter(google_calendar=mine, state=SyncRun.State.RUNNING)
    row: Any = (
        GoogleCalendar.objects.select_related("account__user")
        .annotate(
            has_unplanned=Exists(unplanned),
            has_unpushed=Exists(unpushed),
            has_channel=Exists(telling),
            follows_break=Exists(broken),
            has_unheard_end=Exists(PushTarget.objects.behind().filter(google_calendar=mine, tried_end=True)),
        )
        .get(pk=pk)
    )
    return Found(
        row,
        has_unplanned=row.has_unplanned,
        has_unpushed=row.has_unpushed,
        has_channel=row.has_channel,
        follows_break=row.follows_break,
        has_unheard_end=row.has_unheard_end,
    )


def _refresh_list_nightly(google_calendar: GoogleCalendar, now: datetime) -> None:
    """Before the night's full pull: access, name and zone of the account's calendars may have changed (N9)."""
    if google_calendar.next_full_at is None or google_calendar.next_full_at > now:
        return
    _refresh_list(google_calendar.account)
    google_calendar.refresh_from_db(fields=["summary", "time_zone", "access_role", "gone_at"])


def _refresh_list(account: GoogleAccount) -> None:
    """What it cannot tell now is told the next night: the list never stops a pull."""
    try:
        refresh_calendars(account)
    except GoogleError as error:
        logger.info("Calendars of Google account %d not listed: %s", account.pk, type(error).__name__)


def _make_due(google_calendar: GoogleCalendar, now: datetime) -> list[int]:
    """What a deletion that may be a move waits for, due now: the person's other calendars not pulled since, and once
    they are, this one again. One whose last pull failed keeps its wait.
    """
    connected = GoogleCalendar.objects.filter(
        account__user=google_calendar.account.user_id,
        account__state=GoogleAccount.State.CONNECTED,
        next_pull_at__isnull=False,
    )
    older = connected.filter(Q(last_pull_at=None) | Q(last_pull_at__lt=google_calendar.last_pull_at or now))
    asked = older.exclude(pk=google_calendar.pk)
    if not asked.exists():
        asked = connected.filter(pk=google_calendar.pk)
    asked = asked.filter(next_pull_at__gt=now, failures=0)
    pks = list(asked.values_list("pk", flat=True))
    GoogleCalendar.objects.filter(pk__in=pks).update(next_pull_at=now)
    return pks


def _pull(turn: Turn, found: Found, now: datetime, claim: Claim, *, full: bool, ends_turn: bool) -> bool:
    """Whether it went well; a list that failed ends the turn."""
    google_calendar = found.google_calendar
    try:
        _refresh_list_nightly(google_calendar, now)
        with client_for(google_calendar.account) as client:
            turn.pulled = pull(
                google_calendar,
                client,
                now,
                full=full,
                ends_turn=ends_turn,
                follows_break=found.follows_break,
                interval=channels.pull_interval(has_channel=found.has_channel),
                progress=claim.keep,
                held=claim.held,
            )
            if found.has_unheard_end:
                unheard.ask_since_when(google_calendar, client)
    except GoogleError as error:
        turn.error = _remember_failed_pull(google_calendar, error, now)
        return False
    except LetGo:
        return False
    if google_calendar.gone_at is not None:
        # It answers, so it is there: the list says what it is by now.
        _refresh_list(google_calendar.account)
    return True


def _reconcile(turn: Turn, google_calendar: GoogleCalendar, now: datetime, claim: Claim) -> None:
    for done in reconcile(google_calendar, now):
        claim.keep()
        turn.reconciled.append(done)
    if any(done.waits for done in turn.reconciled):
        turn.asks = _make_due(google_calendar, now)


def _push(turn: Turn, google_calendar: GoogleCalendar, now: datetime, claim: Claim) -> None:
    try:
        with client_for(google_calendar.account) as client:
            setting = setting_for(google_calendar, now)
            for pushed in push(google_calendar, client, setting, now):
                claim.keep()
                turn.pushed.append(pushed)
            if any(one.changed for one in turn.pushed):
                # The other side changed between the look and the write: plan that, then push what still differs.
                turn.reconciled += reconcile(google_calendar, now)
                turn.pushed += push(google_calendar, client, setting, now)
    except GoogleError as error:
        turn.error = _remember_failed_push(google_calendar, error, now)


def _remember_failed_pull(google_calendar: GoogleCalendar, error: GoogleError, now: datetime) -> str:
    """Keep the error in words, and when to try again: temporary is not dead, and dead is paused already."""
    if isinstance(error, Refused) and error.reason == "notFound":
        # 404 is ambiguous (W14): the list says whether the calendar is still this person's.
        _refresh_list(google_calendar.account)
    asked = error.after if isinstance(error, TryLater) else None
    wait = backoff.wait(google_calendar.failures + 1, asked)
    words = _words(google_calendar, error)
    if isinstance(error, Refused | Gone):
        wait = REFUSED_WAIT
        GoogleCalendar.objects.filter(pk=google_calendar.pk, refused_at=None).update(refused_at=now)
    if isinstance(error, Refused) and error.lacks_access:
        words = f"{words} {ASK_FOR_ACCESS}"
    _postpone(google_calendar, words, wait, now)
    _tell_account(google_calendar, error, words, now + wait)
    return words


def _remember_failed_push(google_calendar: GoogleCalendar, error: GoogleError, now: datetime) -> str:
    """Only in words, and the account's wait: pulls go on at their own pace, and the targets wait on their rows."""
    account = google_calendar.account
    words = _words(google_calendar, error)
    asked = error.after if isinstance(error, TryLater) else None
    _tell_account(google_calendar, error, words, now + backoff.wait(account.failures + 1, asked))
    return words


def _words(google_calendar: GoogleCalendar, error: GoogleError) -> str:
    if not isinstance(error, TryLater | Reconnect):
        logger.error("Google calendar %d: %s", google_calendar.pk, type(error).__name__)
    return error.why or type(error).__name__


def _postpone(google_calendar: GoogleCalendar, words: str, wait: timedelta, now: datetime) -> None:
    GoogleCalendar.objects.filter(pk=google_calendar.pk, next_pull_at__isnull=False).update(
        failures=F("failures") + 1, last_error=words[:500], next_pull_at=now + wait
    )


def _tell_account(google_calendar: GoogleCalendar, error: GoogleError, words: str, until: datetime) -> None:
    account = GoogleAccount.objects.filter(pk=google_calendar.account_id)
    account.update(failures=F("failures") + 1, last_error=words[:500])
    if isinstance(error, TryLater) and error.is_limit:
        # A quota belongs to the person, so every calendar of the account waits.
        account.update(not_before=until)
