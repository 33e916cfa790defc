"""What fires: decided by the event and the policy, never by the kind of pull that brought it. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime

from calendars.sync.facts import MAKE, Facts, Observed

# The sentence of a reason that says that nothing fired, and why.
SILENT = re.compile(r"Silent: [^.]*\.")

ONCE_A_SERIES = "Triggers fire once for a series; reminders follow each occurrence."


def whether_it_fires(
    starts_at: datetime | None, created_at: datetime | None, facts: Facts
) -> tuple[bool, str]:
    """Whether triggers fire for what happened to this event, and the words that say why or why not."""
    if not facts.policy.fire:
        return False, f"Silent: {facts.policy.why_silent}."
    if facts.is_late_match:
        return False, "Silent: the guest became a contact after the event was read."
    if facts.is_applied:
        return False, "Silent: the configuration was applied to what was imported before."
    if facts.decision == MAKE:
        return False, "Silent: made by hand from a Google event."
    if starts_at is None or starts_at <= facts.now:
        return False, "Silent: it lies in the past."
    # An event that does not say when it was made, read by the first pull, may be as old as any.
    is_older = created_at is None or created_at < facts.policy_since.replace(microsecond=0)
    if created_at is None and not facts.fires_on_purpose:
        return False, "Silent: Google does not say when it was made."
    if is_older and not facts.fires_on_purpose:
        return False, "Silent: it was in Google before this configuration."
    return True, "Triggers fired."


def fired_by_hand(reason: str, by: str) -> str:
    """`reason` once a person fired what stayed silent: it says so in place of why nothing had fired."""
    said = f"Fired by hand by {by}."
    if SILENT.search(reason):
        return SILENT.sub(lambda _: said, reason, count=1)
    return reason if said in reason else f"{reason} {said}".strip()


@dataclass(frozen=True, slots=True)
class Told:
    """Whether a change fires, and the words for it; `repeats`: it would, but an earlier occurrence told it of all."""

    fires: bool
    why: str
    repeats: bool
    tells: frozenset[str]


def told(what: str, starts_at: datetime | None, observed: Observed, facts: Facts) -> Told:
    """How `what` (BOOKED, MOVED by so much, ENDED) is told: of a whole series by its first occurrence alone."""
    fires, why = whether_it_fires(starts_at, observed.created_at, facts)
    if fires and {what, what.partition(" ")[0]} & facts.series_told:
        return Told(fires=False, why=ONCE_A_SERIES, repeats=True, tells=frozenset())
    return Told(fires, why, repeats=False, tells=frozenset({what}) if fires else frozenset())
