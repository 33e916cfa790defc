"""Random histories of reminders: people book, move, cancel, rebook and opt out, campaigns change, carriers fail and
workers die between any two statements; after every step and in the end every promise holds."""

import datetime
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import time_machine
from django.db import connection
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from calendars import booking
from campaigns import carrying, delivery, unclear, unsubscribing
from campaigns.delivery import deliver_due
from campaigns.enrolment import follow_steps
from campaigns.models import Campaign, Carrier, Enrolment, Message, Notice, Step, TriggerEvent
from campaigns.transports import Letter, Receipt, Refused, Stopped, TryLater, Unclear
from campaigns.triggers import enrol_missing
from contacts.models import Activity, Appointment, AppointmentChange, Contact, User
from tests.campaigns import rows

NOW = rows.NOW
State = Message.State
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
OPEN = (State.WAITING, State.SENDING)
PEOPLE = 4
which = st.integers(0, 11)
hours = st.integers(-3, 60)
mediums = st.sampled_from(["email", "sms"])
moments = st.integers(1, 45)
moods = st.sampled_from(["", "", "later", "wait", "refuse", "nowhere", "stop", "unclear", "unclear, taken"])


class Died(BaseException):
    """The worker is gone, as by kill -9: nothing of ours may catch it."""


class Outside:
    """The world beyond a carrier. It judges each letter as it comes, by rows alone."""

    def __init__(self, medium: str, promises: "Promises") -> None:
        self.medium, self.promises = medium, promises
        self.recognises_repeats = medium == "email"
        self.mood = ""
        # Dies before or after it took the next letter.
        self.death = ""

    def send(self, letter: Letter) -> Receipt:
        death, self.death = self.death, ""
        if death == "before":
            raise Died
        if self.mood in ("", "unclear, taken") or death:
            self.promises.judge(self.medium, letter)
        if death:
            raise Died
        match self.mood:
            case "later":
                raise TryLater("Busy.")
            case "wait":
                raise TryLater("Too many requests.", wait=2 * MINUTE)
            case "refuse":
                raise Refused("No.")
            case "nowhere":
                raise Refused("Nobody there.", leads_nowhere=True)
            case "stop":
                raise Stopped("Wrong password.")
            case "unclear" | "unclear, taken":
                raise Unclear("No answer.")
        return Receipt()


