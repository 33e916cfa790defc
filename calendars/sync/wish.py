"""What Google should hold of an appointment, and what of it Google lacks.

Only the fields that travel are ever written. Guests and the link of a meeting are Google's business only where the
calendar invites through it.
"""

import uuid
from functools import cached_property

from calendars.models import GoogleEvent, PushTarget
from calendars.sync import sessions
from contacts.models import AppointmentChange, ContactEmail, Origin
from integrations.google.events import EventDraft, EventPatch


class Wish:
    """One appointment as one Google calendar should hold it."""

    def __init__(self, target: PushTarget) -> None:
        self.target = target
        self.google_calendar = target.google_calendar
        self.appointment = target.appointment
        self.calendar = target.appointment.calendar

    @cached_property
    def invites(self) -> bool:
        """Whether this copy carries guests and link. Of several hosts' copies one does: nobody is invited twice."""
        if not self.calendar.lets_google_invite:
            return False
        return self.target.is_withdrawn or _invites(self.target)

    @cached_property
    def guests(self) -> tuple[tuple[str, str], ...]:
        """Whom to invite: (address, name). Every guest sees the list, so that names are those that were told."""
        people = [
            (guest.address or guest.contact.primary_address, guest.told_name)
            for guest in self.appointment.guests.all()
        ]
        return tuple((address, name) for address, name in people if address)

    @cached_property
    def words(self) -> tuple[str, str, str]:
        """Summary, description and location of an event of ours; that of a session tells nothing of who comes."""
        appointment = self.appointment
        if sessions.is_seat(appointment):
            return sessions.words_of(appointment), self.calendar.description, appointment.location
        return appointment.title, appointment.description, appointment.location

    def draft(self) -> EventDraft:
        """The event to insert."""
        summary, description, location = self.words
        return EventDraft(
            event_id=self.target.event_id,
            summary=summary,
            description=description,
            location=location,
            starts_at=self.appointment.starts_at,
            ends_at=self.appointment.ends_at,
            time_zone=self.google_calendar.time_zone,
            crm_id=str(self.appointment.pk),
            attendees=self.guests if self.invites else (),
            wants_meet=self.calendar.uses_google_meet
            and (self.invites or sessions.is_seat(self.appointment)),
            request_id=uuid.uuid4().hex,
        )

    def difference(self, row: GoogleEvent | None, *, follows: bool = True) -> EventPatch | None:
        """What the event `row` lacks; everything, where it was never seen. None: nothing, or it is not ours to edit.

        `follows`: whether the appointment goes along with what happens at Google.
        """
        if row is not None and (row.is_locked or not row.organised_by_us):
            return None
        appointment = self.appointment
        moved = row is None or self._lacks_time(row, follows=follows)
        words = self._words(row)
        invited, uninvited = self._guest_list(row)
        if not (moved or words or invited or uninvited):
            return None
        return EventPatch(
            starts_at=appointment.starts_at if moved else None,
            ends_at=appointment.ends_at if moved else None,
            time_zone=self.google_calendar.time_zone,
            was_all_day=bool(row and row.is_all_day),
            summary=words.get("summary"),
            description=words.get("description"),
            location=words.get("location"),
            invited=invited,
            uninvited=uninvited,
        )

    def _lacks_time(self, row: GoogleEvent, *, follows: bool) -> bool:
        """Whether the event is to be moved. Where the appointment did not follow it and was not moved here since, both
        keep their own time: other words for the event are no reason to move it.
        """
        ours = (self.appointment.starts_at, self.appointment.ends_at)
        if (row.starts_at, row.ends_at) == ours:
            return False
        could_follow = follows and not row.is_all_day and row.starts_at != row.ends_at
        return could_follow or ours != (row.agreed_starts_at, row.agreed_ends_at)

    def _words(self, row: GoogleEvent | None) -> dict[str, str]:
        if self.target.is_adopted:
            # The text of an event made at Google stays Google's.
            return {}
        there = (row.summary, row.description, row.location) if row else (None, None, None)
        names = ("summary", "description", "location")
        return {name: our for name, our, their in zip(names, self.words, there, strict=True) if our != their}

    def _guest_list(self, row: GoogleEvent | None) -> tuple[tuple[tuple[str, str], ...], frozenset[str]]:
        """Whom to invite and whom to take off; nobody where the list is not ours or not known in full.

        Taken off is who was taken off here: who declined, or was added at Google, stays on the list.
        """
        if row is None or not self.invites or self.target.is_adopted or row.attendees_omitted:
            return (), frozenset()
        listed = {person["address"] for person in row.attendees}
        invited = tuple(guest for guest in self.guests if guest[0] not in listed)
        left = AppointmentChange.objects.filter(
            appointment=self.appointment, what=AppointmentChange.What.CANCELLED, contact__isnull=False
        ).exclude(origin=Origin.GOOGLE)
        gone = ContactEmail.objects.filter(contact__in=left.values("contact"), address__in=listed)
        stay = {address for address, _ in self.guests}
        return invited, frozenset(gone.values_list("address", flat=True)) - stay


def _invites(target: PushTarget) -> bool:
    """Whether it is the first of its appointment; where the event of the first was dragged, whether it writes it where
    it lies. Of an event that lies nowhere, whoever puts it back."""
    standing = list(
        PushTarget.objects.filter(appointment=target.appointment_id, is_withdrawn=False).order_by("pk")
    )
    same = [each for each in standing if each.host_id == standing[0].host_id]
    if len(same) <= 1 or target not in same:
        return same[:1] == [target]
    events = GoogleEvent.objects.filter(appointment=target.appointment_id).exclude(status="cancelled")
    places = set(events.values_list("google_calendar", "google_id"))
    living = [each for each in same if (each.google_calendar_id, each.event_id) in places]
    return target in living[:1] or not living
