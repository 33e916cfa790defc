"""Two small offices and a Google, in one process: who is there, what time it is, and work that may die.

The engine is the real one and so is the sandbox. Only three things stand in: the wire between them (`wire.py`), the
broker (a list, which may lose what it holds) and the clock.
"""

import datetime
import os
import random
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import time_machine
from celery.app.task import Task
from django.core import mail
from django.core.management.color import no_style
from django.db import connection
from django.test import override_settings

from calendars import tasks as calendar_tasks
from calendars.models import Calendar, CalendarConfiguration, GoogleEvent, Membership, PushTarget
from calendars.sync.turn import take_turn
from campaigns import delivery, triggers
from campaigns.models import Campaign, Kind, Step
from contacts.models import Contact, ContactEmail, User
from integrations.connecting import connect_account
from integrations.google.oauth import SCOPES, Grant
from integrations.models import GoogleAccount, GoogleCalendar
from integrations.sandbox import Sandbox
from integrations.sandbox.control import SandboxControl
from integrations.sandbox.events import Write
from tests.properties.wire import BASE, InProcessHttp, Meddle, straight

# A Monday, three weeks before the clocks change in Europe.
NOW = datetime.datetime(2026, 3, 2, 9, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
STAFF = ("alice@office.test", "bob@office.test", "room@office.test")
# A person at Google who is nobody's user: organises meetings of their own and answers invitations.
STRANGER = "olga@else.test"
OUTSIDE = ("ann@x.test", "ben@x.test", "cid@y.test", STRANGER)
KEPT_TABLES = {"django_migrations", "django_content_type", "auth_permission", "django_site"}
PAGES = {
    "GOOGLE_AUTHORIZE_URL": "/o/oauth2/v2/auth",
    "GOOGLE_TOKEN_URL": "/token",
    "GOOGLE_REVOKE_URL": "/revoke",
    "GOOGLE_USERINFO_URL": "/oauth2/v3/userinfo",
    "GOOGLE_CERTS_URL": "/oauth2/v3/certs",
    "GOOGLE_CALENDAR_API_URL": "/calendar/v3/",
}


class Died(BaseException):
    """The process was killed here: no `except Exception` meets it, and nothing it began is finished."""


class NoWaiting:
    """A clock for those who poll: a wait is over at once, and their patience with it."""

    def __init__(self) -> None:
        self.passed = 0.0

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.passed += seconds


@contextmanager
def standing_in(sandbox: Sandbox) -> Iterator["Place"]:
    """Everything that stands in for the outside, for as long as the context lasts."""
    place = Place(sandbox)
    with ExitStack() as stack:
        stack.enter_context(override_settings(**{name: BASE + path for name, path in PAGES.items()}))
        stack.enter_context(override_settings(GOOGLE_EVENTS_A_PAGE=3))
        for owner, name, value in (
            ("integrations.google.client", "new_http", place.http),
            ("integrations.google.oauth", "new_http", place.http),
            ("integrations.google.tokens", "time", NoWaiting()),
        ):
            stack.enter_context(mock.patch(f"{owner}.{name}", value))
        stack.enter_context(mock.patch.object(Task, "apply_async", place.broker()))
        # Ids are drawn from the operating system; a history must be the same each time it is run.
        stack.enter_context(mock.patch.object(os, "urandom", place.chance))
        stack.enter_context(mock.patch.object(secrets, "token_bytes", place.chance))
        stack.enter_context(connection.execute_wrapper(place.statement))
        place.clock = stack.enter_context(time_machine.travel(NOW, tick=False))
        yield place


class Place:
    """What stands in. One lives as long as a test; each history resets it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.clock: Any = None
        self.queue: list[tuple[Any, tuple[Any, ...]]] = []
        self.dice = random.Random(0)  # noqa: S311 (the same ids every time)
        # Statements and requests until the process dies; None: it lives.
        self.life: int | None = None
        # What somebody else does after so many of them, between two transactions.
        self.meanwhile: Callable[[], Any] | None = None
        self.meanwhile_after = 0
        self.is_busy = False
        self.meddle: Meddle = straight

    def http(self) -> Any:
        return InProcessHttp(self.sandbox, self.breathe, self.meddle)

    def chance(self, size: int | None = None) -> bytes:
        return self.dice.randbytes(32 if size is None else size)

    def broker(self) -> Callable[..., None]:
        """In place of Celery's `apply_async`, which every way to send a task ends in."""

        def apply_async(task: Any, args: Sequence[Any] = (), *rest: Any, **options: Any) -> None:
            self.queue.append((task, tuple(args)))

        return apply_async

    def breathe(self) -> None:
        self._let_others()
        if self.life is None:
            return
        if self.life <= 0:
            raise Died
        self.life -= 1

    def _let_others(self) -> None:
        """What was to happen meanwhile happens now, if it is time and no transaction of this process is open."""
        if self.meanwhile is None or not self.is_busy or connection.in_atomic_block:
            return
        self.meanwhile_after -= 1
        if self.meanwhile_after >= 0:
            return
        act, life = self.meanwhile, self.life
        self.meanwhile = self.life = None
        try:
            act()
        finally:
            self.life = life

    def statement(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        # A database undoes what a dead process began: that part is not the process's.
        if not sql.startswith(("ROLLBACK", "RELEASE")):
            self.breathe()
        return execute(sql, *rest)

    @contextmanager
    def dying(self, after: int | None) -> Iterator[None]:
        """The work inside is killed after so many statements and requests; None: it lives."""
        self.life, self.is_busy = after, True
        try:
            yield
        except Died:
            assert not connection.in_atomic_block
        finally:
            self.life, self.is_busy = None, False


class World:
    """One history's world: an empty database, an empty Google, three staff who are connected and configured."""

    def __init__(self, place: Place, *, instance_ids: str = "stamp", empty_pages: bool = False) -> None:
        self.place = place
        self.sandbox = place.sandbox
        self.control: SandboxControl = place.sandbox.control
        _empty_database()
        place.queue.clear()
        place.dice.seed(0)
        place.life, place.meanwhile, place.meddle = None, None, straight
        mail.outbox.clear()
        place.clock.move_to(NOW)
        self.control.clear()
        self.control.set_clock(NOW)
        self.control.set_options(instance_ids=instance_ids, empty_pages=empty_pages)
        for address in (*STAFF, STRANGER):
            self.control.add_person(address)
        self.second = self.control.add_calendar(STAFF[0], "Alice's other calendar")
        self._people()
        self._campaigns()
        self.run_queue()
        self.control.clear_requests()

    # --- who is there -----------------------------------------------------------------------------------------

    def _people(self) -> None:
        self.users = [
            User.objects.create(email=address, first_name=address.partition("@")[0].title())
            for address in STAFF
        ]
        alice, bob, room = self.users
        self.own = {user.pk: self._calendar(f"{user.first_name}", [user]) for user in (alice, bob)}
        self.both = self._calendar("Both", [alice, bob], kind=Calendar.Kind.COLLECTIVE)
        self.room = self._calendar("Room", [], kind=Calendar.Kind.UNASSIGNED, owner=room)
        self.group = self._calendar("Group", [alice], kind=Calendar.Kind.CLASS, seats=3)
        self.bookable = [*self.own.values(), self.both, self.room, self.group]
        for user in self.users:
            self.connect(user)
        for user, calendar in ((alice, None), (bob, None), (None, self.room)):
            account = GoogleAccount.objects.get(user=user or room)
            CalendarConfiguration.objects.create(
                user=user,
                calendar=calendar,
                linked_calendar=account.calendars.get(is_primary=True),
                policy_since=self.now,
                time_zone="Europe/London",
            )
        GoogleCalendar.objects.filter(is_primary=True).update(next_pull_at=self.now)

    def _calendar(self, name: str, members: Sequence[User], **values: Any) -> Calendar:
        calendar = Calendar.objects.create(name=name, slug=name.lower(), **values)
        Membership.objects.bulk_create(Membership(calendar=calendar, user=user) for user in members)
        return calendar

    def _campaigns(self) -> None:
        for kind in Kind:
            campaign = Campaign.objects.create(name=f"On {kind}", trigger=kind)
            Step.objects.create(
                campaign=campaign, anchor=Step.Anchor.AT_ONCE, offset=0 * HOUR, subject="Booked", body="Hello"
            )
            Step.objects.create(campaign=campaign, offset=24 * HOUR, subject="Soon", body="Hello")

    def connect(self, user: User) -> GoogleAccount:
        """`user` goes through Google's consent page; the account is connected, perhaps again."""
        tokens = self.control.issue_tokens(user.email)
        subject = next(person.sub for person in self.control.people() if person.email == user.email)
        grant = Grant(
            subject=subject,
            address=user.email,
            scopes=tuple(sorted(SCOPES)),
            expires_at=self.now + datetime.timedelta(seconds=tokens.expires_in),
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
        )
        return connect_account(user, grant)

    def add_contact(self, address: str) -> Contact:
        contact = Contact.objects.with_address(address).first()
        if contact is None:
            contact = Contact.objects.create(first_name=address.partition("@")[0].title())
            ContactEmail.objects.create(contact=contact, address=address, is_primary=True)
        return contact

    def forget_access_tokens(self) -> None:
        """As if an hour had passed: Google turns every access token down."""
        store = self.sandbox.store
        with store.transaction():
            store.db.execute("DELETE FROM tokens WHERE kind = 'access'")

    def move_between(self, address: str, here: str, event_id: str, there: str) -> None:
        """A person's event in another of their calendars, with the id it had."""
        with self.sandbox.channels.announced():
            source, role = self.sandbox.people.open(address, here)
            target, _ = self.sandbox.people.open(address, there)
            person = self.sandbox.people.find(address)
            assert person is not None
            write = Write(person, source, role, {"sendUpdates": "none"})
            self.sandbox.api.events.move(write, event_id, target, role)

    # --- time and work ----------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC)

    def pass_time(self, duration: datetime.timedelta) -> None:
        self.place.clock.shift(duration)
        self.control.set_clock(self.now)

    def calendars(self) -> list[GoogleCalendar]:
        return list(GoogleCalendar.objects.select_related("account__user").order_by("pk"))

    def turn(self, google_calendar: GoogleCalendar, **how: Any) -> Any:
        return take_turn(google_calendar.pk, self.now, **how)

    def run_queue(self) -> None:
        """A worker takes everything that waits at the broker. What dies under it is gone from there."""
        while self.place.queue:
            task, arguments = self.place.queue.pop(0)
            task(*arguments)

    def sweep(self) -> None:
        """What beat starts in an interval, and all that follows from it."""
        calendar_tasks.pull_due()
        self.run_queue()
        calendar_tasks.reconcile_due()
        self.run_queue()
        calendar_tasks.push_due()
        self.run_queue()
        triggers.enrol_missing()
        delivery.deliver_due()
        self.run_queue()

    def mend(self) -> None:
        """The outside works again, and whoever has to reconnect does."""
        self.control.clear_faults()
        for user in self.users:
            if not GoogleAccount.objects.get(user=user).is_connected:
                self.connect(user)
        self.run_queue()

    def wait_for_retries(self) -> None:
        """To the last moment that some row waits for, so that a sweep meets everything."""
        waits = [
            *PushTarget.objects.behind().values_list("not_before", flat=True),
            *GoogleEvent.objects.values_list("not_before", flat=True),
            *GoogleAccount.objects.values_list("not_before", flat=True),
            *GoogleCalendar.objects.values_list("claimed_until", flat=True),
            *GoogleCalendar.objects.values_list("next_pull_at", flat=True),
        ]
        last = max((moment for moment in waits if moment), default=self.now)
        self.pass_time(max(last - self.now, datetime.timedelta(0)) + datetime.timedelta(seconds=10))


def _empty_database() -> None:
    tables = [
        name
        for name in connection.introspection.django_table_names(only_existing=True, include_views=False)
        if name not in KEPT_TABLES
    ]
    statements = connection.ops.sql_flush(no_style(), tables, reset_sequences=True, allow_cascade=False)
    connection.ops.execute_sql_flush(statements)
