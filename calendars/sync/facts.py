"""What a plan is made from, and the plan itself: frozen values. `sync.gather` fills them from the database."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from calendars.sync.guests import NO_GUESTS, Guest
from calendars.sync.policy import Policy
from calendars.sync.words import NO_WORDS, Words

GREY = "grey"
BLOCK, FREE, APPOINTMENT, CANCELLED, IGNORED = "block", "free", "appointment", "cancelled", "ignored"
NEW, CONFIRMED, VOID, FINAL = "new", "confirmed", ("cancelled", "invalid"), ("showed", "no_show", "invalid")
SIBLING_STANDS, SIBLING_CANCELLED_HERE, SIBLING_CANCELLED_THERE = (
    "stands",
    "cancelled here",
    "cancelled at Google",
)
MAKE, KEEP_PRIVATE, UNDONE, KEEP, RESTORED = "make", "private", "undone", "keep", "restored"
# What is told once for a whole series; a guest who was added, by their address.
BOOKED, MOVED, ENDED, DECLINED, LEFT, ACCEPTED = "booked", "moved", "ended", "declined", "left", "accepted"


@dataclass(frozen=True, slots=True)
class Observed:
    """An event as Google last told us. Times are None only on a tombstone never seen alive."""

    starts_at: datetime | None
    ends_at: datetime | None
    created_at: datetime | None = None
    is_cancelled: bool = False
    is_free: bool = False
    is_all_day: bool = False
    is_private: bool = False
    is_recurring: bool = False
    event_type: str = "default"
    organised_by_us: bool = True
    # Google itself keeps its time from being changed.
    is_locked: bool = False
    # Our own answer to the invitation; "" when we are not on the list.
    response: str = ""
    # It carries our mark: a copy of an appointment that we put there.
    is_ours: bool = False
    # Google told only a part of the guests.
    guests_omitted: bool = False
    words: Words = NO_WORDS

    @property
    def is_ours_to_move(self) -> bool:
        return self.organised_by_us and not self.is_locked

    @property
    def has_no_length(self) -> bool:
        return self.starts_at is not None and self.starts_at == self.ends_at

    @property
    def span(self) -> tuple[datetime, datetime]:
        """Start and end of a living event. Raises ValueError for a tombstone: it has none."""
        if self.starts_at is None or self.ends_at is None:
            raise ValueError("A tombstone has no times.")
        return self.starts_at, self.ends_at


@dataclass(frozen=True, slots=True)
class Held:
    """The appointment the event belongs to. `contacts` maps each attached contact to the address invited."""

    starts_at: datetime
    ends_at: datetime
    status: str
    status_set_by: str = ""
    made_in_google: bool = False
    contacts: dict[int, str] = field(default_factory=dict)
    words: Words = NO_WORDS
    # One of several whose session the event is: who is invited at Google says nothing of any of them.
    is_seat: bool = False

    @property
    def is_void(self) -> bool:
        return self.status in VOID

    def has(self, guest: Guest) -> bool:
        return guest.contact in self.contacts or guest.address in self.contacts.values()

    @property
    def status_is_free(self) -> bool:
        """Google may change it: neither final nor set by staff."""
        return self.status not in FINAL and self.status_set_by != "staff"


@dataclass(frozen=True, slots=True)
class Agreed:
    """What both sides last had in common, on the fields that travel."""

    starts_at: datetime | None
    ends_at: datetime | None
    is_cancelled: bool = False
    # Fingerprints of the words there and here, which may differ; () where none were kept.
    words_there: Sequence[str] = ()
    words_here: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything else the plan rests on."""

    now: datetime
    policy: Policy
    policy_since: datetime
    # On whose clocks a reason tells times: the Google calendar's.
    time_zone: str = "UTC"
    guests: tuple[Guest, ...] = ()
    calendar_colour: str = GREY
    calendar_confirms: bool = False
    # The calendar is only read: it takes time, and what has an appointment was dragged here from where that was made.
    is_conflict_calendar: bool = False
    blocks_unanswered: bool = True
    private_events: str = "block"
    recurring_blocks_only: bool = False
    large_meeting: int = 20
    decision: str = ""
    # Its person had said no when it was last planned.
    had_declined: bool = False
    # Planning again because a guest became a contact since, not because the event changed.
    is_late_match: bool = False
    # Read again after a disconnect, unchanged: it keeps what was made of it.
    is_resumed: bool = False
    # A person applies the configuration to what was imported before it: silently, or firing on purpose.
    is_applied: bool = False
    fires_on_purpose: bool = False
    # Contacts who were guests of its appointment before, and to whom it was told then.
    told_before: frozenset[int] = frozenset()
    # What happened to the whole series (BOOKED, …, a guest's address), and an earlier occurrence of it told so.
    series_told: frozenset[str] = frozenset()
    # The event is the copy that we put there: what it says is ours to say.
    words_are_ours: bool = False
    # Who is on the event, and what we answered, ends nothing: a person keeps its appointment.
    keeps_guests: bool = False
    # A change of ours waits to be pushed.
    push_pending: bool = False
    # What is said where `guests` is empty: who else is on the event.
    nobody: str = NO_GUESTS
    # Addresses on the event that answered no, and all others on it, whoever counts as a guest by now.
    declined: frozenset[str] = frozenset()
    listed: frozenset[str] = frozenset()
    # One meeting of several staff: the appointment made through another copy ("" when there is none); who decides;
    # copies left, and whether one of them is this person's own, in another calendar of theirs.
    sibling: str = ""
    decided_by_colleague: str = ""
    other_copies: int = 0
    has_own_copy: bool = False
    # This copy is the organiser's; or another is, whose configuration decides, and which tells whom they invite.
    is_organisers_copy: bool = False
    organisers_copy_is_elsewhere: bool = False
    # We write a copy in another calendar, whoever reads it by now.
    is_written_elsewhere: bool = False
    # It was gone for a while and is here again:
    # with a copy of theirs the person hosted the appointment no more;
    host_was_freed: bool = False
    # our push removed it, and Google never showed it gone;
    lives_on: bool = False
    # deleted at Google, restored here under an event of ours, and alive at Google again;
    was_replaced: bool = False
    # dragged to another calendar of this person's, and back from there.
    came_back: bool = False
    # A deletion that may be a move: another calendar of this person was not pulled since.
    may_have_moved: bool = False

    @property
    def is_large_meeting(self) -> bool:
        """Too many outside guests for an appointment, unless a person decided otherwise."""
        return len(self.guests) > self.large_meeting and self.decision != MAKE

    def protects(self, held: Held) -> bool:
        """Under one way nothing that happens at Google touches an appointment made here."""
        return not (held.made_in_google or self.policy.edits)

    def hides_guests(self, observed: Observed) -> bool:
        """Who is invited is not told: kept from us (private), or by Google. Then nobody has left."""
        return observed.guests_omitted or (observed.is_private and self.private_events != "normal")

    def admits(self, guest: Guest) -> bool:
        """Whether the policy, or a person's decision, lets this guest have the appointment."""
        if self.decision == MAKE:
            return True
        if self.is_conflict_calendar and guest.contact is None:
            return False  # no contact is ever made of it
        return self.policy.match if guest.contact is not None else self.policy.create

    def confirms(self, guests: Sequence[Guest]) -> bool:
        """Whether an appointment that is made, or restored, with these guests is confirmed from the first."""
        return self.calendar_confirms or any(guest.has_accepted for guest in guests)


