"""A class slot is one event at Google, without a guest list, whoever joins, leaves or moves (product: Hosts and push
targets)."""

import datetime
from typing import Any

import pytest

from calendars import booking
from calendars.models import Calendar, PushTarget
from calendars.sync import disconnecting
from contacts.models import Appointment, AppointmentChange
from integrations.google.client import CalendarClient
from integrations.google.events import RemoteEvent
from tests.calendars.sync.rules.scene import WRITES
from tests.factories import ContactFactory
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google, TwoCalendars

pytestmark = pytest.mark.django_db
LATER = TOMORROW_AT_TEN + 3 * HOUR


def class_of(google: Google, **fields: Any) -> Desk:
    desk = Desk(google)
    Calendar.objects.filter(pk=desk.calendar.pk).update(
        kind=Calendar.Kind.CLASS, name="Back class", seats=3, **fields
    )
    desk.calendar.refresh_from_db()
    desk.turn()
    return desk


def join(desk: Desk, starts_at: Any = TOMORROW_AT_TEN) -> Appointment:
    return booking.book(
        calendar=desk.calendar,
        contact=ContactFactory(address=f"seat{Appointment.objects.count()}@x.org"),
        owner=desk.user,
        starts_at=starts_at,
        ends_at=starts_at + HOUR,
    )


def at_google(google: Google, desk: Desk) -> dict[str, str]:
    """When each event of the class starts (UTC) → how it is called."""
    return {event["start"]["dateTime"][:16]: event["summary"] for event in google.events(desk.address)}


TEN, ONE = "2026-03-03T10:00", "2026-03-03T13:00"


def test_however_many_join_it_is_one_event_that_says_how_full_it_is(google: Google) -> None:
    desk = class_of(google, invites_through_google=True)
    join(desk)
    desk.turn()
    assert at_google(google, desk) == {TEN: "Back class: 1 of 3"}
    join(desk)
    join(desk)
    desk.turn()
    assert at_google(google, desk) == {TEN: "Back class: 3 of 3"}
    [event] = google.events(desk.address)
    assert "attendees" not in event
    google.control.clear_requests()
    desk.turn()
    assert {request.method for request in google.control.requests()} == {"calendar.events.list"}
    assert Appointment.objects.count() == 3


def test_it_stays_when_who_stood_for_it_leaves_and_goes_with_the_last(google: Google) -> None:
    desk = class_of(google)
    first, second = join(desk), join(desk)
    desk.turn()
    booking.cancel(first)
    desk.turn()
    desk.turn()
    assert at_google(google, desk) == {TEN: "Back class: 1 of 3"}
    booking.cancel(second)
    desk.turn()
    desk.turn()
    assert at_google(google, desk) == {}
    assert not PushTarget.objects.behind().exists()


def test_a_seat_that_moves_joins_the_other_session(google: Google) -> None:
    desk = class_of(google)
    first, _, third = join(desk), join(desk), join(desk, LATER)
    desk.turn()
    assert at_google(google, desk) == {TEN: "Back class: 2 of 3", ONE: "Back class: 1 of 3"}
    booking.reschedule(first, starts_at=LATER, ends_at=LATER + HOUR)
    desk.turn()
    desk.turn()
    assert at_google(google, desk) == {TEN: "Back class: 1 of 3", ONE: "Back class: 2 of 3"}
    booking.reschedule(third, starts_at=TOMORROW_AT_TEN, ends_at=TOMORROW_AT_TEN + HOUR)
    desk.turn()
    desk.turn()
    assert at_google(google, desk) == {TEN: "Back class: 2 of 3", ONE: "Back class: 1 of 3"}
    assert not PushTarget.objects.behind().exists()


def test_moved_at_google_the_whole_session_moves(google: Google) -> None:
    desk = class_of(google)
    for _ in range(3):
        join(desk)
    desk.turn()
    [event] = google.events(desk.address)
    google.move(desk.address, event, LATER)
    desk.turn()
    desk.turn()
    assert set(Appointment.objects.values_list("starts_at", flat=True)) == {LATER}
    assert at_google(google, desk) == {ONE: "Back class: 3 of 3"}
    assert AppointmentChange.objects.filter(what="rescheduled", fires=True).count() == 3


@pytest.mark.parametrize("there_first", [False, True])
def test_moved_at_google_onto_another_session_they_are_one_event_that_names_all(
    google: Google, there_first: bool
) -> None:
    """It named those who were moved alone (seed 433785673 of `make soak`)."""
    desk = class_of(google)
    if there_first:
        join(desk, LATER)
    join(desk)
    join(desk)
    if not there_first:
        join(desk, LATER)
    desk.turn()
    event = next(each for each in google.events(desk.address) if "2 of 3" in each["summary"])
    google.move(desk.address, event, LATER)
    for _ in range(3):
        desk.turn()
    assert [each["summary"] for each in google.events(desk.address)] == ["Back class: 3 of 3"]
    assert at_google(google, desk) == {ONE: "Back class: 3 of 3"}
    assert Appointment.objects.filter(starts_at=LATER, status="new").count() == 3


