"""What a calendar offers: the rows that `availability` works on, read in at most ten statements.

Whose time counts: everybody who may host; to move an appointment, everybody who hosts it. What nobody has read yet (a
calendar never pulled, time beyond what was pulled) is not offered.
"""

import datetime
import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from django.db.models import Count

from calendars import availability
from calendars.availability import ALL, ANY, ONE, Booked, Hours, Member, Range, Rules, Session, Slot
from calendars.intervals import Span
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
MIDNIGHT = datetime.time(0)
AT_ANY_HOUR = tuple(Range(day, MIDNIGHT, MIDNIGHT) for day in range(7))


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
    # For `elsewhere`: those whose time counts, by user what takes it from now on whatever the span, and the appointment
    # that is to be moved.
    people: Sequence["_Person"]
    lasting: Mapping[int, Sequence[Span]]
    but: Appointment | None

    def elsewhere(self, within: Span) -> "Offer":
        """The same, read for another span that is not past: what takes time in it, in two or three statements."""
        now = datetime.datetime.fromtimestamp(self.now, datetime.UTC)
        return _read(
            self.calendar,
            self.people,
            self.rules,
            within=within,
            now=now,
            but=self.but,
            lasting=self.lasting,
        )

    @property
    def leaves(self) -> int | None:
        """Where the appointment that is to be moved starts now: no place to move it to."""
        return int(self.but.starts_at.timestamp()) if self.but else None

    def slots(self, within: Span | None = None) -> list[Slot]:
        """Those that start in `within`, which lies in what was read."""
        found = availability.slots(
            self.members, self.rules, within=within or self.within, now=self.now, booked=self.booked
        )
        return [slot for slot in found if slot.start != self.leaves]

    def slot_at(self, starts_at: datetime.datetime) -> Slot | None:
        """The slot that starts then, if it is on offer."""
        start = starts_at.timestamp()
        if start != int(start) or start == self.leaves:
            return None
        return availability.offered(self.members, self.rules, int(start), now=self.now, booked=self.booked)

    def hosts(self, slot: Slot) -> list[User]:
        """Those who could host `slot`, as the calendar ranks them."""
        return [self.users[key] for key in slot.free]


def read(calendar: Calendar, *, within: Span, now: datetime.datetime) -> Offer:
    """What `calendar` offers in `within` (seconds since the epoch)."""
    return _read(calendar, _people(calendar), rules_of(calendar), within=within, now=now)


def read_to_move(appointment: Appointment, *, within: Span, now: datetime.datetime) -> Offer:
    """Where `appointment` may move to: its length stays, its own time counts as free, and its hosts stay with it. Of a
    round robin anybody may take it over.

    Nothing where its calendar is switched off, or nobody who could host it works there any more.
    """
    calendar = appointment.calendar
    hosts = [host.user for host in appointment.hosts.select_related("user").order_by("user")]
    people = _people(calendar) if calendar.is_active else []
    rules = rules_of(calendar)
    if calendar.kind == Kind.CLASS:
        people = [person for person in people if person.user in hosts] + [
            _Person(host) for host in hosts if host not in {person.user for person in people}
        ]
    else:
        length = appointment.ends_at - appointment.starts_at
        rules = replace(rules, duration=int(length.total_seconds()))
        if not may_change_hands(calendar, hosts):
            people, rules = _together(people, hosts), replace(rules, needs=ALL)
    return _read(calendar, people, rules, within=within, now=now, but=appointment)


def may_change_hands(calendar: Calendar, hosts: Sequence[User]) -> bool:
    """Whether it is one person's by turn alone, so that another of the team may take it."""
    return calendar.kind == Kind.ROUND_ROBIN and len(hosts) == 1


def _together(people: Sequence["_Person"], hosts: Sequence[User]) -> list["_Person"]:
    """All `hosts`, as those of `people` they are; who left the team keeps no hours there, but their time counts."""
    by_key = {person.user.pk: person for person in people}
    if not any(host.pk in by_key for host in hosts):
        return []
    return [by_key.get(host.pk) or _Person(host, at_any_hour=True) for host in hosts]


def _read(
    calendar: Calendar,
    people: Sequence["_Person"],
    rules: Rules,
    *,
    within: Span,
    now: datetime.datetime,
    but: Appointment | None = None,
    lasting: Mapping[int, Sequence[Span]] | None = None,
) -> Offer:
    margin = MARGIN + rules.interval
    around = (within[0] - margin, within[1] + margin)
    booked = _booked(calendar, around, but)
    team, people = people, [*people, *_other_hosts(booked, people)]
    pks = [person.user.pk for person in people]
    busy, guarded = _taken(calendar, pks, around, but)
    lasting = dict(lasting or {})
    unread = [pk for pk in pks if pk not in lasting]
    if unread:
        lasting |= _lasting(unread, min(around[0], int(now.timestamp()) - margin))
    members = [
        Member(
            person.user.pk,
            person.offered(calendar),
            (*busy[person.user.pk], *lasting[person.user.pk]),
            tuple(guarded[person.user.pk]),
        )
        for person in people
    ]
    return Offer(
        calendar,
        {person.user.pk: person.user for person in people},
        members,
        rules,
        booked,
        within,
        int(now.timestamp()),
        team,
        lasting,
        but,
    )


