"""`manage.py demo`: the whole product in one process, started and stopped as `make run` does it."""

import signal
import sqlite3
import urllib.request

import pytest

from tests.processes import Running, free_port_pair, run


def get(port: int, path: str) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
        return int(answer.status)


def contacts_in(folder) -> int:
    with sqlite3.connect(folder / "tandem.sqlite3") as database:
        return int(database.execute("SELECT count(*) FROM contacts_contact").fetchone()[0])


def test_it_starts_answers_stops_and_starts_again_with_the_same_data(tmp_path):
    port = free_port_pair()
    environment = {
        "DEBUG": "true",
        "PORT": str(port),
        "TANDEM_LOCAL_DIR": str(tmp_path),
        "GOOGLE_CALENDAR_API_URL": f"http://127.0.0.1:{port + 1}/calendar/v3/",
        "TWILIO_API_URL": f"http://127.0.0.1:{port + 2}",
    }
    demo = Running("manage.py", "demo", **environment)
    try:
        demo.wait_for("Ctrl-C stops")
        assert get(port, "/accounts/login/") == 200
        assert get(port, "/static/tandem.css") == 200
        assert get(port + 1, "/oauth2/v3/certs") == 200
        assert get(port + 2, "/") == 200
        assert "dana@example.com" in demo.output
    finally:
        code = demo.stop(signal.SIGINT)
    assert code == 0, demo.output
    assert "Traceback" not in demo.output
    before = contacts_in(tmp_path)

    again = Running("manage.py", "demo", **environment)
    try:
        again.wait_for("Ctrl-C stops")
    finally:
        code = again.stop(signal.SIGTERM)
    assert code == 0, again.output
    assert before == contacts_in(tmp_path) > 0


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("DATABASE_URL", "postgress://nowhere", "DATABASE_URL is no database address"),
        ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none", "The database of DATABASE_URL does not work"),
        ("EMAIL_URL", "post://x", "EMAIL_URL is no mail address"),
        ("CELERY_BROKER_URL", "rabbit", "CELERY_BROKER_URL is no broker address"),
        ("CELERY_BROKER_URL", "redis://127.0.0.1:1/0", "The broker of CELERY_BROKER_URL does not answer"),
        ("BEAT_SECONDS", "soon", "BEAT_SECONDS=soon is not a number"),
        ("GOOGLE_CLIENT_ID", "mine", "Google is half configured: GOOGLE_CLIENT_SECRET is missing"),
        ("DEBUG", "ture", "DEBUG=ture is neither true nor false"),
        ("DEBUG", "false", "Set SECRET_KEY"),
    ],
)
def test_a_wrong_variable_is_one_clear_line(variable, value, words, tmp_path):
    ours = {
        "DEBUG": "true",
        "PORT": str(free_port_pair()),
        "TANDEM_LOCAL_DIR": str(tmp_path),
        variable: value,
    }
    outcome = run("manage.py", "demo", **ours)
    assert outcome.returncode == 1
    assert words in outcome.stderr
    assert "Traceback" not in outcome.stderr
