"""Workers as they are in life: killed, halted, four at once, on machines with wrong clocks. None twice, none lost."""

import contextlib
import fcntl
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import databases, processes
from tests.campaigns.workers.scenes import NUMBER, POINTS

KEY = "d29ya2Vycy13b3JrZXJzLXdvcmtlcnMtd29ya2Vycy0="
BEFORE_BEGUN = ("before the claim is committed", "claimed", "read", "checked")
Scenes = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Scenes:
    """All scenes, played once for all processes of this run."""
    own = tmp_path_factory.getbasetemp()
    shared = (own if worker_id == "master" else own.parent) / "scenes.json"
    with open(shared.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            with database() as url:
                shared.write_text(json.dumps(played(url, own / "letters")))
        found: Scenes = json.loads(shared.read_text())
    return found


@contextlib.contextmanager
def database() -> Iterator[str]:
    """PostgreSQL, and SQLite where there is none."""
    with contextlib.ExitStack() as stack:
        try:
            url = stack.enter_context(databases.postgresql(migrated=True))
        except psycopg.OperationalError:
            url = stack.enter_context(databases.sqlite(migrated=True))
        yield url


def played(url: str, outside: Path) -> Scenes:
    environment = processes.environment(
        DATABASE_URL=url,
        DJANGO_SETTINGS_MODULE="config.settings",
        SECRET_KEY=KEY,
        TOKEN_ENCRYPTION_KEYS=KEY,
        OUTSIDE=str(outside),
    )
    words = [sys.executable, "-m", "tests.campaigns.workers.scenes"]
    done = subprocess.run(
        words, cwd=processes.ROOT, env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    found: Scenes = json.loads(done.stdout)
    return found


def all_sent(times: int = NUMBER) -> dict[str, Any]:
    return {"states": {"sent": NUMBER}, "arrived": NUMBER, "times": times}


@pytest.mark.parametrize("point", POINTS)
def test_mail_of_a_killed_worker_all_arrives_and_only_what_was_underway_under_the_same_id_again(
    scenes: Scenes, point: str
) -> None:
    scene = scenes[f"email {point}"]
    assert scene["end"] == all_sent(NUMBER + 1 if point == "taken" else NUMBER)


@pytest.mark.parametrize("point", POINTS)
def test_no_text_of_a_killed_worker_arrives_twice_and_what_was_underway_waits_for_a_person(
    scenes: Scenes, point: str
) -> None:
    end = scenes[f"sms {point}"]["end"]
    if point in (*BEFORE_BEGUN, "recorded"):
        assert end == all_sent()
    else:
        arrived = NUMBER if point == "taken" else NUMBER - 1
        states = {"sent": NUMBER - 1, "unknown": 1}
        assert end == {"states": states, "arrived": arrived, "times": arrived}


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("medium", ["email", "sms"])
def test_the_books_add_up_after_every_death(scenes: Scenes, medium: str, point: str) -> None:
    scene = scenes[f"{medium} {point}"]
    assert [sum(scene[part]["states"].values()) for part in ("left", "while claimed", "end")] == [NUMBER] * 3
    assert scene["again"] == scene["end"]


@pytest.mark.parametrize("point", [point for point in POINTS if point != "before the claim is committed"])
def test_what_a_dead_worker_claimed_is_left_alone_until_its_claim_runs_out(
    scenes: Scenes, point: str
) -> None:
    scene = scenes[f"email {point}"]
    assert scene["while claimed"] == scene["left"]


def test_mail_that_hangs_is_sent_by_another_under_the_same_id(scenes: Scenes) -> None:
    assert scenes["email held up"]["meanwhile"] == all_sent()
    assert scenes["email held up"]["end"] == all_sent(NUMBER + 1)


def test_a_text_that_hangs_waits_for_a_person_until_its_worker_says_that_it_left(scenes: Scenes) -> None:
    scene = scenes["sms held up"]
    assert scene["meanwhile"]["states"] == {"sent": NUMBER - 1, "unknown": 1}
    assert scene["end"] == all_sent()


def test_a_worker_that_stood_still_before_it_began_sends_nothing_of_what_another_sent(scenes: Scenes) -> None:
    assert scenes["halted before it began"]["end"] == all_sent()


def test_four_workers_of_which_one_is_killed_send_everything(scenes: Scenes) -> None:
    scene = scenes["four"]
    assert sorted(scene["codes"]) in ([-9, 0, 0, 0], [0, 0, 0, 0])
    extra = scene["codes"].count(-9)
    assert scene["end"] == {"states": {"sent": 40}, "arrived": 40, "times": 40 + extra}


def test_a_clock_set_back_delays_and_doubles_nothing(scenes: Scenes) -> None:
    scene = scenes["clock stepped back"]
    assert scene["behind"]["times"] == 2
    assert scene["end"] == {"states": {"sent": NUMBER - 1, "unknown": 1}, "arrived": NUMBER, "times": NUMBER}


def test_a_machine_whose_clock_is_ahead_sends_nothing_early_and_takes_nothing_from_others(
    scenes: Scenes,
) -> None:
    # On SQLite the machine's clock is the database's, and everybody's.
    nothing = {"states": {"waiting": NUMBER, "sending": 1}, "arrived": 0, "times": 0}
    assert scenes.get("machine ahead", {"end": nothing}) == {"end": nothing}


def test_a_machine_whose_clock_is_behind_sends_in_time_and_notes_the_right_time(scenes: Scenes) -> None:
    expected = {"end": all_sent(), "sent then": NUMBER}
    assert scenes.get("machine behind", expected) == expected


def test_only_what_may_arrive_twice_begins_before_it_is_on_the_disk(scenes: Scenes) -> None:
    """SQLite waits for it in no case."""
    expected = {"email": "off", "sms": "on"}
    assert scenes.get("waits for the disk", expected) == expected


def test_the_two_statements_of_a_delivery_are_planned_once_for_all(scenes: Scenes) -> None:
    expected = {"end": all_sent(), "uses": [NUMBER, NUMBER]}
    assert scenes.get("planned", expected) == expected


@pytest.mark.parametrize("kind", ["none left", "left by others"])
def test_a_connection_that_a_pooler_hands_on_loses_and_doubles_nothing(scenes: Scenes, kind: str) -> None:
    assert scenes.get("handed on", {kind: all_sent()})[kind] == all_sent()


@pytest.mark.parametrize(
    ("point", "end"),
    [
        # Nothing of it had left: it is tried again later, and the others go on over another connection.
        (
            "checked",
            {"states": {"sent": NUMBER - 1, "waiting": 1}, "arrived": NUMBER - 1, "times": NUMBER - 1},
        ),
        # It has left, and that is written down over another connection.
        ("taken", all_sent()),
    ],
)
def test_a_connection_that_the_server_ends_loses_and_doubles_nothing(
    scenes: Scenes, point: str, end: dict[str, Any]
) -> None:
    assert scenes.get("cut off", {point: end})[point] == end
