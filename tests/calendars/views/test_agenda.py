import datetime
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from calendars import booking
from calendars.models import BlockedTime, Calendar, CalendarConfiguration, GoogleEvent, SyncRun
from contacts.models import Appointment, Origin, User
from contacts.models.users import UserAddress
from integrations.models import GoogleAccount
from tests.contacts.test_contacts_list import queries_of
from tests.desk import HOUR, NOW, booked, google_event, signed_in
from tests.factories import (
    CalendarFactory,
    ContactFactory,
    GoogleAccountFactory,
    GoogleCalendarFactory,
    MembershipFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
DAY = 24 * HOUR
WEEK = {"start": "2026-11-23", "end": "2026-11-30"}


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def feed(client: Client, **query: object) -> list[dict[str, Any]]:
    response = client.get("/agenda/feed/", {**WEEK, **query})
    assert response.status_code == 200
    found: list[dict[str, Any]] = json.loads(response.content)
    return found


def titles(client: Client, **query: object) -> list[str]:
    return [entry["title"] for entry in feed(client, **query)]


def page(client: Client, query: str = "") -> str:
    response = client.get(f"/agenda/{query}")
    assert response.status_code == 200
    text: str = response.content.decode()
    return text


def maria_at(owner: User, starts_at: datetime.datetime, **fields: Any) -> Appointment:
    return booked(owner, starts_at, contact=ContactFactory.create(first_name="Maria"), **fields)


@pytest.mark.parametrize("path", ["/agenda/", "/agenda/feed/", "/agenda/events/1/", "/calendars/1/"])
def test_the_agenda_is_for_people_who_signed_in(path: str) -> None:
    assert Client().get(path).status_code == 302


def test_a_week_of_thirty_costs_as_many_queries_as_one_of_three() -> None:
    client, user = signed_in()
    calendar = CalendarFactory.create()
    google_calendar = GoogleCalendarFactory.create(account=GoogleAccountFactory.create(user=user))

    def fill(count: int) -> None:
        for number in range(count):
            booked(user, NOW + number * HOUR, calendar=calendar)
            google_event(user, NOW + number * HOUR, google_calendar=google_calendar)
            BlockedTime.objects.create(user=user, starts_at=NOW, ends_at=NOW + HOUR)

    fill(1)
    page(client)
    at_three = queries_of(client, "/agenda/")
    fill(9)
    assert queries_of(client, "/agenda/") == at_three


def test_times_are_told_in_the_viewers_zone() -> None:
    client, user = signed_in(time_zone="Asia/Tokyo")
    maria_at(user, NOW + 8 * HOUR)
    assert "02:00" in page(client)
    assert feed(client)[0]["start"] == "2026-11-24T02:00"


def test_each_kind_of_entry_has_its_own_look() -> None:
    client, user = signed_in()
    calendar = CalendarFactory.create(colour="#F0C808")
    maria_at(user, NOW, calendar=calendar)
    account = GoogleCalendarFactory.create(account=GoogleAccountFactory.create(user=user))
    for name, fields in {
        "Lunch": {},
        "Planning": {"outline": True, "colour": "#0b6b6b"},
        "Yoga": {"blocks": False, "outcome": "free"},
        "Unplanned": {"blocks": False, "outcome": ""},
    }.items():
        google_event(user, google_calendar=account, summary=name, **fields)
    BlockedTime.objects.create(user=user, starts_at=NOW, ends_at=NOW + HOUR, title="Taxes")
    looks = {entry["title"]: entry["extendedProps"]["look"] for entry in feed(client)}
    assert looks == {
        next(title for title in looks if title.startswith("Maria")): "appointment",
        "Lunch": "block",
        "Planning": "outline",
        "Yoga": "free",
        "Taxes": "block",
    }
    props = feed(client)[0]["extendedProps"]
    assert (props["colour"], props["text"]) == ("#f0c808", "#000000")
    assert '[data-paint="#f0c808"]{--fill:#f0c808;--on-fill:#000000}' in page(client)


def test_the_style_rules_of_the_page_carry_its_nonce() -> None:
    client, user = signed_in()
    booked(user)
    response = client.get("/agenda/")
    found = re.search(r'<style nonce="([^"]+)"', response.content.decode())
    assert found
    assert f"'nonce-{found[1]}'" in response.headers["Content-Security-Policy"]


def test_cancelled_appointments_are_hidden_until_asked_for() -> None:
    client, user = signed_in()
    booking.cancel(maria_at(user, NOW), by=user)
    assert feed(client) == []
    [entry] = feed(client, cancelled="1")
    assert entry["extendedProps"]["isCancelled"]


def test_a_silent_appointment_shows_a_muted_bell() -> None:
    client, user = signed_in()
    appointment = maria_at(user, NOW, origin=Origin.GOOGLE)
    google_event(user, appointment=appointment, outcome="appointment", is_silent=True)
    [entry] = feed(client)
    assert entry["extendedProps"]["isSilent"]
    assert "no triggers" in page(client)


def test_an_event_with_an_appointment_is_drawn_once() -> None:
    client, user = signed_in()
    google_event(user, appointment=maria_at(user, NOW + HOUR), outcome="appointment")
    assert len(feed(client)) == 1


def test_an_event_that_stands_elsewhere_than_its_appointment_is_drawn_where_it_takes_time() -> None:
    client, user = signed_in()
    kept = maria_at(user, NOW + HOUR)
    google_event(
        user,
        NOW + 3 * HOUR,
        summary="Consultation",
        appointment=kept,
        outcome="appointment",
        agreed_starts_at=kept.starts_at,
        agreed_ends_at=kept.ends_at,
    )
    assert titles(client) == [kept.contact.name, "Consultation"]


def test_an_appointment_moved_here_is_drawn_once_while_its_event_is_not_moved_yet() -> None:
    client, user = signed_in()
    moved = maria_at(user, NOW + 3 * HOUR)
    google_event(
        user,
        appointment=moved,
        outcome="appointment",
        agreed_starts_at=NOW + HOUR,
        agreed_ends_at=NOW + 2 * HOUR,
    )
    assert titles(client) == [moved.contact.name]


def test_all_day_events_keep_the_days_of_their_own_calendar() -> None:
    client, user = signed_in(time_zone="America/New_York")
    calendar = GoogleCalendarFactory.create(
        account=GoogleAccountFactory.create(user=user), time_zone="Europe/Berlin"
    )
    google_event(
        user,
        datetime.datetime(2026, 11, 25, 23, tzinfo=datetime.UTC),
        ends_at=datetime.datetime(2026, 11, 27, 23, tzinfo=datetime.UTC),
        google_calendar=calendar,
        is_all_day=True,
    )
    [entry] = feed(client)
    assert (entry["start"], entry["end"], entry["allDay"]) == ("2026-11-26", "2026-11-28", True)


def test_what_began_last_week_and_still_lasts_is_shown() -> None:
    client, user = signed_in()
    google_event(user, NOW - 48 * HOUR, ends_at=NOW, summary="Long trip")
    assert titles(client) == ["Long trip"]


def test_of_a_colleague_the_agenda_shows_appointments_and_otherwise_the_time_only() -> None:
    client, _ = signed_in()
    _, colleague = signed_in()
    maria_at(colleague, NOW)
    google_event(colleague, summary="Secret interview", location="Room 9")
    google_event(colleague, NOW + 3 * HOUR, summary="Secret hobby", blocks=False, outcome="free")
    BlockedTime.objects.create(
        user=colleague, starts_at=NOW + 5 * HOUR, ends_at=NOW + 6 * HOUR, title="Secret block"
    )
    assert titles(client) == []
    seen = feed(client, person=colleague.pk)
    assert [entry["title"].split()[0] for entry in seen] == ["Maria", "Busy", "Busy"]
    assert [bool(entry["extendedProps"]["url"]) for entry in seen] == [True, False, False]
    for text in (json.dumps(seen), page(client, f"?person={colleague.pk}"), page(client, "?person=all")):
        assert "Secret" not in text
        assert "Room 9" not in text


def test_a_private_appointment_is_busy_to_colleagues_and_open_to_its_host() -> None:
    client, _ = signed_in()
    own, owner = signed_in()
    appointment = maria_at(owner, NOW, origin=Origin.GOOGLE)
    google_event(owner, appointment=appointment, visibility="private", outcome="appointment")
    assert titles(own)[0].startswith("Maria")
    [entry] = feed(client, person=owner.pk)
    assert (entry["title"], entry["extendedProps"]["url"]) == ("Busy", "")


def test_one_calendar_shows_what_everybody_has_on_it() -> None:
    client, _ = signed_in()
    calendar = CalendarFactory.create()
    maria_at(signed_in()[1], NOW, calendar=calendar)
    booked(signed_in()[1], NOW)
    response = client.get(f"/calendars/{calendar.pk}/")
    assert response.url == f"/agenda/?person=all&calendar={calendar.pk}"  # type: ignore[attr-defined]  # a redirect
    assert len(feed(client, person="all", calendar=calendar.pk)) == 1


def test_an_unassigned_calendars_appointments_stand_in_its_owners_agenda() -> None:
    client, user = signed_in()
    calendar = CalendarFactory.create(kind=Calendar.Kind.UNASSIGNED, owner=user)
    maria_at(signed_in()[1], NOW, calendar=calendar)
    assert len(feed(client)) == 1


@pytest.mark.parametrize(
    "query", ["?view=month", "?view=day&date=2026-11-25", "?view=list", "?view=x&date=9999-99-99&person=x"]
)
def test_every_view_is_drawn_by_the_server(query: str) -> None:
    client, user = signed_in()
    booked(user)
    assert "agenda-days" in page(client, query)


def test_today_and_now_are_marked_in_the_list() -> None:
    client, user = signed_in()
    booked(user, NOW - HOUR)
    booked(user, NOW + HOUR)
    text = page(client)
    assert text.count("is-today") == 1
    assert text.count("Now, 09:00") == 1
    assert "Now," not in page(client, "?date=2026-12-07")


def test_a_month_tells_free_days_that_follow_each_other_in_one_line() -> None:
    client, user = signed_in()
    booked(user, NOW + 2 * DAY)
    gaps = re.findall(r'<p class="day-gap( is-outside)?">([^<]+)</p>', page(client, "?view=month"))
    assert gaps == [
        (" is-outside", "26 to 31 October: nothing"),
        ("", "1 to 22 November: nothing"),
        ("", "26 to 30 November: nothing"),
        (" is-outside", "1 to 6 December: nothing"),
    ]
    for view in ("week", "day", "list"):
        assert "day-gap" not in page(client, f"?view={view}")


def test_a_month_leads_down_to_today_where_something_stands_before_it() -> None:
    client, user = signed_in()
    booked(user, NOW + DAY)
    booked(user, NOW - 27 * DAY)
    link = 'href="#day-2026-11-23"'
    assert link not in page(client, "?view=month")
    booked(user, NOW - 2 * DAY)
    assert link in page(client, "?view=month")
    assert link not in page(client, "?view=month&date=2026-12-01")
    assert link not in page(client, "?view=week")


@pytest.mark.parametrize("chosen", ["abc", "-1", "9" * 30])
def test_a_person_or_calendar_that_cannot_be_read_counts_as_unsaid(chosen: str) -> None:
    client, user = signed_in()
    booked(user, NOW + HOUR)
    assert titles(client, person=chosen, calendar=chosen) == titles(client) != []


def test_the_links_keep_what_was_chosen() -> None:
    client, user = signed_in()
    text = page(client, f"?view=week&person={user.pk}&cancelled=1")
    assert f"?view=week&amp;date=2026-11-30&amp;person={user.pk}&amp;cancelled=1" in text


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"start": "x", "end": "y"},
        {"start": "2026-01-01", "end": "2027-01-01"},
        WEEK | {"end": "2026-11-01"},
    ],
)
def test_a_feed_without_a_sensible_time_is_refused(query: dict[str, str]) -> None:
    client, _ = signed_in()
    assert client.get("/agenda/feed/", query).status_code == 400


