"""Sends what is due: claim → check again → render → send → record. No lock is held while anything leaves.

What leaves is of one mailing or another, notices of appointments or messages of campaigns; all go through here alike.
"""

import datetime
import logging

from django.utils import timezone

from campaigns import carrying
from campaigns.delivery import claims
from campaigns.delivery.claims import message_id_of
from campaigns.delivery.mailing import AnyMailing, Outcome
from campaigns.delivery.messages import Messages
from campaigns.delivery.notices import Notices
from campaigns.models import Outgoing
from campaigns.rendering import NotRenderable
from campaigns.transports import TRANSPORTS, Refused, Stopped, TryLater, Unclear

__all__ = ["MAILINGS", "Outcome", "deliver_due", "message_id_of"]

logger = logging.getLogger(__name__)

State = Outgoing.State
# What is said of the appointment itself comes before what a campaign has to say about it.
MAILINGS: tuple[AnyMailing, ...] = (Notices(), Messages())


def deliver_due(now: datetime.datetime | None = None) -> list[Outcome]:
    """Sends everything due at `now`, each mailing in due order, and says what became of each. Many may run at once."""
    now = now or timezone.now()
    outcomes: list[Outcome] = []
    for mailing in MAILINGS:
        claims.take_back_stuck(mailing)
        while claimed := claims.claim(mailing, now):
            until, ids = claimed
            outcomes += [_deliver(mailing, pk, until, now) for pk in ids]
    return outcomes


def _deliver(mailing: AnyMailing, pk: int, until: datetime.datetime, now: datetime.datetime) -> Outcome:
    try:
        send(mailing, pk, until, now)
    except Exception as error:
        logger.exception("%s %s could not be sent", mailing.model.__name__, pk)
        why = f"An unexpected error ({type(error).__name__})."
        claims.record(mailing, pk, until, state=State.FAILED, why=why)
    row = mailing.read(pk)
    addressee = row.recipient or mailing.addressee(row).name
    return Outcome(pk, row.due_at, mailing.about(row), addressee, row.state, row.why)


def send(mailing: AnyMailing, pk: int, until: datetime.datetime, now: datetime.datetime) -> None:
    """One claimed row on its way, or the words why not; nothing at all when the claim was lost."""
    row = mailing.read(pk)
    try:
        objection = mailing.objection(row, now)
        if objection is not None:
            claims.leave_out(mailing, row, until, objection)
            return
        letter = mailing.letter(row, now)
        # From here on the outside world may have it: the id marks a send that was begun under this claim.
        if not claims.record_begun(mailing, row, until, letter):
            return
        receipt = TRANSPORTS[mailing.medium(row)].send(letter)
    except TryLater as error:
        claims.put_off(mailing, row, until, now, str(error))
    except Stopped as error:
        carrying.stop(mailing.medium(row), str(error), timezone.now())
        claims.put_back(mailing, row, until, now, str(error))
    except (Refused, NotRenderable) as error:
        claims.record(mailing, pk, until, state=State.FAILED, why=str(error))
        if isinstance(error, Refused):
            carrying.heed(mailing.medium(row), letter.recipient, error, timezone.now())
    except Unclear as error:
        claims.record(mailing, pk, until, state=State.UNKNOWN, why=str(error))
    else:
        kept = {"sent_at": timezone.now(), "carrier_id": receipt.carrier_id[:200]}
        claims.record(mailing, pk, until, state=State.SENT, why="", **kept)
