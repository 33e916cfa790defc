"""Hands the appointments of vanished occurrences on to those that took their place, before anything is planned.

`sync.series` decides which; the plan of the new event then sees an appointment at another time: a move.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q

from calendars.models import GoogleEvent, PushTarget
from calendars.sync.series import Occurrence, pair
from contacts.fields import normalise_address
from contacts.models import Appointment
from integrations.models import GoogleCalendar


@transaction.atomic
def hand_on(google_calendar: GoogleCalendar, now: datetime) -> set[int]:
    """Link each new occurrence to the appointment of the one it replaces, and let what a person decided of that one
    stand. The pks of the new rows that got an appointment.

    One statement when nothing vanished.
    """
    waiting = GoogleEvent.objects.filter(google_calendar=google_calendar).unplanned(now)
    # Cancelled here, and Google has not heard of it: what took its place goes the same way.
    untold = Exists(
        PushTarget.objects.behind().filter(
            appointment=OuterRef("appointment"), google_calendar=google_calendar, is_withdrawn=False
        )
    )
    standing = Q(appointment__ends_at__gt=now) & (
        Q(appointment__status__in=[Appointment.Status.NEW, Appointment.Status.CONFIRMED])
        | Q(untold, appointment__status__in=Appointment.VOID_STATUSES)
    )
    nobody_booked = Q(appointment=None) | Q(appointment__status__in=Appointment.VOID_STATUSES)
    decided = nobody_booked & Q(ends_at__gt=now) & ~Q(decision="")
    vanished = list(
        waiting.filter(standing | decided, status="cancelled", starts_at__isnull=False).select_related(
            "appointment"
        )
    )
    if not vanished:
        return set()
    same = Q(google_id__in={row.recurring_event_id for row in vanished} - {""})
    arrived = list(
        waiting.filter(~Q(recurring_event_id="") | same, appointment=None, ends_at__gt=now).exclude(
            status="cancelled"
        )
    )
    olds, news = {row.pk: row for row in vanished}, {row.pk: row for row in arrived}
    zone = ZoneInfo(google_calendar.time_zone)
    pairs = pair(
        [_occurrence(row, zone) for row in vanished],
        [_occurrence(row, zone) for row in arrived],
        remains_until=_remains_until(google_calendar, vanished),
        known=_known(google_calendar, arrived),
    )
    taken = _keys_taken(arrived, [pk for old in pairs if (pk := olds[old].appointment_id)])
    handed = [
        (olds[old], news[new])
        for old, new in pairs.items()
        if (news[new].ical_uid, news[new].original_start) not in taken
    ]
    # Given up first, all of them: one occurrence may take the key of another that moves on as well.
    Appointment.objects.filter(pk__in=[old.appointment_id for old, _ in handed]).update(ical_uid="")
    for old, new in handed:
        _hand_over(old, new)
    return {new.pk for old, new in handed if old.appointment_id is not None}


def _remains_until(google_calendar: GoogleCalendar, vanished: Sequence[GoogleEvent]) -> dict[str, datetime]:
    """Of each series that lost occurrences, the start of the last one it still has."""
    left = GoogleEvent.objects.filter(
        google_calendar=google_calendar,
        recurring_event_id__in={row.recurring_event_id for row in vanished} - {""},
    ).exclude(status="cancelled")
    last = left.order_by().values_list("recurring_event_id").annotate(last=Max("starts_at"))
    return {series: start for series, start in last if start is not None}


def _known(google_calendar: GoogleCalendar, arrived: Sequence[GoogleEvent]) -> set[str]:
    """The series of new occurrences that had others before."""
    before = GoogleEvent.objects.filter(
        google_calendar=google_calendar,
        recurring_event_id__in={row.recurring_event_id for row in arrived} - {""},
    ).exclude(planned_etag="")
    return set(before.order_by().values_list("recurring_event_id", flat=True).distinct())


def _occurrence(row: GoogleEvent, zone: ZoneInfo) -> Occurrence:
    if row.starts_at is None:
        raise ValueError("An occurrence without a start cannot be paired.")
    return Occurrence(
        key=row.pk,
        series=row.recurring_event_id or row.google_id,
        is_single=not row.recurring_event_id,
        guests=frozenset(
            normalise_address(person["address"]) for person in row.attendees if not person.get("is_self")
        ),
        # Where the series puts it, not where it was moved to: an exception keeps its place in the order.
        starts_at=(_original(row) or row.starts_at).astimezone(zone),
    )


def _original(row: GoogleEvent) -> datetime | None:
    try:
        moment = datetime.fromisoformat(row.original_start)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _keys_taken(rows: Sequence[GoogleEvent], moving_on: Sequence[UUID]) -> set[tuple[str, str]]:
    """Meeting keys of `rows` that an appointment holds which stays where it is."""
    uids = {row.ical_uid for row in rows if row.ical_uid}
    holders = Appointment.objects.filter(ical_uid__in=uids).exclude(pk__in=moving_on)
    return set(holders.values_list("ical_uid", "original_start"))


def _hand_over(old: GoogleEvent, new: GoogleEvent) -> None:
    GoogleEvent.objects.filter(pk=new.pk).update(
        decision=old.decision,
        decided_by=old.decided_by_id,
        # Decided of a single event, it is decided of all that the event becomes.
        decides_series=bool(old.decision)
        and bool(new.recurring_event_id)
        and (old.decides_series or not old.recurring_event_id),
    )
    if old.appointment is not None:
        _hand_over_appointment(old, new, old.appointment)


def _hand_over_appointment(old: GoogleEvent, new: GoogleEvent, appointment: Appointment) -> None:
    Appointment.objects.filter(pk=appointment.pk).update(
        ical_uid=new.ical_uid[:255], original_start=new.original_start
    )
    PushTarget.objects.filter(appointment=appointment, google_calendar=old.google_calendar_id).update(
        event_id=new.google_id, etag=new.etag, is_adopted=True
    )
    GoogleEvent.objects.filter(pk=new.pk).update(
        appointment=appointment,
        made_by_run=old.made_by_run_id,
        outcome=old.outcome,
        is_silent=old.is_silent,
        reason="Moved with its series.",
        agreed_etag=old.agreed_etag,
        agreed_starts_at=old.agreed_starts_at,
        agreed_ends_at=old.agreed_ends_at,
        agreed_words=old.agreed_words,
    )
    GoogleEvent.objects.filter(pk=old.pk).update(
        appointment=None,
        planned_etag=old.etag,
        replan="",
        outcome=GoogleEvent.Outcome.CANCELLED,
        blocks=False,
        reason="Its series moved: another occurrence took its place.",
    )
