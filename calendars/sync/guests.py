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
    people = list(people)
    listed = {person.address.strip().lower() for person in people}
    outsider = organizer.strip().lower()
    if outsider and outsider not in listed:
        people.append(Person(address=outsider, response=ACCEPTED, is_organizer=True))
    found: dict[str, Person] = {}
    for person in people:
        address = person.address.strip().lower()
        if address and address not in found and _counts(person, address, ours, ignored):
            found[address] = person
    return list(found.values())


def _counts(person: Person, address: str, ours: Collection[str], ignored: Ignored) -> bool:
    return bool(ADDRESS.fullmatch(address)) and not (
        person.is_self
        or person.is_resource
        or person.response == DECLINED
        or address in ours
        or address.endswith(GOOGLES_OWN)
        or ignored.covers(address)
    )
