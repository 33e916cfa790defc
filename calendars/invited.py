"""Who is invited to a Google event, for the page of the event."""

from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime

from calendars.models import GoogleEvent
from calendars.sync import guests as guest_rules
from calendars.sync.gather import situations
from calendars.sync.guests import Person
from calendars.sync.people import people_on
from calendars.sync.plan import plan
from calendars.sync.setting import our_addresses, ruling, setting_for
from contacts.fields import normalise_address
from contacts.matching import contacts_by_address


@dataclass(frozen=True, slots=True)
class Invited:
    """One person on the list, and what is said of them; `contact`: who of ours has that address, by pk;
    `may_be_ignored`: *Never this guest* would change something.
    """

    person: Person
    role: str
    contact: int | None
    may_be_ignored: bool


def invited(event: GoogleEvent) -> list[Invited]:
    """Everybody on `event` but its owner, in Google's order."""
    people = [person for person in people_on(event) if not person.is_self]
    addresses = {normalise_address(person.address) for person in people}
    ours, contacts = our_addresses(addresses), contacts_by_address(list(addresses))
    configuration = ruling(event.google_calendar)
    ignored = guest_rules.read_ignored(configuration.ignored_guests if configuration else "")
    return [
        Invited(
            person,
            _role(person, is_ignored=ignored.covers(normalise_address(person.address)), ours=ours),
            contacts.get(normalise_address(person.address)),
            guest_rules.is_outside(person, ours) and not ignored.covers(normalise_address(person.address)),
        )
        for person in people
    ]


def new_contacts(event: GoogleEvent, now: datetime) -> int:
    """How many contacts *Make appointment* would make of its guests."""
    # A copy, as for the offer: what is looked up beside it is not to be seen by the caller.
    situation = situations([copy(event)], setting_for(event.google_calendar, now), now)[0]
    facts = replace(situation.facts, decision=GoogleEvent.Decision.MAKE)
    made = plan(situation.observed, None, None, facts)
    return sum(guest.contact is None for guest in made.book.guests) if made.book else 0


def _role(person: Person, *, is_ignored: bool, ours: frozenset[str]) -> str:
    if person.is_resource:
        return "Room"
    if normalise_address(person.address) in ours:
        return "Staff, organiser" if person.is_organizer else "Staff"
    if is_ignored:
        return "Never a guest"
    return "Organiser" if person.is_organizer else ""
