import datetime
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from calendars import blocking, booking
from calendars.models import BlockedTime, CalendarConfiguration
from contacts.models import Appointment, Origin, User
from tests.calendars.views.test_agenda import feed
from tests.desk import HOUR, NOW, booked, google_event, signed_in
from tests.factories import CalendarFactory, GoogleAccountFactory, GoogleCalendarFactory

pytestmark = pytest.mark.django_db
Signed = tuple[Client, User]


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def tokyo() -> Signed:
    return signed_in(time_zone="Asia/Tokyo")


@pytest.fixture
def desk() -> Signed:
    return signed_in()


def drag(client: Client, appointment: Appointment, **values: Any) -> dict[str, Any]:
    values.setdefault("version", appointment.revision)
    return answer(client, f"/appointments/{appointment.pk}/drag/", values)


def answer(client: Client, path: str, values: dict[str, Any]) -> dict[str, Any]:
    response = client.post(path, values, headers={"accept": "application/json"})
    found: dict[str, Any] = response.json()
    assert response.status_code == (200 if found["outcome"] == "moved" else 409)
    return found


def times(row: Any) -> tuple[datetime.datetime, datetime.datetime]:
    row.refresh_from_db()
    return row.starts_at, row.ends_at


def blocked(user: User, starts_at: datetime.datetime = NOW + HOUR) -> BlockedTime:
    return BlockedTime.objects.create(user=user, starts_at=starts_at, ends_at=starts_at + HOUR, title="Taxes")


# --- who may move what ------------------------------------------------------------------------------------


def movable(client: Client, **query: Any) -> dict[str, bool]:
    """Title → whether the grid lets the viewer drag it."""
    found = feed(client, **query)
    assert all(entry["startEditable"] == bool(entry["extendedProps"]["drag"]) for entry in found)
    return {entry["title"].split()[0]: entry["startEditable"] for entry in found}


def named(owner: User, title: str, **fields: Any) -> Appointment:
    appointment = booked(owner, **fields)
    contact = appointment.contact
    contact.first_name = title
    contact.save(update_fields=["first_name"])
    return appointment


def test_the_feed_says_what_the_viewer_may_move(desk: Signed) -> None:
    client, user = desk
    named(user, "Ours")
    booking.cancel(named(user, "Void"))
    link = GoogleCalendarFactory.create(account=GoogleAccountFactory.create(user=user))
    for title, ours in {"Organised": True, "Invited": False}.items():
        appointment = named(user, title, origin=Origin.GOOGLE)
        google_event(
            user, google_calendar=link, appointment=appointment, outcome="appointment", organised_by_us=ours
        )
    google_event(user, google_calendar=link, summary="Dentist")
    blocked(user)
    assert movable(client, cancelled="1") == {
        "Ours": True,
        "Void": False,
        "Organised": True,
        "Invited": False,
        "Dentist": False,
        "Taxes": True,
    }


def test_of_colleagues_one_may_move_appointments_and_nothing_hidden_nor_blocked(desk: Signed) -> None:
    client, _ = desk
    colleague = signed_in()[1]
    named(colleague, "Open")
    private = named(colleague, "Secret", origin=Origin.GOOGLE, starts_at=NOW + 3 * HOUR)
    google_event(
        colleague, appointment=private, visibility="private", outcome="appointment", organised_by_us=True
    )
    blocked(colleague, NOW + 5 * HOUR)
    found = feed(client, person=colleague.pk)
    assert [entry["startEditable"] for entry in found] == [True, False, False]
    assert [bool(entry["extendedProps"]["version"]) for entry in found] == [True, False, False]


def test_in_a_month_nothing_is_drawn_out(desk: Signed) -> None:
    client, user = desk
    booked(user)
    [entry] = feed(client, view="month")
    assert (entry["startEditable"], entry["durationEditable"]) == (True, False)


@pytest.mark.parametrize("path", ["/appointments/{}/drag/", "/appointments/{}/undo-move/"])
def test_an_appointment_is_moved_by_post_by_people_who_signed_in_and_may_see_it(
    path: str, desk: Signed
) -> None:
    owner = signed_in()[1]
    appointment = booked(owner, origin=Origin.GOOGLE)
    google_event(owner, appointment=appointment, visibility="private", outcome="appointment")
    where = path.format(appointment.pk)
    assert Client().post(where).status_code == 302
    assert desk[0].get(where).status_code == 405
    assert desk[0].post(where, {"starts_at": "2026-11-25T09:00", "version": "1"}).status_code == 404
    assert Client(enforce_csrf_checks=True).post(where).status_code in (302, 403)


