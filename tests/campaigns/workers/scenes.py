"""Workers in processes of their own that die, halt and live by wrong clocks, on the database of DATABASE_URL.

Prints as JSON what became of the messages in each scene. Run by `test_workers`.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import django
import time_machine
from django.conf import settings
from django.db import connection, connections

NUMBER, WORKERS = 5, 4
HOUR = timedelta(hours=1)
Scene = dict[str, Any]


def main() -> None:
    django.setup()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    warm_up()
    found = {f"{medium} {point}": scene(medium, point) for medium in ("email", "sms") for point in POINTS}
    found |= {f"{medium} held up": held_up(medium) for medium in ("email", "sms")}
    found["halted before it began"] = halted_before_it_began()
    found["four"] = four_workers()
    found["clock stepped back"] = clock_stepped_back()
    if connection.vendor == "postgresql":
        found["machine ahead"] = machine_ahead()
        found["machine behind"] = machine_behind()
        found["waits for the disk"] = {medium: waits_for_disk(medium) for medium in ("email", "sms")}
        found["planned"] = planned_once()
        found["cut off"] = {point: cut_off(point) for point in ("checked", "taken")}
        found["handed on"] = {kind: handed_on(how) for kind, how in HANDINGS.items()}
    json.dump(found, sys.stdout)


def warm_up() -> None:
    """One message, delivered here: what each process would import and parse anew is there before they part."""
    start(1)
    with patch.dict("campaigns.delivery.TRANSPORTS"):
        worker()()


# --- processes ----------------------------------------------------------------------------------------------


def begin(work: Callable[[], object]) -> int:
    """A process that does `work` and ends with 0; its number."""
    connections.close_all()
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def ended(pid: int) -> int:
    """Its exit code, negative for the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def deliver() -> None:
    from campaigns import delivery

    delivery.deliver_due()


# --- what happens at which point ------------------------------------------------------------------------------


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def halt() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


@contextmanager
def happening(target: str, what: Callable[[], None], *, after: bool, turn: int = 1) -> Iterator[None]:
    """`what` at the `turn`th call of `target`, before or after it did its work."""
    owner_name, _, name = target.rpartition(".")
    owner = _owner(owner_name)
    original, calls = getattr(owner, name), iter(range(1, 10_000))

    @wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        is_time = next(calls) == turn
        if is_time and not after:
            what()
        result = original(*args, **kwargs)
        if is_time and after:
            what()
        return result

    with patch.object(owner, name, wrapped):
        yield


def _owner(name: str) -> Any:
    from campaigns import carrying
    from campaigns.delivery import claims
    from campaigns.delivery.messages import Messages
    from tests.campaigns.workers.outside import Outside

    return {"carrying": carrying, "claims": claims, "Messages": Messages, "Outside": Outside}[name]


# Every point between claim and record; from "begun" on at the second message, when the first is recorded.
POINTS: dict[str, dict[str, Any]] = {
    "before the claim is committed": {"target": "carrying.spend", "after": True},
    "claimed": {"target": "Messages.read", "after": False},
    "read": {"target": "Messages.read", "after": True},
    "checked": {"target": "claims.record_begun", "after": False, "turn": 2},
    "begun": {"target": "claims.record_begun", "after": True, "turn": 2},
    "taken": {"target": "Outside.take", "after": True, "turn": 2},
    "recorded": {"target": "claims.record_sent", "after": True, "turn": 2},
}


def worker(what: Callable[[], None] | None = None, **point: Any) -> Callable[[], None]:
    def work() -> None:
        from campaigns.delivery import claims
        from tests.campaigns.workers.outside import carry_all

        claims.BATCH = NUMBER
        carry_all(point.pop("seconds", 0))
        if what is None:
            return deliver()
        with happening(what=what, **point):
            deliver()
        return None

    return work


# --- scenes ---------------------------------------------------------------------------------------------------


def start(number: int = NUMBER, medium: str = "email", **values: Any) -> None:
    from tests.campaigns.workers import desk

    Path(os.environ["OUTSIDE"]).unlink(missing_ok=True)
    desk.clear()
    desk.due(number, medium, **values)


def result(**more: Any) -> Scene:
    from tests.campaigns.workers import desk, outside

    arrived = outside.taken(Path(os.environ["OUTSIDE"]))
    return {"states": desk.states(), "arrived": len(arrived), "times": sum(arrived.values()), **more}


def claims_run_out() -> None:
    from tests.campaigns.workers import desk

    desk.claims_run_out()


def scene(medium: str, point: str) -> Scene:
    """A worker is killed at `point`; its claims run out, another comes, and then one that finds nothing to do."""
    start(medium=medium)
    assert ended(begin(worker(die, **POINTS[point]))) == -signal.SIGKILL
    left = result()
    assert ended(begin(worker())) == 0
    living = result()
    claims_run_out()
    assert ended(begin(worker())) == 0
    end = result()
    assert ended(begin(worker())) == 0
    return {"left": left, "while claimed": living, "end": end, "again": result()}


def held_up(medium: str) -> Scene:
    """A worker stands still just before the carrier takes its second message; another comes; then it goes on."""
    start(medium=medium)
    pid = begin(worker(halt, target="Outside.take", after=False, turn=2))
    os.waitpid(pid, os.WUNTRACED)
    claims_run_out()
    assert ended(begin(worker())) == 0
    meanwhile = result()
    os.kill(pid, signal.SIGCONT)
    assert ended(pid) == 0
    return {"meanwhile": meanwhile, "end": result()}


