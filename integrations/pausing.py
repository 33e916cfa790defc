"""What stops an account's work: a grant that died, a permission that is missing."""

import logging
from functools import partial

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from integrations.models import GoogleAccount

logger = logging.getLogger(__name__)


def pause_account(account: GoogleAccount, why: str) -> None:
    """`account` waits for its owner to reconnect; what was last known keeps blocking time.

    Does nothing when the grant was renewed or disconnected since `account` was read: a dead old token says
    nothing about a new one. Its owner gets one e-mail an outage, after commit.
    """
    died = GoogleAccount.objects.filter(
        pk=account.pk,
        refresh_token=account.refresh_token,
        state__in=[GoogleAccount.State.CONNECTED, GoogleAccount.State.MISSING],
    ).update(state=GoogleAccount.State.RECONNECT, last_error=why[:500])
    if died:
        logger.warning("Google account %s needs a reconnect", account.pk)
        transaction.on_commit(partial(tell_owner, account.pk))
    account.refresh_from_db(fields=["state", "last_error"])


def mark_missing(account: GoogleAccount, why: str) -> None:
    """Google says a permission is missing: the account's page names it and offers to grant it."""
    GoogleAccount.objects.filter(pk=account.pk, state=GoogleAccount.State.CONNECTED).update(
        state=GoogleAccount.State.MISSING, last_error=why[:500]
    )
    account.refresh_from_db(fields=["state", "last_error"])


def tell_owner(account_id: int) -> None:
    """One e-mail to the owner of a paused account; the conditional update makes it one an outage."""
    claimed = GoogleAccount.objects.filter(pk=account_id, mailed_at=None).update(mailed_at=timezone.now())
    if not claimed:
        return
    account = GoogleAccount.objects.select_related("user").get(pk=account_id)
    try:
        send_mail(
            f"Reconnect {account.address} to Tandem",
            render_to_string(
                "integrations/mail/reconnect.txt", {"account": account, "address": settings_address()}
            ),
            None,
            [account.user.email],
        )
    except Exception:
        # The banner on every page tells it as well; what failed is the mail server, not the pause.
        logger.exception("The owner of Google account %s could not be told", account_id)


def settings_address() -> str:
    """Where Settings → Integrations is, for a mail; "" where the site does not know its own address."""
    base = settings.PUBLIC_BASE_URL
    return f"{base}{reverse('integrations:integrations')}" if base else ""
