"""Who is invited to a Google event, for the page of the event."""

from dataclasses import dataclass

from calendars.models import GoogleEvent
from calendars.sync import guests as guest_rules
from calendars.sync.guests import Person
from calendars.sync.people import people_on
from calendars.sync.setting import our_addresses, ruling
from contacts.fields import normalise_address


@dataclass(frozen=True, slots=True)
class Invited:
    """One person on the list, and what is said of them; `may_be_ignored`: *Never this guest* would change something."""

    person: Person
    role: str
    may_be_ignored: bool


def invited(event: GoogleEvent) -> list[Invited]:
    """Everybody on `event` but its owner, in Google's order."""
    people = [person for person in people_on(event) if not person.is_self]
    ours = our_addresses({normalise_address(person.address) for person in people})
    configuration = ruling(event.google_calendar)
    ignored = guest_rules.read_ignored(configuration.ignored_guests if configuration else "")
    return [
        Invited(
            person,
            _role(person, is_ignored=ignored.covers(normalise_address(person.address)), ours=ours),
            guest_rules.is_outside(person, ours) and not ignored.covers(normalise_address(person.address)),
        )
        for person in people
    ]


def _role(person: Person, *, is_ignored: bool, ours: frozenset[str]) -> str:
    if person.is_resource:
        return "Room"
    if normalise_address(person.address) in ours:
        return "Staff, organiser" if person.is_organizer else "Staff"
    if is_ignored:
        return "Never a guest"
    return "Organiser" if person.is_organizer else ""
