"""Fills `sync.facts` from the database, for a batch of the events of one Google calendar.

Every look-up here is one statement for the whole batch; nothing is decided here.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from calendars.models import (
    GoogleEvent,
    PrivateEvents,
    PushTarget,
    RecurringEvents,
    SyncRun,
)
from calendars.sync import guests as guest_rules
from calendars.sync import linking, people, sessions, unheard
from calendars.sync.copies import written_elsewhere
from calendars.sync.dragged import Dragged, link_dragged, link_moved_away, link_returned
from calendars.sync.facts import (
    BOOKED,
    GREY,
    SIBLING_CANCELLED_HERE,
    SIBLING_CANCELLED_THERE,
    SIBLING_STANDS,
    Agreed,
    Facts,
    Held,
    Observed,
)
from calendars.sync.guests import Guest
from calendars.sync.moving import perhaps_moving
from calendars.sync.observation import REMOVED
from calendars.sync.setting import Setting, colleagues, our_addresses
from calendars.sync.words import Words
from contacts.matching import contacts_by_address
from contacts.models import (
    Appointment,
    AppointmentChange,
    AppointmentGuest,
    AppointmentHost,
    Origin,
)
from integrations.google.events import RemoteEvent


@dataclass(frozen=True)
class Situation:
    """One event with everything its plan rests on."""

    row: GoogleEvent
    observed: Observed
    held: Held | None
    agreed: Agreed | None
    facts: Facts
    # The appointment of another copy of the same meeting, to join.
    sibling: Appointment | None
    # An occurrence of what was ours and was made to repeat: it is the copy of its appointment from here on.
    is_taken_over: bool
    # The push target whose unheard write it tells of.
    heard_of: int | None
    # What it brings along where it was dragged here from another calendar of its person's.
    dragged: Dragged | None

    @property
    def is_our_copy(self) -> bool:
        """It carries our mark: we put it there, for this appointment or, of a session, for a seat that left."""
        return self.row.crm_id != "" and self.row.appointment_id is not None


def situations(
    rows: Sequence[GoogleEvent], setting: Setting, now: datetime, *, notes: bool = False
) -> list[Situation]:
    """The situations of `rows`, in order. A fixed number of statements at the most, whatever that of the rows.

    `notes`: what is settled about them is noted; not for who only looks at what would become of them.
    """
    worded = linking.unlink_superseded(rows, setting)
    repeated = linking.link_our_own(rows, setting)
    heard = unheard.hear(rows, setting)
    dragged = link_dragged(rows, setting)
    returned = link_returned(rows, setting)
    link_moved_away(rows, setting)
    replaced = linking.replaced(rows, setting)
    ours = our_addresses(people.addresses(rows))
    deciding = colleagues(setting.google_calendar.account.user_id, people.organizers(rows))
    invited = {row.pk: people.guest_people(row, setting, ours) for row in rows}
    known = contacts_by_address([person.address for found in invited.values() for person in found])
    attached = _attached([row.appointment_id for row in rows if row.appointment_id])
    pending = _pending(setting, rows, dragged)
    moving = perhaps_moving(rows, setting, now, notes=notes)
    hosted = _hosted(setting, rows)
    siblings = _siblings(rows, setting)
    copies = _other_copies(rows, setting)
    written = written_elsewhere(rows, setting.google_calendar, pending)
    told = _told_of_series(rows, setting)
    told_before = _told_before(
        {
            row.appointment_id
            for row in rows
            if row.appointment_id
            and {known.get(person.address) for person in invited[row.pk]}
            - {None, *attached[row.appointment_id]}
        }
    )
    return [
        Situation(
            row=row,
            observed=observe(row),
            held=_held(row, attached),
            agreed=_agreed(row),
            sibling=siblings.get((row.ical_uid, row.original_start)),
            is_taken_over=row.pk in repeated,
            heard_of=heard.get(row.pk),
            dragged=dragged.get(row.pk),
            facts=_facts(
                row,
                setting,
                now,
                guests=tuple(
                    Guest(person.address, person.name, person.response, known.get(person.address))
                    for person in invited[row.pk]
                ),
                nobody=guest_rules.NO_GUESTS if invited[row.pk] else people.why_nobody(row, setting, ours),
                sibling=_sibling_state(siblings.get((row.ical_uid, row.original_start))),
                declined=people.declined(row),
                listed=people.listed(row),
                decided_by_colleague=deciding.get(people.organizer(row), ""),
                words_are_ours=row.pk in worded,
                was_replaced=row.pk in replaced,
                came_back=row.pk in returned or (row.pk in dragged and not dragged[row.pk].is_left),
                push_pending=row.appointment_id in pending,
                host_was_freed=row.appointment_id is not None and row.appointment_id not in hosted,
                # What we removed, and heard that we did, moved nowhere.
                may_have_moved=row.pk in moving
                and not (row.agreed_cancelled and row.planned_etag.endswith(REMOVED)),
                is_written_elsewhere=row.appointment_id in written,
                other_copies=len(copies[row.pk]),
                has_own_copy=any(copy.user == setting.owner.pk for copy in copies[row.pk]),
                organisers_copy_is_elsewhere=not row.organised_by_us
                and any(copy.organised_by_us for copy in copies[row.pk]),
                is_organisers_copy=row.organised_by_us
                and not any(copy.organised_by_us for copy in copies[row.pk]),
                told_before=told_before.get(row.appointment_id, frozenset()),
                series_told=frozenset(row.series_told)
                | ({BOOKED} if row.recurring_event_id in told else set())
                | {
                    person.address
                    for person in invited[row.pk]
                    if known.get(person.address) in told.get(row.recurring_event_id, ())
                },
            ),
        )
        for row in rows
    ]


def observe(row: GoogleEvent) -> Observed:
    """What Google last told us of `row`, as the planner takes it."""
    me = next((person for person in row.attendees if person.get("is_self")), None)
    return Observed(
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        created_at=row.created_at_google or _first_seen(row),
        # An event whose times are unknown cannot be placed; it is treated as its tombstone.
        is_cancelled=row.is_cancelled or row.starts_at is None,
        is_free=row.is_free,
        is_all_day=row.is_all_day,
        is_private=row.visibility in ("private", "confidential"),
        is_recurring=bool(row.recurring_event_id),
        event_type=row.event_type,
        organised_by_us=row.organised_by_us,
        is_locked=row.is_locked,
        response=me["response"] if me else "",
        is_ours=bool(row.crm_id),
        guests_omitted=row.attendees_omitted,
        words=words_of_event(row),
    )


def words_of_event(event: GoogleEvent | RemoteEvent) -> Words:
    """What Google says of it, each field as long as an appointment keeps it."""
    return Words(event.summary[:300], event.description, event.location[:500], event.meeting_url[:500])


def words_of(appointment: Appointment) -> Words:
    return Words(appointment.title, appointment.description, appointment.location, appointment.meeting_url)


def _first_seen(row: GoogleEvent) -> datetime | None:
    """When an event that does not say was made: an incremental pull brings what is new, a full one anything."""
    is_news = row.run is not None and row.run.kind == SyncRun.Kind.INCREMENTAL
    return row.seen_at if is_news else None


def _facts(row: GoogleEvent, setting: Setting, now: datetime, **found: object) -> Facts:
    configuration = setting.configuration
    target = row.appointment.calendar if row.appointment else setting.target
    return Facts(
        now=now,
        policy=setting.policy,
        policy_since=setting.policy_since,
        time_zone=setting.google_calendar.time_zone,
        calendar_colour=target.colour if target else GREY,
        calendar_confirms=bool(target and target.confirms_automatically),
        is_conflict_calendar=setting.is_conflict_calendar,
        blocks_unanswered=configuration.blocks_unanswered if configuration else True,
        private_events=configuration.private_events if configuration else PrivateEvents.BLOCK,
        recurring_blocks_only=bool(configuration and configuration.recurring_events == RecurringEvents.BLOCK),
        large_meeting=settings.LARGE_MEETING_GUESTS,
        # Without a calendar to file it on, a person's "make appointment" has to wait for one.
        decision=row.decision if setting.target or row.decision != GoogleEvent.Decision.MAKE else "",
        is_late_match=row.replan == GoogleEvent.Replan.CONTACT and row.planned_etag == row.etag,
        is_resumed=row.replan == GoogleEvent.Replan.RESUME,
        is_applied=row.replan == GoogleEvent.Replan.APPLY,
        fires_on_purpose=row.replan == GoogleEvent.Replan.FIRE,
        had_declined=row.outcome == GoogleEvent.Outcome.FREE,
        lives_on=row.planned_etag.endswith(REMOVED) and not row.is_cancelled,
        **found,  # type: ignore[arg-type]  # each name is a field of Facts; mypy sees one type for all
    )


def _attached(appointments: list[UUID]) -> dict[UUID, dict[int, str]]:
    found: dict[UUID, dict[int, str]] = defaultdict(dict)
    rows = AppointmentGuest.objects.filter(appointment__in=appointments).order_by("pk")
    for appointment, contact, address in rows.values_list("appointment", "contact", "address"):
        found[appointment][contact] = address
    return found


def _held(row: GoogleEvent, attached: dict[UUID, dict[int, str]]) -> Held | None:
    appointment = row.appointment
    if appointment is None:
        return None
    return Held(
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        status=appointment.status,
        status_set_by=appointment.status_set_by,
        # An event of ours stands in for one that was deleted: its guest list and text are the CRM's.
        made_in_google=appointment.came_from_google and row.crm_id != str(appointment.pk),
        contacts=attached.get(appointment.pk, {}),
        words=words_of(appointment),
        is_seat=sessions.is_seat(appointment),
    )


def _agreed(row: GoogleEvent) -> Agreed | None:
    if not row.agreed_etag:
        return None
    there, here = row.agreed_words or ((), ())
    return Agreed(
        row.agreed_starts_at, row.agreed_ends_at, row.agreed_cancelled, words_there=there, words_here=here
    )


def _pending(setting: Setting, rows: Sequence[GoogleEvent], dragged: Collection[int]) -> set[object]:
    """Appointments of `rows` with a change of ours that this calendar lacks; a move seen through another copy is
    none."""
    moved_here = AppointmentChange.objects.filter(
        appointment=OuterRef("appointment"),
        what=AppointmentChange.What.RESCHEDULED,
        revision__gt=OuterRef("pushed_revision"),
        # A move that was undone, and its undoing, are none.
        undoes=None,
        undone_by=None,
    ).exclude(origin=Origin.GOOGLE)
    # Of what was dragged here, the one that it was in.
    came = {row.appointment_id for row in rows if row.pk in dragged or setting.is_conflict_calendar}
    lacking = Q(google_calendar=setting.google_calendar) | Q(
        google_calendar__account__user=setting.google_calendar.account.user_id,
        appointment__in=came - {None},
    )
    behind = PushTarget.objects.behind().filter(
        Exists(moved_here),
        lacking,
        appointment__in=[row.appointment_id for row in rows if row.appointment_id],
    )
    return set(behind.values_list("appointment", flat=True))


def _hosted(setting: Setting, rows: Sequence[GoogleEvent]) -> set[object]:
    """Appointments of `rows` that this calendar's person hosts; an unassigned calendar stands for nobody."""
    appointments = [row.appointment_id for row in rows if row.appointment_id]
    if setting.configuration is None or setting.configuration.user_id is None:
        return set(appointments)
    hosts = AppointmentHost.objects.filter(appointment__in=appointments, user=setting.owner)
    return set(hosts.values_list("appointment", flat=True))