def test_a_stale_account_and_a_held_pull_are_told_above_the_agenda() -> None:
    client, user = signed_in()
    account = GoogleAccountFactory.create(user=user, last_pull_at=NOW - 5 * HOUR)
    calendar = GoogleCalendarFactory.create(account=account, next_pull_at=NOW)
    run = SyncRun.objects.create(
        google_calendar=calendar, kind="full", state="braked", started_at=NOW, error="It would cancel 12."
    )
    text = page(client)
    assert "may be out of date" in text
    assert "23 November, 04:00" in text
    assert f"/agenda/pulls/{run.pk}/" in text


# --- the page of one Google event ---------------------------------------------------------------------------------


def links(event: GoogleEvent) -> None:
    """The event is of its owner's linked calendar, and appointments have a calendar to be filed on."""
    user = event.google_calendar.account.user
    calendar = MembershipFactory.create(user=user).calendar
    CalendarConfiguration.objects.filter(user=user).update(
        linked_calendar=event.google_calendar, default_calendar=calendar
    )


def test_its_owner_reads_why_an_event_stands_there_and_may_decide() -> None:
    client, user = signed_in()
    guest = {"address": "lea@client.example", "name": "Lea", "response": "accepted", "is_self": False}
    event = google_event(
        user, summary="Sales call", reason="Smart: no guest is a contact.", attendees=[guest]
    )
    links(event)
    text = client.get(f"/agenda/events/{event.pk}/").content.decode()
    for words in ("Sales call", "Smart: no guest is a contact.", "lea@client.example"):
        assert words in text
    assert [value for value in ("make", "private", "never") if f'value="{value}"' in text] == [
        "make",
        "private",
        "never",
    ]


