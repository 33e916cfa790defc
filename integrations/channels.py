"""Push channels: Google's promise to tell us of changes. What is open is brought to what is wanted.

A channel is wanted for each calendar that is read, while this site has an https address of its own. It is never
needed: without one, and where Google refuses, changes are found by asking (N6, N11).
"""

import hashlib
import logging
import random
import re
import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from integrations.google.answers import CHANNEL_REASONS
from integrations.google.client import CalendarClient, client_for
from integrations.google.errors import GoogleError, Reconnect, Refused, TryLater
from integrations.models import Channel, GoogleAccount, GoogleCalendar
from integrations.signals import calendar_changed

logger = logging.getLogger(__name__)

# Google's own default, asked for in words so that it is the same everywhere (N1).
LIFE = timedelta(days=7)
RENEW_BEFORE = timedelta(days=1)
# A call to Google is over by then, whatever became of it.
ANSWER_IS_LOST = timedelta(minutes=2)
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=10), timedelta(days=1)
# How long a limit that names no time of its own stops the account.
LIMIT_WAIT = timedelta(minutes=1)
# Each costs a request or two; what is left waits for the next sweep.
MOST_A_SWEEP = 2000
ID = re.compile(r"[0-9a-f]{32}")
NUMBER = re.compile(r"[0-9]{1,18}")

State = Channel.State


# --- what is wanted ---


def is_possible() -> bool:
    """Google sends to https alone."""
    return bool(settings.PUBLIC_BASE_URL.startswith("https://"))


def address() -> str:
    """Where Google's messages arrive."""
    return f"{settings.PUBLIC_BASE_URL}{reverse('integrations:notify')}"


def pull_interval(*, has_channel: bool) -> timedelta:
    """How often a calendar is asked for changes, with a channel that tells of them or without."""
    if has_channel:
        return max(settings.PULL_INTERVAL, settings.PULL_INTERVAL_WITH_CHANNEL)
    interval: timedelta = settings.PULL_INTERVAL
    return interval


def unsettled(now: datetime) -> QuerySet[GoogleCalendar]:
    """Calendars whose channels are not as wanted, of accounts that work: the others' run out by themselves."""
    channels = Channel.objects.filter(google_calendar=OuterRef("pk"))
    wanted = Q(next_pull_at__isnull=False, gone_at=None) if is_possible() else Q(pk__in=[])
    replaced = Exists(channels.filter(_may_stop(now), state=State.ENDING)) & Exists(channels.telling(now))
    return GoogleCalendar.objects.filter(
        Q(account__not_before=None) | Q(account__not_before__lte=now),
        (wanted & (~Exists(channels.filter(_settled(now))) | replaced))
        | (~wanted & Exists(channels.filter(_may_stop(now)))),
        account__state=GoogleAccount.State.CONNECTED,
    )


def _settled(now: datetime) -> Q:
    """Nothing is to be opened beside such a channel."""
    return Q(address=address()) & (
        Q(state=State.OPEN, renew_at__gt=now)
        | Q(state=State.OPENING, asked_at__gt=now - ANSWER_IS_LOST)
        | Q(state=State.FAILED, not_before__gt=now)
    )


def _may_stop(now: datetime) -> Q:
    return ~Q(resource_id="") & (~Q(state=State.ENDING) | Q(not_before=None) | Q(not_before__lte=now))


# --- bringing it about ---


def forget_expired(now: datetime) -> None:
    """Google sends nothing on these any more."""
    Channel.objects.filter(expires_at__lte=now).delete()


def keep(google_calendar_id: int, now: datetime) -> None:
    """Open, renew or stop this calendar's channels, as wanted. What fails is on the channel's row, with its wait."""
    due = unsettled(now).select_related("account").filter(pk=google_calendar_id)
    google_calendar = due.first()
    if google_calendar is None:
        return
    own = google_calendar.channels
    is_wanted = is_possible() and google_calendar.next_pull_at is not None and google_calendar.gone_at is None
    _take_up(google_calendar, now)
    if not is_wanted:
        own.filter(state=State.OPEN).update(state=State.ENDING)
    try:
        with client_for(google_calendar.account) as client:
            if is_wanted and not own.filter(_settled(now)).exists():
                open_channel(google_calendar, client, now)
            # N7: the old one goes on until the new one is proven to reach us.
            if not is_wanted or own.telling(now).exists():
                for channel in own.filter(_may_stop(now), state=State.ENDING):
                    stop_channel(channel, client, now)
    except GoogleError as error:
        logger.info("Channels of Google calendar %d wait: %s", google_calendar.pk, type(error).__name__)


