"""Ten visitors at once at the booking page of a team in use, weighed against a bare page of the same server."""

import datetime
import http.client
import os
import random
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

from django.utils import timezone

from calendars.models import Calendar, GoogleEvent, WeeklyHours
from tests.benchmarks.stopwatch import Figure
from tests.factories import (
    CalendarFactory,
    GoogleAccountFactory,
    GoogleCalendarFactory,
    GoogleEventFactory,
    MembershipFactory,
)
from tests.processes import OURS, Running, free_port_pair

VISITORS, ROUNDS, REQUESTS = 10, 8, 10
MEMBERS, EVENTS_EACH = 5, 100
BARE, SPENT = "/bare/", "/spent/"


def measure() -> Iterator[Figure]:
    month = month_of_a_team()
    with served() as port:
        took = waits(port, (month, BARE))
        cost, bare_cost = (processor_seconds(port, path) for path in (month, BARE))
    what = f"booking page, p95 of {VISITORS} visitors at once ÷ a bare Django page"
    yield Figure("visited", what, ratio(took[month], took[BARE]), " ×", "≤ 4")
    yield Figure("visited_cost", "   the same in the server's processor time", cost / bare_cost, " ×")
    yield Figure("visited_cost_ms", "   processor milliseconds: the booking page", 1000 * cost)
    for name, path in (("booking", month), ("bare", BARE)):
        wait = 1000 * statistics.median(map(p95, took[path]))
        yield Figure(f"visited_{name}", f"   p95 in milliseconds: the {name} page", wait)


def month_of_a_team() -> str:
    """The address of the next month, all of which lies ahead, of a calendar whose members are busy in it."""
    calendar = CalendarFactory(
        kind=Calendar.Kind.ROUND_ROBIN, time_zone="Europe/London", duration=datetime.timedelta(minutes=30)
    )
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    dice = random.Random(1)  # noqa: S311 (the same schedule every time)
    for _ in range(MEMBERS):
        membership = MembershipFactory(calendar=calendar)
        WeeklyHours.objects.bulk_create(
            WeeklyHours(membership=membership, weekday=day, starts=datetime.time(9), ends=datetime.time(17))
            for day in range(5)
        )
        keep_busy(membership.user, today, dice)
    return f"/book/{calendar.slug}/?month={today.replace(day=1) + datetime.timedelta(days=32):%Y-%m}"


def keep_busy(user: object, today: datetime.datetime, dice: random.Random) -> None:
    """Events at Google in the two months from `today` on, all of them read."""
    google_calendar = GoogleCalendarFactory(
        account=GoogleAccountFactory(user=user),
        next_pull_at=today,
        window_ends_at=today + datetime.timedelta(days=400),
    )
    half_hours = dice.sample(range(62 * 48), EVENTS_EACH)
    starts = [today + datetime.timedelta(minutes=30 * each) for each in half_hours]
    GoogleEvent.objects.bulk_create(
        GoogleEventFactory.build(
            google_calendar=google_calendar,
            starts_at=start,
            ends_at=start + datetime.timedelta(minutes=30),
            blocks=True,
        )
        for start in starts
    )


@contextmanager
def served() -> Iterator[int]:
    """The port of the product in a process of its own, on this process's database, as `make run` serves it."""
    port = free_port_pair()
    given = {name: value for name, value in os.environ.items() if name in OURS}
    ours = {
        "PORT": str(port),
        "ALLOWED_HOSTS": "127.0.0.1",
        "SECURE_SSL_REDIRECT": "false",
        "DJANGO_SETTINGS_MODULE": "tests.benchmarks.visited",
    }
    server = Running("-m", "tests.benchmarks.serve", **given | ours)
    try:
        server.wait_for("serving")
        yield port
    finally:
        server.stop()


def waits(port: int, paths: tuple[str, ...]) -> dict[str, list[list[float]]]:
    """Seconds waited for each answer, by round. The paths take turns, so that what else the machine does meets all
    of them; never two at the same moment, or the quick one would wait for the slow one."""
    took: dict[str, list[list[float]]] = {path: [[] for _ in range(1 + ROUNDS)] for path in paths}
    together = threading.Barrier(VISITORS)

    def visit(_: int) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            for number in range(1 + ROUNDS):
                for path in paths:
                    together.wait(60)
                    took[path][number] += [seconds_for(connection, path) for _ in range(REQUESTS)]

    with ThreadPoolExecutor(VISITORS) as pool:
        list(pool.map(visit, range(VISITORS)))
    # Not the first round, in which templates are read.
    return {path: rounds[1:] for path, rounds in took.items()}


def seconds_for(connection: http.client.HTTPConnection, path: str) -> float:
    start = time.perf_counter()
    body_of(connection, path)
    return time.perf_counter() - start


def body_of(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, f"{path}: {answer.status}"
    return body


def processor_seconds(port: int, path: str) -> float:
    """What one answer costs the server: unlike a wait the same, however busy the machine is with other work."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:

        def used() -> float:
            return float(body_of(connection, SPENT))

        tries = []
        for _ in range(5):
            before = used()
            for _ in range(REQUESTS):
                body_of(connection, path)
            tries.append((used() - before) / REQUESTS)
        return min(tries)


def ratio(ours: list[list[float]], bare: list[list[float]]) -> float:
    """p95 over p95, round by round, and of those the middle one."""
    return statistics.median(p95(one) / p95(other) for one, other in zip(ours, bare, strict=True))


def p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]