def test_what_was_erased_by_a_disconnect_is_not_said_to_have_been_nothing() -> None:
    client, user = signed_in()
    event = google_event(user, etag="", blocks=False)
    GoogleAccount.objects.update(state=GoogleAccount.State.DISCONNECTED)
    text = client.get(f"/agenda/events/{event.pk}/").content.decode()
    assert "Erased here when the account was disconnected." in text
    assert "Nobody else is invited" not in text


def test_never_this_guest_is_offered_for_outside_guests_alone() -> None:
    client, user = signed_in()
    colleague = signed_in()[1]
    UserAddress.objects.create(user=user, address="dana@home.example")
    invited = [
        {"address": user.email, "is_self": True},
        {"address": "Dana@home.example", "is_self": False},
        {"address": colleague.email, "is_self": False},
        {"address": "room@resource.calendar.google.com", "is_self": False, "is_resource": True},
    ]
    event = google_event(user, attendees=invited)
    text = client.get(f"/agenda/events/{event.pk}/").content.decode()
    assert "Staff" in text
    assert "Room" in text
    assert 'value="never"' not in text
    for address in ("dana@home.example", colleague.email, "room@resource.calendar.google.com"):
        data = {"decision": "never", "address": address}
        answer = client.post(f"/agenda/events/{event.pk}/decide/", data, follow=True).content.decode()
        assert "never guests" in answer
    event.attendees = [*invited, {"address": "lea@client.example", "is_self": False}]
    event.save()
    text = client.get(f"/agenda/events/{event.pk}/").content.decode()
    assert text.count('value="never"') == 1
    assert 'name="address" value="lea@client.example"' in text


