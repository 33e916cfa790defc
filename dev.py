#!/usr/bin/env python3
"""Set up, run and test Tandem on one machine. Standard library only, so that a bare Python 3.11 is enough.

    python dev.py run      the whole product in one process, Google's stand-in beside it
    python dev.py test     every test (further words go to pytest: `python dev.py test -k policy`)
    python dev.py setup    only what the two above need
    python dev.py bench    the measurements   ·   soak    the long random histories
    python dev.py reset    start over with an empty database   ·   clean    remove all that was generated

Everything generated lies in .tools, .venv and .local, all out of git.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.parse
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).resolve().parent
TOOLS = HERE / ".tools"
VENV = HERE / ".venv"
STAMP = VENV / ".synced.json"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
BYTECODE = HERE / ".local" / "pycache"
UV_VERSION = "0.13.9"
OLDEST_PYTHON = (3, 11)
# What `reset` removes from `.local`. Not the secrets: new ones would only make stored tokens unreadable.
DATA = ("*.sqlite3*", "run.env", "static", "mail")
# What a person set for one `run` and another terminal has to know as well. It may hold passwords.
CARRIED = {"DEBUG", "PORT", "DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL", "EMAIL_URL"}
CARRIED |= {"SMS_URL", "TWILIO_API_URL", "PULL_INTERVAL_SECONDS", "BEAT_SECONDS", "BUSINESS_NAME"}


class Stop(Exception):
    """Cannot go on. Its text is the one line that says why and what to do."""


# --- set-up -------------------------------------------------------------------------------------------------


def set_up(*groups: str) -> None:
    """Bring .venv to what uv.lock says for the product and `groups`; milliseconds when it is there already.

    Groups that another command installed stay, so that `run` and `test` in turn change nothing.
    """
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        raise Stop(
            f"Tandem needs Python {wanted} or newer, this is {sys.version.split()[0]}. "
            f"Call it with a newer one: `python{wanted} dev.py …` or `make … PYTHON=python{wanted}`."
        )
    locked = lock_hash()
    synced = read_stamp()
    wanted_groups = {*groups, *synced.get("groups", [])}
    if PYTHON.exists() and synced.get("locked") == locked and wanted_groups == set(synced["groups"]):
        return
    say("Setting up .venv (once; about ten seconds) …")
    sync(fetch_uv(), sorted(wanted_groups))
    STAMP.write_text(json.dumps({"locked": locked, "groups": sorted(wanted_groups)}))


def lock_hash() -> str:
    return hashlib.sha256(
        (HERE / "uv.lock").read_bytes() + (HERE / "pyproject.toml").read_bytes()
    ).hexdigest()


def read_stamp() -> dict[str, Any]:
    try:
        return dict(json.loads(STAMP.read_text()))
    except (OSError, ValueError):
        return {}


def fetch_uv() -> Path:
    """uv in .tools, where it touches nothing of the machine's."""
    uv = TOOLS / "bin" / ("uv.exe" if os.name == "nt" else "uv")
    if uv.exists() and (TOOLS / f"uv-{UV_VERSION}.dist-info").exists():
        return uv
    if not importlib.util.find_spec("pip"):
        raise Stop(
            f"{sys.executable} has no pip, which fetches uv. Add it (Debian: `apt-get install python3-pip`, "
            "elsewhere: `python3 -m ensurepip`) and start again."
        )
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore", "PIP_NO_INPUT": "1"}
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-qq",
        "--no-warn-script-location",
        "--upgrade",
        "--target",
        str(TOOLS),
        f"uv=={UV_VERSION}",
    ]
    if not succeeds(command, {**os.environ, **quiet}):
        raise Stop(
            f"pip could not fetch uv {UV_VERSION} (its own words are above). Is the package index reachable?"
        )
    return uv


def sync(uv: Path, groups: list[str]) -> None:
    """Exactly what the lock names; never a Python of uv's own, never a change of the lock."""
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_PROJECT_ENVIRONMENT": str(VENV)}
    environment.pop("VIRTUAL_ENV", None)  # uv warns about another environment that is active
    command = [str(uv), "sync", "--locked", "--quiet", "--no-default-groups", "--python", sys.executable]
    for group in groups:
        command += ["--group", group]
    if not succeeds(command, environment):
        raise Stop(
            "uv could not install what uv.lock names (its own words are above). "
            "Is the package index reachable? `python dev.py clean` starts over."
        )


