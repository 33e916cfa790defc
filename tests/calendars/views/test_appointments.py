import datetime
import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db.models import F
from django.test import Client

from calendars import booking
from calendars.models import BlockedTime, Calendar, CalendarConfiguration, Membership
from contacts.models import Appointment, Contact, Origin, User
from tests.desk import HOUR, NOW, booked, google_event, signed_in
from tests.factories import CalendarFactory, ContactFactory, GoogleAccountFactory, GoogleCalendarFactory

pytestmark = pytest.mark.django_db
NEW = "/appointments/new/"


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def lisbon() -> tuple[Client, User]:
    return signed_in(time_zone="Europe/Lisbon")


def wish(owner: User, **fields: Any) -> dict[str, Any]:
    """What the form posts for somebody on 24 November at 14:00, unless `fields` say otherwise."""
    return {
        "starts_at": "2026-11-24T14:00",
        "minutes": "30",
        "calendar": fields.pop("calendar", None) or CalendarFactory.create().pk,
        "owner": owner.pk,
        **fields,
    }


def anyway(text: str, reason: str) -> dict[str, str]:
    """What the button in the box of the page `text` sends, with a reason for the overlap."""
    found = re.search(r'name="anyway" value="([^"]+)"', text)
    assert found
    return {"anyway": found[1], "overlap": reason}


def text_of(client: Client, path: str, data: dict[str, Any] | None = None) -> str:
    response = client.post(path, data, follow=True) if data is not None else client.get(path)
    text: str = response.content.decode()
    return text


@pytest.mark.parametrize("path", [NEW, "/agenda/block/", "/agenda/block/1/"])
def test_the_desk_is_for_people_who_signed_in(path: str) -> None:
    assert Client().get(path).status_code == 302
    assert Client().post(path).status_code == 302


# --- booking ------------------------------------------------------------------------------------------------------


