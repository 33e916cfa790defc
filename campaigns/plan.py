"""The message plan as people read it: each row at its local time, and whether it would leave as things stand."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.utils import timezone

from campaigns import outbox
from campaigns.candidates import reach_of
from campaigns.merge_fields import with_guests, zone_for
from campaigns.models import Message, Outgoing
from campaigns.reaching import Reach, why_unreachable
from campaigns.wording import why_step_is_off
from contacts.models import Appointment, Contact, User


@dataclass(frozen=True, slots=True)
class Planned:
    """`zone`: the contact's, where its clocks differ from the viewer's at that moment. `will_skip`: why a message that
    waits would be left out if it came due now, "" when it would leave."""

    row: outbox.Row
    zone: ZoneInfo | None
    will_skip: str

    @property
    def text(self) -> str:
        """As it was sent, or as it would read if it left now."""
        return outbox.as_it_reads(self.row.message).text


def of_appointment(appointment: Appointment, viewer: User) -> list[Planned]:
    """All that went or goes out about an appointment, in order of time."""
    return planned(outbox.of_appointment(appointment, viewer))


def of_contact(contact_id: int, viewer: User, most: int) -> list[Planned]:
    """The latest `most` to a contact, those to come first."""
    return planned(outbox.of_contact(contact_id, viewer, most))


def planned(rows: Iterable[outbox.Row]) -> list[Planned]:
    """Three statements at most for any number of rows."""
    rows = list(rows)
    with_guests(row.appointment for row in rows)
    waiting = [row.contact for row in rows if _waits(row.message)]
    reach = reach_of(waiting) if waiting else {}
    return [
        Planned(
            row,
            other_zone(row.appointment, row.contact, row.at),
            why_would_be_skipped(row.message, reach.get(row.contact.pk, Reach())),
        )
        for row in rows
    ]


def other_zone(appointment: Appointment, contact: Contact, at: datetime.datetime) -> ZoneInfo | None:
    zone = zone_for(appointment, contact)
    return zone if at.astimezone(zone).utcoffset() != timezone.localtime(at).utcoffset() else None


def why_would_be_skipped(one: Outgoing, reach: Reach) -> str:
    """As delivery would say it, from what is known of the campaign, the step and the person. Notices follow rules of
    their own and leave within moments."""
    if not _waits(one) or not isinstance(one, Message):
        return ""
    if not one.enrolment.campaign.is_active:
        return "The campaign is switched off."
    if not one.step.is_active:
        return why_step_is_off(one.step)
    if one.enrolment.contact.archived_at is not None:
        return "The contact is archived."
    return why_unreachable(one.step.medium, reach)


def _waits(one: Outgoing) -> bool:
    return one.state == Outgoing.State.WAITING
