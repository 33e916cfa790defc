"""Which appointment an event of ours belongs to, by its id: where it is not what its row says."""

from collections import defaultdict
from collections.abc import Sequence

from calendars.models import (
    CalendarConfiguration,
    GoogleEvent,
    PushTarget,
)
from calendars.sync import policy as policies
from calendars.sync.setting import Setting
from contacts.models import (
    Appointment,
)


def unlink_superseded(rows: Sequence[GoogleEvent], setting: Setting) -> set[int]:
    """Events of ours in whose place another one stands in this calendar are nobody's appointment any more. The pks of
    those that are the copy we put there, and can change."""
    ours = [row for row in rows if row.crm_id and row.crm_id == str(row.appointment_id)]
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
        elif not target.pushed_revision:
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
        if row.appointment_id is not None
        and row.agreed_cancelled
        and not row.is_cancelled
        and row.crm_id != str(row.appointment_id)
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


def link_dragged(rows: Sequence[GoogleEvent], setting: Setting) -> set[int]:
    """Rows under the id of an event of ours in another calendar of this person: its id stays when it is dragged."""
    loose = {row.google_id: row for row in rows if row.crm_id and row.appointment_id is None}
    if not loose or setting.is_conflict_calendar:
        return set()
    targets = PushTarget.objects.filter(
        google_calendar__account__user=setting.google_calendar.account.user_id,
        event_id__in=loose,
        is_withdrawn=False,
        appointment__in=Appointment.objects.standing(),
    ).exclude(google_calendar=setting.google_calendar)
    for target in targets.select_related("appointment__calendar"):
        loose[target.event_id].appointment = target.appointment
    return {row.pk for row in loose.values() if row.appointment_id is not None}


def link_moved_away(rows: Sequence[GoogleEvent], setting: Setting) -> None:
    """Rows of a conflict calendar whose event its person dragged there from the calendar beside which it is read: the
    appointment follows it. An event that one organises stands in one calendar: two copies of an invitation are no move.

    What one way protects stays in the linked calendar instead.
    """
    loose = {
        (row.ical_uid, row.original_start): row
        for row in rows
        if row.appointment_id is None and row.organised_by_us and row.ical_uid and not row.is_cancelled
    }
    if not loose or not setting.is_conflict_calendar:
        return
    follows = _beside(setting)
    left = GoogleEvent.objects.filter(
        google_calendar__in=follows,
        ical_uid__in={uid for uid, _ in loose},
        organised_by_us=True,
        appointment__in=Appointment.objects.standing(),
    )
    for row in left.select_related("appointment__calendar").order_by("seen_at"):
        there = loose.get((row.ical_uid, row.original_start))
        appointment = row.appointment
        if there and appointment and (follows[row.google_calendar_id] or appointment.came_from_google):
            there.appointment = appointment
            # It is the same event: what both sides agreed on goes along, so that a move made here stays one.
            there.agreed_etag, there.agreed_words = row.agreed_etag, row.agreed_words
            there.agreed_starts_at, there.agreed_ends_at = row.agreed_starts_at, row.agreed_ends_at


def _beside(setting: Setting) -> dict[int, bool]:
    """The other Google calendars of the configurations that read this one for conflicts → whether Google's edits change
    appointments made here."""
    rulers = CalendarConfiguration.objects.filter(conflict_calendars=setting.google_calendar)
    return {
        pk: policies.for_unassigned(option).edits
        for linked, conflict, option in rulers.values_list(
            "linked_calendar", "conflict_calendars", "sync_option"
        )
        for pk in (linked, conflict)
        if pk not in (None, setting.google_calendar.pk)
    }
