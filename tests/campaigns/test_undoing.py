"""A move by staff that is undone in time sends nothing; one that was told already is taken back in words."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail

from calendars import booking
from campaigns.by_hand import can_fire
from campaigns.delivery import deliver_due
from campaigns.firing import UNDONE
from campaigns.models import Enrolment, Message, Notice, Step
from contacts.models import Appointment, AppointmentChange, User
from tests.campaigns import rows
from tests.campaigns.rows import NOW, START

pytestmark = pytest.mark.django_db
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
GRACE = 30 * SECOND


@pytest.fixture(autouse=True)
def clock(settings: Any) -> Iterator[Any]:
    settings.NOTICE_GRACE = GRACE
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def dana() -> User:
    return rows.user(first_name="Dana")


def told_at(clock: Any, now: datetime) -> list[str]:
    """What leaves at `now`."""
    clock.move_to(now)
    before = len(mail.outbox)
    deliver_due(now)
    return [letter.subject.partition(":")[0] for letter in mail.outbox[before:]]


def by_customer(**values: Any) -> Appointment:
    values.setdefault("calendar", rows.calendar(confirms_automatically=True))
    return rows.booked(rows.contact("ada@example.com"), origin="customer", **values)


def drag(appointment: Appointment, to: datetime, by: User, now: datetime = NOW) -> AppointmentChange:
    rows.moved(appointment, to, now=now, by=by)
    return appointment.changes.latest("pk")


def undo(move: AppointmentChange, by: User, now: datetime = NOW) -> None:
    booking.undo_move(move.appointment, AppointmentChange.objects.get(pk=move.pk), by=by)
    rows.look(now)


def notices(appointment: Appointment) -> list[tuple[str, str, str]]:
    return list(
        Notice.objects.filter(appointment=appointment).order_by("pk").values_list("kind", "state", "why")
    )


def test_the_notice_of_a_move_by_staff_waits_before_it_leaves(clock: Any, dana: User) -> None:
    appointment = by_customer()
    assert told_at(clock, NOW) == ["Booked"]
    drag(appointment, START + DAY, dana)
    assert told_at(clock, NOW + GRACE - SECOND) == []
    assert told_at(clock, NOW + GRACE) == ["Moved"]


@pytest.mark.parametrize("origin", ["customer", "google"])
def test_what_others_moved_is_told_at_once(clock: Any, origin: str) -> None:
    appointment = by_customer()
    told_at(clock, NOW)
    rows.moved(appointment, START + DAY, origin=origin)
    assert told_at(clock, NOW) == ["Moved"]


def test_a_move_undone_in_time_is_told_to_nobody(clock: Any, dana: User) -> None:
    appointment = by_customer()
    told_at(clock, NOW)
    undo(drag(appointment, START + DAY, dana), dana)
    assert told_at(clock, NOW + DAY) == []
    assert notices(appointment)[1] == ("moved", "void", UNDONE)
    assert notices(appointment)[2][:2] == ("moved", "skipped")


def test_a_move_that_was_told_is_told_back_when_it_is_undone(clock: Any, dana: User) -> None:
    appointment = by_customer()
    told_at(clock, NOW)
    move = drag(appointment, START + DAY, dana)
    assert told_at(clock, NOW + GRACE) == ["Moved"]
    undo(move, dana, NOW + 2 * GRACE)
    assert told_at(clock, NOW + 2 * GRACE) == ["Moved"]
    assert "Wednesday 10 June" in mail.outbox[-1].subject
    assert "It was Thursday 11 June" in mail.outbox[-1].body


def test_a_confirmation_that_waited_when_the_move_came_is_still_sent(clock: Any, dana: User) -> None:
    appointment = by_customer()
    undo(drag(appointment, START + DAY, dana), dana)
    assert told_at(clock, NOW) == ["Booked"]
    assert "Wednesday 10 June" in mail.outbox[-1].subject
    assert told_at(clock, NOW + DAY) == []


def test_a_word_on_the_confirmation_that_waited_when_the_move_came_is_still_sent(
    clock: Any, dana: User
) -> None:
    appointment = by_customer(calendar=rows.calendar(confirms_automatically=False))
    told_at(clock, NOW)
    rows.with_status(appointment, "confirmed")
    undo(drag(appointment, START + DAY, dana), dana)
    assert told_at(clock, NOW) == ["Confirmed"]


def test_the_move_before_the_undone_one_is_still_told(clock: Any, dana: User) -> None:
    appointment = rows.booked(calendar=rows.calendar(notices="all"))
    Notice.objects.all().delete()
    drag(appointment, START + DAY, dana)
    undo(drag(appointment, START + 2 * DAY, dana), dana)
    assert told_at(clock, NOW + GRACE) == ["Moved"]
    assert "Thursday 11 June" in mail.outbox[-1].subject


def test_cancelled_before_its_move_was_told_it_is_cancelled_at_the_time_that_they_know(
    clock: Any, dana: User
) -> None:
    appointment = by_customer(calendar=rows.calendar(name="Physio", confirms_automatically=True))
    told_at(clock, NOW)
    drag(appointment, START + DAY, dana)
    rows.with_status(appointment, "cancelled", by=dana)
    assert told_at(clock, NOW + GRACE) == ["Cancelled"]
    assert mail.outbox[-1].subject == "Cancelled: Physio, Wednesday 10 June, 11:00"
    assert "When: Wednesday 10 June 2026, 11:00 to 11:30" in mail.outbox[-1].body
    assert "11 June" not in mail.outbox[-1].body


def test_cancelled_after_its_move_was_told_it_is_cancelled_at_the_new_time(clock: Any, dana: User) -> None:
    appointment = by_customer(calendar=rows.calendar(name="Physio", confirms_automatically=True))
    told_at(clock, NOW)
    drag(appointment, START + DAY, dana)
    told_at(clock, NOW + GRACE)
    rows.with_status(appointment, "cancelled", by=dana)
    told_at(clock, NOW + GRACE)
    assert mail.outbox[-1].subject == "Cancelled: Physio, Thursday 11 June, 11:00"


def test_an_undo_whose_signal_was_lost_holds_the_notice_back_all_the_same(clock: Any, dana: User) -> None:
    appointment = rows.booked(calendar=rows.calendar(notices="all"))
    Notice.objects.all().delete()
    move = drag(appointment, START + DAY, dana)
    booking.undo_move(appointment, move, by=dana)
    assert told_at(clock, NOW + GRACE) == []
    rows.look(NOW + GRACE)
    assert told_at(clock, NOW + DAY) == []


def test_a_move_undone_before_anybody_looked_fires_and_tells_nothing(clock: Any, dana: User) -> None:
    rows.campaign(rows.at_once(), on_changes=["rescheduled"])
    appointment = by_customer()
    told_at(clock, NOW)
    booking.reschedule(appointment, starts_at=START + DAY, ends_at=START + DAY + 60 * SECOND, by=dana)
    booking.undo_move(appointment, appointment.changes.latest("pk"), by=dana)
    rows.look()
    assert told_at(clock, NOW + DAY) == []
    assert not Enrolment.objects.exists()
    assert [line[1:] for line in rows.log(appointment)[1:]] == [
        (False, UNDONE),
        (False, f"Undone: moved back by {dana}."),
    ]


def test_messages_that_a_move_starts_at_once_wait_and_become_void(clock: Any, dana: User) -> None:
    rows.campaign(rows.at_once(subject="New time"), rows.before(24), on_changes=["rescheduled"])
    appointment = rows.booked()
    move = drag(appointment, START + DAY, dana)
    assert told_at(clock, NOW + GRACE - SECOND) == []
    undo(move, dana)
    assert told_at(clock, NOW + 20 * DAY) == []
    assert set(Message.objects.values_list("state", "why")) == {("void", UNDONE)}
    # Nothing that happens later brings them back.
    rows.with_status(appointment, "confirmed")
    assert set(Message.objects.values_list("state", flat=True)) == {"void"}


def test_messages_that_a_move_starts_leave_when_nobody_undoes_it(clock: Any, dana: User) -> None:
    rows.campaign(rows.at_once(subject="New time"), on_changes=["rescheduled"])
    drag(rows.booked(), START + DAY, dana)
    assert told_at(clock, NOW + GRACE) == ["New time"]


def test_a_reminder_that_a_move_makes_due_waits_and_goes_back(clock: Any, dana: User) -> None:
    rows.campaign(rows.before(24, when_late=Step.WhenLate.SEND))
    appointment = rows.booked()
    move = drag(appointment, NOW + DAY / 2, dana)
    assert told_at(clock, NOW + GRACE - SECOND) == []
    undo(move, dana)
    assert told_at(clock, NOW + GRACE) == []
    assert rows.messages(appointment) == [("waiting", START - DAY)]


def test_who_was_in_the_campaign_before_stays_in_it(clock: Any, dana: User) -> None:
    rows.campaign(rows.at_once(subject="New time"), rows.before(24), on_changes=["rescheduled"])
    appointment = rows.booked()
    drag(appointment, START + DAY, dana)
    assert told_at(clock, NOW + GRACE) == ["New time"]
    later = NOW + 2 * GRACE
    clock.move_to(later)
    undo(drag(appointment, START + 2 * DAY, dana, later), dana, later)
    assert told_at(clock, later + DAY) == []
    assert rows.messages(appointment)[-1] == ("waiting", START)
    assert Enrolment.objects.get().withdrawn_at is None


def test_the_next_real_move_fires_again(clock: Any, dana: User) -> None:
    rows.campaign(rows.at_once(subject="New time"), on_changes=["rescheduled"])
    appointment = rows.booked()
    undo(drag(appointment, START + DAY, dana), dana)
    clock.move_to(NOW + GRACE)
    drag(appointment, START + 2 * DAY, dana, NOW + GRACE)
    assert told_at(clock, NOW + 2 * GRACE) == ["New time"]


def test_nobody_can_fire_an_undone_move_by_hand(clock: Any, dana: User) -> None:
    appointment = rows.booked()
    undo(drag(appointment, START + DAY, dana), dana)
    assert can_fire([appointment], NOW) == []


# --- marks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", ["no_show", "showed"])
def test_what_a_mark_starts_at_once_waits_and_is_void_once_it_is_taken_back(
    clock: Any, dana: User, mark: str
) -> None:
    rows.campaign(rows.at_once(subject="We missed you"), on_changes=[mark])
    appointment = rows.booked(rows.contact("ada@example.com"))
    rows.with_status(appointment, mark, by=dana)
    assert told_at(clock, NOW + GRACE - SECOND) == []
    booking.take_mark_back(appointment, by=dana)
    rows.look(NOW + GRACE - SECOND)
    assert told_at(clock, NOW + GRACE) == []
    assert Message.objects.get().state == Message.State.VOID


def test_what_a_mark_starts_leaves_when_nobody_takes_it_back(clock: Any, dana: User) -> None:
    rows.campaign(rows.at_once(subject="We missed you"), on_changes=["no_show"])
    rows.with_status(rows.booked(rows.contact("ada@example.com")), "no_show", by=dana)
    assert told_at(clock, NOW + GRACE) == ["We missed you"]


def test_the_other_mark_in_its_place_sends_only_what_is_about_that_one(clock: Any, dana: User) -> None:
    rows.campaign(rows.at_once(subject="We missed you"), on_changes=["no_show"])
    rows.campaign(rows.at_once(subject="Thank you"), on_changes=["showed"])
    appointment = rows.booked(rows.contact("ada@example.com"))
    rows.with_status(appointment, "no_show", by=dana)
    rows.with_status(appointment, "showed", by=dana)
    assert told_at(clock, NOW + GRACE) == ["Thank you"]
