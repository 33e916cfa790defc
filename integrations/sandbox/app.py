"""The sandbox as one object: its parts, and a WSGI callable that serves Google's paths, the pages and the
control plane."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from integrations.sandbox import accounts, batch, control_plane, week
from integrations.sandbox.api import ROOT, Api
from integrations.sandbox.channels import Channels, Post, Sender, post
from integrations.sandbox.control import SandboxControl
from integrations.sandbox.errors import ApiError, not_found
from integrations.sandbox.journal import Journal
from integrations.sandbox.oauth import Client, OAuth
from integrations.sandbox.people import People
from integrations.sandbox.store import Store
from integrations.sandbox.wire import Request, Response, read_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Sandbox:
    """`path` is the SQLite file, None keeps it in memory. A new one is seeded unless `seed` is False; `now`
    freezes its clock. `sender` replaces the HTTP post of channel messages."""

    def __init__(
        self,
        path: Path | str | None = None,
        *,
        client: Client | None = None,
        now: datetime | None = None,
        seed: bool = True,
        sender: Sender = post,
    ) -> None:
        if path is not None:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.store = Store(path)
        self.journal = Journal()
        self.people = People(self.store)
        self.oauth = OAuth(self.store, client or Client())
        self.post = Post(sender)
        self.channels = Channels(self.store, self.post)
        self.api = Api(self.store, self.people, self.oauth, self.channels, self.journal)
        self.control = SandboxControl(self)
        if now is not None:
            self.control.set_clock(now)
        if seed and not self.people.all():
            self.control.seed()

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Raises ConnectionDropped when a fault wants the connection closed without an answer."""
        return self.answer(read_request(environ)).write(start_response)

    __call__ = wsgi

    def answer(self, request: Request) -> Response:
        path = request.path
        if path.startswith("/_control"):
            return control_plane.answer(self, request)
        if path.startswith(ROOT):
            return self.api.answer(request)
        try:
            if path == "/batch/calendar/v3" and request.method == "POST":
                conflicts = bool(self.store.option("batch_conflicts"))
                return batch.answer(request, self.api.answer, conflicts=conflicts)
            response = accounts.answer(self, request) or week.answer(self, request)
            if response is None:
                raise not_found()
        except ApiError as error:
            headers = {"Content-Type": "application/json; charset=UTF-8", **error.headers}
            return Response(error.status, error.body(), headers)
        return response

    def close(self) -> None:
        self.post.close()
        self.store.close()
