"""Writes the notices of changes, in the transaction that looks at those: once, whoever looks first."""

import datetime
import sys
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet

from campaigns.firing import UNDONE
from campaigns.models import Notice
from campaigns.notices.deciding import TOLD, Facts, Verdict, knows, verdict, why_unwanted
from campaigns.undoing import can_be_undone
from contacts.models import Appointment, AppointmentChange, Contact, Origin

What = AppointmentChange.What
State = Notice.State
TOLD_OF = frozenset({What.BOOKED, What.CONFIRMED, What.RESCHEDULED, What.CANCELLED})
# What the change says to a notice that still waits.
OVERTAKEN = {
    What.BOOKED: "The appointment stands again.",
    What.CONFIRMED: "It was confirmed since; one notice says both.",
    What.RESCHEDULED: "The appointment moved since.",
    What.CANCELLED: "The appointment was cancelled.",
}
# The calendar has no notice for such a change.
NOT_ITS_OWN = "The calendar’s own notices do not tell of that."
Histories = Mapping[tuple[uuid.UUID, int], list[Notice]]


def write(
    changes: Sequence[AppointmentChange],
    appointments: Mapping[uuid.UUID, Appointment],
    guests: Mapping[uuid.UUID, Sequence[Contact]],
    *,
    now: datetime.datetime,
) -> None:
    """The notices of `changes`, at most one of each appointment; older ones that still wait give way.

    Wants to run in the transaction that locked the appointments. Costs nothing where nobody is to be told: what came
    from Google, calendars that send none.
    """
    told = [change for change in changes if _may_be_told(change, appointments[change.appointment_id])]
    if not told:
        return
    # A first booking has no history.
    held = Notice.objects.select_for_update(of=("self",))
    histories = _histories(held, [change.appointment_id for change in told if not _is_first(change)])
    new = _newly_confirmed(told)
    written: list[Notice] = []
    overtaken: list[Notice] = []
    for change in told:
        appointment = appointments[change.appointment_id]
        for contact in _concerned(change, guests[appointment.pk]):
            history = histories[appointment.pk, contact.pk]
            is_new = change.appointment_id in new
            notice = _notice(change, appointment, contact, history, was_new=is_new, now=now)
            if notice is not None:
                written.append(notice)
                overtaken += _give_way(history, notice, change)
    Notice.objects.bulk_update(overtaken, ["state", "why"])
    Notice.objects.bulk_create(written)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What one person would be told. `notice` None: nothing, and `why` says so where the calendar does not tell."""

    contact: Contact
    notice: Notice | None
    why: str = ""


def told_so_far(appointment_ids: Collection[uuid.UUID]) -> Histories:
    """Every notice of the appointments, for `foreseen`. One statement."""
    return _histories(Notice.objects.all(), appointment_ids)


def foreseen(
    changes: Sequence[AppointmentChange],
    appointments: Mapping[uuid.UUID, Appointment],
    guests: Mapping[uuid.UUID, Sequence[Contact]],
    histories: Histories,
    *,
    now: datetime.datetime,
) -> list[Foreseen]:
    """What `write` would write of `changes` that nobody has looked at, or even made, yet. Nothing is stored; one
    statement where one of them confirms."""
    new = _newly_confirmed(changes)
    found = []
    for change in changes:
        appointment = appointments[change.appointment_id]
        for contact in _concerned(change, guests[appointment.pk]):
            history = histories.get((appointment.pk, contact.pk), [])
            why = _why_unwanted(change, appointment, contact, history)
            notice = None
            if _may_be_told(change, appointment):
                is_new = change.appointment_id in new
                notice = _notice(change, appointment, contact, history, was_new=is_new, now=now)
            elif not why and change.what not in TOLD_OF:
                why = NOT_ITS_OWN
            found.append(Foreseen(contact, notice, why))
    return found


def _may_be_told(change: AppointmentChange, appointment: Appointment) -> bool:
    is_silent = appointment.calendar.notices == appointment.calendar.Notices.NONE
    return change.what in TOLD_OF and not appointment.came_from_google and not is_silent


def _is_first(change: AppointmentChange) -> bool:
    return change.what == What.BOOKED and change.contact_id is None and change.revision == 1


def _is_return(change: AppointmentChange) -> bool:
    """The appointment was void and stands again."""
    return change.what == What.BOOKED and change.contact_id is None and change.revision > 1


def _concerned(change: AppointmentChange, guests: Sequence[Contact]) -> Sequence[Contact]:
    return guests if change.contact is None else [change.contact]


def _histories(notices: QuerySet[Notice], appointment_ids: Collection[uuid.UUID]) -> Histories:
    """Those of `notices` that are of the appointments, by appointment and contact, oldest first."""
    found: dict[tuple[uuid.UUID, int], list[Notice]] = defaultdict(list)
    if not appointment_ids:
        return found
    rows = notices.filter(appointment__in=appointment_ids)
    for notice in rows.select_related("change").order_by("pk"):
        found[notice.appointment_id, notice.contact_id].append(notice)
    return found


def _newly_confirmed(changes: Collection[AppointmentChange]) -> set[uuid.UUID]:
    """The appointments that `changes` confirm and nobody had confirmed: their status before was that of a booking."""
    confirming = {change.appointment_id: change for change in changes if change.what == What.CONFIRMED}
    if not confirming:
        return set()
    last: dict[uuid.UUID, AppointmentChange] = {}
    before = AppointmentChange.objects.filter(appointment__in=confirming, contact=None)
    for change in before.exclude(what__in=(What.RESCHEDULED, What.EDITED)).order_by("pk"):
        # One that is only foreseen has no key yet.
        if change.pk < (confirming[change.appointment_id].pk or sys.maxsize):
            last[change.appointment_id] = change
    return {
        pk
        for pk, change in last.items()
        # A return that is confirmed at once is told as a return.
        if change.what == What.BOOKED and change.revision < confirming[pk].revision
    }


def _notice(
    change: AppointmentChange,
    appointment: Appointment,
    contact: Contact,
    history: Sequence[Notice],
    *,
    was_new: bool,
    now: datetime.datetime,
) -> Notice | None:
    if _why_unwanted(change, appointment, contact, history):
        return None
    facts = Facts(
        what=change.what,
        origin=change.origin,
        fires=change.fires,
        why=change.why,
        of_one=change.contact_id is not None,
        is_return=_is_return(change),
        was_new=was_new,
        confirms_automatically=appointment.calendar.confirms_automatically,
        knows=knows((each.kind, each.state) for each in history),
        booked_it=_booked_it(appointment, contact, history),
        has_begun=appointment.starts_at <= now,
        is_undone=change.is_undone,
        is_undo=change.undoes_id is not None,
        behind=_behind(change, appointment, history) if change.undoes_id is not None else "",
    )
    found = verdict(facts)
    return _row(found, change, appointment, contact, history, now) if found else None


def _why_unwanted(
    change: AppointmentChange, appointment: Appointment, contact: Contact, history: Sequence[Notice]
) -> str:
    return why_unwanted(
        appointment.calendar.notices,
        made_by=appointment.origin,
        changed_by=change.origin,
        booked_it=_booked_it(appointment, contact, history),
    )


def _booked_it(appointment: Appointment, contact: Contact, history: Sequence[Notice]) -> bool:
    is_theirs = appointment.origin == Origin.CUSTOMER and appointment.contact_id == contact.pk
    return is_theirs or any(each.is_own_doing and each.change.what == What.BOOKED for each in history)


def _row(
    found: Verdict,
    change: AppointmentChange,
    appointment: Appointment,
    contact: Contact,
    history: Iterable[Notice],
    now: datetime.datetime,
) -> Notice:
    # One that stands for a waiting one speaks for it too: a person's own booking is told after staff moved it.
    stands_for = [each for each in history if each.state == State.WAITING and each.kind == found.kind]
    return Notice(
        change=change,
        appointment=appointment,
        contact=contact,
        kind=found.kind,
        is_own_doing=_is_own_doing(change, appointment, contact)
        or any(each.is_own_doing for each in stands_for),
        due_at=now + settings.NOTICE_GRACE if can_be_undone(change) else now,
        state=State.SKIPPED if found.why else State.WAITING,
        why=found.why[:300],
    )


def _behind(undo: AppointmentChange, appointment: Appointment, history: Sequence[Notice]) -> str:
    """What `undo` has to tell this person: where what they were told last, or were about to be, is not how it is."""
    last = next((each for each in reversed(history) if each.state in TOLD), None)
    if last is None:
        # An earlier move had yet to be told when the undone one took its place.
        is_owed = any(
            each.why == OVERTAKEN[What.RESCHEDULED] and each.change_id != undo.undoes_id for each in history
        )
        return Notice.Kind.MOVED if is_owed else ""
    if last.kind == Notice.Kind.CANCELLED:
        return ""
    if (last.told_start, last.told_end) != (appointment.starts_at, appointment.ends_at):
        return Notice.Kind.MOVED
    was_confirmed = last.told_status == Appointment.Status.NEW != appointment.status
    return Notice.Kind.CONFIRMED if was_confirmed and not appointment.calendar.confirms_automatically else ""


def _is_own_doing(change: AppointmentChange, appointment: Appointment, contact: Contact) -> bool:
    """Who did it from the page is the guest it concerns, or the one who booked; the others came along."""
    concerned = appointment.contact_id if change.contact_id is None else change.contact_id
    return change.origin == Origin.CUSTOMER and concerned == contact.pk


def _give_way(history: Iterable[Notice], newer: Notice, change: AppointmentChange) -> list[Notice]:
    """The waiting ones that `newer` makes pointless. A cancellation does even where nobody need be told of it."""
    waiting = [each for each in history if each.state == State.WAITING]
    if newer.state != State.WAITING and newer.kind != Notice.Kind.CANCELLED:
        # Nothing takes their place; what an undone move meant to tell is void all the same.
        waiting = [each for each in waiting if each.change_id == change.undoes_id]
    for each in waiting:
        each.state, each.why = State.VOID, UNDONE if change.undoes_id else OVERTAKEN[What(change.what)]
    return waiting
