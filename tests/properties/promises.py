"""What holds whatever happened. Written from the policy, not from the engine: nothing here asks `calendars.sync`."""

import datetime
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from calendars.models import Calendar, CalendarConfiguration, GoogleEvent, GoogleEventGuest, PushTarget
from campaigns.models import Enrolment, Message, TriggerEvent
from contacts.models import (
    Appointment,
    AppointmentChange,
    AppointmentGuest,
    AppointmentHost,
    Contact,
    ContactEmail,
)
from integrations.models import GoogleAccount, GoogleCalendar
from integrations.sandbox.errors import ApiError
from tests.properties.world import World

AHEAD = datetime.timedelta(days=60)
CLOSED = ("showed", "no_show", "invalid")
VOID = ("cancelled", "invalid")
WRITES = ("calendar.events.insert", "calendar.events.patch", "calendar.events.delete")
# The sync policy: match a known contact, create one, fire triggers, follow Google's edits.
OPTIONS = {
    "one_way": (False, False, False, False),
    "two_way": (True, True, True, True),
    "smart": (True, False, True, True),
    "disable_trigger": (True, True, False, True),
}
NO_TIME = {"updated_at", "created_at"}
BOOKKEEPING = {"id", "seen_at", "run_id", "made_by_run_id", "updated_at_google", "not_before", "attempts"}


@dataclass(frozen=True)
class Allowed:
    """What one Google calendar's ruling configuration lets happen."""

    match: bool = False
    create: bool = False
    fire: bool = False
    edits: bool = False
    links: bool = False
    since: datetime.datetime | None = None


NOTHING = Allowed()


def policies_now() -> dict[int, Allowed]:
    """By Google calendar. An unassigned calendar's link decides before a user's; what nobody links only blocks."""
    configurations = CalendarConfiguration.objects.exclude(linked_calendar=None).order_by("calendar_id")
    by_link = {row.linked_calendar_id: row for row in configurations}
    by_link |= {row.linked_calendar_id: row for row in configurations if row.calendar_id is not None}
    pks = GoogleCalendar.objects.order_by("pk").values_list("pk", flat=True)
    return {pk: _allowed(by_link[pk]) if pk in by_link else NOTHING for pk in pks}


def _allowed(configuration: CalendarConfiguration) -> Allowed:
    match, create, fire, edits = OPTIONS[configuration.sync_option]
    since = configuration.policy_since
    if configuration.calendar_id is not None:
        return Allowed(match, create, fire, edits, True, since)
    chosen = configuration.default_calendar_id is not None
    return Allowed(
        match and chosen,
        create and chosen and configuration.allow_contact_creation,
        fire and chosen and configuration.allow_trigger,
        edits,
        True,
        since,
    )


@dataclass
class Ledger:
    """What was seen so far: after each step only what is new is judged, under the policy that was in force."""

    policies: dict[int, Allowed] = field(default_factory=dict)
    changes: int = 0
    contacts: int = 0
    triggers: int = 0
    appointments: set[Any] = field(default_factory=set)
    # (Google calendar, event id) → (etag, revision): one way let the two sides differ at exactly this state.
    protected: dict[tuple[int, str], tuple[str, int]] = field(default_factory=dict)
    # Events that a person made a series: whose they are from then on is that person's to say.
    repeated: set[str] = field(default_factory=set)
    # Events that a person brought back at Google, or answered again, after staff had cancelled them: they stay so here.
    revived: set[str] = field(default_factory=set)
    # Event id → the appointment it was a copy of at the end of some step.
    aimed: dict[str, Any] = field(default_factory=dict)
    # Appointments that staff took off, and so their events.
    taken_off: set[Any] = field(default_factory=set)
    titles: dict[Any, str] = field(default_factory=dict)
    booked_here: set[Any] = field(default_factory=set)
    # Addresses and events that a person let in by hand.
    decided: set[int] = field(default_factory=set)
    # Their meetings: what a person decided moves along to the occurrences when an event is made to repeat.
    decided_meetings: set[str] = field(default_factory=set)
    # Events at Google that a person did something to, and whether Google said of any that it is gone when it is not.
    touched: set[str] = field(default_factory=set)
    is_lied_to: bool = False
    # Appointment that Google ended → what its one event was like then.
    ended_by: dict[Any, str] = field(default_factory=dict)
    # Google calendars whose configuration changed on the way.
    reconfigured: set[int] = field(default_factory=set)

    def answered_again(self, event_id: str) -> None:
        """A person answers an invitation at Google, which we declined for them if staff had cancelled it here."""
        if PushTarget.objects.filter(event_id=event_id, appointment__status__in=VOID).exists():
            self.revived.add(event_id)