def candidates(calendar: Calendar, starts_at: datetime.datetime) -> list[User]:
    """Everybody whose time `calendar` may take at `starts_at`."""
    people = _people(calendar)
    if calendar.kind == Kind.CLASS:
        start = int(starts_at.timestamp())
        people = [*people, *_other_hosts(_booked(calendar, (start, start + 1), None), people)]
    return [person.user for person in people]


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
        seats=calendar.seats if calendar.kind == Kind.CLASS else None,
    )


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody whose time counts, and where their hours are kept: the owner of an unassigned calendar has its own.

    Without any they take no new sessions; `at_any_hour`: only what they have to do says when they cannot.
    """

    user: User
    hours: Owner | None = None
    at_any_hour: bool = False

    def offered(self, calendar: Calendar) -> Hours:
        if self.hours is not None:
            return hours_of(self.hours, calendar).as_offered()
        return Hours(AT_ANY_HOUR if self.at_any_hour else (), calendar.time_zone)


def _people(calendar: Calendar) -> list[_Person]:
    if calendar.is_unassigned:
        owner = calendar.owner
        return [_Person(owner, calendar)] if owner and owner.is_active else []
    memberships = (
        Membership.objects.filter(calendar=calendar, is_active=True, user__is_active=True)
        .select_related("user__calendar_configuration")
        .prefetch_related(*hours_rows())
        .order_by("priority", "pk")
    )
    people = [_Person(each.user, each) for each in memberships]
    # One member serves a personal calendar and a class: the first.
    return people if calendar.kind in NEEDS else people[:1]


def _other_hosts(booked: Booked, people: Iterable[_Person]) -> list[_Person]:
    """Who hosts a session of the class and is none of `people`: the class may have another host by now."""
    hosts = {session.host for session in booked.sessions.values()} - {person.user.pk for person in people}
    return [_Person(user) for user in User.objects.filter(pk__in=hosts, is_active=True)] if hosts else []


Taken = tuple[dict[int, list[Span]], dict[int, list[Span]]]


def _taken(calendar: Calendar, pks: Sequence[int], around: Span, but: Appointment | None) -> Taken:
    """By user: appointments and events, and the appointments with their own buffers."""
    starts_at, ends_at = (datetime.datetime.fromtimestamp(at, datetime.UTC) for at in around)
    busy: dict[int, list[Span]] = defaultdict(list)
    guarded: dict[int, list[Span]] = defaultdict(list)
    for user, span, before, after in _appointments(calendar, pks, starts_at, ends_at, but):
        busy[user].append(span)
        guarded[user].append((span[0] - before, span[1] + after))
    events = GoogleEvent.objects.blocking(starts_at, ends_at).filter(google_calendar__account__user__in=pks)
    if calendar.kind == Kind.CLASS:
        # A session stands at Google as well, and has seats left.
        events = events.exclude(appointment__calendar=calendar)
    if but is not None:
        events = events.exclude(appointment=but)
    for user, start, end in events.values_list("google_calendar__account__user", "starts_at", "ends_at"):
        if start is not None and end is not None:
            busy[user].append(_span(start, end))
    return busy, guarded


def _lasting(pks: Sequence[int], since: int) -> dict[int, list[Span]]:
    """By user what is little enough to be read from `since` on for good: times blocked by hand, and what is unknown."""
    found: dict[int, list[Span]] = {pk: [] for pk in pks}
    blocked = BlockedTime.objects.filter(
        user__in=pks, ends_at__gt=datetime.datetime.fromtimestamp(since, datetime.UTC)
    )
    for user, *times in blocked.values_list("user", "starts_at", "ends_at"):
        found[user].append(_span(*times))
    for user, span in _unknown(pks):
        found[user].append(span)
    return found


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
    # Who comes along sits on a seat as well.
    times = list(
        rows.annotate(people=Count("guests", distinct=True)).values_list(
            "starts_at", "ends_at", "pk", "hosts__user", "people"
        )
    )
    sessions = _sessions(times) if is_class else {}
    zone = ZoneInfo(calendar.time_zone)
    # A class counts its sessions, every other calendar its appointments.
    starts = [start for start, _ in sessions] if is_class else [int(at.timestamp()) for at in _starts(times)]
    per_day = Counter(datetime.datetime.fromtimestamp(start, zone).date() for start in starts)
    return Booked(per_day=per_day, sessions=sessions)


Row = tuple[datetime.datetime, datetime.datetime, uuid.UUID, int | None, int]


def _starts(rows: Collection[Row]) -> list[datetime.datetime]:
    """When each appointment starts: of several hosts it has several rows."""
    return list({pk: starts_at for starts_at, _, pk, _, _ in rows}.values())


def _sessions(rows: Iterable[Row]) -> dict[Span, Session]:
    seats: dict[Span, dict[uuid.UUID, int]] = defaultdict(dict)
    hosts: dict[Span, int] = {}
    for starts_at, ends_at, pk, host, people in rows:
        span = _span(starts_at, ends_at)
        seats[span][pk] = max(people, 1)
        if host is not None:
            hosts.setdefault(span, host)
    return {span: Session(sum(taken.values()), hosts.get(span, 0)) for span, taken in seats.items()}
