"""What people answer by SMS: STOP and START count for every contact with that number, the rest goes on the timeline."""

from contacts import reaching

# Twilio's and the CTIA's standard words (https://help.twilio.com/articles/223134027); YES is none of ours, since people
# confirm an appointment with it.
STOP = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE"}
START = {"START", "UNSTOP"}


def take(number: str, text: str, kind: str = "") -> bool:
    """Notes an answer from `number`; `kind`: what the carrier itself made of it ("STOP", "START"), if it says. False
    where nobody with that number is known."""
    ids = reaching.contacts_with_number(number)
    word = text.strip().strip(".!\"'").upper()
    if kind == "STOP" or word in STOP:
        reaching.stop_texts(ids, f"Asked by SMS for no more texts: “{text.strip()[:100]}”")
    elif kind == "START" or word in START:
        reaching.allow_texts(ids, f"Asked by SMS for texts again: “{text.strip()[:100]}”")
    else:
        reaching.note(ids, f"Replied by SMS: {text.strip() or '(no text)'}")
    return bool(ids)
