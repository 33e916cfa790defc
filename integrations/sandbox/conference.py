"""Conferences: asked for in a write, pending in its answer, there at the next get (W9). Pure."""

from __future__ import annotations

from integrations.sandbox.errors import Json, bad_request


def requested(body: Json, old: Json) -> Json:
    """The body with a new request marked as pending; raises 400 for one without an id of its own."""
    request: Json = body.get("conferenceData", {}).get("createRequest", {})
    former: Json = old.get("conferenceData", {}).get("createRequest", {})
    if not request or request.get("requestId") == former.get("requestId"):
        return body
    if not request.get("requestId"):
        raise bad_request("required", "Missing requestId.", "conferenceData.createRequest.requestId")
    pending = request | {"status": {"statusCode": "pending"}}
    return body | {"conferenceData": {"createRequest": pending}}


def settled(body: Json, event_id: str) -> Json | None:
    """The body with its pending conference made; None when none is pending."""
    request: Json = body.get("conferenceData", {}).get("createRequest", {})
    if request.get("status", {}).get("statusCode") != "pending":
        return None
    code = event_id[:10]
    address = f"https://meet.google.com/{code[:3]}-{code[3:7]}-{code[7:10]}"
    entry = {"entryPointType": "video", "uri": address, "label": address.removeprefix("https://")}
    made = {
        "createRequest": request | {"status": {"statusCode": "success"}},
        "conferenceId": code,
        "conferenceSolution": {"key": {"type": "hangoutsMeet"}, "name": "Google Meet"},
        "entryPoints": [entry],
    }
    return body | {"conferenceData": made, "hangoutLink": address}
