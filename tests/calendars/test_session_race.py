"""Seats of one class changed at the same moment, on SQLite and on PostgreSQL: nobody waits in a circle, no seat is sold
twice, each session keeps one event; and of those who move a whole session at once one does, the others are told."""

import json
import os
import subprocess
import sys

from django.conf import settings

from tests.calendars.session_race import ROUNDS, SEATS, TURNS, WORKERS
from tests.campaigns.test_race import database_url

__all__ = ["database_url"]


def test_seats_of_a_class_are_changed_by_many_at_once_and_nobody_waits_in_a_circle(database_url: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.calendars.session_race"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": database_url, "DEBUG": "1", "EMAIL_URL": "memorymail://"}
        | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    answers = result["answers"]
    assert sum(answers.values()) == WORKERS * TURNS
    strange = {answer for answer in answers if answer.split(": ", 1)[1] not in ("done", "refused")}
    assert strange == set(), run.stderr
    assert result["most_people"] <= SEATS
    assert set(result["events"]) <= {1}
    assert result["circle"] == {"done": 2}, run.stderr
    one_moves = {"done": 1, "refused": WORKERS - 1}
    assert result["moves"] == [{"answers": one_moves, "together": [SEATS], "events": [1]}] * ROUNDS
