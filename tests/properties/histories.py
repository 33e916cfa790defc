"""Random histories: people edit Google, staff use the CRM, workers die, and every promise holds in the end."""

import contextlib
import datetime
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from calendars import booking, configuring
from calendars.models import GoogleEvent, PushTarget
from calendars.sync import decide as deciding
from contacts.models import Appointment, Origin
from integrations.disconnecting import disconnect_account
from integrations.models import GoogleAccount, GoogleCalendar
from integrations.sandbox.errors import ApiError
from integrations.sandbox.faults import Fault
from tests.properties import promises
from tests.properties.world import HOUR, NOW, OUTSIDE, STAFF, STRANGER, Place, World

ROUNDS = 12
who = st.sampled_from(STAFF)
slots = st.integers(-5, 40)
which = st.integers(0, 11)
guests = st.sets(st.sampled_from((*OUTSIDE, *STAFF[:2])), max_size=2).map(sorted)
lives = st.one_of(st.none(), st.none(), st.integers(0, 150))


@dataclass(frozen=True)
class Setup:
    """A configuration as a person chooses it."""

    option: str
    default: bool
    creation: bool
    trigger: bool
    links: bool
    reads_other: bool


setups = st.builds(
    Setup,
    option=st.sampled_from(["two_way", "two_way", "smart", "disable_trigger", "one_way"]),
    default=st.sampled_from([True, True, True, False]),
    creation=st.sampled_from([True, True, False]),
    trigger=st.sampled_from([True, True, False]),
    links=st.sampled_from([True] * 7 + [False]),
    reads_other=st.booleans(),
)


def at(slot: int) -> datetime.datetime:
    return NOW + slot * 6 * HOUR


def when(slot: int, hours: int = 1) -> dict[str, Any]:
    ends = {"start": at(slot), "end": at(slot) + hours * HOUR}
    return {
        name: {"dateTime": moment.isoformat(), "timeZone": "Europe/London"} for name, moment in ends.items()
    }


# What people and other workers do while a worker is in the middle of something.
MEANWHILE: dict[str, Callable[["Histories", str, int, int], Any]] = {
    "add": lambda it, address, index, slot: it.add(address, slot, [OUTSIDE[index % 4]]),
    "move": lambda it, address, index, slot: it.move(address, index, slot),
    "delete": lambda it, address, index, slot: it.delete(address, index),
    "undelete": lambda it, address, index, slot: it.undelete(address, index),
    "rename at google": lambda it, address, index, slot: it.edit(address, index, {"summary": "Other words"}),
    "invite": lambda it, address, index, slot: it.invite(address, index, [OUTSIDE[slot % 4]], False),
    "answer": lambda it, address, index, slot: it.answer(address, index, "declined"),
    "delete series": lambda it, address, index, slot: it.delete_series(address, index),
    "drag": lambda it, address, index, slot: it.move_between(index, slot % 2 == 0),
    "book": lambda it, address, index, slot: it.book(index % 4, OUTSIDE[slot % 4], slot, Origin.STAFF, None),
    "reschedule": lambda it, address, index, slot: it.appointments() and it.reschedule(index, slot, None),
    "cancel": lambda it, address, index, slot: it.appointments() and it.cancel(index, None),
    "restore": lambda it, address, index, slot: it.appointments() and it.set_status(index, "confirmed"),
    "rename": lambda it, address, index, slot: it.ledger.titles and it.rename(index, None),
    "make": lambda it, address, index, slot: it.decide(index, "make", None),
    "private": lambda it, address, index, slot: it.decide(index, "private", None),
    "option": lambda it, address, index, slot: it.decide(index, "option", None),
    "disconnect": lambda it, address, index, slot: it.disconnect(index % 3),
    "reconnect": lambda it, address, index, slot: it.reconnect(index % 3),
    "connect anew": lambda it, address, index, slot: (it.disconnect(index % 3), it.reconnect(index % 3)),
    "reconfigure": lambda it, address, index, slot: it.reconfigure(
        index % 3, Setup(("two_way", "smart", "one_way")[slot % 3], True, True, True, slot % 2 == 0, False)
    ),
    "other worker": lambda it, address, index, slot: it.turn(index, slot % 2 == 0, None),
    "sweep": lambda it, address, index, slot: it.sweep(None),
}


