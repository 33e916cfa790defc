"""How an appointment stands at Google: the events it came from or went to, and what may be done to it."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import (
    BooleanField,
    Exists,
    ExpressionWrapper,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    prefetch_related_objects,
)
from django.urls import reverse

from calendars.locking import Copy, Lock, lock_of
from calendars.models import GoogleEvent, PushTarget
from calendars.sync import sessions
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


@dataclass(frozen=True, slots=True)
class PushLine:
    """One Google calendar that should hold it, or (`is_removed`) hold it no longer. `since` None: not there yet;
    `is_gone`: it was there, and a person deleted it.
    """

    google_calendar: str
    account: str
    since: datetime.datetime | None
    waits: bool
    error: str
    is_removed: bool
    is_gone: bool


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

    @property
    def is_refused(self) -> bool:
        """Whether Google did not take what is wanted, so that a person may press *Try again*."""
        return any(push.waits and push.error for push in self.pushes)

    @property
    def cancel_words(self) -> str:
        """What cancelling does at Google, said beforehand; "" if nothing there knows the appointment."""
        if self.lock == Lock.GUEST:
            return "We are guests: cancelling declines the invitation. The organiser keeps the event."
        if self.lock == Lock.READ_ONLY:
            return (
                "Its event stays at Google, in a calendar that Tandem only reads, until somebody deletes it."
            )
        if self.goes_on:
            return "The class goes on for the others, and so does its event at Google."
        if self.events:
            return "Cancelling deletes the event at Google as well."
        return "Cancelling removes it from Google Calendar as well." if self.pushes else ""


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
    events = list(appointment.google_events.all())
    pushed_to = {target.google_calendar_id for target in appointment.push_targets.all()}
    gone = {(event.google_calendar_id, event.google_id) for event in events if event.is_cancelled}
    lock = lock_of(
        Copy(event.organised_by_us, event.is_locked, event.google_calendar_id in pushed_to)
        for event in events
        if not event.is_cancelled
    )
    # The event stands elsewhere: where it was dragged from it is not said to be deleted.
    is_elsewhere = lock == Lock.READ_ONLY
    return AtGoogle(
        events=[event_line(event, viewer) for event in events if not (is_elsewhere and event.is_cancelled)],
        pushes=[
            push_line(
                each,
                is_void=appointment.is_void,
                is_gone=(each.google_calendar_id, each.event_id) in gone,
            )
            for each in appointment.push_targets.all()
            if not (is_elsewhere and (each.google_calendar_id, each.event_id) in gone)
        ],
        lock=lock,
        goes_on=sessions.is_seat(appointment)
        and sessions.seats(appointment).exclude(pk=appointment.pk).exists(),
        addresses=unknown_addresses(appointment, [event for event in events if not hides(event, viewer)]),
    )


def with_movable(appointments: QuerySet[Appointment]) -> QuerySet[Appointment]:
    """Annotates `is_movable`: it stands, and a copy at Google is ours to move, or there is none. No further query."""
    living = GoogleEvent.objects.filter(appointment=OuterRef("pk")).exclude(status="cancelled")
    ours = living.filter(Exists(PushTarget.objects.of_event()), organised_by_us=True, is_locked=False)
    return appointments.annotate(
        is_movable=ExpressionWrapper(
            ~Q(status__in=Appointment.VOID_STATUSES) & (~Exists(living) | Exists(ours)),
            output_field=BooleanField(),
        )
    )


def hides(event: GoogleEvent, viewer: User) -> bool:
    """Whether `viewer` may see the time only."""
    return event.visibility in PRIVATE and event.google_calendar.account.user_id != viewer.pk


def event_line(event: GoogleEvent, viewer: User) -> EventLine:
    hidden = hides(event, viewer)
    return EventLine(
        summary="" if hidden else event.summary,
        html_link="" if hidden else event.html_link,
        google_calendar="" if hidden else str(event.google_calendar),
        account=event.google_calendar.account.address,
        reason="" if hidden else event.reason,
        organised_by_us=event.organised_by_us,
        is_cancelled=event.is_cancelled,
        is_silent=event.is_silent,
        is_hidden=hidden,
        page=reverse("calendars:event", args=[event.pk])
        if event.google_calendar.account.user_id == viewer.pk
        else "",
    )


def push_line(target: PushTarget, *, is_void: bool, is_gone: bool) -> PushLine:
    return PushLine(
        google_calendar=str(target.google_calendar),
        account=target.google_calendar.account.address,
        since=target.pushed_at if target.pushed_revision else None,
        waits=target.wanted_revision > target.pushed_revision,
        error=target.last_error,
        is_removed=target.is_withdrawn or is_void,
        is_gone=is_gone,
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
