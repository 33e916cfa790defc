"""Who is in which campaign, and the dated messages that follow from it: enrol(), withdraw(), replan().

A step has at most one unsent message for an enrolment; a move takes that row along. What was sent stays as
sent, and a new start gets a row of its own. Every function here wants to run inside a transaction that locked
the appointments, and takes any number of them at the cost in statements of one.
"""

import datetime
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Prefetch, Q

from calendars.sync import sessions
from campaigns.firing import UNDONE, VOID, holds
from campaigns.merge_fields import with_zones, zone_for
from campaigns.models import Campaign, Enrolment, Kind, Message, Step, TriggerEvent
from campaigns.schedule import EVERY_DAY, Anchor, Due, StepFacts, Window, due_at
from campaigns.wording import REMOVED
from contacts.models import Appointment, AppointmentGuest, Contact

State = Message.State
# For that start the step is done. All other rows may move to another start.
DONE = frozenset({State.SENT, State.UNKNOWN, State.FAILED})
# Planned, and perhaps claimed by a worker: as long as it has not begun to send it, it may be taken back.
OPEN = frozenset({State.WAITING, State.SENDING})
NOT_BEGUN = Q(state__in=OPEN, message_id="")
REPEATED_STEP = "Runs once for a series."
TOGETHER = 500
PLANNED = ("for_start", "told_before", "due_at", "state", "why", "not_before", "attempts", "claimed_until")


@dataclass(frozen=True, slots=True)
class Entry:
    """A contact about to enter a campaign. `at_once` False: only its dated steps run (a later occurrence).

    `campaign` has its active steps prefetched, `trigger_event` its change and its appointment.
    """

    campaign: Campaign
    contact: Contact
    trigger_event: TriggerEvent
    at_once: bool = True

    @property
    def key(self) -> tuple[int, uuid.UUID, int]:
        """What an enrolment is unique by."""
        return self.campaign.pk, self.trigger_event.appointment_id, self.contact.pk


def facts_of(step: Step) -> StepFacts:
    """What `schedule` needs to know of `step`."""
    return StepFacts(
        Anchor(step.anchor), step.offset, _window(step), sends_when_late=step.when_late == Step.WhenLate.SEND
    )


def _window(step: Step) -> Window | None:
    starts, ends = step.window_starts, step.window_ends
    days = frozenset(step.window_days) or EVERY_DAY
    if starts is None or ends is None:
        return Window(days=days) if days != EVERY_DAY else None
    return Window(starts, ends, days)


def enrol(entries: Collection[Entry], *, now: datetime.datetime) -> None:
    """Writes each entry's enrolment and messages, once; who was in the campaign already enters anew."""
    if not entries:
        return
    # Of several entries into one campaign the last counts.
    by_key = {entry.key: entry for entry in entries}
    known = [e for e in enrolments_of(*{key[1] for key in by_key}) if _key(e) in by_key]
    for enrolment in known:
        enrolment.trigger_event = by_key[_key(enrolment)].trigger_event
        enrolment.withdrawn_at, enrolment.withdrawn_why = None, ""
    Enrolment.objects.bulk_update(known, ["trigger_event", "withdrawn_at", "withdrawn_why"])
    entered = {_key(enrolment) for enrolment in known}
    # Nobody else enrols meanwhile: the appointments are locked.
    fresh = Enrolment.objects.bulk_create(
        Enrolment(
            campaign=entry.campaign,
            appointment=entry.trigger_event.appointment,
            contact=entry.contact,
            trigger_event=entry.trigger_event,
        )
        for key, entry in by_key.items()
        if key not in entered
    )
    enrolments = [*known, *fresh]
    at_once = {e.pk for e in enrolments if by_key[_key(e)].at_once}
    replan(enrolments, now=now, at_once=at_once, entering={e.pk for e in enrolments})


def _key(enrolment: Enrolment) -> tuple[int, uuid.UUID, int]:
    return enrolment.campaign_id, enrolment.appointment_id, enrolment.contact_id


