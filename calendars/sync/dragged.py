"""Events that their person dragged from one of their Google calendars to another, or back: what was made of them goes
along.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Exists, Max, OuterRef, Q

from calendars.models import CalendarConfiguration, GoogleEvent, PushTarget
from calendars.models.google import GoogleEventQuerySet
from calendars.sync import policy as policies
from calendars.sync.setting import Setting
from contacts.models import Appointment, AppointmentChange, Origin

CANCELLED = AppointmentChange.What.CANCELLED


class Dragged(NamedTuple):
    """What an event brings along. `target`: the one that writes it, None: nothing did; `is_left`: its appointment had
    ended, and it was left to its person; `lacks`: it comes from where nothing was written to it.
    """

    target: PushTarget | None
    is_left: bool = False
    lacks: bool = False


def link_dragged(rows: Sequence[GoogleEvent], setting: Setting) -> dict[int, Dragged]:
    """Rows of a linked calendar, by pk, whose event its person dragged there from another one of theirs. What was made
    of it goes along, whatever the rules of this calendar."""
    if setting.is_conflict_calendar or setting.others_pulled is None:
        return {}
    mine = {"google_calendar__account__user": setting.google_calendar.account.user_id}
    return {**_link_known(rows, setting, mine), **_link_unheard_of(rows, setting, mine)}


def _link_known(rows: Sequence[GoogleEvent], setting: Setting, mine: Mapping[str, int]) -> dict[int, Dragged]:
    loose = _loose(rows)
    if not loose:
        return {}
    found: dict[UUID, tuple[GoogleEvent, GoogleEvent]] = {}
    for before in _elsewhere(loose, setting).filter(**mine):
        there = loose.get((before.ical_uid, before.original_start))
        if there and before.appointment is not None and _is_the_same(there, before):
            _follow(there, before)
            found[before.appointment.pk] = there, before
    targets = PushTarget.objects.filter(**mine, appointment__in=found, is_withdrawn=False) if found else ()
    writing = {(target.appointment_id, target.event_id): target for target in targets}
    others = {
        target.appointment_id: target.event_id
        for target in targets
        if target.google_calendar_id == setting.google_calendar.pk and not target.is_adopted
    }
    dragged = {}
    for pk, (there, before) in found.items():
        if there.crm_id and others.get(pk, there.google_id) != there.google_id:
            there.appointment = None  # another one of ours stands in its place
        else:
            target = writing.get((pk, before.google_id))
            is_written = target is not None and target.google_calendar_id == before.google_calendar_id
            dragged[there.pk] = Dragged(target, there.is_left, lacks=bool(there.crm_id) and not is_written)
    return dragged


def _link_unheard_of(
    rows: Sequence[GoogleEvent], setting: Setting, mine: Mapping[str, int]
) -> dict[int, Dragged]:
    """Events of ours whose insert was not answered before they were dragged: their id is all that is known of them."""
    loose = {row.google_id: row for row in rows if row.crm_id and row.appointment_id is None}
    if not loose:
        return {}
    targets = PushTarget.objects.filter(**mine, event_id__in=loose, is_withdrawn=False)
    targets = targets.exclude(google_calendar=setting.google_calendar)
    # Where another one of ours stands in its place, it is not the event of its appointment any more.
    other = PushTarget.objects.filter(
        appointment=OuterRef("appointment"),
        google_calendar=setting.google_calendar,
        is_adopted=False,
        is_withdrawn=False,
    ).exclude(event_id=OuterRef("event_id"))
    targets = targets.exclude(Exists(other)).select_related("appointment__calendar")
    found = {target.event_id: target for target in targets}
    for event_id, target in found.items():
        loose[event_id].appointment = target.appointment
    return {loose[event_id].pk: Dragged(target) for event_id, target in found.items()}


def link_moved_away(rows: Sequence[GoogleEvent], setting: Setting) -> None:
    """Rows of a conflict calendar whose event its person dragged there from another calendar of theirs: the appointment
    follows it.

    What one way protects stays in the linked calendar instead.
    """
    loose = _loose(rows)
    if not loose or not setting.is_conflict_calendar:
        return
    follows = _read_of(setting.google_calendar.account.user_id)
    for before in _elsewhere(loose, setting).filter(google_calendar__in=follows):
        there = loose.get((before.ical_uid, before.original_start))
        appointment = before.appointment
        may_follow = follows[before.google_calendar_id] or (appointment and appointment.came_from_google)
        if there and may_follow and _is_the_same(there, before):
            _follow(there, before)


def link_returned(rows: Sequence[GoogleEvent], setting: Setting) -> set[int]:
    """Pks of events that were gone from this calendar and are back from another one of their person's, where they stood
    when their appointment ended, if it has. What both sides agreed on there comes along. No statement where nothing is
    back."""
    back = {row.appointment_id: row for row in rows if row.appointment_id and has_returned(row)}
    if not back:
        return set()
    away = GoogleEvent.objects.filter(
        google_calendar__account__user=setting.google_calendar.account.user_id,
        appointment__in=back,
        organised_by_us=True,
    ).exclude(google_calendar=setting.google_calendar)
    away = away.exclude(agreed_starts_at=None).annotate(
        ended_at=Max("appointment__changes__at", filter=Q(appointment__changes__what=CANCELLED))
    )
    found = set()
    event: Any
    for event in away.order_by("seen_at"):
        row = back.get(event.appointment_id) if event.appointment_id else None
        if not (row and _is_the_same(row, event) and left_after(event, row)):
            continue
        row.agreed_words = event.agreed_words or row.agreed_words
        row.agreed_starts_at, row.agreed_ends_at = event.agreed_starts_at, event.agreed_ends_at
        row.is_left = event.is_left
        # What was deleted by us since, and is out of the bin, is its person's.
        was_there = (
            not event.is_cancelled
            or None in (event.seen_at, event.ended_at)
            or event.seen_at > event.ended_at
        )
        if was_there and not event.is_left:
            found.add(row.pk)
    return found


def has_returned(row: GoogleEvent) -> bool:
    """Whether it stands again where it was gone."""
    return row.outcome == GoogleEvent.Outcome.CANCELLED and row.organised_by_us and not row.is_cancelled


def left_after(event: GoogleEvent, row: GoogleEvent) -> bool:
    """Whether `event` stood in its calendar when `row` was gone from its own: an earlier drag is over and done with."""
    if not event.is_cancelled:
        return True
    left, gone = event.seen_at, row.gone_at
    return left is not None and gone is not None and left > gone


def _loose(rows: Sequence[GoogleEvent]) -> dict[tuple[str, str], GoogleEvent]:
    return {
        (row.ical_uid, row.original_start): row
        for row in rows
        if row.appointment_id is None and row.organised_by_us and row.ical_uid and not row.is_cancelled
    }


def _elsewhere(loose: Collection[tuple[str, str]], setting: Setting) -> GoogleEventQuerySet:
    """The events of appointments in other calendars, under the names of `loose` ones: the last seen last."""
    left = GoogleEvent.objects.filter(
        ical_uid__in={uid for uid, _ in loose},
        organised_by_us=True,
        appointment__isnull=False,
    ).exclude(google_calendar=setting.google_calendar)
    return left.select_related("appointment__calendar").order_by("seen_at")


def _is_the_same(there: GoogleEvent, before: GoogleEvent) -> bool:
    """Whether `there` is `before`, dragged, and no copy under the same iCalUID: a drag leaves the id as it is. Of what
    is gone a copy is as good. Of two copies of a meeting that both stand, one is joined like a colleague's.
    """
    if (there.ical_uid, there.original_start) != (before.ical_uid, before.original_start):
        return False
    if there.google_id == before.google_id:
        return True
    if there.recurring_event_id and there.recurring_event_id == before.recurring_event_id:
        return True
    return before.is_cancelled and not _was_cancelled_here(before.appointment)


def _was_cancelled_here(appointment: Appointment | None) -> bool:
    return appointment is not None and appointment.is_void and appointment.status_set_by != Origin.GOOGLE


def _follow(there: GoogleEvent, before: GoogleEvent) -> None:
    """It is the same event: what both sides agreed on goes along, so that a move made here stays one. What was taken
    for deleted comes back like any other."""
    appointment = before.appointment
    there.appointment = appointment
    there.agreed_etag, there.agreed_words = before.agreed_etag, before.agreed_words
    there.agreed_starts_at, there.agreed_ends_at = before.agreed_starts_at, before.agreed_ends_at
    is_void = appointment is not None and appointment.is_void
    there.agreed_cancelled = before.agreed_cancelled and is_void
    there.is_left = before.is_left and is_void


def _read_of(user: int) -> dict[int, bool]:
    """The Google calendars of this person that are read → whether Google's edits change appointments made here, as who
    links it says, else who reads it for conflicts."""
    rulers = CalendarConfiguration.objects.filter(
        Q(linked_calendar__account__user=user) | Q(conflict_calendars__account__user=user)
    )
    linked, beside = {}, {}
    for pk, conflict, option in rulers.values_list("linked_calendar", "conflict_calendars", "sync_option"):
        linked[pk] = beside[conflict] = policies.for_unassigned(option).edits
    return {pk: edits for pk, edits in {**beside, **linked}.items() if pk is not None}