def test_a_colleague_sees_the_time_of_an_event_only() -> None:
    client, _ = signed_in()
    guest = {"address": "lea@client.example", "name": "Lea", "is_self": False}
    event = google_event(
        signed_in()[1], summary="Secret", reason="Because of Lea", attendees=[guest], location="Room 9"
    )
    text = client.get(f"/agenda/events/{event.pk}/").content.decode()
    assert "Busy" in text
    assert "10:00" in text
    for words in ("Secret", "Lea", "lea@", "Room 9", "decision"):
        assert words not in text


def test_an_event_of_several_days_and_a_tombstone_open_as_well() -> None:
    client, user = signed_in()
    long = google_event(user, ends_at=NOW + 72 * HOUR)
    gone = google_event(
        user, google_calendar=long.google_calendar, status="cancelled", google_id="gone", blocks=False
    )
    type(gone).objects.filter(pk=gone.pk).update(starts_at=None, ends_at=None)
    assert "Thursday 26 November" in client.get(f"/agenda/events/{long.pk}/").content.decode()
    assert "Not known" in client.get(f"/agenda/events/{gone.pk}/").content.decode()


def test_the_seats_of_a_class_are_drawn_as_one_session_and_listed_one_by_one() -> None:
    client, user = signed_in()
    calendar = CalendarFactory(kind="class", name="Back class", seats=8)
    for first_name in ("Ann", "Ben", "Cid"):
        booked(user, calendar=calendar, contact=ContactFactory(first_name=first_name, last_name="Lee"))
    booked(user, NOW + 3 * HOUR, calendar=calendar, contact=ContactFactory(first_name="Dot", last_name="Lee"))
    found = {entry["title"]: entry["extendedProps"] for entry in feed(client)}
    assert list(found) == ["Back class: 3 of 8", "Dot Lee"]
    session = found["Back class: 3 of 8"]
    assert session["detail"] == "Ann Lee, Ben Lee, Cid Lee"
    page = client.get(session["url"]).content.decode()
    assert all(name in page for name in ("Ann Lee", "Ben Lee", "Cid Lee"))


