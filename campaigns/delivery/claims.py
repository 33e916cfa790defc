"""Who sends a row, and what is written of it.

A claim is one conditional update; its `until` is also the token under which everything about the row is recorded. It
lives by the database's clock, even when a sweep is run as of another moment. A row is *claimed* before its worker has
looked at it, and *begun* (it has a message id) from the moment when the outside world may have it: what is claimed and
not begun anybody may take back.
"""

import datetime
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils.crypto import salted_hmac

from campaigns import carrying
from campaigns.delivery import clock
from campaigns.delivery.mailing import AnyMailing, Objection
from campaigns.delivery.writing import Condition, as_parameter, write
from campaigns.models import Outgoing
from campaigns.transports import TRANSPORTS, Letter, sender_domain
from campaigns.transports.letters import TIMEOUT_SECONDS
from contacts.models import Appointment

State = Outgoing.State
BATCH = 100
CLAIM = datetime.timedelta(minutes=10)
FIRST_RETRY = datetime.timedelta(minutes=1)
LAST_RETRY = datetime.timedelta(hours=1)
# So that what failed together does not come back together.
JITTER = 0.75, 1.25
MOST_ATTEMPTS = 6


def message_id_of(row: Outgoing) -> str:
    """The Message-ID of a row, equal for every attempt; the digest tells installations apart."""
    kind = row._meta.model_name
    digest = salted_hmac(f"campaigns.{kind}", str(row.pk)).hexdigest()[:16]
    return f"<{kind}-{row.pk}.{digest}@{sender_domain()}>"


# --- taking -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    """Rows that are this worker's until then."""

    until: datetime.datetime
    pks: tuple[int, ...]
    # Their carrier recognises a repeat: then no commit need wait for the disk. What a power cut takes with it is sent
    # again under its id, as after a worker that died.
    may_repeat: bool = False

    def is_too_old(self, real: datetime.datetime) -> bool:
        """Whether it might run out while a carrier is still thinking."""
        return real + datetime.timedelta(seconds=TIMEOUT_SECONDS) >= self.until

    def holds(self, row: Outgoing) -> bool:
        return row.state == State.SENDING and row.claimed_until == self.until


def claim(
    mailing: AnyMailing, medium: str, *, now: datetime.datetime, real: datetime.datetime
) -> Claim | carrying.Wait | None:
    """Takes the next rows due at `now` that leave by `medium`, as many as its carrier takes at `real`.

    A Wait where it takes none yet; None when nothing is due that others have not taken, or the carrier is stopped.
    """
    until = real + CLAIM
    with transaction.atomic():
        room = carrying.room(medium, real)
        due = mailing.by_mediums(mailing.rows().due(now), [medium])
        if isinstance(room, carrying.Wait):
            return room if room.seconds and due.exists() else None
        # PostgreSQL skips what others are claiming; SQLite has one writer at a time and ignores the clause.
        free = due.select_for_update(skip_locked=True).values_list("pk", flat=True)
        pks = tuple(free[: min(BATCH, room)])
        if not pks:
            return None
        mailing.rows().filter(pk__in=pks).update(state=State.SENDING, claimed_until=until)
        carrying.spend(medium, len(pks))
    return Claim(until, pks, TRANSPORTS[medium].recognises_repeats)


def take_back_stuck(mailing: AnyMailing, real: datetime.datetime) -> None:
    """Claims whose worker died: e-mail goes again under its id; an SMS could arrive twice, so it waits."""
    stuck = mailing.rows().filter(state=State.SENDING, claimed_until__lt=real)
    again: dict[str, Any] = {"state": State.WAITING, "claimed_until": None}
    # Each asks whether it was begun: a worker that was only slow may begin it at this very moment.
    stuck.filter(message_id="").update(**again)
    begun = stuck.exclude(message_id="")
    for medium in mailing.mediums:
        theirs = mailing.by_mediums(begun, [medium])
        if TRANSPORTS[medium].recognises_repeats:
            theirs.update(**again)
        else:
            theirs.update(state=State.UNKNOWN, claimed_until=None, why="A worker stopped while sending it.")


def give_back(mailing: AnyMailing, claim: Claim, pks: Sequence[int]) -> None:
    """Rows of `claim` that this worker does not come to."""
    if pks:
        ours = mailing.rows().filter(pk__in=pks, state=State.SENDING, claimed_until=claim.until)
        ours.update(state=State.WAITING, claimed_until=None)


