"""Push channels: who watches what, and the messages that tell of changes (rules N1 to N9).

Messages leave from a background thread, never under the store's lock, so that a receiver may call back at
once.
"""

from __future__ import annotations

import http.client
import json
import queue
import re
import secrets
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlsplit

from integrations.sandbox.errors import ApiError, Json, invalid, not_implemented
from integrations.sandbox.store import Store

DEFAULT_LIFETIME = 604_800
LONGEST_LIFETIME = 30 * 24 * 3600
RETRIED = frozenset({500, 502, 503, 504})
TRIES = 3


@dataclass(frozen=True)
class Channel:
    """`resource` is a calendar's id, or `list:<address>` for somebody's calendar list. `expires_at` is
    ISO."""

    id: str
    person: str
    client: str
    resource: str
    resource_id: str
    resource_uri: str
    address: str
    token: str
    expires_at: str
    number: int


@dataclass(frozen=True)
class Message:
    """One POST to a receiver; it has no body (N3)."""

    address: str
    headers: dict[str, str]


Sender = Callable[[Message], int]


def post(message: Message, context: ssl.SSLContext | None = None) -> int:
    """The receiver's status; raises OSError or HTTPException when it cannot be reached. `context` says which
    authorities an https receiver may be vouched for by, the system's where it is None.
    """
    parts = urlsplit(message.address)
    if parts.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.netloc, timeout=5, context=context or ssl.create_default_context()
        )
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    try:
        path = parts.path or "/"
        connection.request("POST", f"{path}?{parts.query}" if parts.query else path, b"", message.headers)
        return connection.getresponse().status
    finally:
        connection.close()


class Post:
    """The outgoing messages: a queue, one thread, and the faults a test asks for."""

    def __init__(self, sender: Sender = post) -> None:
        self.sender = sender
        self.faults: list[str] = []
        self.held: list[Message] = []
        self.sent: list[tuple[Message, int]] = []
        self._queue: queue.Queue[Message | None] = queue.Queue()
        self._thread: threading.Thread | None = None

    def send(self, message: Message) -> None:
        for each in self._with_fault(message):
            self._queue.put(each)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sandbox-channels", daemon=True)
            self._thread.start()

    def _with_fault(self, message: Message) -> list[Message]:
        match self.faults.pop(0) if self.faults else "":
            case "lose":
                return []
            case "double":
                return [message, message]
            case "delay":
                self.held.append(message)
                return []
            case "forge":
                forged = message.headers | {"X-Goog-Channel-Token": "forged", "X-Goog-Resource-ID": "forged"}
                return [Message(message.address, forged)]
        return [message]

    def release(self) -> None:
        """Lets the delayed messages go."""
        held, self.held = self.held, []
        for message in held:
            self._queue.put(message)

    def wait(self) -> None:
        """Returns when nothing is under way."""
        self._queue.join()

    def close(self) -> None:
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(timeout=10)
            self._thread = None

    def _run(self) -> None:
        while True:
            message = self._queue.get()
            try:
                if message is None:
                    return
                self._deliver(message)
            finally:
                self._queue.task_done()

    def _deliver(self, message: Message) -> None:
        """N5: 500, 502, 503 and 504 are tried again, anything else is lost."""
        for _ in range(TRIES):
            try:
                status = self.sender(message)
            except (OSError, http.client.HTTPException):
                status = 0
            self.sent.append((message, status))
            if status not in RETRIED:
                return


