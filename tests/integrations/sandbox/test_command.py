"""manage.py google_sandbox: a local run only, and one clear line when it cannot start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from integrations.sandbox import Sandbox, serve


def test_it_refuses_to_start_without_debug(settings: Any) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DEBUG"):
        call_command("google_sandbox")


def test_a_taken_port_is_told_in_one_line(settings: Any, tmp_path: Path) -> None:
    settings.DEBUG = True
    sandbox = Sandbox(seed=False)
    server = serve(sandbox)
    with pytest.raises(CommandError, match=f"Port {server.port} is taken"):
        call_command("google_sandbox", port=server.port, database=str(tmp_path / "google.db"))
    server.close()
    sandbox.close()
