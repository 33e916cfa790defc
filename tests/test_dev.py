"""dev.py: what a person sees who starts Tandem on a fresh machine."""

import json
import re
import shutil
import socket
import sys
from pathlib import Path

import environ
import pytest

import dev
from campaigns.carrier_sandbox import ACCOUNT, SENDER, TOKEN
from tests.processes import ROOT, free_port_pair, run


def test_a_local_run_points_google_at_the_stand_in_one_port_above():
    defaults = dev.local_defaults({"PORT": "8100"})
    assert defaults["DEBUG"] == "true"
    assert defaults["GOOGLE_TOKEN_URL"] == "http://127.0.0.1:8101/token"
    assert defaults["GOOGLE_CALENDAR_API_URL"] == "http://127.0.0.1:8101/calendar/v3/"


def test_every_google_address_that_settings_knows_has_a_place_on_the_stand_in():
    known = set(re.findall(r'env\.str\(\s*"(GOOGLE_\w+_URL)"', (ROOT / "config" / "settings.py").read_text()))
    assert {name for name in dev.local_defaults({}) if name.startswith("GOOGLE_")} == known


def test_a_google_client_of_ones_own_means_the_real_google():
    assert not [
        name for name in dev.local_defaults({"GOOGLE_CLIENT_ID": "mine"}) if name.startswith("GOOGLE_")
    ]


def test_texts_go_to_the_phones_two_ports_above_unless_somebody_named_a_carrier():
    defaults = dev.local_defaults({"PORT": "8100"})
    assert defaults["TWILIO_API_URL"] == "http://127.0.0.1:8102"
    assert defaults["SMS_URL"] == f"twilio://{ACCOUNT}:{TOKEN}@/?from={SENDER}"
    mine = dev.local_defaults({"SMS_URL": "https://gateway.example/"})
    assert not {"SMS_URL", "TWILIO_API_URL"} & set(mine)


def test_messages_of_a_local_run_are_signed_by_the_business_of_its_demo_data():
    assert dev.local_defaults({})["BUSINESS_NAME"] == "Harbour Physio"
    assert "BUSINESS_NAME" not in dev.local_defaults({"BUSINESS_NAME": "Mine"})


def test_mail_comes_from_the_business_by_its_name_unless_another_sender_is_named():
    ask = ("-c", "from config import settings; print(settings.DEFAULT_FROM_EMAIL)")
    names = {"DEBUG": "true", "BUSINESS_NAME": "Harbour, Physio"}
    assert run(*ask, **names).stdout == '"Harbour, Physio" <no-reply@tandem.example>\n'
    named = run(*ask, **names, DEFAULT_FROM_EMAIL="Dana <hello@example.com>")
    assert named.stdout == "Dana <hello@example.com>\n"


def test_mail_is_kept_as_files_unless_somebody_named_a_carrier(tmp_path, monkeypatch):
    monkeypatch.setenv("TANDEM_LOCAL_DIR", str(tmp_path / "a folder"))
    kept = environ.Env.email_url_config(dev.local_defaults({})["EMAIL_URL"])
    assert kept["EMAIL_FILE_PATH"] == str(tmp_path / "a folder" / "mail")
    assert "EMAIL_URL" not in dev.local_defaults({"EMAIL_URL": "smtp://mail.example.com"})


def test_what_the_environment_says_is_left_as_it_is():
    defaults = dev.local_defaults({"GOOGLE_TOKEN_URL": "http://elsewhere/token", "BEAT_SECONDS": "1"})
    assert "GOOGLE_TOKEN_URL" not in defaults
    assert "BEAT_SECONDS" not in defaults
    assert "GOOGLE_REVOKE_URL" in defaults


def test_dotenv_lines_are_read_with_quotes_exports_and_comments(tmp_path, monkeypatch):
    monkeypatch.setattr(dev, "HERE", tmp_path)
    (tmp_path / ".env").write_text("# a note\nexport PORT=8100\nGOOGLE_CLIENT_ID='abc'\n\nnonsense\n")
    assert dev.read_dotenv() == {"PORT": "8100", "GOOGLE_CLIENT_ID": "abc"}


@pytest.mark.parametrize("port", ["abc", "0", "65535", "-1", "80.5"])
def test_a_wrong_port_is_one_clear_line(port):
    outcome = run("dev.py", "run", PORT=port)
    assert outcome.returncode == 1
    assert outcome.stderr == (
        f"dev.py: PORT={port} is no port. Give a number from 1 to 65533, for example PORT=8010.\n"
    )


