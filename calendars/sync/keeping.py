"""A person keeps an appointment whatever became of its event at Google; pure."""

from dataclasses import replace

from calendars.sync.facts import APPOINTMENT, CANCELLED, FINAL, FREE, Facts, Held, Observed, Plan

GONE = "Cancelled at Google; kept here by a person's decision."
DECLINED = "You declined; kept here by a person's decision."
NO_GUEST = "No guest is left at Google; kept here by a person's decision."


def kept(made: Plan, followed: Plan | None, observed: Observed, held: Held, facts: Facts) -> Plan:
    """`made` without the end of the appointment. One made here is put into Google again, once; Google's own event is
    not replaced before somebody changes the appointment. An event that lives on is `followed`: its time travels.
    """
    over = held.is_void or held.status in FINAL or held.ends_at <= facts.now
    if over or made.waits or not (made.cancel or observed.is_cancelled):
        return made
    if followed is None:
        return _kept_alone(made, held, facts)
    outcome, reason = (FREE, DECLINED) if made.outcome == FREE else (APPOINTMENT, NO_GUEST)
    return replace(
        followed,
        outcome=outcome,
        blocks=made.blocks,
        # Who said no is no host again because the others are.
        add_host=followed.add_host and outcome != FREE,
        reason=f"{reason} {followed.reason}".strip(),
        is_kept=True,
    )


def _kept_alone(made: Plan, held: Held, facts: Facts) -> Plan:
    return replace(
        made,
        outcome=CANCELLED,
        reason=GONE,
        colour=facts.calendar_colour,
        is_kept=True,
        cancel=False,
        fires=False,
        why="",
        repeats_series=False,
        tells=frozenset(),
        is_silent=None,
        push_again=made.cancel and not held.made_in_google,
    )
