"""Which appointment an event of ours belongs to, by its id: where it is not what its row says."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from calendars.models import (
    CalendarConfiguration,
    GoogleEvent,
    PushTarget,
)
from calendars.models.google import GoogleEventQuerySet
from calendars.sync import policy as policies
from calendars.sync.setting import Setting
from contacts.models import (
    Appointment,
)


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


def link_dragged(rows: Sequence[GoogleEvent], setting: Setting) -> dict[int, PushTarget | None]:
    """Rows of a linked calendar whose event its person dragged there from another one of theirs: pk → the target that
    writes to where it was, None where that was only read.

    The id of an event stays when it is dragged. So does what was made of it, whatever the rules of this calendar.
    """
    if setting.is_conflict_calendar:
        return {}
    return {**_link_ours(rows, setting), **_link_googles(rows, setting)}


def _link_ours(rows: Sequence[GoogleEvent], setting: Setting) -> dict[int, PushTarget]:
    loose = {row.google_id: row for row in rows if row.crm_id and row.appointment_id is None}
    if not loose:
        return {}
    targets = PushTarget.objects.filter(
        google_calendar__account__user=setting.google_calendar.account.user_id,
        event_id__in=loose,
        is_withdrawn=False,
        appointment__in=Appointment.objects.standing(),
    ).exclude(google_calendar=setting.google_calendar)
    found = {target.event_id: target for target in targets.select_related("appointment__calendar")}
    left = GoogleEvent.objects.filter(
        google_calendar__account__user=setting.google_calendar.account.user_id, google_id__in=found
    ).exclude(google_calendar=setting.google_calendar)
    before = {row.google_id: row for row in left.order_by("seen_at")}
    for event_id, target in found.items():
        loose[event_id].appointment = target.appointment
        if event_id in before:
            _agree_as(loose[event_id], before[event_id])
    return {loose[event_id].pk: target for event_id, target in found.items()}


def _link_googles(rows: Sequence[GoogleEvent], setting: Setting) -> dict[int, PushTarget | None]:
    loose = _loose([row for row in rows if not row.crm_id])
    if not loose or setting.others_pulled is None:
        return {}
    left = _left_elsewhere(loose, setting).filter(
        google_calendar__account__user=setting.google_calendar.account.user_id,
        appointment__in=Appointment.objects.standing(),
    )
    found: dict[UUID, tuple[GoogleEvent, GoogleEvent]] = {}
    for row in left:
        there = loose.get((row.ical_uid, row.original_start))
        if there and not row.crm_id and row.appointment is not None:
            there.appointment = row.appointment
            _agree_as(there, row)
            found[row.appointment.pk] = there, row
    targets = PushTarget.objects.filter(appointment__in=found, is_withdrawn=False) if found else ()
    writing = {(target.appointment_id, target.google_calendar_id): target for target in targets}
    return {there.pk: writing.get((pk, row.google_calendar_id)) for pk, (there, row) in found.items()}


def _loose(rows: Sequence[GoogleEvent]) -> dict[tuple[str, str], GoogleEvent]:
    return {
        (row.ical_uid, row.original_start): row
        for row in rows
        if row.appointment_id is None and row.organised_by_us and row.ical_uid and not row.is_cancelled
    }


def _left_elsewhere(loose: Collection[tuple[str, str]], setting: Setting) -> GoogleEventQuerySet:
    """The events of appointments in other calendars, under the names of `loose` ones: the last seen last."""
    left = GoogleEvent.objects.filter(
        ical_uid__in={uid for uid, _ in loose},
        organised_by_us=True,
        appointment__isnull=False,
    ).exclude(google_calendar=setting.google_calendar)
    return left.select_related("appointment__calendar").order_by("seen_at")


def _agree_as(row: GoogleEvent, before: GoogleEvent) -> None:
    """It is the same event: what both sides agreed on goes along, so that a move made here stays one."""
    row.agreed_etag, row.agreed_words = before.agreed_etag, before.agreed_words
    row.agreed_starts_at, row.agreed_ends_at = before.agreed_starts_at, before.agreed_ends_at


def link_returned(rows: Sequence[GoogleEvent], setting: Setting) -> set[int]:
    """Pks of events that were gone from this calendar and are back from another one of their person's, where what both
    sides agree on may have changed. No statement where nothing is back."""
    back = {
        row.appointment_id: row
        for row in rows
        if row.appointment_id
        and row.outcome == GoogleEvent.Outcome.CANCELLED
        and row.organised_by_us
        and not row.is_cancelled
    }
    if not back:
        return set()
    away = GoogleEvent.objects.filter(
        google_calendar__account__user=setting.google_calendar.account.user_id,
        appointment__in=back,
        organised_by_us=True,
    ).exclude(google_calendar=setting.google_calendar)
    found = set()
    for event in away.exclude(agreed_starts_at=None).order_by("seen_at"):
        row = back.get(event.appointment_id) if event.appointment_id else None
        if row and (row.ical_uid, row.original_start) == (event.ical_uid, event.original_start):
            row.agreed_words = event.agreed_words or row.agreed_words
            row.agreed_starts_at, row.agreed_ends_at = event.agreed_starts_at, event.agreed_ends_at
            found.add(row.pk)
    return found


def link_moved_away(rows: Sequence[GoogleEvent], setting: Setting) -> None:
    """Rows of a conflict calendar whose event its person dragged there from the calendar beside which it is read: the
    appointment follows it. An event that one organises stands in one calendar: two copies of an invitation are no move.

    What one way protects stays in the linked calendar instead.
    """
    loose = _loose(rows)
    if not loose or not setting.is_conflict_calendar:
        return
    follows = _beside(setting)
    for row in _left_elsewhere(loose, setting).filter(google_calendar__in=follows):
        there = loose.get((row.ical_uid, row.original_start))
        appointment = row.appointment
        if there and appointment and (follows[row.google_calendar_id] or appointment.came_from_google):
            there.appointment = appointment
            _agree_as(there, row)
            # What was taken for deleted comes back like any other; what was cancelled here stays so.
            there.agreed_cancelled = row.agreed_cancelled and appointment.is_void


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
