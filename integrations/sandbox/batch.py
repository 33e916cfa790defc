"""POST /batch/calendar/v3: several calls in one multipart request (W12)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from email.message import Message
from email.parser import BytesParser
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from integrations.sandbox import discovery
from integrations.sandbox.errors import ApiError, invalid
from integrations.sandbox.wire import Request, Response

MOST_CALLS = 1000


def answer(request: Request, call: Callable[[Request], Response], *, conflicts: bool) -> Response:
    """Carries the calls out one after another. With `conflicts` a second write to a calendar answers 409
    (W12)."""
    parts = _parts(request)
    boundary = f"batch_{secrets.token_hex(8)}"
    written: set[str] = set()
    answers = []
    for part in parts:
        inner = _inner(part, request)
        calendar = _written_calendar(inner)
        response = _conflict() if conflicts and calendar in written else call(inner)
        if calendar:
            written.add(calendar)
        answers.append(_part(boundary, part.get("Content-ID", ""), response))
    body = b"".join(answers) + f"--{boundary}--\r\n".encode()
    return Response(200, body, {"Content-Type": f"multipart/mixed; boundary={boundary}"})


def _parts(request: Request) -> list[Message]:
    head = f"Content-Type: {request.header('Content-Type')}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + request.body)
    if not message.is_multipart():
        raise invalid("A batch is a multipart/mixed request.")
    parts = [part for part in message.get_payload() if isinstance(part, Message)]
    if len(parts) > MOST_CALLS:
        raise invalid(f"A batch holds at most {MOST_CALLS} calls.")
    return parts


def _inner(part: Message, outer: Request) -> Request:
    if part.get_content_type() != "application/http":
        raise invalid("Each part of a batch is application/http.")
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    line, *lines = head.decode().split("\n")
    method, _, rest = line.partition(" ")
    address = urlsplit(rest.rpartition(" ")[0])
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)
    }
    headers.setdefault("authorization", outer.header("Authorization") or "")
    query = parse_qsl(address.query, keep_blank_values=True)
    return Request(method, address.path, query, headers, body, outer.base_url, outer.remote)


def _written_calendar(request: Request) -> str:
    """The calendar this call writes to; empty for a call that writes none."""
    try:
        method, arguments = discovery.route(request.method, request.path.removeprefix("/calendar/v3/"))
    except ApiError:
        return ""
    return arguments.get("calendarId", "") if method.is_write else ""


def _conflict() -> Response:
    error = ApiError(409, "conflict", "Conflict")
    return Response(409, error.body(), {"Content-Type": "application/json; charset=UTF-8"})


def _part(boundary: str, content_id: str, response: Response) -> bytes:
    told = content_id.replace("<", "<response-", 1)
    headers = {**response.headers, "Content-Length": str(len(response.body))}
    lines = [
        f"--{boundary}",
        "Content-Type: application/http",
        f"Content-ID: {told}",
        "",
        f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
        *(f"{name}: {value}" for name, value in headers.items()),
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + response.body + b"\r\n"