def test_blocked_time_of_others_is_not_found(desk: Signed) -> None:
    row = blocked(signed_in()[1])
    for path in ("drag", "undo-move"):
        assert desk[0].post(f"/agenda/block/{row.pk}/{path}/", {}).status_code == 404


# --- moving -----------------------------------------------------------------------------------------------


def test_a_drop_moves_to_the_viewers_clock_time_and_keeps_the_length(tokyo: Signed) -> None:
    client, user = tokyo
    appointment = booked(user)
    found = drag(client, appointment, starts_at="2026-11-25T10:30")
    start = datetime.datetime(2026, 11, 25, 1, 30, tzinfo=datetime.UTC)
    assert times(appointment) == (start, start + HOUR)
    assert found["words"].startswith("Moved to Wed 25 Nov, 10:30 to 11:30.")
    change = appointment.changes.latest("pk")
    assert (change.what, change.by, change.origin) == ("rescheduled", user, Origin.STAFF)
    assert found["undo"] == {
        "url": f"/appointments/{appointment.pk}/undo-move/",
        "values": {"move": change.pk},
    }


def test_drawing_out_moves_the_end_alone(tokyo: Signed) -> None:
    client, user = tokyo
    appointment = booked(user)
    drag(client, appointment, ends_at="2026-11-23T20:45")
    assert times(appointment) == (NOW + HOUR, NOW + 2.75 * HOUR)


def test_a_drop_over_a_night_with_a_change_of_the_clocks_keeps_the_length() -> None:
    client, user = signed_in(time_zone="Europe/London")
    start = datetime.datetime(2027, 3, 26, 23, 30, tzinfo=datetime.UTC)
    appointment = booked(user, start, ends_at=start + 2 * HOUR)
    drag(client, appointment, starts_at="2027-03-27T23:30")
    assert times(appointment) == (start + 24 * HOUR, start + 26 * HOUR)


@pytest.mark.parametrize(
    ("wall", "words"), [("2027-03-28T01:30", "There is no 01:30"), ("2027-10-31T01:30", "comes twice")]
)
def test_a_time_that_the_clocks_skip_or_repeat_is_refused_and_the_page_named(wall: str, words: str) -> None:
    client, user = signed_in(time_zone="Europe/London")
    appointment = booked(user)
    found = drag(client, appointment, starts_at=wall)
    assert found["outcome"] == "refused"
    assert words in found["words"]
    assert found["page"] == f"/appointments/{appointment.pk}/move/"
    assert times(appointment) == (NOW + HOUR, NOW + 2 * HOUR)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"starts_at": "x"},
        {"starts_at": "2026-11-25T10:30", "ends_at": "2026-11-25T11:30"},
        {"ends_at": "2026-11-20T10:30"},
        {"starts_at": "2026-11-25T10:30", "version": ""},
    ],
)
def test_what_cannot_be_read_moves_nothing(desk: Signed, values: dict[str, str]) -> None:
    client, user = desk
    appointment = booked(user)
    assert drag(client, appointment, **values)["outcome"] == "refused"
    assert appointment.changes.count() == 1


def test_what_somebody_else_moved_meanwhile_stays(desk: Signed) -> None:
    client, user = desk
    appointment = booked(user)
    booking.reschedule(appointment, starts_at=NOW + 5 * HOUR, ends_at=NOW + 6 * HOUR)
    found = drag(client, appointment, starts_at="2026-11-25T10:30")
    assert found["words"] == "It was changed meanwhile, so it stays. It is now at Mon 23 Nov, 14:00 (new)."
    assert times(appointment)[0] == NOW + 5 * HOUR


def test_a_refusal_names_the_colleague_who_changed_it(desk: Signed) -> None:
    client, user = desk
    appointment, colleague = booked(user), signed_in()[1]
    booking.set_status(appointment, "confirmed", by=colleague)
    words = drag(client, appointment, starts_at="2026-11-25T10:30")["words"]
    assert words.startswith(f"It was changed meanwhile by {colleague}, so it stays.")


def test_what_is_void_or_somebody_elses_event_is_refused_in_words(desk: Signed) -> None:
    client, user = desk
    void, invited = booked(user), booked(user, origin=Origin.GOOGLE)
    void = booking.cancel(void)
    google_event(user, appointment=invited, outcome="appointment", organised_by_us=False)
    assert "is cancelled" in drag(client, void, starts_at="2026-11-25T10:30")["words"]
    assert "We are guests" in drag(client, invited, starts_at="2026-11-25T10:30")["words"]


