"""Who is on the events of one Google calendar: the guests, who organises, who said no."""

from collections.abc import Collection, Sequence

from calendars.models import (
    GoogleEvent,
)
from calendars.sync import guests as guest_rules
from calendars.sync.guests import Person
from calendars.sync.setting import Setting
from contacts.fields import normalise_address


def addresses(rows: Sequence[GoogleEvent]) -> set[str]:
    """Everybody on `rows`, in the form in which users' addresses are kept."""
    invited = {normalise_address(person["address"]) for row in rows for person in row.attendees}
    return (invited | organizers(rows)) - {""}


def organizers(rows: Sequence[GoogleEvent]) -> set[str]:
    return {organizer(row) for row in rows} - {""}


def organizer(row: GoogleEvent) -> str:
    """The address of who organises `row`, "" where that is us."""
    return "" if row.organised_by_us else normalise_address(row.organizer_address)


def guest_people(row: GoogleEvent, setting: Setting, ours: Collection[str]) -> list[Person]:
    return guest_rules.outside_people(
        people_on(row), organizer=organizer(row), ours=ours, ignored=setting.ignored
    )


def why_nobody(row: GoogleEvent, setting: Setting, ours: Collection[str]) -> str:
    return guest_rules.why_nobody(
        people_on(row), organizer=organizer(row), ours=ours, ignored=setting.ignored
    )


def people_on(row: GoogleEvent) -> list[Person]:
    """The attendees of `row`, as Google lists them."""
    return [
        Person(
            address=person["address"],
            name=person.get("name", ""),
            response=person.get("response", "needsAction"),
            is_self=person.get("is_self", False),
            is_organizer=person.get("is_organizer", False),
            is_resource=person.get("is_resource", False),
        )
        for person in row.attendees
    ]


def declined(row: GoogleEvent) -> frozenset[str]:
    return frozenset(
        person["address"].strip().lower()
        for person in row.attendees
        if person.get("response") == guest_rules.DECLINED and not person.get("is_self")
    )


def listed(row: GoogleEvent) -> frozenset[str]:
    """Everybody on the event who has not said no; an organiser who is not on its list is there all the same."""
    people = {normalise_address(person["address"]) for person in row.attendees} - declined(row)
    return frozenset(people | ({organizer(row)} - declined(row)) - {""})
