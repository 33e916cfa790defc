"""Whether a change of an appointment fires, and how long what it started lasts. Pure.

Silence is the default everywhere: whatever is not plainly news to the contact does not fire.
"""

from collections.abc import Collection
from dataclasses import dataclass

VOID = frozenset({"cancelled", "invalid"})
# Campaigns on these follow a status and end with it; the others last while the appointment stands.
STATUSES = frozenset({"cancelled", "invalid", "showed", "no_show"})
# These are said of an appointment whose time has come; everything else is news only before the start.
AFTERWARDS = frozenset({"showed", "no_show"})
REPEATED = "Fired once for the series."
UNDONE = "The move was undone."


@dataclass(frozen=True, slots=True)
class FiringFacts:
    what: str
    status: str
    fires: bool = True
    why: str = ""
    repeats_series: bool = False
    fired_before: bool = False
    is_attached: bool = True
    has_begun: bool = False
    # They joined with this time, or with a later one: nothing was moved for them.
    has_joined_since: bool = False
    is_undone: bool = False


def holds(what: str, status: str) -> bool:
    """Whether what a change of kind `what` started still makes sense at that status of the appointment."""
    return status == what if what in STATUSES else status not in VOID


def comes_afterwards(changes: Collection[str]) -> bool:
    """Whether a campaign on `changes` speaks only once the appointment's time has come."""
    return bool(changes) and AFTERWARDS.issuperset(changes)


def has_no_before(changes: Collection[str]) -> bool:
    """Whether nothing is said before the start by a campaign on `changes`: the appointment is over, or will not be."""
    return bool(changes) and STATUSES.issuperset(changes)


def why_silent(facts: FiringFacts) -> str:
    """The words that say why this change does not fire; "" when it fires."""
    # A repeated occurrence would fire but for its series: the planner writes it as not firing, with that reason.
    if not facts.fires and not facts.repeats_series:
        return facts.why or "Triggers are off for this change."
    if facts.is_undone:
        return UNDONE
    if not facts.is_attached:
        return "This person is no longer a guest."
    if not holds(facts.what, facts.status):
        return f"The appointment is {facts.status.replace('_', '-')} by now."
    if facts.has_joined_since:
        return "They joined with this time: nothing was moved for them."
    if facts.fired_before:
        return "It fired before for this appointment; nothing fires twice."
    if facts.has_begun and facts.what not in AFTERWARDS:
        return "The appointment starts in the past."
    return REPEATED if facts.repeats_series else ""
