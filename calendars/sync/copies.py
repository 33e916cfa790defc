"""Events at Google that count as the copies of their appointments, whoever made them and wherever they were put."""

from collections.abc import Container, Iterable

from django.db.models import Exists, F, OuterRef

from calendars.models import GoogleEvent, PushTarget
from calendars.sync import unheard
from contacts.models import Appointment
from contacts.models.appointments import AppointmentQuerySet
from integrations.models import GoogleCalendar


def adopt(copies: Iterable[tuple[Appointment, GoogleEvent]]) -> None:
    """Take Google's own events as the copies of their appointments: both are in step at this revision."""
    PushTarget.objects.bulk_create(
        [
            PushTarget(
                appointment=appointment,
                google_calendar_id=event.google_calendar_id,
                event_id=event.google_id,
                etag=event.etag,
                is_adopted=True,
                wanted_revision=appointment.revision,
                pushed_revision=appointment.revision,
            )
            for appointment, event in copies
        ],
        update_conflicts=True,
        unique_fields=["appointment", "google_calendar"],
        update_fields=[
            "event_id",
            "etag",
            "is_adopted",
            "is_withdrawn",
            "wanted_revision",
            "pushed_revision",
            *unheard.TRIED,
        ],
    )


def take_along(dragged: Iterable[tuple[GoogleEvent, PushTarget | None, bool]]) -> None:
    """Events that were dragged are written where they lie from here on: each with the target that writes it to where it
    was (None: nothing did), and whether it lacks something, beside what it lacked there.
    """
    PushTarget.objects.bulk_create(
        [
            _taken_along(event, event.appointment, before, lacks=lacks)
            for event, before, lacks in dragged
            if event.appointment is not None and event.google_calendar.is_writable
        ],
        update_conflicts=True,
        unique_fields=["appointment", "google_calendar"],
        update_fields=[
            "host_id",
            "event_id",
            "generation",
            "etag",
            "is_adopted",
            "is_withdrawn",
            "wanted_revision",
            "pushed_revision",
            "not_before",
            *unheard.TRIED,
        ],
    )


def _taken_along(
    event: GoogleEvent, appointment: Appointment, before: PushTarget | None, *, lacks: bool
) -> PushTarget:
    return PushTarget(
        appointment=appointment,
        google_calendar_id=event.google_calendar_id,
        host_id=before.host_id if before else None,
        event_id=event.google_id,
        generation=before.generation if before else 0,
        etag=event.etag,
        is_adopted=before.is_adopted if before else not event.crm_id,
        wanted_revision=appointment.revision,
        pushed_revision=appointment.revision - (lacks or (before is not None and before.is_behind)),
        # A move that can still be undone is held here as well.
        not_before=before.not_before if before else None,
    )


def keep_copy(event: GoogleEvent) -> None:
    """The copy of a host who comes back stands at Google: it is not to be removed any more."""
    PushTarget.objects.filter(
        appointment=event.appointment_id, google_calendar=event.google_calendar_id, event_id=event.google_id
    ).update(is_withdrawn=False)


def take_back(event: GoogleEvent) -> None:
    """`event`, which people made, is the copy of its appointment again: the one of ours in its place is an earlier
    generation from here on, which the next push removes.
    """
    targets = PushTarget.objects.filter(
        appointment=event.appointment_id, google_calendar=event.google_calendar_id, is_adopted=False
    )
    stand_ins = GoogleEvent.objects.filter(
        google_calendar=event.google_calendar_id, google_id__in=targets.values("event_id")
    )
    stand_ins.update(appointment=None)
    targets.update(
        event_id=event.google_id,
        etag=event.etag,
        is_adopted=True,
        generation=F("generation") + 1,
        pushed_revision=F("wanted_revision") - 1,
        attempts=0,
        not_before=None,
        **unheard.NOTHING,
    )


def adopt_read_only(linked: int | None, appointments: AppointmentQuerySet) -> None:
    """What was dragged to a calendar that was only read, and is linked now, is pushed to from here on."""
    events = GoogleEvent.objects.filter(google_calendar=linked, appointment__in=appointments)
    events = (
        events.exclude(status="cancelled").exclude(etag="").exclude(Exists(PushTarget.objects.of_event()))
    )
    found = list(events.select_related("appointment", "google_calendar__account"))
    adopt((each.appointment, each) for each in found if each.appointment is not None and not each.crm_id)
    ours = {each.google_id: each for each in found if each.crm_id}
    before = PushTarget.objects.filter(
        google_calendar__account__user__in={each.google_calendar.account.user_id for each in found},
        event_id__in=ours,
    )
    left = {target.event_id: target for target in before}
    take_along((ours[event_id], target, True) for event_id, target in left.items())
    GoogleEvent.objects.filter(pk__in=[event.pk for event in found], replan="").update(
        replan=GoogleEvent.Replan.MEETING
    )


def let_go_of_read_only(user_id: int) -> None:
    """Nothing is written any more to Google's own events in calendars of this person that are only read by now: their
    appointments follow them.
    """
    left = PushTarget.objects.filter(
        google_calendar__account__user=user_id,
        google_calendar__linked_by=None,
        google_calendar__conflict_of__isnull=False,
        is_adopted=True,
    )
    pks = list(left.values_list("pk", flat=True).distinct())
    writing = PushTarget.objects.filter(
        pk__in=pks, google_calendar=OuterRef("google_calendar"), event_id=OuterRef("google_id")
    )
    events = GoogleEvent.objects.filter(Exists(writing)).exclude(status="cancelled")
    events.filter(replan="").update(replan=GoogleEvent.Replan.MEETING)
    PushTarget.objects.filter(pk__in=pks).delete()


def written_elsewhere(
    rows: Iterable[GoogleEvent], google_calendar: GoogleCalendar, pending: Container[object]
) -> set[object]:
    """Of the `pending` appointments of `rows` that are not ours to move in `google_calendar`: those with a copy in
    another one that we write, whoever reads that by now. No statement where there are none.
    """
    asked = {
        row.appointment_id
        for row in rows
        if row.appointment_id in pending and (row.is_locked or not row.organised_by_us)
    }
    if not asked:
        return set()
    invitations = GoogleEvent.objects.filter(
        google_calendar=OuterRef("google_calendar"), google_id=OuterRef("event_id"), organised_by_us=False
    )
    targets = PushTarget.objects.filter(appointment__in=asked, is_withdrawn=False)
    targets = targets.exclude(google_calendar=google_calendar).exclude(Exists(invitations))
    return set(targets.values_list("appointment", flat=True))