class Promises:
    """What was taken so far, and what each letter and each row must keep to."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        # How often each id may arrive: once, and once more for each time that its outcome was in doubt.
        self.allowed: Counter[str] = Counter()
        self.told: dict[tuple[Any, ...], str] = {}
        self.rows: set[int] = set()
        self.entered: dict[int, set[int]] = {}

    def judge(self, medium: str, letter: Letter) -> None:
        """Nothing twice, and nothing that should not leave at this moment."""
        row = Message.objects.get(message_id=letter.message_id)
        appointment, contact = row.enrolment.appointment, row.enrolment.contact
        self.taken[letter.message_id] += 1
        assert self.taken[letter.message_id] <= 1 + self.allowed[letter.message_id], f"{row.pk} came twice"
        key = (appointment.pk, row.step_id, row.for_start, letter.recipient)
        assert self.told.setdefault(key, letter.message_id) == letter.message_id, f"{key} was told twice"
        assert row.due_at <= _now(), "early"
        assert row.for_start == appointment.starts_at, "for a start that it does not have"
        assert appointment.status not in ("cancelled", "invalid"), "of what is cancelled"
        assert row.step.anchor != Step.Anchor.BEFORE_START or _now() < appointment.starts_at, (
            "after the start"
        )
        assert row.enrolment.withdrawn_at is None
        assert row.enrolment.campaign.is_active, "of a campaign that is off"
        assert row.step.is_active, "of a step that is gone"
        assert contact.archived_at is None
        assert appointment.guests.filter(contact=contact).exists(), "to who is no guest"
        if medium == "email":
            assert not contact.no_email, "to who wants none"
            assert contact.emails.filter(address=letter.recipient, undeliverable_at=None).exists()
        else:
            assert not contact.no_sms, "to who wants none"
            assert contact.phones.filter(number=letter.recipient, undeliverable_at=None).exists()

    def in_doubt(self) -> None:
        """A worker died: what it was over may come again, by e-mail."""
        begun = Message.objects.filter(state=State.SENDING, step__medium="email").exclude(message_id="")
        self.allowed.update(begun.values_list("message_id", flat=True))

    def judge_books(self) -> None:
        """Enrolled = sent + skipped + void + waiting (+ failed + unknown): each step of each enrolment, always."""
        found: dict[tuple[int, int], Counter[str]] = {}
        pks = set()
        for row in Message.objects.all():
            pks.add(row.pk)
            is_open = row.state in OPEN and not row.message_id
            kind = "open" if is_open else row.state
            found.setdefault((row.enrolment_id, row.step_id), Counter())[kind] += 1
            if row.state in (State.SKIPPED, State.VOID, State.FAILED, State.UNKNOWN):
                assert row.why, f"{row.pk} is {row.state} and nobody knows why"
            if row.state == State.SENT:
                assert row.sent_at is not None
        assert self.rows <= pks, "a row is gone"
        self.rows = pks
        for enrolment in Enrolment.objects.prefetch_related("campaign__steps"):
            active = {step.pk for step in enrolment.campaign.steps.all() if step.is_active}
            for step in self.entered.setdefault(enrolment.pk, active):
                states = found.get((enrolment.pk, step), Counter())
                assert states, f"no row for step {step} of enrolment {enrolment.pk}"
                assert states["open"] <= 1, f"step {step} of enrolment {enrolment.pk} waits twice"

    def judge_end(self) -> None:
        """Nothing lost: what arrived counts as sent or in doubt, what counts as sent arrived, and all that is due has
        left or says why not."""
        for row in Message.objects.exclude(message_id=""):
            arrived = self.taken[row.message_id]
            assert row.state != State.SENT or arrived or row.why.endswith("arrived."), f"{row.pk} never left"
            assert not arrived or row.state in (State.SENT, State.UNKNOWN), (
                f"{row.pk} left and is {row.state}"
            )
        late = Message.objects.filter(state__in=OPEN, due_at__lte=_now())
        assert not late.exists(), list(late.values("pk", "state", "why", "not_before", "claimed_until"))


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Reminders(RuleBasedStateMachine):
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.clock = time_machine.travel(NOW, tick=False)
        self.traveller = self.clock.start()
        self.promises = Promises()
        self.outside = {medium: Outside(medium, self.promises) for medium in ("email", "sms")}
        self.patches = [patch.dict(delivery.TRANSPORTS, self.outside)]
        # A sweep that waits for its carrier moves the clock.
        self.patches.append(patch("time.sleep", self.traveller.shift))
        for each in self.patches:
            each.start()
        _clear()

    def teardown(self) -> None:
        try:
            self.heal()
            self.promises.judge_books()
            self.promises.judge_end()
            self.promises_a_fresh_start()
        finally:
            for each in self.patches:
                each.stop()
            self.clock.stop()
            _clear()

    @initialize()
    def set_out(self) -> None:
        self.owner, self.calendar = rows.user(), rows.calendar()
        # Two of them share an address, as couples do.
        self.people = [rows.contact(f"person{max(number, 1)}@example.com") for number in range(PEOPLE)]
        for number, person in enumerate(self.people):
            person.phones.create(number=f"+4479460000{number:02}", is_primary=True)
        self.campaigns = [
            rows.campaign(rows.at_once(), rows.before(24), rows.after(2, medium=Step.Medium.SMS)),
            rows.campaign(
                rows.before(2, medium=Step.Medium.SMS),
                rows.before(5, when_late=Step.WhenLate.SEND),
                on_changes=["booked", "rescheduled"],
            ),
        ]

    # --- people ---------------------------------------------------------------------------------------------

    @rule(first=which, second=which, after=hours, is_lost=st.booleans())
    def book(self, first: int, second: int, after: int, is_lost: bool) -> None:
        person, other = self.person(first), self.person(second)
        guests = [other] if other != person else []
        with _signals(is_lost):
            rows.book(
                person,
                guests=guests,
                owner=self.owner,
                calendar=self.calendar,
                starts_at=_now() + after * HOUR,
            )

    @precondition(lambda self: Appointment.objects.exists())
    @rule(number=which, after=hours, is_lost=st.booleans())
    def move(self, number: int, after: int, is_lost: bool) -> None:
        appointment = self.appointment(number)
        starts_at = _now() + after * HOUR
        if appointment.is_void:
            return
        with _signals(is_lost):
            booking.reschedule(appointment, starts_at=starts_at, ends_at=starts_at + HOUR / 2)

    @precondition(lambda self: Appointment.objects.exists())
    @rule(number=which, is_lost=st.booleans())
    def move_back(self, number: int, is_lost: bool) -> None:
        """To a start that it had before."""
        appointment = self.appointment(number)
        known = Message.objects.filter(enrolment__appointment=appointment).order_by("pk")
        before = known.values_list("for_start", flat=True).first()
        if before not in (None, appointment.starts_at) and not appointment.is_void:
            with _signals(is_lost):
                booking.reschedule(appointment, starts_at=before, ends_at=before + HOUR / 2)

    @precondition(lambda self: Appointment.objects.exists())
    @rule(
        number=which,
        status=st.sampled_from(["cancelled", "confirmed", "cancelled", "new"]),
        is_lost=st.booleans(),
    )
    def set_status(self, number: int, status: str, is_lost: bool) -> None:
        appointment = self.appointment(number)
        if appointment.status != status:
            with _signals(is_lost):
                booking.set_status(appointment, status)

    @precondition(lambda self: Appointment.objects.exists())
    @rule(number=which)
    def take_off(self, number: int) -> None:
        appointment = self.appointment(number)
        guests = appointment.guests.exclude(contact=appointment.contact)
        guest = guests.order_by("pk").first()
        if guest is not None:
            booking.detach(appointment, guest.contact, origin="staff", why="Asked to be taken off")

    @rule(number=which, medium=mediums, wants=st.booleans())
    def wish(self, number: int, medium: str, wants: bool) -> None:
        (unsubscribing.resubscribe if wants else unsubscribing.unsubscribe)(self.person(number), medium)

    # --- campaigns ------------------------------------------------------------------------------------------

    @rule(number=which, is_active=st.booleans())
    def switch(self, number: int, is_active: bool) -> None:
        campaign = self.campaigns[number % len(self.campaigns)]
        Campaign.objects.filter(pk=campaign.pk).update(is_active=is_active)

    @rule(number=which, moves_waiting=st.booleans())
    def remove_step(self, number: int, moves_waiting: bool) -> None:
        campaign = self.campaigns[number % len(self.campaigns)]
        active = campaign.steps.filter(is_active=True).order_by("pk")
        if active.count() > 1:
            Step.objects.filter(pk=active[number % active.count()].pk).update(is_active=False)
            self.follow(campaign, moves_waiting)

    @rule(number=which, hours=st.integers(1, 30), moves_waiting=st.booleans())
    def shift_step(self, number: int, hours: int, moves_waiting: bool) -> None:
        campaign = self.campaigns[number % len(self.campaigns)]
        dated = campaign.steps.filter(is_active=True).exclude(anchor=Step.Anchor.AT_ONCE).order_by("pk")
        if dated.exists():
            Step.objects.filter(pk=dated[number % dated.count()].pk).update(offset=hours * HOUR)
            self.follow(campaign, moves_waiting)

    def follow(self, campaign: Campaign, moves_waiting: bool) -> None:
        follow_steps(Campaign.objects.get(pk=campaign.pk), now=_now(), moves_waiting=moves_waiting)

    # --- carriers and time ----------------------------------------------------------------------------------

    @rule(medium=mediums, mood=moods)
    def carrier(self, medium: str, mood: str) -> None:
        self.outside[medium].mood = mood

    @rule(medium=mediums)
    def try_again(self, medium: str) -> None:
        carrying.resume(medium)

    @rule(minutes=st.sampled_from([1, 5, 12, 45, 90, 60 * 5, 60 * 20]))
    def time_passes(self, minutes: int) -> None:
        self.traveller.shift(minutes * 60)

    @precondition(lambda self: Message.objects.filter(state=State.UNKNOWN).exists())
    @rule(number=which, has_arrived=st.booleans())
    def settle(self, number: int, has_arrived: bool) -> None:
        """A person says what became of it, or has it sent again: then it may come once more."""
        rows = Message.objects.filter(state=State.UNKNOWN).order_by("pk")
        row = rows[number % rows.count()]
        if has_arrived:
            assert unclear.it_arrived(row, by=self.owner, now=_now())
        else:
            self.promises.allowed[row.message_id] += 1
            assert unclear.send_again(row, by=self.owner, now=_now())

    # --- workers --------------------------------------------------------------------------------------------

    @rule()
    def sweep(self) -> None:
        self.traveller.shift(6)
        enrol_missing()
        deliver_due()

    @rule(statement=moments, is_done=st.booleans())
    def sweep_and_die(self, statement: int, is_done: bool) -> None:
        """Before the database did its `statement`th statement, or after."""

        def die() -> None:
            raise Died

        self.dying(statement, die, after=is_done)

    @rule(medium=mediums, when=st.sampled_from(["before", "after"]))
    def sweep_and_die_over_a_letter(self, medium: str, when: str) -> None:
        self.outside[medium].death = when
        self.dying(10_000, lambda: None, after=False)
        self.outside[medium].death = ""

    @rule(
        statement=moments,
        what=st.sampled_from(["another", "cancel", "move", "wish", "switch", "time", "take_off"]),
        number=which,
    )
    def sweep_while_something_happens(self, statement: int, what: str, number: int) -> None:
        """Before the `statement`th statement of a worker, another worker sweeps, or people act."""
        happenings: dict[str, Callable[[], object]] = {
            "another": deliver_due,
            "cancel": lambda: Appointment.objects.exists() and self.set_status(number, "cancelled", False),
            "move": lambda: Appointment.objects.exists() and self.move(number, 30, False),
            "wish": lambda: self.wish(number, "email", False),
            "switch": lambda: self.switch(number, False),
            "time": lambda: self.traveller.shift(900),
            "take_off": lambda: Appointment.objects.exists() and self.take_off(number),
        }
        self.dying(statement, happenings[what], after=False)

    def dying(self, statement: int, what: Callable[[], object], *, after: bool) -> None:
        Reminders.steps += 1
        try:
            with _at_statement(statement, what, after=after):
                deliver_due()
        except Died:
            self.promises.in_doubt()

    @invariant()
    def the_books_add_up(self) -> None:
        Reminders.steps += 1
        self.promises.judge_books()

    # --- the end --------------------------------------------------------------------------------------------

    def heal(self) -> None:
        """Carriers work, and beat ticks for half a day."""
        for outside in self.outside.values():
            outside.mood = ""
            carrying.resume(outside.medium)
        Carrier.objects.update(not_before=None)
        for _ in range(12):
            self.traveller.shift(3600)
            enrol_missing()
            deliver_due()

    def promises_a_fresh_start(self) -> None:
        """Whatever happened before, who books now and may be reached gets every message."""
        person = rows.contact("fresh@example.com")
        person.phones.create(number="+447946009999", is_primary=True)
        fresh = rows.campaign(rows.at_once(), rows.before(24), rows.after(2, medium=Step.Medium.SMS))
        rows.book(person, owner=self.owner, calendar=self.calendar, starts_at=_now() + 48 * HOUR)
        for _ in range(60):
            self.traveller.shift(3600)
            deliver_due()
        states = Message.objects.filter(step__campaign=fresh).values_list("state", flat=True)
        assert list(states) == [State.SENT] * 3, list(states)

    def person(self, number: int) -> Contact:
        return Contact.objects.get(pk=self.people[number % len(self.people)].pk)

    def appointment(self, number: int) -> Appointment:
        found = Appointment.objects.order_by("created_at", "pk")
        return found[number % found.count()]


@contextmanager
def _signals(is_lost: bool) -> Iterator[None]:
    """Where they are lost, the process died between its commit and its signal."""
    if not is_lost:
        yield
        return
    with patch("campaigns.receivers.look_at"):
        yield


@contextmanager
def _at_statement(number: int, what: Callable[[], object], *, after: bool) -> Iterator[None]:
    """`what` happens at the `number`th statement outside of any transaction: no other worker can act in one of ours,
    and who dies in one has done nothing."""
    seen = 0

    def watch(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        nonlocal seen
        if connection.in_atomic_block or (after and sql.startswith("BEGIN")):
            return execute(sql, params, many, context)
        seen += 1
        is_time = seen == number
        if is_time and not after:
            what()
        done = execute(sql, params, many, context)
        if is_time and after:
            what()
        return done

    with connection.execute_wrapper(watch):
        yield


def _clear() -> None:
    for model in (
        Message,
        Notice,
        Enrolment,
        TriggerEvent,
        AppointmentChange,
        Appointment,
        Campaign,
        Carrier,
        Activity,
        Contact,
    ):
        model._default_manager.all().delete()
    User.objects.all().delete()