def _take_up(google_calendar: GoogleCalendar, now: datetime) -> None:
    """What a dead worker or a lost answer left: open if its messages arrive, else to be asked for anew."""
    left = Q(state=State.OPENING, asked_at__lte=now - ANSWER_IS_LOST) | Q(state=State.FAILED)
    for channel in google_calendar.channels.filter(left):
        if channel.resource_id:
            _opened(channel, now)
        elif channel.state == State.OPENING:
            _failed(channel, "Google's answer was lost.", now)


def open_channel(google_calendar: GoogleCalendar, client: CalendarClient, now: datetime) -> Channel | None:
    """A new channel of this calendar; the one before ends once this one works. None: another worker opens it.

    Refusals and failures stay on its row, in words, and never touch the connection (N11). Raises Reconnect.
    """
    secret = secrets.token_urlsafe(32)
    channel = _asked_for(google_calendar, secret, now)
    if channel is None:
        return None
    try:
        answer = client.watch(
            google_calendar.google_id,
            channel_id=channel.channel_id,
            address=channel.address,
            token=secret,
            life=LIFE,
        )
    except Reconnect:
        channel.delete()
        raise
    except GoogleError as error:
        # The answer alone may be lost: what its messages have named by now is open.
        named = Channel.objects.filter(pk=channel.pk).exclude(resource_id="").first()
        return named if named and _opened(named, now) else _failed(channel, _words(error), now, error)
    channel.resource_id = answer.resource_id
    channel.expires_at = answer.expires_at or channel.expires_at
    if not _opened(channel, now):
        # Disconnected, or no longer read, while Google answered.
        client.stop(channel.channel_id, answer.resource_id)
    return channel


def _asked_for(google_calendar: GoogleCalendar, secret: str, now: datetime) -> Channel | None:
    """The row, stored before Google is asked: its first message may be quicker than its answer (N2)."""
    failed = google_calendar.channels.filter(state=State.FAILED)
    try:
        with transaction.atomic():
            attempts = max(failed.values_list("attempts", flat=True), default=0)
            failed.delete()
            return Channel.objects.create(
                google_calendar=google_calendar,
                channel_id=uuid.uuid4().hex,
                token_digest=_digest(secret),
                address=address(),
                asked_at=now,
                expires_at=now + LIFE,
                attempts=attempts,
            )
    except IntegrityError:
        return None


def _opened(channel: Channel, now: datetime) -> bool:
    """`channel` takes the place of the open one. False: its row was let go meanwhile."""
    life = channel.expires_at - now
    # Spread, so that channels opened together are not renewed together.
    early = min(RENEW_BEFORE, life / 4) * random.uniform(1, 1.25)  # noqa: S311 (spreads load; guards nothing)
    with transaction.atomic():
        row = Channel.objects.select_for_update().filter(
            pk=channel.pk, state__in=[State.OPENING, State.FAILED]
        )
        if not row.exists():
            return False
        Channel.objects.filter(google_calendar=channel.google_calendar_id, state=State.OPEN).update(
            state=State.ENDING
        )
        row.update(
            state=State.OPEN,
            resource_id=channel.resource_id,
            opened_at=now,
            expires_at=channel.expires_at,
            renew_at=channel.expires_at - early,
            attempts=0,
            not_before=None,
            last_error="",
        )
    channel.refresh_from_db()
    return True


def _failed(channel: Channel, words: str, now: datetime, error: GoogleError | None = None) -> Channel:
    channel.attempts += 1
    channel.not_before = now + _wait(channel.attempts, error)
    channel.last_error = words[:500]
    # Its messages are still taken: the first of them says that it is open after all.
    channel.state = State.FAILED if channel.state == State.OPENING else channel.state
    # Not save(): a row let go meanwhile stays gone.
    Channel.objects.filter(pk=channel.pk).update(
        state=channel.state,
        attempts=channel.attempts,
        not_before=channel.not_before,
        last_error=channel.last_error,
    )
    if isinstance(error, TryLater) and error.is_limit:
        # It is the person's, for whatever was asked (Q3); what failed before with this channel is not.
        until = now + max(error.after or timedelta(0), LIMIT_WAIT)
        stopped = GoogleAccount.objects.filter(Q(not_before=None) | Q(not_before__lt=until))
        stopped.filter(calendars=channel.google_calendar_id).update(
            not_before=until, last_error=channel.last_error
        )
    return channel


