"""Lengths of time as people type and read them: 90 min, 4 h, 2 d, 1 h 30 min. Pure."""

import datetime
import re
from collections.abc import Iterator

MINUTE, HOUR, DAY = (
    datetime.timedelta(minutes=1),
    datetime.timedelta(hours=1),
    datetime.timedelta(days=1),
)
NOTHING = datetime.timedelta(0)
UNITS = {
    "min": MINUTE,
    "mins": MINUTE,
    "minute": MINUTE,
    "minutes": MINUTE,
    "m": MINUTE,
    "h": HOUR,
    "hr": HOUR,
    "hrs": HOUR,
    "hour": HOUR,
    "hours": HOUR,
    "d": DAY,
    "day": DAY,
    "days": DAY,
}
PART = re.compile(r"([0-9]{1,6}(?:[.,][0-9]{1,3})?)(?![0-9.,])\s*([a-z]*)")
# More than anybody needs for days, hours and minutes in words.
LONGEST = 40
EXAMPLES = "such as 90 min, 4 h or 2 d"


class Unreadable(ValueError):
    """The text is no length of time; the words are for the person who typed it."""


def read(text: str, *, unit: datetime.timedelta | None = None) -> datetime.timedelta:
    """The length that `text` says. A number alone counts `unit`; None: it must say one. Raises Unreadable."""
    typed = text.strip()
    if not typed:
        raise Unreadable(f"Write a length of time, {EXAMPLES}.")
    if len(typed) > LONGEST:
        raise Unreadable(f"That is too long for a length of time. Write one {EXAMPLES}.")
    parts = list(_parts(typed))
    total = sum((float(part[1].replace(",", ".")) * _unit(part[1], part[2], unit) for part in parts), NOTHING)
    if total % MINUTE:
        raise Unreadable("Write whole minutes.")
    return total


def _parts(typed: str) -> Iterator[re.Match[str]]:
    """A number and its unit after the other. One by one: a pattern for all of them would try every way to split."""
    text, at = typed.lower(), 0
    while at < len(text):
        part = PART.match(text, at)
        if part is None:
            raise Unreadable(f"“{typed}” is no length of time. Write one {EXAMPLES}.")
        yield part
        at = len(text) - len(text[part.end() :].lstrip())


def _unit(number: str, name: str, unit: datetime.timedelta | None) -> datetime.timedelta:
    if name in UNITS:
        return UNITS[name]
    if name:
        raise Unreadable(f"“{name}” is no unit: write min, h or d.")
    if unit is not None or not float(number.replace(",", ".")):
        return unit or MINUTE
    raise Unreadable(f"{number} of what? Write {number} min, {number} h or {number} d.")


def words(length: datetime.timedelta) -> str:
    """`length` in the largest units that say it exactly, as `read` reads it back: 0 min, 45 min, 1 h 30 min, 2 d."""
    if length >= DAY and not length % DAY:
        return f"{length // DAY} d"
    hours, minutes = divmod(length // MINUTE, 60)
    return " ".join(
        part for part in (f"{hours} h" * bool(hours), f"{minutes} min" * bool(minutes)) if part
    ) or ("0 min")


def in_minutes(length: datetime.timedelta) -> str:
    """The same in minutes alone, for what people count in them: 90 min."""
    return f"{length // MINUTE} min"