@dataclass(frozen=True, slots=True)
class Book:
    """An appointment to make. The first guest is the primary contact; those without a contact get one."""

    guests: tuple[Guest, ...]
    status: str
    fires: bool
    why: str
    # The series fired already: only steps that count from start or end still run.
    repeats_series: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do. Everything unset means: leave it. `reason` is what staff read; "" keeps the one they read now."""

    outcome: str
    reason: str
    blocks: bool = False
    colour: str = GREY
    outline: bool = False
    # None leaves the bell as it is.
    is_silent: bool | None = False
    book: Book | None = None
    join: bool = False
    move: tuple[datetime, datetime] | None = None
    cancel: bool = False
    free_host: bool = False
    add_host: bool = False
    restore: bool = False
    # Google does not hold what it was thought to: what is wanted there is pushed once more.
    push_again: bool = False
    # Google's own event is the one that counts again, and the one of ours that stood in for it goes.
    take_back: bool = False
    confirm: bool = False
    attach: tuple[Guest, ...] = ()
    detach: tuple[int, ...] = ()
    # The words the appointment takes over.
    words: Words | None = None
    # Of what happened to the event: a move, its end.
    fires: bool = False
    why: str = ""
    repeats_series: bool = False
    # Of who joined, and of an acceptance.
    guests_fire: bool = False
    guests_why: str = ""
    # What fires here (BOOKED, …): the next occurrences of a series to which the same happened repeat it.
    tells: frozenset[str] = frozenset()
    # Of the guests and the acceptance, what an earlier occurrence told.
    repeats: frozenset[str] = frozenset()
    # Both sides now say the same about time and cancellation.
    agrees: bool = True
    # Ask again later; nothing is decided yet.
    waits: bool = False
    # It would be over, but a person keeps it.
    is_kept: bool = False

    @property
    def changes_nothing(self) -> bool:
        return not (
            self.book or self.join or self.move or self.cancel or self.free_host or self.add_host or self.restore
            or self.push_again or self.take_back or self.confirm or self.attach or self.detach or self.words
            or self.waits
        )  # fmt: skip
