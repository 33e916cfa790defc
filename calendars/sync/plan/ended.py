"""The event is gone, or its person declined it: what becomes of the appointment."""

from calendars.sync.facts import (
    APPOINTMENT,
    CANCELLED,
    DECLINED,
    ENDED,
    FINAL,
    FREE,
    Agreed,
    Facts,
    Held,
    Observed,
    Plan,
)
from calendars.sync.firing import told
from calendars.sync.plan.busy import is_busy


def gone(observed: Observed, held: Held | None, agreed: Agreed | None, facts: Facts) -> Plan:
    """Deleted at Google: so is its appointment, unless that is known, over, protected by one way, or it may yet turn up
    in another calendar of this person.
    """
    if held is None:
        return Plan(CANCELLED, "Cancelled at Google.")
    if held.is_void:
        return Plan(CANCELLED, "Cancelled on both sides.")
    is_over = held.status in FINAL or held.ends_at <= facts.now
    is_known = agreed is not None and agreed.is_cancelled
    if is_over:
        when = ", as was known" if is_known else " after it took place"
        return Plan(CANCELLED, f"Cancelled at Google{when}: the appointment stays as it is.")
    if facts.protects(held) and not is_known:
        return Plan(CANCELLED, "Deleted at Google. One way protects the appointment made here.", agrees=False)
    if facts.may_have_moved:
        return Plan(
            APPOINTMENT,
            "Gone from this Google calendar. Waiting to see whether it moved to another one.",
            blocks=is_busy(observed, facts),
            colour=facts.calendar_colour,
            agrees=False,
            waits=True,
        )
    if is_known:
        # It was restored here since: where nothing was put in its place, that is wanted.
        known = "Cancelled at Google, as was known: the appointment stays as it is."
        return Plan(CANCELLED, known, push_again=True)
    moved_here = facts.push_pending and agreed is not None and agreed.starts_at != held.starts_at
    what = "Deleted at Google, which beats the move made here" if moved_here else "Deleted at Google"
    return _take_off(CANCELLED, what, ENDED, observed, held, facts)


def declined(observed: Observed, held: Held | None, agreed: Agreed | None, facts: Facts) -> Plan:
    """Its person answered no: for them it is as if the event were deleted, though it stands for the others."""
    if held is None:
        return Plan(FREE, "You declined this invitation, so it does not block.")
    if held.is_void or held.status in FINAL or held.ends_at <= facts.now:
        return Plan(FREE, "You declined this invitation: the appointment stays as it is.")
    if agreed is not None and agreed.is_cancelled:
        # Declined by us, when the appointment had been cancelled here; it was restored since.
        return Plan(FREE, "Declined at Google, as was known: the appointment stays as it is.", agrees=False)
    if facts.protects(held):
        return Plan(FREE, "You declined at Google. One way protects the appointment made here.", agrees=False)
    return _take_off(FREE, "You declined", DECLINED, observed, held, facts)


def _take_off(outcome: str, what: str, news: str, observed: Observed, held: Held, facts: Facts) -> Plan:
    """One copy is gone: the whole appointment when it was the organiser's or the last, else this host alone."""
    if facts.has_own_copy and outcome == CANCELLED:
        return Plan(outcome, "Gone from this Google calendar: the meeting went on in another of yours.")
    if facts.has_own_copy:
        return Plan(outcome, f"{what}: the meeting went on in another of your calendars.")
    if facts.other_copies and not facts.is_organisers_copy:
        return Plan(
            outcome, f"{what}: this host is free, the colleagues kept the appointment.", free_host=True
        )
    said = told(news, held.starts_at, observed, facts)
    return Plan(
        outcome,
        f"{what}: the appointment is cancelled. {said.why}",
        cancel=True,
        fires=said.fires,
        why=said.why,
        repeats_series=said.repeats,
        tells=said.tells,
    )
