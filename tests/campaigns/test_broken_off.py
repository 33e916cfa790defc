"""E-mail whose connection broke: before anything left, or when nobody can tell, over real sockets."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pytest_django import Settings

from campaigns.transports import EmailTransport, Letter, TryLater

LETTER = Letter("ada@example.com", "Hi", "Hi", "<p>Hi</p>", "<message-1.ab@x>")


class _Server(socketserver.TCPServer):
    allow_reuse_address = True


@contextmanager
def serving(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    """The port on which `handler` answers."""
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class HangsUpAfterData(socketserver.StreamRequestHandler):
    """A mail server that dies once it has the whole mail, before it says so."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            if line.upper().startswith(b"DATA"):
                break
            self.wfile.write(b"250 ok\r\n")
        self.wfile.write(b"354 go on\r\n")
        for line in self.rfile:
            if line == b".\r\n":
                return


class Declines(socketserver.StreamRequestHandler):
    """One that is too busy to talk."""

    def handle(self) -> None:
        self.wfile.write(b"421 too busy\r\n")


class ReadsAndHangsUp(socketserver.StreamRequestHandler):
    """A mail service that dies over a request."""

    def handle(self) -> None:
        length = 0
        for line in self.rfile:
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
            if line == b"\r\n":
                break
        self.rfile.read(length)


class Answers504(ReadsAndHangsUp):
    def handle(self) -> None:
        super().handle()
        self.wfile.write(b"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def by_smtp(settings: Settings, port: int) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port


def by_service(settings: Settings, port: int) -> None:
    settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "t", "POSTMARK_API_URL": f"http://127.0.0.1:{port}/"}


def broken_off() -> bool:
    """Whether it may have left."""
    with pytest.raises(TryLater) as caught:
        EmailTransport().send(LETTER)
    return caught.value.may_have_left


@pytest.mark.parametrize(
    ("carried", "handler", "may_have_left"),
    [
        (by_smtp, HangsUpAfterData, True),
        (by_smtp, Declines, False),
        (by_service, ReadsAndHangsUp, True),
        (by_service, Answers504, True),
    ],
)
def test_a_carrier_that_dies(
    settings: Settings,
    carried: Callable[[Settings, int], None],
    handler: type[socketserver.BaseRequestHandler],
    may_have_left: bool,
) -> None:
    with serving(handler) as port:
        carried(settings, port)
        assert broken_off() is may_have_left


def test_where_nobody_listens_nothing_has_left(settings: Settings) -> None:
    with serving(Declines) as port:
        pass
    for way in (by_smtp, by_service):
        way(settings, port)
        assert broken_off() is False
