"""Clock times as people say them, and the moments they mean. Pure.

Twice a year a zone skips an hour or repeats one; a person is then told so instead of getting a guess.
"""

import datetime
from zoneinfo import ZoneInfo

# Times that people type. Beyond them clocks of some zones leave the calendar altogether.
FIRST_YEAR, LAST_YEAR = 2000, 2099
EARLIEST = datetime.datetime(FIRST_YEAR, 1, 1, tzinfo=datetime.UTC)
LATEST = datetime.datetime(LAST_YEAR + 1, 1, 1, tzinfo=datetime.UTC)
OUT_OF_BOUNDS = f"Choose a date between {FIRST_YEAR} and {LAST_YEAR}."


class NoSuchTime(ValueError):
    """The clocks jump over it."""


class TwoSuchTimes(ValueError):
    """The clocks show it twice; `earlier` and `later` are the names of the two, for example BST and GMT."""

    def __init__(self, words: str, earlier: str, later: str) -> None:
        super().__init__(words)
        self.earlier = earlier
        self.later = later


def moment(wall: datetime.datetime, zone: ZoneInfo, *, is_later: bool | None = None) -> datetime.datetime:
    """The UTC moment at which clocks in `zone` show the naive time `wall`.

    `is_later` chooses between two such moments; None asks. Raises NoSuchTime or TwoSuchTimes, in words for
    a person.
    """
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(datetime.UTC) for fold in (0, 1))
    if first == second:
        return first
    if first.astimezone(zone).replace(tzinfo=None) != wall:
        raise NoSuchTime(
            f"There is no {wall:%H:%M} on {wall:%-d %B %Y} in {zone.key}: the clocks go forward over it. "
            f"Choose {first.astimezone(zone):%H:%M} or later."
        )
    if is_later is not None:
        return second if is_later else first
    names = [when.astimezone(zone).tzname() or f"{when.astimezone(zone):%z}" for when in (first, second)]
    raise TwoSuchTimes(
        f"{wall:%H:%M} comes twice on {wall:%-d %B %Y} in {zone.key}: the clocks go back. Say which one.",
        *names,
    )


def is_in_bounds(at: datetime.datetime) -> bool:
    return FIRST_YEAR <= at.year <= LAST_YEAR


def bounded(at: datetime.datetime) -> datetime.datetime:
    """`at`, or the nearest moment that clocks of every zone can show."""
    return min(max(at, EARLIEST), LATEST)


def on_the_clock(at: datetime.datetime, zone: ZoneInfo) -> str:
    """What clocks in `zone` show at the moment `at`, as ISO text without an offset."""
    return at.astimezone(zone).replace(tzinfo=None).isoformat(timespec="minutes")
