"""What pages say of an appointment at Google, before it is cancelled or changed, right after, and from then on."""

import datetime
import re
from html import unescape
from typing import Any

import pytest
import time_machine
from django.db.models import F
from django.test import Client

from calendars import booking
from calendars.google_next import google_words
from calendars.models import CalendarConfiguration, GoogleEvent, PushTarget
from calendars.sync import decide
from contacts.models import Appointment
from integrations.models import GoogleAccount
from tests.calendars.sync.test_dragged_away import Dragged
from tests.desk import booked, google_event, signed_in
from tests.factories import ContactFactory, GoogleAccountFactory, GoogleCalendarFactory
from tests.google import NOW, Desk, Google

pytestmark = pytest.mark.django_db
State = GoogleAccount.State
ONLY_READS = "Its event stays at Google, in a calendar that Tandem only reads"


def page_of(client: Client, path: str, data: dict[str, Any] | None = None) -> str:
    """The words of a page, in one line."""
    with time_machine.travel(NOW, tick=False):
        answer = client.post(path, data, follow=True) if data is not None else client.get(path)
    body = answer.content.decode().partition("<main")[2] or answer.content.decode()
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def cancelled(client: Client, appointment: Appointment) -> str:
    values = {"status": "cancelled", "revision": appointment.revision}
    return page_of(client, f"/appointments/{appointment.pk}/status/", values)


def page_at(client: Client, appointment: Appointment) -> str:
    return page_of(client, f"/appointments/{appointment.pk}/")


@pytest.mark.parametrize("made_here", [False, True], ids=["made at Google", "made here"])
def test_dragged_away_and_cancelled_everything_says_that_the_event_stays(
    google: Google, made_here: bool
) -> None:
    at = Dragged(google, made_here=made_here)
    at.away()
    client = signed_in(at.desk.user)[0]
    assert ONLY_READS in page_at(client, at.made)
    said = cancelled(client, at.made)
    at.sweep()
    for page in (said, page_at(client, at.made)):
        assert f"{ONLY_READS}, and still takes the time." in page
        assert "leaves Google" not in page
        assert "time is free" not in page
        assert "Removed" not in page
        assert "the appointment follows it" not in page
    assert f"Cancelled. {ONLY_READS}, until somebody deletes it." in said


def test_confirming_what_was_dragged_away_promises_nothing_of_google(google: Google) -> None:
    at = Dragged(google, made_here=True)
    at.away()
    changed = booking.set_status(at.made, "confirmed", by=at.desk.user)
    assert google_words(changed) == ""


def test_event_whose_guest_declined_takes_its_time_and_is_not_called_removed(google: Google) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    declined = [{"email": "ann@x.org", "responseStatus": "declined"}]
    google.change(desk.address, event, attendees=declined)
    desk.read()
    desk.turn()
    appointment = Appointment.objects.get()
    assert appointment.status == "cancelled"
    page = page_at(signed_in(desk.user)[0], appointment)
    assert "Its event stays at Google and still takes the time." in page
    assert "Stays at Google" in page
    assert "Removed" not in page