def test_it_says_when_google_follows_and_how_long_nobody_is_told(desk: Signed, settings: Any) -> None:
    client, user = desk
    settings.NOTICE_GRACE = datetime.timedelta(seconds=30)
    link = GoogleCalendarFactory.create(account=GoogleAccountFactory.create(user=user))
    CalendarConfiguration.objects.filter(user=user).update(linked_calendar=link)
    words = drag(client, booked(user), starts_at="2026-11-25T10:30")["words"]
    assert words.endswith(
        "Google Calendar follows in a moment. Nobody is told: no campaign is about moved appointments and "
        "this calendar’s notices are for customers’ bookings only."
    )
    telling = booked(user, calendar=CalendarFactory.create(notices="all"))
    telling.contact.emails.create(address="ada@example.com", is_primary=True)
    words = drag(client, telling, starts_at="2026-11-27T10:30")["words"]
    assert words.endswith(" by e-mail. Undo it within 30 seconds, and nobody is told.")
    inviting = CalendarFactory.create(invites_through_google=True)
    words = drag(client, booked(user, calendar=inviting), starts_at="2026-11-26T10:30")["words"]
    assert "Google Calendar follows in 30 seconds." in words


def test_a_drag_costs_as_much_among_many_as_among_few(
    desk: Signed, django_assert_max_num_queries: Any
) -> None:
    client, user = desk
    appointment = booked(user)
    for number in range(8):
        booked(user, NOW + (2 + number) * HOUR)
    with django_assert_max_num_queries(36):
        drag(client, appointment, starts_at="2026-11-25T10:30")


# --- onto what is there already -----------------------------------------------------------------------------


def test_a_taken_time_is_asked_about_and_allowed_for_a_reason(desk: Signed) -> None:
    client, user = desk
    appointment = booked(user)
    other = named(user, "Maria", starts_at=NOW + 5 * HOUR)
    found = drag(client, appointment, starts_at="2026-11-23T14:30")
    assert found["outcome"] == "taken"
    [line] = found["taken"]
    assert line["title"].startswith("Maria")
    assert (line["when"], line["url"]) == ("Mon 23 Nov, 14:00 to 15:00", other.get_absolute_url())
    allowed = {"starts_at": "2026-11-23T14:30", "anyway": found["anyway"]}
    assert "Say why" in drag(client, appointment, **allowed, overlap=" ")["words"]
    assert times(appointment)[0] == NOW + HOUR
    assert drag(client, appointment, **allowed, overlap="She insists")["outcome"] == "moved"
    assert appointment.changes.latest("pk").why == "Overlaps: She insists"


def test_of_a_colleagues_events_the_question_shows_the_time_only(desk: Signed) -> None:
    client, _ = desk
    colleague = signed_in()[1]
    google_event(colleague, NOW + 5 * HOUR, summary="Secret")
    found = drag(client, booked(colleague), starts_at="2026-11-23T14:30")
    assert [(line["title"], line["url"]) for line in found["taken"]] == [("Busy", "")]


# --- undoing ----------------------------------------------------------------------------------------------


def test_an_undo_puts_it_back(desk: Signed) -> None:
    client, user = desk
    appointment = booked(user)
    undo = drag(client, appointment, starts_at="2026-11-25T10:30")["undo"]
    assert answer(client, undo["url"], undo["values"])["words"] == "Moved back to Mon 23 Nov, 10:00 to 11:00."
    assert times(appointment) == (NOW + HOUR, NOW + 2 * HOUR)
    assert answer(client, undo["url"], undo["values"])["words"] == "This was undone already."


def test_an_undo_of_what_was_changed_since_says_so(desk: Signed) -> None:
    client, user = desk
    appointment = booked(user)
    undo = drag(client, appointment, starts_at="2026-11-25T10:30")["undo"]
    booking.set_status(appointment, "confirmed")
    words = answer(client, undo["url"], undo["values"])["words"]
    assert words == "It was changed since, so nothing was undone. It is now at Wed 25 Nov, 10:30 (confirmed)."


@pytest.mark.parametrize("move", ["", "x", "0", "9" * 30])
def test_an_undo_of_nothing_is_refused(desk: Signed, move: str) -> None:
    client, user = desk
    appointment = booked(user)
    found = answer(client, f"/appointments/{appointment.pk}/undo-move/", {"move": move})
    assert found["words"] == "There is no such move to undo."