# --- after every step -----------------------------------------------------------------------------------------------


def judge_step(world: World, ledger: Ledger) -> None:
    """What a step did was allowed by the policy that stood when it began, or by the one it ended with."""
    now = policies_now()
    policies = {pk: (ledger.policies.get(pk, NOTHING), policy) for pk, policy in now.items()}
    ledger.policies = now
    ledger.aimed.update(PushTarget.objects.values_list("event_id", "appointment"))
    _judge_requests(world, ledger)
    _judge_bookings(ledger, policies)
    _judge_contacts(ledger, policies)
    _judge_changes(ledger, policies)
    _judge_triggers(ledger)
    _note_protection(world, ledger)


Policies = dict[int, tuple[Allowed, Allowed]]


def _some(policies: Policies, pks: Iterable[int], what: str) -> bool:
    return any(getattr(policy, what) for pk in pks for policy in policies[pk])


def _judge_requests(world: World, ledger: Ledger) -> None:
    """The engine writes no words of a person's over, deletes only what staff took off, and says whom it mails."""
    for request in world.control.requests():
        if request.method not in WRITES:
            continue
        assert request.parameter("sendUpdates") in ("all", "none"), request
        body = request.body or {}
        if request.method == "calendar.events.insert":
            assert body["extendedProperties"]["private"], request
            continue
        event_id = request.path.rpartition("/")[2]
        # Ours are made of the appointment's id, in whatever generation; all others were typed by people.
        ours = re.fullmatch(r"([0-9a-f]{32})g\d+", event_id)
        if ours and Appointment.objects.filter(pk=ours[1]).exists():
            continue
        whose = ledger.aimed.get(event_id)
        assert whose is not None, f"{request.method} of an event that no appointment has: {event_id}"
        assert not set(body) & {"summary", "description", "location", "recurrence"}, request
        if request.method == "calendar.events.delete":
            assert whose in ledger.taken_off, f"deleted a person's event: {event_id}"
    world.control.clear_requests()


def _judge_bookings(ledger: Ledger, policies: Policies) -> None:
    for appointment in Appointment.objects.exclude(pk__in=ledger.appointments):
        ledger.appointments.add(appointment.pk)
        if not appointment.came_from_google:
            assert appointment.pk in ledger.booked_here, "an appointment that nobody booked"
            continue
        rows = list(appointment.google_events.all())
        assert rows, "an appointment from Google without its event"
        made_by_hand = any(row.ical_uid in ledger.decided_meetings for row in rows)
        assert made_by_hand or _some(policies, {row.google_calendar_id for row in rows}, "match")


def _judge_contacts(ledger: Ledger, policies: Policies) -> None:
    for contact in Contact.objects.filter(pk__gt=ledger.contacts).order_by("pk"):
        ledger.contacts = contact.pk
        if contact.source == Contact.Source.GOOGLE:
            assert ledger.decided or _some(policies, policies, "create"), f"{contact} was made a contact"


def _judge_changes(ledger: Ledger, policies: Policies) -> None:
    ended: list[tuple[Any, str]] = []
    changes = AppointmentChange.objects.filter(pk__gt=ledger.changes).order_by("pk")
    for change in changes.select_related("appointment"):
        ledger.changes = change.pk
        _judge_cause(change, ledger)
        ended += _judge_end(change, ledger)
        if change.origin != "google" or not change.fires:
            continue
        rows = list(_events_behind(change.appointment))
        calendars = {row.google_calendar_id for row in rows}
        assert _some(policies, calendars, "fire"), f"{change} fires although the policy forbids it"
        if change.what == "booked":
            assert any(_is_news(row, policies) for row in rows), f"{change} fires for what was there before"
        if change.what in ("booked", "rescheduled") and not _was_moved_after(change):
            assert change.appointment.starts_at > change.at, f"{change} fires for the past"
    ledger.ended_by |= dict(ended)


