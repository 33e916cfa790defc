"""Whether an event takes time, and the plan of one that does nothing else."""

from calendars.sync.facts import BLOCK, FREE, Facts, Observed, Plan

NEVER_BLOCKS = {"workingLocation": "Working locations never block.", "birthday": "Birthdays never block."}


def is_busy(observed: Observed, facts: Facts) -> bool:
    if observed.has_no_length:
        return False
    unanswered = observed.response == "needsAction" and not observed.organised_by_us
    return not observed.is_free and not (unanswered and not facts.blocks_unanswered)


def block(observed: Observed, facts: Facts, reason: str) -> Plan:
    if observed.has_no_length:
        return Plan(FREE, reason)
    if observed.is_free:
        return Plan(FREE, f"{reason} Marked free at Google, so it does not block.")
    if not is_busy(observed, facts):
        return Plan(FREE, f"{reason} Unanswered invitations do not block, as configured.")
    return Plan(BLOCK, reason, blocks=True)
