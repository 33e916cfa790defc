"""Who would be told of what staff are about to do, and how: asked beforehand of the very rules that decide it after.

What campaigns make of it `triggers` says, what the calendar tells of it `notices`, and delivery what speaks against a
notice as things stand. Nothing is stored, and no rule is repeated here.
"""

import datetime
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db.models import prefetch_related_objects
from django.utils import timezone

from campaigns import wording
from campaigns.candidates import reach_of
from campaigns.delivery.notices import Notices
from campaigns.enrolment import facts_of
from campaigns.firing import VOID
from campaigns.merge_fields import zone_for
from campaigns.models import Campaign, Notice, Step
from campaigns.notices import writing
from campaigns.notices.standing import google_invites, with_standing_of_notices
from campaigns.reaching import why_unreachable
from campaigns.schedule import due_at
from campaigns.transports import TryLater
from campaigns.triggers import Case, foreseen, guests_of
from contacts.models import Appointment, AppointmentChange, Contact, Origin

What = AppointmentChange.What
ABOUT = {What.BOOKED: "booked", What.RESCHEDULED: "moved", What.CANCELLED: "cancelled"}
NOTHING = "None of its messages reaches anybody then."
MOST_NAMES = 4
Rows = dict[uuid.UUID, Appointment]
Guests = dict[uuid.UUID, list[Contact]]
MINUTE = datetime.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Hearing:
    """In one line: whom what tells, or why nobody is told."""

    words: str
    is_nobody: bool = False


def who_hears(
    appointments: Collection[Appointment], what: str, now: datetime.datetime | None = None
) -> Hearing:
    """What follows if staff do `what` ("rescheduled" to a time ahead, "cancelled") to stored `appointments`, or from
    their having "booked" them just now. About twenty statements for any number of them."""
    now = now or timezone.now()
    stored = Appointment.objects.filter(pk__in=[each.pk for each in appointments])
    rows = {row.pk: _as_it_would_be(row, what, now) for row in with_standing_of_notices(stored)}
    return _heard(rows, guests_of(rows), what, now)


def _as_it_would_be(row: Appointment, what: str, now: datetime.datetime) -> Appointment:
    if what == What.CANCELLED:
        row.status = Appointment.Status.CANCELLED
    if what == What.RESCHEDULED:
        length = row.ends_at - row.starts_at
        row.starts_at = max(row.starts_at, now) + MINUTE
        row.ends_at = row.starts_at + length
    return row


def _heard(rows: Rows, guests: Guests, what: str, now: datetime.datetime) -> Hearing:
    changes = [
        AppointmentChange(
            appointment=row, revision=row.revision + (what != What.BOOKED), what=what, origin=Origin.STAFF
        )
        for row in rows.values()
    ]
    prefetch_related_objects([person for them in guests.values() for person in them], "emails")
    notices = [(each.contact, *_fate(each, now)) for each in writing.foreseen(changes, rows, guests, now=now)]
    cases = foreseen(changes, rows, guests, now)
    told = [
        *_by_google(rows, guests),
        *_by_notice(person for person, is_told, _ in notices if is_told),
        *_by_campaigns(cases, what, now),
    ]
    if told:
        return Hearing(" ".join(told))
    reasons = [*_why_no_campaign(cases, what), *(why for *_, why in notices if why)]
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


def _by_google(rows: Rows, guests: Guests) -> list[str]:
    invited = [person for pk, row in rows.items() if google_invites(row) for person in guests[pk]]
    return [f"Google writes to {_names(invited)}."] if invited else []


def _by_notice(people: Iterable[Contact]) -> list[str]:
    told = list(people)
    return [f"The calendar tells {_names(told)} by e-mail."] if told else []


def _by_campaigns(cases: Sequence[Case], what: str, now: datetime.datetime) -> list[str]:
    entering = [case for case in cases if case.campaigns]
    reach = reach_of(case.contact for case in entering) if entering else {}
    people: dict[tuple[str, str], list[Contact]] = defaultdict(list)
    for case in entering:
        for campaign in case.campaigns:
            # Those that are active: the others were not read.
            sent = (step for step in campaign.steps.all() if _is_sent(step, case, what, now))
            steps = [step for step in sent if not why_unreachable(step.medium, reach[case.contact.pk])]
            if steps:
                people[campaign.name, wording.messages(steps)].append(case.contact)
    return [f"“{name}” sends {sent} to {_names(them)}." for (name, sent), them in people.items()]


def _is_sent(step: Step, case: Case, what: str, now: datetime.datetime) -> bool:
    """Whether `step` says something of such a change and is not too late. Of a move nobody knows yet where to."""
    if what in VOID and step.anchor == Step.Anchor.BEFORE_START:
        return False
    if what == What.RESCHEDULED:
        return True
    row = case.event.appointment
    zone = zone_for(row, case.contact)
    due = due_at(facts_of(step), starts_at=row.starts_at, ends_at=row.ends_at, time_zone=zone, now=now)
    return not due.is_skipped


def _why_no_campaign(cases: Sequence[Case], what: str) -> list[str]:
    """Why no campaign tells anybody. One statement where one might have."""
    silent = [case.event.why for case in cases if not case.event.fired]
    if silent:
        return silent
    left_out = dict(outcome for case in cases for outcome in case.event.outcomes)
    if not left_out:
        return [f"no campaign is about {ABOUT[What(what)]} appointments"]
    names = Campaign.objects.in_bulk(left_out)
    return [f"“{names[pk]}” says nothing ({_inside(why or NOTHING)})" for pk, why in left_out.items()]


def _inside(why: str) -> str:
    """A reason inside a sentence: "The contact is archived." as "the contact is archived"."""
    return f"{why[:1].lower()}{why[1:].rstrip('.')}"


def _names(people: Iterable[Contact]) -> str:
    """Each person once; many are counted."""
    names = list(dict.fromkeys(person.name for person in people))
    more = len(names) - MOST_NAMES
    return wording.listed([*names[:MOST_NAMES], f"{more} more"] if more > 0 else names)