def settle(
    appointments: Collection[Appointment], *, now: datetime.datetime, moved: Collection[uuid.UUID] = ()
) -> list[Enrolment]:
    """Brings every enrolment in line with its appointment as it stands, whatever happened in whatever order.

    Those that no longer make sense (status, guest detached) are withdrawn, others come back, and what waits
    moves. `moved`: the ids of those whose start or end changed. Returns those that stood before and still do.
    """
    enrolments = enrolments_of(*(appointment.pk for appointment in appointments))
    if not enrolments:
        return []
    attended = AppointmentGuest.objects.filter(appointment__in={e.appointment_id for e in enrolments})
    guests = set(attended.values_list("appointment_id", "contact_id"))
    reasons = {e.pk: _why_withdrawn(e, guests) for e in enrolments}
    withdraw([e for e in enrolments if reasons[e.pk] and e.withdrawn_at is None], reasons, now=now)
    remaining = [e for e in enrolments if not reasons[e.pk]]
    standing = [e for e in remaining if e.withdrawn_at is None]
    _reinstate([e for e in remaining if e.withdrawn_at is not None])
    replan(remaining, now=now, anew={e.pk for e in remaining if e.appointment_id in moved})
    return standing


def withdraw(enrolments: Sequence[Enrolment], reasons: dict[int, str], *, now: datetime.datetime) -> None:
    """Ends `enrolments` for the words in `reasons` (by id); what waits becomes void and says why."""
    if not enrolments:
        return
    for enrolment in enrolments:
        enrolment.withdrawn_at, enrolment.withdrawn_why = now, reasons[enrolment.pk]
    Enrolment.objects.bulk_update(enrolments, ["withdrawn_at", "withdrawn_why"])
    waiting = list(Message.objects.select_for_update().filter(NOT_BEGUN, enrolment__in=enrolments))
    for message in waiting:
        message.state, message.why = State.VOID, reasons[message.enrolment_id]
        message.claimed_until = None
    Message.objects.bulk_update(waiting, ["state", "why", "claimed_until"], batch_size=TOGETHER)


def replan(
    enrolments: Sequence[Enrolment],
    *,
    now: datetime.datetime,
    at_once: Collection[int] = (),
    anew: Collection[int] = (),
    entering: Collection[int] = (),
) -> None:
    """Gives every active step of `enrolments` (from `enrolments_of`) its message for the appointment's start.

    At-once steps are planned for the enrolments in `at_once` alone, so that a move or a return stays silent.
    Those in `anew` are also reckoned again where they wait for this very start: its end, or the step, changed.
    Those in `entering` get a row for every step, skipped with its reason where nothing is to be sent, so that the
    books add up. All hold ids.
    """
    if not enrolments:
        return
    # The row locks make a delivery that wants to claim one of these wait, and then see the new time.
    rows: dict[tuple[int, int], list[Message]] = defaultdict(list)
    for message in Message.objects.select_for_update().filter(enrolment__in=enrolments).order_by("pk"):
        rows[message.enrolment_id, message.step_id].append(message)
    before = {row.pk: _as_planned(row) for there in rows.values() for row in there}
    changed: list[Message] = []
    for enrolment in enrolments:
        for step in enrolment.campaign.steps.all():
            there = rows[enrolment.pk, step.pk]
            fires = enrolment.pk in at_once
            planned = _planned(enrolment, step, there, now=now, fires=fires, anew=enrolment.pk in anew)
            if not planned and not there and enrolment.pk in entering:
                planned = [_left_out(enrolment, step, now)]
            changed += planned
    _store([message for message in changed if message.pk and _as_planned(message) != before[message.pk]])
    Message.objects.bulk_create([m for m in changed if not m.pk], ignore_conflicts=True)


def _as_planned(message: Message) -> tuple[object, ...]:
    return tuple(getattr(message, name) for name in PLANNED)