def _judge_cause(change: AppointmentChange, ledger: Ledger) -> None:
    """Google moves and ends nothing that was made here unless a person did something to its event there: what a write
    of ours left behind, its answer lost, is no news."""
    appointment = change.appointment
    is_by_google = change.origin == "google" and change.what in ("rescheduled", "cancelled")
    if not is_by_google or appointment.came_from_google or ledger.is_lied_to:
        return
    ours = {appointment.pk.hex}
    if appointment.calendar.kind == Calendar.Kind.CLASS:
        ours = {pk.hex for pk in appointment.calendar.appointments.values_list("pk", flat=True)}
    assert any(event_id[:32] in ours for event_id in ledger.touched), f"nobody did it: {change} {change.why}"


def _judge_end(change: AppointmentChange, ledger: Ledger) -> list[tuple[Any, str]]:
    """What ended an appointment does not end it once more after staff brought it back: the appointment, and what its
    event is like that ended it. Nothing where several could have."""
    if (change.origin, change.what, change.contact_id) != ("google", "cancelled", None):
        return []
    rows = list(change.appointment.google_events.exclude(etag=""))
    if len(rows) != 1 or rows[0].is_due or rows[0].pk in ledger.decided:
        return []
    ended_by = ledger.ended_by.get(change.appointment_id)
    assert ended_by != rows[0].etag, f"ended it twice: {rows[0].reason}"
    return [(change.appointment_id, rows[0].etag)]


def _events_behind(appointment: Appointment) -> Iterable[GoogleEvent]:
    """What Google tells of it: of a seat the events of its class, for one of its session stands for all."""
    if appointment.calendar.kind == Calendar.Kind.CLASS:
        return GoogleEvent.objects.filter(appointment__calendar=appointment.calendar_id)
    return appointment.google_events.all()


def _was_moved_after(change: AppointmentChange) -> bool:
    """Then the time at which the appointment lies now is not the one that fired."""
    return change.appointment.changes.filter(what="rescheduled", pk__gt=change.pk).exists()


def _is_news(row: GoogleEvent, policies: Policies) -> bool:
    created = row.created_at_google
    return created is not None and any(
        policy.since is not None and created >= policy.since.replace(microsecond=0)
        for policy in policies[row.google_calendar_id]
    )


def _judge_triggers(ledger: Ledger) -> None:
    fired = TriggerEvent.objects.filter(pk__gt=ledger.triggers, fired=True).order_by("pk")
    for event in fired.select_related("change", "appointment"):
        ledger.triggers = event.pk
        assert event.change.fires, f"{event} of a silent change"
        if event.change.what in ("booked", "confirmed", "rescheduled") and not _was_moved_after(event.change):
            assert event.appointment.starts_at > event.at, f"{event} for the past"


def _note_protection(world: World, ledger: Ledger) -> None:
    made_here = PushTarget.objects.exclude(appointment__origin="google")
    for target in made_here.select_related("appointment", "google_calendar"):
        key = (target.google_calendar_id, target.event_id)
        if not ledger.policies[target.google_calendar_id].edits:
            event = event_at_google(world, target)
            if event is not None and not agree(event, target.appointment):
                ledger.protected[key] = (event["etag"], target.appointment.revision)


# --- when the dust has settled --------------------------------------------------------------------------------------


def judge(world: World, ledger: Ledger) -> None:
    """Everything that must hold once the outside works and the sweeps have run."""
    _judge_uniqueness()
    _judge_observations(world)
    _judge_agreement(world, ledger)
    _judge_orphans(world, ledger)
    _judge_sessions(world)
    _judge_policy(world, ledger)
    _judge_words(ledger)


