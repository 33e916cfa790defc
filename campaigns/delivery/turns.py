"""One claimed row's turn: checked, begun, handed to its carrier, recorded."""

import datetime
import logging
from dataclasses import dataclass, field

from django.db import InterfaceError, OperationalError

from campaigns import carrying
from campaigns.delivery import claims
from campaigns.delivery.claims import Claim
from campaigns.delivery.mailing import AnyMailing, Outcome
from campaigns.models import Outgoing
from campaigns.rendering import NotRenderable
from campaigns.transports import TRANSPORTS, Letter, Receipt, Refused, Stopped, TryLater, Unclear

logger = logging.getLogger(__name__)

State = Outgoing.State
# How often a row is read anew because something changed between its check and its beginning.
MOST_LOOKS = 5


@dataclass(slots=True)
class Turn:
    """`now`: as of when `row` is judged; `real`: what time it is. `row` is read anew where it changed meanwhile."""

    mailing: AnyMailing
    medium: str
    claim: Claim
    row: Outgoing
    now: datetime.datetime
    real: datetime.datetime
    # Under which id an earlier attempt may have sent it, "" if none can have.
    begun_before: str = field(init=False)
    # When the outcome was written, by the database's clock; None where another has the row.
    ended_at: datetime.datetime | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.begun_before = self.row.message_id

    def deliver(self) -> bool:
        """Sends the row, or writes why not. False when its carrier takes nothing more for now."""
        try:
            letter = self._begin()
        except TryLater as error:
            return self._put_off(error)
        except NotRenderable as error:
            self._fail(str(error))
        except (OperationalError, InterfaceError) as error:
            # The database did not answer, or chose this one to give way. Nothing has left.
            claims.reconnect()
            self._put_off(TryLater(f"The database was busy ({type(error).__name__})."))
        except Exception as error:
            logger.exception("%s %s could not be made", self.mailing.model.__name__, self.row.pk)
            self._fail(f"An unexpected error ({type(error).__name__}) before it could be sent.")
        else:
            return letter is None or self._send(letter)
        return True

    def _send(self, letter: Letter) -> bool:
        try:
            receipt = TRANSPORTS[self.medium].send(letter)
        except TryLater as error:
            return self._put_off(error)
        except Stopped as error:
            carrying.stop(self.medium, str(error), self.real)
            self._put_back(error)
            return False
        except Refused as error:
            self._record(State.FAILED, str(error))
            carrying.heed(self.medium, self.row.recipient, error, self.real)
        except Unclear as error:
            self._record(State.UNKNOWN, str(error))
        except Exception as error:
            logger.exception("%s %s may not have been sent", self.mailing.model.__name__, self.row.pk)
            self._doubt(f"An unexpected error ({type(error).__name__}): it may have been sent.")
        else:
            # An error from here on is the database's: it was sent, and must not be written down as failed.
            self._record_sent(receipt)
        return True

    def _fail(self, why: str) -> None:
        """This attempt sent nothing, nor will another; what an earlier one did nobody knows."""
        if self.begun_before:
            self._record(State.UNKNOWN, f"It may have been sent already. Not repeated: {why}")
        else:
            self._record(State.FAILED, why)

    def _doubt(self, why: str) -> None:
        """It broke where nobody can tell whether the carrier has it: a repeat that does no harm is tried, anything else
        waits for a person."""
        if TRANSPORTS[self.medium].recognises_repeats:
            self._later(why, message_id=self.row.message_id)
        else:
            self._record(State.UNKNOWN, why)

    def _begin(self) -> Letter | None:
        """The letter that may be in the outside world from now on; None when the row is left out, or another's."""
        for _ in range(MOST_LOOKS):
            objection = self.mailing.objection(self.row, self.now)
            if objection is not None:
                self.ended_at = claims.leave_out(self.row, self.claim, objection)
                return None
            letter = self.mailing.letter(self.row, self.now)
            if claims.record_begun(self.mailing, self.row, self.claim, letter):
                return letter
            found = self.mailing.read([self.row.pk])
            if not found or not self.claim.holds(found[0]):
                return None
            self.row = found[0]
        raise TryLater("It changed again and again.")

    def _record(self, state: str, why: str) -> None:
        self.ended_at = claims.record(self.row, self.claim, state=state, why=why[:300])

    def _record_sent(self, receipt: Receipt) -> None:
        kept = {"sent_at": self.real, "carrier_id": receipt.carrier_id[:200]}
        self.ended_at = claims.record_sent(self.row, self.claim, **kept)

    def _put_off(self, error: TryLater) -> bool:
        if error.wait is not None:
            # It asks everybody to wait, and that is not this row's fault.
            carrying.hold(self.medium, error.wait, self.real)
            self._put_back(error)
            return False
        message_id = self.row.message_id if error.may_have_left else self.begun_before
        self._later(str(error), message_id=message_id)
        return True

    def _later(self, why: str, *, message_id: str) -> None:
        self.ended_at = claims.put_off(self.row, self.claim, now=self.now, why=why, message_id=message_id)

    def _put_back(self, error: Exception) -> None:
        self.ended_at = claims.put_back(self.row, self.claim, why=str(error), begun_before=self.begun_before)

    def outcome(self) -> Outcome:
        row = self.row
        if row.state == State.SENDING:
            # The claim was lost, and another wrote what became of it.
            row.refresh_from_db(fields=["state", "why", "recipient"])
        addressee = row.recipient or self.mailing.addressee(row).name
        return Outcome(row.pk, row.due_at, self.mailing.about(row), addressee, row.state, row.why)
