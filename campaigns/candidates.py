"""Every campaign and every person with the facts that `matching` decides on, each read once for any number of cases."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Prefetch

from calendars.models import Calendar
from campaigns.enrolment import changes_of, what_started
from campaigns.matching import Fact, Filters, concerns, why_not
from campaigns.models import Campaign, Enrolment, Step
from campaigns.overlapping import Notifier, Said, what_calendars_tell, what_is_doubled
from campaigns.reaching import Reach
from contacts.models import Appointment, Contact, ContactEmail, ContactPhone

# Campaign, appointment, contact: what an enrolment is unique by.
Key = tuple[int, uuid.UUID, int]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A campaign, its active steps prefetched, beside what it takes."""

    campaign: Campaign
    filters: Filters


@dataclass(frozen=True, slots=True)
class Field:
    """`started`: by which change those who are in a campaign and stay there came into it."""

    candidates: list[Candidate]
    reach: Mapping[int, Reach]
    started: Mapping[Key, str]

    def fact(self, kind: str, what: str, appointment: Appointment, contact: Contact) -> Fact:
        """Reads prefetched `tags` of the contact."""
        return Fact(
            kind=kind,
            what=what,
            calendar=appointment.calendar_id,
            made_by=appointment.origin,
            is_recurring=appointment.is_recurring,
            tags=frozenset(tag.pk for tag in contact.tags.all()),
            owner=contact.owner_id,
            reach=self.reach.get(contact.pk, Reach()),
        )

    def verdicts(
        self, kind: str, what: str, appointment: Appointment, contact: Contact
    ) -> list[tuple[Campaign, str]]:
        """Each campaign whose business it is, and why it does not take this contact's appointment ("": it does)."""
        concerned = [each for each in self.candidates if each.filters.trigger == kind]
        if not concerned:
            return []
        fact = self.fact(kind, what, appointment, contact)
        found = []
        for each in concerned:
            if concerns(each.filters, fact):
                started_by = self.started.get((each.campaign.pk, appointment.pk, contact.pk), "")
                why = why_not(each.filters, fact, started_by=started_by)
                found += [(each.campaign, why)] if why is not None else []
        return found


def read(contacts: Iterable[Contact], *, entered: Iterable[Enrolment] = ()) -> Field:
    """The field for these people. `entered`: the enrolments that stand, each with its trigger event and change."""
    found = candidates()
    return Field(found, reach_of(contacts) if found else {}, started(entered))


def candidates() -> list[Candidate]:
    """Every campaign, those that are off too."""
    active_steps = Prefetch("steps", Step.objects.filter(is_active=True))
    rows = Campaign.objects.prefetch_related("calendars", "tags", "owners", active_steps)
    return [Candidate(row, filters_of(row)) for row in rows]


def filters_of(campaign: Campaign) -> Filters:
    return Filters(
        trigger=campaign.trigger,
        changes=frozenset(changes_of(campaign)),
        is_active=campaign.is_active,
        calendars=_ids(campaign.calendars.all()),
        tags=_ids(campaign.tags.all()),
        owners=_ids(campaign.owners.all()),
        made_by=frozenset(campaign.made_by),
        recurring=campaign.recurring,
        mediums=tuple(dict.fromkeys(step.medium for step in campaign.steps.all())),
    )


@dataclass(frozen=True, slots=True)
class Doubled:
    """A campaign that is on and says some of the same. `words` end a sentence that begins with its name."""

    campaign: Campaign
    words: str


def doubled_by(campaign: Campaign) -> list[Doubled]:
    """The other campaigns that are on and tell the same people the same thing at the same time. Five statements."""
    every = candidates()
    mine = next(each for each in every if each.campaign.pk == campaign.pk)
    return _doubled(mine.filters, said_by(mine.campaign.steps.all()), every, campaign.pk)


def doubled_with(filters: Filters, said: Collection[Said], campaign: Campaign) -> list[Doubled]:
    """The same of what `campaign`, stored or not, is being written to take and to say. Five statements."""
    return _doubled(filters, said, candidates(), campaign.pk)


def told_by_calendars(filters: Filters, said: Collection[Said]) -> str:
    """What calendars tell by themselves of what says a campaign that takes `filters`; one statement."""
    rows = Calendar.objects.filter(is_active=True).order_by("name").values_list("pk", "name", "notices")
    return what_calendars_tell(filters, said, [Notifier(*row) for row in rows])


def _doubled(
    filters: Filters, said: Collection[Said], every: Iterable[Candidate], own: int | None
) -> list[Doubled]:
    found = []
    for other in every:
        if other.campaign.is_active and other.campaign.pk != own:
            theirs = said_by(other.campaign.steps.all())
            words = what_is_doubled(filters, said, other.filters, theirs)
            found += [Doubled(other.campaign, words)] if words else []
    return found


def said_by(steps: Iterable[Step]) -> list[Said]:
    return [Said(step.anchor, step.offset, step.medium) for step in steps]


def _ids(rows: Iterable[object]) -> frozenset[int]:
    return frozenset(getattr(row, "pk") for row in rows)  # noqa: B009 (three models, all with a number for a key)


def reach_of(contacts: Iterable[Contact]) -> dict[int, Reach]:
    """By contact: their wishes, and whether there is an address and a number that leads anywhere. Two statements."""
    people = {contact.pk: contact for contact in contacts}
    addresses = _who_has(ContactEmail, people)
    numbers = _who_has(ContactPhone, people)
    return {
        pk: Reach(
            person.no_email,
            person.no_sms,
            pk in addresses,
            pk in numbers,
            is_address_dead=addresses.get(pk) is False,
            is_number_dead=numbers.get(pk) is False,
        )
        for pk, person in people.items()
    }


def _who_has(kind: type[ContactEmail] | type[ContactPhone], people: Collection[int]) -> dict[int, bool]:
    """By contact that has one, whether any of theirs leads anywhere."""
    rows = kind._default_manager.filter(contact__in=people).values_list("contact", "undeliverable_at")
    found: dict[int, bool] = {}
    for contact, undeliverable_at in rows:
        found[contact] = found.get(contact, False) or undeliverable_at is None
    return found


def started(enrolments: Iterable[Enrolment]) -> dict[Key, str]:
    """Of those that nothing fired for (later occurrences of a series) nothing was said at once: they may start."""
    return {
        (each.campaign_id, each.appointment_id, each.contact_id): what_started(each)
        for each in enrolments
        if each.withdrawn_at is None and (each.trigger_event is None or each.trigger_event.fired)
    }
