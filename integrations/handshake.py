"""What we sent a browser to Google with, kept in its session until it comes back (A2).

A state is unguessable (`google.oauth` makes it), bound to the session and to the user who started, used
once, and forgotten after ten minutes.
"""

import datetime
from dataclasses import dataclass

from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone

from integrations.google.oauth import Departure

KEY = "google_departures"
LIFE = datetime.timedelta(minutes=10)
# A person with several tabs has several under way; more than this is a loop.
MOST = 5


@dataclass(frozen=True, slots=True)
class Remembered:
    verifier: str
    redirect_uri: str
    # The account to reconnect; None: a new connection.
    account_id: int | None


def remember(
    session: SessionBase, user_id: int, departure: Departure, *, redirect_uri: str, account_id: int | None
) -> None:
    waiting = dict(list(session.get(KEY, {}).items())[-(MOST - 1) :])
    waiting[departure.state] = {
        "verifier": departure.verifier,
        "redirect_uri": redirect_uri,
        "account_id": account_id,
        "user_id": user_id,
        "at": timezone.now().timestamp(),
    }
    session[KEY] = waiting


def take(session: SessionBase, user_id: int, state: str) -> Remembered | None:
    """What `state` was sent with, once; None for one that is unknown, used, too old or another user's."""
    waiting = dict(session.get(KEY, {}))
    found = waiting.pop(state, None)
    session[KEY] = waiting
    if found is None or found["user_id"] != user_id:
        return None
    if timezone.now().timestamp() - found["at"] > LIFE.total_seconds():
        return None
    return Remembered(found["verifier"], found["redirect_uri"], found["account_id"])
