import datetime
import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.test import Client

from calendars.models import CalendarConfiguration, GoogleEvent, SyncRun
from calendars.sync import apply
from calendars.sync.disconnecting import forget
from calendars.sync.turn import take_turn
from contacts.models import Appointment, Contact, User
from integrations.models import GoogleCalendar
from tests.contacts.test_contacts_list import queries_of
from tests.desk import HOUR, NOW, google_event, signed_in
from tests.factories import (
    GoogleAccountFactory,
    GoogleCalendarFactory,
    MembershipFactory,
    UserFactory,
)
from tests.google import NOW as THEN
from tests.google import Desk, Google

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def shown(client: Client, query: str = "") -> str:
    response = client.get(f"/agenda/ledger/{query}")
    assert response.status_code == 200
    text: str = response.content.decode()
    return text


class TestList:
    @pytest.fixture(autouse=True)
    def _now(self) -> Iterator[None]:
        with time_machine.travel(NOW, tick=False):
            yield

    @pytest.fixture
    def desk(self) -> tuple[Client, User]:
        return signed_in()

    def event(self, user: User, summary: str, **fields: object) -> GoogleEvent:
        account = user.google_accounts.first() or GoogleAccountFactory.create(user=user)
        calendar = account.calendars.first() or GoogleCalendarFactory.create(account=account)
        return google_event(user, NOW + DAY, google_calendar=calendar, summary=summary, **fields)

    def test_is_for_people_who_signed_in(self) -> None:
        assert Client().get("/agenda/ledger/").status_code == 302

    def test_lists_ones_own_events_with_outcome_and_reason(self, desk: tuple[Client, User]) -> None:
        client, user = desk
        self.event(user, "Dentist", outcome="block", reason="One way: no guests, so no appointment.")
        self.event(signed_in()[1], "A colleague's")
        text = shown(client)
        assert "Dentist" in text
        assert "One way: no guests, so no appointment." in text
        assert "A colleague" not in text

    def test_costs_as_many_queries_for_three_as_for_one(self, desk: tuple[Client, User]) -> None:
        client, user = desk
        self.event(user, "One")
        client.get("/agenda/ledger/")
        one = queries_of(client, "/agenda/ledger/")
        self.event(user, "Two")
        self.event(user, "Three")
        assert queries_of(client, "/agenda/ledger/") == one

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", {"Ahead", "Failed"}),
            ("?when=past", {"Gone by"}),
            ("?when=all", {"Ahead", "Gone by", "Failed", "Unreadable event"}),
            ("?outcome=look", {"Failed", "Unreadable event"}),
            # Chosen on the page itself, where a time is always chosen too.
            ("?outcome=look&when=ahead", {"Failed", "Unreadable event"}),
            ("?outcome=look&when=past", set()),
            ("?outcome=free", {"Ahead"}),
            ("?q=ahea", {"Ahead"}),
            ("?q=ann@x.org", {"Failed"}),
            ("?q=x.org", {"Failed"}),
            # A word of the stored list of guests, but of no guest.
            ("?q=address", set()),
            ("?q=unreadable-id&when=all", {"Unreadable event"}),
            ("?q=nothing+has+this", set()),
        ],
    )
    def test_is_narrowed(self, desk: tuple[Client, User], query: str, found: set[str]) -> None:
        client, user = desk
        self.event(user, "Ahead", outcome="block", blocks=False)
        self.event(user, "Failed", error="It could not be carried out.", attendees=[{"address": "ann@x.org"}])
        past = self.event(user, "Gone by")
        GoogleEvent.objects.filter(pk=past.pk).update(starts_at=NOW - DAY, ends_at=NOW - DAY + HOUR)
        bad = self.event(user, "", error="Google sent an event whose time cannot be read.")
        GoogleEvent.objects.filter(pk=bad.pk).update(
            starts_at=None, ends_at=None, google_id="unreadable-id", etag=""
        )
        text = shown(client, query)
        assert {
            name for name in ("Ahead", "Failed", "Gone by", "Unreadable event") if f">{name}</a>" in text
        } == found

    def test_all_times_open_at_now(self, desk: tuple[Client, User]) -> None:
        client, user = desk
        for name, start in {"Next year": 370, "Tomorrow": 1, "Last week": -7, "Yesterday": -1}.items():
            event = self.event(user, name)
            GoogleEvent.objects.filter(pk=event.pk).update(
                starts_at=NOW + start * DAY, ends_at=NOW + start * DAY + HOUR
            )
        bad = self.event(user, "", error="Google sent an event whose time cannot be read.")
        GoogleEvent.objects.filter(pk=bad.pk).update(starts_at=None, ends_at=None)
        for query, order in {
            "?when=all": ["Tomorrow", "Next year", "Yesterday", "Last week", "Unreadable event"],
            "?when=all&outcome=look": ["Unreadable event"],
        }.items():
            text = shown(client, query)
            assert sorted(order, key=lambda name: text.index(f">{name}</a>")) == order

    def test_is_narrowed_to_a_calendar_or_to_an_account(self, desk: tuple[Client, User]) -> None:
        client, user = desk
        events = [google_event(user, NOW + DAY, summary=summary) for summary in ("Home", "Work")]
        home, work = (event.google_calendar for event in events)
        for query in (f"?calendar={work.pk}", f"?calendar=account-{work.account_id}"):
            text = shown(client, query)
            assert ("Work" in text, "Home" in text) == (True, False)
        assert f"All of {home.account.address}" in text
        stranger = google_event(signed_in()[1], NOW + DAY, summary="Not mine")
        assert "Not mine" not in shown(client, f"?calendar={stranger.google_calendar_id}")

    @pytest.mark.parametrize(
        ("query", "first", "last"),
        [("?when=past", 9, 0), ("", 10, 59), ("?page=2", 60, 69)],
    )
    def test_several_calendars_are_one_list_in_order_of_time(
        self, desk: tuple[Client, User], query: str, first: int, last: int
    ) -> None:
        client, user = desk
        one = google_event(user, NOW - 10 * DAY, summary="Event 0").google_calendar
        other = GoogleCalendarFactory.create(account=one.account, google_id="other")
        for number in range(1, 70):
            at = NOW + (number - 10) * DAY
            google_event(user, at, google_calendar=(one, other, other)[number % 3], summary=f"Event {number}")
        found = [int(number) for number in re.findall(r">Event (\d+)</a>", shown(client, query))]
        assert (found[0], found[-1]) == (first, last)
        assert found == sorted(found, reverse=first > last)
        assert len(found) == abs(last - first) + 1

    def test_all_times_of_several_calendars_go_on_over_the_pages(self, desk: tuple[Client, User]) -> None:
        client, user = desk
        one = google_event(user, NOW - 10 * DAY, summary="Event 0").google_calendar
        other = GoogleCalendarFactory.create(account=one.account, google_id="other")
        for number in range(1, 70):
            at = NOW + (number - 10) * DAY
            google_event(user, at, google_calendar=(one, other, other)[number % 3], summary=f"Event {number}")
        pages = shown(client, "?when=all") + shown(client, "?when=all&page=2")
        found = [int(number) for number in re.findall(r">Event (\d+)</a>", pages)]
        assert found == [*range(10, 70), *range(9, -1, -1)]

    def test_of_a_private_event_it_shows_the_time(self, desk: tuple[Client, User]) -> None:
        client, user = desk
        self.event(user, "", visibility="private")
        assert ">Private</a>" in shown(client)

    def test_an_event_whose_calendar_was_let_go_says_that_it_is_no_longer_read(
        self, desk: tuple[Client, User]
    ) -> None:
        client, user = desk
        event = self.event(user, "Dentist", outcome="block", etag='"1"')
        forget([event.google_calendar_id])
        text = shown(client)
        assert "Dentist" not in text
        assert "No longer read" in text

    def test_htmx_gets_the_list_alone(self, desk: tuple[Client, User]) -> None:
        client, user = desk
        self.event(user, "Dentist")
        text = client.get("/agenda/ledger/", headers={"hx-request": "true"}).content.decode()
        assert "Dentist" in text
        assert "<html" not in text

    @pytest.mark.parametrize(
        ("query", "title"),
        [
            ("?q=nothing", "No event found"),
            ("?outcome=look", "Nothing needs a look"),
            ("?when=past", "Nothing at this time"),
        ],
    )
    def test_empty_list_says_why(self, desk: tuple[Client, User], query: str, title: str) -> None:
        client, user = desk
        assert "Nothing from Google yet" in shown(client)
        self.event(user, "Ahead")
        assert title in shown(client, query)

    def test_says_how_often_what_failed_was_tried_and_when_it_is_tried_next(
        self, desk: tuple[Client, User]
    ) -> None:
        client, user = desk
        event = self.event(user, "Failed", error="It could not be carried out.")
        GoogleEvent.objects.update(attempts=3, not_before=NOW + HOUR, planned_etag="")
        for text in (shown(client), client.get(f"/agenda/events/{event.pk}/").content.decode()):
            assert "Tried 3 times." in text
            assert "The next try is" in text
            assert "23 November, 10:00" in text

    def test_says_when_what_could_not_be_read_is_read_again(self, desk: tuple[Client, User]) -> None:
        client, user = desk
        event = self.event(user, "", error="Its time cannot be read.", etag="", planned_etag="")
        GoogleEvent.objects.update(starts_at=None, ends_at=None)
        GoogleCalendar.objects.update(next_full_at=NOW + 17 * HOUR)
        text = client.get(f"/agenda/events/{event.pk}/").content.decode()
        assert "It is read again by itself on" in text
        assert "24 November, 02:00" in text
        assert "Make appointment" not in text

    @pytest.mark.parametrize(
        ("fields", "offered", "words"),
        [
            ({"attendees": [{"address": "mia@tide.example"}]}, True, "Nothing is sent to anybody."),
            (
                {"attendees": [{"address": "dana@tide.example", "is_self": True, "response": "accepted"}]},
                False,
                "has no guest",
            ),
            (
                {"attendees": [{"address": "mia@tide.example"}], "is_all_day": True},
                False,
                "never an appointment",
            ),
            (
                {"attendees": [{"address": "mia@tide.example"}], "ends_at": NOW + DAY},
                False,
                "takes no time",
            ),
            (
                {
                    "attendees": [
                        {"address": "mia@tide.example"},
                        {"address": "dana@tide.example", "is_self": True, "response": "declined"},
                    ]
                },
                False,
                "You declined this invitation",
            ),
            ({"visibility": "private"}, False, "guests are not kept"),
        ],
    )
    def test_an_appointment_is_offered_only_where_somebody_could_be_booked(
        self, desk: tuple[Client, User], fields: dict[str, Any], offered: bool, words: str
    ) -> None:
        client, user = desk
        event = self.event(user, "Lunch", **fields)
        calendar = MembershipFactory.create(user=user).calendar
        CalendarConfiguration.objects.filter(user=user).update(
            linked_calendar=event.google_calendar, default_calendar=calendar
        )
        text = client.get(f"/agenda/events/{event.pk}/").content.decode()
        assert ("Make appointment" in text) is offered
        assert words in text

    def test_integrations_say_of_each_account_what_needs_a_look(self, desk: tuple[Client, User]) -> None:
        client, user = desk
        event = self.event(user, "Failed", error="It could not be carried out.")
        account = event.google_calendar.account
        path = "/settings/integrations/"
        text = client.get(path).content.decode()
        assert "1 Google event could not be read or carried out." in text
        assert f"/agenda/ledger/?outcome=look&amp;calendar=account-{account.pk}" in text
        assert f'/agenda/ledger/?calendar=account-{account.pk}"' in text
        client.get(path)
        before = queries_of(client, path)
        google_event(user, summary="Fine, of another account")
        assert queries_of(client, path) == before
        assert client.get(path).content.decode().count("could not be read or carried out") == 1

    def test_integrations_say_of_each_account_which_pull_waits_for_a_person(
        self, desk: tuple[Client, User]
    ) -> None:
        client, user = desk
        google_calendar = self.event(user, "Gone").google_calendar
        said = "It would cancel 12 appointments."
        run = SyncRun.objects.create(
            google_calendar=google_calendar, kind="full", state="braked", started_at=NOW, error=said
        )
        path = "/settings/integrations/"
        client.get(path)
        before = queries_of(client, path)
        google_event(user, summary="Fine, of another account")
        assert queries_of(client, path) == before
        text = client.get(path).content.decode()
        assert text.count(said) == 1
        assert f"/agenda/pulls/{run.pk}/" in text

    def test_agenda_says_that_something_needs_a_look(self, desk: tuple[Client, User]) -> None:
        client, user = desk
        self.event(user, "Failed", error="It could not be carried out.")
        text = client.get("/agenda/").content.decode()
        assert "1 Google event could not be read or carried out." in text
        assert "/agenda/ledger/?outcome=look" in text


