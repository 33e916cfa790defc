"""What stands in somebody's agenda: appointments, Google events that are none, and time blocked by hand.

Four statements, however many entries. Of a colleague's Google events and blocked times only the time is ever
handed out, so no page or feed above this module can show more.
"""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, F, OuterRef, Q, Subquery
from django.urls import reverse

from calendars.at_google import with_lock
from calendars.blocking import version_of
from calendars.colours import is_hex
from calendars.locking import WHY_FIXED, Lock
from calendars.models import BlockedTime, Calendar, GoogleEvent
from calendars.sync.observation import MISSING
from calendars.sync.sessions import is_seat, print_of
from calendars.wall_time import bounded
from contacts.models import Appointment, AppointmentGuest, AppointmentHost, User
from contacts.privacy import PRIVATE, hides, with_privacy
from contacts.time_zones import zone_or_none

BUSY = "Busy"
# Why something in the agenda cannot be moved there.
ONLY_OWNER = "Only its owner can move it."
GOOGLES = "It is Google's event: move it in Google Calendar."
SOMEBODY_ELSES = "Somebody else organises it: only they can move it."
GOOGLE_LOCKED = "Google made it from an e-mail: its time cannot be changed."
MIXED_CLASS = "Some of this class came from Google: move those from their own pages."
# The observation was given up; and then the next full pull did not list it.
FORGOTTEN = ("", MISSING)
MOMENT = datetime.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose agenda (None: everyone's), which calendar (None: all), from and until when, and who looks."""

    viewer: User
    person: int | None
    calendar: int | None
    starts_at: datetime.datetime
    ends_at: datetime.datetime
    zone: ZoneInfo
    with_cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in the agenda, within what clocks can show. Days are the viewer's; `last_day` is the last it touches.

    `look`: "appointment", "outline" (only blocks, in a calendar's colour), "block" (grey) or "free" (light).
    `url` is "" when the viewer may not open it, `drag_url` when they may not move it, which `why_fixed` then explains;
    `version` is what moving asks for, so that nobody moves what somebody else moved meanwhile.
    """

    kind: str
    key: str
    title: str
    starts_at: datetime.datetime
    ends_at: datetime.datetime
    first_day: datetime.date
    last_day: datetime.date
    look: str
    url: str
    colour: str = ""
    detail: str = ""
    whose: str = ""
    status: str = ""
    status_words: str = ""
    is_all_day: bool = False
    is_silent: bool = False
    drag_url: str = ""
    why_fixed: str = ""
    version: str = ""
    # Of a seat of a class: which session, and of how many seats; `session` is the same for all of them.
    session: str = ""
    seats: int = 0
    people: int = 1
    # Whether it moves with its session: what came from Google is an event of its own there.
    is_seat: bool = False

    @property
    def is_cancelled(self) -> bool:
        return self.status in Appointment.VOID_STATUSES


def entries(asked: Asked) -> list[Entry]:
    """Everything in the time asked for, whole days first, then by start."""
    found = [*appointment_entries(asked)]
    # A calendar's own page shows what was booked on it; blocks belong to a person, not to a calendar.
    if asked.calendar is None:
        found += [*event_entries(asked), *blocked_entries(asked)]
    return sorted(
        found, key=lambda entry: (entry.first_day, not entry.is_all_day, entry.starts_at, entry.title)
    )


def with_sessions(found: Sequence[Entry]) -> list[Entry]:
    """`found`, with the seats of each session of a class drawn as one: eight people side by side could not be read."""
    drawn: dict[str, list[Entry]] = {}
    for entry in found:
        is_seat = entry.session and not entry.is_cancelled
        drawn.setdefault(entry.session if is_seat else entry.key, []).append(entry)
    return [_session(seats) if seats[0].session and len(seats) > 1 else seats[0] for seats in drawn.values()]


def _session(seats: Sequence[Entry]) -> Entry:
    first = seats[0]
    is_movable = all(seat.is_seat and seat.drag_url for seat in seats)
    known = ((seat.key.removeprefix("appointment-"), seat.version) for seat in seats)
    return replace(
        first,
        key=first.session,
        title=f"{first.detail}: {sum(seat.people for seat in seats)} of {first.seats}",
        detail=", ".join(seat.title for seat in seats),
        url=_page_of(seats),
        status="",
        status_words="",
        drag_url=first.drag_url.replace("/drag/", "/drag-session/") if is_movable else "",
        why_fixed=""
        if is_movable
        else next((seat.why_fixed for seat in seats if seat.why_fixed), MIXED_CLASS),
        version=print_of(known) if is_movable else "",
    )


def full_session(seats: Sequence[Entry], calendar: Calendar) -> Entry:
    """What stands in the way of who would join a session of `calendar` without seats enough."""
    first, people = seats[0], sum(seat.people for seat in seats)
    return replace(
        first,
        # Who saw fewer taken has not seen this.
        key=f"full-{calendar.pk}-{first.starts_at.timestamp():.0f}-{people}",
        title=f"{people} of {calendar.seats} seat{'s are' if calendar.seats != 1 else ' is'} taken",
        url=_page_of(seats),
    )


def _page_of(seats: Sequence[Entry]) -> str:
    """Where the seats of a session are listed; what came from Google is an event of its own, and no seat."""
    seat = seats[0]
    if all(each.is_seat for each in seats):
        return reverse("calendars:session", args=[seat.key.removeprefix("appointment-")])
    return f"{reverse('calendars:agenda')}?view=list&date={seat.first_day}&person=all"


def appointment_entries(asked: Asked) -> Iterator[Entry]:
    silent = GoogleEvent.objects.filter(appointment=OuterRef("pk"), is_silent=True)
    guests = AppointmentGuest.objects.filter(appointment=OuterRef("pk")).order_by().values("appointment")
    people = guests.annotate(number=Count("pk")).values("number")
    host = AppointmentHost.objects.filter(appointment=OuterRef("pk")).order_by("user").values("user")[:1]
    rows = (
        with_lock(with_privacy(Appointment.objects.overlapping(asked.starts_at, asked.ends_at), asked.viewer))
        .annotate(is_silent=Exists(silent), people=Subquery(people), host=Subquery(host))
        .select_related("calendar", "contact", "owner")
        .prefetch_related("contact__emails")
    )
    if not asked.with_cancelled:
        rows = rows.exclude(status__in=Appointment.VOID_STATUSES)
    if asked.calendar is not None:
        rows = rows.filter(calendar=asked.calendar)
    if asked.person is not None:
        hosted = Appointment.objects.filter(pk=OuterRef("pk"), hosts__user=asked.person)
        unassigned = Q(calendar__kind=Calendar.Kind.UNASSIGNED, calendar__owner=asked.person)
        rows = rows.filter(Exists(hosted) | unassigned)
    for row in rows:
        hidden = hides(row)
        why_fixed = ONLY_OWNER if hidden else _why_fixed(row)
        starts_at, ends_at = bounded(row.starts_at), bounded(row.ends_at)
        first, last = days_of(starts_at, ends_at, asked.zone)
        yield Entry(
            kind="appointment",
            key=f"appointment-{row.pk}",
            title=BUSY if hidden else row.contact.name,
            starts_at=starts_at,
            ends_at=ends_at,
            first_day=first,
            last_day=last,
            look="block" if hidden else "appointment",
            url="" if hidden else row.get_absolute_url(),
            colour="" if hidden else hex_or_none(row.calendar.colour),
            detail="" if hidden else row.calendar.name,
            whose=str(row.owner) if asked.person is None else "",
            status=row.status,
            status_words=row.get_status_display(),
            is_silent=bool(getattr(row, "is_silent", False)) and not hidden,
            drag_url="" if why_fixed else reverse("calendars:drag", args=[row.pk]),
            why_fixed=why_fixed,
            version="" if why_fixed else str(row.revision),
            session="" if hidden else _session_of(row),
            seats=row.calendar.seats,
            people=getattr(row, "people", None) or 1,
            is_seat=is_seat(row),
        )


def _session_of(row: Appointment) -> str:
    if row.calendar.kind != Calendar.Kind.CLASS:
        return ""
    times = f"{row.starts_at.timestamp():.0f}-{row.ends_at.timestamp():.0f}"
    # By who hosts it, as everywhere else: it may be somebody else's who booked it at the desk.
    return f"session-{row.calendar_id}-{getattr(row, 'host', None)}-{times}"


def event_entries(asked: Asked) -> Iterator[Entry]:
    shown = [GoogleEvent.Outcome.BLOCK, GoogleEvent.Outcome.FREE]
    # The appointment of an event that only blocks was cancelled, and is not drawn.
    alone = Q(appointment=None) | Q(appointment__status__in=Appointment.VOID_STATUSES)
    # Moved at Google, where the appointment did not go along: it takes time there as well.
    elsewhere = Q(blocks=True, agreed_starts_at__isnull=False, agreed_ends_at__isnull=False) & ~Q(
        starts_at=F("agreed_starts_at"), ends_at=F("agreed_ends_at")
    )
    rows = GoogleEvent.objects.filter(
        # What blocks before it was planned is shown as well: nobody is refused a time for no visible reason.
        (Q(outcome__in=shown) | Q(blocks=True)) & alone | elsewhere,
        starts_at__lt=asked.ends_at,
        ends_at__gt=asked.starts_at,
    ).select_related("google_calendar__account__user")
    if asked.person is not None:
        rows = rows.filter(google_calendar__account__user=asked.person)
    for row in rows:
        if row.starts_at is None or row.ends_at is None:
            continue
        user = row.google_calendar.account.user
        is_own = user.pk == asked.viewer.pk
        if not row.blocks and not is_own:
            continue
        # Whole days are days of the Google calendar, wherever the viewer sits.
        zone = zone_or_none(row.google_calendar.time_zone) or asked.zone
        starts_at, ends_at = bounded(row.starts_at), bounded(row.ends_at)
        first, last = days_of(starts_at, ends_at, zone if row.is_all_day else asked.zone)
        yield Entry(
            kind="event",
            key=f"event-{row.pk}",
            title=event_title(row) if is_own else BUSY,
            starts_at=starts_at,
            ends_at=ends_at,
            first_day=first,
            last_day=last,
            look=event_look(row),
            url=reverse("calendars:event", args=[row.pk]) if is_own else "",
            colour=hex_or_none(row.colour) if row.outline else "",
            detail=str(row.google_calendar) if is_own else "",
            whose=str(user) if asked.person is None else "",
            is_all_day=row.is_all_day,
            why_fixed=_why_fixed_at_google(row) if is_own else ONLY_OWNER,
        )


def blocked_entries(asked: Asked) -> Iterator[Entry]:
    rows = BlockedTime.objects.filter(
        starts_at__lt=asked.ends_at, ends_at__gt=asked.starts_at
    ).select_related("user")
    if asked.person is not None:
        rows = rows.filter(user=asked.person)
    for row in rows:
        is_own = row.user_id == asked.viewer.pk
        starts_at, ends_at = bounded(row.starts_at), bounded(row.ends_at)
        first, last = days_of(starts_at, ends_at, asked.zone)
        yield Entry(
            kind="blocked",
            key=f"blocked-{row.pk}",
            title=str(row) if is_own else BUSY,
            starts_at=starts_at,
            ends_at=ends_at,
            first_day=first,
            last_day=last,
            look="block",
            url=reverse("calendars:blocked_time", args=[row.pk]) if is_own else "",
            detail="Blocked by hand" if is_own else "",
            whose=str(row.user) if asked.person is None else "",
            drag_url=reverse("calendars:drag_block", args=[row.pk]) if is_own else "",
            why_fixed="" if is_own else ONLY_OWNER,
            version=version_of(row) if is_own else "",
        )


def _why_fixed(row: Appointment) -> str:
    """Why `row`, read `with_lock`, cannot be moved by who may see it; "" when it can."""
    if row.is_void:
        return f"It is {row.get_status_display().lower()}: book a new appointment instead."
    return WHY_FIXED[Lock(getattr(row, "lock", ""))]


def _why_fixed_at_google(row: GoogleEvent) -> str:
    if not row.organised_by_us:
        return SOMEBODY_ELSES
    return GOOGLE_LOCKED if row.is_locked else GOOGLES


def event_title(event: GoogleEvent) -> str:
    """What its owner reads: Google gives no title for some private events, and we store none for others."""
    if event.summary:
        return event.summary
    if event.starts_at is None:
        return "Deleted event" if event.is_cancelled else "Unreadable event"
    if event.etag in FORGOTTEN:
        return _title_of_forgotten(event)
    return "Private" if event.visibility in PRIVATE else "(no title)"


def _title_of_forgotten(event: GoogleEvent) -> str:
    """What it said was forgotten when its calendar was let go, which may be read again by now."""
    if event.google_calendar.next_pull_at is None:
        return "No longer read"
    if event.is_cancelled:
        return "Gone from Google"
    # What is past is in no list any more.
    return "No longer known" if event.google_calendar.sync_token else "Being read again"


def event_look(event: GoogleEvent) -> str:
    if not event.blocks:
        return "free"
    return "outline" if event.outline else "block"


def days_of(
    starts_at: datetime.datetime, ends_at: datetime.datetime, zone: ZoneInfo
) -> tuple[datetime.date, datetime.date]:
    """The first and last day touched, on clocks in `zone`; an end at midnight does not touch the new day."""
    return starts_at.astimezone(zone).date(), (ends_at - MOMENT).astimezone(zone).date()


def hex_or_none(colour: str) -> str:
    return colour.lower() if is_hex(colour) else ""