def halted_before_it_began() -> Scene:
    start()
    pid = begin(worker(halt, target="Messages.read", after=True))
    os.waitpid(pid, os.WUNTRACED)
    claims_run_out()
    assert ended(begin(worker())) == 0
    os.kill(pid, signal.SIGCONT)
    assert ended(pid) == 0
    return {"end": result()}


def four_workers() -> Scene:
    """One of them is killed over its third message."""
    start(40)
    pids = [begin(worker(seconds=0.01)) for _ in range(WORKERS - 1)]
    killed = begin(worker(die, target="Outside.take", after=True, turn=3, seconds=0.01))
    codes = [ended(pid) for pid in (*pids, killed)]
    claims_run_out()
    assert ended(begin(worker())) == 0
    return {"codes": codes, "end": result()}


def with_clock(offset: timedelta) -> Callable[[], None]:
    """A worker on a database whose clock is wrong by `offset`."""

    def work() -> None:
        from campaigns.delivery import clock

        right, heard = clock.database_now, clock.heard
        with (
            patch.object(clock, "database_now", lambda: right() + offset),
            patch.object(clock, "heard", lambda cursor: (at := heard(cursor)) and at + offset),
        ):
            worker()()

    return work


def clock_stepped_back() -> Scene:
    """The clock of the database itself is set back an hour while a dead worker's claim stands."""
    start(medium="sms")
    assert ended(begin(worker(die, **POINTS["taken"]))) == -signal.SIGKILL
    claims_run_out()
    assert ended(begin(with_clock(-HOUR))) == 0
    behind = result()
    assert ended(begin(worker())) == 0
    return {"behind": behind, "end": result()}


def on_machine(offset: timedelta) -> Callable[[], None]:
    """A worker on a machine whose own clock is wrong by `offset`; the database's is right."""

    def work() -> None:
        with time_machine.travel(time.time() + offset.total_seconds(), tick=True):
            worker()()

    return work


def machine_ahead() -> Scene:
    """What another worker has claimed, and what is due in an hour, is no business of it."""
    start(since=-HOUR)
    from tests.campaigns.workers import desk

    desk.due_also_claimed()
    assert ended(begin(on_machine(2 * HOUR))) == 0
    return {"end": result()}


def machine_behind() -> Scene:
    from django.utils import timezone

    from tests.campaigns.workers import desk

    start()
    began = timezone.now()
    assert ended(begin(on_machine(-2 * HOUR))) == 0
    return {"end": result(), "sent then": desk.sent_since(began)}


def waits_for_disk(medium: str) -> str:
    """PostgreSQL's word for it, in the transaction that begins a message."""
    from django.db import transaction

    from campaigns.delivery import claims, clock
    from campaigns.delivery.messages import Messages

    start(1, medium)
    now, mailing = clock.database_now(), Messages()
    with transaction.atomic(), connection.cursor() as cursor:
        claim = claims.claim(mailing, medium, now=now, real=now)
        assert isinstance(claim, claims.Claim)
        [row] = mailing.read(claim.pks)
        assert claims.record_begun(mailing, row, claim, mailing.letter(row, now))
        cursor.execute("SHOW synchronous_commit")
        return str(cursor.fetchone()[0])


def cut_off(point: str) -> Scene:
    """The server ends the worker's connection at `point` of its second message."""
    start()
    connection.close()
    with patch.dict("campaigns.delivery.TRANSPORTS"):
        worker(end_connection, **POINTS[point])()
    return result()


def end_connection() -> None:
    import psycopg

    given = connection.settings_dict
    own = connection.connection.info.backend_pid
    with psycopg.connect(
        host=given["HOST"], port=given["PORT"], user=given["USER"], dbname=given["NAME"], autocommit=True
    ) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [own])


def planned_once() -> Scene:
    """How often each statement of which a delivery consists went by its name, most often first."""
    start()
    deliver_here()
    with connection.cursor() as cursor:
        cursor.execute("SELECT generic_plans + custom_plans FROM pg_prepared_statements ORDER BY 1 DESC")
        return {"end": result(), "uses": [uses for (uses,) in cursor.fetchall()]}


def deliver_here() -> None:
    """In this process, over a connection that has carried out nothing yet."""
    connection.close()
    with patch.dict("campaigns.delivery.TRANSPORTS"):
        worker()()


def forget_all() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")


def believe_none() -> None:
    from campaigns.delivery import prepared

    prepared._kept.clear()


# What a pooler does that lends one connection to several of us: the next statement finds none of the names that it
# left, or names that it did not leave.
HANDINGS: dict[str, Callable[[], None]] = {"none left": forget_all, "left by others": believe_none}


def handed_on(how: Callable[[], None]) -> Scene:
    """A delivery whose connection is another's before each of its statements."""
    from campaigns.delivery import prepared

    original = prepared.execute

    def execute(*args: Any) -> Any:
        how()
        return original(*args)

    start()
    with patch.object(prepared, "execute", execute):
        deliver_here()
    return result()


if __name__ == "__main__":
    main()