def test_a_seat_that_somebody_else_booked_for_the_host_belongs_to_the_session() -> None:
    client, host = signed_in()
    calendar = CalendarFactory.create(kind="class", name="Back class", seats=8)
    MembershipFactory.create(calendar=calendar, user=host)
    seat = booked(host, calendar=calendar)
    booked(UserFactory.create(), calendar=calendar)
    found = {entry["title"]: entry["extendedProps"] for entry in feed(client)}
    assert list(found) == ["Back class: 2 of 8"]
    # Else no drag of it would ever be taken.
    assert found["Back class: 2 of 8"]["version"] == booking.version_of(booking.session_of(seat))


def test_what_cannot_be_moved_says_why() -> None:
    client, user = signed_in()
    colleague = UserFactory.create(first_name="Cal")
    booked(user, contact=ContactFactory(first_name="Ann", last_name="Lee"))
    gone = booked(user, NOW + 3 * HOUR, contact=ContactFactory(first_name="Bob", last_name="Lee"))
    booking.cancel(gone)
    google_event(user, summary="Lunch", organised_by_us=True)
    google_event(user, summary="Invited", organised_by_us=False)
    google_event(colleague, summary="Secret")
    invited = booked(user, NOW + 5 * HOUR, contact=ContactFactory(first_name="Cid", last_name="Lee"))
    google_event(user, google_id="theirs", appointment=invited, organised_by_us=False)
    found = {
        entry["title"]: (bool(entry["extendedProps"]["drag"]), entry["extendedProps"]["whyFixed"])
        for entry in feed(client, person="all", cancelled="1")
    }
    assert found == {
        "Ann Lee": (True, ""),
        "Bob Lee": (False, "It is cancelled: book a new appointment instead."),
        "Invited": (False, "Somebody else organises it: only they can move it."),
        "Lunch": (False, "It is Google's event: move it in Google Calendar."),
        "Busy": (False, "Only its owner can move it."),
        "Cid Lee": (
            False,
            "We are guests of this meeting: its organiser sets time and place. Ask them to move it.",
        ),
    }
