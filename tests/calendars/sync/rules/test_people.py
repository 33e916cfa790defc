"""Google's rules for people, visibility and types of events (P1 to P9), kept by the engine over HTTP."""

from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse

from calendars import booking
from calendars.at_google import at_google
from calendars.models import Calendar, GoogleEvent
from calendars.sync.turn import take_turn
from contacts.models import Appointment, Contact
from integrations.models import GoogleCalendar
from integrations.sandbox.journal import LoggedRequest
from tests.calendars.sync.rules.conftest import Answers
from tests.calendars.sync.rules.scene import (
    DELETE,
    INSERT,
    LATER,
    LIST,
    PATCH,
    WRITES,
    book,
    pull,
    read_for_conflicts,
    row_of,
)
from tests.factories import UserFactory
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db
CLIENT, FRIEND = "client@x.org", "friend@x.org"
DAY_OFF: dict[str, Any] = {"start": {"date": "2026-03-05"}, "end": {"date": "2026-03-06"}}


@pytest.fixture
def invited(google: Google) -> tuple[Desk, dict[str, Any]]:
    """A desk that a client of its own invites, together with a friend; the appointment is made."""
    desk = Desk(google)
    for person in (CLIENT, FRIEND):
        google.control.add_person(person)
    event = google.add(CLIENT, guests=(desk.address, FRIEND), guestsCanSeeOtherGuests=False)
    desk.turn()
    return desk, event


def answers_of(google: Google, event: dict[str, Any]) -> dict[str, str]:
    """What each guest answered, as the organiser sees it."""
    there = google.control.get(CLIENT, "primary", event["id"])
    return {person["email"]: person["responseStatus"] for person in there["attendees"]}


def test_p1_organiser_moves_the_appointment_and_what_is_a_copys_own_does_not(
    google: Google, invited: tuple[Desk, dict[str, Any]]
) -> None:
    desk, event = invited
    changes = Appointment.objects.get().changes.count()
    google.change(desk.address, event, colorId="4", reminders={"useDefault": True})
    desk.turn()
    assert Appointment.objects.get().changes.count() == changes
    google.move(CLIENT, event, LATER)
    desk.turn()
    assert Appointment.objects.get().starts_at == LATER


def test_p2_nothing_but_our_answer_is_written_on_a_guests_copy(
    google: Google, invited: tuple[Desk, dict[str, Any]]
) -> None:
    """The list of guests is hidden from us, so the answer goes alone and says that it does."""
    desk, event = invited
    google.control.respond(FRIEND, event["id"], "accepted")
    appointment = Appointment.objects.get()
    booking.set_details(appointment, title="Our words", description="", location="")
    desk.turn()
    assert not [request for request in google.control.requests() if request.method in WRITES]
    booking.cancel(appointment)
    desk.turn()
    [patched] = google.control.requests(PATCH)
    assert patched.body is not None
    assert set(patched.body) == {"attendees", "attendeesOmitted"}
    assert [person["email"] for person in patched.body["attendees"]] == [desk.address]
    assert google.control.requests(DELETE) == []
    assert answers_of(google, event) == {desk.address: "declined", FRIEND: "accepted"}


def test_p2_meeting_of_two_colleagues_is_moved_on_its_organisers_copy_alone(google: Google) -> None:
    organiser, guest = Desk(google), Desk(google)
    event = google.add(organiser.address, guests=(guest.address, "new@x.org"))
    for desk in (organiser, guest):
        desk.turn()
    booking.reschedule(Appointment.objects.get(), starts_at=LATER, ends_at=LATER + HOUR)
    # The guest's worker comes first: it has nothing to write.
    for desk in (guest, organiser, guest):
        desk.turn()
    [patched] = google.control.requests(PATCH)
    assert (patched.person, patched.status) == (organiser.address, 200)
    assert google.control.get(guest.address, "primary", event["id"])["start"]["dateTime"].startswith(
        "2026-03-04"
    )