def _siblings(rows: Sequence[GoogleEvent], setting: Setting) -> dict[tuple[str, str], Appointment]:
    """The appointments made of another copy of the same meetings, by name; of one made here only this person's own
    copies carry its name."""
    loose = {row.ical_uid for row in rows if row.ical_uid and row.appointment_id is None}
    found = Appointment.objects.filter(ical_uid__in=loose).select_related("calendar")
    siblings = {(row.ical_uid, row.original_start): row for row in found}
    if not loose or setting.others_pulled is None:
        return siblings
    copies = GoogleEvent.objects.filter(
        google_calendar__account__user=setting.google_calendar.account.user_id,
        ical_uid__in=loose,
        organised_by_us=True,
        appointment__isnull=False,
    ).exclude(google_calendar=setting.google_calendar)
    for copy in copies.exclude(status="cancelled").select_related("appointment__calendar"):
        if copy.appointment is not None:
            siblings.setdefault((copy.ical_uid, copy.original_start), copy.appointment)
    return siblings


def _sibling_state(sibling: Appointment | None) -> str:
    if sibling is None:
        return ""
    if not sibling.is_void:
        return SIBLING_STANDS
    by_google = sibling.status == Appointment.Status.CANCELLED and sibling.status_set_by == Origin.GOOGLE
    return SIBLING_CANCELLED_THERE if by_google else SIBLING_CANCELLED_HERE