class Histories(RuleBasedStateMachine):
    """Set `place` on a subclass; `steps` counts what all histories did."""

    place: Place
    steps = 0

    @initialize(
        setups=st.tuples(setups, setups, setups),
        instance_ids=st.sampled_from(["stamp", "opaque"]),
        empty_pages=st.booleans(),
        known=st.sets(st.sampled_from(OUTSIDE)).map(sorted),
        begins_in_step=st.booleans(),
    )
    def begin(
        self,
        setups: tuple[Setup, Setup, Setup],
        instance_ids: str,
        empty_pages: bool,
        known: list[str],
        begins_in_step: bool,
    ) -> None:
        self.world = World(self.place, instance_ids=instance_ids, empty_pages=empty_pages)
        self.ledger = promises.Ledger()
        self.serial = 0
        self.is_meanwhile = False
        # Ids of events that were dragged from one of Alice's calendars to the other, or back.
        self.dragged: set[str] = set()
        for address in known:
            self.world.add_contact(address)
        for index, setup in enumerate(setups):
            self.configure(index, setup)
        # Something to disagree about: what each kind of history starts from.
        self.add(STAFF[0], 6, ["ann@x.test"])
        self.add(STAFF[0], 8, ["ben@x.test", STAFF[1]])
        self.add_series(STAFF[1], 5, ["cid@y.test"], 3)
        self.invited(7, list(STAFF[:2]))
        self.add(STAFF[2], 9, ["ann@x.test"])
        for calendar in range(4):
            self.book(calendar, OUTSIDE[calendar], 10 + calendar, Origin.STAFF, None)
        for guest in OUTSIDE[:3]:
            self.book(4, guest, 12, Origin.STAFF, None)
        if begins_in_step:
            self.sync()

    def step(self, act: Callable[[], Any], *, dies_after: int | None = None) -> Any:
        """One thing that happens, judged by what it left behind; what happens in the middle of another, with that."""
        Histories.steps += 1
        self.world.pass_time(datetime.timedelta(seconds=7))
        if self.is_meanwhile:
            return act()
        answer = None
        with self.place.dying(dies_after):
            answer = act()
        promises.judge_step(self.world, self.ledger)
        return answer

    def word(self, kind: str) -> str:
        self.serial += 1
        return f"{kind} {self.serial}"

    # --- people at Google -------------------------------------------------------------------------------------

    def events(self, address: str, calendar: str = "primary") -> list[dict[str, Any]]:
        return self.world.control.events(
            address, calendar, self.world.now - promises.AHEAD, self.world.now + promises.AHEAD
        )

    def at_google(self, act: Callable[[], Any], event_id: str = "") -> Any:
        """What a person does at Google, with `event_id` where it is to one that is there; Google may refuse it."""
        if event_id:
            self.ledger.touched.add(event_id)
        try:
            return self.step(act)
        except ApiError:
            return None

    @rule(address=who, slot=slots, guests=guests)
    def add(self, address: str, slot: int, guests: list[str]) -> None:
        body = {
            "summary": self.word("Event"),
            **when(slot),
            "attendees": [{"email": g} for g in guests if g != address],
        }
        self.at_google(lambda: self.world.control.insert(address, address, body))

    @rule(address=who, index=which, slot=slots)
    def move(self, address: str, index: int, slot: int) -> None:
        self.patch(address, index, when(slot))

    @rule(address=who, index=which)
    def delete(self, address: str, index: int) -> None:
        events = self.events(address)
        if events:
            event = events[index % len(events)]
            self.at_google(lambda: self.world.control.delete(address, address, event["id"]), event["id"])

    @rule(address=who, slot=slots, guests=guests, count=st.integers(2, 4))
    def add_series(self, address: str, slot: int, guests: list[str], count: int) -> None:
        body = {
            "summary": self.word("Series"),
            **when(slot),
            "recurrence": [f"RRULE:FREQ=WEEKLY;COUNT={count}"],
            "attendees": [{"email": guest} for guest in guests if guest != address],
        }
        self.at_google(lambda: self.world.control.insert(address, address, body))

    def patch(self, address: str, index: int, body: dict[str, Any], *, series: bool = False) -> None:
        """One of the events (or the whole series of it) gets `body`; nothing where there is none."""
        events = self.events(address)
        if not events:
            return
        event = events[index % len(events)]
        event_id = event.get("recurringEventId", event["id"]) if series else event["id"]
        self.at_google(lambda: self.world.control.patch(address, address, event_id, body), event_id)

    @rule(address=who, index=which, slot=slots)
    def move_series(self, address: str, index: int, slot: int) -> None:
        self.patch(address, index, when(slot), series=True)

    @rule(address=who, index=which)
    def delete_series(self, address: str, index: int) -> None:
        series = [event for event in self.events(address) if "recurringEventId" in event]
        if series:
            event_id = series[index % len(series)]["recurringEventId"]
            self.at_google(lambda: self.world.control.delete(address, address, event_id), event_id)

    @rule(address=who, index=which, count=st.integers(2, 4))
    def repeat(self, address: str, index: int, count: int) -> None:
        """A single event is made a series."""
        single = [
            event
            for event in self.events(address)
            if "recurringEventId" not in event and "dateTime" in event["start"]
        ]
        if single:
            event = single[index % len(single)]
            body = {
                "recurrence": [f"RRULE:FREQ=WEEKLY;COUNT={count}"],
                "start": {**event["start"], "timeZone": "Europe/London"},
                "end": {**event["end"], "timeZone": "Europe/London"},
            }
            self.ledger.repeated.add(event["id"])
            self.at_google(lambda: self.world.control.patch(address, address, event["id"], body), event["id"])

    @rule(address=who, index=which)
    def repeat_no_more(self, address: str, index: int) -> None:
        series = [event for event in self.events(address) if "recurringEventId" in event]
        if series:
            event_id = series[index % len(series)]["recurringEventId"]
            body: dict[str, Any] = {"recurrence": []}
            self.at_google(lambda: self.world.control.patch(address, address, event_id, body), event_id)

    @rule(address=who, index=which, guests=guests, series=st.booleans())
    def invite(self, address: str, index: int, guests: list[str], series: bool) -> None:
        """The guest list becomes `guests`."""
        people = [{"email": guest} for guest in guests if guest != address]
        self.patch(address, index, {"attendees": people}, series=series)

    @rule(
        address=who,
        index=which,
        body=st.sampled_from(
            [
                {"summary": "Other words"},
                {"transparency": "transparent"},
                {"transparency": "opaque"},
                {"visibility": "private"},
                {"visibility": "default"},
                {
                    "start": {"date": "2026-03-05", "dateTime": None},
                    "end": {"date": "2026-03-06", "dateTime": None},
                },
            ]
        ),
    )
    def edit(self, address: str, index: int, body: dict[str, Any]) -> None:
        self.patch(address, index, body)

    @rule(address=who, index=which, answer=st.sampled_from(["accepted", "declined", "tentative"]))
    def answer(self, address: str, index: int, answer: str) -> None:
        """Somebody invited answers: a colleague or a stranger on their own copy, anyone else on the organiser's."""
        invited = [event for event in self.events(address) if event.get("attendees")]
        if not invited:
            return
        event = invited[index % len(invited)]
        person = event["attendees"][index % len(event["attendees"])]["email"]
        if person in (*STAFF, STRANGER):
            self.ledger.answered_again(event["id"])
            self.at_google(lambda: self.world.control.respond(person, event["id"], answer), event["id"])
            return
        people = [
            {
                "email": each["email"],
                "responseStatus": answer if each["email"] == person else each["responseStatus"],
            }
            for each in event["attendees"]
        ]
        body = {"attendees": people}
        self.at_google(lambda: self.world.control.patch(address, address, event["id"], body), event["id"])

    @rule(slot=slots, guests=st.sets(st.sampled_from(STAFF[:2]), min_size=1).map(sorted))
    def invited(self, slot: int, guests: list[str]) -> None:
        """A stranger invites staff to a meeting of theirs."""
        body = {
            "summary": self.word("Theirs"),
            **when(slot),
            "attendees": [{"email": guest} for guest in guests],
        }
        self.at_google(lambda: self.world.control.insert(STRANGER, STRANGER, body))

    @rule(index=which, slot=slots, cancels=st.booleans())
    def stranger_changes(self, index: int, slot: int, cancels: bool) -> None:
        if not cancels:
            self.patch(STRANGER, index, when(slot))
            return
        events = self.events(STRANGER)
        if events:
            event = events[index % len(events)]
            self.at_google(lambda: self.world.control.delete(STRANGER, STRANGER, event["id"]), event["id"])

    @rule(index=which, slot=slots, guests=guests)
    def add_elsewhere(self, index: int, slot: int, guests: list[str]) -> None:
        """Alice's second Google calendar, which at most blocks time."""
        body = {
            "summary": self.word("Elsewhere"),
            **when(slot),
            "attendees": [{"email": guest} for guest in guests],
        }
        self.at_google(lambda: self.world.control.insert(STAFF[0], self.world.second, body))

    @rule(index=which, back=st.booleans())
    def move_between(self, index: int, back: bool) -> None:
        """Alice drags an event from one of her calendars to the other."""
        here, there = (self.world.second, STAFF[0]) if back else (STAFF[0], self.world.second)
        events = self.events(STAFF[0], here)
        if events:
            event_id = events[index % len(events)]["id"]
            self.dragged.add(event_id)
            self.at_google(lambda: self.world.move_between(STAFF[0], here, event_id, there), event_id)

    @rule(address=who, index=which)
    def restore(self, address: str, index: int) -> None:
        """An occurrence that was cancelled comes back."""
        gone = GoogleEvent.objects.filter(
            google_calendar__google_id=address, status="cancelled", recurring_event_id__gt=""
        ).order_by("pk")
        if gone:
            event_id = gone[index % len(gone)].google_id
            self.ledger.revived.add(event_id)
            self.at_google(
                lambda: self.world.control.patch(address, address, event_id, {"status": "confirmed"}),
                event_id,
            )

    @rule(address=who, index=which)
    def undelete(self, address: str, index: int) -> None:
        """A person takes an event out of the bin, whoever deleted it. What was dragged away is in no bin."""
        gone = GoogleEvent.objects.filter(
            google_calendar__google_id=address, status="cancelled", recurring_event_id=""
        ).exclude(google_id__in=self.dragged)
        gone = gone.order_by("pk")
        if gone:
            event_id = gone[index % len(gone)].google_id
            self.ledger.revived.add(event_id)
            self.at_google(lambda: self.world.control.restore(address, address, event_id), event_id)

    # --- staff ------------------------------------------------------------------------------------------------

    @rule(
        calendar=st.sampled_from([0, 1, 2, 3, 4, 4, 4]),
        guest=st.sampled_from(OUTSIDE),
        slot=slots,
        origin=st.sampled_from([Origin.STAFF, Origin.CUSTOMER]),
        life=lives,
    )
    def book(self, calendar: int, guest: str, slot: int, origin: str, life: int | None) -> None:
        chosen, title = self.world.bookable[calendar], self.word("Visit")
        contact = self.world.add_contact(guest)

        def act() -> None:
            booking.book(
                calendar=chosen,
                contact=contact,
                owner=self.world.users[0 if calendar == 4 else calendar % 2],
                starts_at=at(slot),
                ends_at=at(slot) + HOUR,
                title=title,
                origin=origin,
            )

        def noted() -> None:
            try:
                act()
            finally:
                self.place.life = None
                for made in Appointment.objects.filter(title=title):
                    self.ledger.booked_here.add(made.pk)
                    self.ledger.titles[made.pk] = title

        self.step(noted, dies_after=life)

    def appointments(self) -> list[Appointment]:
        return list(Appointment.objects.order_by("created_at", "starts_at", "pk"))

    @precondition(lambda self: Appointment.objects.exists())
    @rule(index=which, slot=slots, life=lives)
    def reschedule(self, index: int, slot: int, life: int | None) -> None:
        found = self.appointments()
        appointment = found[index % len(found)]
        if booking.why_not_moved(appointment):
            return  # the form says so, and whom to ask
        self.at_the_desk(
            lambda: booking.reschedule(appointment, starts_at=at(slot), ends_at=at(slot) + HOUR), life
        )

    @precondition(lambda self: Appointment.objects.exists())
    @rule(index=which, life=lives)
    def cancel(self, index: int, life: int | None) -> None:
        found = self.appointments()
        appointment = found[index % len(found)]
        self.ledger.taken_off.add(appointment.pk)
        self.at_the_desk(lambda: booking.cancel(appointment), life)

    def at_the_desk(self, act: Callable[[], Any], life: int | None) -> None:
        with contextlib.suppress(booking.NotPossible):
            self.step(act, dies_after=life)

    @precondition(lambda self: Appointment.objects.exists())
    @rule(
        index=which, status=st.sampled_from(["new", "confirmed", "cancelled", "showed", "no_show", "invalid"])
    )
    def set_status(self, index: int, status: str) -> None:
        found = self.appointments()
        appointment = found[index % len(found)]
        self.ledger.taken_off |= {appointment.pk} if status in promises.VOID else set()
        self.at_the_desk(lambda: booking.set_status(appointment, status), None)

    @precondition(lambda self: self.ledger.titles)
    @rule(index=which, life=lives)
    def rename(self, index: int, life: int | None) -> None:
        made = sorted(self.ledger.titles)
        appointment, title = Appointment.objects.get(pk=made[index % len(made)]), self.word("Renamed")

        def act() -> None:
            booking.set_details(appointment, title=title, description="", location="")
            self.ledger.titles[appointment.pk] = title

        def noted() -> None:
            try:
                act()
            finally:
                self.place.life = None
                self.ledger.titles[appointment.pk] = Appointment.objects.get(pk=appointment.pk).title

        self.at_the_desk(noted, life)

    @precondition(lambda self: GoogleEvent.objects.exists())
    @rule(
        index=which,
        decision=st.sampled_from(["make", "private", "private series", "option", "never"]),
        life=lives,
    )
    def decide(self, index: int, decision: str, life: int | None) -> None:
        """A person decides about one event on the agenda."""
        events = GoogleEvent.objects.exclude(status="cancelled").order_by("pk")
        if not events:
            return
        event, user = events[index % len(events)], self.world.users[0]
        address = next((person["address"] for person in event.attendees), "")
        self.ledger.decided.add(event.pk)
        self.ledger.decided_meetings.add(event.ical_uid)
        self.ledger.reconfigured.add(event.google_calendar_id)
        verbs: dict[str, Callable[[], Any]] = {
            "make": lambda: deciding.make_appointment(event, by=user, now=self.world.now),
            "private": lambda: deciding.keep_private(event, by=user, now=self.world.now),
            "private series": lambda: deciding.keep_private(
                event, by=user, now=self.world.now, whole_series=True
            ),
            "option": lambda: deciding.let_option_decide(
                event, by=user, now=self.world.now, whole_series=event.decides_series
            ),
            "never": lambda: deciding.never_guest(event, address, by=user, now=self.world.now),
        }
        with contextlib.suppress(deciding.NotPossible):
            self.step(verbs[decision], dies_after=life)

    @rule(address=st.sampled_from(OUTSIDE))
    def add_contact(self, address: str) -> None:
        self.step(lambda: self.world.add_contact(address))

    # --- how it is set up ------------------------------------------------------------------------------------

    @rule(index=st.integers(0, 2), setup=setups)
    def reconfigure(self, index: int, setup: Setup) -> None:
        touched = GoogleCalendar.objects.filter(account__user=self.world.users[index])
        self.ledger.reconfigured |= set(touched.values_list("pk", flat=True))
        self.configure(index, setup)

    def configure(self, index: int, setup: Setup) -> None:
        user = self.world.users[index]
        own = GoogleCalendar.objects.get(account__user=user, is_primary=True)
        other = GoogleCalendar.objects.filter(account__user=user, is_primary=False)
        values = configuring.ConfigurationValues(
            linked_calendar=own if setup.links else None,
            conflict_calendars=tuple(other) if setup.reads_other else (),
            sync_option=setup.option,
            default_calendar=self.world.own.get(user.pk) if setup.default else None,
            allow_contact_creation=setup.creation and setup.default,
            allow_trigger=setup.trigger,
            time_zone="Europe/London",
        )
        whose: dict[str, Any] = {"calendar": self.world.room} if index == 2 else {"user": user}
        self.step(lambda: configuring.save_configuration(values, **whose))

    @rule(index=st.integers(0, 2))
    def disconnect(self, index: int) -> None:
        account = GoogleAccount.objects.get(user=self.world.users[index])
        self.step(lambda: disconnect_account(account))

    @rule(index=st.integers(0, 2))
    def reconnect(self, index: int) -> None:
        self.step(lambda: self.world.connect(self.world.users[index]))

    @rule(address=who, mishap=st.sampled_from(["revoked", "sync tokens", "access tokens", "queue"]))
    def forget(self, address: str, mishap: str) -> None:
        """Google forgets a grant (its owner removed it), our place in the calendars, every access token; or the
        broker what waited."""
        forgets: dict[str, Callable[[], Any]] = {
            "revoked": lambda: self.world.control.revoke(address),
            "sync tokens": self.world.control.expire_sync_tokens,
            "access tokens": self.world.forget_access_tokens,
            "queue": self.place.queue.clear,
        }
        self.step(forgets[mishap])

    @rule(
        method=st.sampled_from(["*", "list", "get", "insert", "patch", "delete"]),
        fault=st.sampled_from(
            [
                {"drop_before": True},
                {"drop_after": True},
                {"status": 503},
                {"status": 429, "headers": {"Retry-After": "30"}},
                {"status": 403, "reason": "userRateLimitExceeded"},
                {"status": 403, "reason": "quotaExceeded"},
                {"status": 409, "reason": "conflict"},
                {"status": 412, "reason": "conditionNotMet"},
                {"status": 404, "reason": "notFound"},
            ]
        ),
        count=st.integers(1, 3),
        skip=st.integers(0, 2),
    )
    def fault(self, method: str, fault: dict[str, Any], count: int, skip: int) -> None:
        name = method if method == "*" else f"calendar.events.{method}"
        if "drop_after" in fault:
            # The transport repeats the request; the answer is lost only when the repetition gets none either.
            self.world.control.add_fault(Fault(method=name, skip=skip, **fault))
            fault, count, skip = {"drop_before": True}, 1, 0
        if fault.get("status") == 404:
            self.ledger.is_lied_to = True
        self.world.control.add_fault(Fault(method=name, count=count, skip=skip, **fault))

    @rule(hours=st.sampled_from([0.01, 0.1, 0.2, 1, 7, 20, 30]))
    def wait(self, hours: float) -> None:
        self.world.pass_time(hours * HOUR)

    # --- workers ----------------------------------------------------------------------------------------------

    @rule(
        busy=st.sampled_from(["turn", "turn", "sweep", "work", "later"]),
        after=st.one_of(st.integers(0, 12), st.integers(0, 80)),
        act=st.sampled_from(sorted(MEANWHILE)),
        address=who,
        index=which,
        slot=slots,
    )
    def meanwhile(self, busy: str, after: int, act: str, address: str, index: int, slot: int) -> None:
        """While a worker is busy, so many statements and requests on, somebody else does something."""

        def happens() -> None:
            self.is_meanwhile = True
            try:
                MEANWHILE[act](self, address, index, slot)
            finally:
                self.is_meanwhile = False

        self.place.meanwhile, self.place.meanwhile_after = happens, after
        if busy == "turn":
            self.turn(index, True, None)
        elif busy != "later":
            getattr(self, busy)(None)

    @rule(index=which, pulls=st.booleans(), life=lives)
    def turn(self, index: int, pulls: bool, life: int | None) -> None:
        calendars = self.world.calendars()
        self.step(lambda: self.world.turn(calendars[index % len(calendars)], pulls=pulls), dies_after=life)

    @rule(
        index=which,
        write=st.sampled_from(["insert", "patch", "delete"]),
        act=st.sampled_from(["move", "restore", "cancel", "nothing"]),
        slot=slots,
    )
    def turn_unheard(self, index: int, write: str, act: str, slot: int) -> None:
        """Google carries out a write of ours that waits, its answer is lost, and staff go on."""
        self.fault(write, {"drop_after": True}, 1, 0)
        self.turn(index, False, None)
        calendars = self.world.calendars()
        waiting = PushTarget.objects.behind().filter(google_calendar=calendars[index % len(calendars)])
        for target in waiting.select_related("appointment").order_by("pk")[:1]:
            if act == "move" and not booking.why_not_moved(target.appointment):
                move = partial(booking.reschedule, starts_at=at(slot), ends_at=at(slot) + HOUR)
                self.at_the_desk(partial(move, target.appointment), None)
            elif act == "restore":
                self.at_the_desk(partial(booking.set_status, target.appointment, "new"), None)
            elif act == "cancel":
                self.ledger.taken_off.add(target.appointment_id)
                self.at_the_desk(partial(booking.cancel, target.appointment), None)

    @rule()
    def sync(self) -> None:
        """One turn of each Google calendar, undisturbed but by faults."""
        for google_calendar in self.world.calendars():
            if google_calendar.next_pull_at is not None:
                self.step(lambda pk=google_calendar: self.world.turn(pk, pulls=True))

    @rule(life=lives)
    def work(self, life: int | None) -> None:
        self.step(self.world.run_queue, dies_after=life)

    @rule(life=lives)
    def sweep(self, life: int | None) -> None:
        self.step(self.world.sweep, dies_after=life)

    # --- the end ----------------------------------------------------------------------------------------------

    def settle(self) -> None:
        self.place.meanwhile = None
        before: object = None
        for _ in range(ROUNDS):
            self.world.mend()
            self.world.wait_for_retries()
            self.world.control.clear_requests()
            self.world.sweep()
            written = [r for r in self.world.control.requests() if r.method in promises.WRITES]
            promises.judge_step(self.world, self.ledger)
            after = promises.everything()
            if after == before and not written:
                break
            before = after
        else:
            raise AssertionError("It never comes to rest.")
        promises.judge(self.world, self.ledger)
        for google_calendar in self.world.calendars():
            if google_calendar.next_pull_at is not None:
                self.world.turn(google_calendar, pulls=True, full=True)
        assert promises.everything() == after, "a full pull changed something"
        assert not [r for r in self.world.control.requests() if r.method in promises.WRITES]

    def teardown(self) -> None:
        if sys.exc_info()[0] is None and hasattr(self, "world"):
            self.settle()
