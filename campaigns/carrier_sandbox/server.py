"""Serves the stand-in from a background thread: Twilio's paths, and a page for people. Loopback only."""

import base64
import contextlib
import email.utils
import json
import socket
import threading
import urllib.parse
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.utils.crypto import constant_time_compare
from waitress import wasyncore
from waitress.server import create_server

from campaigns.carrier_sandbox.mailbox import list_page, mail_page
from campaigns.carrier_sandbox.numbers import MESSAGES
from campaigns.carrier_sandbox.pages import framed, phones_page
from campaigns.carrier_sandbox.twilio import ACCOUNT, TOKEN, CarrierSandbox, Refusal, Text

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HOST = "127.0.0.1"
MESSAGES_PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Messages"
FORM = "application/x-www-form-urlencoded"
POST_EVERY_SECONDS = 0.3


class RunningServer:
    """`url` has no trailing slash. With `posts` the callbacks go out by themselves, shortly after each text."""

    def __init__(self, sandbox: CarrierSandbox, port: int, *, posts: bool) -> None:
        self.sandbox = sandbox
        self._map: dict[int, Any] = {}
        listening = socket.create_server((HOST, port))
        self._server = create_server(_wsgi(sandbox), map=self._map, sockets=[listening], threads=4)
        self.port = int(listening.getsockname()[1])
        self.url = f"http://{HOST}:{self.port}"
        self._stopping = threading.Event()
        work = [self._run, *([self._post] if posts else [])]
        self._threads = [threading.Thread(target=one, name="carrier-sandbox", daemon=True) for one in work]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(timeout=30, map=self._map, count=1)
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._map)

    def _post(self) -> None:
        while not self._stopping.wait(POST_EVERY_SECONDS):
            self.sandbox.post_due()

    def wait(self) -> None:
        """Returns when the server was closed."""
        self._threads[0].join()

    def close(self) -> None:
        self.sandbox.released.set()
        self._stopping.set()
        # The loop may have woken by itself meanwhile and closed the trigger: then there is nobody to wake.
        with contextlib.suppress(OSError):
            self._server.pull_trigger()
        for thread in self._threads:
            thread.join(timeout=10)


def serve(sandbox: CarrierSandbox, port: int = 0, *, posts: bool = False) -> RunningServer:
    """Port 0 chooses a free one. Raises OSError when the port is taken."""
    return RunningServer(sandbox, port, posts=posts)


def _wsgi(sandbox: CarrierSandbox) -> Any:
    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        status, headers, body = _answer(sandbox, environ)
        phrase = HTTPStatus(status).phrase
        headers = {"Cache-Control": "no-store", "Content-Length": str(len(body)), **headers}
        start_response(f"{status} {phrase}", list(headers.items()))
        return [body]

    return application


Answer = tuple[int, dict[str, str], bytes]


def _answer(sandbox: CarrierSandbox, environ: "WSGIEnvironment") -> Answer:
    path, method = environ.get("PATH_INFO", "/"), environ["REQUEST_METHOD"]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length).decode() if length else ""
    form = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
    if path.startswith("/2010-04-01/"):
        return _api(sandbox, environ, form)
    if path == "/" and method == "GET":
        return _page(phones_page(sandbox))
    if (path == "/mail" or path.startswith("/mail/")) and method == "GET":
        return _mail(sandbox, path.removeprefix("/mail").removeprefix("/"))
    # A page of another site may post a form to loopback; its Origin tells.
    here = f"http://{environ.get('HTTP_HOST', '')}"
    if path == "/reply" and method == "POST" and environ.get("HTTP_ORIGIN", here) == here:
        if form.get("body", "").strip() and form.get("phone") in sandbox.threads():
            sandbox.reply(form["phone"], form["body"].strip())
        return 303, {"Location": "/"}, b""
    return 404, {"Content-Type": "text/plain"}, b"Not here."


def _page(text: str) -> Answer:
    return 200, {"Content-Type": "text/html; charset=utf-8"}, text.encode()


def _mail(sandbox: CarrierSandbox, name: str) -> Answer:
    if sandbox.mail_folder is None:
        return _page(framed("Mail", "<p>Mail leaves by EMAIL_URL: nothing of it is kept here.</p>"))
    content = mail_page(sandbox.mail_folder, name) if name else list_page(sandbox.mail_folder)
    if content is None:
        return 404, {"Content-Type": "text/plain"}, b"Not here."
    return _page(framed("Mail", content))


def _api(sandbox: CarrierSandbox, environ: "WSGIEnvironment", form: dict[str, str]) -> Answer:
    path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
    try:
        given = environ.get("HTTP_AUTHORIZATION", "")
        ours = "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if not constant_time_compare(given, ours):
            raise Refusal(401, 20003)
        if path == f"{MESSAGES_PATH}.json" and method == "POST":
            if not environ.get("CONTENT_TYPE", "").startswith(FORM):
                raise Refusal(400, 20001)
            return _json(201, _as_twilio(sandbox.take(form), sandbox))
        for text in sandbox.texts:
            if path == f"{MESSAGES_PATH}/{text.sid}.json" and method == "GET":
                return _json(200, _as_twilio(text, sandbox))
        raise Refusal(404, 20404)
    except Refusal as refusal:
        return _refused(refusal)


def _refused(refusal: Refusal) -> Answer:
    if refusal.status >= 500:
        return refusal.status, {"Content-Type": "text/html"}, b"<h1>Internal Server Error</h1>"
    status, headers, body = _json(
        refusal.status,
        {
            "code": refusal.code,
            "message": MESSAGES.get(refusal.code, "Error"),
            "more_info": f"https://www.twilio.com/docs/errors/{refusal.code}",
            "status": refusal.status,
        },
    )
    if refusal.retry_after:
        headers["Retry-After"] = str(refusal.retry_after)
    return status, headers, body


def _json(status: int, value: dict[str, object]) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


def _as_twilio(text: Text, sandbox: CarrierSandbox) -> dict[str, object]:
    return {
        "sid": text.sid,
        "account_sid": ACCOUNT,
        "to": text.phone,
        "from": sandbox.sender,
        "body": text.body,
        "status": "queued",
        "direction": "outbound-api",
        "date_created": email.utils.format_datetime(text.at),
        "num_segments": "1",
        "error_code": text.error or None,
        "error_message": None,
        "uri": f"{MESSAGES_PATH}/{text.sid}.json",
    }
