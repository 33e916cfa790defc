"""Pulls of a calendar that is known: what they cost must not depend on how much is known."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from calendars.models import GoogleEvent
from calendars.sync.turn import take_turn
from tests.benchmarks import sweeping
from tests.benchmarks.google_pages import NOW, Pages, event
from tests.benchmarks.scene import Scene, google_answers
from tests.benchmarks.stopwatch import Figure, seconds, statements
from tests.benchmarks.world import World

FEW, MANY = 1_000, 100_000
TRIES = 5


@dataclass
class Cost:
    seconds: float
    statements: int
    requests: int


def measure() -> Iterator[Figure]:
    """Afterwards there are MANY events, appointments and push targets."""
    world = World()
    scene, nothing, change, sweeps = world.scene, {}, {}, {}
    for number in (100, FEW, MANY):
        world.grow(number)
        nothing[number], change[number] = _finds_nothing(scene), _finds_a_move(scene)
        sweeps[number] = sweeping.costs()
    yield from _figures_of_nothing(nothing[100], nothing[MANY])
    yield from _figures_of_a_change(change[FEW], change[MANY])
    yield from sweeping.figures(sweeps[FEW], sweeps[MANY])


def _finds_nothing(scene: Scene) -> Cost:
    return _cost(scene, [Pages([]) for _ in range(TRIES + 1)])


def _finds_a_move(scene: Scene) -> Cost:
    """The appointment's event, at another time with every pull."""
    known = GoogleEvent.objects.get(google_calendar=scene.google_calendar, google_id=event(0)["id"])
    edition = int(known.etag.strip('"')) + 1
    pages = []
    for at in range(TRIES + 1):
        moved = event(0, ("guest@x.org",), etag=edition + at)
        for end in ("start", "end"):
            moved[end]["dateTime"] = (
                NOW + timedelta(days=1, hours=edition + at, minutes=30 * (end == "end"))
            ).isoformat()
        pages.append(Pages([], [moved]))
    return _cost(scene, pages)


def _cost(scene: Scene, answers: list[Pages]) -> Cost:
    def turn(pages: Pages) -> None:
        with google_answers(pages):
            done = take_turn(scene.google_calendar.pk, NOW, pulls=True)
        assert done.taken
        assert not done.has_failed, done

    first, *others = answers
    with statements() as seen:
        turn(first)
    return Cost(min(seconds(lambda pages=pages: turn(pages)) for pages in others), len(seen), first.requests)


def _figures_of_nothing(few: Cost, many: Cost) -> Iterator[Figure]:
    yield Figure(
        "nothing_requests",
        "pull that finds nothing: requests",
        many.requests,
        "",
        "1",
        many.requests == few.requests == 1,
    )
    held = many.statements == few.statements <= 5
    yield Figure(
        "nothing_statements",
        "   statements, with 100 events and with 100,000",
        many.statements,
        "",
        "≤ 5",
        held,
    )
    yield Figure(
        "nothing_time", "   time with 100,000 events ÷ with 100", many.seconds / few.seconds, " ×", "1"
    )
    yield Figure("nothing_ms", "   milliseconds", many.seconds * 1000)


def _figures_of_a_change(few: Cost, many: Cost) -> Iterator[Figure]:
    yield Figure(
        "change_requests",
        "pull that finds an appointment moved: requests",
        many.requests,
        "",
        "1",
        many.requests == few.requests == 1,
    )
    held = many.statements == few.statements
    what = f"   statements, with 1,000 events ({few.statements}) and with 100,000"
    yield Figure("change_statements", what, many.statements, "", "constant", held)
    yield Figure(
        "change_time", "   time with 100,000 events ÷ with 1,000", many.seconds / few.seconds, " ×", "1"
    )
    yield Figure("change_ms", "   milliseconds", many.seconds * 1000)
