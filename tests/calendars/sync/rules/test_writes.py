"""Google's rules for ids, etags and writes (W1 to W14), kept by the engine over HTTP."""

import re
from typing import Any

import pytest

from calendars import booking
from calendars.models import Calendar, GoogleEvent, PushTarget
from calendars.sync import targets
from calendars.sync.turn import take_turn
from contacts.models import Appointment
from integrations.models import GoogleCalendar
from integrations.sandbox.faults import Fault
from integrations.sandbox.journal import LoggedRequest
from tests.calendars.sync.rules.conftest import Answers
from tests.calendars.sync.rules.scene import (
    DELETE,
    GET,
    INSERT,
    LATER,
    LIST,
    PATCH,
    WRITES,
    book,
    read_for_conflicts,
    row_of,
    start_of,
)
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db


def body_of(google: Google, method: str) -> dict[str, Any]:
    """What the last call of `method` sent."""
    body = google.control.requests(method)[-1].body
    assert body is not None
    return body


def move(appointment: Appointment) -> None:
    booking.reschedule(appointment, starts_at=LATER, ends_at=LATER + HOUR)


def test_w1_id_is_ours_in_googles_alphabet_and_comes_without_an_icaluid(google: Google) -> None:
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    sent = body_of(google, INSERT)
    assert re.fullmatch(r"[a-v0-9]{5,1024}", sent["id"])
    assert appointment.pk.hex in sent["id"]
    assert "iCalUID" not in sent


@pytest.mark.parametrize("option", ["one_way", "two_way"])
def test_w2_id_that_was_deleted_stays_taken_so_the_event_comes_back_under_the_next(
    google: Google, option: str
) -> None:
    """Where the appointment outlives its event: under two way who deletes it cancels, heard or not."""
    desk = Desk(google, option, creation=False)
    desk.turn()
    appointment = book(desk)
    # The event is made, but nobody here hears of it; then a person deletes it.
    google.control.add_fault(Fault(method=INSERT, drop_after=True))
    google.control.add_fault(Fault(method=INSERT, drop_before=True, count=9))
    take_turn(desk.google_calendar.pk, NOW)
    google.control.clear_faults()
    google.control.delete(desk.address, "primary", f"{appointment.pk.hex}g0")
    PushTarget.objects.update(not_before=None)
    take_turn(desk.google_calendar.pk, NOW)
    expected = [f"{appointment.pk.hex}g1"] if option == "one_way" else []
    assert [event["id"] for event in google.events(desk.address)] == expected
    assert Appointment.objects.get().status == ("new" if option == "one_way" else "cancelled")
    assert not PushTarget.objects.behind().exists()


def test_w4_every_change_of_an_event_is_made_under_its_etag(google: Google) -> None:
    desk = Desk(google)
    appointment = book(desk)
    for change in (lambda: None, lambda: move(appointment), lambda: booking.cancel(appointment)):
        change()
        desk.turn()
    changed = [request for request in google.control.requests() if request.method in (PATCH, DELETE)]
    assert [request.method for request in changed] == [PATCH, DELETE]
    etags = [request.if_match for request in changed]
    assert None not in etags
    assert len(set(etags)) == 2


def test_w4_deletion_of_an_event_changed_meanwhile_is_planned_again(google: Google) -> None:
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    [event] = google.events(desk.address)
    booking.cancel(appointment)
    google.change(desk.address, event, description="Bring the papers")
    turn = take_turn(desk.google_calendar.pk, NOW)
    assert [pushed.changed for pushed in turn.pushed] == [True, False]
    assert [request.status for request in google.control.requests(DELETE)] == [412, 204]
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"


def test_w4_event_in_whose_place_another_stands_is_deleted_as_it_is_by_now(google: Google) -> None:
    """Another calendar was linked, and this one again, before either was pushed; a person wrote on the first event."""
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    [first] = google.events(desk.address)
    for linked in (desk.shared_by_boss(), desk.google_calendar):
        desk.configuration.linked_calendar = linked
        desk.configuration.save()
        targets.retarget_configuration(desk.configuration)
    google.change(desk.address, first, description="Bring the papers")
    take_turn(desk.google_calendar.pk, NOW)
    deletions = google.control.requests(DELETE)
    assert [request.status for request in deletions] == [412, 204]
    assert len({request.if_match for request in deletions} - {None}) == 2
    assert [event["id"] for event in google.events(desk.address)] == [f"{appointment.pk.hex}g1"]


def test_w5_patch_sends_what_changed_and_leaves_the_rest_alone(google: Google) -> None:
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    move(appointment)
    desk.turn()
    assert set(body_of(google, PATCH)) == {"start", "end"}
    booking.set_details(appointment, title="Other words", description="", location="")
    desk.turn()
    assert body_of(google, PATCH) == {"summary": "Other words"}


