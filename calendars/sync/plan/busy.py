"""Whether an event takes time, and the plan of one that does nothing else."""

from calendars.sync.facts import BLOCK, FREE, GREY, Facts, Observed, Plan

NEVER_BLOCKS = {"workingLocation": "Working locations never block.", "birthday": "Birthdays never block."}


def is_busy(observed: Observed, facts: Facts) -> bool:
    if observed.has_no_length:
        return False
    unanswered = observed.response == "needsAction" and not observed.organised_by_us
    return not observed.is_free and not (unanswered and not facts.blocks_unanswered)


def block(
    observed: Observed, facts: Facts, reason: str, *, outline: bool = False, colour: str = GREY
) -> Plan:
    """It takes its time, where it takes any; `outline` and `colour` say how it is drawn."""
    busy = is_busy(observed, facts)
    if observed.is_free and not observed.has_no_length:
        reason = f"{reason} Marked free at Google, so it does not block."
    elif not (busy or observed.has_no_length):
        reason = f"{reason} Unanswered invitations do not block, as configured."
    return Plan(BLOCK if busy else FREE, reason, blocks=busy, outline=outline, colour=colour)
