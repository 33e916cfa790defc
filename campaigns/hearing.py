"""Who would be told of what staff are about to do, and how: asked beforehand of the very rules that decide it after.

What campaigns make of it `triggers` says, what the calendar tells of it `notices`, and delivery what speaks against a
notice as things stand. Nothing is stored, and no rule is repeated here.
"""

import copy
import datetime
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from django.db.models import prefetch_related_objects
from django.utils import timezone

from campaigns import wording
from campaigns.candidates import reach_of
from campaigns.delivery.notices import Notices
from campaigns.enrolment import DONE, facts_of
from campaigns.firing import VOID
from campaigns.merge_fields import zone_for
from campaigns.models import Campaign, Message, Notice, Step
from campaigns.notices import writing
from campaigns.notices.standing import google_invites, with_standing_of_notices
from campaigns.reaching import Reach, why_unreachable
from campaigns.schedule import Due, due_at
from campaigns.transports import TryLater
from campaigns.triggers import Case, Known, foreseen, guests_of, known_of
from contacts.models import Appointment, AppointmentChange, Contact, Origin

What = AppointmentChange.What
Status = Appointment.Status
# What staff do beside the changes themselves: what was void stands again, which is two of them at once.
RESTORED = "restored"
STATUS_AFTER = {
    What.CONFIRMED: Status.CONFIRMED,
    What.CANCELLED: Status.CANCELLED,
    What.INVALID: Status.INVALID,
    What.SHOWED: Status.SHOWED,
    What.NO_SHOW: Status.NO_SHOW,
    RESTORED: Status.CONFIRMED,
}
ABOUT = {What.RESCHEDULED: "moved", What.NO_SHOW: "missed", What.SHOWED: "kept", RESTORED: "confirmed"}
# What Google, where it invites, writes to the guests of.
AT_GOOGLE = frozenset({What.BOOKED, What.RESCHEDULED, What.CANCELLED, What.INVALID, RESTORED})
EMPTY = "It has no message that is switched on."
# Why a message of a campaign that they enter tells nobody, in the order in which they are told.
SENT, LATE, DROPPED, UNREACHED = "was sent already", "comes too late", "is void then", "reaches nobody"
MOST_NAMES = 4
Rows = dict[uuid.UUID, Appointment]
Guests = dict[uuid.UUID, list[Contact]]
MINUTE = datetime.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Hearing:
    """In one line: whom what tells, or why nobody is told."""

    words: str
    is_nobody: bool = False


@dataclass(frozen=True, slots=True)
class _Read:
    """All that any question about the appointments wants to know. `said`: step, appointment and contact of what was
    sent for the present start."""

    rows: Rows
    known: Known
    reach: dict[int, Reach]
    histories: writing.Histories
    said: frozenset[tuple[int, uuid.UUID, int]]

    @property
    def guests(self) -> Guests:
        return self.known.guests


def who_hears(
    appointments: Collection[Appointment], what: str, now: datetime.datetime | None = None
) -> Hearing:
    """What follows if staff do `what` ("rescheduled" to a time ahead, "cancelled", "restored", a status) to stored
    `appointments`, or from their having "booked" them just now. About twenty statements for any number of them."""
    return who_hears_of_each(appointments, [what], now)[what]


def who_hears_of_each(
    appointments: Collection[Appointment], whats: Iterable[str], now: datetime.datetime | None = None
) -> dict[str, Hearing]:
    """The same of each of `whats`, at the statements of one."""
    now = now or timezone.now()
    read = _read(appointments)
    found = {}
    for what in whats:
        rows = {pk: _as_it_would_be(row, what, now) for pk, row in read.rows.items()}
        changes = [change for row in rows.values() for change in _changes(row, what)]
        found[what] = _heard(replace(read, rows=rows), changes, what, now)
    return found


