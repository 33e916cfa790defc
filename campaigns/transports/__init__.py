"""How a message leaves: one small class a medium, `send(letter)` or raise TryLater, Refused, Stopped, Unclear.

Nothing here knows of rows; `delivery` decides what each outcome means.
"""

from campaigns.transports.letters import (
    CalendarFile,
    Letter,
    Receipt,
    Refused,
    Stopped,
    Transport,
    TryLater,
    Unclear,
)
from campaigns.transports.mail import EmailTransport, sender_address, sender_domain
from campaigns.transports.sms import SmsTransport

__all__ = [
    "TRANSPORTS",
    "CalendarFile",
    "EmailTransport",
    "Letter",
    "Receipt",
    "Refused",
    "SmsTransport",
    "Stopped",
    "Transport",
    "TryLater",
    "Unclear",
    "sender_address",
    "sender_domain",
]

TRANSPORTS: dict[str, Transport] = {"email": EmailTransport(), "sms": SmsTransport()}