# --- the environment of a local run -------------------------------------------------------------------------


def read_dotenv() -> dict[str, str]:
    """The variables of `.env`, which yield to the environment's own; settings.py reads it by itself too."""
    path = HERE / ".env"
    values = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            values[name.strip()] = value.strip().strip("'\"")
    return values


def local_defaults(given: dict[str, str]) -> dict[str, str]:
    """What a local run sets where `given` (environment and .env) says nothing.

    Google is the stand-in unless somebody named a client of their own, or one of its addresses.
    """
    port = port_of(given)
    defaults = {"DEBUG": "true", "PORT": str(port), "PULL_INTERVAL_SECONDS": "10", "BEAT_SECONDS": "5"}
    if not given.get("GOOGLE_CLIENT_ID"):
        sandbox = f"http://127.0.0.1:{port + 1}"
        defaults |= {
            "GOOGLE_AUTHORIZE_URL": f"{sandbox}/o/oauth2/v2/auth",
            "GOOGLE_TOKEN_URL": f"{sandbox}/token",
            "GOOGLE_REVOKE_URL": f"{sandbox}/revoke",
            "GOOGLE_USERINFO_URL": f"{sandbox}/oauth2/v3/userinfo",
            "GOOGLE_CERTS_URL": f"{sandbox}/oauth2/v3/certs",
            "GOOGLE_CALENDAR_API_URL": f"{sandbox}/calendar/v3/",
        }
    if not given.get("SMS_URL"):
        # The stand-in for Twilio, as `campaigns.carrier_sandbox` names its account.
        defaults |= {
            "SMS_URL": f"twilio://AC{'5a' * 16}:sandbox-token@/?from=+447700900000",
            "TWILIO_API_URL": f"http://127.0.0.1:{port + 2}",
        }
    # The business that the demo data are of, so that messages are not signed by the product.
    defaults["BUSINESS_NAME"] = "Harbour Physio"
    # Mail is kept as files, and read on a page of that stand-in.
    defaults["EMAIL_URL"] = f"filemail:///{urllib.parse.quote(str(local_dir() / 'mail'))}"
    return {name: value for name, value in defaults.items() if not given.get(name)}


def port_of(given: dict[str, str]) -> int:
    text = given.get("PORT") or "8000"
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65533:
        raise Stop(f"PORT={text} is no port. Give a number from 1 to 65533, for example PORT=8010.")
    return int(text)


def local_dir() -> Path:
    return (HERE / os.environ.get("TANDEM_LOCAL_DIR", ".local")).resolve()


def refuse_taken_port(port: int, whose: str, way_out: int) -> None:
    with socket.socket() as probe:
        if os.name != "nt":  # there the option means the opposite
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Stop(
                f"Port {port} ({whose}) cannot be used: {error.strerror}. Stop what runs there, "
                f"or take another: `make run PORT={way_out}`."
            ) from None


# --- the commands -------------------------------------------------------------------------------------------


def run(arguments: list[str]) -> NoReturn:
    """The product at http://127.0.0.1:8000 (PORT), Google's stand-in one port above it, Twilio's two."""
    given = {**read_dotenv(), **os.environ}
    decided = local_defaults(given)
    port = port_of(given)
    refuse_taken_port(port, "the product", port + 10)
    if "GOOGLE_AUTHORIZE_URL" in decided:
        refuse_taken_port(port + 1, "Google's stand-in, one above PORT", port + 10)
    if "SMS_URL" in decided:
        refuse_taken_port(port + 2, "the phones, two above PORT", port + 10)
    set_up("sms")
    remember(decided)
    hand_over([str(PYTHON), "manage.py", "demo", *arguments], {**os.environ, **decided})


