"""Whether an agenda can be trusted: accounts that were not read lately.

Those that broke or lack a permission are named on every page already, in a banner.
"""

import datetime
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from contacts.models import User
from integrations.channels import is_possible, pull_interval
from integrations.models import GoogleAccount, GoogleCalendar

STALE_PULLS = 3
LEAST_STALE = datetime.timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Stale:
    """An account whose events may be out of date. `last_pull_at` None: never read."""

    address: str
    words: str
    last_pull_at: datetime.datetime | None


def stale_accounts(user: User, now: datetime.datetime) -> list[Stale]:
    """Those of `user` that are connected and read, and silent for three pulls."""
    read = GoogleCalendar.objects.filter(account=OuterRef("pk"), next_pull_at__isnull=False)
    accounts = GoogleAccount.objects.filter(Exists(read), user=user, state=GoogleAccount.State.CONNECTED)
    # A channel's silence is no news: asking goes on beside it, more seldom.
    interval = pull_interval(has_channel=is_possible())
    patience = max(STALE_PULLS * interval, LEAST_STALE)
    return [
        Stale(address=account.address, words=words, last_pull_at=account.last_pull_at)
        for account in accounts
        if (words := why_stale(account, now - patience))
    ]


def why_stale(account: GoogleAccount, oldest: datetime.datetime) -> str:
    """Why its events may be out of date, in words; "" if they are not."""
    if account.last_pull_at is None:
        return "it is being read for the first time"
    return "Google has not answered lately" if account.last_pull_at < oldest else ""
