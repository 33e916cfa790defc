"""What carriers answer, read: codes, replies and headers, each turned into what to do next. Pure."""

import datetime
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from campaigns.transports.letters import Refused, Stopped, TryLater

# RFC 3463 and the registry of RFC 5248: no such mailbox, no such domain, bad syntax, moved without a trace, mailbox
# disabled, null MX. Not 5.2.2 (full) nor 5.7.x (policy): those are about the day or about us.
GONE = {"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4"}
ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
NOBODY = re.compile(
    r"(user|recipient|mailbox|address)( \S+)? (is )?(unknown|not found|does not exist|doesn't exist|unavailable)"
    r"|unknown (user|recipient|mailbox|address)|no such (user|recipient|mailbox|address)|invalid (recipient|mailbox)",
    re.IGNORECASE,
)
# RFC 4954: sign-in needed, too weak, refused, needing encryption. They speak of our account, not of a message.
SIGN_IN = {530, 534, 535, 538}
LONGEST_WAIT = datetime.timedelta(days=1)


def is_gone(words: str) -> bool:
    """Whether a mail server's `words` say that the address itself leads nowhere. Its enhanced code counts before its
    prose, which is often wrong."""
    codes = [".".join(found.groups()) for found in ENHANCED.finditer(words)]
    return any(code in GONE for code in codes) if codes else bool(NOBODY.search(words))


def of_smtp(code: int, words: str, *, about_recipient: bool = False) -> Exception:
    """4xx is temporary, 5xx is final (RFC 5321, 4.2.1). `about_recipient`: the answer to RCPT."""
    if code in SIGN_IN:
        return Stopped(f"The mail server refused our sign-in ({code}).")
    if 400 <= code < 500:
        return TryLater(f"The mail server asked to try later ({code}).")
    if about_recipient and is_gone(words):
        return Refused(f"The mail server says that the address leads nowhere ({code}).", leads_nowhere=True)
    return Refused(f"The mail server refused it ({code}).")


def of_http(status: int, who: str, headers: Mapping[str, str], now: datetime.datetime) -> Exception:
    """An error status of a service's API. 401 and 403 speak of our key, 402 of our bill, 404 of our account's address
    there; none of them of the message."""
    if status in (401, 403):
        return Stopped(f"The {who} refused our credentials ({status}).")
    if status in (402, 404):
        return Stopped(f"The {who} does not serve our account ({status}).")
    if status == 429 or status >= 500:
        return TryLater(f"The {who} asked to try later ({status}).", wait=wait_of(headers, now))
    return Refused(f"The {who} refused it ({status}).")


def wait_of(headers: Mapping[str, str], now: datetime.datetime) -> datetime.timedelta | None:
    """Retry-After (RFC 9110, 10.2.3), seconds or a date; None where there is none to heed. A day at the most."""
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if text.isascii() and text.isdigit():
        wait = datetime.timedelta(seconds=min(int(text), 86_400))
    else:
        try:
            wait = parsedate_to_datetime(text) - now
        except (TypeError, ValueError):
            return None
    return min(wait, LONGEST_WAIT) if wait > datetime.timedelta(0) else None
