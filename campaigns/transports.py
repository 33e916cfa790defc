"""How a message leaves: one small class a medium, `send(letter)` or raise TryLater, Refused, Stopped, Unclear.

Nothing here knows of rows; `delivery` decides what each outcome means.
"""

import datetime
import json
import smtplib
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Protocol

from anymail.exceptions import AnymailAPIError, AnymailRecipientsRefused, AnymailUnsupportedFeature
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

# Longer than any healthy server takes; a claim (delivery.claims.CLAIM) outlives a batch of these.
TIMEOUT_SECONDS = 15


class TryLater(Exception):
    """Not sent; the same may work later. The words are for a person. `wait`: what the carrier asked for, if it did."""

    def __init__(self, words: str, *, wait: datetime.timedelta | None = None) -> None:
        super().__init__(words)
        self.wait = wait


class Refused(Exception):
    """Not sent, and it never will be as it is. `leads_nowhere`: because of the address or number alone."""

    def __init__(self, words: str, *, leads_nowhere: bool = False) -> None:
        super().__init__(words)
        self.leads_nowhere = leads_nowhere


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
    calendar: CalendarFile | None = None


class Transport(Protocol):
    # Whether a repeat under the same id does no harm.
    recognises_repeats: bool

    def send(self, letter: Letter) -> Receipt:
        """Hands `letter` over. Raises TryLater, Refused, Stopped or Unclear."""


class EmailTransport:
    """Through Django's backend (EMAIL_URL): SMTP, a provider's API by anymail, or none in a local run."""

    recognises_repeats = True

    def send(self, letter: Letter) -> Receipt:
        with _errors_named():
            try:
                mail = _as_mail(letter)
                mail.send()
            except AnymailUnsupportedFeature:
                if letter.calendar is None:
                    raise
                # Raised before anything leaves: a service that takes text and HTML alone. The attachment remains.
                mail = _as_mail(letter, has_buttons=False)
                mail.send()
        # Anymail leaves the service's answer on the mail; an SMTP server has no name for it.
        status = getattr(mail, "anymail_status", None)
        return Receipt(str(getattr(status, "message_id", None) or ""))


def _as_mail(letter: Letter, *, has_buttons: bool = True) -> EmailMultiAlternatives:
    """A calendar file goes twice, as Google's own invitations do: Gmail and Outlook make their buttons from the
    alternative part, Apple Mail and whoever saves the file want the attachment."""
    mail = EmailMultiAlternatives(
        subject=letter.subject,
        body=letter.text,
        to=[letter.recipient],
        headers={"Message-ID": letter.message_id, **_unsubscribe_headers(letter.unsubscribe_url)},
        connection=get_connection(timeout=TIMEOUT_SECONDS),
    )
    mail.attach_alternative(letter.html, "text/html")
    if letter.calendar is not None:
        if has_buttons:
            mail.attach_alternative(
                letter.calendar.content, f"text/calendar; method={letter.calendar.method}"
            )
        mail.attach("invite.ics", letter.calendar.content.encode(), "application/ics")
    return mail


@contextmanager
def _errors_named() -> Iterator[None]:
    """What may go wrong on the way out, named after what to do about it."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        raise _by_code(min(code for code, _ in error.recipients.values())) from error
    except smtplib.SMTPAuthenticationError as error:
        # Our account's trouble, not this message's: it heals when the setting does.
        raise TryLater("The mail server did not accept our sign-in.") from error
    except smtplib.SMTPResponseException as error:
        raise _by_code(error.smtp_code) from error
    except AnymailRecipientsRefused as error:
        raise Refused("The mail service refused the address.") from error
    except AnymailAPIError as error:
        raise _by_status(error.status_code or 503, "mail service") from error
    except (smtplib.SMTPException, OSError) as error:
        raise TryLater(f"The mail server could not be reached ({type(error).__name__}).") from error


class SmsTransport:
    """Posts JSON (to, text, reference) to the gateway at SMS_URL; any 2xx means taken."""

    recognises_repeats = False

    def send(self, letter: Letter) -> Receipt:
        if not settings.SMS_URL:
            raise Refused("No SMS service is set up (SMS_URL).")
        body = {"to": letter.recipient, "text": letter.text.strip(), "reference": letter.message_id}
        request = urllib.request.Request(  # noqa: S310 (the address is the operator's own setting)
            settings.SMS_URL, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS).close()  # noqa: S310 (as above)
        except urllib.error.HTTPError as error:
            with error:
                raise _by_status(error.code, "SMS service") from error
        except urllib.error.URLError as error:
            raise TryLater("The SMS service could not be reached.") from error
        except OSError as error:
            raise Unclear("The SMS service took the message but did not answer.") from error
        return Receipt()


TRANSPORTS: dict[str, Transport] = {"email": EmailTransport(), "sms": SmsTransport()}


def sender_address() -> str:
    """The address we send from."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1]


def sender_domain() -> str:
    """The domain we send from, for Message-IDs."""
    return sender_address().rpartition("@")[2] or "localhost"


def _unsubscribe_headers(url: str) -> dict[str, str]:
    """RFC 8058: mail readers show a button that posts to `url` at once."""
    if not url:
        return {}
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _by_code(code: int) -> Exception:
    """SMTP: 4xx is temporary, 5xx is final (RFC 5321, 4.2.1)."""
    if 400 <= code < 500:
        return TryLater(f"The mail server asked to try later ({code}).")
    return Refused(f"The mail server refused it ({code}).")


def _by_status(status: int, who: str) -> Exception:
    if status == 429 or status >= 500:
        return TryLater(f"The {who} asked to try later ({status}).")
    return Refused(f"The {who} refused it ({status}).")
