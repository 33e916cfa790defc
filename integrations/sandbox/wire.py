"""One HTTP request and one answer, between WSGI and everything else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from integrations.sandbox.errors import Json, invalid

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost", ""})


@dataclass(frozen=True)
class Request:
    """`path` is still percent-encoded: a calendar id may hold a slash or a hash (P8)."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes = b""
    base_url: str = ""
    remote: str = ""

    def header(self, name: str) -> str | None:
        return self.headers.get(name.lower())

    def form(self) -> dict[str, str]:
        return dict(self.form_pairs())

    def form_pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode(), keep_blank_values=True)

    def argument(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.query if key == name), default)

    def json(self) -> Json:
        """The body as an object; raises 400 parseError for anything else."""
        try:
            value: Any = json.loads(self.body or b"null")
        except ValueError as error:
            raise invalid("Parse Error") from error
        if not isinstance(value, dict):
            raise invalid("A JSON object is required.")
        return value

    @property
    def is_from_here(self) -> bool:
        """False for a form that a page of another site posted."""
        return self.header("Origin") in (None, self.base_url)

    @property
    def is_local(self) -> bool:
        return self.remote in LOOPBACK


@dataclass(frozen=True)
class Response:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def write(self, start_response: StartResponse) -> Iterable[bytes]:
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Unknown"
        headers = {"Content-Length": str(len(self.body)), "Cache-Control": "no-store", **self.headers}
        if self.status == 304 or (self.status == 204 and not self.body):
            headers.pop("Content-Length")
        start_response(f"{self.status} {phrase}", list(headers.items()))
        return [self.body]


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    content = {"Content-Type": "application/json; charset=UTF-8", **(headers or {})}
    return Response(status, json.dumps(value, ensure_ascii=False).encode(), content)


def html_response(text: str, status: int = 200) -> Response:
    return Response(status, text.encode(), {"Content-Type": "text/html; charset=UTF-8"})


def redirect(address: str) -> Response:
    return Response(303, b"", {"Location": address})


def read_request(environ: WSGIEnvironment) -> Request:
    headers = {
        key[5:].replace("_", "-").lower(): str(value)
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
    headers["content-type"] = str(environ.get("CONTENT_TYPE") or "")
    length = int(environ.get("CONTENT_LENGTH") or 0)
    host = headers.get("host") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    return Request(
        method=str(environ["REQUEST_METHOD"]),
        path=_raw_path(environ),
        query=parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True),
        headers=headers,
        body=environ["wsgi.input"].read(length) if length else b"",
        base_url=f"{environ['wsgi.url_scheme']}://{host}",
        remote=str(environ.get("REMOTE_ADDR", "")),
    )


def _raw_path(environ: WSGIEnvironment) -> str:
    """WSGI decodes the path and so loses `%2F`; waitress keeps what was sent in REQUEST_URI."""
    raw = environ.get("REQUEST_URI")
    if raw is None:
        return str(environ.get("PATH_INFO", "/"))
    return str(raw).split("?", 1)[0]


def decode(segment: str) -> str:
    return unquote(segment)
