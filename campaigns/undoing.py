"""What a move or a mark by staff sends waits a moment, so that undoing it in time leaves nothing to be taken back."""

import datetime
from collections.abc import Collection, Sequence

from django.conf import settings
from django.db.models import F, Q

from campaigns.enrolment import changes_of
from campaigns.firing import UNDONE
from campaigns.models import Enrolment, Message, Step, TriggerEvent
from contacts.models import Appointment, AppointmentChange, Origin

What = AppointmentChange.What
State = Message.State
# Pressed in a row of buttons, and taken back by the button beside.
MARKS = (What.SHOWED, What.NO_SHOW)


def can_be_undone(change: AppointmentChange) -> bool:
    """Whether a person moved or marked it at the desk, and may take that back."""
    is_move = change.what == What.RESCHEDULED and change.undoes_id is None
    return change.origin == Origin.STAFF and (is_move or change.what in MARKS)


def hold(changes: Collection[AppointmentChange], *, now: datetime.datetime) -> None:
    """Messages that would leave at once after the moves and marks among `changes` wait. Their appointments are
    locked."""
    undoable = [change.appointment_id for change in changes if can_be_undone(change)]
    if not undoable or not settings.NOTICE_GRACE:
        return
    until = now + settings.NOTICE_GRACE
    at_once = Message.objects.filter(
        Q(not_before=None) | Q(not_before__lt=until),
        enrolment__appointment__in=undoable,
        state=State.WAITING,
        due_at__lt=until,
    )
    at_once.update(not_before=until)


def held_after_mark(appointments: Collection[Appointment], *, now: datetime.datetime) -> list[str]:
    """The campaigns whose messages wait because staff just marked `appointments`, and which send nothing if that is
    taken back in time. One statement."""
    held = Message.objects.filter(
        enrolment__appointment__in=appointments,
        enrolment__trigger_event__change__what__in=MARKS,
        enrolment__trigger_event__change__origin=Origin.STAFF,
        state=State.WAITING,
        not_before__gt=now,
        due_at__lte=now,
    )
    names = held.values_list("enrolment__campaign__name", flat=True)
    return list(names.distinct().order_by("enrolment__campaign__name"))


def hand_back(changes: Sequence[AppointmentChange], *, now: datetime.datetime) -> None:
    """Enrolments that were there before an undone move entered them anew belong to what they came from before.

    Those that the move itself made are withdrawn by `settle`. Wants to run before it.
    """
    undone = [change.undoes_id for change in changes if change.undoes_id is not None]
    if not undone:
        return
    entered_anew = Enrolment.objects.filter(
        trigger_event__change__in=undone, created_at__lt=F("trigger_event__at")
    )
    for enrolment in entered_anew.select_related("campaign", "trigger_event"):
        before = _started_before(enrolment)
        if before is not None:
            _void_at_once(enrolment, now)
            enrolment.trigger_event = before
            enrolment.save(update_fields=["trigger_event"])


def _started_before(enrolment: Enrolment) -> TriggerEvent | None:
    return (
        TriggerEvent.objects.filter(
            appointment=enrolment.appointment_id,
            contact=enrolment.contact_id,
            kind=enrolment.campaign.trigger,
            fired=True,
            change__what__in=changes_of(enrolment.campaign),
            change__undone_by=None,
            pk__lt=enrolment.trigger_event_id,
        )
        .order_by("-pk")
        .first()
    )


def _void_at_once(enrolment: Enrolment, now: datetime.datetime) -> None:
    """Those that the undone move planned. Due by now, so that no later change carries them along."""
    event = enrolment.trigger_event
    waiting = Message.objects.filter(
        enrolment=enrolment,
        step__anchor=Step.Anchor.AT_ONCE,
        state=State.WAITING,
        created_at__gte=event.at if event else now,
    )
    waiting.update(state=State.VOID, why=UNDONE, due_at=now)
