"""What a reason says of the guests of an event. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from calendars.sync.facts import Facts
from calendars.sync.guests import Guest


def who_became_what(admitted: tuple[Guest, ...], facts: Facts) -> str:
    """Of each guest what became of them: attached, made a contact, or left out."""
    known = tuple(guest for guest in admitted if guest.contact is not None)
    made = tuple(guest for guest in admitted if guest.contact is None)
    left_out = tuple(guest for guest in facts.guests if guest not in admitted)
    said = [
        said_of(known, "is a contact", "are contacts"),
        said_of(made, "was made a contact", "were made contacts"),
        said_of(left_out, "is left out", "are left out"),
    ]
    because = f" ({facts.policy.why_no_creation})" if left_out else ""
    return "; ".join(each for each in said if each) + because


def said_of(guests: tuple[Guest, ...], one: str, several: str) -> str:
    """`one` or `several`, said of `guests`; of nobody nothing."""
    return f"{names(guests)} {one if len(guests) == 1 else several}" if guests else ""


def names(guests: tuple[Guest, ...]) -> str:
    shown = ", ".join(guest.address for guest in guests[:3])
    return f"{shown} and {len(guests) - 3} more" if len(guests) > 3 else shown


def moved(old: tuple[datetime, datetime], new: tuple[datetime, datetime], zone: str) -> str:
    """ "Moved at Google from Tue 3 Mar, 10:00–11:00 to Wed 4 Mar, 10:00–11:00." on the clocks of `zone`."""
    return f"Moved at Google from {_span(*old, ZoneInfo(zone))} to {_span(*new, ZoneInfo(zone))}."


def _span(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> str:
    start, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    until = f"{end:%H:%M}" if end.date() == start.date() else _moment(end)
    return f"{_moment(start)}–{until}"


def _moment(local: datetime) -> str:
    return f"{local:%a} {local.day} {local:%b, %H:%M}"