def _judge_uniqueness() -> None:
    twice(ContactEmail.objects.values_list("address", flat=True), "contact")
    meetings = Appointment.objects.exclude(ical_uid="").values_list("ical_uid", "original_start")
    twice(meetings, "appointment of one meeting")
    fired = TriggerEvent.objects.filter(fired=True, change__what="booked")
    twice(fired.values_list("appointment", "contact", "kind"), "booked trigger")
    series = fired.filter(appointment__is_recurring=True, appointment__origin="google")
    twice(series.values_list("appointment__ical_uid", "contact", "kind"), "booked trigger of a series")
    sent = Message.objects.filter(state="sent", step__anchor="at_once")
    twice(sent.values_list("enrolment", "step"), "message at once")
    assert not AppointmentChange.objects.filter(looked_at=None).exists()


def twice(values: Iterable[Any], what: str) -> None:
    doubled = [value for value, number in Counter(values).items() if number > 1]
    assert not doubled, f"twice the same {what}: {doubled}"


def _judge_observations(world: World) -> None:
    """Every Google calendar that is read is known as it is: each living event, and none that is gone."""
    for google_calendar in GoogleCalendar.objects.filter(next_pull_at__isnull=False).select_related(
        "account"
    ):
        living = {event["id"]: event for event in events_of(world, google_calendar)}
        rows = {row.google_id: row for row in google_calendar.events.all()}
        for event_id, event in living.items():
            starts_at, ends_at = span(event)
            assert google_calendar.window_starts_at is not None
            if ends_at <= google_calendar.window_starts_at:
                continue
            row = rows.get(event_id)
            assert row is not None, f"never seen: {event}"
            assert (row.etag, row.status) == (event["etag"], event["status"]), f"{row.reason}: {event}"
            assert row.is_planned, row.reason
            assert not row.error, row.error
            if not is_all_day(event):
                assert (row.starts_at, row.ends_at) == (starts_at, ends_at)
            takes_time = event.get("transparency") != "transparent" and answer_of(event) != "declined"
            assert row.blocks == takes_time, f"blocks {row.blocks}: {row.reason} {event}"
        for row in rows.values():
            is_history = row.starts_at and row.starts_at < google_calendar.window_starts_at
            if row.google_id not in living and not is_history:
                assert row.is_cancelled, f"lives on here alone: {row.reason}"
                assert not row.blocks, row.reason


def _judge_agreement(world: World, ledger: Ledger) -> None:
    targets = PushTarget.objects.filter(google_calendar__next_pull_at__isnull=False)
    for target in targets.select_related("appointment__calendar", "google_calendar__account"):
        appointment, event = target.appointment, event_at_google(world, target)
        google_calendar = target.google_calendar
        assert target.wanted_revision == target.pushed_revision, f"waits: {target.last_error}"
        if target.is_withdrawn:
            is_left = event is not None and is_living(event) and is_ours(event)
            # Made to repeat by a person, it is that person's series.
            assert not is_left or _is_series(event), "withdrawn, yet at Google"
            continue
        if appointment.status in CLOSED or appointment.ends_at <= world.now:
            continue
        hosts = set(appointment.hosts.values_list("user", flat=True)) or {appointment.owner_id}
        # The copy of an unassigned calendar is nobody's: whose account it is linked to may change.
        is_rooms_own = appointment.calendar.is_unassigned and not target.is_adopted
        is_host = is_rooms_own or google_calendar.account.user_id in hosts
        if not appointment.is_void and not is_host:
            # A colleague took their copy away, or declined: the appointment goes on without them.
            assert event is None or not is_living(event) or answer_of(event) == "declined", "freed, yet busy"
            continue
        row = GoogleEvent.objects.filter(google_calendar=google_calendar, google_id=target.event_id).first()
        why = f"{row.reason if row else 'no row'}: {appointment.origin} {appointment.status}"
        why += f" {appointment.starts_at:%d %H:%M} {event and (event['status'], event.get('start'))}"
        state = (event["etag"] if event else "", appointment.revision)
        if ledger.protected.get((target.google_calendar_id, target.event_id)) == state:
            continue
        is_whole_day = event is not None and is_living(event) and is_all_day(event)
        if is_whole_day and not (target.is_adopted and appointment.is_void):
            continue  # the appointment keeps its time, and other words for the event do not give it hours again
        if appointment.is_void and (target.event_id in ledger.revived or _is_history(event, google_calendar)):
            continue
        if (
            appointment.is_void
            and target.is_adopted
            and row
            and row.agreed_cancelled
            and not _was_seen_away(row)
        ):
            continue  # gone on both sides, it was brought back at Google: it is that person's
        if appointment.is_void and row is None and _is_series(event):
            continue  # made a series there before it was ever read: it is that person's
        if appointment.status == "cancelled" and appointment.status_set_by == "google" and _is_series(event):
            continue  # ended at Google, and made a series there afterwards: it is that person's
        dragged = _dragged_away(world, target)
        if dragged is not None and not appointment.is_void and not (event and is_living(event)):
            # While that calendar is read it follows its event there; what is changed here cannot be written there.
            is_read = GoogleCalendar.objects.filter(
                google_id=world.second, next_pull_at__isnull=False
            ).exists()
            # Or in the copy of another host.
            moves = appointment.changes.filter(what="rescheduled")
            if appointment.hosts.count() == 1:
                moves = moves.exclude(origin="google")
            is_free = moves.exists() or is_all_day(dragged) or not is_read
            assert is_free or agree(dragged, appointment), f"{why} {dragged}"
            continue
        if target.is_adopted and _lies_unread(world, target.event_id):
            continue  # a guest's copy of what its organiser keeps where nobody looks: it is moved there alone
        assert agree(event, appointment), why
        if event and _says_our_words(event, appointment, target):
            assert event.get("summary", "") == _called(appointment), why