class TestMake:
    def make(self, desk: Desk) -> str:
        client = Client()
        client.force_login(desk.user)
        path = f"/agenda/events/{GoogleEvent.objects.get().pk}/decide/"
        return client.post(path, {"decision": "make"}, follow=True).content.decode()

    def test_declined_invitation_is_refused_and_not_remembered(self, google: Google) -> None:
        """The press was stored, and the appointment appeared by itself when the invitation was accepted."""
        desk = Desk(google, "smart", creation=False)
        google.control.add_person("boss@x.org")
        event = google.add("boss@x.org", guests=(desk.address,))
        google.control.respond(desk.address, event["id"], "declined")
        desk.turn()
        text = self.make(desk)
        assert "You declined this invitation" in text
        assert "Decided" not in text
        google.control.respond(desk.address, event["id"], "accepted")
        desk.turn()
        assert not Appointment.objects.exists()

    @pytest.mark.parametrize(
        ("start", "end", "words"),
        [
            (THEN - 2 * HOUR, THEN - HOUR, "Past events are display only."),
            (THEN + DAY, THEN + DAY, "It has no length"),
        ],
    )
    def test_what_can_be_no_appointment_is_refused_and_not_remembered(
        self, google: Google, start: datetime.datetime, end: datetime.datetime, words: str
    ) -> None:
        desk = Desk(google)
        google.add(desk.address, guests=("ann@x.org",), start=start, end=end)
        desk.turn()
        assert words in self.make(desk)
        assert GoogleEvent.objects.get().decision == ""


