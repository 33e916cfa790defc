"""Ends a connection: channels stopped, blocks lifted, tokens erased, the grant given back. Contacts and
appointments stay.
"""

import logging

from django.db import transaction
from django.utils import timezone

from integrations.channels import stop_channels
from integrations.connecting import revoke_if_unused
from integrations.fields import WrongKey
from integrations.models import Channel, GoogleAccount
from integrations.signals import account_disconnecting

logger = logging.getLogger(__name__)


def disconnect_account(account: GoogleAccount) -> bool:
    """`account` is disconnected; does nothing when it is already. False: Google did not confirm the end of the grant.

    account_disconnecting is sent inside the transaction, so that what hangs on the account is let go with it
    or not at all. Channels are stopped before, while the tokens still work, and the grant is revoked after
    commit; a failure at either leaves the account disconnected (A9).
    """
    if account.state != GoogleAccount.State.DISCONNECTED:
        # A grant that turns out dead on the way is no news to whoever is disconnecting it: no mail.
        GoogleAccount.objects.filter(pk=account.pk, mailed_at=None).update(mailed_at=timezone.now())
        stop_channels(account)
    with transaction.atomic():
        account = GoogleAccount.objects.select_for_update().get(pk=account.pk)
        if account.state == GoogleAccount.State.DISCONNECTED:
            return True
        token = _either_token(account)
        account_disconnecting.send(sender=GoogleAccount, account_id=account.pk)
        GoogleAccount.objects.filter(pk=account.pk).update(
            state=GoogleAccount.State.DISCONNECTED,
            access_token="",
            refresh_token="",
            access_expires_at=None,
            refresh_claimed_until=None,
            not_before=None,
            failures=0,
            last_error="",
        )
        account.calendars.update(next_pull_at=None, claimed_until=None)
        Channel.objects.filter(google_calendar__account=account).delete()
        is_over: list[bool] = []
        is_lost = not token and bool(account.refresh_token or account.access_token)
        transaction.on_commit(
            lambda: is_over.append(revoke_if_unused(account.subject, token) and not is_lost)
        )
    return all(is_over)


def _either_token(account: GoogleAccount) -> str:
    """Either one takes the other along; "" where neither can be opened."""
    for sealed in (account.refresh_token, account.access_token):
        try:
            if sealed:
                return sealed.open()
        except WrongKey:
            logger.exception(
                "A token of Google account %s cannot be opened, so it is not revoked", account.pk
            )
    return ""