def test_deleted_at_google_every_seat_is_cancelled(google: Google) -> None:
    desk = class_of(google)
    for _ in range(3):
        join(desk)
    desk.turn()
    [event] = google.events(desk.address)
    google.delete(desk.address, event)
    desk.turn()
    desk.turn()
    assert not Appointment.objects.standing().exists()
    assert at_google(google, desk) == {}


def test_everybody_gets_the_meet_link_of_the_one_event(google: Google) -> None:
    desk = class_of(google, uses_google_meet=True)
    join(desk)
    desk.turn()
    desk.turn()
    join(desk)
    links = set(Appointment.objects.values_list("meeting_url", flat=True))
    assert len(links) == 1
    assert links.pop().startswith("https://meet.google.com/")


def test_the_event_stays_the_same_when_who_stood_for_it_leaves(google: Google) -> None:
    desk = class_of(google)
    first, _ = join(desk), join(desk)
    desk.turn()
    [event] = google.events(desk.address)
    booking.cancel(first)
    desk.turn()
    [kept] = google.events(desk.address)
    assert kept["id"] == event["id"]


def test_google_deletes_the_session_that_one_seat_has_just_left(google: Google) -> None:
    desk = class_of(google)
    leaving, staying, elsewhere = join(desk), join(desk), join(desk, LATER)
    desk.turn()
    event = next(each for each in google.events(desk.address) if each["summary"].endswith("2 of 3"))
    booking.reschedule(leaving, starts_at=LATER, ends_at=LATER + HOUR)
    google.delete(desk.address, event)
    desk.turn()
    desk.turn()
    void = set(
        Appointment.objects.exclude(pk__in=Appointment.objects.standing()).values_list("pk", flat=True)
    )
    assert void == {staying.pk}
    assert at_google(google, desk) == {ONE: "Back class: 2 of 3"}
    assert elsewhere.pk not in void


@pytest.mark.parametrize("who", [0, 1])
def test_google_deletes_the_session_while_one_seat_is_cancelled_here(google: Google, who: int) -> None:
    desk = class_of(google)
    seats = [join(desk), join(desk), join(desk)]
    desk.turn()
    [event] = google.events(desk.address)
    booking.cancel(seats[who])
    google.delete(desk.address, event)
    desk.turn()
    desk.turn()
    assert not Appointment.objects.standing().exists()
    assert at_google(google, desk) == {}


def test_google_moves_the_session_while_who_stands_for_it_leaves(google: Google) -> None:
    desk = class_of(google)
    leaving, staying = join(desk), join(desk)
    desk.turn()
    [event] = google.events(desk.address)
    booking.cancel(leaving)
    google.move(desk.address, event, LATER)
    desk.turn()
    desk.turn()
    staying.refresh_from_db()
    assert staying.starts_at == LATER
    assert at_google(google, desk) == {ONE: "Back class: 1 of 3"}


def test_who_is_invited_to_the_event_at_google_says_nothing_of_a_seat(google: Google) -> None:
    desk = class_of(google)
    first, second = join(desk), join(desk)
    desk.turn()
    [event] = google.events(desk.address)
    people = [
        {"email": seat.contact.primary_address, "responseStatus": answer}
        for seat, answer in ((first, "declined"), (second, "accepted"))
    ]
    google.change(desk.address, event, attendees=people)
    desk.turn()
    assert Appointment.objects.standing().count() == 2


def test_who_leaves_for_a_time_of_its_own_leaves_the_event_and_gets_another(google: Google) -> None:
    desk = class_of(google)
    first, _ = join(desk), join(desk)
    desk.turn()
    [event] = google.events(desk.address)
    booking.reschedule(first, starts_at=LATER, ends_at=LATER + HOUR)
    for _ in range(3):
        desk.turn()
    assert at_google(google, desk) == {TEN: "Back class: 1 of 3", ONE: "Back class: 1 of 3"}
    kept = next(each for each in google.events(desk.address) if each["id"] == event["id"])
    assert kept["start"]["dateTime"][:16] == TEN
    booking.reschedule(first, starts_at=TOMORROW_AT_TEN, ends_at=TOMORROW_AT_TEN + HOUR)
    for _ in range(3):
        desk.turn()
    assert at_google(google, desk) == {TEN: "Back class: 2 of 3"}


def test_a_session_is_told_of_who_leaves_it_and_never_stood_for_it(google: Google) -> None:
    desk = class_of(google)
    _, second = join(desk), join(desk)
    desk.turn()
    booking.reschedule(second, starts_at=LATER, ends_at=LATER + HOUR)
    desk.turn()
    desk.turn()
    assert at_google(google, desk) == {TEN: "Back class: 1 of 3", ONE: "Back class: 1 of 3"}


