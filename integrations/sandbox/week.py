from __future__ import annotations

from typing import TYPE_CHECKING

from integrations.sandbox.wire import Request, Response

if TYPE_CHECKING:
    from integrations.sandbox.app import Sandbox


def answer(sandbox: Sandbox, request: Request) -> Response | None:
    return None