def test_w5_answers_of_guests_survive_a_move_made_here(google: Google) -> None:
    desk = Desk(google)
    guests = ("one@x.org", "two@x.org")
    google.add(desk.address, guests=guests)
    desk.turn()
    [event] = google.events(desk.address)
    attendees = [{"email": guest, "responseStatus": "accepted"} for guest in guests]
    google.change(desk.address, event, attendees=attendees)
    move(Appointment.objects.get())
    desk.turn()
    [event] = google.events(desk.address)
    assert start_of(event) == LATER
    assert {person["responseStatus"] for person in event["attendees"]} == {"accepted"}


def test_w6_events_are_patched_and_never_replaced(life: list[LoggedRequest]) -> None:
    """An update would reset what we do not know."""
    methods = {request.method for request in life}
    assert PATCH in methods
    assert not {"calendar.events.update", "calendar.events.import", "calendar.events.move"} & methods


def test_w7_time_is_told_with_its_offset_and_zone(google: Google) -> None:
    desk = Desk(google)
    GoogleCalendar.objects.update(time_zone="America/New_York")
    book(desk)
    desk.turn()
    sent = body_of(google, INSERT)
    assert sent["start"] == {"dateTime": "2026-03-03T05:00:00-05:00", "timeZone": "America/New_York"}
    assert set(sent["end"]) == {"dateTime", "timeZone"}


def test_w7_all_day_event_takes_the_days_of_its_calendars_zone_and_its_end_is_exclusive(
    google: Google,
) -> None:
    google.control.add_person("newyork@x.org", time_zone="America/New_York")
    desk = Desk(google)
    google.control.share("newyork@x.org", desk.address, "reader")
    calendar = read_for_conflicts(desk, "newyork@x.org")
    days = {"start": {"date": "2026-03-05"}, "end": {"date": "2026-03-07"}}
    event = google.control.insert("newyork@x.org", "primary", {"summary": "Away", **days})
    take_turn(calendar.pk, NOW, pulls=True)
    row = row_of(event)
    assert row.is_all_day
    assert (f"{row.starts_at:%d %H:%M}", f"{row.ends_at:%d %H:%M}") == ("05 05:00", "07 05:00")


def test_w7_event_made_all_day_gets_its_time_back_without_a_day_beside_it(google: Google) -> None:
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    [event] = google.events(desk.address)
    day, next_day = ({"date": f"2026-03-0{n}", "dateTime": None, "timeZone": None} for n in (3, 4))
    google.change(desk.address, event, start=day, end=next_day)
    desk.turn()
    move(appointment)
    desk.turn()
    [event] = google.events(desk.address)
    assert start_of(event) == LATER
    assert "date" not in event["start"]


def test_w8_every_write_says_who_is_told(life: list[LoggedRequest]) -> None:
    writes = [request for request in life if request.method in WRITES]
    assert {request.method for request in writes} == set(WRITES)
    assert {request.parameter("sendUpdates") for request in writes} == {"none"}


def test_w9_conference_is_kept_by_every_write_of_an_event(life: list[LoggedRequest]) -> None:
    writes = [request for request in life if request.method in (INSERT, PATCH)]
    assert {request.parameter("conferenceDataVersion") for request in writes} == {"1"}


def book_with_meet(desk: Desk) -> Appointment:
    Calendar.objects.update(invites_through_google=True, uses_google_meet=True)
    return book(desk, calendar=Calendar.objects.get(pk=desk.calendar.pk))


def test_w9_meet_link_that_was_still_being_made_is_asked_for_again(google: Google) -> None:
    desk = Desk(google)
    appointment = book_with_meet(desk)
    desk.turn()
    assert body_of(google, INSERT)["conferenceData"]["createRequest"]["requestId"]
    assert len(google.control.requests(GET)) == 1
    appointment.refresh_from_db()
    assert appointment.meeting_url.startswith("https://meet.google.com/")


def test_w9_meet_link_that_takes_longer_comes_with_a_later_pull(google: Google, answers: Answers) -> None:
    def still_pending(answer: dict[str, Any]) -> None:
        del answer["conferenceData"], answer["hangoutLink"]
        answer["etag"] = '"of then"'

    desk = Desk(google)
    appointment = book_with_meet(desk)
    answers.edited[GET] = still_pending
    desk.turn()
    appointment.refresh_from_db()
    assert appointment.meeting_url == ""
    desk.turn()
    appointment.refresh_from_db()
    assert appointment.meeting_url.startswith("https://meet.google.com/")
    assert not PushTarget.objects.behind().exists()


def test_w10_what_we_do_not_know_of_an_event_outlives_our_writes(google: Google) -> None:
    desk = Desk(google)
    theirs = {
        "colorId": "5",
        "guestsCanModify": True,
        "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 7}]},
        "extendedProperties": {"shared": {"theirs": "1"}, "private": {"own": "2"}},
    }
    google.add(desk.address, guests=("new@x.org",), **theirs)
    desk.turn()
    move(Appointment.objects.get())
    desk.turn()
    [event] = google.events(desk.address)
    assert start_of(event) == LATER
    assert {name: event.get(name) for name in theirs} == theirs


