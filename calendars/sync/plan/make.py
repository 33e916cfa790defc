"""The event has no appointment: one is made, a colleague's is joined, or it only blocks.

The cells of the README's table: `Facts.admits` says of each guest whether the policy lets them in, whom it knows (A)
or does not (N); where nobody is let in the event blocks (B); `told` says whether triggers fire (+T). Before the table
come the rules that forbid an appointment whatever the policy, and the meetings that a colleague has a copy of.
"""

from dataclasses import replace

from calendars.sync.facts import (
    APPOINTMENT,
    BOOKED,
    CONFIRMED,
    GREY,
    IGNORED,
    KEEP_PRIVATE,
    MAKE,
    NEW,
    SIBLING_CANCELLED_HERE,
    SIBLING_CANCELLED_THERE,
    UNDONE,
    Book,
    Facts,
    Observed,
    Plan,
)
from calendars.sync.firing import told
from calendars.sync.guests import Guest
from calendars.sync.plan.busy import block, is_busy
from calendars.sync.policy import NAMES
from calendars.sync.telling import said_of, who_became_what

ORDINARY = ("default", "fromGmail")
ONLY_BLOCKS = dict.fromkeys(("outOfOffice", "focusTime"), "Time kept for yourself: never an appointment.")


def decide(observed: Observed, facts: Facts) -> Plan:
    """Ignore, block, join a colleague's appointment, or make one: the first rule that speaks decides."""
    private = _private(observed, facts)
    if private is not None:
        return private
    only_blocks = _why_only_block(observed, facts)
    if only_blocks:
        made = block(observed, facts, only_blocks)
        # Of ours, it stands beside the one that took its place, and is to be removed.
        return replace(made, push_again=True) if observed.is_ours else made
    if facts.sibling == SIBLING_CANCELLED_HERE:
        return block(observed, facts, "The appointment of this meeting was cancelled here.")
    admitted = tuple(guest for guest in facts.guests if facts.admits(guest))
    restores = facts.sibling == SIBLING_CANCELLED_THERE
    joins = admitted or facts.hides_guests(observed) if restores else facts.sibling
    if joins and (facts.policy.match or facts.decision == MAKE):
        return Plan(
            APPOINTMENT,
            "Another copy of the same meeting: one appointment, every host busy.",
            blocks=is_busy(observed, facts),
            colour=facts.calendar_colour,
            is_silent=True,
            join=True,
            restore=restores,
            confirm=restores and facts.confirms(admitted),
        )
    if facts.decided_by_colleague and facts.decision != MAKE:
        return block(
            observed, facts, f"Organised by {facts.decided_by_colleague}: their configuration decides."
        )
    if not admitted:
        return _no_one_admitted(observed, facts)
    if facts.is_resumed:
        return block(observed, facts, "Read again after a break: it stays what it was.")
    return _make(observed, admitted, facts)


def _private(observed: Observed, facts: Facts) -> Plan | None:
    if not observed.is_private or facts.private_events == "normal":
        return None
    if facts.private_events == "ignore":
        return Plan(IGNORED, "Private, and private events are ignored.")
    return block(observed, facts, "Private: no details are kept and no appointment is made.")


def _why_only_block(observed: Observed, facts: Facts) -> str:
    """The rule that forbids an appointment whatever the policy; "" when none does."""
    if facts.is_conflict_calendar:
        return "From a conflict calendar: never an appointment."
    if facts.decision == KEEP_PRIVATE:
        return "Kept as a private block by a person's decision."
    if facts.decision == UNDONE:
        return "Undone by a person: no appointment."
    if observed.is_ours:
        return "A copy of an appointment made here, which has another one by now."
    if observed.has_no_length:
        return "It has no length, so it takes no time."
    if observed.is_all_day:
        return "An all-day event is never an appointment."
    if observed.event_type not in ORDINARY:
        return ONLY_BLOCKS.get(
            observed.event_type, "An event of a kind Tandem does not know: never an appointment."
        )
    if observed.span[1] <= facts.now:
        return "Past events are display only."
    if observed.is_recurring and facts.recurring_blocks_only and facts.decision != MAKE:
        return "Recurring events make no appointments, as configured."
    if facts.is_large_meeting:
        return f"Large meeting: {len(facts.guests)} outside guests."
    return ""


def _no_one_admitted(observed: Observed, facts: Facts) -> Plan:
    option = NAMES[facts.policy.option]
    if not facts.guests:
        outlined = facts.policy.outlines
        nobody = f"{option}: {facts.nobody}, so no appointment."
        colour = facts.calendar_colour if outlined else GREY
        return block(observed, facts, nobody, outline=outlined, colour=colour)
    if not facts.policy.match:
        return block(observed, facts, f"{option}: {facts.policy.why_no_match}.")
    unknown = said_of(facts.guests, "is not a contact", "are no contacts")
    return block(observed, facts, f"{option}: {unknown}, and {facts.policy.why_no_creation}.")


def _make(observed: Observed, admitted: tuple[Guest, ...], facts: Facts) -> Plan:
    known = [guest for guest in admitted if guest.contact is not None]
    first = (known or list(admitted))[0]
    guests = (first, *(guest for guest in admitted if guest != first))
    news = told(BOOKED, observed.starts_at, observed, facts)
    by = "A person made it an appointment" if facts.decision == MAKE else NAMES[facts.policy.option]
    return Plan(
        APPOINTMENT,
        f"{by}: {who_became_what(admitted, facts)}. {news.why}",
        blocks=is_busy(observed, facts),
        colour=facts.calendar_colour,
        is_silent=not (news.fires or news.repeats),
        book=Book(
            guests=guests,
            status=CONFIRMED if facts.confirms(admitted) else NEW,
            fires=news.fires,
            why=news.why,
            repeats_series=news.repeats,
        ),
        fires=news.fires,
        why=news.why,
        tells=news.tells,
    )