def _was_seen_away(row: GoogleEvent) -> bool:
    """Whether its event was followed to another calendar of its person. Where that is not read any more its appointment
    was let go, and a drag back cannot be told from the bin.
    """
    same = GoogleEvent.objects.filter(
        google_id=row.google_id,
        google_calendar__account=row.google_calendar.account_id,
        appointment=row.appointment_id,
    )
    return same.exclude(pk=row.pk).exists()


def _dragged_away(world: World, target: PushTarget) -> dict[str, Any] | None:
    """The event of `target` where its person dragged it to the calendar that is at most read."""
    second = GoogleCalendar.objects.get(google_id=world.second)
    if second.account_id != target.google_calendar.account_id:
        return None
    living = (event for event in events_of(world, second) if is_living(event))
    return next((event for event in living if event["id"] == target.event_id), None)


def _lies_unread(world: World, event_id: str) -> bool:
    """Whether Alice dragged it to her second calendar, which is not read."""
    second = GoogleCalendar.objects.get(google_id=world.second)
    living = (event for event in events_of(world, second) if is_living(event))
    return second.next_pull_at is None and any(event["id"] == event_id for event in living)


def _called(appointment: Appointment) -> str:
    """What its event is called: of a class, how full it is and nobody's name."""
    calendar = appointment.calendar
    if calendar.kind != Calendar.Kind.CLASS or appointment.came_from_google:
        return appointment.title
    return f"{calendar.name}: {len(_session(appointment))} of {calendar.seats}"


def _session(seat: Appointment) -> list[Appointment]:
    """Everybody who comes to the same class at the same time."""
    same = Appointment.objects.filter(
        calendar=seat.calendar_id, starts_at=seat.starts_at, ends_at=seat.ends_at
    )
    return [each for each in same if not each.is_void and not each.came_from_google]


def _judge_sessions(world: World) -> None:
    """A session of a class is one event at Google, whoever comes, leaves or stands for it."""
    standing = Appointment.objects.filter(calendar__kind=Calendar.Kind.CLASS, ends_at__gt=world.now)
    for seat in (
        standing.exclude(origin="google").exclude(status__in=[*VOID, *CLOSED]).select_related("calendar")
    ):
        together = _session(seat)
        hosts = seat.hosts.values("user")
        links = CalendarConfiguration.objects.filter(
            user__in=hosts, linked_calendar__next_pull_at__isnull=False
        )
        for link in links.values_list("linked_calendar", flat=True):
            held = PushTarget.objects.filter(
                appointment__in=together, google_calendar=link, is_withdrawn=False
            )
            assert held.count() == 1, f"{held.count()} events of one session"