@pytest.mark.parametrize("role", ["reader", "writerWithoutPrivateAccess", "freeBusyReader"])
def test_p2_calendar_that_we_only_read_is_never_written(google: Google, role: str) -> None:
    desk = Desk(google)
    google.control.add_person("boss@x.org")
    google.control.share("boss@x.org", desk.address, role)
    calendar = read_for_conflicts(desk, "boss@x.org")
    google.add("boss@x.org", guests=("new@x.org",))
    book(desk, LATER)
    pull(calendar)
    desk.turn()
    writes = [request for request in google.control.requests() if request.method in WRITES]
    assert [request.method for request in writes] == [INSERT]
    assert writes[0].path.endswith(f"/{quote(desk.address)}/events")
    assert not calendar.is_writable


def test_p2_access_taken_down_to_reading_is_told_and_loses_nothing(google: Google) -> None:
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    google.control.share(desk.address, desk.address, "reader")
    booking.reschedule(appointment, starts_at=LATER, ends_at=LATER + HOUR)
    turn = take_turn(desk.google_calendar.pk, NOW)
    assert [pushed.failed for pushed in turn.pushed] == [True]
    assert "Google does not allow this" in turn.pushed[0].what
    appointment.refresh_from_db()
    assert (appointment.status, appointment.starts_at) == ("new", LATER)


def test_p3_locked_event_has_its_time_locked_here(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("new@x.org",), locked=True)
    desk.turn()
    appointment = Appointment.objects.get()
    assert at_google(appointment, desk.user).lock
    with pytest.raises(booking.NotPossible, match="locked"):
        booking.reschedule(appointment, starts_at=LATER, ends_at=LATER + HOUR)
    desk.turn()
    assert google.control.requests(PATCH) == []


def test_p7_event_made_from_an_email_has_its_time_locked_here_and_is_ours_to_delete(
    google: Google, client: Client
) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("new@x.org",), eventType="fromGmail")
    desk.turn()
    appointment = Appointment.objects.get()
    with pytest.raises(booking.NotPossible, match="locked"):
        booking.reschedule(appointment, starts_at=LATER, ends_at=LATER + HOUR)
    client.force_login(desk.user)
    pages = [reverse("calendars:reschedule", args=[appointment.pk]), appointment.get_absolute_url()]
    pages.append(reverse("calendars:edit", args=[appointment.pk]))
    for page in pages:
        said = client.get(page).content.decode()
        assert "Google has locked this event" in said
        assert "We are guests" not in said
    booking.cancel(appointment)
    desk.turn()
    assert google.events(desk.address) == []
    assert google.control.requests(PATCH) == []


def test_p3_address_that_google_made_up_becomes_no_contact(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("c_188@resource.calendar.google.com", "team1@group.calendar.google.com"))
    desk.turn()
    assert not Contact.objects.exists()


def test_p4_guest_whom_we_invite_finds_the_event_on_their_calendar(google: Google) -> None:
    desk = Desk(google)
    Calendar.objects.update(invites_through_google=True)
    google.control.add_person("ann0@x.org")
    book(desk, calendar=Calendar.objects.get(pk=desk.calendar.pk))
    desk.turn()
    [copy] = google.events("ann0@x.org")
    mine = [person["responseStatus"] for person in copy["attendees"] if person.get("self")]
    assert mine == ["needsAction"]


def test_p5_private_event_that_we_only_read_blocks_without_a_title(google: Google) -> None:
    desk = Desk(google)
    google.control.add_person("boss@x.org")
    google.control.share("boss@x.org", desk.address, "reader")
    calendar = read_for_conflicts(desk, "boss@x.org")
    event = google.add("boss@x.org", guests=("doctor@x.org",), visibility="private")
    pull(calendar)
    row = row_of(event)
    assert (row.blocks, row.summary, row.attendees) == (True, "", [])


@pytest.mark.parametrize("visibility", ["private", "confidential"])
def test_p5_private_event_tells_colleagues_its_time_and_nothing_else(google: Google, visibility: str) -> None:
    desk = Desk(google, private_events="normal")
    google.add(desk.address, guests=("doctor@x.org",), summary="Surgery", visibility=visibility)
    desk.turn()
    appointment = Appointment.objects.get()
    for viewer, summary in ((desk.user, "Surgery"), (UserFactory(), "")):
        appointment = Appointment.objects.get()
        [line] = at_google(appointment, viewer).events
        assert line.summary == summary