def remember(decided: dict[str, str]) -> None:
    """For settings.py: `manage.py pull` in a second terminal must meet the same database and the same stand-in."""
    carried = {
        name: value for name, value in os.environ.items() if name in CARRIED or name.startswith("GOOGLE_")
    }
    path = local_dir() / "run.env"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in sorted({**carried, **decided}.items())))


def test(arguments: list[str]) -> NoReturn:
    """The whole suite; the browser tests only when they are named (`python dev.py test tests/browser`)."""
    wants_browser = any(argument.startswith("tests/browser") for argument in arguments)
    set_up("dev", "sms", *(["browser"] if wants_browser else []))
    # One process a core halves the whole suite; a few tests are quicker without starting them.
    spread = [] if arguments else ["-n", "auto", "--maxprocesses", "4"]
    hand_over([str(PYTHON), "-m", "pytest", *spread, *arguments], dict(os.environ))


def setup(arguments: list[str]) -> None:
    """What `run` and `test` need; further words are further groups of pyproject.toml (`setup browser`)."""
    set_up("dev", "sms", *arguments)
    say("Ready: `make run` or `make test`.")


def bench(arguments: list[str]) -> None:
    return measure(HERE / "tests" / "benchmarks", ["-s", "-q", *arguments], dict(os.environ), "bench")


def soak(arguments: list[str]) -> None:
    return measure(HERE / "tests" / "properties", arguments, {**os.environ, "HYPOTHESIS_PROFILE": "soak"})


def measure(folder: Path, arguments: list[str], environment: dict[str, str], *groups: str) -> None:
    if not any(folder.glob("test_*.py")):
        say(f"There is nothing in {folder.relative_to(HERE)} yet.")
        return None
    set_up("dev", *groups)
    hand_over([str(PYTHON), "-m", "pytest", str(folder), *arguments], environment)


def reset(arguments: list[str]) -> None:
    """Empty database, fresh stand-in; the secrets stay."""
    given = {**read_dotenv(), **os.environ}
    refuse_taken_port(port_of(given), "a run to be stopped first", port_of(given) + 10)
    remove([path for pattern in DATA for path in sorted(local_dir().glob(pattern))])
    if given.get("DATABASE_URL"):
        say("DATABASE_URL is set: that database is left as it is.")


def clean(arguments: list[str]) -> None:
    """Back to a fresh clone."""
    local = local_dir()
    if local.exists() and HERE not in local.parents:
        raise Stop(
            f"TANDEM_LOCAL_DIR is {local}, outside of this folder: remove it yourself, or unset the variable."
        )
    remove([path for path in (VENV, TOOLS, local) if path.exists()])


def remove(paths: list[Path]) -> None:
    for path in paths:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        say(f"removed {os.path.relpath(path, HERE)}")
    if not paths:
        say("There is nothing to remove.")


def hand_over(command: list[str], environment: dict[str, str]) -> NoReturn:
    """Become `command`, so that Ctrl-C reaches it alone and its exit code is ours."""
    os.chdir(HERE)
    environment = with_bytecode(environment)
    if os.name == "nt":  # execv there starts a second process and gives the terminal back too early
        raise SystemExit(0 if succeeds(command, environment) else 1)
    sys.stdout.flush()
    os.execve(command[0], command, environment)  # noqa: S606 (no shell is the point)


def with_bytecode(environment: dict[str, str]) -> dict[str, str]:
    """`environment` in which what one process compiles is kept for the next. Without it, as some containers are set,
    each start compiles Django and all else anew, which takes longer than the rest of it.
    """
    kept = {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {"PYTHONPYCACHEPREFIX": str(BYTECODE), **kept}


def succeeds(command: list[str], environment: dict[str, str]) -> bool:
    return subprocess.run(command, cwd=HERE, env=environment).returncode == 0  # noqa: S603 (our own words)


def say(text: str) -> None:
    print(text, flush=True)


COMMANDS = {command.__name__: command for command in (run, test, setup, bench, soak, reset, clean)}


def main(words: list[str]) -> int:
    if not words or words[0] not in COMMANDS:
        print(__doc__)
        return 0 if words and words[0] in {"-h", "--help", "help"} else 2
    try:
        COMMANDS[words[0]](words[1:])
    except Stop as stop:
        print(f"dev.py: {stop}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