class _Copy(NamedTuple):
    organised_by_us: bool
    user: int


def _other_copies(rows: Sequence[GoogleEvent], setting: Setting) -> dict[int, list[_Copy]]:
    """For each row the living copies of its appointment in other calendars that are read: of the rest nobody knows."""
    copies = GoogleEvent.objects.filter(
        appointment__in=[row.appointment_id for row in rows if row.appointment_id]
    ).exclude(google_calendar=setting.google_calendar)
    copies = copies.filter(google_calendar__next_pull_at__isnull=False)
    living = copies.exclude(status="cancelled").exclude(outcome=GoogleEvent.Outcome.FREE)
    by_appointment = defaultdict(list)
    found = living.values_list("appointment", "organised_by_us", "google_calendar__account__user")
    for appointment, organised, user in found:
        by_appointment[appointment].append(_Copy(organised, user))
    return {row.pk: by_appointment[row.appointment_id] if row.appointment_id else [] for row in rows}


def _told_before(appointments: Collection[UUID]) -> dict[UUID | None, frozenset[int]]:
    """By appointment, who was a guest before, and heard of it then. No statement where nobody might be one again."""
    if not appointments:
        return {}
    left: dict[UUID, set[int]] = defaultdict(set)
    heard: dict[UUID, dict[int | None, bool]] = defaultdict(dict)
    changes = AppointmentChange.objects.filter(
        appointment__in=appointments,
        what__in=[AppointmentChange.What.BOOKED, AppointmentChange.What.CANCELLED],
    )
    for appointment, what, contact, fires in changes.values_list("appointment", "what", "contact", "fires"):
        if what == AppointmentChange.What.BOOKED:
            heard[appointment][contact] = fires or heard[appointment].get(contact, False)
        elif contact is not None:
            left[appointment].add(contact)
    return {
        # Who was there from the first heard of it with everybody.
        pk: frozenset(one for one in left[pk] if heard[pk].get(one, heard[pk].get(None, False)))
        for pk in appointments
    }


def _told_of_series(rows: Sequence[GoogleEvent], setting: Setting) -> dict[str, set[int]]:
    """By series of which a booking fired: the contacts it was told to."""
    series = {row.recurring_event_id for row in rows if row.recurring_event_id}
    fired = GoogleEvent.objects.filter(
        google_calendar=setting.google_calendar,
        recurring_event_id__in=series,
        appointment__changes__what=AppointmentChange.What.BOOKED,
        appointment__changes__origin=Origin.GOOGLE,
        appointment__changes__fires=True,
    )
    told: dict[str, set[int]] = defaultdict(set)
    for name, one, *everybody in fired.values_list(
        "recurring_event_id",
        "appointment__changes__contact",
        "appointment__contact",
        "appointment__guests__contact",
    ):
        told[name] |= {one} if one else set(everybody) - {None}
    return told
