"""What an appointment made here is called is said here: words changed on its event at Google are put back."""

from typing import Any

import pytest

from calendars import booking
from calendars.models import GoogleEvent, PushTarget
from calendars.sync import disconnecting
from calendars.sync.turn import take_turn
from contacts.models import Appointment
from integrations.sandbox.faults import Fault
from tests.calendars.sync.rules.scene import DAY, LATER, PATCH, book, start_of
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db


def pushed(google: Google, desk: Desk, **values: Any) -> dict[str, Any]:
    """The event of an appointment booked here; nothing that was asked for it is in the journal."""
    book(desk, title="Consultation", description="Bring papers", location="Room 1", **values)
    desk.turn()
    google.control.clear_requests()
    [event] = google.events(desk.address)
    return event


def settle(desk: Desk) -> None:
    """What is read is pushed by the sweep that follows."""
    for _ in range(3):
        desk.turn()


def words_at_google(google: Google, desk: Desk) -> tuple[str, str, str]:
    [event] = google.events(desk.address)
    return event.get("summary", ""), event.get("description", ""), event.get("location", "")


@pytest.mark.parametrize("option", ["one_way", "two_way"])
@pytest.mark.parametrize("field", ["summary", "description", "location"])
def test_event_of_ours_renamed_at_google_gets_its_words_back(google: Google, field: str, option: str) -> None:
    desk = Desk(google, option, creation=option != "one_way")
    event = pushed(google, desk)
    google.change(desk.address, event, **{field: "Something else"})
    settle(desk)
    assert words_at_google(google, desk) == ("Consultation", "Bring papers", "Room 1")
    [patch] = google.control.requests(PATCH)
    assert (set(patch.body or {}), patch.if_match is not None) == ({field}, True)
    assert "Reworded at Google: what is written here was put back." in GoogleEvent.objects.get().reason


def test_words_are_put_back_once_for_each_change_at_google(google: Google) -> None:
    desk = Desk(google)
    event = pushed(google, desk)
    for times, name in enumerate(("One", "Two"), start=1):
        google.change(desk.address, event, summary=name)
        settle(desk)
        assert len(google.control.requests(PATCH)) == times
    assert not PushTarget.objects.behind().exists()


def test_word_that_was_changed_back_at_google_meanwhile_is_not_pushed(google: Google) -> None:
    desk = Desk(google)
    event = pushed(google, desk)
    google.change(desk.address, event, summary="Something else")
    google.change(desk.address, event, summary="Consultation")
    settle(desk)
    assert google.control.requests(PATCH) == []


def test_event_of_ours_renamed_and_moved_at_google_follows_the_move_alone(google: Google) -> None:
    desk = Desk(google)
    event = pushed(google, desk)
    google.change(desk.address, event, summary="Something else")
    google.move(desk.address, event, LATER)
    settle(desk)
    [event] = google.events(desk.address)
    assert (event["summary"], start_of(event)) == ("Consultation", LATER)
    assert Appointment.objects.get().starts_at == LATER
    assert "Moved at Google" in GoogleEvent.objects.get().reason


def test_event_renamed_and_moved_under_one_way_gets_its_words_back_and_keeps_its_time(google: Google) -> None:
    desk = Desk(google, "one_way", creation=False)
    event = pushed(google, desk)
    google.change(desk.address, event, summary="Something else")
    google.move(desk.address, event, LATER)
    settle(desk)
    [event] = google.events(desk.address)
    assert (event["summary"], start_of(event)) == ("Consultation", LATER)
    assert [set(patch.body or {}) for patch in google.control.requests(PATCH)] == [{"summary"}]
    assert Appointment.objects.get().starts_at == TOMORROW_AT_TEN
    reason = GoogleEvent.objects.get().reason
    assert "its own time stands" in reason
    assert "was put back" in reason


def test_renaming_here_does_not_move_what_one_way_let_stand_elsewhere(google: Google) -> None:
    desk = Desk(google, "one_way", creation=False)
    event = pushed(google, desk)
    google.move(desk.address, event, LATER)
    settle(desk)
    booking.set_details(Appointment.objects.get(), title="Ours", description="", location="")
    settle(desk)
    [event] = google.events(desk.address)
    assert (event["summary"], start_of(event)) == ("Ours", LATER)
    assert "its own time stands" in GoogleEvent.objects.get().reason


def test_moving_here_moves_what_one_way_let_stand_elsewhere(google: Google) -> None:
    desk = Desk(google, "one_way", creation=False)
    event = pushed(google, desk)
    google.change(desk.address, event, summary="Something else")
    google.move(desk.address, event, LATER)
    settle(desk)
    booking.reschedule(Appointment.objects.get(), starts_at=LATER + DAY, ends_at=LATER + DAY + HOUR)
    settle(desk)
    [event] = google.events(desk.address)
    assert start_of(event) == LATER + DAY
    assert GoogleEvent.objects.get().reason == "In Google since it was booked here."


