"""The event has an appointment, which follows its time, its words and its guests as far as the policy goes."""

from dataclasses import replace
from datetime import datetime

from calendars.sync.attendance import GuestChanges, guest_changes
from calendars.sync.facts import (
    ACCEPTED,
    APPOINTMENT,
    BLOCK,
    FINAL,
    GREY,
    KEEP_PRIVATE,
    LEFT,
    MOVED,
    NEW,
    Agreed,
    Facts,
    Held,
    Observed,
    Plan,
)
from calendars.sync.firing import ONCE_A_SERIES, told, whether_it_fires
from calendars.sync.plan.busy import block, is_busy
from calendars.sync.telling import moved, names
from calendars.sync.words import PUT_BACK, follow_words, is_reworded

TAKEN_BACK = "Back at Google: it is the event of this appointment again, and the one put in its place goes."
READ_ONLY = "In a Google calendar that Tandem only reads: the appointment follows it when it is moved there."
STAYS_BEHIND = "Changed here. Tandem only reads this Google calendar, where the event keeps its time."
TAKEN_BACK_MOVE = "It is not ours to move by now: the move made here never reached Google and is taken back."
NEXT_PUSH = "Changed here: Google hears of it with the next push."
TOLD_BEFORE = "Silent: it was told to them before."
NOT_OURS_TO_MOVE = "At another time at Google, where it is not ours to move: the appointment keeps its own."
MOVED_ON_BOTH_SIDES = "Moved on both sides: the time set here waits to be pushed, and it wins."


def follow(observed: Observed, held: Held, agreed: Agreed | None, facts: Facts) -> Plan:
    """First its status (closed, cancelled), then whether anybody is left; then time, words and guests by themselves."""
    # Nothing new: the reason that was given when it was made stays.
    shown = Plan(
        APPOINTMENT,
        READ_ONLY if facts.is_conflict_calendar else "",
        blocks=is_busy(observed, facts),
        colour=facts.calendar_colour,
        is_silent=None,
        add_host=facts.host_was_freed and not (held.is_void or facts.is_conflict_calendar),
    )
    if held.status in FINAL:
        return replace(shown, reason="The appointment is closed: Google no longer changes it.")
    if held.is_void and facts.decision == KEEP_PRIVATE:
        kept = "Kept as a private block by a person's decision; its appointment was cancelled here."
        return replace(block(observed, facts, kept), agrees=False)
    if held.is_void and not _comes_back(observed, held, agreed, facts):
        return _stays_cancelled(shown, observed, held, facts)
    guests = guest_changes(observed, held, facts)
    if held.contacts and not guests.stay and not guests.attach:
        return _without_guests(shown, observed, held, facts)
    followed = _follow_time(shown, observed, held, agreed, facts)
    followed = _follow_words(followed, observed, held, agreed, facts)
    if facts.was_replaced:
        followed = replace(followed, take_back=True, reason=f"{TAKEN_BACK} {followed.reason}".strip())
    if held.is_void:
        followed = _restored(followed, observed, held, facts)
    return _with_guests(followed, guests, held, facts, observed)


def _stays_cancelled(shown: Plan, observed: Observed, held: Held, facts: Facts) -> Plan:
    """The event stands, its appointment was cancelled. One that is ours is to go; another keeps its time."""
    # Ours was never gone although our push removed it, or a person brought it back, or it was out of reach when its
    # appointment was cancelled.
    again = facts.lives_on or facts.came_back or (observed.is_ours and not held.made_in_google)
    where = "at Google" if held.status_set_by == "google" else "here"
    reason = f"The appointment was cancelled {where}."
    return replace(shown, outcome=BLOCK, colour=GREY, agrees=False, reason=reason, push_again=again)


def _restored(followed: Plan, observed: Observed, held: Held, facts: Facts) -> Plan:
    confirms = facts.confirms([each for each in facts.guests if held.has(each) or facts.admits(each)])
    how = "restored and confirmed" if confirms else "restored"
    back = f"Back at Google: the same appointment is {how}, silently, as booked fires once."
    return replace(
        followed,
        restore=True,
        confirm=confirms,
        # A host who was freed before the last colleague took theirs away is one again, too.
        add_host=facts.host_was_freed and not facts.is_conflict_calendar,
        # Renamed here meanwhile, it was gone when that was to be pushed.
        push_again=followed.push_again or _says_our_words(observed, held, facts),
        reason=f"{back} {followed.reason}".strip(),
    )


def _comes_back(observed: Observed, held: Held, agreed: Agreed | None, facts: Facts) -> bool:
    """An appointment that Google cancelled is restored when its event or a guest returns; staff's stays cancelled."""
    if held.status != "cancelled" or held.status_set_by != "google":
        return False
    if held.made_in_google:
        if facts.organisers_copy_is_elsewhere:
            return False  # their copy decides, and whom they invite is told by it
        returned = any(facts.admits(guest) or held.has(guest) for guest in facts.guests)
        return returned or facts.hides_guests(observed)
    return facts.policy.edits and agreed is not None and agreed.is_cancelled


