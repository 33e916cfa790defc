"""What Settings → Integrations says of each account: how fresh, how busy, what is wrong."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Case, IntegerField, Value, When

from integrations.channels import is_possible, pull_interval
from integrations.google.oauth import ABILITIES, missing_scopes
from integrations.models import Channel, GoogleAccount, GoogleCalendar

# In pulls missed: up to the first all is well, from the second on the lag is loud.
LATE_AFTER, STALE_AFTER, FULL_METER = 2, 6, 12
# Google is asked every night which calendars there are.
LIST_IS_OLD_AFTER = datetime.timedelta(days=2)


@dataclass(frozen=True, slots=True)
class CalendarLine:
    """One calendar of the card, with how changes at Google reach us."""

    calendar: GoogleCalendar
    # The channel that tells of changes; None: they are found by asking.
    channel: Channel | None
    # How often it is asked.
    interval: datetime.timedelta
    # Why it is not told at once, in words; "" where it is.
    why: str

    @property
    def interval_words(self) -> str:
        seconds = round(self.interval.total_seconds())
        minutes = round(seconds / 60)
        if seconds < 60:
            return f"{seconds} seconds"
        return f"{minutes} minutes" if minutes > 1 else "minute"


@dataclass(frozen=True, slots=True)
class AccountCard:
    account: GoogleAccount
    calendars: Sequence[CalendarLine]
    # How often the calendar is asked that is asked least.
    interval: datetime.timedelta
    # What the person did not allow, in words.
    missing: tuple[str, ...]
    # Since the calendar that is furthest behind was pulled; None: nothing is read, or nothing was pulled yet.
    lag: datetime.timedelta | None
    read_count: int
    is_syncing: bool
    waits_until: datetime.datetime | None
    # When Google last told which calendars there are, where that is too long ago to be taken for true.
    old_list_of: datetime.datetime | None

    @property
    def is_live(self) -> bool:
        return self.account.state != GoogleAccount.State.DISCONNECTED

    @property
    def failing(self) -> list[GoogleCalendar]:
        """The calendars whose last pull failed, each with its own words and time of the next try."""
        return [
            line.calendar for line in self.calendars if line.calendar.failures and line.calendar.last_error
        ]

    @property
    def is_failing(self) -> bool:
        """Whether the last try to reach Google failed, and no limit of Google's is why."""
        return bool(self.failing or self.account.last_error) and self.waits_until is None

    @property
    def lag_minutes(self) -> int:
        return int(self.lag.total_seconds() // 60) if self.lag is not None else 0

    @property
    def late_minutes(self) -> int:
        return _minutes(LATE_AFTER, self.interval)

    @property
    def stale_minutes(self) -> int:
        return _minutes(STALE_AFTER, self.interval)

    @property
    def full_minutes(self) -> int:
        return _minutes(FULL_METER, self.interval)

    @property
    def lag_state(self) -> str:
        """fresh, late or stale; "" where nothing is read."""
        if self.lag is None:
            return ""
        if self.lag_minutes < self.late_minutes:
            return "fresh"
        return "late" if self.lag_minutes < self.stale_minutes else "stale"

    @property
    def lag_words(self) -> str:
        if self.lag is None:
            return "–"
        if self.lag_minutes < 120:
            return (
                f"{self.lag_minutes} min"
                if self.lag_minutes or not self.account.is_connected
                else "up to date"
            )
        hours = self.lag_minutes // 60
        return f"{hours} h" if hours < 48 else f"{hours // 24} days"


def _minutes(pulls: int, interval: datetime.timedelta) -> int:
    return max(int(pulls * interval.total_seconds() // 60), pulls)


def cards_for(user: AbstractBaseUser | AnonymousUser, now: datetime.datetime) -> list[AccountCard]:
    """`user`'s accounts, the disconnected last; three queries however many there are."""
    last = When(state=GoogleAccount.State.DISCONNECTED, then=Value(1))
    accounts = (
        GoogleAccount.objects.filter(user_id=user.pk or 0)
        .prefetch_related("calendars__channels")
        .order_by(Case(last, default=Value(0), output_field=IntegerField()), "address", "pk")
    )
    return [card_for(account, now) for account in accounts]


def card_for(account: GoogleAccount, now: datetime.datetime) -> AccountCard:
    lines = [_line(calendar, now) for calendar in account.calendars.all()]
    read = [line.calendar for line in lines if line.calendar.next_pull_at is not None]
    pulled = [calendar.last_pull_at for calendar in read]
    whole = [moment for moment in pulled if moment is not None]
    waits = account.not_before if account.not_before and account.not_before > now else None
    return AccountCard(
        account=account,
        calendars=lines,
        interval=max(
            (line.interval for line in lines if line.calendar.next_pull_at is not None),
            default=pull_interval(has_channel=False),
        ),
        missing=tuple(ABILITIES[scope] for scope in missing_scopes(account.scopes)),
        lag=now - min(whole) if whole and len(whole) == len(read) else None,
        read_count=len(read),
        is_syncing=account.is_connected
        and waits is None
        and any(_is_due(calendar, now) for calendar in read),
        waits_until=waits,
        old_list_of=_old_list_of(account, now) if read else None,
    )


def _old_list_of(account: GoogleAccount, now: datetime.datetime) -> datetime.datetime | None:
    listed = account.listed_at if account.is_connected else None
    return listed if listed is not None and now - listed > LIST_IS_OLD_AFTER else None


def _is_due(calendar: GoogleCalendar, now: datetime.datetime) -> bool:
    return calendar.next_pull_at is not None and calendar.next_pull_at <= now and calendar.failures == 0


def _line(calendar: GoogleCalendar, now: datetime.datetime) -> CalendarLine:
    channels = list(calendar.channels.all())
    telling = next((channel for channel in channels if _is_telling(channel, now)), None)
    return CalendarLine(
        calendar=calendar,
        channel=telling,
        interval=pull_interval(has_channel=telling is not None),
        why="" if telling else _why_asked(channels),
    )


def _is_telling(channel: Channel, now: datetime.datetime) -> bool:
    is_open = channel.state == Channel.State.OPEN and channel.expires_at > now
    return is_open and channel.last_message_at is not None


def _why_asked(channels: Sequence[Channel]) -> str:
    """Why changes are found by asking alone."""
    if not is_possible():
        return "This site has no https address that Google could send notices to."
    states = {channel.state: channel for channel in channels}
    if Channel.State.OPEN in states:
        return "Google agreed to send notices; the first has not arrived yet."
    if Channel.State.FAILED in states:
        return f"Notices are unavailable: {states[Channel.State.FAILED].last_error}"
    return "Google is about to be asked for notices."