def test_event_of_ours_made_all_day_and_renamed_gets_its_words_back_and_stays_all_day(google: Google) -> None:
    desk = Desk(google)
    event = pushed(google, desk)
    google.change(
        desk.address,
        event,
        summary="Something else",
        start={"date": "2026-03-04", "dateTime": None},
        end={"date": "2026-03-05", "dateTime": None},
    )
    settle(desk)
    [event] = google.events(desk.address)
    assert (event["summary"], event["start"]) == ("Consultation", {"date": "2026-03-04"})
    assert Appointment.objects.get().starts_at == TOMORROW_AT_TEN


def test_words_wait_for_google_to_answer_again(google: Google) -> None:
    desk = Desk(google)
    event = pushed(google, desk)
    google.change(desk.address, event, summary="Something else")
    google.control.add_fault(Fault(method=PATCH, status=503, count=1))
    desk.turn()
    assert take_turn(desk.google_calendar.pk, NOW, pulls=True).has_failed
    PushTarget.objects.update(not_before=None)
    desk.turn()
    assert words_at_google(google, desk)[0] == "Consultation"


def test_words_changed_while_disconnected_are_put_back_after_the_reconnect(google: Google) -> None:
    desk = Desk(google)
    event = pushed(google, desk)
    disconnecting.let_go(desk.account.pk)
    google.change(desk.address, event, summary="Something else")
    disconnecting.resume(desk.account.pk, NOW)
    settle(desk)
    assert words_at_google(google, desk)[0] == "Consultation"


def test_event_of_ours_made_private_and_renamed_is_left_alone(google: Google) -> None:
    """What it is called is not read then, so nothing can be said of it."""
    desk = Desk(google)
    event = pushed(google, desk)
    google.change(desk.address, event, summary="Something else", visibility="private")
    settle(desk)
    assert google.control.requests(PATCH) == []


def test_occurrences_of_an_event_of_ours_that_a_person_made_to_repeat_keep_their_name(google: Google) -> None:
    desk = Desk(google)
    event = pushed(google, desk)
    zone = {"timeZone": "UTC"}
    google.change(
        desk.address,
        event,
        summary="Course",
        start={**event["start"], **zone},
        end={**event["end"], **zone},
        recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"],
    )
    settle(desk)
    assert {each["summary"] for each in google.events(desk.address)} == {"Course"}
    assert not any("Reworded" in row.reason for row in GoogleEvent.objects.all())


def test_word_edited_here_and_at_google_says_what_was_written_here(google: Google) -> None:
    desk = Desk(google)
    event = pushed(google, desk)
    appointment = Appointment.objects.get()
    booking.set_details(appointment, title="Ours", description="Bring papers", location="Room 1")
    google.change(desk.address, event, summary="Theirs", description="Theirs")
    settle(desk)
    assert words_at_google(google, desk) == ("Ours", "Bring papers", "Room 1")
    assert len(google.control.requests(PATCH)) == 1


def test_past_event_of_ours_keeps_the_name_it_was_given_at_google(google: Google) -> None:
    desk = Desk(google)
    pushed(google, desk, start=NOW - DAY / 2)
    [event] = google.events(desk.address)
    google.change(desk.address, event, summary="How it went")
    settle(desk)
    assert words_at_google(google, desk)[0] == "How it went"


def test_renamed_here_while_it_was_deleted_there_it_comes_back_with_its_new_name(google: Google) -> None:
    """The push of the name met an event that was gone; out of the bin, it kept the old one (seed 3875313792)."""
    desk = Desk(google)
    event = pushed(google, desk)
    appointment = Appointment.objects.get()
    booking.set_details(appointment, title="Second visit", description="Bring papers", location="Room 1")
    google.delete(desk.address, event)
    settle(desk)
    assert Appointment.objects.get().status == "cancelled"
    google.control.restore(desk.address, "primary", event["id"])
    settle(desk)
    assert Appointment.objects.get().status == "new"
    assert words_at_google(google, desk) == ("Second visit", "Bring papers", "Room 1")


def test_event_of_ours_that_comes_back_unchanged_is_not_written_to(google: Google) -> None:
    desk = Desk(google)
    event = pushed(google, desk)
    google.delete(desk.address, event)
    settle(desk)
    google.control.restore(desk.address, "primary", event["id"])
    settle(desk)
    assert Appointment.objects.get().status == "new"
    assert google.control.requests(PATCH) == []
    assert not PushTarget.objects.behind().exists()
