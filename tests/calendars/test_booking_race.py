"""No double booking, ever: visitors in several processes press the same slots, on SQLite and on PostgreSQL."""

import json
import os
import subprocess
import sys

from django.conf import settings

from tests.calendars.race import FORM, PROCESSES, ROUNDS, ROUNDS_TOGETHER, TOGETHER
from tests.campaigns.test_race import database_url

__all__ = ["database_url"]
FREE = {"personal": 1, "round_robin": 2, "class": 2}


def test_of_simultaneous_visitors_as_many_are_booked_as_there_are_seats_or_hosts_and_nobody_waits_in_a_circle(
    database_url: str,
) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.calendars.race"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": database_url, "DEBUG": "1", "EMAIL_URL": "memorymail://"}
        | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    for kind, free in FREE.items():
        assert result[kind]["answers"] == {"booked": free * ROUNDS, "taken": (PROCESSES - free) * ROUNDS}
        assert result[kind]["booked"] == free * ROUNDS
        assert result[kind]["most_of_one_host"] <= 1
    assert result[TOGETHER] == {"booked": PROCESSES * ROUNDS_TOGETHER}
    # One form makes one appointment, under whichever addresses and for whichever times it is sent at once.
    assert result[FORM] == {"booked": ROUNDS, "used": (PROCESSES - 1) * ROUNDS}
