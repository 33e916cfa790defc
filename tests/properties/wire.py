"""The way to the sandbox without sockets: what httplib2 would do, in the same process."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httplib2

from integrations.sandbox import Sandbox
from integrations.sandbox.errors import ConnectionDropped
from integrations.sandbox.wire import Request, Response

BASE = "http://google.test"
# httplib2 re-sends any request, a POST too, when the connection closes without an answer.
TRIES = 2


# What a test does to a request on its way: called with it and with what carries it out.
Meddle = Callable[[Request, Callable[[Request], Response]], Response]


def straight(request: Request, send: Callable[[Request], Response]) -> Response:
    return send(request)


class InProcessHttp:
    """An httplib2.Http whose other end is `sandbox`. `breathe` is called before and after each request."""

    def __init__(self, sandbox: Sandbox, breathe: Callable[[], None], meddle: Meddle = straight) -> None:
        self.sandbox = sandbox
        self.breathe = breathe
        self.meddle = meddle

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> tuple[httplib2.Response, bytes]:
        self.breathe()
        parts = urlsplit(uri)
        answer = self.meddle(
            Request(
                method=method,
                path=parts.path,
                query=parse_qsl(parts.query, keep_blank_values=True),
                headers={name.lower(): str(value) for name, value in (headers or {}).items()},
                body=body.encode() if isinstance(body, str) else body or b"",
                base_url=BASE,
                remote="127.0.0.1",
            ),
            self._answer,
        )
        self.breathe()
        told = {name.lower(): value for name, value in answer.headers.items()}
        return httplib2.Response({**told, "status": str(answer.status)}), answer.body

    def _answer(self, request: Request) -> Response:
        for _ in range(TRIES):
            try:
                return self.sandbox.answer(request)
            except ConnectionDropped:
                continue
        raise ConnectionResetError("The connection closed without an answer.")

    def close(self) -> None:
        """There is no connection to end."""
