"""Who sends a row, and what is written of it.

A claim is one conditional update; its `claimed_until` is also the token under which the outcome is recorded.
Claims live by the real clock even when a sweep is run as of another moment.
"""

import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from campaigns.delivery.mailing import AnyMailing, Objection
from campaigns.models import Outgoing
from campaigns.transports import TRANSPORTS, Letter, sender_domain

State = Outgoing.State
BATCH = 20
CLAIM = datetime.timedelta(minutes=10)
FIRST_RETRY = datetime.timedelta(minutes=1)
LAST_RETRY = datetime.timedelta(hours=1)
MOST_ATTEMPTS = 6


def message_id_of(row: Outgoing) -> str:
    """The Message-ID of a row, equal for every attempt; the digest tells installations apart."""
    kind = row._meta.model_name
    digest = salted_hmac(f"campaigns.{kind}", str(row.pk)).hexdigest()[:16]
    return f"<{kind}-{row.pk}.{digest}@{sender_domain()}>"


def claim(mailing: AnyMailing, now: datetime.datetime) -> tuple[datetime.datetime, list[int]] | None:
    """Takes the next due rows for this worker; None when nothing is due that others have not taken."""
    until = timezone.now() + CLAIM
    with transaction.atomic():
        # PostgreSQL skips what others are claiming; SQLite has one writer at a time and ignores the clause.
        due = mailing.rows().due(now).select_for_update(skip_locked=True)
        ids = list(due.values_list("pk", flat=True)[:BATCH])
        taken = mailing.rows().filter(pk__in=ids, state=State.WAITING)
        if not taken.update(state=State.SENDING, claimed_until=until):
            return None
    return until, ids


def take_back_stuck(mailing: AnyMailing) -> None:
    """Claims whose worker died: e-mail goes again under its id; an SMS could arrive twice, so it waits."""
    stuck = mailing.rows().filter(state=State.SENDING, claimed_until__lt=timezone.now())
    risky = [medium for medium, transport in TRANSPORTS.items() if not transport.recognises_repeats]
    begun = mailing.by_mediums(stuck.exclude(message_id=""), risky)
    begun.update(state=State.UNKNOWN, claimed_until=None, why="A worker stopped while sending it.")
    stuck.update(state=State.WAITING, claimed_until=None)


def record(mailing: AnyMailing, pk: int, until: datetime.datetime, **values: object) -> bool:
    """Writes the outcome unless the claim was lost meanwhile, and says whether it did."""
    return _write(mailing, pk, until, claimed_until=None, **values)


def record_begun(mailing: AnyMailing, row: Outgoing, until: datetime.datetime, letter: Letter) -> bool:
    """Writes what is about to leave; False when the claim was lost meanwhile."""
    return _write(
        mailing,
        row.pk,
        until,
        message_id=letter.message_id,
        recipient=letter.recipient,
        subject=letter.subject[:300],
        body_text=letter.text,
        body_html=letter.html,
        **mailing.also_kept(row, letter),
    )


def _write(mailing: AnyMailing, pk: int, until: datetime.datetime, **values: object) -> bool:
    ours = mailing.rows().filter(pk=pk, state=State.SENDING, claimed_until=until)
    return bool(ours.update(**values))


def leave_out(mailing: AnyMailing, row: Outgoing, until: datetime.datetime, objection: Objection) -> None:
    """Not sent for the words of `objection`; unknown where a dead worker may have sent it."""
    if row.message_id:
        # Begun by a worker that died, and no longer right to repeat: nobody knows whether it left.
        why = f"It may have been sent before a worker stopped. Not repeated: {objection.why}"
        record(mailing, row.pk, until, state=State.UNKNOWN, why=why[:300])
    else:
        record(mailing, row.pk, until, state=objection.state, why=objection.why[:300])


def put_off(
    mailing: AnyMailing, row: Outgoing, until: datetime.datetime, now: datetime.datetime, why: str
) -> None:
    """Back in line for a later moment, each time twice as far; failed once that was often enough."""
    attempts = row.attempts + 1
    if attempts >= MOST_ATTEMPTS:
        why = f"Given up after {attempts} attempts. {why}"
        record(mailing, row.pk, until, state=State.FAILED, why=why, attempts=attempts)
        return
    wait = min(FIRST_RETRY * 2 ** (attempts - 1), LAST_RETRY)
    # A sweep run as of a later moment must not meet its own retries.
    again_at = max(now, timezone.now()) + wait
    # Certainly not sent, so nothing counts as begun.
    values = {"why": why, "attempts": attempts, "not_before": again_at, "message_id": ""}
    record(mailing, row.pk, until, state=State.WAITING, **values)


def put_back(
    mailing: AnyMailing, row: Outgoing, until: datetime.datetime, now: datetime.datetime, why: str
) -> None:
    """Back in line unharmed: it was the carrier that takes nothing, and this attempt counts for none."""
    again_at = max(now, timezone.now()) + FIRST_RETRY
    record(mailing, row.pk, until, state=State.WAITING, why=why[:300], not_before=again_at, message_id="")
