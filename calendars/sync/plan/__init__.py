"""What the engine means to do with one event, and why: plan(observed, held, agreed, facts) → Plan.

Pure: no clock, no database, no Django. It compares three things, what Google last told us (`Observed`), what we
hold (`Held`) and what both sides last agreed on (`Agreed`), under the `Facts` of the moment. The rules are
those of the README's sync policy, read from top to bottom: first what the event is, then whether it already has an
appointment (follow it) or not (make one, join one, or only block).

Each event is planned by itself. What concerns several is worked out around it and comes in as facts: the successors of
a moved series (`series`, `succession`), what was told of a series already (`series_news`), the other copies of a
meeting (`gather`). Mass cancellation waits after it (`brake`).
"""

from dataclasses import replace

from calendars.sync.facts import FREE, KEEP, MAKE, RESTORED, Agreed, Facts, Held, Observed, Plan
from calendars.sync.keeping import kept
from calendars.sync.plan.busy import NEVER_BLOCKS
from calendars.sync.plan.ended import declined, gone
from calendars.sync.plan.follow import MOVED_ON_BOTH_SIDES, READ_ONLY, follow
from calendars.sync.plan.make import decide

__all__ = ["MOVED_ON_BOTH_SIDES", "NEVER_BLOCKS", "READ_ONLY", "plan"]


def plan(observed: Observed, held: Held | None, agreed: Agreed | None, facts: Facts) -> Plan:
    """What to do with `observed`. `held` is its appointment, if it has one; `agreed` what both last had."""
    if held is not None and facts.decision == MAKE:
        # "Make appointment" lets in who is on the event at that moment, silently, and is used up by that. Whoever is
        # added later, and every later move, is news of a linked event like any other: the policy decides.
        facts = replace(facts, decision="")
    if facts.decision == RESTORED and observed.is_cancelled:
        # Brought back here in spite of its guests, or of our answer; that it is deleted by now is news.
        facts = replace(facts, decision="")
    if facts.decision in (KEEP, RESTORED) and held is not None:
        decision, facts = facts.decision, replace(facts, decision="")
        made = plan(observed, held, agreed, facts)
        if decision == RESTORED and facts.had_declined != (made.outcome == FREE):
            return made  # that guests had left does not excuse our no, nor this their leaving
        as_kept = replace(facts, keeps_guests=True)
        followed = None if observed.is_cancelled else follow(observed, held, agreed, as_kept)
        return kept(made, followed, observed, held, facts)
    if observed.is_cancelled:
        return gone(observed, held, agreed, facts)
    if observed.event_type in NEVER_BLOCKS:
        return Plan(FREE, NEVER_BLOCKS[observed.event_type])
    if observed.response == "declined":
        return declined(observed, held, agreed, facts)
    if held is not None:
        return follow(observed, held, agreed, facts)
    return decide(observed, facts)
