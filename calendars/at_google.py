"""How an appointment stands at Google: the events it came from or went to, and what may be done to it."""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import (
    Case,
    CharField,
    Exists,
    OuterRef,
    Prefetch,
    QuerySet,
    Value,
    When,
    prefetch_related_objects,
)
from django.urls import reverse
from django.utils import timezone

from calendars.google_next import (
    STAYS_READ_ONLY,
    Fate,
    event_of,
    fate_of,
    reason_now,
    waits_until,
    when_followed,
)
from calendars.locking import Copy, Lock, lock_of
from calendars.models import GoogleEvent, PushTarget
from calendars.sync import sessions
from calendars.sync.brake import Held, waiting_among
from calendars.sync.guests import GOOGLES_OWN
from contacts.models import Appointment, AppointmentGuest, User
from contacts.privacy import PRIVATE


@dataclass(frozen=True, slots=True)
class EventLine:
    """One Google event it came from. Its words are "" when the viewer may see the time only."""

    summary: str
    html_link: str
    google_calendar: str
    account: str
    reason: str
    organised_by_us: bool
    is_cancelled: bool
    is_silent: bool
    is_hidden: bool
    # The page of the event, where its owner decides about it; "" for anybody else.
    page: str
    # Of a braked pull that would cancel the appointment: why it waits, in words; and where its owner decides.
    held: str
    held_page: str


@dataclass(frozen=True, slots=True)
class PushLine:
    """One Google calendar that should hold it, or (`is_removed`) hold it no longer. `since` None: not there yet;
    `is_gone`: it was there, and a person deleted it; `stays`: it is left there although it ended here.
    """

    google_calendar: str
    account: str
    since: datetime.datetime | None
    waits: bool
    error: str
    next_try_at: datetime.datetime | None
    # What its account needs first; "" where it can be sent.
    waits_until: str
    is_removed: bool
    is_gone: bool
    is_declined: bool
    stays: bool


