"""*Sync now*: makes an account's calendars due, so that the next sweep, or the woken worker, pulls them."""

from functools import partial

from django.db import transaction
from django.utils import timezone

from integrations.google.answers import LONGEST_WAIT
from integrations.models import GoogleAccount
from integrations.signals import sync_requested


def request_sync(account: GoogleAccount) -> int:
    """How many calendars were made due: those that are read at all. Sends sync_requested after commit.

    A wait after a failure ends here. Not one that Google's usage limit asked for: those last for hours, and
    pressing a button against them prolongs them (Q3).
    """
    now = timezone.now()
    with transaction.atomic():
        GoogleAccount.objects.filter(pk=account.pk, not_before__lte=now + LONGEST_WAIT).update(
            not_before=None
        )
        due = account.calendars.filter(next_pull_at__isnull=False, gone_at=None).update(next_pull_at=now)
        transaction.on_commit(
            partial(sync_requested.send_robust, sender=GoogleAccount, account_id=account.pk)
        )
    return due
