"""A site that Google can reach over https, and what its worker would do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import connections

from config.celery import app
from integrations.sandbox import Sandbox
from integrations.sandbox.channels import Message, post
from integrations.sandbox.wire import Request, Response
from tests.google import Google
from tests.tls import Authority

LIST, WATCH, STOP = "calendar.events.list", "calendar.events.watch", "calendar.channels.stop"


class Site:
    """`url` is ours, over https; `google` is the other side. Messages under way have arrived when a call ends."""

    def __init__(self, url: str, google: Google, sandbox: Sandbox) -> None:
        self.url = url
        self.google = google
        self.sandbox = sandbox
        # Called once, inside Google's next answer to a method: name and what is then done.
        self.meanwhile: dict[str, Callable[[], object]] = {}
        self.drain()

    @contextmanager
    def reachable(self, authority: Authority) -> Iterator[None]:
        sender, answer = self.sandbox.post.sender, self.sandbox.api.answer
        self.sandbox.post.sender = partial(post, context=authority.trusting)

        def answer_last(request: Request) -> Response:
            """Every answer comes after the messages it caused: N2 always, and no test depends on a race."""
            response = answer(request)
            methods = [each.method for each in self.google.control.requests()]
            happens = self.meanwhile.pop(methods[-1], None) if methods else None
            if happens:
                happens()
                # This thread is the stand-in's, which knows nothing of a database.
                connections.close_all()
            self.sandbox.post.wait()
            return response

        self.sandbox.api.answer = answer_last  # type: ignore[method-assign]  # a wrapped method
        try:
            yield
        finally:
            self.sandbox.post.wait()
            self.sandbox.post.sender = sender
            self.sandbox.api.answer = answer  # type: ignore[method-assign]  # a wrapped method

    def statuses(self) -> list[int]:
        """What we answered to Google's messages so far."""
        return [status for _, status in self.google.control.wait_for_messages()]

    def messages(self) -> list[Message]:
        return [message for message, _ in self.google.control.wait_for_messages()]

    def count(self, method: str) -> int:
        return len(self.google.control.requests(method))

    # --- the worker ---

    def drain(self) -> list[tuple[str, list[Any]]]:
        """The tasks that wait in the queue, taken out of it."""
        self.google.control.wait_for_messages()
        taken: list[tuple[str, list[Any]]] = []
        with app.connection_for_read() as broker, broker.SimpleQueue("celery") as queue:
            while True:
                try:
                    message = queue.get_nowait()
                except queue.Empty:
                    return taken
                message.ack()
                taken.append((message.headers["task"].rpartition(".")[2], message.payload[0]))

    def work(self) -> list[str]:
        """Runs what is queued, and what that queues, to the end; the names in order."""
        ran = []
        while waiting := self.drain():
            for name, arguments in waiting:
                ran.append(name)
                app.tasks[f"calendars.tasks.{name}"](*arguments)
        return ran

    def sweep(self) -> list[str]:
        """What beat starts, and all that follows from it."""
        app.tasks["calendars.tasks.renew_channels"]()
        return self.work()
