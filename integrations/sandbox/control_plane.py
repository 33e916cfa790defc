"""The control plane over HTTP: JSON under /_control/…, from loopback only, and its page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from integrations.sandbox import desk
from integrations.sandbox.errors import ApiError, Json, invalid, not_found
from integrations.sandbox.faults import fault_from
from integrations.sandbox.wire import Request, Response, json_response

if TYPE_CHECKING:
    from integrations.sandbox.app import Sandbox
    from integrations.sandbox.control import SandboxControl


def answer(sandbox: Sandbox, request: Request) -> Response:
    try:
        if not request.is_local:
            raise ApiError(403, "forbidden", "The control plane answers loopback only.")
        name = request.path.removeprefix("/_control").strip("/")
        if not name or name.startswith("desk"):
            return desk.answer(sandbox, request)
        verb = VERBS.get((request.method, name))
        if verb is None:
            raise not_found()
        # A page of another site can post a form to loopback, but not JSON without being asked first.
        if request.method == "POST" and not (request.header("Content-Type") or "").startswith(
            "application/json"
        ):
            raise invalid("The control plane takes JSON.")
        body = request.json() if request.body else {}
        return json_response(_plain(verb(sandbox.control, body)))
    except ApiError as error:
        return Response(error.status, error.body(), {"Content-Type": "application/json; charset=UTF-8"})
    except (KeyError, TypeError, ValueError) as error:
        refused = invalid(f"{type(error).__name__}: {error}")
        return Response(400, refused.body(), {"Content-Type": "application/json; charset=UTF-8"})


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _reset(control: SandboxControl, body: Json) -> Json:
    return {"calendars": control.reset(**body)}


def _seed(control: SandboxControl, body: Json) -> Json:
    """People, then calendars, then events; the ids of the calendars by name."""
    ids: Json = {}
    for person in body.get("people", []):
        control.add_person(**person)
    for calendar in body.get("calendars", []):
        share = calendar.pop("share", {})
        ids[calendar["summary"]] = control.add_calendar(**calendar)
        for person, role in share.items():
            control.share(ids[calendar["summary"]], person, role)
    made = []
    for event in body.get("events", []):
        calendar_id = ids.get(event["calendar"], event["calendar"])
        made.append(control.insert(event["person"], calendar_id, event["body"]))
    return {"calendars": ids, "events": made}


def _clock(control: SandboxControl, body: Json) -> Json:
    """{"now": ISO, "frozen": bool} sets it, {"advance": seconds} moves it, {} tells it."""
    if "now" in body:
        control.set_clock(datetime.fromisoformat(body["now"]), frozen=bool(body.get("frozen", True)))
    if "advance" in body:
        control.advance_clock(timedelta(seconds=float(body["advance"])))
    return {"now": control.now()}


def _expire(control: SandboxControl, body: Json) -> Json:
    control.expire_sync_tokens(body.get("calendar", "*"))
    return {}


def _share(control: SandboxControl, body: Json) -> Json:
    control.share(body["calendar"], body["person"], body["role"])
    return {}


def _revoke(control: SandboxControl, body: Json) -> Json:
    control.revoke(body["person"])
    return {}


def _edit(control: SandboxControl, body: Json) -> Json:
    """{"person", "calendar", "do": insert|patch|delete|respond, "id", "body", "params"}."""
    person, calendar, params = body["person"], body.get("calendar", "primary"), body.get("params", {})
    match body["do"]:
        case "insert":
            return control.insert(person, calendar, body["body"], **params)
        case "patch":
            return control.patch(person, calendar, body["id"], body["body"], **params)
        case "delete":
            control.delete(person, calendar, body["id"], **params)
            return {}
        case "respond":
            return control.respond(person, body["id"], body["body"]["responseStatus"], **params)
    raise invalid(f"Cannot do {body['do']}")


def _faults(control: SandboxControl, body: Json) -> Json:
    """A fault's fields, or {"channel": lose|double|delay|forge, "count"}, or {"clear": true}, {"release":
    true}."""
    if body.get("clear"):
        control.clear_faults()
    elif body.get("release"):
        control.release_messages()
    elif "channel" in body:
        control.add_channel_fault(body["channel"], int(body.get("count", 1)))
    else:
        control.add_fault(fault_from(body))
    return {"waiting": control.sandbox.api.faults.waiting, "channels": control.sandbox.post.faults}


def _requests(control: SandboxControl, body: Json) -> Json:
    found = control.requests(body.get("method", ""))
    if body.get("clear"):
        control.clear_requests()
    return {"requests": found}


def _invitations(control: SandboxControl, body: Json) -> Json:
    found = control.invitations()
    if body.get("clear"):
        control.clear_invitations()
    return {"invitations": found}


def _tokens(control: SandboxControl, body: Json) -> Any:
    return control.issue_tokens(**body)


def _options(control: SandboxControl, body: Json) -> Json:
    return control.set_options(**body)


def _channels(control: SandboxControl, body: Json) -> Json:
    return {"channels": control.channels()}


def _people(control: SandboxControl, body: Json) -> Json:
    return {"people": control.people()}


POSTED: dict[str, Callable[[SandboxControl, Json], Any]] = {
    "reset": _reset,
    "seed": _seed,
    "clock": _clock,
    "expire-sync-tokens": _expire,
    "share": _share,
    "revoke": _revoke,
    "edit": _edit,
    "faults": _faults,
    "requests": _requests,
    "invitations": _invitations,
    "tokens": _tokens,
    "options": _options,
    "channels": _channels,
    "people": _people,
}
READ = ("clock", "faults", "requests", "invitations", "options", "channels", "people")


def _verbs() -> dict[tuple[str, str], Callable[[SandboxControl, Json], Any]]:
    posted = {("POST", name): verb for name, verb in POSTED.items()}
    read = {("GET", name): POSTED[name] for name in READ if name != "faults"}
    return (
        posted
        | read
        | {("GET", "faults"): lambda control, _: {"waiting": control.sandbox.api.faults.waiting}}
    )


VERBS = _verbs()