def _store(messages: Sequence[Message]) -> None:
    """Rows that exist and are locked, as one upsert: Django's bulk_update takes several times as long over many."""
    Message.objects.bulk_create(
        messages, update_conflicts=True, unique_fields=["id"], update_fields=PLANNED, batch_size=TOGETHER
    )


def enrolments_of(*appointments: uuid.UUID) -> list[Enrolment]:
    """The enrolments of the appointments with these ids and all that planning reads, in at most three statements."""
    active_steps = Prefetch("campaign__steps", Step.objects.filter(is_active=True))
    found = list(
        Enrolment.objects.filter(appointment__in=appointments)
        .select_related(
            "campaign",
            "contact",
            "trigger_event__change__undone_by",
            "appointment__calendar",
            "appointment__owner__calendar_configuration",
        )
        .prefetch_related(active_steps)
        .order_by("pk")
    )
    with_zones(enrolment.appointment for enrolment in found)
    return found


def changes_of(campaign: Campaign) -> list[str]:
    """The kinds of change that fire `campaign`."""
    if campaign.trigger == Kind.CUSTOMER_BOOKED:
        return ["booked"]
    return campaign.on_changes or ["booked"]


def what_started(enrolment: Enrolment) -> str:
    """The kind of change the enrolment came from; booked when its log is gone."""
    event = enrolment.trigger_event
    return event.change.what if event is not None else "booked"


def is_undone(enrolment: Enrolment) -> bool:
    """Whether what it came from is a move that was taken back."""
    event = enrolment.trigger_event
    return event is not None and event.change.is_undone


def _why_withdrawn(enrolment: Enrolment, guests: set[tuple[uuid.UUID, int]]) -> str:
    appointment = enrolment.appointment
    if (appointment.pk, enrolment.contact_id) not in guests:
        return "No longer a guest of the appointment."
    if is_undone(enrolment):
        return UNDONE
    if not holds(what_started(enrolment), appointment.status):
        return f"The appointment is {appointment.get_status_display().lower()}."
    return ""


def _reinstate(enrolments: Sequence[Enrolment]) -> None:
    for enrolment in enrolments:
        enrolment.withdrawn_at, enrolment.withdrawn_why = None, ""
    Enrolment.objects.bulk_update(enrolments, ["withdrawn_at", "withdrawn_why"])


def _planned(
    enrolment: Enrolment, step: Step, rows: list[Message], *, now: datetime.datetime, fires: bool, anew: bool
) -> list[Message]:
    """The rows of one step that are new or changed."""
    if step.anchor == Step.Anchor.BEFORE_START and what_started(enrolment) in VOID:
        return []
    start, is_at_once = enrolment.appointment.starts_at, step.anchor == Step.Anchor.AT_ONCE
    here = max((row for row in rows if row.for_start == start), key=lambda row: row.told_before, default=None)
    unsent = [row for row in rows if not _is_done(row)]
    if here is not None and _is_done(here):
        if fires and is_at_once and _told_since(here, rows):
            again = _dated(
                next(iter(unsent), None) or Message(enrolment=enrolment, step=step), enrolment, step, now
            )
            again[0].told_before = here.told_before + 1
            return again
        return _void(unsent, "A message for this start was sent already.")
    waiting = [row for row in unsent if row.state in OPEN]
    row = here or next(iter(waiting), None) or next(reversed(unsent), None)
    if is_at_once and not fires:
        return _carried_along(row, start, now)
    if row is None or row.for_start != start or is_at_once:
        return _dated(row or Message(enrolment=enrolment, step=step), enrolment, step, now)
    return _again(row, enrolment, step, now, anew=anew)


def _told_since(here: Message, rows: list[Message]) -> bool:
    """Whether another start was told after that of `here`, so that the person believes it. A new row is only made
    when none is unsent: what was told later has the higher key."""
    return any(_is_done(row) and row.pk > here.pk for row in rows)


def _is_done(row: Message) -> bool:
    """Sent, or perhaps sent: by a worker at this moment, or by one that died over it."""
    return row.state in DONE or (row.state in OPEN and row.message_id != "")