@pytest.mark.parametrize(
    ("body", "blocks"),
    [
        ({}, True),
        ({"transparency": "opaque"}, True),
        ({"transparency": "transparent"}, False),
        ({"status": "tentative"}, True),
        ({"eventType": "outOfOffice"}, True),
        ({"eventType": "focusTime"}, True),
        ({"eventType": "fromGmail"}, True),
        ({"eventType": "workingLocation", "visibility": "public", "transparency": "transparent"}, False),
        ({"eventType": "birthday", "recurrence": ["RRULE:FREQ=YEARLY;COUNT=1"], **DAY_OFF}, False),
    ],
)
def test_p6_p7_what_blocks_time(google: Google, body: dict[str, Any], blocks: bool) -> None:
    desk = Desk(google)
    times = {"start": {"dateTime": TOMORROW_AT_TEN.isoformat()}}
    times["end"] = {"dateTime": (TOMORROW_AT_TEN + HOUR).isoformat()}
    google.control.insert(desk.address, "primary", {"summary": "Mine", **times, **body})
    desk.turn()
    row = GoogleEvent.objects.get()
    assert (row.blocks, row.appointment) == (blocks, None)
    assert row.event_type == body.get("eventType", "default")


def test_p6_invitation_that_we_declined_frees_its_time(
    google: Google, invited: tuple[Desk, dict[str, Any]]
) -> None:
    desk, event = invited
    assert row_of(event).blocks
    google.control.respond(desk.address, event["id"], "declined")
    desk.turn()
    assert not row_of(event).blocks


def test_p7_out_of_office_names_a_stranger_and_is_ours_and_makes_no_contact(google: Google) -> None:
    desk = Desk(google)
    google.control.insert(
        desk.address,
        "primary",
        {
            "summary": "Away",
            "eventType": "outOfOffice",
            "start": {"dateTime": TOMORROW_AT_TEN.isoformat()},
            "end": {"dateTime": (TOMORROW_AT_TEN + HOUR).isoformat()},
        },
    )
    desk.turn()
    row = GoogleEvent.objects.get()
    assert row.organizer_address == "unknownorganizer@calendar.google.com"
    assert (row.organised_by_us, row.blocks) == (True, True)
    assert not Contact.objects.exists()


def test_p7_only_plain_events_are_made_and_no_type_is_ever_changed(life: list[LoggedRequest]) -> None:
    bodies = [request.body for request in life if request.method in WRITES and request.body]
    assert bodies
    assert not any("eventType" in body for body in bodies)


def test_p8_calendars_are_asked_for_by_their_own_encoded_id_and_never_by_an_alias(
    life: list[LoggedRequest],
) -> None:
    [calendar] = GoogleCalendar.objects.filter(is_primary=True)
    assert calendar.google_id == calendar.account.address
    paths = {request.path for request in life if "/calendars/" in request.path}
    encoded = calendar.google_id.replace("@", "%40")
    assert {path.split("/calendars/")[1].split("/")[0] for path in paths} == {encoded}


def test_p9_what_google_invents_is_read_and_does_not_stop_a_pull(google: Google, answers: Answers) -> None:
    def of_next_year(page: dict[str, Any]) -> None:
        page["newList"] = [1]
        for event in page["items"]:
            event |= {"eventType": "hologram", "visibility": "family", "mood": {"is": "good"}}
            event["attendees"][0] |= {"responseStatus": "thinking", "pronoun": "they"}

    desk = Desk(google)
    event = google.add(desk.address, guests=("new@x.org",))
    answers.edited[LIST] = of_next_year
    desk.turn()
    row = row_of(event)
    assert (row.event_type, row.visibility, row.error) == ("hologram", "family", "")
    assert row.attendees[0]["response"] == "thinking"
    assert row.blocks


def test_p9_event_that_makes_no_sense_is_set_aside_and_the_rest_goes_on(
    google: Google, answers: Answers
) -> None:
    desk = Desk(google)
    odd = google.add(desk.address, guests=("odd@x.org",))
    google.add(desk.address, guests=("even@x.org",), start=LATER)
    answers.edited[LIST] = lambda page: next(
        event for event in page["items"] if event["id"] == odd["id"]
    ).update(start={"lunarPhase": "full"})
    assert not take_turn(desk.google_calendar.pk, NOW, pulls=True).error
    assert row_of(odd).error
    assert Appointment.objects.get().contact.primary_address == "even@x.org"
