"""The control page for a person: recent requests, and buttons for the common faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from integrations.sandbox.errors import not_found
from integrations.sandbox.faults import Fault
from integrations.sandbox.templates import fill, joined, page
from integrations.sandbox.wire import Request, Response, redirect

if TYPE_CHECKING:
    from integrations.sandbox.app import Sandbox

SHOWN = 60


def answer(sandbox: Sandbox, request: Request) -> Response:
    if request.method == "POST" and request.path == "/_control/desk":
        if not request.is_from_here:
            raise not_found()
        _do(sandbox, request.form())
        return redirect("/_control/")
    if request.method == "GET" and request.path in ("/_control", "/_control/"):
        return _show(sandbox)
    raise not_found()


def _do(sandbox: Sandbox, form: dict[str, str]) -> None:
    control = sandbox.control
    match form.get("do"):
        case "expire":
            control.expire_sync_tokens()
        case "unavailable":
            control.add_fault(Fault(status=503, count=3))
        case "rate":
            control.add_fault(Fault(status=403, reason="rateLimitExceeded", count=3))
        case "drop":
            control.add_fault(Fault(method="calendar.events.insert", drop_after=True))
        case "lose":
            control.add_channel_fault("lose", 3)
        case "clear":
            control.clear_faults()
        case "reset":
            control.reset()
        case "revoke":
            control.revoke(form.get("person", ""))


def _show(sandbox: Sandbox) -> Response:
    people = [fill("desk_revoke", email=each.email, name=each.name) for each in sandbox.control.people()]
    rows = [
        fill(
            "desk_request",
            at=f"{each.at:%H:%M:%S}",
            method=each.method,
            person=each.person,
            query=" ".join(f"{name}={value[:40]}" for name, value in each.query),
            status=each.status or "dropped",
        )
        for each in reversed(sandbox.control.requests()[-SHOWN:])
    ]
    waiting = sandbox.api.faults.waiting
    faults = ", ".join(f"{each.method}: {each.status} ×{each.count}" for each in waiting) or "none"
    now = f"{sandbox.control.now():%A %d %B %Y, %H:%M} UTC"
    body = fill("desk", revoke=joined(people), requests=joined(rows), faults=faults, now=now)
    return page("Control", body, wide=True)