@pytest.mark.parametrize("offset", [0, 1])
def test_a_port_in_use_is_one_clear_line_that_names_another(offset):
    port = free_port_pair() + offset
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        outcome = run("dev.py", "run", PORT=str(port - offset))
    assert outcome.returncode == 1
    assert outcome.stderr.startswith(f"dev.py: Port {port} (")
    assert f"make run PORT={port - offset + 10}" in outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_an_unknown_command_shows_those_there_are():
    outcome = run("dev.py", "rnu")
    assert outcome.returncode == 2
    assert "python dev.py run" in outcome.stdout


def test_reset_removes_the_data_and_keeps_the_secrets(tmp_path):
    for name in ("secret_key", "token_encryption_keys", "tandem.sqlite3", "sandbox.sqlite3"):
        (tmp_path / name).write_text("x")
    outcome = run("dev.py", "reset", TANDEM_LOCAL_DIR=str(tmp_path), PORT="65000")
    assert outcome.returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret_key", "token_encryption_keys"]
    assert outcome.stdout.count("removed ") == 2


def test_a_set_up_that_is_up_to_date_does_nothing(tmp_path):
    tree = bare_tree(tmp_path)
    locked = dev.lock_hash()
    (tree / ".venv" / "bin").mkdir(parents=True)
    (tree / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (tree / ".venv" / ".synced.json").write_text(
        json.dumps({"locked": locked, "groups": ["browser", "dev", "sms"]})
    )
    outcome = run(str(tree / "dev.py"), "setup", cwd=tree)
    assert outcome.stdout == "Ready: `make run` or `make test`.\n"
    assert not (tree / ".tools").exists()


def test_a_python_without_pip_is_told_how_to_get_it(tmp_path):
    tree = bare_tree(tmp_path)
    # -S leaves site-packages out, and pip with it.
    outcome = run("-S", str(tree / "dev.py"), "setup", cwd=tree)
    assert outcome.returncode == 1
    assert "has no pip" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_run_hands_over_its_decisions_and_keeps_them_for_another_terminal(tmp_path):
    tree = bare_tree(tmp_path)
    python = tree / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@"\nenv\n')
    python.chmod(0o700)
    (tree / ".venv" / ".synced.json").write_text(json.dumps({"locked": dev.lock_hash(), "groups": ["sms"]}))
    (tree / ".env").write_text("BEAT_SECONDS=3\n")
    port = free_port_pair()
    outcome = run(str(tree / "dev.py"), "run", cwd=tree, PORT=str(port), DATABASE_URL="postgres://db/x")
    lines = outcome.stdout.splitlines()
    assert lines[0] == "manage.py demo"
    assert {"DEBUG=true", f"PORT={port}", f"GOOGLE_TOKEN_URL=http://127.0.0.1:{port + 1}/token"} <= set(lines)
    kept = (tree / ".local" / "run.env").read_text().splitlines()
    assert {"DEBUG=true", f"PORT={port}", "DATABASE_URL=postgres://db/x"} <= set(kept)
    assert not [line for line in (*lines, *kept) if line.startswith("BEAT_SECONDS")]
    assert (tree / ".local" / "run.env").stat().st_mode & 0o077 == 0


def test_clean_takes_everything_generated_away(tmp_path):
    tree = bare_tree(tmp_path)
    for folder in (".venv", ".tools", ".local"):
        (tree / folder).mkdir()
    assert run(str(tree / "dev.py"), "clean", cwd=tree).returncode == 0
    assert not [path for path in tree.iterdir() if path.is_dir()]


def test_clean_refuses_a_folder_that_is_not_inside_the_tree(tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "precious").mkdir()
    tree = bare_tree(tmp_path / "tree")
    outcome = run(str(tree / "dev.py"), "clean", cwd=tree, TANDEM_LOCAL_DIR=str(tmp_path / "precious"))
    assert outcome.returncode == 1
    assert (tmp_path / "precious").exists()


def bare_tree(tmp_path: Path) -> Path:
    for name in ("dev.py", "pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_what_one_process_compiles_is_kept_for_the_next_whatever_the_shell_says() -> None:
    environment = dev.with_bytecode({"PYTHONDONTWRITEBYTECODE": "1", "PORT": "8010"})
    assert environment == {"PORT": "8010", "PYTHONPYCACHEPREFIX": str(dev.HERE / ".local" / "pycache")}
    assert dev.with_bytecode({"PYTHONPYCACHEPREFIX": "/mine"}) == {"PYTHONPYCACHEPREFIX": "/mine"}
