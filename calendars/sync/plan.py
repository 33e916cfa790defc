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

from calendars.sync.attendance import GuestChanges, guest_changes
from calendars.sync.facts import (
    ACCEPTED,
    APPOINTMENT,
    BLOCK,
    BOOKED,
    CANCELLED,
    CONFIRMED,
    DECLINED,
    ENDED,
    FINAL,
    FREE,
    GREY,
    IGNORED,
    KEEP,
    KEEP_PRIVATE,
    LEFT,
    MAKE,
    MOVED,
    NEW,
    SIBLING_CANCELLED_HERE,
    SIBLING_CANCELLED_THERE,
    UNDONE,
    Agreed,
    Book,
    Facts,
    Held,
    Observed,
    Plan,
)
from calendars.sync.firing import told, whether_it_fires
from calendars.sync.guests import Guest
from calendars.sync.keeping import kept
from calendars.sync.policy import NAMES
from calendars.sync.telling import names, said_of, who_became_what
from calendars.sync.words import Words, follow_words

MOVED_ON_BOTH_SIDES = "Moved on both sides: the time set here waits to be pushed, and it wins."
ORDINARY = ("default", "fromGmail")
ONLY_BLOCKS = dict.fromkeys(("outOfOffice", "focusTime"), "Time kept for yourself: never an appointment.")
NEVER_BLOCKS = {"workingLocation": "Working locations never block.", "birthday": "Birthdays never block."}


def plan(observed: Observed, held: Held | None, agreed: Agreed | None, facts: Facts) -> Plan:
    """What to do with `observed`. `held` is its appointment, if it has one; `agreed` what both last had."""
    if held is not None and facts.decision == MAKE:
        # "Make appointment" lets in who is on the event at that moment, silently, and is used up by that. Whoever is
        # added later, and every later move, is news of a linked event like any other: the policy decides.
        facts = replace(facts, decision="")
    if facts.decision == KEEP and held is not None:
        return kept(plan(observed, held, agreed, replace(facts, decision="")), observed, held, facts)
    if observed.is_cancelled:
        return _gone(observed, held, agreed, facts)
    if observed.event_type in NEVER_BLOCKS:
        return Plan(FREE, NEVER_BLOCKS[observed.event_type])
    if observed.response == "declined":
        return _declined(observed, held, facts)
    if held is not None:
        return _follow(observed, held, agreed, facts)
    return _decide(observed, facts)


# --- the event is gone -------------------------------------------------------------------------------------------


def _gone(observed: Observed, held: Held | None, agreed: Agreed | None, facts: Facts) -> Plan:
    if held is None:
        return Plan(CANCELLED, "Cancelled at Google.")
    if held.is_void or (agreed is not None and agreed.is_cancelled):
        return Plan(CANCELLED, "Cancelled on both sides.")
    if held.status in FINAL or held.ends_at <= facts.now:
        return Plan(CANCELLED, "Cancelled at Google after it took place: the appointment stays as it is.")
    if facts.protects(held):
        return Plan(CANCELLED, "Deleted at Google. One way protects the appointment made here.", agrees=False)
    if facts.may_have_moved:
        return Plan(
            APPOINTMENT,
            "Gone from this Google calendar. Waiting to see whether it moved to another one.",
            blocks=_is_busy(observed, facts),
            colour=facts.calendar_colour,
            agrees=False,
            waits=True,
        )
    return _take_off(CANCELLED, "Deleted at Google", ENDED, observed, held, facts)


def _declined(observed: Observed, held: Held | None, facts: Facts) -> Plan:
    if held is None:
        return Plan(FREE, "You declined this invitation, so it does not block.")
    if held.is_void or held.status in FINAL or held.ends_at <= facts.now:
        return Plan(FREE, "You declined this invitation: the appointment stays as it is.")
    if facts.protects(held):
        return Plan(FREE, "You declined at Google. One way protects the appointment made here.", agrees=False)
    return _take_off(FREE, "You declined", DECLINED, observed, held, facts)


