"""A person with several Google calendars, told in few words: who does what, in which calendar, and what is there."""

import datetime
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import time_machine

from calendars import booking, configuring
from calendars.models import Calendar, CalendarConfiguration, PushTarget
from calendars.sync import disconnecting, relinked
from calendars.sync.turn import Turn, take_turn
from contacts.matching import contact_for_guest
from contacts.models import Appointment
from integrations.connecting import refresh_calendars
from integrations.models import GoogleAccount, GoogleCalendar
from tests.factories import CalendarFactory
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

DAY = datetime.timedelta(days=1)
MINUTE = datetime.timedelta(minutes=1)
# When things are moved to.
LATER = TOMORROW_AT_TEN + DAY
WRITES = {"insert", "patch", "update", "delete", "move", "import"}


def times(start: datetime.datetime) -> dict[str, Any]:
    """An hour from `start`, as an event's body has it."""
    return {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": (start + HOUR).isoformat()}}


def configure(desk: Desk, now: datetime.datetime, **changed: Any) -> None:
    """Save the profile of `desk` with `changed` fields, as the form does."""
    before = CalendarConfiguration.objects.get(user=desk.user)
    values = replace(configuring.values_of(before), **changed)
    with time_machine.travel(now, tick=False):
        saved = configuring.save_configuration(values, user=desk.user, by=desk.user, now=now)
        relinked.follow(saved, link_changed=before.linked_calendar_id != saved.linked_calendar_id)


def disconnect(desk: Desk) -> None:
    GoogleAccount.objects.filter(pk=desk.account.pk).update(state=GoogleAccount.State.DISCONNECTED)
    disconnecting.let_go(desk.account.pk)


class Scene:
    """The staff of a desk. Their linked calendar is called "first"; `conflicts` are only read, `rooms` are linked to
    unassigned calendars of theirs. Each step of it is a minute later than the last.
    """

    def __init__(
        self,
        google: Google,
        option: str = "two_way",
        *,
        conflicts: Sequence[str] = (),
        rooms: Sequence[str] = (),
        room_option: str = "two_way",
        **configured: bool,
    ) -> None:
        self.google, self.now = google, NOW
        self.desk = Desk(google, option, **configured)
        self.address = self.desk.address
        self.calendars = {"first": self.desk.google_calendar}
        for name in conflicts:
            self.desk.configuration.conflict_calendars.add(self.add_calendar(name))
        for name in rooms:
            room = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, owner=self.desk.user)
            CalendarConfiguration.objects.create(
                calendar=room,
                linked_calendar=self.add_calendar(name),
                sync_option=room_option,
                policy_since=NOW,
            )
        GoogleCalendar.objects.filter(pk__in=[each.pk for each in self.calendars.values()]).update(
            next_pull_at=NOW
        )
        self.sweep()

    # --- what the person does at Google -----------------------------------------------------------------------

    def add_calendar(self, name: str) -> GoogleCalendar:
        google_id = self.google.control.add_calendar(self.address, name)
        refresh_calendars(self.desk.account)
        self.calendars[name] = GoogleCalendar.objects.get(google_id=google_id)
        return self.calendars[name]

    def add(self, calendar: str = "first", guests: tuple[str, ...] = ("ann@x.org",), **body: Any) -> str:
        """The id of a new event tomorrow at ten."""
        there = self.calendars[calendar].google_id
        return str(self.google.add(self.address, guests=guests, calendar=there, **body)["id"])

    def drag(self, event_id: str, here: str, there: str) -> None:
        self.google.drag(
            self.address, event_id, self.calendars[here].google_id, self.calendars[there].google_id
        )

    def change(self, calendar: str, event_id: str, **body: Any) -> None:
        self.google.control.patch(self.address, self.calendars[calendar].google_id, event_id, body)

    def delete(self, calendar: str, event_id: str) -> None:
        self.google.control.delete(self.address, self.calendars[calendar].google_id, event_id)

    def events(self, *calendars: str) -> list[dict[str, Any]]:
        """What stands in `calendars`, in all of them by default."""
        return [
            event
            for name in calendars or self.calendars
            for event in self.google.control.events(
                self.address, self.calendars[name].google_id, NOW - DAY, NOW + 60 * DAY
            )
            if event["status"] != "cancelled"
        ]

    # --- what they do here -------------------------------------------------------------------------------------

    def book(self, address: str = "ann@x.org") -> Appointment:
        with time_machine.travel(self.now, tick=False):
            return booking.book(
                calendar=self.desk.calendar,
                contact=contact_for_guest(address, owner=self.desk.user),
                owner=self.desk.user,
                starts_at=TOMORROW_AT_TEN,
                ends_at=TOMORROW_AT_TEN + HOUR,
            )

    def booked(self) -> tuple[Appointment, str]:
        """An appointment made here, and the id of its event in the first calendar; both sides know it."""
        appointment = self.book()
        self.sweep()
        [event] = self.events("first")
        return appointment, event["id"]

    def imported(self) -> tuple[Appointment, str]:
        """The appointment of an event made at Google, and its id."""
        event_id = self.add()
        self.sweep()
        return Appointment.objects.get(), event_id

    def made(self, where: str) -> tuple[Appointment, str]:
        """Either, made "here" or "there"."""
        return self.booked() if where == "here" else self.imported()

    def move(self, appointment: Appointment, start: datetime.datetime = LATER) -> None:
        with time_machine.travel(self.now, tick=False):
            booking.reschedule(self.fresh(appointment), starts_at=start, ends_at=start + HOUR)

    def rename(self, appointment: Appointment, title: str) -> None:
        with time_machine.travel(self.now, tick=False):
            booking.set_details(self.fresh(appointment), title=title, description="", location="")

    def cancel(self, appointment: Appointment) -> None:
        with time_machine.travel(self.now, tick=False):
            booking.cancel(self.fresh(appointment))

    def configure(self, **changed: Any) -> None:
        configure(self.desk, self.now, **changed)

    def disconnect(self) -> None:
        disconnect(self.desk)

    def change_account(self, address: str) -> None:
        """The old account is disconnected, another one connected and its calendar, "new", linked."""
        self.disconnect()
        account = self.google.connect(self.desk.user, address)
        new = GoogleCalendar.objects.get(account=account, is_primary=True)
        self.calendars, self.address = {"new": new}, address
        self.configure(linked_calendar=new)
        self.sweep()

    # --- what workers do ---------------------------------------------------------------------------------------

    def turn(self, calendar: str, *, pulls: bool = True) -> Turn:
        self.google.control.set_clock(self.now)
        with time_machine.travel(self.now, tick=False):
            turn = take_turn(self.calendars[calendar].pk, self.now, pulls=pulls)
        assert turn.taken
        return turn

    def sweep(self, *order: str, rounds: int = 3) -> None:
        """Every calendar pulled, in `order`, again and again, a minute apart."""
        for _ in range(rounds):
            self.now += MINUTE
            for name in order or list(self.calendars):
                turn = self.turn(name)
                assert not turn.has_failed, turn

    def assert_quiet(self) -> None:
        """Nothing is left to do: a further sweep writes nothing, and nothing waits."""
        self.google.control.clear_requests()
        self.sweep(rounds=2)
        wrote = [each.method for each in self.google.control.requests()]
        assert not [name for name in wrote if name.rpartition(".")[2] in WRITES]
        assert not PushTarget.objects.behind().filter(google_calendar__next_pull_at__isnull=False).exists()

    # --- what there is -----------------------------------------------------------------------------------------

    def fresh(self, appointment: Appointment) -> Appointment:
        return Appointment.objects.get(pk=appointment.pk)

    def changes(self, appointment: Appointment) -> list[tuple[str, str]]:
        """What became of it, and who did it, after it was booked."""
        found = appointment.changes.order_by("pk").exclude(what="booked")
        return list(found.values_list("what", "origin"))
