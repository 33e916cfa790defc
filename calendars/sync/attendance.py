"""Who stays, who joins and who leaves an appointment when its event's guests change. Pure."""

from dataclasses import dataclass

from calendars.sync.facts import Facts, Held, Observed
from calendars.sync.guests import Guest


@dataclass(frozen=True, slots=True)
class GuestChanges:
    """Pks of the attached contacts who stay and who go, and the guests who are new."""

    stay: tuple[int, ...]
    attach: tuple[Guest, ...]
    detach: tuple[int, ...]


def guest_changes(observed: Observed, held: Held, facts: Facts) -> GuestChanges:
    """Guests travel from Google for events made there; on ours the list is the CRM's, but who declines is off."""
    everyone = tuple(held.contacts)
    tells = not (facts.hides_guests(observed) or facts.organisers_copy_is_elsewhere or held.is_seat)
    if not tells or facts.protects(held) or facts.keeps_guests:
        return GuestChanges(everyone, (), ())
    if not held.made_in_google:
        declined = tuple(pk for pk, address in held.contacts.items() if address in facts.declined)
        return GuestChanges(tuple(pk for pk in everyone if pk not in declined), (), declined)
    # Who is listed stays, also one who would not be let in any more: ignored since, or a user's address by now.
    invited = (
        {guest.contact for guest in facts.guests} | {guest.address for guest in facts.guests} | facts.listed
    )
    stay = tuple(pk for pk, address in held.contacts.items() if {pk, address} & invited)
    candidates = () if facts.is_large_meeting else facts.guests
    arrivals = tuple(guest for guest in candidates if not held.has(guest) and facts.admits(guest))
    return GuestChanges(stay, arrivals, tuple(pk for pk in held.contacts if pk not in stay))