class TestAgain:
    def client(self, desk: Desk) -> Client:
        client = Client()
        client.force_login(desk.user)
        return client

    def test_event_that_could_not_be_read_is_asked_for_and_planned(self, google: Google) -> None:
        desk = Desk(google)
        event = google.add(desk.address, guests=("ann@x.org",))
        desk.turn()
        GoogleEvent.objects.update(etag="", planned_etag="", error="It could not be read.", appointment=None)
        Appointment.objects.all().delete()
        row = GoogleEvent.objects.get()
        response = self.client(desk).post(f"/agenda/events/{row.pk}/again/", follow=True)
        row.refresh_from_db()
        assert (row.google_id, row.error, row.outcome) == (event["id"], "", "appointment")
        assert Appointment.objects.count() == 1
        assert row.reason in response.content.decode()

    def test_event_that_still_cannot_be_had_says_why(self, google: Google) -> None:
        desk = Desk(google)
        google.add(desk.address)
        desk.turn()
        GoogleEvent.objects.update(etag="", planned_etag="", error="It could not be read.")
        google.control.revoke(desk.address)
        row = GoogleEvent.objects.get()
        response = self.client(desk).post(f"/agenda/events/{row.pk}/again/", follow=True)
        assert "not yet." in response.content.decode()
        row.refresh_from_db()
        assert row.error == "It could not be read."

    def test_one_bad_event_is_set_aside_with_its_reason_and_planned_when_it_is_tried_again(
        self, google: Google, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk = Desk(google)
        google.add(desk.address, guests=("ann@x.org",))
        google.add(desk.address, guests=("bad@x.org",), start=THEN + 2 * DAY)
        with monkeypatch.context() as broken:
            broken.setattr(apply, "contacts_for_guests", refusing("bad@x.org"))
            turn = take_turn(desk.google_calendar.pk, THEN, pulls=True)
        assert turn.has_failed
        assert [contact.primary_address for contact in Contact.objects.all()] == ["ann@x.org"]
        bad = GoogleEvent.objects.failed().get()
        assert bad.blocks
        assert "could not be carried out" in bad.error
        assert bad.not_before is not None
        page = self.client(desk).get(f"/agenda/events/{bad.pk}/").content.decode()
        assert "Try again" in page
        query = "outcome=look&when=all"
        response = self.client(desk).post(f"/agenda/events/{bad.pk}/again/", {"ledger": query})
        assert response["Location"] == f"/agenda/ledger/?{query}"
        assert Appointment.objects.count() == 2
        assert not GoogleEvent.objects.failed().exists()

    def test_admin_tries_again_what_failed(self, google: Google) -> None:
        desk = Desk(google)
        google.add(desk.address, guests=("ann@x.org",))
        desk.turn()
        GoogleEvent.objects.update(planned_etag="", error="It could not be carried out.")
        client = Client()
        client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
        row = GoogleEvent.objects.get()
        data = {"action": "try_failed_again", "_selected_action": [row.pk]}
        text = client.post("/admin/calendars/googleevent/", data, follow=True).content.decode()
        assert "Done: 1 of those that had failed." in text
        assert not GoogleEvent.objects.failed().exists()

    def test_admin_who_may_only_look_may_not_try_again(self, google: Google) -> None:
        desk = Desk(google)
        google.add(desk.address)
        desk.turn()
        GoogleEvent.objects.update(planned_etag="", error="It could not be carried out.")
        looker = UserFactory.create(is_staff=True)
        looker.user_permissions.add(Permission.objects.get(codename="view_googleevent"))
        client = Client()
        client.force_login(looker)
        data = {"action": "try_failed_again", "_selected_action": [GoogleEvent.objects.get().pk]}
        client.post("/admin/calendars/googleevent/", data)
        assert GoogleEvent.objects.failed().exists()

    def test_is_for_the_owner_of_the_account_alone(self, google: Google) -> None:
        desk = Desk(google)
        google.add(desk.address)
        desk.turn()
        row = GoogleEvent.objects.get()
        stranger, _ = signed_in()
        assert stranger.post(f"/agenda/events/{row.pk}/again/").status_code == 404
        assert self.client(desk).get(f"/agenda/events/{row.pk}/again/").status_code == 405


def refusing(address: str) -> object:
    """contacts_for_guests as it is, but for one address that it stumbles over."""
    real = apply.contacts_for_guests

    def stumble(people: dict[str, str], **how: object) -> object:
        if address in people:
            raise ValueError("No contact can be made of it.")
        return real(people, **how)

    return stumble
