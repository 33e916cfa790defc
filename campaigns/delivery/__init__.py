"""Sends what is due: claim → check again → render → send → record. No lock is held while anything leaves.

What leaves is of one mailing or another, notices of appointments or messages of campaigns; all go through here alike.
A batch is claimed and read together, in as many statements as one row; each row of it then costs two: that it is begun
(if all is still as it was read), and what became of it; the second says what time it is for the next row.
"""

import datetime
import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError

from campaigns.carrying import Wait
from campaigns.delivery import claims, clock
from campaigns.delivery.claims import Claim, message_id_of
from campaigns.delivery.mailing import AnyMailing, Outcome
from campaigns.delivery.messages import Messages
from campaigns.delivery.notices import Notices
from campaigns.delivery.turns import Turn
from campaigns.transports import TRANSPORTS

__all__ = ["MAILINGS", "TRANSPORTS", "Outcome", "deliver_due", "message_id_of"]

# What is said of the appointment itself comes before what a campaign has to say about it.
MAILINGS: tuple[AnyMailing, ...] = (Notices(), Messages())


@dataclass(frozen=True, slots=True)
class Lane:
    """One mailing by one medium. Lanes take turns, so that a slow or limited carrier holds up no other."""

    mailing: AnyMailing
    medium: str


LANES = tuple(Lane(mailing, medium) for mailing in MAILINGS for medium in mailing.mediums)


def deliver_due(now: datetime.datetime | None = None) -> list[Outcome]:
    """Sends everything due, each lane in due order, and says what became of each. Many may run at once.

    As of `now`, else by the database's clock. Where a carrier takes only so many a second, it goes on for about as long
    as beat takes to come round.
    """
    real = clock.database_now()
    for mailing in MAILINGS:
        claims.take_back_stuck(mailing, real)
    outcomes: list[Outcome] = []
    lanes, patience = list(LANES), settings.BEAT_SECONDS
    while lanes:
        waits = {lane: _turn(lane, now, outcomes) for lane in lanes}
        lanes = [lane for lane in lanes if waits[lane] is not None]
        pause = min((waits[lane] or 0 for lane in lanes), default=0)
        patience -= pause
        if patience < 0:
            break
        time.sleep(pause)
    return outcomes


def _turn(lane: Lane, now: datetime.datetime | None, outcomes: list[Outcome]) -> float | None:
    """Delivers the next batch of `lane`. Returns after how many seconds it may go on, None when it has nothing more."""
    real = clock.database_now()
    claim = claims.claim(lane.mailing, lane.medium, now=now or real, real=real)
    if isinstance(claim, Wait):
        return claim.seconds
    if claim is None:
        return None
    outcomes += deliver_batch(lane, claim, now)
    return 0


def deliver_batch(lane: Lane, claim: Claim, now: datetime.datetime | None) -> Iterator[Outcome]:
    """What became of each row. Those that the carrier no longer takes, or not in time, go back in line untouched."""
    rows, met, heard = lane.mailing.read(claim.pks), set(), None
    for number, row in enumerate(rows):
        bears_on = lane.mailing.bears_on(row)
        if bears_on in met:
            row = next(iter(lane.mailing.read([row.pk])), row)
        met.add(bears_on)
        real = heard or clock.database_now()
        if claim.is_too_old(real):
            claims.give_back(lane.mailing, claim, [each.pk for each in rows[number:]])
            return
        turn = Turn(lane.mailing, lane.medium, claim, row, now or real, real)
        try:
            goes_on = turn.deliver()
        except DatabaseError:
            # What became of this row could not be written, and waits until its claim is old: only so long nobody else
            # can begin it. The others were not begun, and need not wait along.
            claims.give_back(lane.mailing, claim, [each.pk for each in rows[number + 1 :]])
            raise
        heard = turn.ended_at
        yield turn.outcome()
        if not goes_on:
            claims.give_back(lane.mailing, claim, [each.pk for each in rows[number + 1 :]])
            return
