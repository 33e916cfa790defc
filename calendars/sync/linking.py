"""Which appointment an event of ours belongs to where its row does not say it, or says it no more."""

from collections import defaultdict
from collections.abc import Sequence

from calendars.models import GoogleEvent, PushTarget
from calendars.sync.setting import Setting
from contacts.models import Appointment


def unlink_superseded(rows: Sequence[GoogleEvent], setting: Setting) -> set[int]:
    """Events of ours in whose place another one stands in this calendar are nobody's appointment any more. The pks of
    those that are the copy we put there, and can change. Of a session the mark may be that of a seat that left."""
    ours = [row for row in rows if row.crm_id and row.appointment_id]
    if not ours:
        return set()
    targets = PushTarget.objects.filter(
        google_calendar=setting.google_calendar,
        appointment__in=[row.appointment_id for row in ours],
        is_adopted=False,
    )
    current = dict(targets.values_list("appointment", "event_id"))
    for row in ours:
        if row.appointment_id and current.get(row.appointment_id, row.google_id) != row.google_id:
            row.appointment = None
    return {
        row.pk
        for row in ours
        if row.appointment_id and current.get(row.appointment_id) == row.google_id and not row.is_locked
    }


def link_our_own(rows: Sequence[GoogleEvent], setting: Setting) -> set[int]:
    """Rows that are the event of a push target whose answer was lost belong to its appointment. The pks of those that
    are an occurrence of what a person made to repeat before we heard of it."""
    loose = {row.google_id: row for row in rows if row.appointment_id is None}
    repeated: dict[str, list[GoogleEvent]] = defaultdict(list)
    for row in loose.values():
        if row.recurring_event_id and not row.is_cancelled:
            repeated[row.recurring_event_id].append(row)
    targets = PushTarget.objects.filter(
        google_calendar=setting.google_calendar, event_id__in={*loose, *repeated}, is_withdrawn=False
    ).select_related("appointment__calendar")
    found = set()
    for target in targets:
        if target.event_id in loose:
            loose[target.event_id].appointment = target.appointment
        elif not target.pushed_revision or target.is_unheard:
            row = _takes_place_of(target.appointment, repeated[target.event_id])
            row.appointment = target.appointment
            found.add(row.pk)
    return found


def replaced(rows: Sequence[GoogleEvent], setting: Setting) -> set[int]:
    """Pks of living events that people made and in whose place one of ours stands: their appointments were restored
    here after they had been deleted at Google, where they are back by now. What happens to the ones in their place says
    nothing of the appointments any more. No statement where none was gone before."""
    back = {
        row.appointment_id: row.pk
        for row in rows
        if row.appointment_id is not None and row.agreed_cancelled and not row.is_cancelled and not row.crm_id
    }
    if not back:
        return set()
    stand_ins = PushTarget.objects.filter(
        google_calendar=setting.google_calendar, appointment__in=back, is_adopted=False, is_withdrawn=False
    )
    in_place = dict(stand_ins.values_list("appointment", "event_id"))
    for row in rows:
        if row.appointment_id and in_place.get(row.appointment_id) == row.google_id:
            row.appointment = None
    return {back[pk] for pk in in_place}


def _takes_place_of(appointment: Appointment, occurrences: Sequence[GoogleEvent]) -> GoogleEvent:
    """The occurrence at the time of `appointment`, else the first."""
    return next((row for row in occurrences if row.starts_at == appointment.starts_at), occurrences[0])