def move_all(desk: Desk, seat: Appointment, starts_at: Any) -> list[Appointment]:
    version = booking.version_of(booking.session_of(seat))
    return booking.move_session(
        seat, starts_at=starts_at, ends_at=starts_at + HOUR, by=desk.user, version=version
    )


def test_moved_here_as_one_its_event_is_patched_and_put_back_by_one_undo(google: Google) -> None:
    desk = class_of(google)
    seats = [join(desk), join(desk), join(desk)]
    desk.turn()
    [event] = google.events(desk.address)
    google.control.clear_requests()
    moved = move_all(desk, seats[1], LATER)
    desk.turn()
    desk.turn()
    writes = [r.method for r in google.control.requests() if not r.method.startswith("calendar.events.list")]
    assert writes == ["calendar.events.patch"]
    assert at_google(google, desk) == {ONE: "Back class: 3 of 3"}
    assert {row.pk for row in moved} == {seat.pk for seat in seats}
    moves = AppointmentChange.objects.filter(what="rescheduled", fires=True)
    assert {move.appointment_id for move in moves} == {seat.pk for seat in seats}
    move = moves.get(appointment=seats[2])
    booking.undo_move(seats[2], move, by=desk.user)
    desk.turn()
    desk.turn()
    assert set(Appointment.objects.values_list("starts_at", flat=True)) == {TOMORROW_AT_TEN}
    assert at_google(google, desk) == {TEN: "Back class: 3 of 3"}
    assert [each["id"] for each in google.events(desk.address)] == [event["id"]]
    assert not PushTarget.objects.behind().exists()


def test_moved_as_one_onto_another_session_they_are_one_and_part_again_by_the_undo(google: Google) -> None:
    desk = class_of(google)
    first, second, _ = join(desk), join(desk), join(desk, LATER)
    desk.turn()
    move_all(desk, first, LATER)
    for _ in range(3):
        desk.turn()
    assert at_google(google, desk) == {ONE: "Back class: 3 of 3"}
    booking.undo_move(second, second.changes.get(what="rescheduled"), by=desk.user)
    for _ in range(3):
        desk.turn()
    assert at_google(google, desk) == {TEN: "Back class: 2 of 3", ONE: "Back class: 1 of 3"}
    assert not PushTarget.objects.behind().exists()


def test_who_joins_while_the_event_is_written_is_counted_with_the_next_push(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = class_of(google)
    join(desk)
    real = CalendarClient.insert_event

    def slowly(client: CalendarClient, *args: Any, **options: Any) -> RemoteEvent:
        event = real(client, *args, **options)
        join(desk)
        return event

    monkeypatch.setattr(CalendarClient, "insert_event", slowly)
    desk.turn()
    desk.turn()
    assert at_google(google, desk) == {TEN: "Back class: 2 of 3"}
    assert not PushTarget.objects.behind().exists()


def test_renamed_at_google_while_disconnected_it_says_again_how_full_it_is(google: Google) -> None:
    """What its event had said was given up with the connection (seed 2077845301)."""
    desk = class_of(google)
    join(desk)
    desk.turn()
    [event] = google.events(desk.address)
    disconnecting.let_go(desk.account.pk)
    google.change(desk.address, event, summary="Yoga")
    disconnecting.resume(desk.account.pk, NOW)
    for _ in range(2):
        desk.turn()
    assert at_google(google, desk) == {TEN: "Back class: 1 of 3"}
    google.control.clear_requests()
    desk.turn()
    assert not [request for request in google.control.requests() if request.method in WRITES]


def sweep(two: TwoCalendars, now: datetime.datetime) -> None:
    for google_calendar in (two.first, two.second) * 2:
        two.turn(google_calendar, now)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first leaves", "second leaves"])
def test_dragged_to_a_conflict_calendar_its_event_goes_on_for_those_who_stay(
    google: Google, order: tuple[int, int]
) -> None:
    two = TwoCalendars(google, is_linked=False)
    desk = two.desk
    Calendar.objects.filter(pk=desk.calendar.pk).update(kind=Calendar.Kind.CLASS, name="Back class", seats=3)
    desk.calendar.refresh_from_db()
    seats = [join(desk), join(desk)]
    for google_calendar in (two.second, two.first):
        two.turn(google_calendar, NOW)
    [event] = google.events(desk.address)
    two.drag(event["id"], two.first, two.second)
    sweep(two, NOW + HOUR / 60)
    leaves, stays = (seats[index] for index in order)
    booking.cancel(leaves)
    sweep(two, NOW + HOUR / 30)
    stays.refresh_from_db()
    assert stays.status == "new"
    assert google.events(desk.address) == []
    google.control.delete(desk.address, two.second.google_id, event["id"])
    sweep(two, NOW + HOUR / 20)
    stays.refresh_from_db()
    assert stays.status == "cancelled"
