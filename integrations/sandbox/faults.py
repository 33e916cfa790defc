"""Faults a test or a demo asks for: the answer to the next calls of a method, or no answer at all (Q2 to
Q4)."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, fields
from typing import Any

from integrations.sandbox.errors import ApiError, Json

MESSAGES = {
    "rateLimitExceeded": ("usageLimits", "Rate Limit Exceeded"),
    "userRateLimitExceeded": ("usageLimits", "User Rate Limit Exceeded"),
    "quotaExceeded": ("usageLimits", "Calendar usage limits exceeded."),
    "backendError": ("global", "Backend Error"),
    "conflict": ("global", "Conflict"),
}
REASONS = {403: "rateLimitExceeded", 409: "conflict", 410: "fullSyncRequired", 429: "rateLimitExceeded"}


@dataclass
class Fault:
    """Fires on the next `count` calls of `method` (an id such as calendar.events.list, oauth.token, or
    `*`), after leaving the first `skip` alone. `drop_after` carries the call out and then closes the
    connection without
    an answer."""

    method: str = "*"
    status: int = 503
    reason: str = ""
    message: str = ""
    count: int = 1
    skip: int = 0
    person: str = ""
    # Part of the address, or of the id in the body, of the calls it means.
    about: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    drop_before: bool = False
    drop_after: bool = False

    def concerns(self, method: str, person: str, about: str) -> bool:
        return self.method in ("*", method) and self.person in ("", person) and self.about in about

    @property
    def known_reason(self) -> str:
        return self.reason or REASONS.get(self.status, "backendError")

    def error(self) -> ApiError:
        domain, message = MESSAGES.get(self.known_reason, ("global", self.known_reason))
        return ApiError(
            self.status, self.known_reason, self.message or message, domain=domain, headers=self.headers
        )


def fault_from(value: Json) -> Fault:
    """Raises ValueError for a field that a fault does not have."""
    known = {each.name for each in fields(Fault)}
    if set(value) - known:
        raise ValueError(f"Unknown fields of a fault: {sorted(set(value) - known)}")
    given: dict[str, Any] = value
    return Fault(**given)


class Faults:
    def __init__(self) -> None:
        self.waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        self.waiting.append(fault)

    def take(self, method: str, person: str, about: str = "") -> Fault | None:
        """The fault that meets this call, counted down; None when it may pass."""
        with self._lock:
            fault = next((each for each in self.waiting if each.concerns(method, person, about)), None)
            if fault is None:
                return None
            if fault.skip > 0:
                fault.skip -= 1
                return None
            fault.count -= 1
            if fault.count <= 0:
                self.waiting.remove(fault)
            return fault