def test_w11_only_an_opaque_mark_is_left_on_our_copy_and_no_guest_sees_it(google: Google) -> None:
    desk = Desk(google)
    Calendar.objects.update(invites_through_google=True)
    google.control.add_person("ann0@x.org")
    appointment = book(desk, calendar=Calendar.objects.get(pk=desk.calendar.pk))
    desk.turn()
    [(kind, properties)] = body_of(google, INSERT)["extendedProperties"].items()
    [(key, value)] = properties.items()
    assert (kind, value) == ("private", str(appointment.pk))
    assert len(key) <= 44
    [copy] = google.events("ann0@x.org")
    assert "extendedProperties" not in copy
    assert GoogleEvent.objects.get().crm_id == str(appointment.pk)


def test_w12_writes_to_one_calendar_go_one_by_one(google: Google) -> None:
    """In a batch the stand-in lets neighbours collide, as Google does since 2024."""
    desk = Desk(google)
    for number in range(4):
        book(desk, TOMORROW_AT_TEN + number * HOUR)
    desk.turn()
    assert [request.status for request in google.control.requests(INSERT)] == [200] * 4


@pytest.mark.parametrize("method", [INSERT, PATCH])
def test_w12_write_that_collided_with_a_neighbour_is_tried_again_alone(google: Google, method: str) -> None:
    """A 409 of another reason than `duplicate`: it says nothing about our id."""
    desk = Desk(google)
    appointment = book(desk)
    if method == PATCH:
        desk.turn()
        move(appointment)
    google.control.add_fault(Fault(method=method, status=409, reason="conflict"))
    take_turn(desk.google_calendar.pk, NOW)
    assert google.control.requests(GET) == []
    PushTarget.objects.update(not_before=None)
    take_turn(desk.google_calendar.pk, NOW)
    assert [request.status for request in google.control.requests(method)] == [409, 200]
    [event] = google.events(desk.address)
    assert event["id"] == f"{appointment.pk.hex}g0"


@pytest.mark.parametrize("kind", ["errors", "details"])
def test_w13_missing_permission_is_read_from_either_list_and_named(
    google: Google, answers: Answers, kind: str
) -> None:
    desk = Desk(google)
    google.control.add_fault(Fault(method=LIST, status=403, reason="insufficientPermissions"))
    if kind == "details":
        detail = {"reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}
        answers.edited[LIST] = lambda answer: answer["error"].update(errors=[], details=[detail])
    turn = take_turn(desk.google_calendar.pk, NOW, pulls=True)
    desk.account.refresh_from_db()
    assert desk.account.state == "missing"
    assert "permission" in turn.error


def lose_access(google: Google) -> tuple[Desk, str]:
    """A desk linked to a calendar that somebody else shares with it, one appointment pushed there."""
    desk = Desk(google)
    google.control.add_person("boss@x.org")
    shared = google.control.add_calendar("boss@x.org", "Shared")
    google.control.share(shared, desk.address, "writer")
    calendar = read_for_conflicts(desk, shared)
    desk.configuration.conflict_calendars.clear()
    desk.configuration.linked_calendar = desk.google_calendar = calendar
    desk.configuration.save()
    book(desk)
    desk.turn()
    assert len(google.control.events("boss@x.org", shared, NOW, NOW + 60 * HOUR)) == 1
    return desk, shared


def test_w14_calendar_that_cannot_be_found_cancels_nothing(google: Google) -> None:
    desk, shared = lose_access(google)
    google.control.share(shared, desk.address, None)
    turn = take_turn(desk.google_calendar.pk, NOW, pulls=True)
    assert "no longer shows this calendar" in turn.error
    assert Appointment.objects.get().status == "new"
    desk.google_calendar.refresh_from_db()
    assert desk.google_calendar.gone_at is not None
    google.control.share(shared, desk.address, "writer")
    desk.turn()
    assert Appointment.objects.get().status == "new"
    desk.google_calendar.refresh_from_db()
    assert desk.google_calendar.gone_at is None


def test_w14_event_not_found_because_its_calendar_is_not_shown_is_not_deleted(google: Google) -> None:
    desk, shared = lose_access(google)
    appointment = Appointment.objects.get()
    move(appointment)
    google.control.share(shared, desk.address, None)
    turn = take_turn(desk.google_calendar.pk, NOW)
    assert [request.status for request in google.control.requests(PATCH)] == [404]
    assert turn.has_failed
    appointment.refresh_from_db()
    assert appointment.status == "new"
    assert PushTarget.objects.behind().exists()
    # Not again and again.
    assert not PushTarget.objects.due(NOW + HOUR / 2).exists()


def test_w2_appointment_whose_every_id_is_called_taken_is_given_up_and_stops_no_other(google: Google) -> None:
    desk = Desk(google)
    book(desk), book(desk, LATER)
    google.control.add_fault(Fault(method=INSERT, status=409, reason="duplicate", count=5))
    turn = take_turn(desk.google_calendar.pk, NOW)
    assert [pushed.what for pushed in turn.pushed if not pushed.failed] == ["inserted"]
    target = PushTarget.objects.behind().get()
    assert "taken" in target.last_error
    assert target.generation == 4
    PushTarget.objects.update(not_before=None)
    desk.turn()
    assert len(google.events(desk.address)) == 2