def _left_out(enrolment: Enrolment, step: Step, now: datetime.datetime) -> Message:
    """The row of a step that does not apply to what its enrolment came from."""
    status = what_started(enrolment)
    is_at_once = step.anchor == Step.Anchor.AT_ONCE
    why = REPEATED_STEP if is_at_once else f"Nothing is sent before the start of what is {status}."
    row = _dated(Message(enrolment=enrolment, step=step), enrolment, step, now)[0]
    row.state, row.why = State.SKIPPED, why
    return row


def _void(rows: Iterable[Message], why: str) -> list[Message]:
    waiting = [row for row in rows if row.state in OPEN]
    for row in waiting:
        row.state, row.why, row.claimed_until = State.VOID, why, None
    return waiting


def _carried_along(row: Message | None, start: datetime.datetime, now: datetime.datetime) -> list[Message]:
    """An at-once message that waits for its window goes along to the new start; none is planned silently."""
    if row is None or row.state == State.SKIPPED or (row.state == State.VOID and row.due_at <= now):
        return []
    _aim(row, start)
    row.state, row.why, row.claimed_until = State.WAITING, "", None
    return [row]


def _again(
    row: Message, enrolment: Enrolment, step: Step, now: datetime.datetime, *, anew: bool
) -> list[Message]:
    """A row for this start: a void one comes back if its time is ahead, others change only when `anew`."""
    # What is due already is delivery's to judge: planning it again would make a backlog look late.
    if row.state != State.VOID and (not anew or (row.state in OPEN and row.due_at <= now)):
        return []
    # Left out once is left out: whatever kept it back then, a wish of the person's above all.
    is_over = row.state == State.VOID or (row.state == State.SKIPPED and row.due_at <= now)
    if is_over and _due(enrolment, step, now).is_late:
        return []
    return _dated(row, enrolment, step, now)


def _dated(row: Message, enrolment: Enrolment, step: Step, now: datetime.datetime) -> list[Message]:
    due = _due(enrolment, step, now)
    _aim(row, enrolment.appointment.starts_at)
    row.due_at, row.why = due.at, due.why
    row.state = State.SKIPPED if due.is_skipped else State.WAITING
    row.not_before, row.attempts, row.claimed_until = None, 0, None
    return [row]


def _aim(row: Message, start: datetime.datetime) -> None:
    if row.for_start != start:
        row.for_start, row.told_before = start, 0


def _due(enrolment: Enrolment, step: Step, now: datetime.datetime) -> Due:
    appointment = enrolment.appointment
    return due_at(
        facts_of(step),
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        time_zone=zone_for(appointment, enrolment.contact),
        now=now,
    )


def follow_steps(campaign: Campaign, *, now: datetime.datetime, moves_waiting: bool) -> None:
    """After the steps of `campaign` changed: what waits for a removed step becomes void.

    With `moves_waiting` the rest goes where the steps now put it, and new dated steps run for those in it too.
    """
    entered = Enrolment.objects.filter(campaign=campaign, withdrawn_at=None)
    waiting = Message.objects.filter(enrolment__in=entered, state=State.WAITING)
    concerned = Q(pk__in=entered.values("appointment"), starts_at__gt=now)
    concerned |= Q(pk__in=waiting.values("enrolment__appointment"))
    # Classes before appointments before messages, in the order of their keys, as everywhere: nobody waits in a circle.
    sessions.lock_classes_of(Appointment.objects.filter(concerned))
    appointments = list(Appointment.objects.select_for_update().filter(concerned).order_by("pk"))
    # What waits for a step that is off stays: switched on again in time, it goes out.
    waiting.filter(step__removed_at__isnull=False).update(state=State.VOID, why=REMOVED)
    if moves_waiting:
        enrolments = enrolments_of(*(appointment.pk for appointment in appointments))
        mine = [e for e in enrolments if e.campaign_id == campaign.pk and e.withdrawn_at is None]
        replan(mine, now=now, anew={e.pk for e in mine})
