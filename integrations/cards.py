"""What Settings → Integrations says of each account: how fresh, how busy, what is wrong."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Case, IntegerField, Value, When

from integrations.google.oauth import ABILITIES, missing_scopes
from integrations.models import GoogleAccount, GoogleCalendar

# In pulls missed: up to the first all is well, from the second on the lag is loud.
LATE_AFTER, STALE_AFTER, FULL_METER = 2, 6, 12


@dataclass(frozen=True, slots=True)
class AccountCard:
    account: GoogleAccount
    calendars: Sequence[GoogleCalendar]
    # What the person did not allow, in words.
    missing: tuple[str, ...]
    # Since the calendar that is furthest behind was pulled; None: nothing is read, or nothing was pulled yet.
    lag: datetime.timedelta | None
    read_count: int
    is_syncing: bool
    waits_until: datetime.datetime | None

    @property
    def is_live(self) -> bool:
        return self.account.state != GoogleAccount.State.DISCONNECTED

    @property
    def lag_minutes(self) -> int:
        return int(self.lag.total_seconds() // 60) if self.lag is not None else 0

    @property
    def late_minutes(self) -> int:
        return _minutes(LATE_AFTER)

    @property
    def stale_minutes(self) -> int:
        return _minutes(STALE_AFTER)

    @property
    def full_minutes(self) -> int:
        return _minutes(FULL_METER)

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
            return f"{self.lag_minutes} min" if self.lag_minutes else "none"
        hours = self.lag_minutes // 60
        return f"{hours} h" if hours < 48 else f"{hours // 24} days"


def _minutes(pulls: int) -> int:
    return max(int(pulls * settings.PULL_INTERVAL.total_seconds() // 60), pulls)


def cards_for(user: AbstractBaseUser | AnonymousUser, now: datetime.datetime) -> list[AccountCard]:
    """`user`'s accounts, the disconnected last; two queries however many there are."""
    last = When(state=GoogleAccount.State.DISCONNECTED, then=Value(1))
    accounts = (
        GoogleAccount.objects.filter(user_id=user.pk or 0)
        .prefetch_related("calendars")
        .order_by(Case(last, default=Value(0), output_field=IntegerField()), "address", "pk")
    )
    return [card_for(account, now) for account in accounts]


def card_for(account: GoogleAccount, now: datetime.datetime) -> AccountCard:
    calendars = list(account.calendars.all())
    read = [calendar for calendar in calendars if calendar.next_pull_at is not None]
    pulled = [calendar.last_pull_at for calendar in read]
    whole = [moment for moment in pulled if moment is not None]
    waits = account.not_before if account.not_before and account.not_before > now else None
    return AccountCard(
        account=account,
        calendars=calendars,
        missing=tuple(ABILITIES[scope] for scope in missing_scopes(account.scopes)),
        lag=now - min(whole) if whole and len(whole) == len(read) else None,
        read_count=len(read),
        is_syncing=account.is_connected
        and waits is None
        and any(_is_due(calendar, now) for calendar in read),
        waits_until=waits,
    )


def _is_due(calendar: GoogleCalendar, now: datetime.datetime) -> bool:
    return calendar.next_pull_at is not None and calendar.next_pull_at <= now and calendar.failures == 0
