"""Which Google calendars should hold an appointment: each host's linked calendar, or an unassigned calendar's own.

A push target is written beside the appointment; `sync.push` brings Google up to it.
"""

import datetime
import itertools
import uuid
from collections.abc import Collection, Iterable, Sequence

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from calendars.models import CalendarConfiguration, GoogleEvent, PushTarget
from calendars.sync import copies, sessions
from contacts.models import Appointment, AppointmentChange, Origin
from contacts.models.appointments import AppointmentQuerySet


def event_id(appointment: Appointment, generation: int = 0) -> str:
    """The id we choose for its event at Google: [a-v0-9], unique, the same on every try (W1, W2)."""
    return f"{appointment.pk.hex}g{generation}"


def earlier_ids(target: PushTarget, appointment: Appointment) -> list[str]:
    """Those of its earlier generations. Not of an event that it left to who stayed in its session."""
    ids = [event_id(appointment, number) for number in range(target.generation)]
    others = PushTarget.objects.filter(google_calendar=target.google_calendar_id, event_id__in=ids)
    left = set(others.exclude(appointment=appointment).values_list("event_id", flat=True))
    return [each for each in ids if each not in left]


def wanted_links(appointment: Appointment) -> dict[int, int | None]:
    """Google calendar pk → host pk (None for an unassigned calendar's own) that should hold `appointment`."""
    if appointment.calendar.is_unassigned:
        link = CalendarConfiguration.objects.filter(calendar=appointment.calendar_id).values_list(
            "linked_calendar", flat=True
        )
        return {pk: None for pk in link if pk is not None}
    hosts = appointment.hosts.values("user")
    links = CalendarConfiguration.objects.filter(user__in=hosts, linked_calendar__isnull=False)
    return {pk: host for pk, host in links.values_list("linked_calendar", "user") if pk is not None}


def aim(
    appointment: Appointment, *, agreed_at: int | None = None, left: sessions.Times | None = None
) -> None:
    """Write the push targets of `appointment` as they should be now; due wherever Google lacks its revision.

    `agreed_at` names the Google calendar whose event already says what the appointment says (the change came
    from there); it stays in step unless an earlier change of ours still waits for it. `left`: the time it was at
    before: a class has a session there that goes on without it.
    """
    if not sessions.is_seat(appointment):
        _aim(appointment, wanted_links(appointment), agreed_at)
        return
    sessions.lock(appointment.calendar_id)
    sessions.share_link(appointment)
    if left or appointment.is_void:
        _leave_event(appointment, left or sessions.Times(appointment.starts_at, appointment.ends_at))
    present = list(sessions.seats(appointment))
    _aim_seat(appointment, stands_for=present[:1], agreed_at=agreed_at)
    # The session's event says how full it is; and there is one.
    for other in present:
        if other.pk != appointment.pk and other == present[0]:
            _tell_again(other)
        elif other.pk != appointment.pk and getattr(other, "holds", False):
            _give_up_event(other, present[0])
            if appointment == present[0]:
                # Moved at Google to where others were, its event names fewer people than come.
                _tell_again(appointment)


def aim_together(moved: Sequence[Appointment], *, left: sessions.Times) -> None:
    """The same for the seats of one session that were moved as one from `left`: its event moves along with them. Where
    they had joined others, the event stays with those; where others are already, it is theirs.
    """
    gone = {seat.pk for seat in moved}
    if sessions.seats(moved[0], left).exclude(pk__in=gone).exists():
        stood = PushTarget.objects.filter(appointment__in=gone, is_withdrawn=False).values("appointment")
        _leave_event(next((seat for seat in moved if {"appointment": seat.pk} in stood), moved[0]), left)
    present = list(sessions.seats(moved[0]))
    for seat in present:
        if seat.pk not in gone and seat != present[0] and getattr(seat, "holds", False):
            _give_up_event(seat, present[0])
        elif seat.pk in gone:
            _aim_seat(seat, stands_for=present[:1])
        elif seat == present[0]:
            _tell_again(seat)


def _aim_seat(seat: Appointment, *, stands_for: Sequence[Appointment], agreed_at: int | None = None) -> None:
    # What is void takes its event away like any other appointment: nobody was left to take it over.
    holds = seat.is_void or seat in stands_for
    _aim(seat, wanted_links(seat) if holds else {}, agreed_at)