def who_hears_of_guests(
    appointment: Appointment, changes: Sequence[AppointmentChange], now: datetime.datetime | None = None
) -> Hearing:
    """What follows from `changes`, stored and not looked at, that each added or took off one guest of `appointment`:
    all of them the one or the other. A few statements more than `who_hears`."""
    now = now or timezone.now()
    prefetch_related_objects(changes, "contact__emails", "contact__tags")
    return _heard(_read([appointment]), changes, changes[0].what, now)


def _read(appointments: Collection[Appointment]) -> _Read:
    stored = Appointment.objects.filter(pk__in=[each.pk for each in appointments])
    rows = {row.pk: row for row in with_standing_of_notices(stored)}
    guests = guests_of(rows)
    people = [person for them in guests.values() for person in them]
    prefetch_related_objects(people, "emails")
    sent = Message.objects.filter(enrolment__appointment__in=rows, state__in=DONE)
    said = sent.values_list("step", "enrolment__appointment", "enrolment__contact", "for_start")
    return _Read(
        rows=rows,
        known=known_of(rows, guests),
        reach=reach_of(people),
        histories=writing.told_so_far(rows),
        said=frozenset(each[:3] for each in said if each[3] == rows[each[1]].starts_at),
    )


def _as_it_would_be(stored: Appointment, what: str, now: datetime.datetime) -> Appointment:
    row = copy.copy(stored)
    row.status = STATUS_AFTER.get(what, row.status)
    if what == What.RESCHEDULED:
        length = row.ends_at - row.starts_at
        row.starts_at = max(row.starts_at, now) + MINUTE
        row.ends_at = row.starts_at + length
    return row


def _changes(row: Appointment, what: str) -> list[AppointmentChange]:
    """What `booking` would write of it."""
    if what == RESTORED:
        return [_change(row, What.BOOKED, fires=False), _change(row, What.CONFIRMED)]
    return [_change(row, what, is_made=what == What.BOOKED)]


def _change(row: Appointment, what: str, *, fires: bool = True, is_made: bool = False) -> AppointmentChange:
    revision = row.revision if is_made else row.revision + 1
    return AppointmentChange(appointment=row, revision=revision, what=what, origin=Origin.STAFF, fires=fires)


def _heard(read: _Read, changes: Sequence[AppointmentChange], what: str, now: datetime.datetime) -> Hearing:
    coming = writing.foreseen(changes, read.rows, read.guests, read.histories, now=now)
    notices = [(each.contact, *_fate(each, now)) for each in coming]
    # Triggers are silent about who is taken off, and about a return: what fires of that is that it is confirmed.
    fireable = [each for each in changes if each.fires]
    cases = foreseen(fireable, read.rows, read.known, now)
    told = [
        *(_by_google(read, changes) if what in AT_GOOGLE else []),
        *_by_notice(person for person, is_told, _ in notices if is_told),
        *_by_campaigns(cases, read, what, now),
    ]
    if told:
        return Hearing(" ".join(told))
    silence = _why_no_campaign(cases, read, what, now) if fireable else []
    reasons = [*silence, *(why for *_, why in notices if why)]
    if len(reasons) > 1:
        # Beside another reason it goes without saying.
        reasons = [why for why in reasons if why != writing.NOT_ITS_OWN]
    return Hearing(
        f"Nobody is told: {wording.listed(list(dict.fromkeys(map(_inside, reasons))))}.", is_nobody=True
    )


def _fate(each: writing.Foreseen, now: datetime.datetime) -> tuple[bool, str]:
    """Whether the notice would leave as things stand, and why not."""
    if each.notice is None:
        return False, each.why
    if each.notice.state == Notice.State.SKIPPED:
        return False, each.notice.why
    try:
        objection = Notices().objection(each.notice, now)
    except TryLater:
        # It waits for the one before it, and leaves.
        objection = None
    return objection is None, objection.why if objection else ""


def _by_google(read: _Read, changes: Iterable[AppointmentChange]) -> list[str]:
    invited = [
        person
        for change in changes
        if google_invites(read.rows[change.appointment_id])
        for person in ([change.contact] if change.contact else read.guests[change.appointment_id])
    ]
    return [f"Google writes to {_names(invited)}."] if invited else []


