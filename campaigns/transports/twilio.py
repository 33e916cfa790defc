"""Text messages through Twilio's own client, an optional package that is imported when the first text leaves."""

import base64
import datetime
import hashlib
import hmac
import logging
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from campaigns.transports import connections
from campaigns.transports.answers import of_http, wait_of
from campaigns.transports.letters import (
    TIMEOUT_SECONDS,
    Letter,
    Receipt,
    Refused,
    Stopped,
    TryLater,
    Unclear,
)
from campaigns.transports.twilio_codes import Meaning, meaning_of, words_of

SALT = "campaigns.twilio"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
# The client writes numbers and texts into its log, at a level that many show.
silent = logging.getLogger("campaigns.transports.twilio.requests")
silent.setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Account:
    """`sender`: a number in E.164, or the id of a messaging service (MG…)."""

    sid: str
    token: str
    sender: str


def is_twilio(url: str) -> bool:
    return url.startswith("twilio://")


def account_of(url: str) -> Account:
    """From twilio://SID:TOKEN@/?from=+44… or …?messaging_service=MG…; what is missing is ""."""
    parts = urllib.parse.urlsplit(url)
    # A plus in a query means a space to most readers; nobody who writes a number means one.
    query = dict(urllib.parse.parse_qsl(parts.query.replace("+", "%2B")))
    return Account(
        sid=urllib.parse.unquote(parts.username or ""),
        token=urllib.parse.unquote(parts.password or ""),
        sender=query.get("messaging_service") or query.get("from", ""),
    )


# --- sending ------------------------------------------------------------------------------------------------


def send(letter: Letter, account: Account) -> Receipt:
    """Raises TryLater, Refused, Stopped or Unclear."""
    if not (account.sid and account.token and account.sender):
        raise Stopped("SMS_URL is not complete: Twilio needs an account, a token and a sender.")
    try:
        from requests.exceptions import RequestException  # noqa: PLC0415 (with the client, below)
        from twilio.base.exceptions import TwilioException  # noqa: PLC0415 (optional: only who sends by it has it)
    except ImportError as error:
        raise Stopped("Twilio’s client is not installed (uv sync --group sms).") from error
    answers: list[Any] = []
    client = _client(account, answers)
    try:
        made = client.messages.create(**_fields(letter, account))
    except TwilioException as error:
        raise _of_answer(error, answers[-1:]) from error
    except RequestException as error:
        raise _of_connection(error) from error
    except (ValueError, KeyError, TypeError) as error:
        raise Unclear("Twilio gave an answer that nobody can read.") from error
    finally:
        client.http_client.session.close()
    return Receipt(str(made.sid or ""))


def _client(account: Account, answers: list[Any]) -> Any:
    """A client that leaves every answer in `answers`, for what its exceptions do not carry."""
    from twilio.http.http_client import TwilioHttpClient  # noqa: PLC0415 (as above)
    from twilio.rest import Client  # noqa: PLC0415 (as above)

    def keep(answer: Any, *args: Any, **kwargs: Any) -> None:
        answers.append(answer)

    http = TwilioHttpClient(timeout=TIMEOUT_SECONDS, logger=silent, request_hooks={"response": [keep]})
    client = Client(account.sid, account.token, http_client=http, environment={})
    client.api.base_url = settings.TWILIO_API_URL.rstrip("/")
    return client


def _fields(letter: Letter, account: Account) -> dict[str, str]:
    kind = "messaging_service_sid" if account.sender.startswith("MG") else "from_"
    fields = {"to": letter.recipient, "body": letter.text.strip(), kind: account.sender}
    base = callback_base()
    if base:
        query = urllib.parse.urlencode({"of": signing.dumps(letter.message_id, salt=SALT)})
        fields["status_callback"] = f"{base}{reverse('campaigns:twilio_status')}?{query}"
    return fields


def _of_answer(error: Any, answers: list[Any]) -> Exception:
    """An error that Twilio answered with, by its code, else by the HTTP status."""
    status, code = int(getattr(error, "status", 0) or 0), int(getattr(error, "code", 0) or 0)
    headers: Mapping[str, str] = answers[-1].headers if answers else {}
    now = timezone.now()
    match meaning_of(code):
        case Meaning.NOWHERE:
            return Refused(words_of(code), leads_nowhere=True)
        case Meaning.OPTED_OUT:
            return Refused(words_of(code), opted_out=True)
        case Meaning.NOT_THIS:
            return Refused(words_of(code))
        case Meaning.STOPPED:
            return Stopped(words_of(code))
        case Meaning.LATER:
            return TryLater(words_of(code), wait=wait_of(headers, now))
    return _of_status(status, code, headers, now)


def _of_status(status: int, code: int, headers: Mapping[str, str], now: datetime.datetime) -> Exception:
    if 200 <= status < 300 or status in (500, 502, 504) or not status:
        # It broke over it, or a proxy of theirs gave up waiting: a text may have left.
        return Unclear(f"Twilio failed over it ({status}), and may have sent it.")
    if 400 <= status < 429 and code != status and status not in (401, 402, 403, 404):
        return Refused(words_of(code))
    return of_http(status, "SMS service Twilio", headers, now)


def _of_connection(error: Exception) -> Exception:
    if connections.never_was(error):
        return TryLater("Twilio could not be reached.")
    return Unclear("Twilio took the message but did not answer.")


# --- what comes back ----------------------------------------------------------------------------------------


def callback_base() -> str:
    """Where Twilio reaches this site: PUBLIC_BASE_URL; a stand-in on this machine reaches it without. "": nowhere."""
    if settings.PUBLIC_BASE_URL:
        return str(settings.PUBLIC_BASE_URL)
    is_here = urllib.parse.urlsplit(settings.TWILIO_API_URL).hostname in LOOPBACK
    return f"http://127.0.0.1:{settings.PORT}" if is_here else ""


def is_signed(url: str, fields: Mapping[str, list[str]], signature: str, token: str) -> bool:
    """Whether `signature` is what Twilio makes of a form sent to `url`: HMAC-SHA1 over the address and the fields in
    order of their names (https://www.twilio.com/docs/usage/security#validating-requests). A standard port may stand in
    the address or not."""
    return any(
        constant_time_compare(signature_of(each, fields, token), signature)
        for each in _with_and_without_port(url)
    )


def signature_of(url: str, fields: Mapping[str, list[str]], token: str) -> str:
    text = url + "".join(name + value for name in sorted(fields) for value in sorted(set(fields[name])))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def _with_and_without_port(url: str) -> list[str]:
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return [url, parts._replace(netloc=host).geturl(), parts._replace(netloc=f"{host}:{port}").geturl()]


def our_id(reference: str) -> str:
    """The Message-ID in a reference that we gave along; "" for one that is not ours."""
    try:
        return str(signing.loads(reference, salt=SALT))
    except signing.BadSignature:
        return ""