def _leave_event(seat: Appointment, times: sessions.Times) -> None:
    """Who leaves a session leaves its event to somebody who stays, so that it stays the same at Google."""
    heir = sessions.seats(seat, times).exclude(pk=seat.pk).first()
    if heir is None:
        return
    own = {target.google_calendar_id: target for target in heir.push_targets.all()}
    for target in seat.push_targets.filter(is_withdrawn=False):
        old = own.get(target.google_calendar_id)
        if old is not None and (old.is_behind or not old.is_withdrawn):
            continue
        if old is not None:
            old.delete()
        GoogleEvent.objects.filter(
            google_calendar=target.google_calendar_id, google_id=target.event_id, appointment=seat
        ).update(appointment=heir)
        target.appointment, target.wanted_revision = heir, heir.revision
        target.pushed_revision = min(target.pushed_revision, heir.revision - 1)
        target.attempts, target.not_before = 0, None
        target.save()
    # Dragged to a calendar that is only read, it is the event of those who stay as well.
    pushed_to = PushTarget.objects.filter(appointment__in=[seat, heir]).values("google_calendar")
    living = GoogleEvent.objects.filter(appointment=seat).exclude(status="cancelled")
    living.exclude(google_calendar__in=pushed_to).update(appointment=heir)
    # Whoever it is: the session has fewer people now.
    _tell_again(heir)


def _tell_again(seat: Appointment) -> None:
    """The event of the session that `seat` stands for is another by now; the appointment is not, and stays at its
    revision: who has its page open has missed nothing."""
    holding = seat.push_targets.filter(is_withdrawn=False)
    if not holding.exists():
        _aim_seat(seat, stands_for=[seat])
    _due_again(holding)


def _give_up_event(seat: Appointment, first: Appointment) -> None:
    """Of two seats that stood for a session each, which are one by now, `first` does. The appointment is the same."""
    _aim_seat(seat, stands_for=[first])
    _due_again(seat.push_targets.filter(is_withdrawn=True))


def _due_again(targets: QuerySet[PushTarget]) -> None:
    targets.filter(is_behind=False).update(pushed_revision=F("wanted_revision") - 1)


def _next_revision(appointment: Appointment) -> None:
    Appointment.objects.filter(pk=appointment.pk).update(revision=F("revision") + 1)
    appointment.refresh_from_db(fields=["revision"])


def _aim(appointment: Appointment, wanted: dict[int, int | None], agreed_at: int | None) -> None:
    targets = {target.google_calendar_id: target for target in appointment.push_targets.all()}
    may_be_undone = _may_be_undone(appointment, targets.values())
    at_home = {
        (target.host_id, target.event_id)
        for pk, target in targets.items()
        if pk in wanted and not target.is_withdrawn
    }
    for target in targets.values():
        in_step = target.wanted_revision == target.pushed_revision
        target.wanted_revision = appointment.revision
        # Dragged from one that is wanted, an event of ours stays where it was put.
        is_dragged = not target.is_withdrawn and (target.host_id, target.event_id) in at_home
        belongs = target.google_calendar_id in wanted or target.is_adopted or is_dragged
        if target.google_calendar_id == agreed_at and in_step and belongs:
            target.pushed_revision = appointment.revision
        if target.is_withdrawn and belongs:
            _bring_back(target, appointment)
        elif not belongs:
            target.is_withdrawn = True
        target.attempts, target.not_before = 0, target.not_before if may_be_undone else None
    PushTarget.objects.bulk_update(
        targets.values(),
        [
            "wanted_revision",
            "pushed_revision",
            "is_withdrawn",
            "event_id",
            "generation",
            "etag",
            "attempts",
            "not_before",
        ],
    )
    if appointment.is_void or _is_held_elsewhere(appointment, targets):
        return
    missing = {pk: host for pk, host in wanted.items() if pk not in targets}
    generation = _free_generation(appointment, missing) if missing else 0
    PushTarget.objects.bulk_create(
        PushTarget(
            appointment=appointment,
            google_calendar_id=pk,
            host_id=host,
            event_id=event_id(appointment, generation),
            generation=generation,
            wanted_revision=appointment.revision,
        )
        for pk, host in missing.items()
    )


def _free_generation(appointment: Appointment, google_calendars: Collection[int]) -> int:
    """The first one whose id nobody holds there: who left a session may have left its event to who stayed."""
    if not sessions.is_seat(appointment):
        return 0
    for generation in itertools.count():
        held = PushTarget.objects.filter(google_calendar__in=google_calendars)
        seen = GoogleEvent.objects.filter(google_calendar__in=google_calendars)
        name = event_id(appointment, generation)
        if not held.filter(event_id=name).exists() and not seen.filter(google_id=name).exists():
            return generation
    raise AssertionError("unreachable")


def hold(appointment: Appointment, *, until: datetime.datetime) -> None:
    """Let what Google lacks of `appointment` wait; whatever is changed here next goes out at once, and this with it."""
    appointment.push_targets.behind().update(not_before=until)