def _follow_time(shown: Plan, observed: Observed, held: Held, agreed: Agreed | None, facts: Facts) -> Plan:
    theirs, ours = observed.span, (held.starts_at, held.ends_at)
    both = (agreed.starts_at, agreed.ends_at) if agreed else None
    if theirs == ours:
        return shown
    stands = _why_our_time_stands(observed, held, both, facts)
    if stands:
        return replace(shown, agrees=False, reason=stands, push_again=stands == NEXT_PUSH)
    why = TAKEN_BACK_MOVE if theirs == both else moved(ours, theirs, facts.time_zone)
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
        reason=f"{why} {news.why}",
    )


def _why_our_time_stands(
    observed: Observed, held: Held, both: tuple[datetime | None, datetime | None] | None, facts: Facts
) -> str:
    """Why the appointment keeps its time, which is not the event's; "" where it follows. `both` was agreed on."""
    theirs, ours = observed.span, (held.starts_at, held.ends_at)
    if held.ends_at <= facts.now and theirs[1] <= facts.now:
        return "Past events are display only."
    was_moved_here = theirs == both
    if was_moved_here and facts.is_conflict_calendar:
        return STAYS_BEHIND
    reaches = _reaches(observed, facts)
    # What waits to be pushed in vain is taken back, and an outside organiser's meeting comes back at their time.
    hears_us = (reaches or not facts.push_pending) and (observed.organised_by_us or not held.is_void)
    if was_moved_here and hears_us:
        return NEXT_PUSH if reaches else NOT_OURS_TO_MOVE
    if facts.protects(held):
        if was_moved_here:
            return NOT_OURS_TO_MOVE
        return "Moved at Google. One way protects the appointment made here; its own time stands."
    if observed.is_all_day:
        return "Made all-day at Google: the appointment keeps its time."
    if observed.has_no_length:
        return "Without length at Google: the appointment keeps its time."
    if facts.push_pending and hears_us and both is not None and ours != both:
        return STAYS_BEHIND if facts.is_conflict_calendar else MOVED_ON_BOTH_SIDES
    return ""


def _reaches(observed: Observed, facts: Facts) -> bool:
    """Whether a move made here reaches the event: not where it is not ours to move by now, in no copy of it."""
    is_elsewhere = facts.organisers_copy_is_elsewhere or facts.is_written_elsewhere
    return observed.is_ours_to_move or is_elsewhere or facts.is_conflict_calendar


def _follow_words(
    followed: Plan, observed: Observed, held: Held, agreed: Agreed | None, facts: Facts
) -> Plan:
    """Of an event made at Google its words come here; of ours the words said here go there."""
    if agreed is None:  # of what turned private Google's text is none, and goes from here as well
        return followed
    words = follow_words(
        observed.words, held.words, agreed.words_there, agreed.words_here, made_in_google=held.made_in_google
    )
    if words is not None:
        followed = replace(followed, words=words)
    if not _says_our_words(observed, held, facts):
        return followed
    # What a session's event said was how full it is: only the push can tell whether its words differ.
    of_session = held.is_seat and not agreed.words_there
    if not of_session and is_reworded(observed.words, held.words, agreed.words_there):
        followed = replace(followed, push_again=True, reason=f"{followed.reason} {PUT_BACK}".strip())
    # Dragged back, what was written here meanwhile could not be pushed. The push looks, and writes what differs.
    unsure = agreed.is_cancelled or of_session
    return replace(followed, push_again=True) if unsure else followed


def _says_our_words(observed: Observed, held: Held, facts: Facts) -> bool:
    """An event of ours that lies ahead; a private one says its person's."""
    is_ours = facts.words_are_ours and observed.organised_by_us and held.ends_at > facts.now
    return is_ours and not (observed.is_private and facts.private_events != "normal")


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
    said = ONCE_A_SERIES if fires and news and news <= facts.series_told else why
    again = tuple(guest for guest in guests.attach if fires and guest.contact in facts.told_before)
    added = tuple(guest for guest in guests.attach if guest not in again)
    if added:
        words.append(f"Added: {names(added)}. {said}")
    if again:
        words.append(f"Added again: {names(again)}. {TOLD_BEFORE}")
    if guests.detach:
        words.append("A guest left: their messages are void.")
    if confirm:
        words.append("A guest accepted: confirmed." if added else f"A guest accepted: confirmed. {said}")
    return replace(
        timed,
        attach=guests.attach,
        detach=guests.detach,
        confirm=confirm or timed.confirm,
        guests_fire=fires,
        guests_why=why,
        tells=timed.tells | (news if fires else frozenset()),
        repeats=news & facts.series_told,
        reason=" ".join(words),
    )