class Channels:
    def __init__(self, store: Store, outgoing: Post) -> None:
        self.store = store
        self.post = outgoing
        self._waiting: list[Message] = []

    def watch(self, body: Json, *, person: str, client: str, resource: str, uri: str) -> Json:
        """Opens a channel; its first message is `sync` and may arrive before this answer (N2)."""
        self._check(body)
        digest = secrets.token_urlsafe(20)
        expires_at = self._expiry(body)
        resource_id = self._resource_id(resource, uri) or digest
        channel = Channel(
            body["id"], person, client, resource, resource_id, uri, body["address"], body.get("token", ""),
            expires_at.isoformat(), 1,
        )  # fmt: skip
        values = (channel.id, resource, 0, json.dumps(asdict(channel)))
        self.store.db.execute("INSERT INTO channels VALUES (?, ?, ?, ?)", values)
        self._waiting.append(_message(channel, "sync"))
        answer: Json = {
            "kind": "api#channel",
            "id": channel.id,
            "resourceId": channel.resource_id,
            "resourceUri": uri,
            "expiration": str(int(expires_at.timestamp() * 1000)),
        }
        return answer | ({"token": channel.token} if channel.token else {})

    def _resource_id(self, resource: str, uri: str) -> str | None:
        """All channels of one resource share its id, as at Google."""
        known = (each for each in self.all() if each.resource == resource and each.resource_uri == uri)
        return next((each.resource_id for each in known), None)

    def _check(self, body: Json) -> None:
        for name in ("id", "type", "address"):
            if not body.get(name):
                raise ApiError(400, "required", f"Required: {name}", location=name)
        if not re.fullmatch(r"[A-Za-z0-9\-_+/=]{1,64}", body["id"]):
            raise invalid("The channel id must have 1 to 64 characters of A-Z a-z 0-9 - _ + / =.", "id")
        if body["type"] not in ("web_hook", "webhook"):
            raise invalid(f"Unknown channel type: {body['type']}", "type")
        if len(body.get("token", "")) > 256:
            raise invalid("The channel token has at most 256 characters.", "token")
        for name in ("payload", "resourceId", "resourceUri", "kind"):
            if name in body:
                raise not_implemented(f"the channel field {name}")
        if set(body.get("params", {})) - {"ttl"}:
            raise not_implemented("channel params other than ttl")
        self._check_address(body["address"])
        known = self.store.db.execute("SELECT 1 FROM channels WHERE id = ?", (body["id"],)).fetchone()
        if known is not None:
            raise ApiError(400, "channelIdNotUnique", f"Channel id {body['id']} not unique")

    def _check_address(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme != "https" and not (
            parts.scheme == "http" and self.store.option("allow_http_webhooks")
        ):
            message = f"WebHook callback must be HTTPS: {address}"
            raise ApiError(400, "push.webhookUrlNotHttps", message, domain="global")
        if not parts.netloc or parts.fragment:
            raise invalid(f"Invalid address: {address}", "address")

    def _expiry(self, body: Json) -> datetime:
        """N1: the stricter of the request and the limit; Google's default without a request."""
        now = self.store.now()
        seconds = DEFAULT_LIFETIME
        if "ttl" in body.get("params", {}):
            if not re.fullmatch(r"\d{1,9}", body["params"]["ttl"]):
                raise invalid(f"Invalid ttl: {body['params']['ttl']}", "params.ttl")
            seconds = int(body["params"]["ttl"])
        elif "expiration" in body:
            seconds = int(int(body["expiration"]) / 1000 - now.timestamp())
        if seconds <= 0:
            raise invalid("The channel would already be expired.", "expiration")
        return now + timedelta(seconds=min(seconds, LONGEST_LIFETIME))

    def stop(self, body: Json, *, person: str, client: str) -> None:
        """N8: only the same user and client may; raises 404 for anything unknown."""
        for channel in self.all():
            if (channel.id, channel.resource_id) == (body.get("id"), body.get("resourceId")):
                if (channel.person, channel.client) == (person, client):
                    self.store.db.execute("UPDATE channels SET stopped = 1 WHERE id = ?", (channel.id,))
                    return
                break
        raise ApiError(404, "notFound", f"Channel '{body.get('id')}' not found for project")

    def all(self) -> list[Channel]:
        """The living channels: neither stopped nor expired by the sandbox's clock."""
        found = self.store.db.execute("SELECT body FROM channels WHERE stopped = 0 ORDER BY rowid")
        channels = [Channel(**json.loads(each["body"])) for each in found]
        return [each for each in channels if datetime.fromisoformat(each.expires_at) > self.store.now()]

    def tell(self, resources: set[str]) -> None:
        """One `exists` for every living channel of these; the number rises, but not by one (N3)."""
        for channel in self.all() if resources else ():
            if channel.resource in resources:
                risen = replace(channel, number=channel.number + 2 + channel.number % 3)
                values = (json.dumps(asdict(risen)), channel.id)
                self.store.db.execute("UPDATE channels SET body = ? WHERE id = ?", values)
                self._waiting.append(_message(risen, "exists"))

    @contextmanager
    def announced(self) -> Iterator[None]:
        """One transaction, whose changes are told after its commit, so that a receiver sees what it is told
        of."""
        if self.store.in_transaction:
            yield
            return
        with self.store.transaction():
            self._waiting.clear()
            self.store.touched.clear()
            yield
            self.tell(self.store.touched)
            self.store.touched.clear()
            waiting, self._waiting = self._waiting, []
        for message in waiting:
            self.post.send(message)


def _message(channel: Channel, state: str) -> Message:
    expires_at = datetime.fromisoformat(channel.expires_at).astimezone(UTC)
    headers = {
        "Content-Type": "application/json; utf-8",
        "Content-Length": "0",
        "User-Agent": "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)",
        "X-Goog-Channel-ID": channel.id,
        "X-Goog-Channel-Expiration": format_datetime(expires_at, usegmt=True),
        "X-Goog-Resource-ID": channel.resource_id,
        "X-Goog-Resource-URI": channel.resource_uri,
        "X-Goog-Resource-State": state,
        "X-Goog-Message-Number": str(channel.number),
    }
    if channel.token:
        headers["X-Goog-Channel-Token"] = channel.token
    return Message(channel.address, headers)