def test_a_known_contact_is_booked_at_the_time_on_the_viewers_clock(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    contact = ContactFactory.create()
    client.post(NEW, wish(user, contact=contact.pk, starts_at="2026-07-01T14:00"))
    appointment = Appointment.objects.get()
    assert appointment.starts_at == datetime.datetime(2026, 7, 1, 13, 0, tzinfo=datetime.UTC)
    assert appointment.ends_at - appointment.starts_at == datetime.timedelta(minutes=30)
    assert (appointment.contact, appointment.origin) == (contact, Origin.STAFF)
    assert appointment.changes.get().by == user


def test_an_empty_length_is_the_calendars_own(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    calendar = CalendarFactory.create(duration=datetime.timedelta(minutes=50))
    client.post(NEW, wish(user, contact=ContactFactory.create().pk, calendar=calendar.pk, minutes=""))
    appointment = Appointment.objects.get()
    assert appointment.ends_at - appointment.starts_at == datetime.timedelta(minutes=50)


def test_a_new_person_becomes_a_contact(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    client.post(NEW, wish(user, first_name="Lea", address="Lea@Client.example", phone="07911 123456"))
    contact = Appointment.objects.get().contact
    assert (contact.first_name, contact.primary_address, contact.owner) == ("Lea", "lea@client.example", user)
    assert str(contact.phones.get()) == "+447911123456"


@pytest.mark.parametrize("known_by", [{"address": "ann@x.org"}, {"phone": "07911 123456"}])
def test_a_new_person_with_a_known_address_or_number_is_the_contact_we_have(
    lisbon: tuple[Client, User], known_by: dict[str, str]
) -> None:
    client, user = lisbon
    contact = ContactFactory.create(first_name="Ann", address="ann@x.org", archived_at=NOW)
    contact.phones.create(number="+447911123456", is_primary=True)
    client.post(NEW, wish(user, first_name="Anna", **known_by))
    assert Contact.objects.count() == 1
    contact.refresh_from_db()
    assert (contact.first_name, contact.archived_at) == ("Ann", None)
    assert Appointment.objects.get().contact == contact


def test_somebody_must_be_named_and_not_twice(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    assert "Say who it is with" in text_of(client, NEW, wish(user))
    both = wish(user, contact=ContactFactory.create().pk, first_name="Lea")
    assert "not both" in text_of(client, NEW, both)
    assert not Appointment.objects.exists()


def test_a_time_the_clocks_skip_is_refused_in_words(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    contact = ContactFactory.create()
    text = text_of(client, NEW, wish(user, contact=contact.pk, starts_at="2027-03-28T01:30"))
    assert "There is no 01:30 on 28 March 2027" in text
    assert not Appointment.objects.exists()


def test_a_time_that_comes_twice_is_asked_about_and_then_booked(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    data = wish(user, contact=ContactFactory.create().pk, starts_at="2027-10-31T01:30")
    text = text_of(client, NEW, data)
    assert "comes twice" in text
    assert "The second (WET)" in text
    client.post(NEW, data | {"which": "later"})
    assert Appointment.objects.get().starts_at == datetime.datetime(2027, 10, 31, 1, 30, tzinfo=datetime.UTC)


def test_staff_are_warned_of_a_taken_time_and_may_overlap(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    start = datetime.datetime(2026, 11, 24, 14, 15, tzinfo=datetime.UTC)
    google_event(user, start, summary="Dentist")
    data = wish(user, contact=ContactFactory.create().pk)
    text = text_of(client, NEW, data)
    assert "That time is taken already" in text
    assert "Dentist" in text
    assert "Why may they overlap?" in text
    assert not Appointment.objects.exists()
    client.post(NEW, data | anyway(text, "She insists"))
    assert Appointment.objects.get().changes.get().why == "Overlaps: She insists"


def test_an_overlap_needs_a_reason_and_nothing_typed_is_lost(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    booked(user, datetime.datetime(2026, 11, 24, 14, tzinfo=datetime.UTC))
    data = wish(user, first_name="Lea", title="Second look", description="Knee")
    shown = text_of(client, NEW, data)
    text = text_of(client, NEW, data | anyway(shown, " "))
    assert "Say why the two may overlap." in text
    for typed in ("Lea", "Second look", "Knee", "2026-11-24T14:00"):
        assert typed in text
    assert Appointment.objects.count() == 1
    assert "She insists" in text_of(client, NEW, data | {"overlap": "She insists", "minutes": "x"})


def test_an_overlap_is_allowed_only_with_what_was_shown(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    start = datetime.datetime(2026, 11, 24, 14, tzinfo=datetime.UTC)
    booked(user, start)
    data = wish(user, contact=ContactFactory.create().pk)
    allowed = anyway(text_of(client, NEW, data), "She insists")
    google_event(user, start, summary="Dentist")
    text = text_of(client, NEW, data | allowed)
    assert "Dentist" in text
    assert "She insists" in text
    assert Appointment.objects.count() == 1


def test_a_reason_for_an_overlap_is_kept_only_where_there_is_one(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    client.post(NEW, wish(user, contact=ContactFactory.create().pk, overlap="She insists", anyway="x"))
    assert Appointment.objects.get().changes.get().why == ""


def test_a_colleagues_events_are_named_busy_in_the_warning(lisbon: tuple[Client, User]) -> None:
    client, _ = lisbon
    colleague = signed_in()[1]
    google_event(colleague, datetime.datetime(2026, 11, 24, 14, tzinfo=datetime.UTC), summary="Secret")
    text = text_of(client, NEW, wish(colleague, contact=ContactFactory.create().pk))
    assert "Busy" in text
    assert "Secret" not in text


def test_free_events_and_cancelled_appointments_take_no_time(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    start = datetime.datetime(2026, 11, 24, 14, tzinfo=datetime.UTC)
    google_event(user, start, blocks=False, outcome="free")
    Appointment.objects.filter(pk=booked(user, start).pk).update(status="cancelled")
    client.post(NEW, wish(user, contact=ContactFactory.create().pk))
    assert Appointment.objects.count() == 2


@pytest.fixture
def session(lisbon: tuple[Client, User]) -> Calendar:
    """A class of three seats, of which two are taken on 24 November at 14:00."""
    calendar = CalendarFactory.create(kind="class", name="Back class", seats=3)
    for _ in range(2):
        booked(lisbon[1], datetime.datetime(2026, 11, 24, 14, tzinfo=datetime.UTC), calendar=calendar)
    return calendar


def test_a_session_with_seats_left_is_joined_and_a_full_one_needs_a_reason(
    lisbon: tuple[Client, User], session: Calendar
) -> None:
    client, user = lisbon
    data = wish(user, contact=ContactFactory.create().pk, calendar=session.pk, minutes="60")
    client.post(NEW, data)
    assert session.appointments.count() == 3
    text = text_of(client, NEW, data)
    assert "3 of 3 seats are taken" in text
    assert session.appointments.count() == 3
    client.post(NEW, data | anyway(text, "She brings a chair"))
    assert session.appointments.count() == 4


def test_who_comes_along_needs_a_seat_of_the_session_as_well(
    lisbon: tuple[Client, User], session: Calendar
) -> None:
    client, user = lisbon
    seat = booked(user, calendar=session)
    booking.attach(seat, ContactFactory.create())
    seat.refresh_from_db()
    moved = {"starts_at": "2026-11-24T14:00", "version": seat.revision}
    answer = client.post(f"/appointments/{seat.pk}/drag/", moved).json()
    assert answer["outcome"] == "taken"
    assert [entry["title"] for entry in answer["taken"]] == ["2 of 3 seats are taken"]


def test_a_class_is_not_joined_at_another_time_nor_over_something_else(
    lisbon: tuple[Client, User], session: Calendar
) -> None:
    client, user = lisbon
    data = wish(user, contact=ContactFactory.create().pk, calendar=session.pk, minutes="60")
    assert "taken already" in text_of(client, NEW, data | {"starts_at": "2026-11-24T14:30"})
    assert "taken already" in text_of(client, NEW, data | {"calendar": CalendarFactory.create().pk})
    start = datetime.datetime(2026, 11, 24, 14, tzinfo=datetime.UTC)
    BlockedTime.objects.create(user=user, starts_at=start, ends_at=start + HOUR, title="Fire drill")
    assert "Fire drill" in text_of(client, NEW, data)
    assert session.appointments.count() == 2


def test_a_seat_is_moved_into_a_session_with_seats_left_and_brought_back_into_it(
    lisbon: tuple[Client, User], session: Calendar
) -> None:
    client, user = lisbon
    seat = booked(user, calendar=session)
    path = f"/appointments/{seat.pk}/drag/"
    moved = {"starts_at": "2026-11-24T14:00", "version": seat.revision}
    assert client.post(path, moved).json()["outcome"] == "moved"
    seat.refresh_from_db()
    booking.cancel(seat)
    restore(client, seat)
    assert seat.status == "confirmed"
    booking.cancel(seat)
    booked(user, seat.starts_at, calendar=session)
    assert "3 of 3 seats are taken" in restore(client, seat)
    assert seat.status == "cancelled"


def test_every_host_of_a_collective_calendar_is_looked_at(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    colleague = signed_in()[1]
    calendar = CalendarFactory.create(kind=Calendar.Kind.COLLECTIVE)
    for member in (user, colleague):
        Membership.objects.create(calendar=calendar, user=member)
    booked(colleague, datetime.datetime(2026, 11, 24, 14, tzinfo=datetime.UTC))
    text = text_of(client, NEW, wish(user, contact=ContactFactory.create().pk, calendar=calendar.pk))
    assert "taken already" in text


def test_saving_does_not_wait_for_google_and_says_so(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    link = GoogleCalendarFactory.create(account=GoogleAccountFactory.create(user=user))
    CalendarConfiguration.objects.filter(user=user).update(linked_calendar=link)
    text = text_of(client, NEW, wish(user, contact=ContactFactory.create().pk))
    assert "It will be in Google in a moment." in text
    appointment = Appointment.objects.get()
    cancelled = {"status": "cancelled", "revision": appointment.revision}
    text = text_of(client, f"/appointments/{appointment.pk}/status/", cancelled)
    assert text.count("It leaves Google in a moment.") == 2
    appointment.push_targets.update(pushed_revision=F("wanted_revision"))
    text = text_of(client, f"/appointments/{appointment.pk}/")
    assert "Removed" in text
    assert "In Google" not in text


def test_contacts_are_found_while_typing_and_without_a_script(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    contact = ContactFactory.create(first_name="Zelda")
    part = client.get(NEW, {"who": "zel"}).content.decode()
    assert f'value="{contact.pk}"' in part
    assert "<html" not in part
    text = text_of(client, NEW, wish(user, who="zel", find="1", title="Kept as typed"))
    assert "Zelda" in text
    assert "Kept as typed" in text
    assert not Appointment.objects.exists()


def test_the_form_starts_with_what_the_link_says(lisbon: tuple[Client, User]) -> None:
    client, _ = lisbon
    contact = ContactFactory.create(first_name="Zelda")
    text = text_of(client, f"{NEW}?contact={contact.pk}&start=2026-12-01T08:30")
    assert "Zelda" in text
    assert "2026-12-01T08:30" in text


def test_enter_in_the_search_box_finds_instead_of_booking(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    ContactFactory.create(first_name="Zelda")
    text = text_of(client, NEW, wish(user, who="zel"))
    assert "Zelda" in text
    assert "Say who it is with" not in text


@pytest.mark.parametrize("path", ["new", "move"])
def test_enter_never_overlaps(lisbon: tuple[Client, User], path: str) -> None:
    client, user = lisbon
    appointment = booked(user)
    booked(user, datetime.datetime(2026, 11, 24, 14, tzinfo=datetime.UTC))
    where = NEW if path == "new" else f"/appointments/{appointment.pk}/move/"
    form = text_of(client, where, wish(user, contact=appointment.contact.pk, revision=appointment.revision))
    form = form.partition("<main")[2]
    assert "taken already" in form
    first = form.partition("<button")[2].partition(">")[0]
    assert 'name="anyway"' not in first


def test_what_was_marked_in_the_agenda_is_where_both_forms_start() -> None:
    client, _ = signed_in(time_zone="Europe/London")
    # An hour of that night is skipped.
    span = "start=2027-03-28T00:30&end=2027-03-28T03:00"
    assert 'name="minutes" value="90"' in text_of(client, f"{NEW}?{span}")
    text = text_of(client, f"/agenda/block/?{span}")
    assert 'value="2027-03-28T00:30"' in text
    assert 'value="2027-03-28T03:00"' in text
    for end in ("x", "2027-03-27T00:00", "2027-04-28T00:00"):
        assert 'name="minutes" value=' not in text_of(client, f"{NEW}?start=2027-03-28T00:30&end={end}")


@pytest.mark.parametrize("start", ["x", "2026-13-01T00:00", "2026-11-24T14:00+01:00", ""])
def test_an_unreadable_start_is_refused(lisbon: tuple[Client, User], start: str) -> None:
    client, user = lisbon
    client.post(NEW, wish(user, contact=ContactFactory.create().pk, starts_at=start))
    assert not Appointment.objects.exists()


# --- moving -------------------------------------------------------------------------------------------------------


def test_a_move_changes_the_time_and_tells_why(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    appointment = booked(user)
    assert 'value="2026-11-23T10:00"' in text_of(client, f"/appointments/{appointment.pk}/move/")
    client.post(
        f"/appointments/{appointment.pk}/move/",
        {"starts_at": "2026-11-25T09:00", "minutes": "45", "why": "Ill", "revision": appointment.revision},
    )
    appointment.refresh_from_db()
    assert appointment.starts_at == datetime.datetime(2026, 11, 25, 9, tzinfo=datetime.UTC)
    change = appointment.changes.last()
    assert change is not None
    assert (change.what, change.why, change.by) == ("rescheduled", "Ill", user)


def test_a_move_may_overlap_itself_but_warns_of_others(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    appointment = booked(user)
    path = f"/appointments/{appointment.pk}/move/"
    revision = appointment.revision
    client.post(path, {"starts_at": "2026-11-23T10:30", "minutes": "60", "revision": revision})
    booked(user, NOW + 5 * HOUR)
    data = {"starts_at": "2026-11-23T14:15", "minutes": "60", "revision": revision + 1}
    text = text_of(client, path, data)
    assert "taken already" in text
    client.post(path, data | anyway(text, ""))
    appointment.refresh_from_db()
    assert appointment.starts_at == NOW + 1.5 * HOUR
    client.post(path, data | anyway(text, "A quick look") | {"why": "Ill"})
    appointment.refresh_from_db()
    assert appointment.starts_at == NOW + 5.25 * HOUR
    change = appointment.changes.last()
    assert change is not None
    assert change.why == "Ill · Overlaps: A quick look"
    assert change.why in text_of(client, f"/appointments/{appointment.pk}/")


def test_a_move_page_that_is_out_of_date_says_where_it_is_now_and_keeps_what_was_typed(
    lisbon: tuple[Client, User],
) -> None:
    client, user = lisbon
    appointment = booked(user)
    shown = appointment.revision
    moved = booking.reschedule(appointment, starts_at=NOW + 3 * HOUR, ends_at=NOW + 4 * HOUR)
    path = f"/appointments/{appointment.pk}/move/"
    data = {"starts_at": "2026-11-25T09:00", "minutes": "45", "revision": shown}
    text = text_of(client, path, data)
    assert "It was changed meanwhile, so it stays. It is now at Mon 23 Nov, 12:00" in text
    assert 'value="2026-11-25T09:00"' in text
    assert f'name="revision" value="{moved.revision}"' in text
    appointment.refresh_from_db()
    assert appointment.starts_at == NOW + 3 * HOUR


def test_guests_of_somebody_elses_event_cannot_move_it(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    appointment = booked(user, origin=Origin.GOOGLE)
    google_event(user, appointment=appointment, outcome="appointment", organised_by_us=False)
    path = f"/appointments/{appointment.pk}/move/"
    assert "its organiser decides" in text_of(client, path)
    response = client.post(path, {"starts_at": "2026-11-25T09:00", "minutes": "45"})
    assert response.status_code == 409
    appointment.refresh_from_db()
    assert appointment.starts_at == NOW + HOUR


# --- status -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["confirmed", "showed", "no_show", "invalid", "cancelled"])
def test_a_button_sets_the_status_and_keeps_who_and_why(lisbon: tuple[Client, User], status: str) -> None:
    client, user = lisbon
    appointment = booked(user)
    pressed = {"status": status, "why": "Because", "revision": appointment.revision}
    client.post(f"/appointments/{appointment.pk}/status/", pressed)
    appointment.refresh_from_db()
    assert (appointment.status, appointment.status_set_by) == (status, Origin.STAFF)
    change = appointment.changes.last()
    assert change is not None
    assert (change.what, change.why, change.by) == (status, "Because", user)


@pytest.mark.parametrize(("confirms", "before"), [(True, "confirmed"), (False, "new")])
@pytest.mark.parametrize("mark", ["showed", "no_show"])
def test_showed_and_no_show_are_taken_back_to_how_it_stood(
    lisbon: tuple[Client, User], mark: str, confirms: bool, before: str
) -> None:
    client, user = lisbon
    calendar = CalendarFactory.create(confirms_automatically=confirms)
    appointment = booked(user, NOW - HOUR, calendar=calendar)
    marked = booking.set_status(appointment, mark)
    path = f"/appointments/{appointment.pk}/unmark/"
    assert f'formaction="{path}"' in text_of(client, f"/appointments/{appointment.pk}/")
    text = text_of(client, path, {"revision": marked.revision})
    assert f"Taken back. It stands as {before} again." in text
    assert f"No longer marked “{marked.get_status_display()}”." in text
    appointment.refresh_from_db()
    assert appointment.status == before
    change = appointment.changes.latest("pk")
    assert (change.what, change.fires, change.by) == ("edited", False, user)


def test_only_a_mark_that_the_page_showed_is_taken_back(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    appointment = booked(user, NOW - HOUR)
    path = f"/appointments/{appointment.pk}/unmark/"
    assert "It is marked neither" in text_of(client, path, {"revision": appointment.revision})
    booking.set_status(appointment, "showed")
    for seen in ({}, {"revision": appointment.revision}, {"revision": "x"}):
        assert "It was changed meanwhile" in text_of(client, path, seen)
    appointment.refresh_from_db()
    assert appointment.status == "showed"


@pytest.mark.parametrize("shown", [None, 0, "x"])
def test_a_button_that_is_out_of_date_brings_nothing_back(lisbon: tuple[Client, User], shown: Any) -> None:
    client, user = lisbon
    appointment = booked(user)
    revision = {} if shown is None else {"revision": shown or appointment.revision}
    booking.cancel(appointment, origin=Origin.CUSTOMER)
    text = text_of(client, f"/appointments/{appointment.pk}/status/", {"status": "confirmed", **revision})
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"
    if shown != "x":
        assert "It was changed meanwhile, so it stays. It is now at Mon 23 Nov, 10:00 (cancelled)." in text


def restore(client: Client, appointment: Appointment, **fields: Any) -> str:
    appointment.refresh_from_db()
    data = {"status": "confirmed", "revision": appointment.revision, **fields}
    text = text_of(client, f"/appointments/{appointment.pk}/status/", data)
    appointment.refresh_from_db()
    return text


@pytest.mark.parametrize("taken_by", ["appointment", "block", "event"])
def test_what_is_brought_back_to_a_time_that_was_taken_meanwhile_needs_a_reason(
    lisbon: tuple[Client, User], taken_by: str
) -> None:
    client, user = lisbon
    appointment = booking.cancel(booked(user))
    start = appointment.starts_at
    if taken_by == "appointment":
        booked(user)
    elif taken_by == "block":
        BlockedTime.objects.create(user=user, starts_at=start, ends_at=start + HOUR)
    else:
        google_event(user, start)
    text = restore(client, appointment)
    assert "That time is taken already" in text
    assert appointment.status == "cancelled"
    assert "Say why the two may overlap." in restore(client, appointment, **anyway(text, " "))
    assert appointment.status == "cancelled"
    restore(client, appointment, **anyway(text, "They share the room"))
    assert appointment.status == "confirmed"
    assert appointment.changes.latest("pk").why == "Overlaps: They share the room"


def test_what_is_brought_back_meets_nothing_of_its_own_at_google(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    appointment = booked(user, origin=Origin.GOOGLE)
    google_event(user, appointment=appointment, outcome="appointment")
    booking.cancel(appointment)
    restore(client, appointment)
    assert appointment.status == "confirmed"


def test_the_page_of_an_appointment_sends_what_it_showed(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    appointment = booked(user)
    text = text_of(client, f"/appointments/{appointment.pk}/")
    assert text.count(f'name="revision" value="{appointment.revision}"') == 2


def test_a_status_is_changed_by_post_and_only_to_one_there_is(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    path = f"/appointments/{booked(user).pk}/status/"
    assert client.get(path).status_code == 405
    assert "There is no such status" in text_of(client, path, {"status": "eaten"})


def test_a_colleague_cannot_touch_a_private_appointment(lisbon: tuple[Client, User]) -> None:
    client, _ = lisbon
    owner = signed_in()[1]
    appointment = booked(owner, origin=Origin.GOOGLE)
    google_event(owner, appointment=appointment, visibility="private", outcome="appointment")
    for path in ("status", "move"):
        assert (
            client.post(f"/appointments/{appointment.pk}/{path}/", {"status": "cancelled"}).status_code == 404
        )
    appointment.refresh_from_db()
    assert appointment.status == "new"


# --- blocked time -------------------------------------------------------------------------------------------------


def test_blocked_time_is_the_viewers_own_and_can_be_changed_and_lifted(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    data = {"starts_at": "2026-07-01T12:00", "ends_at": "2026-07-01T14:00", "title": "Taxes"}
    client.post("/agenda/block/", data)
    row = BlockedTime.objects.get()
    assert (row.user, row.starts_at.hour, row.title) == (user, 11, "Taxes")
    client.post(f"/agenda/block/{row.pk}/", data | {"ends_at": "2026-07-01T15:00"})
    row.refresh_from_db()
    assert row.ends_at.hour == 14
    client.post(f"/agenda/block/{row.pk}/", {"remove": "1"})
    assert not BlockedTime.objects.exists()


def test_blocked_time_says_which_appointments_stay_in_it(lisbon: tuple[Client, User]) -> None:
    client, user = lisbon
    block = {"starts_at": "2026-11-23T10:00", "ends_at": "2026-11-23T12:00"}
    assert "appointment" not in said(client, "/agenda/block/", block)
    row = BlockedTime.objects.get()
    booked(user)
    booking.cancel(booked(user))
    path = f"/agenda/block/{row.pk}/"
    assert said(client, path, block) == "Saved. 1 appointment stands in that time and stays."
    booked(user)
    assert said(client, path, block) == "Saved. 2 appointments stand in that time and stay."


def said(client: Client, path: str, data: dict[str, Any]) -> str:
    """What the page after a POST tells."""
    response = client.post(path, data, follow=True)
    return " ".join(str(message) for message in response.context["messages"])


def test_a_block_ends_after_it_starts(lisbon: tuple[Client, User]) -> None:
    client, _ = lisbon
    data = {"starts_at": "2026-07-01T12:00", "ends_at": "2026-07-01T12:00"}
    assert "must come after" in text_of(client, "/agenda/block/", data)
    assert not BlockedTime.objects.exists()


def test_blocks_of_others_are_not_found(lisbon: tuple[Client, User]) -> None:
    client, _ = lisbon
    row = BlockedTime.objects.create(user=signed_in()[1], starts_at=NOW, ends_at=NOW + HOUR)
    assert client.get(f"/agenda/block/{row.pk}/").status_code == 404
    assert client.post(f"/agenda/block/{row.pk}/", {"remove": "1"}).status_code == 404
    assert BlockedTime.objects.exists()


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "words"),
    [
        ("2026-12-01T10:00", "9999-12-31T23:59", "Choose a date between 2000 and 2099."),
        ("0001-01-01T00:00", "2026-12-01T10:00", "Choose a date between 2000 and 2099."),
        ("2026-12-01T10:00", "2028-12-01T10:00", "At most 400 days at once."),
    ],
)
def test_nobody_blocks_time_beyond_what_clocks_can_show(
    lisbon: tuple[Client, User], starts_at: str, ends_at: str, words: str
) -> None:
    client, _ = lisbon
    text = text_of(client, "/agenda/block/", {"starts_at": starts_at, "ends_at": ends_at})
    assert words in text.partition('class="error-summary"')[2]
    assert not BlockedTime.objects.exists()


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_time_that_was_blocked_for_ever_takes_no_page_down(zone: str) -> None:
    client, user = signed_in(time_zone=zone)
    row = BlockedTime.objects.create(
        user=user,
        starts_at=datetime.datetime(1, 1, 1, tzinfo=datetime.UTC),
        ends_at=datetime.datetime(9999, 12, 31, 23, 59, tzinfo=datetime.UTC),
    )
    for path in ("/agenda/", "/agenda/feed/?start=2026-12-01&end=2026-12-08", f"/agenda/block/{row.pk}/"):
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("wall", ["9999-12-31T23:59", "0001-01-01T00:00"])
def test_no_appointment_is_moved_or_booked_out_of_bounds(lisbon: tuple[Client, User], wall: str) -> None:
    client, user = lisbon
    appointment = booked(user)
    data = {"starts_at": wall, "minutes": "60", "revision": appointment.revision}
    assert "Choose a date between 2000 and 2099." in text_of(
        client, f"/appointments/{appointment.pk}/move/", data
    )
    booking_it = wish(user, contact=appointment.contact_id, starts_at=wall)
    assert "Choose a date between 2000 and 2099." in text_of(client, NEW, booking_it)
    assert client.get(f"{NEW}?start={wall}&end={wall}").status_code == 200
    assert client.get(f"/agenda/feed/?start={wall}&end={wall}").status_code == 400
    assert Appointment.objects.get().starts_at == NOW + HOUR