def _take_off(outcome: str, what: str, news: str, observed: Observed, held: Held, facts: Facts) -> Plan:
    """One copy is gone: the whole appointment when it was the organiser's or the last, else this host alone."""
    if facts.has_own_copy:
        return Plan(outcome, f"{what}: it stands in another of your calendars.")
    if facts.other_copies and not facts.organisers_copy:
        return Plan(
            outcome, f"{what}: this host is free, the colleagues keep the appointment.", free_host=True
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


# --- the event has an appointment ---------------------------------------------------------------------------------


def _follow(observed: Observed, held: Held, agreed: Agreed | None, facts: Facts) -> Plan:
    # Nothing new: the reason that was given when it was made stays.
    shown = Plan(
        APPOINTMENT,
        "",
        blocks=_is_busy(observed, facts),
        colour=facts.calendar_colour,
        is_silent=None,
        add_host=facts.host_was_freed and not held.is_void,
    )
    if held.status in FINAL:
        return replace(shown, reason="The appointment is closed: Google no longer changes it.")
    if held.is_void and facts.decision == KEEP_PRIVATE:
        kept = "Kept as a private block by a person's decision; its appointment was cancelled here."
        return replace(_block(observed, facts, kept), agrees=False)
    if held.is_void and not _comes_back(observed, held, agreed, facts):
        shown = replace(shown, outcome=BLOCK, colour=GREY, agrees=False)
        # It lives on although Google said that it was gone, or a person brought an event of ours back.
        again = facts.lives_on or (observed.is_ours and not held.made_in_google)
        return replace(shown, reason="The appointment was cancelled here.", push_again=again)
    guests = guest_changes(observed, held, facts)
    if held.contacts and not guests.stay and not guests.attach:
        return _without_guests(shown, observed, held, facts)
    timed = _follow_time(shown, observed, held, agreed, facts)
    timed = replace(timed, words=_follow_words(observed, held, agreed))
    if held.is_void:
        confirms = facts.confirms([each for each in facts.guests if held.has(each) or facts.admits(each)])
        how = "restored and confirmed" if confirms else "restored"
        timed = replace(
            timed,
            restore=True,
            confirm=confirms,
            reason=f"Back at Google: the same appointment is {how}, silently.",
        )
    return _with_guests(timed, guests, held, facts, observed)


def _comes_back(observed: Observed, held: Held, agreed: Agreed | None, facts: Facts) -> bool:
    """An appointment that Google cancelled is restored when its event or a guest returns; staff's stays cancelled."""
    if held.status != "cancelled" or held.status_set_by != "google":
        return False
    if held.made_in_google:
        if facts.organiser_has_copy:
            return False  # whom they invite is told there
        returned = any(facts.admits(guest) or held.has(guest) for guest in facts.guests)
        return returned or facts.hides_guests(observed)
    return facts.policy.edits and agreed is not None and agreed.is_cancelled


def _follow_time(shown: Plan, observed: Observed, held: Held, agreed: Agreed | None, facts: Facts) -> Plan:
    theirs, ours = observed.span, (held.starts_at, held.ends_at)
    both = (agreed.starts_at, agreed.ends_at) if agreed else None
    if theirs == ours:
        return shown
    if held.ends_at <= facts.now and theirs[1] <= facts.now:
        return replace(shown, agrees=False, reason="Past events are display only.")
    # An outside organiser's meeting that comes back does so at their time, whatever waited here to be sent.
    hears_us = observed.organised_by_us or not held.is_void
    if theirs == both and hears_us:
        hears = "Changed here: Google hears of it with the next push."
        return replace(shown, agrees=False, reason=hears, push_again=True)
    if facts.protects(held):
        protected = "Moved at Google. One way protects the appointment made here; its own time stands."
        return replace(shown, agrees=False, reason=protected)
    if observed.is_all_day:
        return replace(shown, agrees=False, reason="Made all-day at Google: the appointment keeps its time.")
    if observed.has_no_length:
        return replace(
            shown, agrees=False, reason="Without length at Google: the appointment keeps its time."
        )
    if facts.push_pending and hears_us and both is not None and ours != both:
        return replace(shown, agrees=False, reason=MOVED_ON_BOTH_SIDES)
    shift = f"{MOVED} by {theirs[0] - ours[0]}, {theirs[1] - ours[1]}"
    news = told(shift, observed.starts_at, observed, facts)
    return replace(
        shown,
        repeats_series=news.repeats,
        move=theirs,
        fires=news.fires,
        why=news.why,
        tells=news.tells,
        is_silent=not news.fires,
        reason=f"Moved at Google. {news.why}",
    )


def _follow_words(observed: Observed, held: Held, agreed: Agreed | None) -> Words | None:
    if agreed is None:  # of what turned private Google's text is none, and goes from here as well
        return None
    return follow_words(
        observed.words, held.words, agreed.words_there, agreed.words_here, made_in_google=held.made_in_google
    )


def _without_guests(shown: Plan, observed: Observed, held: Held, facts: Facts) -> Plan:
    shown = replace(shown, outcome=BLOCK, colour=GREY, outline=False)
    if held.is_void:
        return replace(shown, reason="No guest is left: no appointment.")
    if held.ends_at <= facts.now and observed.span[1] <= facts.now:
        return replace(shown, outcome=APPOINTMENT, reason="Past events are display only.")
    news = told(LEFT, held.starts_at, observed, facts)
    return replace(
        shown,
        cancel=True,
        fires=news.fires,
        why=news.why,
        repeats_series=news.repeats,
        tells=news.tells,
        reason=f"No guest is left: the appointment is cancelled. {news.why}",
    )


def _with_guests(timed: Plan, guests: GuestChanges, held: Held, facts: Facts, observed: Observed) -> Plan:
    accepted = any(guest.has_accepted for guest in facts.guests if held.has(guest))
    confirm = accepted and held.status == NEW and held.status_is_free
    if not (guests.attach or guests.detach or confirm):
        return timed
    fires, why = whether_it_fires(observed.starts_at, observed.created_at, facts)
    news = frozenset(guest.address for guest in guests.attach) | ({ACCEPTED} if confirm else set())
    words = [timed.reason] if timed.reason else []
    if guests.attach:
        words.append(f"Added: {names(guests.attach)}. {why}")
    if guests.detach:
        words.append("A guest left: their messages are void.")
    if confirm:
        words.append("A guest accepted: confirmed.")
    return replace(
        timed,
        attach=guests.attach,
        detach=guests.detach,
        confirm=confirm or timed.confirm,
        fires=fires,
        why=why,
        tells=timed.tells | (news if fires else frozenset()),
        repeats=news & facts.series_told,
        reason=" ".join(words),
    )


# --- the event has none -------------------------------------------------------------------------------------------


def _decide(observed: Observed, facts: Facts) -> Plan:
    """Ignore, block, join a colleague's appointment, or make one: the first rule that speaks decides."""
    private = _private(observed, facts)
    if private is not None:
        return private
    only_blocks = _why_only_block(observed, facts)
    if only_blocks:
        # Of ours, it stands beside the one that took its place, and is to be removed.
        return replace(_block(observed, facts, only_blocks), push_again=observed.is_ours)
    if facts.sibling == SIBLING_CANCELLED_HERE:
        return _block(observed, facts, "The appointment of this meeting was cancelled here.")
    admitted = tuple(guest for guest in facts.guests if facts.admits(guest))
    restores = facts.sibling == SIBLING_CANCELLED_THERE
    joins = admitted or facts.hides_guests(observed) if restores else facts.sibling
    if joins and (facts.policy.match or facts.decision == MAKE):
        return Plan(
            APPOINTMENT,
            "A colleague's copy of the same meeting: one appointment, every host busy.",
            blocks=_is_busy(observed, facts),
            colour=facts.calendar_colour,
            is_silent=True,
            join=True,
            restore=restores,
            confirm=restores and facts.confirms(admitted),
        )
    if facts.decided_by_colleague and facts.decision != MAKE:
        return _block(
            observed, facts, f"Organised by {facts.decided_by_colleague}: their configuration decides."
        )
    if not admitted:
        return _no_one_admitted(observed, facts)
    if facts.is_resumed:
        return _block(observed, facts, "Read again after a break: it stays what it was.")
    return _make(observed, admitted, facts)


def _private(observed: Observed, facts: Facts) -> Plan | None:
    if not observed.is_private or facts.private_events == "normal":
        return None
    if facts.private_events == "ignore":
        return Plan(IGNORED, "Private, and private events are ignored.")
    return _block(observed, facts, "Private: no details are kept and no appointment is made.")


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
        drawn = _block(observed, facts, f"{option}: {facts.nobody}, so no appointment.")
        outlined = facts.policy.outlines
        return replace(drawn, outline=outlined, colour=facts.calendar_colour if outlined else GREY)
    if not facts.policy.match:
        return _block(observed, facts, f"{option}: {facts.policy.why_no_match}.")
    unknown = said_of(facts.guests, "is not a contact", "are no contacts")
    return _block(observed, facts, f"{option}: {unknown}, and {facts.policy.why_no_creation}.")


def _make(observed: Observed, admitted: tuple[Guest, ...], facts: Facts) -> Plan:
    known = [guest for guest in admitted if guest.contact is not None]
    first = (known or list(admitted))[0]
    guests = (first, *(guest for guest in admitted if guest != first))
    news = told(BOOKED, observed.starts_at, observed, facts)
    by = "A person made it an appointment" if facts.decision == MAKE else NAMES[facts.policy.option]
    return Plan(
        APPOINTMENT,
        f"{by}: {who_became_what(admitted, facts)}. {news.why}",
        blocks=_is_busy(observed, facts),
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


# --- the small questions ------------------------------------------------------------------------------------------


def _is_busy(observed: Observed, facts: Facts) -> bool:
    if observed.has_no_length:
        return False
    unanswered = observed.response == "needsAction" and not observed.organised_by_us
    return not observed.is_free and not (unanswered and not facts.blocks_unanswered)


def _block(observed: Observed, facts: Facts, reason: str) -> Plan:
    if observed.has_no_length:
        return Plan(FREE, reason)
    if observed.is_free:
        return Plan(FREE, f"{reason} Marked free at Google, so it does not block.")
    if not _is_busy(observed, facts):
        return Plan(FREE, f"{reason} Unanswered invitations do not block, as configured.")
    return Plan(BLOCK, reason, blocks=True)
