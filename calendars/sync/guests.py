"""Who counts as a guest of an event (README, The sync policy). Pure.

A guest is an attendee who is not the owner, not a room or resource, not a CRM user, not ignored, and has not
declined. An outside organiser counts. Addresses compare trimmed and lower-cased; dots and plus-tags are kept.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

DECLINED, ACCEPTED = "declined", "accepted"
# Google puts these on out-of-office events and rooms; nobody reads mail there.
GOOGLES_OWN = (
    "@resource.calendar.google.com",
    "@group.calendar.google.com",
    "unknownorganizer@calendar.google.com",
)

NO_GUESTS, NO_OUTSIDE_GUESTS = "no guests", "no outside guests"
GUESTS_IGNORED, GUESTS_DECLINED = "its guests are ignored, as configured", "its guests have declined"
GUESTS_DECLINED_OR_IGNORED = "its guests have declined or are ignored, as configured"

# Google takes nearly anything for an attendee; what no mail can be sent to is nobody's contact.
ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")


@dataclass(frozen=True, slots=True)
class Person:
    """An attendee as observed."""

    address: str
    name: str = ""
    response: str = "needsAction"
    is_self: bool = False
    is_organizer: bool = False
    is_resource: bool = False


@dataclass(frozen=True, slots=True)
class Guest:
    """An outside person on an event. `contact` is the contact's pk, None when the address is unknown."""

    address: str
    name: str = ""
    response: str = "needsAction"
    contact: int | None = None

    @property
    def has_accepted(self) -> bool:
        return self.response == ACCEPTED


@dataclass(frozen=True, slots=True)
class Ignored:
    """Addresses and whole domains that never become contacts."""

    addresses: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()

    def covers(self, address: str) -> bool:
        domain = address.rpartition("@")[2]
        return address in self.addresses or any(
            domain == ignored or domain.endswith(f".{ignored}") for ignored in self.domains
        )


def read_ignored(text: str) -> Ignored:
    """The lines of `text`, one address or domain each ("ann@x.org", "x.org", "@x.org"); blank ones are skipped."""
    lines = {line.strip().lower() for line in text.splitlines() if line.strip()}
    domains = {line.lstrip("@") for line in lines if "@" not in line.lstrip("@")}
    return Ignored(
        addresses=frozenset(line for line in lines if "@" in line.lstrip("@")), domains=frozenset(domains)
    )


def outside_people(
    people: Iterable[Person], *, organizer: str, ours: Collection[str], ignored: Ignored
) -> list[Person]:
    """The guests among `people`, in Google's order, each address once; declined ones left out.

    `ours` holds their addresses that are CRM users'. An organiser who is not listed as attendee is added last.
    """
    found: dict[str, Person] = {}
    for person in _everybody(people, organizer):
        address = person.address.strip().lower()
        if address in found or person.response == DECLINED or ignored.covers(address):
            continue
        if _is_outside(person, address, ours):
            found[address] = person
    return list(found.values())


def why_nobody(people: Iterable[Person], *, organizer: str, ours: Collection[str], ignored: Ignored) -> str:
    """What is to be said of an event on which `outside_people` finds nobody: who else is on it, if anybody is."""
    others = [person for person in _everybody(people, organizer) if not person.is_self]
    outside = [person for person in others if is_outside(person, ours)]
    if not outside:
        return NO_OUTSIDE_GUESTS if others else NO_GUESTS
    declined = [person.response == DECLINED for person in outside]
    if all(declined):
        return GUESTS_DECLINED
    return GUESTS_DECLINED_OR_IGNORED if any(declined) else GUESTS_IGNORED


def is_outside(person: Person, ours: Collection[str]) -> bool:
    """Whether `person` is none of us and no room: somebody who could be a contact."""
    return _is_outside(person, person.address.strip().lower(), ours)


def _everybody(people: Iterable[Person], organizer: str) -> list[Person]:
    people = list(people)
    listed = {person.address.strip().lower() for person in people}
    outsider = organizer.strip().lower()
    if outsider and outsider not in listed:
        people.append(Person(address=outsider, response=ACCEPTED, is_organizer=True))
    return people


def _is_outside(person: Person, address: str, ours: Collection[str]) -> bool:
    return bool(ADDRESS.fullmatch(address)) and not (
        person.is_self or person.is_resource or address in ours or address.endswith(GOOGLES_OWN)
    )
