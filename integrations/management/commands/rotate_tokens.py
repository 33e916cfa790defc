"""Re-encrypts every stored token under the first key, so that older keys can be taken out of
TOKEN_ENCRYPTION_KEYS.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.fields import WrongKey, rotate
from integrations.models import GoogleAccount

TOKENS = ("access_token", "refresh_token")


class Command(BaseCommand):
    help = "Re-encrypt every stored Google token under the first key of TOKEN_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        for account in GoogleAccount.objects.order_by("pk").iterator():
            try:
                rotate_account(account)
            except WrongKey:
                failed += 1
                self.stderr.write(f"{account.pk} {account.address}: no key opens its tokens; reconnect it")
            else:
                self.stdout.write(f"{account.pk} {account.address}: done")
        if failed:
            raise CommandError(
                f"{failed} not rotated. Keep the old keys, or add the one they were written with."
            )


def rotate_account(account: GoogleAccount) -> None:
    """Both tokens under the first key. One that is renewed meanwhile is under it already. Raises WrongKey."""
    for name in TOKENS:
        old = getattr(account, name)
        GoogleAccount.objects.filter(pk=account.pk, **{name: old}).update(**{name: rotate(old)})
