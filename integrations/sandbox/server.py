"""Serves a sandbox over real HTTP, from a background thread."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from typing import Any

from waitress import wasyncore
from waitress.server import create_server

from integrations.sandbox.app import Sandbox


class RunningServer:
    """`url` has no trailing slash. `close` returns when the port is free again; the sandbox itself stays
    open."""

    def __init__(self, sandbox: Sandbox, host: str, port: int, *, threads: int = 8) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"The Google sandbox binds to loopback only, not to {host}.")
        self.sandbox = sandbox
        self._map: dict[int, Any] = {}
        # Bound here: waitress would leave its own sockets open when the port is taken.
        listening = socket.create_server((host, port), family=_family(host))
        self._server = create_server(
            sandbox.wsgi,
            map=self._map,
            sockets=[listening],
            threads=threads,
            clear_untrusted_proxy_headers=True,
        )
        self.host, self.port = host, int(listening.getsockname()[1])
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="google-sandbox", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(timeout=30, map=self._map, count=1)
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._map)

    def wait(self) -> None:
        """Returns when the server was closed."""
        self._thread.join()

    def close(self) -> None:
        self._stopping.set()
        # The loop may have woken by itself meanwhile and closed the trigger: then there is nobody to wake.
        with contextlib.suppress(OSError):
            self._server.pull_trigger()
        self._thread.join(timeout=10)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def serve(sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> RunningServer:
    """Port 0 chooses a free one. Raises OSError when the port is taken, ValueError for a host that is not
    loopback."""
    return RunningServer(sandbox, host, port)
