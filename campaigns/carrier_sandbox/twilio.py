"""The stand-in's phones and texts: what it takes, what it reports, what people answer."""

import base64
import datetime
import hashlib
import hmac
import http.client
import re
import secrets
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from campaigns.carrier_sandbox.numbers import FAULTS, Fault

ACCOUNT = "AC" + "5a" * 16
TOKEN = "sandbox-token"  # noqa: S105 (known to everybody)
# One of the mobile numbers that Britain's regulator keeps for drama.
SENDER = "+447700900000"
STOPPING = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"}
STARTING = {"START", "UNSTOP", "YES"}
E164 = re.compile(r"\+[1-9]\d{6,14}")
LONGEST = 1600
KNOWN_FIELDS = {"To", "From", "Body", "StatusCallback", "MessagingServiceSid"}


class Refusal(Exception):
    """What Twilio answers instead of taking a text."""

    def __init__(self, status: int, code: int, *, retry_after: int = 0) -> None:
        super().__init__(code)
        self.status, self.code, self.retry_after = status, code, retry_after


@dataclass(slots=True)
class Text:
    """One text. `is_ours`: from the business to `phone`; else from there."""

    sid: str
    phone: str
    body: str
    is_ours: bool
    at: datetime.datetime
    status: str = "received"
    error: int = 0
    callback: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """A signed form that is to go to the product."""

    url: str
    fields: dict[str, str]


@dataclass
class CarrierSandbox:
    """`incoming_url`: where what people write goes, "" for nowhere. `sender` may be a number or a messaging service."""

    incoming_url: str = ""
    sender: str = SENDER
    # Where the mail of a local run lies, for the page that shows it.
    mail_folder: Path | None = None
    texts: list[Text] = field(default_factory=list)
    stopped: set[str] = field(default_factory=set)
    waiting: deque[Post] = field(default_factory=deque)
    # What the product answered to each form: (status, body).
    answers: list[tuple[int, str]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    # --- what the product sends ---

    def take(self, form: dict[str, str]) -> Text:
        """Takes a text for its phone. Raises Refusal."""
        _check(form, self.sender)
        fault = FAULTS.get(form["To"], Fault(is_taken=True))
        if form["To"] in self.stopped:
            raise Refusal(400, 21610)
        if not fault.is_taken:
            raise Refusal(fault.status, fault.code, retry_after=fault.retry_after)
        text = self._keep(form, fault)
        if fault.is_held:
            self.released.wait(timeout=10)
        if fault.status >= 500:
            raise Refusal(fault.status, fault.code)
        return text

    def _keep(self, form: dict[str, str], fault: Fault) -> Text:
        now = datetime.datetime.now(datetime.UTC)
        callback = form.get("StatusCallback", "")
        text = Text(f"SM{secrets.token_hex(16)}", form["To"], form["Body"], True, now, "queued", 0, callback)
        with self._lock:
            self.texts.append(text)
            for status in ("sent", "undelivered" if fault.report else "delivered"):
                self._report(text, status, fault.report if status == "undelivered" else 0)
        return text

    def _report(self, text: Text, status: str, error: int) -> None:
        """The text is so by now; its report waits its turn."""
        text.status, text.error = status, error
        if not text.callback:
            return
        fields = {"MessageSid": text.sid, "SmsSid": text.sid, "MessageStatus": status, "SmsStatus": status}
        fields |= {"To": text.phone, "From": self.sender, "AccountSid": ACCOUNT, "ApiVersion": "2010-04-01"}
        if error:
            fields["ErrorCode"] = str(error)
        self.waiting.append(Post(text.callback, fields))

    # --- what people answer ---

    def reply(self, phone: str, body: str) -> Text:
        """Somebody writes from `phone`. Twilio itself heeds STOP and START too."""
        word = body.strip().upper()
        sid = f"SM{secrets.token_hex(16)}"
        text = Text(sid, phone, body, False, datetime.datetime.now(datetime.UTC))
        fields = {"MessageSid": sid, "SmsSid": sid, "AccountSid": ACCOUNT, "From": phone, "To": self.sender}
        fields |= {"Body": body, "NumMedia": "0", "NumSegments": "1", "ApiVersion": "2010-04-01"}
        with self._lock:
            self.texts.append(text)
            if word in STOPPING:
                self.stopped.add(phone)
            elif word in STARTING:
                self.stopped.discard(phone)
            if self.incoming_url:
                self.waiting.append(Post(self.incoming_url, fields))
        return text

    # --- telling the product ---

    def post_due(self) -> list[int]:
        """Posts every form that waits, in order; the statuses of the answers. 0 for one that never came."""
        statuses = []
        while self.waiting:
            statuses.append(self.post(self.waiting.popleft()))
        return statuses

    def post(self, form: Post, *, signature: str | None = None) -> int:
        """Posts one form, signed unless another `signature` is given."""
        request = urllib.request.Request(  # noqa: S310 (checked where the address came in)
            form.url,
            urllib.parse.urlencode(form.fields).encode(),
            {"X-Twilio-Signature": sign(form.url, form.fields) if signature is None else signature},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 (as above)
                outcome = (int(answer.status), answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                outcome = (error.code, "")
        except (OSError, http.client.HTTPException):
            outcome = (0, "")
        self.answers.append(outcome)
        return outcome[0]

    # --- for its pages and tests ---

    def threads(self) -> dict[str, list[Text]]:
        """Every phone with its texts, oldest first; the phone that moved last comes first."""
        with self._lock:
            found: dict[str, list[Text]] = {}
            for text in self.texts:
                found[text.phone] = [*found.pop(text.phone, []), text]
        return dict(reversed(found.items()))


def sign(url: str, fields: dict[str, str], token: str = TOKEN) -> str:
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def _check(form: dict[str, str], sender: str) -> None:
    """Stricter than Twilio, which ignores what it does not know and mends numbers and texts."""
    if set(form) - KNOWN_FIELDS:
        raise Refusal(400, 20001)
    if not E164.fullmatch(form.get("To", "")):
        raise Refusal(400, 21211)
    # Britain's landlines: 01 and 02.
    if re.match(r"\+44[12]", form["To"]):
        raise Refusal(400, 21614)
    given = form.get("From") or form.get("MessagingServiceSid")
    if not given:
        raise Refusal(400, 21603)
    if given != sender or given.startswith("MG") == ("From" in form):
        raise Refusal(400, 21606)
    body = form.get("Body", "")
    if not body or body != body.strip():
        raise Refusal(400, 21602)
    if len(body) > LONGEST:
        raise Refusal(400, 21617)
    callback = urllib.parse.urlsplit(form.get("StatusCallback", "http://x"))
    if callback.scheme not in ("http", "https") or not callback.hostname or "_" in callback.hostname:
        raise Refusal(400, 21609)
