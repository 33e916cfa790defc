"""What only the tests of Google's rules need: a hand on Google's answers, and a life to look back on."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections

from calendars import booking
from contacts.models import Appointment
from integrations.sandbox import RunningServer, Sandbox
from integrations.sandbox.journal import LoggedRequest
from integrations.sandbox.wire import Request, Response
from tests.calendars.sync.rules.scene import LATER, add_series, book
from tests.google import HOUR, Desk, Google


class Answers:
    """Google's answers on their way to us. Each function is called once, with the next answer to its method."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.journal = sandbox.journal
        self.real = sandbox.api.answer
        # By Google's name of the method.
        self.meanwhile: dict[str, Callable[[], object]] = {}
        self.edited: dict[str, Callable[[dict[str, Any]], object]] = {}

    def answer(self, request: Request) -> Response:
        response = self.real(request)
        method = self.journal.entries[-1].method
        if method in self.meanwhile:
            self.meanwhile.pop(method)()
            # This thread is the stand-in's, which knows nothing of a database.
            connections.close_all()
        if method in self.edited:
            content = json.loads(response.body)
            self.edited.pop(method)(content)
            response = Response(response.status, json.dumps(content).encode(), response.headers)
        return response


@pytest.fixture
def answers(google: Google, sandbox_server: tuple[Sandbox, RunningServer]) -> Iterator[Answers]:
    api = sandbox_server[0].api
    ours = Answers(sandbox_server[0])
    api.answer = ours.answer  # type: ignore[method-assign]  # a wrapped method
    try:
        yield ours
    finally:
        api.answer = ours.real  # type: ignore[method-assign]  # a wrapped method


@pytest.fixture
def life(google: Google, db: None) -> list[LoggedRequest]:
    """All that was asked of Google while a desk did everything it does: pulls, inserts, patches, deletes, answers."""
    desk = Desk(google)
    google.control.add_person("outside@x.org")
    ours = book(desk)
    google.add(desk.address, guests=("new@x.org",), start=LATER)
    google.add("outside@x.org", guests=(desk.address,), start=LATER + 3 * HOUR)
    add_series(google, desk.address, LATER + 6 * HOUR)
    desk.turn()
    booking.reschedule(ours, starts_at=LATER + HOUR, ends_at=LATER + 2 * HOUR)
    desk.turn()
    google.control.expire_sync_tokens()
    desk.turn()
    for appointment in Appointment.objects.all():
        booking.cancel(appointment)
    desk.turn()
    desk.turn()
    return google.control.requests()
