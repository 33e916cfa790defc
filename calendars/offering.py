"""What a calendar offers: the rows that `availability` works on, read in at most nine statements.

Whose time counts: everybody who may host. What nobody has read yet (a calendar never pulled, time beyond what was
pulled) is not offered.
"""

import datetime
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from calendars import availability
from calendars.availability import ALL, ANY, ONE, Booked, Member, Rules, Slot, Span
from calendars.models import BlockedTime, Calendar, GoogleEvent, Membership
from calendars.stored_hours import Owner, hours_of, hours_rows
from contacts.models import Appointment, AppointmentHost, User
from integrations.models import GoogleCalendar

Kind = Calendar.Kind
NEEDS = {Kind.ROUND_ROBIN: ANY, Kind.COLLECTIVE: ALL}
DAY = 86400
# Hours of other zones, appointments that began before, sessions that end after.
MARGIN = 2 * DAY
FOR_EVER = 2**40


@dataclass(frozen=True)
class Offer:
    """A calendar with everything its slots rest on, read for `within`."""

    calendar: Calendar
    users: dict[int, User]
    members: list[Member]
    rules: Rules
    booked: Booked
    within: Span
    now: int

    def slots(self, within: Span | None = None) -> list[Slot]:
        """Those that start in `within`, which lies in what was read."""
        return availability.slots(
            self.members, self.rules, within=within or self.within, now=self.now, booked=self.booked
        )

    def slot_at(self, starts_at: datetime.datetime) -> Slot | None:
        """The slot that starts then, if it is on offer."""
        start = starts_at.timestamp()
        if start != int(start):
            return None
        return availability.offered(self.members, self.rules, int(start), now=self.now, booked=self.booked)

    def hosts(self, slot: Slot) -> list[User]:
        """Those who could host `slot`, as the calendar ranks them."""
        return [self.users[key] for key in slot.free]


def read(
    calendar: Calendar,
    *,
    within: Span,
    now: datetime.datetime,
    but: Appointment | None = None,
    only: Sequence[User] | None = None,
) -> Offer:
    """What `calendar` offers in `within` (seconds since the epoch).

    `but`: an appointment that is to be moved, so that its own time is free. `only`: the hosts to ask, where they are
    settled already.
    """
    people = _people(calendar)
    if only is not None:
        asked = {user.pk for user in only}
        people = [person for person in people if person.user.pk in asked]
    around = (within[0] - MARGIN, within[1] + MARGIN)
    busy, guarded = _taken(calendar, [person.user.pk for person in people], around, but)
    members = [
        Member(
            person.user.pk,
            hours_of(person.hours, calendar).as_offered(),
            tuple(busy[person.user.pk]),
            tuple(guarded[person.user.pk]),
        )
        for person in people
    ]
    users = {person.user.pk: person.user for person in people}
    return Offer(
        calendar,
        users,
        members,
        rules_of(calendar),
        _booked(calendar, around, but),
        within,
        int(now.timestamp()),
    )


def candidates(calendar: Calendar) -> list[User]:
    """Everybody whose time `calendar` may take."""
    return [person.user for person in _people(calendar)]