def _by_notice(people: Iterable[Contact]) -> list[str]:
    told = list(people)
    return [f"The calendar tells {_names(told)} by e-mail."] if told else []


def _by_campaigns(cases: Sequence[Case], read: _Read, what: str, now: datetime.datetime) -> list[str]:
    people: dict[tuple[str, str, str], list[Contact]] = defaultdict(list)
    for case in cases:
        reach = read.reach.get(case.contact.pk, Reach())
        for campaign in case.campaigns:
            steps, waits = [], ""
            # Those that are active: the others were not read.
            for step in campaign.steps.all():
                due = _due(step, case, now)
                if not _why_unsaid(step, due, case, read, what) and not why_unreachable(step.medium, reach):
                    steps.append(step)
                    if step.anchor == Step.Anchor.AT_ONCE and due.at > now and what != What.RESCHEDULED:
                        waits = f" What is said at once waits until {_moment(due.at)}."
            if steps:
                people[campaign.name, wording.messages(steps), waits].append(case.contact)
    return [
        f"“{name}” sends {sent} to {_names(them)}.{waits}" for (name, sent, waits), them in people.items()
    ]


def _due(step: Step, case: Case, now: datetime.datetime) -> Due:
    row = case.event.appointment
    zone = zone_for(row, case.contact)
    return due_at(facts_of(step), starts_at=row.starts_at, ends_at=row.ends_at, time_zone=zone, now=now)


def _why_unsaid(step: Step, due: Due, case: Case, read: _Read, what: str) -> str:
    """ "" where `step` says something of such a change, did not say it of this start before and is not too late. Of a
    move nobody knows yet where to."""
    if what in VOID and step.anchor == Step.Anchor.BEFORE_START:
        return DROPPED
    if what == What.RESCHEDULED:
        return ""
    if (step.pk, case.event.appointment_id, case.contact.pk) in read.said:
        return SENT
    return LATE if due.is_skipped else ""


def _moment(at: datetime.datetime) -> str:
    """ "Mon 30 Nov, 09:00" on the viewer's clocks."""
    at = timezone.localtime(at)
    return f"{at:%a} {at.day} {at:%b, %H:%M}"


def _why_no_campaign(cases: Sequence[Case], read: _Read, what: str, now: datetime.datetime) -> list[str]:
    """Why no campaign tells anybody. One statement where one might have."""
    silent = [case.event.why for case in cases if not case.event.fired]
    if silent:
        return silent
    left_out = dict(outcome for case in cases for outcome in case.event.outcomes)
    if not left_out:
        return [f"no campaign is about {ABOUT.get(what, what)} appointments"]
    names = Campaign.objects.in_bulk(left_out)
    unsaid = _unsaid(cases, read, what, now)
    return [
        f"“{names[pk]}” says nothing ({_inside(why or unsaid.get(pk, EMPTY))})"
        for pk, why in left_out.items()
    ]


def _unsaid(cases: Sequence[Case], read: _Read, what: str, now: datetime.datetime) -> dict[int, str]:
    """By campaign that they enter, why none of its messages leaves: "what it says was sent already"."""
    found: dict[int, set[str]] = defaultdict(set)
    for case in cases:
        for campaign in case.campaigns:
            for step in campaign.steps.all():
                why = _why_unsaid(step, _due(step, case, now), case, read, what)
                found[campaign.pk].add(why or UNREACHED)
    order = (SENT, LATE, DROPPED, UNREACHED)
    return {
        pk: f"what it says {' or '.join(each for each in order if each in whys)}"
        for pk, whys in found.items()
    }


def _inside(why: str) -> str:
    """A reason inside a sentence: "The contact is archived." as "the contact is archived"."""
    return f"{why[:1].lower()}{why[1:].rstrip('.')}"


def _names(people: Iterable[Contact]) -> str:
    """Each person once; many are counted."""
    names = list(dict.fromkeys(person.name for person in people))
    more = len(names) - MOST_NAMES
    return wording.listed([*names[:MOST_NAMES], f"{more} more"] if more > 0 else names)
