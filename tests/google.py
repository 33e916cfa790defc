"""The Google that a test speaks of: people and events at the sandbox, and users connected to it."""

import datetime
from typing import Any

import time_machine

from calendars.models import Calendar, CalendarConfiguration
from calendars.sync.turn import Turn, take_turn
from contacts.models import User
from integrations.connecting import refresh_calendars
from integrations.fields import encrypt
from integrations.models import GoogleAccount, GoogleCalendar
from integrations.sandbox.control import SandboxControl
from integrations.sandbox.events import Write
from tests.factories import CalendarFactory, GoogleAccountFactory, MembershipFactory, UserFactory

# A Monday. Tests that use `google` live at this moment, on both sides.
NOW = datetime.datetime(2026, 3, 2, 9, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
TOMORROW_AT_TEN = NOW + datetime.timedelta(days=1, hours=1)
BOSS = "boss@office.test"


class Google:
    """Edits Google as people would (`add`, `move`, …) and connects users to it."""

    def __init__(self, control: SandboxControl, url: str) -> None:
        self.control = control
        self.url = url

    def connect(self, user: User, address: str = "") -> GoogleAccount:
        """`user`, connected to the Google account `address` (their own by default), its calendars listed."""
        address = address or user.email
        if address not in {person.email for person in self.control.people()}:
            self.control.add_person(address)
        tokens = self.control.issue_tokens(address)
        account = GoogleAccountFactory(
            user=user,
            address=address,
            scopes=list(tokens.scopes),
            access_token=encrypt(tokens.access_token),
            refresh_token=encrypt(tokens.refresh_token),
        )
        refresh_calendars(account)
        return account

    def add(
        self,
        address: str,
        *,
        start: datetime.datetime = TOMORROW_AT_TEN,
        end: datetime.datetime | None = None,
        guests: tuple[str, ...] = (),
        calendar: str = "primary",
        **body: Any,
    ) -> dict[str, Any]:
        """A new event of `address`; answers with Google's resource."""
        return self.control.insert(
            address,
            calendar,
            {
                "summary": "Consultation",
                "start": {"dateTime": start.isoformat()},
                "end": {"dateTime": (end or start + HOUR).isoformat()},
                "attendees": [{"email": guest} for guest in guests],
                **body,
            },
        )

    def change(self, address: str, event: dict[str, Any], **body: Any) -> dict[str, Any]:
        return self.control.patch(address, "primary", event["id"], body)

    def move(self, address: str, event: dict[str, Any], start: datetime.datetime) -> dict[str, Any]:
        return self.change(
            address,
            event,
            start={"dateTime": start.isoformat()},
            end={"dateTime": (start + HOUR).isoformat()},
        )

    def drag(self, address: str, event_id: str, here: str, there: str) -> None:
        """`address` drags an event from one of their calendars to another; its id stays."""
        sandbox = self.control.sandbox
        person = sandbox.people.find(address)
        assert person is not None
        source, role = sandbox.people.open(address, here)
        target, _ = sandbox.people.open(address, there)
        sandbox.api.events.move(Write(person, source, role, {"sendUpdates": "none"}), event_id, target, role)

    def delete(self, address: str, event: dict[str, Any]) -> None:
        self.control.delete(address, "primary", event["id"])

    def events(self, address: str) -> list[dict[str, Any]]:
        """Living events of the primary calendar in the weeks around NOW."""
        around = datetime.timedelta(days=60)
        found = self.control.events(address, address, NOW - around, NOW + around)
        return [event for event in found if event["status"] != "cancelled"]


class Desk:
    """One member of staff, connected and configured, with a personal calendar as default."""

    def __init__(
        self,
        google: Google,
        option: str = "two_way",
        *,
        creation: bool = True,
        trigger: bool = True,
        default: bool = True,
        **configuration: Any,
    ) -> None:
        self.google = google
        self.user = UserFactory()
        self.calendar = CalendarFactory()
        MembershipFactory(calendar=self.calendar, user=self.user)
        self.account = google.connect(self.user)
        self.address = self.account.address
        self.google_calendar = GoogleCalendar.objects.get(account=self.account, is_primary=True)
        self.configuration = CalendarConfiguration.objects.create(
            user=self.user,
            linked_calendar=self.google_calendar,
            sync_option=option,
            allow_contact_creation=creation,
            allow_trigger=trigger,
            default_calendar=self.calendar if default else None,
            **configuration,
        )
        self.read()

    def read(self) -> None:
        GoogleCalendar.objects.filter(pk=self.google_calendar.pk).update(next_pull_at=NOW)

    def shared_by_boss(self) -> GoogleCalendar:
        """A Google calendar of BOSS that this person may write to; it is in their list and read by nobody yet."""
        self.google.control.add_person(BOSS)
        shared = self.google.control.add_calendar(BOSS, "Shared")
        self.google.control.share(shared, self.address, "writer")
        refresh_calendars(self.account)
        return GoogleCalendar.objects.get(google_id=shared)

    def linked_to_boss(self) -> GoogleCalendar:
        """The same, as this person's linked calendar, due now."""
        linked = self.shared_by_boss()
        CalendarConfiguration.objects.filter(pk=self.configuration.pk).update(linked_calendar=linked)
        GoogleCalendar.objects.filter(pk=linked.pk).update(next_pull_at=NOW)
        return linked

    def turn(self, *, pulls: bool = True, **how: Any) -> Turn:
        """One turn of this person's Google calendar: pull, reconcile, push. Fails on an error."""
        turn = take_turn(self.google_calendar.pk, datetime.datetime.now(datetime.UTC), pulls=pulls, **how)
        assert turn.taken
        assert not turn.has_failed, turn
        return turn


class TwoCalendars:
    """Staff with a second Google calendar, linked to an unassigned calendar of theirs or only read."""

    def __init__(self, google: Google, *, is_linked: bool, option: str = "two_way") -> None:
        self.google, self.desk = google, Desk(google, option)
        self.first = self.desk.google_calendar
        second = google.control.add_calendar(self.desk.address, "Second")
        refresh_calendars(self.desk.account)
        self.second = GoogleCalendar.objects.get(google_id=second)
        GoogleCalendar.objects.filter(pk=self.second.pk).update(next_pull_at=NOW)
        if not is_linked:
            self.desk.configuration.conflict_calendars.add(self.second)
            return
        room = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, owner=self.desk.user)
        CalendarConfiguration.objects.create(
            calendar=room, linked_calendar=self.second, sync_option="two_way"
        )

    def drag(self, event_id: str, here: GoogleCalendar, there: GoogleCalendar) -> None:
        """The person drags an event to another of their calendars; its id stays."""
        self.google.drag(self.desk.address, event_id, here.google_id, there.google_id)

    def add_and_read(self) -> dict[str, Any]:
        """An event with a guest in the first calendar, as Google answers it; both calendars were read since."""
        event = self.google.add(self.desk.address, guests=("ann@x.org",))
        for google_calendar in (self.first, self.second):
            self.turn(google_calendar, NOW)
        return event

    def turn(self, google_calendar: GoogleCalendar, now: datetime.datetime) -> list[int]:
        with time_machine.travel(now, tick=False):
            turn = take_turn(google_calendar.pk, now, pulls=True)
        assert not turn.has_failed, turn
        return turn.asks


class Room:
    """An unassigned calendar with a Google link of its own."""

    def __init__(self, google: Google, option: str = "two_way") -> None:
        self.google = google
        self.user = UserFactory()
        self.calendar = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, owner=self.user)
        self.account = google.connect(self.user)
        self.address = self.account.address
        self.google_calendar = GoogleCalendar.objects.get(account=self.account, is_primary=True)
        self.configuration = CalendarConfiguration.objects.create(
            calendar=self.calendar, linked_calendar=self.google_calendar, sync_option=option
        )
        self.read()

    read = Desk.read
    turn = Desk.turn
