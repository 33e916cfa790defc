"""What leaves and what comes of it, in our words: a letter, a receipt, and exceptions named after what to do next."""

import datetime
from dataclasses import dataclass
from typing import Protocol

# Longer than any healthy server takes; a claim (delivery.claims.CLAIM) outlives a batch of these.
TIMEOUT_SECONDS = 15


class TryLater(Exception):
    """Not sent; the same may work later. The words are for a person. `wait`: what the carrier asked for, if it did.
    `may_have_left`: it broke on the way, and only a repeat that is recognised does no harm."""

    def __init__(
        self, words: str, *, wait: datetime.timedelta | None = None, may_have_left: bool = False
    ) -> None:
        super().__init__(words)
        self.wait = wait
        self.may_have_left = may_have_left


class Refused(Exception):
    """Not sent, and it never will be as it is. `leads_nowhere`: because of the address or number alone.
    `opted_out`: because the person told the carrier that they want nothing from us."""

    def __init__(self, words: str, *, leads_nowhere: bool = False, opted_out: bool = False) -> None:
        super().__init__(words)
        self.leads_nowhere = leads_nowhere
        self.opted_out = opted_out


class Stopped(Exception):
    """Not sent, nor will anything be by this carrier until a person has put something right (credentials, account)."""


class Unclear(Exception):
    """It may have been sent; nobody can tell from here."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the carrier says of a letter it took. `carrier_id`: its own name for it, "" where it gives none."""

    carrier_id: str = ""


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """An RFC 5545 file for the reader's calendar. `method` as in the file: REQUEST or CANCEL."""

    method: str
    content: str


@dataclass(frozen=True, slots=True)
class Letter:
    recipient: str
    subject: str
    text: str
    html: str
    # The same for every attempt, so that the other side recognises a repeat.
    message_id: str
    unsubscribe_url: str = ""
    # Where an answer goes; "": to the address we send from.
    reply_to: str = ""
    calendar: CalendarFile | None = None


class Transport(Protocol):
    # Whether a repeat under the same id does no harm.
    recognises_repeats: bool

    def send(self, letter: Letter) -> Receipt:
        """Hands `letter` over. Raises TryLater, Refused, Stopped or Unclear."""