def test_an_undo_to_a_time_that_was_taken_meanwhile_asks(desk: Signed) -> None:
    client, user = desk
    appointment = booked(user)
    undo = drag(client, appointment, starts_at="2026-11-25T10:30")["undo"]
    booked(user)
    found = answer(client, undo["url"], undo["values"])
    assert found["outcome"] == "taken"
    assert found["words"] == "Its old time, Mon 23 Nov, 10:00 to 11:00, is taken by now."
    allowed = undo["values"] | {"anyway": found["anyway"], "overlap": "Both came"}
    assert answer(client, undo["url"], allowed)["outcome"] == "moved"
    assert appointment.changes.latest("pk").why.endswith("Overlaps: Both came")


def test_without_a_script_a_move_is_undone_from_the_appointments_page(desk: Signed) -> None:
    client, user = desk
    appointment = booked(user)
    page = f"/appointments/{appointment.pk}/"
    assert "Undo your move" not in client.get(page).content.decode()
    data = {"starts_at": "2026-11-25T09:00", "minutes": "60", "revision": appointment.revision}
    client.post(f"{page}move/", data)
    assert "Undo your move" in client.get(page).content.decode()
    assert "Undo your move" not in signed_in()[0].get(page).content.decode()
    move = appointment.changes.latest("pk")
    text = client.post(f"{page}undo-move/", {"move": move.pk}, follow=True).content.decode()
    assert "Moved back to Mon 23 Nov, 10:00 to 11:00." in text
    assert "Undo your move" not in text
    assert "Undone: moved back by" in text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"starts_at": "9999-12-31T23:59"}, "Choose a date between 2000 and 2099."),
        ({"ends_at": "0001-01-01T00:00"}, "Choose a date between 2000 and 2099."),
        ({"ends_at": "2027-11-23T10:00"}, "An appointment lasts 24 hours at most."),
    ],
)
def test_nothing_is_dragged_out_of_bounds(desk: Signed, values: dict[str, str], words: str) -> None:
    client, user = desk
    appointment = booked(user)
    found = drag(client, appointment, **values)
    assert (found["outcome"], found["words"]) == ("refused", words)
    assert times(appointment) == (NOW + HOUR, NOW + 2 * HOUR)


def test_blocked_time_is_not_drawn_out_for_years(desk: Signed) -> None:
    client, user = desk
    row = blocked(user)
    values = {"version": blocking.version_of(row), "ends_at": "2028-11-23T10:00"}
    assert "At most 400 days at once." in answer(client, f"/agenda/block/{row.pk}/drag/", values)["words"]
    values |= {"starts_at": "0001-01-01T00:00Z", "ends_at": "9999-12-31T00:00Z"}
    path = f"/agenda/block/{row.pk}/undo-move/"
    assert answer(client, path, values)["outcome"] == "refused"
    assert times(row) == (NOW + HOUR, NOW + 2 * HOUR)


# --- blocked time -----------------------------------------------------------------------------------------


def test_blocked_time_is_dragged_drawn_out_and_put_back(tokyo: Signed) -> None:
    client, user = tokyo
    row = blocked(user)
    [entry] = feed(client)
    facts = entry["extendedProps"]
    found = answer(client, facts["drag"], {"starts_at": "2026-11-23T20:00", "version": facts["version"]})
    assert times(row) == (NOW + 2 * HOUR, NOW + 3 * HOUR)
    assert found["words"] == "Blocked time moved to Mon 23 Nov, 20:00 to 21:00."
    stale = answer(client, facts["drag"], {"ends_at": "2026-11-23T22:00", "version": facts["version"]})
    assert stale["words"] == "It was moved meanwhile, so it stays where it is now."
    assert answer(client, found["undo"]["url"], found["undo"]["values"])["outcome"] == "moved"
    assert times(row) == (NOW + HOUR, NOW + 2 * HOUR)
    assert answer(client, found["undo"]["url"], found["undo"]["values"])["outcome"] == "refused"


def test_blocked_time_may_overlap_and_still_ends_after_it_starts(desk: Signed) -> None:
    client, user = desk
    row = blocked(user)
    booked(user, NOW + 5 * HOUR)
    [entry] = [entry for entry in feed(client) if entry["title"] == "Taxes"]
    facts = entry["extendedProps"]
    early = answer(client, facts["drag"], {"ends_at": "2026-11-23T09:00", "version": facts["version"]})
    assert "must come after" in early["words"]
    answer(client, facts["drag"], {"starts_at": "2026-11-23T14:00", "version": facts["version"]})
    assert times(row)[0] == NOW + 5 * HOUR