def _may_be_undone(appointment: Appointment, targets: Iterable[PushTarget]) -> bool:
    """Whether its latest move waits for as long as it can be taken back. A statement only where something waits."""
    now = timezone.now()
    waits = any(target.is_behind and target.not_before and target.not_before > now for target in targets)
    if not waits or not appointment.calendar.lets_google_invite:
        return False
    moves = appointment.changes.filter(
        what=AppointmentChange.What.RESCHEDULED, origin=Origin.STAFF, undoes=None, undone_by=None
    )
    move = moves.filter(at__gt=now - settings.NOTICE_GRACE).order_by("pk").last()
    return move is not None and is_latest(move, appointment)


def is_latest(move: AppointmentChange, appointment: Appointment) -> bool:
    """Whether nobody changed `appointment` since `move`: a guest who answered at Google confirmed it as it is."""
    answers = AppointmentChange.objects.filter(
        appointment=appointment,
        revision__gt=move.revision,
        what=AppointmentChange.What.CONFIRMED,
        origin=Origin.GOOGLE,
    )
    return appointment.revision == move.revision or appointment.revision == move.revision + answers.count()


def lift_waits(waiting: QuerySet[PushTarget], now: datetime.datetime) -> int:
    """Let `waiting` be tried at once, but for what is held so that a move can still be undone; how many those are."""
    moved = AppointmentChange.objects.filter(
        appointment=OuterRef("appointment"),
        what=AppointmentChange.What.RESCHEDULED,
        origin=Origin.STAFF,
        undoes=None,
        at__gt=now - settings.NOTICE_GRACE,
    )
    is_held = Q(appointment__calendar__invites_through_google=True) & Exists(moved)
    return waiting.exclude(is_held).update(not_before=None)


def push_again(event: GoogleEvent) -> None:
    """Google does not hold what its last answer said: what is wanted in the calendar of `event` is due once more."""
    try:
        appointment = event.appointment_id or uuid.UUID(event.crm_id)
    except ValueError:
        return  # somebody else's mark
    targets = PushTarget.objects.filter(appointment=appointment, google_calendar=event.google_calendar_id)
    in_step = targets.filter(is_behind=False, pushed_revision__gt=0)
    in_step.update(pushed_revision=F("wanted_revision") - 1, attempts=0, not_before=None)


@transaction.atomic
def retarget(appointments: AppointmentQuerySet) -> None:
    """Aim future appointments anew after a link or a host changed: removed there, inserted here.

    None of them is changed by anybody meanwhile: who joins or leaves a session hands its event on.
    """
    sessions.lock_classes_of(appointments)
    locked = appointments.select_for_update(no_key=True, of=("self",)).order_by("pk")
    for appointment in locked.select_related("calendar").prefetch_related("push_targets"):
        _next_revision(appointment)
        if sessions.is_seat(appointment):
            _aim_seat(appointment, stands_for=list(sessions.seats(appointment)[:1]))
        else:
            _aim(appointment, wanted_links(appointment), None)


def retarget_configuration(configuration: CalendarConfiguration) -> None:
    """Aim every standing future appointment that `configuration` rules at its linked calendar as it is now."""
    appointments = Appointment.objects.standing().filter(starts_at__gt=timezone.now())
    if configuration.calendar_id:
        appointments = appointments.filter(calendar=configuration.calendar_id)
    else:
        appointments = appointments.filter(hosts__user=configuration.user_id).exclude(
            calendar__kind="unassigned"
        )
    copies.adopt_read_only(configuration.linked_calendar_id, appointments)
    retarget(appointments)


def _bring_back(target: PushTarget, appointment: Appointment) -> None:
    # A deleted id stays taken at Google, so the event comes back under the next generation. Its removal may still be
    # waiting: push sees to that, and what happens to the old event says nothing about the appointment any more.
    old = GoogleEvent.objects.filter(google_calendar=target.google_calendar_id, google_id=target.event_id)
    old.exclude(status="cancelled").update(appointment=None)
    target.generation += 1
    target.event_id = event_id(appointment, target.generation)
    target.etag = ""
    target.is_withdrawn = False


def _is_held_elsewhere(appointment: Appointment, targets: dict[int, PushTarget]) -> bool:
    """An appointment that came from Google lives in its own events; no further copies are made of it."""
    if not appointment.came_from_google or any(target.is_adopted for target in targets.values()):
        return appointment.came_from_google
    # One that lies where it is only read is written to by no target.
    living = GoogleEvent.objects.filter(appointment=appointment, crm_id="").exclude(status="cancelled")
    return living.filter(google_calendar__next_pull_at__isnull=False).exists()
