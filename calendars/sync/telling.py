"""What a reason says of the guests of an event. Pure."""

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
