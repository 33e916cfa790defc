"""How the sandbox refuses: Google's error envelope (W13) for the API, and OAuth's short form for tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from waitress.channel import ClientDisconnected

Json = dict[str, Any]


class ApiError(Exception):
    """An answer of the Calendar API that is not a success. `reason` is what a client may key on."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        location: str | None = None,
        location_type: str = "parameter",
        details: list[Json] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.domain = domain
        self.location = location
        self.location_type = location_type
        self.details = details
        self.headers = dict(headers or {})

    def body(self) -> bytes:
        item: Json = {"domain": self.domain, "reason": self.reason, "message": self.message}
        if self.location:
            item |= {"locationType": self.location_type, "location": self.location}
        error: Json = {"code": self.status, "message": self.message, "errors": [item]}
        if self.details:
            error["details"] = self.details
        return json.dumps({"error": error}, indent=1).encode()


class OAuthError(Exception):
    """An answer of the token, revoke or userinfo endpoint that is not a success."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(f"{status} {error}: {description}")
        self.status = status
        self.error = error
        self.description = description

    def body(self) -> bytes:
        return json.dumps({"error": self.error, "error_description": self.description}, indent=1).encode()


class ConsentError(Exception):
    """The authorisation request cannot even be answered by a redirect; Google shows a page instead."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(f"{error}: {message}")
        self.error = error
        self.message = message


class ConnectionDropped(ClientDisconnected):  # type: ignore[misc]  # waitress has no types
    """The connection is to be closed without an answer: waitress does so when it believes the client is
    gone."""


def bad_request(reason: str, message: str, location: str | None = None) -> ApiError:
    return ApiError(400, reason, message, location=location)


def invalid(message: str, location: str | None = None) -> ApiError:
    return bad_request("invalid", message, location)


def not_found() -> ApiError:
    """W14: the same answer for what never existed and what this person may not see."""
    return ApiError(404, "notFound", "Not Found")


def gone() -> ApiError:
    return ApiError(410, "deleted", "Resource has been deleted")


def full_sync_required() -> ApiError:
    message = "Sync token is no longer valid, a full sync is required."
    return ApiError(410, "fullSyncRequired", message, domain="calendar", location="syncToken")


def forbidden(message: str = "Forbidden") -> ApiError:
    return ApiError(403, "forbidden", message, domain="calendar")


def not_organizer() -> ApiError:
    message = "Shared properties can only be changed by the organizer of the event."
    return ApiError(403, "forbiddenForNonOrganizer", message, domain="calendar")


def not_implemented(what: str) -> ApiError:
    """Never ignored silently: what Google has and this sandbox has not is named."""
    return ApiError(501, "notImplemented", f"The sandbox does not implement {what}.", location=what)


def unauthenticated(message: str = "Invalid Credentials", reason: str = "authError") -> ApiError:
    challenge = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
    return ApiError(
        401,
        reason,
        message,
        location="Authorization",
        location_type="header",
        headers={"WWW-Authenticate": challenge},
    )


def insufficient_scopes(method_id: str) -> ApiError:
    detail = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
        "metadata": {"service": "calendar-json.googleapis.com", "method": method_id},
    }
    return ApiError(
        403,
        "insufficientPermissions",
        "Request had insufficient authentication scopes.",
        details=[detail],
        headers={
            "WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="insufficient_scope"'
        },
    )