def test_event_kept_as_a_private_block_takes_its_time_and_is_not_called_removed(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    decide.keep_private(GoogleEvent.objects.get(), by=desk.user, now=NOW)
    page = page_at(signed_in(desk.user)[0], Appointment.objects.get())
    assert "Its event stays at Google and still takes the time." in page
    assert "Removed" not in page
    assert "On its way" not in page


def test_time_is_free_once_the_event_has_left(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    client = signed_in(desk.user)[0]
    said = cancelled(client, Appointment.objects.get())
    assert "Cancelled. It leaves Google in a moment." in said
    assert "The time is free as soon as Google has heard of it." in said
    desk.turn()
    page = page_at(client, Appointment.objects.get())
    assert "The time is free." in page
    assert "Removed" in page


def test_cancelled_invitation_is_declined_and_not_removed(google: Google) -> None:
    desk = Desk(google)
    appointment = booked(desk.user, NOW + datetime.timedelta(days=1))
    google_event(
        desk.user,
        appointment.starts_at,
        appointment=appointment,
        google_calendar=desk.google_calendar,
        organised_by_us=False,
        blocks=False,
    )
    client = signed_in(desk.user)[0]
    assert "Cancelled. The invitation is declined at Google in a moment." in cancelled(client, appointment)
    PushTarget.objects.update(pushed_revision=F("wanted_revision"))
    page = page_at(client, appointment)
    assert "Declined" in page
    assert "Removed" not in page


# --- an account that cannot be written to ---------------------------------------------------------------------------


def waiting(state: str) -> tuple[Client, Appointment, str]:
    """Signed in, an appointment that Google has, and what its account, in `state`, has to become."""
    client, user = signed_in()
    link = GoogleCalendarFactory.create(account=GoogleAccountFactory.create(user=user))
    CalendarConfiguration.objects.filter(user=user).update(linked_calendar=link)
    appointment = booked(user, NOW + datetime.timedelta(days=1))
    appointment.push_targets.update(pushed_revision=F("wanted_revision"))
    GoogleAccount.objects.update(state=state)
    has = "has the permission that is missing" if state == State.MISSING else "is connected again"
    return client, appointment, f"waits until {link.account.address} {has}."


@pytest.mark.parametrize("state", [State.DISCONNECTED, State.RECONNECT, State.MISSING])
def test_pages_of_an_account_that_is_not_connected_promise_nothing(state: str) -> None:
    client, appointment, words = waiting(state)
    path = f"/appointments/{appointment.pk}"
    for form in ("move", "edit"):
        page = page_of(client, f"{path}/{form}/")
        assert f"Google Calendar {words}" in page
        assert "in a moment" not in page
    values = {"starts_at": "2026-03-04T11:00", "minutes": "30", "revision": appointment.revision}
    said = page_of(client, f"{path}/move/", values)
    assert f"Moved. Google Calendar {words}" in said
    assert f"Waits {words.removeprefix('waits ')}" in said
    assert "On its way" not in said
    appointment.refresh_from_db()
    dragged = {"starts_at": "2026-03-04T12:00", "version": appointment.revision}
    assert f"Google Calendar {words}" in page_of(client, f"{path}/drag/", dragged)
    appointment.refresh_from_db()
    assert f"removes it from Google Calendar as well. Google Calendar {words}" in page_of(client, f"{path}/")
    said = cancelled(client, appointment)
    assert f"Cancelled. Google Calendar {words}" in said
    assert "in a moment" not in said


@pytest.mark.parametrize("state", [State.DISCONNECTED, State.RECONNECT])
def test_what_failed_before_the_connection_broke_is_not_offered_to_be_tried_again(state: str) -> None:
    client, appointment, words = waiting(state)
    appointment.push_targets.update(pushed_revision=0, last_error="Google could not answer just now.")
    page = page_at(client, appointment)
    assert f"Waits {words.removeprefix('waits ')}" in page
    assert "Try again" not in page


def test_limit_of_google_is_waited_for() -> None:
    client, appointment, _ = waiting(State.CONNECTED)
    GoogleAccount.objects.update(not_before=NOW + datetime.timedelta(minutes=90))
    words = "10:30, as Google's limit is reached."
    assert f"Google Calendar waits until {words}" in page_of(client, f"/appointments/{appointment.pk}/move/")
    said = cancelled(client, appointment)
    assert f"Cancelled. Google Calendar waits until {words}" in said
    assert f"Waits until {words}" in said
    GoogleAccount.objects.update(not_before=NOW)
    assert "It leaves Google in a moment." in page_at(client, appointment)


def test_what_failed_says_when_it_is_tried_again() -> None:
    client, appointment, _ = waiting(State.CONNECTED)
    later = NOW + datetime.timedelta(hours=6)
    appointment.push_targets.update(pushed_revision=0, last_error="Google refused it.", not_before=later)
    page = page_at(client, appointment)
    assert "Waits to be sent Google refused it. It is tried again by itself 2 Mar, 15:00 ." in page
    assert "Try again" in page
    appointment.push_targets.update(not_before=None)
    assert "It is tried again by itself in a moment." in page_at(client, appointment)


def test_event_does_not_say_that_google_has_what_still_waits(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    appointment = Appointment.objects.get()
    later = appointment.starts_at + datetime.timedelta(days=1)
    booking.reschedule(appointment, starts_at=later, ends_at=later + datetime.timedelta(hours=1))
    desk.turn()
    client, event = signed_in(desk.user)[0], GoogleEvent.objects.get()
    assert event.reason == "Changed here; Google has it."
    for path in (f"/appointments/{appointment.pk}/", f"/agenda/events/{event.pk}/", "/agenda/ledger/"):
        assert "Changed here; Google has it." in page_of(client, path)
    booking.set_status(appointment, "confirmed", by=desk.user)
    for path in (f"/appointments/{appointment.pk}/", f"/agenda/events/{event.pk}/", "/agenda/ledger/"):
        page = page_of(client, path)
        assert "Changed here; Google has it." not in page
        assert "Changed here; Google does not have it yet." in page


# --- what was typed ---------------------------------------------------------------------------------------------


def test_edit_and_move_that_come_too_late_show_what_was_typed(google: Google) -> None:
    at = Dragged(google, made_here=True)
    at.away()
    client = signed_in(at.desk.user)[0]
    found = ContactFactory.create(first_name="Zelda", last_name="Fitz")
    path = f"/appointments/{at.made.pk}"
    typed = {"title": "First visit", "description": "Bring papers", "add": found.pk, "address": "new@x.org"}
    page = page_of(client, f"{path}/edit/", {**typed, "revision": at.made.revision})
    assert "Nothing was saved. Here is what you typed, so that you can copy it:" in page
    for words in (
        "Title First visit",
        "What it is about Bring papers",
        "E-mail new@x.org",
        "Added Zelda Fitz",
    ):
        assert words in page
    assert "Here is what you typed" not in page_of(client, f"{path}/edit/")
    wish = {
        "starts_at": "2026-03-04T11:00",
        "minutes": "30",
        "why": "She asked",
        "revision": at.made.revision,
    }
    page = page_of(client, f"{path}/move/", wish)
    for words in ("Here is what you typed", "2026-03-04 11:00", "30", "Why She asked"):
        assert words in page
    assert "Here is what you typed" not in page_of(client, f"{path}/move/")


def test_appointment_that_waits_with_a_braked_pull_says_so(google: Google, settings: Any) -> None:
    settings.BRAKE_CANCELLATIONS = 0
    desk = Desk(google)
    event = google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    google.delete(desk.address, event)
    desk.turn()
    client, made = signed_in(desk.user)[0], Appointment.objects.get()
    page = page_at(client, made)
    assert "Not done yet, because many appointments would be cancelled at once: “Deleted at Google" in page
    assert "Decide about them" in page
    assert page_of(client, f"/agenda/events/{made.google_events.get().pk}/").count("Deleted at Google") == 1
    colleague = page_at(signed_in()[0], made)
    assert "Not done yet" in colleague
    assert "Decide about them" not in colleague


def test_invitation_that_was_declined_stays_so_when_its_appointment_is_restored(google: Google) -> None:
    """It was said to be in Google in a moment, and then to be there."""
    desk = Desk(google)
    google.control.add_person("olga@else.org")
    google.add("olga@else.org", guests=(desk.address, "ann@x.org"))
    desk.turn()
    client = signed_in(desk.user)[0]
    cancelled(client, Appointment.objects.get())
    desk.turn()
    appointment = Appointment.objects.get()
    values = {"status": "new", "revision": appointment.revision}
    said = page_of(client, f"/appointments/{appointment.pk}/status/", values)
    assert "At Google the invitation stays declined: accept it there." in said
    desk.turn()
    page = page_at(client, appointment)
    assert "Declined at Google, as was known: the appointment stays as it is." in page
    assert "In Google since" not in page