def _says_our_words(event: dict[str, Any], appointment: Appointment, target: PushTarget) -> bool:
    """An event of ours says what is written here, whatever its owner wrote over it; a private one is its owner's."""
    is_private = event.get("visibility", "default") != "default"
    return is_living(event) and not appointment.is_void and not target.is_adopted and not is_private


def _is_history(event: dict[str, Any] | None, google_calendar: GoogleCalendar) -> bool:
    """It ended before what is read of its calendar begins: nobody hears of it here any more."""
    starts_at = google_calendar.window_starts_at
    return event is not None and is_living(event) and starts_at is not None and span(event)[1] <= starts_at


def agree(event: dict[str, Any] | None, appointment: Appointment) -> bool:
    """Whether both sides say the same about time and cancellation."""
    lives = event is not None and is_living(event)
    if appointment.is_void:
        # Cancelled because no guest was left, it stays a person's own event; as guests we can but decline.
        by_google = appointment.came_from_google and appointment.status_set_by == "google"
        # A person kept its event as a private block: it ended here alone.
        by_google |= appointment.changes.filter(why__startswith="Kept as a private block").exists()
        by_google |= appointment.google_events.filter(decision="private").exists()
        return not lives or by_google or answer_of(event or {}) == "declined"
    if not lives or event is None:
        return False
    if is_all_day(event):
        return appointment.came_from_google
    return span(event) == (appointment.starts_at, appointment.ends_at)


def _judge_orphans(world: World, ledger: Ledger) -> None:
    """No event of ours lives at Google without its appointment, and none twice."""
    ours = []
    for google_calendar in world.calendars():
        if google_calendar.google_id == world.second:
            continue  # nothing is pushed there; what carries our mark, Alice moved there herself
        for event in events_of(world, google_calendar):
            mark = crm_id(event)
            if not mark or event["id"] in ledger.repeated:
                continue
            target = PushTarget.objects.filter(google_calendar=google_calendar, event_id=event["id"]).first()
            assert target is not None, f"an orphan: {event}"
            # That of a class stays the event of its session when who it was made for leaves.
            is_class = target.appointment.calendar.kind == Calendar.Kind.CLASS
            if not is_class:
                ours.append((google_calendar.pk, mark))
            assert is_class or str(target.appointment_id) == mark, f"marked for another appointment: {event}"
            row = GoogleEvent.objects.filter(google_calendar=google_calendar, google_id=event["id"]).first()
            if row is not None and google_calendar.next_pull_at is not None:
                assert row.appointment_id == target.appointment_id, f"its own event is a stranger: {event}"
    twice(ours, "event of ours")


def _judge_policy(world: World, ledger: Ledger) -> None:
    """Where a configuration never changed, each event became what the table says, whatever happened on the way."""
    ours = {user.email for user in world.users}
    for google_calendar in GoogleCalendar.objects.filter(next_pull_at__isnull=False).select_related(
        "account"
    ):
        policy = ledger.policies[google_calendar.pk]
        rows = {row.google_id: row for row in google_calendar.events.select_related("appointment")}
        for event in events_of(world, google_calendar):
            row, decides = rows.get(event["id"]), event["organizer"]["email"] not in ours or is_ours(event)
            is_plain = not is_all_day(event) and event.get("visibility", "default") == "default"
            if row is None or crm_id(event) or not decides or not is_plain or span(event)[0] <= world.now:
                continue
            if row.appointment is not None and not row.appointment.came_from_google:
                continue  # an occurrence of what was made here, and was made to repeat there
            people = guests_of(event, ours)
            meeting = Appointment.objects.exclude(ical_uid="").filter(
                ical_uid=row.ical_uid, original_start=row.original_start
            )
            if answer_of(event) == "declined":
                continue  # its appointment may stand with the colleagues
            if event["organizer"]["email"].endswith("@group.calendar.google.com"):
                continue  # dragged from one calendar to another: whose it is changes on the way
            if any(each.status in CLOSED or each.status_set_by == "staff" for each in meeting):
                continue
            stands = row.appointment is not None and not row.appointment.is_void
            if stands:
                assert people, f"an appointment without a guest: {row.reason} {event}"
            if google_calendar.pk in ledger.reconfigured or not policy.links:
                continue
            known = set(ContactEmail.objects.filter(address__in=people).values_list("address", flat=True))
            wanted = (policy.create and people) or (policy.match and known)
            assert stands == bool(wanted), f"wanted {bool(wanted)}: {row.reason} {event}"


