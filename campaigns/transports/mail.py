"""E-mail, through Django's backend: SMTP, a provider's API by anymail, or none in a local run (EMAIL_URL)."""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.utils import parseaddr
from functools import cache

from anymail.exceptions import (
    AnymailAPIError,
    AnymailConfigurationError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailUnsupportedFeature,
)
from django.conf import settings
from django.core.mail import BadHeaderError, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone
from requests.exceptions import RequestException

from campaigns.transports import connections
from campaigns.transports.answers import of_http, of_smtp
from campaigns.transports.letters import TIMEOUT_SECONDS, Letter, Receipt, Refused, Stopped, TryLater

# Under this name our own id comes back with what a service reports.
OUR_ID = "tandem_id"


class EmailTransport:
    recognises_repeats = True

    def send(self, letter: Letter) -> Receipt:
        with _errors_named():
            connection = get_connection(timeout=TIMEOUT_SECONDS)
            # What goes wrong here goes wrong before anything left.
            connection.open()
            try:
                with _errors_on_the_way():
                    mail = _handed_over(letter, connection)
            finally:
                # It was taken or not; how they part changes nothing.
                with suppress(smtplib.SMTPException, OSError):
                    connection.close()
        # Anymail leaves the service's answer on the mail; an SMTP server has no name for it.
        status = getattr(mail, "anymail_status", None)
        return Receipt(str(getattr(status, "message_id", None) or ""))


def _handed_over(letter: Letter, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    try:
        mail = _as_mail(letter, connection)
        mail.send()
    except AnymailUnsupportedFeature:
        # Raised before anything leaves: a service that takes text and HTML alone. The attachment remains.
        mail = _as_mail(letter, connection, is_plain=True)
        mail.send()
    return mail


def _as_mail(
    letter: Letter, connection: BaseEmailBackend, *, is_plain: bool = False
) -> EmailMultiAlternatives:
    """A calendar file goes twice, as Google's own invitations do: Gmail and Outlook make their buttons from the
    alternative part, Apple Mail and whoever saves the file want the attachment."""
    mail = EmailMultiAlternatives(
        subject=letter.subject,
        body=letter.text,
        to=[letter.recipient],
        reply_to=[letter.reply_to] if letter.reply_to else None,
        headers={"Message-ID": letter.message_id, **_unsubscribe_headers(letter.unsubscribe_url)},
        connection=connection,
    )
    if not is_plain:
        # A service's report may come before its receipt is written.
        mail.metadata = {OUR_ID: letter.message_id}  # type: ignore[attr-defined]  # Anymail's own attribute
    mail.attach_alternative(letter.html, "text/html")
    if letter.calendar is not None:
        if not is_plain:
            mail.attach_alternative(
                letter.calendar.content, f"text/calendar; method={letter.calendar.method}"
            )
        mail.attach("invite.ics", letter.calendar.content.encode(), "application/ics")
    return mail


def _unsubscribe_headers(url: str) -> dict[str, str]:
    """RFC 8058: mail readers show a button that posts to `url` at once."""
    if not url:
        return {}
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


@contextmanager
def _errors_named() -> Iterator[None]:
    """What may go wrong on the way out, named after what to do about it."""
    try:
        yield
    except (
        AnymailAPIError,
        AnymailConfigurationError,
        AnymailInvalidAddress,
        AnymailRecipientsRefused,
    ) as error:
        raise _of_service(error) from error
    except BadHeaderError as error:
        # Raised as the mail is put together, before anything leaves.
        raise Refused(
            "Its subject or address holds a line break, so that no mail can be made of it."
        ) from error
    except (smtplib.SMTPException, OSError) as error:
        raise _of_server(error) from error


@contextmanager
def _errors_on_the_way() -> Iterator[None]:
    """Those of a connection that broke over a mail, which the other side may have."""
    try:
        yield
    except AnymailAPIError as error:
        if not _may_have_left(error):
            raise
        raise TryLater("The mail service broke off, and may have sent it.", may_have_left=True) from error
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        if isinstance(error, smtplib.SMTPException) and not isinstance(error, smtplib.SMTPServerDisconnected):
            raise
        words = f"The mail server broke off ({type(error).__name__}), and may have taken it."
        raise TryLater(words, may_have_left=True) from error


def _may_have_left(error: AnymailAPIError) -> bool:
    """It broke, or what stands before it gave up waiting: either may be after it was sent."""
    if error.status_code is not None:
        return error.status_code in (500, 502, 504)
    return isinstance(error, RequestException) and not connections.never_was(error.__cause__)


def _of_service(error: Exception) -> Exception:
    if isinstance(error, AnymailConfigurationError):
        return Stopped("The mail service is not set up completely (EMAIL_URL).")
    if isinstance(error, AnymailInvalidAddress):
        return Refused("What is kept as their e-mail address is none.", leads_nowhere=True)
    if isinstance(error, AnymailRecipientsRefused):
        # Its suppression list holds who bounced and who complained. Either way nothing reaches this address by it.
        return Refused(
            "The mail service no longer sends to this address: mail to it bounced, or was reported as spam.",
            leads_nowhere=True,
        )
    status, response = getattr(error, "status_code", None), getattr(error, "response", None)
    headers = getattr(response, "headers", None) or {}
    return of_http(status or 503, "mail service", headers, timezone.now())


def _of_server(error: smtplib.SMTPException | OSError) -> Exception:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = min(error.recipients.values())
        return of_smtp(code, _text(words), about_recipient=True)
    if isinstance(error, smtplib.SMTPSenderRefused) and error.smtp_code in (550, 551, 553, 554):
        return Stopped(f"The mail server does not take mail from {sender_address()} ({error.smtp_code}).")
    if isinstance(error, smtplib.SMTPResponseException):
        return of_smtp(error.smtp_code, _text(error.smtp_error))
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Stopped("The mail server lacks what EMAIL_URL asks for (sign-in or encryption).")
    return TryLater(f"The mail server could not be reached ({type(error).__name__}).")


def _text(words: bytes | str) -> str:
    return words.decode(errors="replace") if isinstance(words, bytes) else words


def sender_address() -> str:
    """The address we send from."""
    return _address_in(settings.DEFAULT_FROM_EMAIL)


@cache
def _address_in(sender: str) -> str:
    return parseaddr(sender)[1]


def sender_domain() -> str:
    """The domain we send from, for Message-IDs."""
    return sender_address().rpartition("@")[2] or "localhost"