@dataclass(frozen=True, slots=True)
class AtGoogle:
    events: Sequence[EventLine]
    pushes: Sequence[PushLine]
    # Why time and place cannot be changed here; falsy when they can.
    lock: Lock
    # Guests of the event who are no contacts.
    addresses: Sequence[str]
    # A seat of a class that others have as well: the event is theirs too.
    goes_on: bool = False
    # What Google does in answer to a change of time or words; "" where no calendar holds it.
    follows: str = ""
    # For which connection that waits; "" where it does not.
    waits: str = ""
    # Of what ended here: whether an event of it takes its time all the same, in words.
    time_words: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether Google did not take what is wanted, so that a person may press *Try again*."""
        return any(push.waits and push.error and not push.waits_until for push in self.pushes)

    @property
    def cancel_words(self) -> str:
        """What cancelling does at Google, said beforehand; "" if nothing there knows the appointment."""
        if self.lock == Lock.GUEST:
            declines = "We are guests: cancelling declines the invitation. The organiser keeps the event."
            return f"{declines} {self.waits}".strip()
        if self.lock == Lock.READ_ONLY:
            return STAYS_READ_ONLY
        if self.goes_on:
            return "The class goes on for the others, and so does its event at Google."
        if self.events:
            return f"Cancelling deletes the event at Google as well. {self.waits}".strip()
        removes = "Cancelling removes it from Google Calendar as well."
        return f"{removes} {self.waits}".strip() if self.pushes else ""


def at_google(appointment: Appointment, viewer: User) -> AtGoogle:
    """In one statement for each kind of row, none if they were read on this object before."""
    guests = AppointmentGuest.objects.order_by("pk").select_related("contact")
    guests = guests.prefetch_related("contact__emails")
    prefetch_related_objects(
        [appointment],
        Prefetch("google_events", GoogleEvent.objects.select_related("google_calendar__account__user")),
        Prefetch("guests", guests),
        Prefetch("push_targets", PushTarget.objects.select_related("google_calendar__account")),
    )
    events, targets = list(appointment.google_events.all()), list(appointment.push_targets.all())
    pushed_to = {target.google_calendar_id for target in targets}
    gone = {(event.google_calendar_id, event.google_id) for event in events if event.is_cancelled}
    lock = lock_of(
        Copy(event.organised_by_us, event.is_locked, event.google_calendar_id in pushed_to)
        for event in events
        if not event.is_cancelled
    )
    # The event stands elsewhere: where it was dragged from it is not said to be deleted.
    is_elsewhere = lock == Lock.READ_ONLY
    fates = {target.pk: fate_of(target, appointment, events) for target in targets}
    held = waiting_among(events, timezone.now())
    behind = {event_of(target, events) for target in targets if is_to_be_written(target, fates[target.pk])}
    shown = [
        target
        for target in targets
        if not (is_elsewhere and (target.google_calendar_id, target.event_id) in gone)
    ]
    return AtGoogle(
        events=[
            event_line(
                event,
                viewer,
                reason=reason_of(event, appointment, is_behind=event in behind),
                held=held.get(event.pk),
            )
            for event in events
            if not (is_elsewhere and event.is_cancelled)
        ],
        pushes=[
            push_line(
                target,
                fates[target.pk],
                event_of(target, events),
                is_void=appointment.is_void,
            )
            for target in shown
        ],
        lock=lock,
        goes_on=sessions.is_seat(appointment)
        and sessions.seats(appointment).exclude(pk=appointment.pk).exists(),
        addresses=unknown_addresses(appointment, [event for event in events if not hides(event, viewer)]),
        follows=when_followed(shown, "Google Calendar follows in a moment."),
        waits=when_followed(shown, ""),
        time_words=time_words(events, behind, is_elsewhere=is_elsewhere),
    )


def is_to_be_written(target: PushTarget, fate: Fate) -> bool:
    """Whether Google lacks something of it that the next push brings there."""
    return target.is_behind and fate not in (Fate.NOTHING, Fate.LEAVE, Fate.STAY_DECLINED)


def time_words(
    events: Sequence[GoogleEvent], behind: Collection[GoogleEvent | None], *, is_elsewhere: bool
) -> str:
    """Whether the events of an appointment that ended here take its time all the same."""
    blocking = [event for event in events if event.blocks and not event.is_cancelled]
    if is_elsewhere and blocking:
        return "Its event stays at Google, in a calendar that Tandem only reads, and still takes the time."
    if any(event not in behind for event in blocking):
        return "Its event stays at Google and still takes the time."
    return "The time is free as soon as Google has heard of it." if blocking else "The time is free."


def with_lock(appointments: QuerySet[Appointment]) -> QuerySet[Appointment]:
    """Annotates `lock`, what `lock_of` says of its living copies, for a whole list. No further query."""
    living = GoogleEvent.objects.filter(appointment=OuterRef("pk")).exclude(status="cancelled")
    organised = living.filter(organised_by_us=True)
    unlocked = organised.filter(is_locked=False)
    return appointments.annotate(
        lock=Case(
            When(
                ~Exists(living) | Exists(unlocked.filter(Exists(PushTarget.objects.of_event()))),
                then=Value(""),
            ),
            When(Exists(unlocked), then=Value(Lock.READ_ONLY.value)),
            When(Exists(organised), then=Value(Lock.GOOGLE.value)),
            default=Value(Lock.GUEST.value),
            output_field=CharField(),
        )
    )


def hides(event: GoogleEvent, viewer: User) -> bool:
    """Whether `viewer` may see the time only."""
    return event.visibility in PRIVATE and event.google_calendar.account.user_id != viewer.pk


def reason_of(event: GoogleEvent, appointment: Appointment, *, is_behind: bool) -> str:
    """Empty where it was given while the appointment stood, and what it is by now is worked out in a moment."""
    return "" if appointment.is_void and event.replan else reason_now(event.reason, is_behind=is_behind)


def event_line(event: GoogleEvent, viewer: User, *, reason: str, held: Held | None = None) -> EventLine:
    hidden, is_own = hides(event, viewer), event.google_calendar.account.user_id == viewer.pk
    return EventLine(
        summary="" if hidden else event.summary,
        html_link="" if hidden else event.html_link,
        google_calendar="" if hidden else str(event.google_calendar),
        account=event.google_calendar.account.address,
        reason="" if hidden else reason,
        organised_by_us=event.organised_by_us,
        is_cancelled=event.is_cancelled,
        is_silent=event.is_silent,
        is_hidden=hidden,
        page=reverse("calendars:event", args=[event.pk]) if is_own else "",
        held=held.why if held and not hidden else "",
        held_page=reverse("calendars:braked", args=[held.run.pk]) if held and is_own else "",
    )


def push_line(target: PushTarget, fate: Fate, event: GoogleEvent | None, *, is_void: bool) -> PushLine:
    waits, is_over = is_to_be_written(target, fate), target.is_withdrawn or is_void
    stands = event is not None and not event.is_cancelled
    return PushLine(
        google_calendar=str(target.google_calendar),
        account=target.google_calendar.account.address,
        since=target.pushed_at if target.pushed_revision else None,
        waits=waits,
        error=target.last_error,
        next_try_at=target.not_before,
        waits_until=waits_until(target.google_calendar.account),
        is_removed=is_over,
        is_gone=event is not None and event.is_cancelled,
        is_declined=fate in (Fate.DECLINE, Fate.STAY_DECLINED),
        stays=is_over and stands and not waits and fate != Fate.DECLINE,
    )


def unknown_addresses(appointment: Appointment, events: Sequence[GoogleEvent]) -> list[str]:
    """Addresses invited at Google that belong to none of the attached contacts, each once."""
    known = {guest.address for guest in appointment.guests.all()}
    known |= {email.address for guest in appointment.guests.all() for email in guest.contact.emails.all()}
    found = [
        person["address"].strip().lower()
        for event in events
        for person in event.attendees
        if not person.get("is_self") and not person.get("is_resource")
    ]
    return [
        address
        for address in dict.fromkeys(found)
        if address and address not in known and not address.endswith(GOOGLES_OWN)
    ]
