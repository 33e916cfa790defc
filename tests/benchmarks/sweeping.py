"""The sweeps that beat starts every few seconds: what they cost must depend on what is due alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from calendars import tasks
from calendars.sync.late import late_matches
from integrations.models import GoogleAccount, GoogleCalendar
from tests.benchmarks.google_pages import NOW
from tests.benchmarks.multitudes import analyse, multiply
from tests.benchmarks.stopwatch import Figure, best, statements
from tests.factories import GoogleAccountFactory, GoogleCalendarFactory

FEW, MANY, DUE = 1_000, 100_000, 100
SWEEPS: dict[str, Callable[[], object]] = {
    "late_matches": late_matches,
    "reconcile_due": tasks.reconcile_due,
    "push_due": tasks.push_due,
}


@dataclass
class Cost:
    seconds: float
    statements: int


def costs() -> dict[str, Cost]:
    """Of each sweep, while there is nothing to do."""
    found = {}
    for name, sweep in SWEEPS.items():
        with statements() as seen:
            sweep()
        found[name] = Cost(best(sweep, tries=5), len(seen))
    return found


def figures(few: dict[str, Cost], many: dict[str, Cost]) -> Iterator[Figure]:
    for name in SWEEPS:
        held = many[name].statements == few[name].statements
        ratio = many[name].seconds / few[name].seconds
        beside = ", one unmatched guest an event" if name == "late_matches" else ""
        yield Figure(
            name,
            f"{name} with nothing to do{beside}: statements",
            many[name].statements,
            "",
            "constant",
            held,
        )
        yield Figure(f"{name}_time", "   time with 100,000 events ÷ with 1,000", ratio, " ×", "1")
        yield Figure(f"{name}_ms", "   milliseconds", many[name].seconds * 1000)


def measure() -> Iterator[Figure]:
    times, queues = {}, {}
    account = GoogleAccountFactory()
    # Two in three calendars are read, as a person links one of a few.
    calendar = GoogleCalendarFactory(account=account, next_pull_at=NOW + timedelta(minutes=1))
    for number in (FEW, MANY):
        GoogleCalendar.objects.exclude(pk=calendar.pk).filter(google_id="own")._raw_delete("default")
        multiply(account, number - GoogleAccount.objects.count(), subject=f"'many-{number}-' || n")
        every = f"(SELECT * FROM {GoogleAccount._meta.db_table} WHERE subject LIKE 'many-%%')"
        multiply(calendar, source=every, account_id="s.id", google_id="'own'")
        own = list(GoogleCalendar.objects.filter(google_id="own").order_by("pk").values_list("pk", flat=True))
        due = own[:: len(own) // DUE][:DUE]
        GoogleCalendar.objects.filter(pk__in=due).update(next_pull_at=NOW - timedelta(minutes=1))
        analyse()
        times[number], queues[number] = best(_look_for_due, tries=7), best(tasks.push_due)
    plan = GoogleCalendar.objects.due(NOW).explain()
    held = "pull_due" in plan
    yield Figure(
        "due", "pull_due, 100 due of 100,000 accounts ÷ of 1,000", times[MANY] / times[FEW], " ×", "1"
    )
    yield Figure("due_ms", "   milliseconds", times[MANY] * 1000)
    yield Figure("due_index", "   found by its index (1: yes)", held, "", "1", held)
    ratio = queues[MANY] / queues[FEW]
    yield Figure("queues", "push_due with nothing to do, 100,000 accounts ÷ 1,000", ratio, " ×", "1")
    yield Figure("queues_ms", "   milliseconds", queues[MANY] * 1000)


def _look_for_due() -> None:
    found = list(GoogleCalendar.objects.due(NOW).values_list("pk", flat=True))
    assert len(found) == DUE, len(found)