def rules_of(calendar: Calendar) -> Rules:
    seconds = datetime.timedelta.total_seconds
    return Rules(
        duration=int(seconds(calendar.duration)),
        time_zone=calendar.time_zone,
        needs=NEEDS.get(Kind(calendar.kind), ONE),
        interval=int(seconds(calendar.interval or calendar.duration)),
        buffer_before=int(seconds(calendar.buffer_before)),
        buffer_after=int(seconds(calendar.buffer_after)),
        notice=int(seconds(calendar.minimum_notice)),
        horizon_days=calendar.horizon_days,
        most_per_day=calendar.most_per_day,
        seats=calendar.seats if calendar.kind == Kind.CLASS else 1,
    )


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody who may host, and where their hours are kept: the owner of an unassigned calendar has its own."""

    user: User
    hours: Owner


def _people(calendar: Calendar) -> list[_Person]:
    if calendar.is_unassigned:
        return [_Person(calendar.owner, calendar)] if calendar.owner else []
    memberships = (
        Membership.objects.filter(calendar=calendar, is_active=True, user__is_active=True)
        .select_related("user__calendar_configuration")
        .prefetch_related(*hours_rows())
        .order_by("priority", "pk")
    )
    people = [_Person(each.user, each) for each in memberships]
    # One member serves a personal calendar and a class: the first.
    return people if calendar.kind in NEEDS else people[:1]


Taken = tuple[dict[int, list[Span]], dict[int, list[Span]]]


def _taken(calendar: Calendar, pks: Sequence[int], around: Span, but: Appointment | None) -> Taken:
    """By user: all busy time, and the appointments with their own buffers."""
    starts_at, ends_at = (datetime.datetime.fromtimestamp(at, datetime.UTC) for at in around)
    busy: dict[int, list[Span]] = defaultdict(list)
    guarded: dict[int, list[Span]] = defaultdict(list)
    for user, span, before, after in _appointments(calendar, pks, starts_at, ends_at, but):
        busy[user].append(span)
        guarded[user].append((span[0] - before, span[1] + after))
    blocked = BlockedTime.objects.filter(user__in=pks, starts_at__lt=ends_at, ends_at__gt=starts_at)
    for user, *times in blocked.values_list("user", "starts_at", "ends_at"):
        busy[user].append(_span(*times))
    events = GoogleEvent.objects.blocking(starts_at, ends_at).filter(google_calendar__account__user__in=pks)
    if calendar.kind == Kind.CLASS:
        # A session stands at Google as well, and has seats left.
        events = events.exclude(appointment__calendar=calendar)
    if but is not None:
        events = events.exclude(appointment=but)
    for user, start, end in events.values_list("google_calendar__account__user", "starts_at", "ends_at"):
        if start is not None and end is not None:
            busy[user].append(_span(start, end))
    for user, span in _unknown(pks):
        busy[user].append(span)
    return busy, guarded


def _appointments(
    calendar: Calendar,
    pks: Sequence[int],
    starts_at: datetime.datetime,
    ends_at: datetime.datetime,
    but: Appointment | None,
) -> list[tuple[int, Span, int, int]]:
    """Of whom, when, and the buffers in seconds of the calendar it is on."""
    hosted = AppointmentHost.objects.filter(
        user__in=pks, appointment__starts_at__lt=ends_at, appointment__ends_at__gt=starts_at
    ).exclude(appointment__status__in=Appointment.VOID_STATUSES)
    if calendar.kind == Kind.CLASS:
        hosted = hosted.exclude(appointment__calendar=calendar)
    if but is not None:
        hosted = hosted.exclude(appointment=but)
    found = hosted.values_list(
        "user",
        "appointment__starts_at",
        "appointment__ends_at",
        "appointment__calendar__buffer_before",
        "appointment__calendar__buffer_after",
    )
    return [
        (user, _span(start, end), int(before.total_seconds()), int(after.total_seconds()))
        for user, start, end, before, after in found
    ]


def _span(starts_at: datetime.datetime, ends_at: datetime.datetime) -> Span:
    return int(starts_at.timestamp()), int(ends_at.timestamp())


def _unknown(pks: Sequence[int]) -> list[tuple[int, Span]]:
    """Time of which nobody knows whether it is free, of each Google calendar that is to be read."""
    rows = GoogleCalendar.objects.filter(account__user__in=pks, next_pull_at__isnull=False)
    return [
        (user, (int(until.timestamp()) if until and token else 0, FOR_EVER))
        for user, token, until in rows.values_list("account__user", "sync_token", "window_ends_at")
    ]


def _booked(calendar: Calendar, around: Span, but: Appointment | None) -> Booked:
    """What the calendar itself holds, where that limits it."""
    is_class = calendar.kind == Kind.CLASS
    if calendar.most_per_day is None and not is_class:
        return Booked()
    starts_at, ends_at = (datetime.datetime.fromtimestamp(at, datetime.UTC) for at in around)
    rows = Appointment.objects.standing().filter(calendar=calendar).overlapping(starts_at, ends_at)
    if but is not None:
        rows = rows.exclude(pk=but.pk)
    times = list(rows.values_list("starts_at", "ends_at"))
    sessions = Counter(_span(start, end) for start, end in times)
    zone = ZoneInfo(calendar.time_zone)
    # A class counts its sessions, every other calendar its appointments.
    starts = [start for start, _ in sessions] if is_class else [int(start.timestamp()) for start, _ in times]
    per_day = Counter(datetime.datetime.fromtimestamp(start, zone).date() for start in starts)
    return Booked(per_day=per_day, sessions=sessions if is_class else {})