def _wait(attempts: int, error: GoogleError | None) -> timedelta:
    doubled: timedelta = min(FIRST_WAIT * 2 ** min(attempts - 1, 10), LONGEST_WAIT)
    if isinstance(error, Refused) and error.reason != "channelIdNotUnique":
        doubled = LONGEST_WAIT
    asked = error.after if isinstance(error, TryLater) else None
    spread: timedelta = doubled * random.uniform(0.9, 1.1)  # noqa: S311 (spreads load; guards nothing)
    return max(spread, asked or timedelta(0))


def _words(error: GoogleError) -> str:
    if isinstance(error, Refused) and error.reason.startswith(CHANNEL_REASONS):
        return f"Google does not send notices to this site's address ({error.reason})."
    return error.why or type(error).__name__


def stop_channel(channel: Channel, client: CalendarClient, now: datetime) -> None:
    """`channel` is over and its row gone. What Google cannot do now waits on the row. Raises Reconnect."""
    try:
        client.stop(channel.channel_id, channel.resource_id)
    except TryLater as error:
        _failed(channel, error.why, now, error)
        return
    except Refused as error:
        # Nobody can stop it then; it runs out, and its messages find no row.
        logger.warning("Google would not stop a channel: %s", error.reason)
    channel.delete()


def stop_channels(account: GoogleAccount) -> None:
    """Before the grant is given back (N8, A9), as far as Google lets us: what is left runs out. Never raises."""
    held = Channel.objects.filter(google_calendar__account=account).exclude(resource_id="")
    channels = list(held)
    if not channels:
        return
    try:
        with client_for(account) as client:
            for channel in channels:
                client.stop(channel.channel_id, channel.resource_id)
    except GoogleError as error:
        logger.info("Channels of Google account %s run out: %s", account.pk, type(error).__name__)


# --- messages ---


def receive(headers: Mapping[str, str], now: datetime) -> int | None:
    """The primary key of the calendar that this message of Google's is about; None: it is not Google's.

    The calendar is due from now on, and calendar_changed is sent after commit, unless that is so already. A number
    that is not above the last one belongs to a message that was acted upon (N3).
    """
    channel = _sender(headers)
    if channel is None:
        return None
    with transaction.atomic():
        is_news = _note(channel, headers, now) and headers.get("X-Goog-Resource-State") != "sync"
        if is_news and _make_due(channel.google_calendar_id, now):
            news = partial(
                calendar_changed.send_robust,
                sender=GoogleCalendar,
                google_calendar_id=channel.google_calendar_id,
            )
            transaction.on_commit(news)
    return channel.google_calendar_id


def _sender(headers: Mapping[str, str]) -> Channel | None:
    """The channel that this message proves to come from (N4): id, secret, and resource once we know it."""
    channel_id = headers.get("X-Goog-Channel-ID", "")
    if not ID.fullmatch(channel_id):
        return None
    channel = Channel.objects.filter(channel_id=channel_id).first()
    token = headers.get("X-Goog-Channel-Token", "")
    resource = headers.get("X-Goog-Resource-ID", "")
    if channel is None or not constant_time_compare(_digest(token), channel.token_digest):
        return None
    if channel.resource_id and not constant_time_compare(resource, channel.resource_id):
        return None
    return channel


def _note(channel: Channel, headers: Mapping[str, str], now: datetime) -> bool:
    """Whether this message is newer than all before it."""
    number = headers.get("X-Goog-Message-Number", "")
    seen = {"last_message_at": now}
    rows = Channel.objects.filter(pk=channel.pk)
    resource = headers.get("X-Goog-Resource-ID", "")
    if not channel.resource_id and len(resource) <= 255:
        # Quicker than Google's answer to us, which may yet be lost: from here on the channel can be stopped.
        rows.filter(resource_id="").update(resource_id=resource, not_before=None)
    if not NUMBER.fullmatch(number):
        return bool(rows.update(**seen))
    return bool(
        rows.filter(last_message_number__lt=int(number)).update(last_message_number=int(number), **seen)
    )


def _make_due(google_calendar_id: int, now: datetime) -> bool:
    """Many messages, one pull: a calendar that waits for its pull is left alone.

    One that is being pulled is asked for once more, because the change may have missed that pull. A wait that follows
    a failure is not cut short.
    """
    return bool(
        GoogleCalendar.objects.filter(
            Q(next_pull_at__gt=now) | Q(claimed_until__gt=now, next_pull_at__isnull=False),
            pk=google_calendar_id,
            failures=0,
        ).update(next_pull_at=now)
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
