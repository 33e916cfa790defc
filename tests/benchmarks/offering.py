"""What a booking page costs: slots as pure arithmetic, their growth, and the statements of the page."""

import datetime
import random
from collections.abc import Iterator

from calendars import offering
from calendars.availability import ALL, ANY, Hours, Member, Range, Rules, slots
from calendars.models import Calendar, WeeklyHours
from tests.benchmarks.google_pages import NOW
from tests.benchmarks.stopwatch import Figure, best, statements
from tests.factories import CalendarFactory, MembershipFactory

DAY, MONTH = 86400, 30 * 86400
START = int(NOW.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
NINE_TO_FIVE = Hours(
    tuple(Range(day, datetime.time(9), datetime.time(17)) for day in range(7)), "Europe/London"
)


def measure() -> Iterator[Figure]:
    for needs, name in ((ANY, "round robin"), (ALL, "collective")):
        took = took_for(members(10, 500), needs)
        what = f"slots of a month, ten members with 500 busy intervals each, {name}"
        yield Figure(f"slots {needs}", what, 1000 * took, " ms", "≤ 5 ms")
    one, ten, hundred = (took_for(members(number, 500)) for number in (1, 10, 100))
    yield Figure("slots 10", "   ten members over one", ten / one, " ×", "10 ×")
    yield Figure("slots 100", "   a hundred over ten", hundred / ten, " ×", "10 ×")
    few, many = (took_for(members(10, intervals)) for intervals in (500, 5000))
    yield Figure("busy 10", "   5,000 busy intervals each over 500", many / few, " ×", "≤ 10 ×")
    yield page()


def took_for(team: list[Member], needs: str = ANY) -> float:
    return best(lambda: month(team, needs), tries=7)


def month(team: list[Member], needs: str) -> None:
    rules = Rules(duration=1800, time_zone="Europe/London", needs=needs, interval=900, buffer_before=300)
    slots(team, rules, within=(START, START + MONTH), now=START - DAY)


def members(number: int, intervals: int) -> list[Member]:
    """The same ones each time, each busy at moments of their own."""
    dice = random.Random(number)  # noqa: S311 (the same schedule every time)
    return [Member(key, NINE_TO_FIVE, tuple(busy(dice, intervals))) for key in range(number)]


def busy(dice: random.Random, intervals: int) -> Iterator[tuple[int, int]]:
    for _ in range(intervals):
        start = START + dice.randrange(0, MONTH, 300)
        yield start, start + dice.choice((900, 1800, 3600))


def page() -> Figure:
    """The statements of a booking page whose calendar has ten members."""
    calendar = CalendarFactory(kind=Calendar.Kind.ROUND_ROBIN)
    for _ in range(10):
        membership = MembershipFactory(calendar=calendar)
        WeeklyHours.objects.create(
            membership=membership, weekday=1, starts=datetime.time(9), ends=datetime.time(17)
        )
    with statements() as seen:
        found = offering.read(
            Calendar.objects.get(slug=calendar.slug), within=(START, START + MONTH), now=NOW
        )
        assert found.slots()
    return Figure(
        "booking page",
        "booking page of ten members: statements",
        len(seen),
        "",
        "≤ 12",
        held=len(seen) <= 12,
    )
