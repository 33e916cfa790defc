"""What people answer by SMS: STOP and START count for every contact with that number, the rest goes on the timeline and
to a person."""

import logging

from django.db import transaction

from campaigns import tasks
from contacts import reaching

logger = logging.getLogger(__name__)

# Twilio's and the CTIA's standard words (https://help.twilio.com/articles/223134027); YES is none of ours, since people
# confirm an appointment with it.
STOP = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE"}
START = {"START", "UNSTOP"}


def take(number: str, text: str, kind: str, sid: str) -> bool:
    """Notes an answer from `number`; `kind`: what the carrier itself made of it ("STOP", "START"), if it says; `sid`:
    its name for it. False where nobody with that number is known."""
    ids = reaching.contacts_with_number(number)
    word = text.strip().strip(".!\"'").upper()
    if kind == "STOP" or word in STOP:
        reaching.stop_texts(ids, f"Asked by SMS for no more texts: “{text.strip()[:100]}”")
    elif kind == "START" or word in START:
        reaching.allow_texts(ids, f"Asked by SMS for texts again: “{text.strip()[:100]}”")
    else:
        reaching.note(ids, f"Replied by SMS: {text.strip() or '(no text)'}")
        if ids:
            transaction.on_commit(lambda: _wake(number, text, sid))
    return bool(ids)


def _wake(number: str, text: str, sid: str) -> None:
    try:
        tasks.pass_on.delay(number, text, sid)
    except Exception:
        # A broker that is away is no reason for the carrier to send it again: the timeline has it.
        logger.exception("Nobody could be told of an SMS (%s)", sid)