# --- a class ----------------------------------------------------------------------------------------------


def a_class(user: User, *, people: int = 3) -> list[Appointment]:
    calendar = CalendarFactory.create(kind="class", seats=4)
    return [booked(user, calendar=calendar) for _ in range(people)]


def drawn(client: Client) -> dict[str, Any]:
    [entry] = feed(client)
    facts: dict[str, Any] = entry["extendedProps"]
    return facts


def test_a_session_is_dragged_as_one_and_put_back_as_one(desk: Signed) -> None:
    client, user = desk
    seats = a_class(user)
    facts = drawn(client)
    found = answer(client, facts["drag"], {"starts_at": "2026-11-25T10:30", "version": facts["version"]})
    assert found["words"].startswith("Moved to Wed 25 Nov, 10:30 to 11:30. The whole class, 3 appointments.")
    start = datetime.datetime(2026, 11, 25, 10, 30, tzinfo=datetime.UTC)
    assert {times(seat) for seat in seats} == {(start, start + HOUR)}
    assert all(seat.changes.filter(what="rescheduled", by=user).count() == 1 for seat in seats)
    answer(client, found["undo"]["url"], found["undo"]["values"])
    assert {times(seat) for seat in seats} == {(NOW + HOUR, NOW + 2 * HOUR)}


def test_a_session_that_was_changed_meanwhile_stays_where_it_is(desk: Signed) -> None:
    client, user = desk
    seats = a_class(user)
    facts = drawn(client)
    booking.cancel(seats[2])
    found = answer(client, facts["drag"], {"starts_at": "2026-11-25T10:30", "version": facts["version"]})
    assert found["outcome"] == "refused"
    assert "changed meanwhile" in found["words"]
    assert times(seats[0]) == times(seats[1]) == (NOW + HOUR, NOW + 2 * HOUR)


def test_after_a_seat_was_changed_the_move_of_its_session_is_not_undone_for_anybody(desk: Signed) -> None:
    client, user = desk
    seats = a_class(user)
    facts = drawn(client)
    undo = answer(client, facts["drag"], {"starts_at": "2026-11-25T10:30", "version": facts["version"]})[
        "undo"
    ]
    booking.set_status(seats[2], "confirmed")
    assert "It was changed since" in answer(client, undo["url"], undo["values"])["words"]
    assert {times(seat)[0].day for seat in seats} == {25}


def test_a_session_that_does_not_fit_another_asks(desk: Signed) -> None:
    client, user = desk
    seats = a_class(user)
    other = [booked(user, NOW + 5 * HOUR, calendar=seats[0].calendar) for _ in range(2)]
    [facts] = [e["extendedProps"] for e in feed(client) if e["start"] == "2026-11-23T10:00"]
    values = {"starts_at": "2026-11-23T14:00", "version": facts["version"]}
    found = answer(client, facts["drag"], values)
    assert [line["title"] for line in found["taken"]] == ["2 of 4 seats are taken"]
    booking.cancel(other[0])
    assert answer(client, facts["drag"], values)["outcome"] == "moved"


def test_the_page_of_a_seat_offers_to_move_the_whole_class(desk: Signed) -> None:
    client, user = desk
    seats = a_class(user)
    path = f"/appointments/{seats[0].pk}/move/"
    assert "The class has 3 appointments" in client.get(path).content.decode()
    values = {"starts_at": "2026-11-25T09:00", "minutes": "60", "revision": seats[0].revision, "who": "all"}
    stale = client.post(path, values | {"session": "x"}).content.decode()
    assert "changed meanwhile" in stale
    version = booking.version_of(booking.session_of(seats[0]))
    text = client.post(path, values | {"session": version}, follow=True).content.decode()
    assert "Moved. The whole class, 3 appointments." in text
    assert {times(seat)[0].day for seat in seats} == {25}
    alone = values | {"starts_at": "2026-11-26T09:00", "who": "one", "revision": seats[1].revision}
    client.post(f"/appointments/{seats[1].pk}/move/", alone)
    assert [times(seat)[0].day for seat in seats] == [25, 26, 25]
    assert "The class has" not in client.get(f"/appointments/{booked(user).pk}/move/").content.decode()
