"""Planning alone: no database, no clock. Before it, how quick this machine is, by which every rate is to be judged."""

from collections.abc import Iterator
from datetime import timedelta

from calendars.sync.facts import Agreed, Facts, Held, Observed
from calendars.sync.guests import Guest, Ignored, Person, outside_people
from calendars.sync.plan import plan
from calendars.sync.policy import OPTIONS, TWO_WAY
from tests.benchmarks.google_pages import NOW
from tests.benchmarks.stopwatch import Figure, best

EVENTS = 20_000
ADDITIONS = 5_000_000


def measure() -> Iterator[Figure]:
    yield Figure("machine", f"this machine: {ADDITIONS:,} additions in Python, seconds", best(_add))
    situations = [_situation(number) for number in range(EVENTS)]
    outcomes = {plan(*situation).outcome for situation in situations}
    assert outcomes == {"block", "appointment"}, outcomes
    took = best(lambda: [plan(*situation) for situation in situations])
    yield Figure("plan", "planning alone: events a second", EVENTS / took, "", "≥ 50,000")
    people = [
        Person("dana@example.com", is_self=True),
        Person("ann@x.org", "Ann"),
        Person("bob@x.org", "Bob"),
    ]
    ignored = Ignored(domains=frozenset({"spam.example"}))

    def guests() -> None:
        for _ in range(EVENTS):
            outside_people(people, organizer="dana@example.com", ours={"dana@example.com"}, ignored=ignored)

    yield Figure("guests", "   who is a guest: events a second, three attendees each", EVENTS / best(guests))


def _add() -> None:
    total = 0
    for number in range(ADDITIONS):
        total += number


def _situation(number: int) -> tuple[Observed, Held | None, Agreed | None, Facts]:
    """In ten: seven without guests, one with a known guest, one with a new one, one whose appointment moved."""
    start = NOW + timedelta(hours=1, minutes=20 * number)
    end = start + timedelta(minutes=30)
    kind = number % 10
    guests = {
        7: (Guest("ann@x.org", contact=1),),
        8: (Guest("bob@x.org"),),
        9: (Guest("ann@x.org", contact=1),),
    }
    facts = Facts(
        now=NOW, policy=OPTIONS[TWO_WAY], policy_since=NOW - timedelta(days=9), guests=guests.get(kind, ())
    )
    observed = Observed(start, end, created_at=NOW - timedelta(days=1))
    if kind < 9:
        return observed, None, None, facts
    hour = timedelta(hours=1)
    held = Held(start - hour, end - hour, "new", made_in_google=True, contacts={1: "ann@x.org"})
    return observed, held, Agreed(start - hour, end - hour), facts