def guests_of(event: dict[str, Any], ours: set[str]) -> set[str]:
    """People outside who have not declined; an outside organiser counts."""
    invited = {person["email"]: person["responseStatus"] for person in event.get("attendees", [])}
    invited.setdefault(event["organizer"]["email"], "accepted")
    outside = {address for address in invited if not address.endswith("@group.calendar.google.com")} - ours
    return {address for address in outside if invited[address] != "declined"}


def _judge_words(ledger: Ledger) -> None:
    """What staff typed stands, and nothing that they booked is gone."""
    for appointment in Appointment.objects.filter(pk__in=ledger.titles):
        assert appointment.title == ledger.titles[appointment.pk]
    assert set(ledger.booked_here) <= set(Appointment.objects.values_list("pk", flat=True))


# --- everything a further sweep must leave alone -----------------------------------------------------------------


def everything() -> dict[str, list[Any]]:
    """The whole database but bookkeeping: moments of pulls, claims, retries."""
    return {
        model.__name__: sorted(
            (tuple(sorted((k, repr(v)) for k, v in row.items() if k not in left_out)))
            for row in model.objects.values()
        )
        for model, left_out in (
            (Appointment, NO_TIME),
            (AppointmentChange, {"looked_at"}),
            (AppointmentGuest, set()),
            (AppointmentHost, set()),
            (Calendar, set()),
            (Contact, NO_TIME),
            (Enrolment, set()),
            (GoogleAccount, {"last_pull_at", "last_push_at", "access_token", "access_expires_at"}),
            (GoogleEvent, BOOKKEEPING),
            (GoogleEventGuest, {"id"}),
            (PushTarget, {"pushed_at", "not_before"}),
            (TriggerEvent, set()),
        )
    }


# --- Google's side -----------------------------------------------------------------------------------------------


def events_of(world: World, google_calendar: GoogleCalendar) -> list[dict[str, Any]]:
    owner = google_calendar.account.address
    return world.control.events(owner, google_calendar.google_id, world.now - AHEAD, world.now + AHEAD)


def event_at_google(world: World, target: PushTarget) -> dict[str, Any] | None:
    google_calendar = target.google_calendar
    try:
        return world.control.get(google_calendar.account.address, google_calendar.google_id, target.event_id)
    except ApiError:
        return None


def _is_series(event: dict[str, Any] | None) -> bool:
    return event is not None and "recurrence" in event


def is_living(event: dict[str, Any]) -> bool:
    return bool(event["status"] != "cancelled")


def is_all_day(event: dict[str, Any]) -> bool:
    return "date" in event["start"]


def is_ours(event: dict[str, Any]) -> bool:
    return bool(event["organizer"].get("self"))


def crm_id(event: dict[str, Any]) -> str:
    if "recurringEventId" in event:
        return ""  # inherited: a person made an event of ours repeat
    private = event.get("extendedProperties", {}).get("private", {})
    return str(next(iter(private.values()), ""))


def answer_of(event: dict[str, Any]) -> str:
    me = next((person for person in event.get("attendees", []) if person.get("self")), {})
    return str(me.get("responseStatus", ""))


def span(event: dict[str, Any]) -> tuple[datetime.datetime, datetime.datetime]:
    if is_all_day(event):
        days = (datetime.datetime.fromisoformat(event[end]["date"]) for end in ("start", "end"))
        first, last = (day.replace(tzinfo=datetime.UTC) for day in days)
        return first, last
    first, last = (datetime.datetime.fromisoformat(event[end]["dateTime"]) for end in ("start", "end"))
    return first.astimezone(datetime.UTC), last.astimezone(datetime.UTC)
