"""Twilio's error codes, each with what it means for us. Pure.

From https://www.twilio.com/docs/api/errors (each code has its page below it). Twilio adds codes without notice: one
that is not here is judged by the HTTP status, as its own client does.
"""

from enum import Enum


class Meaning(Enum):
    # The number cannot get texts, whoever sends them.
    NOWHERE = "nowhere"
    # The person wrote STOP.
    OPTED_OUT = "opted out"
    # Not this text to this number, but others may pass.
    NOT_THIS = "not this"
    LATER = "later"
    # Our account, sender or credentials: nothing passes until a person has looked.
    STOPPED = "stopped"


NOWHERE, OPTED_OUT, NOT_THIS = Meaning.NOWHERE, Meaning.OPTED_OUT, Meaning.NOT_THIS
LATER, STOPPED = Meaning.LATER, Meaning.STOPPED

# What it answers to a request, and (30xxx) what it reports afterwards. The words follow "Twilio: ".
CODES: dict[int, tuple[Meaning, str]] = {
    10001: (STOPPED, "our account is not active"),
    20003: (STOPPED, "our credentials were refused"),
    20005: (STOPPED, "our account is not active"),
    20006: (STOPPED, "our account may not do this"),
    20404: (STOPPED, "there is no such account"),
    20429: (LATER, "too many requests"),
    21211: (NOWHERE, "not a phone number"),
    21212: (STOPPED, "our sender is not a phone number"),
    21217: (NOWHERE, "not a phone number"),
    21265: (NOWHERE, "a short code cannot be texted"),
    21266: (NOT_THIS, "the number is our own"),
    21401: (NOWHERE, "not a phone number"),
    21408: (NOT_THIS, "our account may not text that country"),
    21421: (NOWHERE, "not a phone number"),
    21602: (NOT_THIS, "the text is empty"),
    21603: (STOPPED, "no sender is set"),
    21604: (NOT_THIS, "no recipient was given"),
    21605: (NOT_THIS, "the text is too long"),
    21606: (STOPPED, "our sender cannot send texts"),
    21608: (NOT_THIS, "a trial account texts verified numbers only"),
    21610: (OPTED_OUT, "they wrote STOP"),
    21611: (LATER, "the queue of our number is full"),
    21612: (NOT_THIS, "our sender does not reach that number"),
    21614: (NOWHERE, "not a mobile number"),
    21617: (NOT_THIS, "the text is too long"),
    21635: (NOWHERE, "a landline"),
    21659: (STOPPED, "our sender is not a Twilio number"),
    21660: (STOPPED, "our sender belongs to another account"),
    21661: (STOPPED, "our sender cannot send texts"),
    21701: (STOPPED, "there is no such messaging service"),
    21703: (STOPPED, "our messaging service has no number"),
    21704: (STOPPED, "our messaging service has no number for it"),
    30001: (LATER, "the queue was full"),
    30002: (STOPPED, "our account is suspended"),
    # Switched off, no signal: another day it may ring.
    30003: (NOT_THIS, "the phone could not be reached"),
    30004: (NOT_THIS, "the message was blocked"),
    30005: (NOWHERE, "the number is unknown or no longer in service"),
    30006: (NOWHERE, "a landline, or a network that takes no texts"),
    30007: (NOT_THIS, "the network filtered it as unwanted"),
    30008: (NOT_THIS, "the network gave no reason"),
    30010: (NOT_THIS, "it costs more than our limit"),
    30022: (LATER, "our daily limit is reached"),
    30023: (LATER, "our daily limit is reached"),
    30024: (NOT_THIS, "our sender does not reach that network"),
    30032: (NOT_THIS, "our toll-free number is not verified"),
    30034: (NOT_THIS, "our number is not registered with the networks"),
    63038: (LATER, "our daily limit is reached"),
}


def meaning_of(code: int) -> Meaning | None:
    """None for a code that is not in the table."""
    return CODES[code][0] if code in CODES else None


def words_of(code: int) -> str:
    """For a person, with the code by which they find Twilio's own page."""
    return f"Twilio: {CODES[code][1]} ({code})." if code in CODES else f"Twilio gave the error {code}."
