"""Which campaigns take what happened to a contact's appointment, and why the others do not. Pure."""

from dataclasses import dataclass, field

from campaigns.firing import STATUSES
from campaigns.reaching import Reach, why_by_none

NOTHING: frozenset[int] = frozenset()
MADE_BY = {
    "staff": "It does not take what staff made.",
    "customer": "It does not take what customers booked themselves.",
    "google": "It does not take what came from Google.",
}
OFF = "It is switched off."
IN_IT = "They are in it already for this appointment."
# Of a fact that did not fire, where the log itself says why.
SILENT = "It did not fire."


@dataclass(frozen=True, slots=True)
class Filters:
    """What a campaign takes; an empty filter takes everything. Calendars, tags and owners by id.

    `mediums`: those of its active steps.
    """

    trigger: str
    changes: frozenset[str]
    is_active: bool = True
    calendars: frozenset[int] = NOTHING
    tags: frozenset[int] = NOTHING
    owners: frozenset[int] = NOTHING
    made_by: frozenset[str] = frozenset()
    recurring: str = ""
    mediums: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """What happened to one contact's appointment. `kind`: the trigger it could fire; `made_by`: the appointment."""

    kind: str
    what: str
    calendar: int
    made_by: str = "staff"
    is_recurring: bool = False
    tags: frozenset[int] = NOTHING
    owner: int | None = None
    reach: Reach = field(default_factory=Reach)


def concerns(filters: Filters, fact: Fact) -> bool:
    """Whether the campaign starts from such a change at all; of others the log says nothing."""
    return filters.trigger == fact.kind and fact.what in filters.changes


def why_not(filters: Filters, fact: Fact, *, started_by: str = "") -> str | None:
    """Why the campaign does not take `fact`; "" when it does, None when that is none of its business.

    `started_by`: the change from which this contact's appointment is in it already, "" when it is not. A campaign that
    is off is named only where it would have taken it.
    """
    if not concerns(filters, fact):
        return None
    why = why_filtered(filters, fact)
    if not filters.is_active:
        return None if why else OFF
    if why:
        return why
    if started_by and not _starts_anew(fact.what, started_by):
        return IN_IT
    why = why_by_none(filters.mediums, fact.reach)
    return f"Nothing may reach them: {why}" if why else ""


def why_filtered(filters: Filters, fact: Fact) -> str:
    """Which filter leaves `fact` out, in words; "" when none does."""
    if filters.calendars and fact.calendar not in filters.calendars:
        return "It takes other calendars."
    if filters.made_by and fact.made_by not in filters.made_by:
        return MADE_BY[fact.made_by]
    if filters.recurring == "yes" and not fact.is_recurring:
        return "It takes recurring appointments only."
    if filters.recurring == "no" and fact.is_recurring:
        return "It takes single appointments only."
    if filters.tags and not filters.tags & fact.tags:
        return "The contact has none of its tags."
    if filters.owners and fact.owner not in filters.owners:
        return "It takes contacts of other owners."
    return ""


def _starts_anew(what: str, started_by: str) -> bool:
    """A move is told of each time, and a campaign on a status begins when that is reached."""
    return what == "rescheduled" or (what in STATUSES and what != started_by)
