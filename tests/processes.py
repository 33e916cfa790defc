"""Starts this project's own programs as a person would, in a process of their own."""

import os
import queue
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What a developer's own shell or a CI may hold must not decide what these tests see.
OURS = {"DEBUG", "PORT", "DATABASE_URL", "CELERY_BROKER_URL", "SECRET_KEY", "TANDEM_LOCAL_DIR", "EMAIL_URL"}
OURS |= {
    "SMS_URL",
    "TWILIO_API_URL",
    "DJANGO_SETTINGS_MODULE",
    "TOKEN_ENCRYPTION_KEYS",
    "ALLOWED_HOSTS",
    "PUBLIC_BASE_URL",
    # What one leaves compiled, the next need not compile.
    "PYTHONDONTWRITEBYTECODE",
}


def environment(**ours: str) -> dict[str, str]:
    """This process's environment without any variable of ours, and with `ours`."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    kept.setdefault("PYTHONPYCACHEPREFIX", str(ROOT / ".local" / "pycache"))
    return {name: value for name, value in kept.items() if not name.startswith("GOOGLE_")} | ours


def run(*words: str, cwd: Path = ROOT, **ours: str) -> subprocess.CompletedProcess[str]:
    """`python <words>` to its end."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env=environment(**ours),
        capture_output=True,
        text=True,
        timeout=600,
    )


def free_port_pair() -> int:
    """A port that is free and whose two successors are free as well: web and stand-ins. Of those that the system gives
    to no connection of anybody's, or one of them may be taken before it is used.
    """
    while True:
        port = random.randrange(15_000, 32_000)  # noqa: S311 (no secret)
        with socket.socket() as first, socket.socket() as second, socket.socket() as third:
            try:
                for at, each in enumerate((first, second, third)):
                    each.bind(("127.0.0.1", port + at))
            except OSError:
                continue
            return port


class Running:
    """A program that goes on until it is stopped. `output` holds what it printed so far."""

    def __init__(self, *words: str, **ours: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", *words],
            cwd=ROOT,
            env=environment(**ours),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output = ""
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            for line in stdout:
                self._lines.put(line)
        self._lines.put("")

    def wait_for(self, text: str, seconds: float = 300) -> None:
        """Returns when a line with `text` was printed; fails when the program ends or the time is over."""
        deadline = time.monotonic() + seconds
        while True:
            line = self._lines.get(timeout=max(0.01, deadline - time.monotonic()))
            self.output += line
            if text in line:
                return
            assert line, f"ended without “{text}”:\n{self.output}"

    def stop(self, number: int = signal.SIGTERM, seconds: float = 60) -> int:
        """Its exit code after signal `number`."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        finally:
            self.process.kill()
            self.process.wait()
            while line := self._lines.get(timeout=5):
                self.output += line