# --- recording ----------------------------------------------------------------------------------------------
# Each returns when it was written, by the database's clock; None where it was not, for the claim was lost.


def record(row: Outgoing, claim: Claim, **values: object) -> datetime.datetime | None:
    """Writes the outcome unless the claim was lost meanwhile."""
    return _insisting(partial(write, row, _is_ours(claim), {"claimed_until": None, **values}))


def record_sent(row: Outgoing, claim: Claim, **values: object) -> datetime.datetime | None:
    """Also on a row that was given up as unknown while this worker was held up: it knows."""
    told = {"claimed_until": None, "state": State.SENT, "why": "", **values}
    survives = not claim.may_repeat
    written = _insisting(partial(write, row, _is_ours(claim), told, survives_power_cut=survives))
    return written or write(row, Condition("state = %s", (State.UNKNOWN,)), told)


def record_begun(
    mailing: AnyMailing, row: Outgoing, claim: Claim, letter: Letter
) -> datetime.datetime | None:
    """Writes what is about to leave. None when the claim was lost meanwhile, or what speaks for sending changed since
    `row` was read: both are asked in the same statement."""
    kept = {
        "message_id": letter.message_id,
        "recipient": letter.recipient,
        "subject": letter.subject[:300],
        "body_text": letter.text,
        "body_html": letter.html,
        **mailing.also_kept(row, letter),
    }
    condition = _is_ours(claim) & mailing.still(row, letter)
    with _alone(mailing, row):
        return write(row, condition, kept, survives_power_cut=not claim.may_repeat)


def _insisting(write: Callable[[], datetime.datetime | None]) -> datetime.datetime | None:
    """What `write` says, asked once more where the database did not answer, over a new connection: what became of a
    letter is known to this worker alone. Twice does no harm, for a row that was written is not ours any more."""
    try:
        return write()
    except (OperationalError, InterfaceError):
        reconnect()
        return write()


def reconnect() -> None:
    """Drops a connection that no longer works; the next statement opens another. None inside a transaction, which is
    lost with it."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def _is_ours(claim: Claim) -> Condition:
    return Condition("state = %s AND claimed_until = %s", (State.SENDING, as_parameter(claim.until)))


@contextmanager
def _alone(mailing: AnyMailing, row: Outgoing) -> Iterator[None]:
    """Where rows of one appointment could be each other's repeat, they are begun one after the other."""
    if not mailing.has_rivals(row):
        yield
        return
    with transaction.atomic():
        held = Appointment.objects.select_for_update().filter(pk=mailing.appointment(row).pk)
        held.values_list("pk").first()
        yield


def leave_out(row: Outgoing, claim: Claim, objection: Objection) -> datetime.datetime | None:
    """Not sent for the words of `objection`; unknown where an earlier attempt may have sent it."""
    if row.message_id:
        # Begun by a worker that died or met an error, and no longer right to repeat: nobody knows whether it left.
        why = f"It may have been sent already. Not repeated: {objection.why}"
        return record(row, claim, state=State.UNKNOWN, why=why[:300])
    return record(row, claim, state=objection.state, why=objection.why[:300])


def put_off(
    row: Outgoing, claim: Claim, *, now: datetime.datetime, why: str, message_id: str
) -> datetime.datetime | None:
    """Back in line for a later moment, each time twice as far; given up once that was often enough.

    `message_id`: under which it may be in the outside world, by this attempt or an earlier one; "" if it certainly is
    not. Given up, it is unknown then, else failed.
    """
    attempts = row.attempts + 1
    if attempts >= MOST_ATTEMPTS:
        why = f"Given up after {attempts} attempts. {why}"
        state = State.UNKNOWN if message_id else State.FAILED
        return record(row, claim, state=state, why=why[:300], attempts=attempts)
    wait = min(FIRST_RETRY * 2 ** (attempts - 1), LAST_RETRY) * random.uniform(*JITTER)  # noqa: S311 (no secret)
    # A sweep run as of a later moment must not meet its own retries.
    again_at = max(now, clock.database_now()) + wait
    values = {"why": why[:300], "attempts": attempts, "not_before": again_at, "message_id": message_id}
    return record(row, claim, state=State.WAITING, **values)


def put_back(row: Outgoing, claim: Claim, *, why: str, begun_before: str) -> datetime.datetime | None:
    """Back in line unharmed: it was the carrier that takes nothing, and this attempt counts for none."""
    return record(row, claim, state=State.WAITING, why=why[:300], message_id=begun_before)
