"""Which text travels which way, field by field; first the pure rule, then through Google and back."""

import pytest

from calendars import booking
from calendars.sync.turn import take_turn
from calendars.sync.words import Words, follow_words
from contacts.models import Appointment
from tests.factories import ContactFactory
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

AGREED = Words("Visit", "Bring papers", "Room 1", "https://meet.google.com/abc")
NEWS = Words("Longer visit", "Bring nothing", "Room 2", "https://meet.google.com/xyz")


def follow(theirs: Words, ours: Words, *, made_in_google: bool = True, here: Words = AGREED) -> Words | None:
    return follow_words(theirs, ours, AGREED.prints, here.prints, made_in_google=made_in_google)


def test_what_changed_at_google_alone_is_taken_over_field_by_field() -> None:
    for name in Words._fields:
        theirs = AGREED._replace(**{name: getattr(NEWS, name)})
        assert follow(theirs, AGREED) == theirs


def test_what_was_changed_here_stays_while_the_other_fields_follow() -> None:
    ours = AGREED._replace(location="Room 9")
    assert follow(NEWS, ours) == NEWS._replace(location="Room 9")


def test_what_differed_when_both_agreed_is_no_news() -> None:
    here = AGREED._replace(location="The calendar's own place")
    assert follow(AGREED, here, here=here) is None
    assert follow(AGREED._replace(location="Room 2"), here, here=here) == AGREED._replace(location="Room 2")


def test_without_an_agreed_state_nothing_is_taken_over() -> None:
    assert follow_words(NEWS, AGREED, (), (), made_in_google=True) is None


def test_of_an_event_of_ours_only_the_meetings_link_comes_back() -> None:
    assert follow(NEWS, AGREED, made_in_google=False) == AGREED._replace(meeting_url=NEWS.meeting_url)
    assert follow(AGREED._replace(meeting_url=""), AGREED, made_in_google=False) is None


@pytest.mark.django_db
class TestThroughGoogle:
    def test_text_changed_at_google_on_an_event_made_there_reaches_the_appointment_silently(
        self, google: Google
    ) -> None:
        desk = Desk(google)
        event = google.add(desk.address, guests=("ann@x.org",), location="Room 1")
        desk.turn()
        google.change(desk.address, event, summary="Longer visit", location="Room 2")
        desk.turn()
        appointment = Appointment.objects.get()
        assert (appointment.title, appointment.location) == ("Longer visit", "Room 2")
        assert [change.what for change in appointment.changes.all()] == ["booked"]
        google.control.clear_requests()
        desk.turn()
        assert not google.control.requests("calendar.events.patch")

    def test_meeting_of_somebody_else_without_a_place_does_not_take_the_calendars(
        self, google: Google
    ) -> None:
        """It stood beside "its organiser decides time and place"."""
        desk = Desk(google)
        desk.calendar.location = "Room 1"
        desk.calendar.save()
        google.control.add_person("boss@x.org")
        google.add("boss@x.org", guests=(desk.address,))
        google.add(desk.address, guests=("ann@x.org",), start=TOMORROW_AT_TEN + 2 * HOUR)
        desk.turn()
        places = Appointment.objects.order_by("starts_at").values_list("location", flat=True)
        assert list(places) == ["", "Room 1"]

    def test_place_edited_here_is_not_written_over_by_googles(self, google: Google) -> None:
        desk = Desk(google)
        event = google.add(desk.address, guests=("ann@x.org",), location="Room 1")
        desk.turn()
        made = Appointment.objects.get()
        booking.set_details(made, title=made.title, description="", location="Our own room")
        google.change(desk.address, event, summary="Longer visit", location="Room 2")
        desk.turn()
        appointment = Appointment.objects.get()
        assert (appointment.title, appointment.location) == ("Longer visit", "Our own room")
        [there] = google.events(desk.address)
        assert there["location"] == "Room 2"

    def test_event_that_turned_private_takes_its_text_back_and_keeps_its_appointment(
        self, google: Google
    ) -> None:
        desk = Desk(google)
        event = google.add(desk.address, guests=("ann@x.org",))
        desk.turn()
        google.change(desk.address, event, summary="Secret", visibility="private")
        desk.turn()
        appointment = Appointment.objects.get()
        assert (appointment.title, appointment.location, appointment.status) == ("", "", "new")
        google.change(desk.address, event, summary="Open again", visibility="default")
        desk.turn()
        assert Appointment.objects.get().title == "Open again"

    def test_private_event_kept_as_normal_keeps_its_guests_when_it_is_changed_on_both_sides(
        self, google: Google
    ) -> None:
        """Google's answer to a write was stored without its guests, and the appointment then had none left."""
        desk = Desk(google, private_events="normal")
        event = google.add(desk.address, guests=("ann@x.org",), visibility="private")
        desk.turn()
        booking.reschedule(
            Appointment.objects.get(), starts_at=TOMORROW_AT_TEN + HOUR, ends_at=TOMORROW_AT_TEN + 2 * HOUR
        )
        google.change(desk.address, event, summary="Changed meanwhile")
        take_turn(desk.google_calendar.pk, NOW)
        desk.turn()
        appointment = Appointment.objects.get()
        assert (appointment.status, appointment.title) == ("new", "Changed meanwhile")
        assert appointment.starts_at == TOMORROW_AT_TEN + HOUR
        assert appointment.contact.primary_address == "ann@x.org"


def invited(event: dict[str, object]) -> set[str]:
    people = event.get("attendees", [])
    assert isinstance(people, list)
    return {person["email"] for person in people if not person.get("self")}


@pytest.mark.django_db
class TestGuestsAndLink:
    def book(self, desk: Desk, **calendar: bool) -> Appointment:
        for name, value in {"invites_through_google": True, **calendar}.items():
            setattr(desk.calendar, name, value)
        desk.calendar.save()
        desk.turn()
        return booking.book(
            calendar=desk.calendar,
            contact=ContactFactory(address="ann@x.org"),
            owner=desk.user,
            starts_at=TOMORROW_AT_TEN,
            ends_at=TOMORROW_AT_TEN + HOUR,
        )

    def test_guest_added_here_is_invited_and_one_taken_off_is_uninvited(self, google: Google) -> None:
        desk = Desk(google)
        appointment = self.book(desk)
        desk.turn()
        ben = ContactFactory(address="ben@x.org")
        booking.attach(appointment, ben)
        desk.turn()
        assert invited(google.events(desk.address)[0]) == {"ann@x.org", "ben@x.org"}
        booking.detach(appointment, ben)
        desk.turn()
        assert invited(google.events(desk.address)[0]) == {"ann@x.org"}
        patches = google.control.requests("calendar.events.patch")
        assert [patch.parameter("sendUpdates") for patch in patches] == ["all", "all"]

    def test_whom_a_person_invited_at_google_and_who_declined_stay_on_the_list(self, google: Google) -> None:
        desk = Desk(google)
        appointment = self.book(desk)
        booking.attach(appointment, ContactFactory(address="ben@x.org"))
        desk.turn()
        [event] = google.events(desk.address)
        people = [
            {"email": "ann@x.org"},
            {"email": "ben@x.org", "responseStatus": "declined"},
            {"email": "theirs@x.org"},
        ]
        google.change(desk.address, event, attendees=people)
        desk.turn()
        booking.attach(appointment, ContactFactory(address="cid@x.org"))
        desk.turn()
        [event] = google.events(desk.address)
        assert invited(event) == {"ann@x.org", "ben@x.org", "cid@x.org", "theirs@x.org"}
        answers = {person["email"]: person["responseStatus"] for person in event["attendees"]}
        assert answers["ben@x.org"] == "declined"

    def test_guest_added_here_is_nobodys_business_where_the_calendar_does_not_invite(
        self, google: Google
    ) -> None:
        desk = Desk(google)
        appointment = self.book(desk, invites_through_google=False)
        desk.turn()
        booking.attach(appointment, ContactFactory(address="ben@x.org"))
        desk.turn()
        assert invited(google.events(desk.address)[0]) == set()
        assert not google.control.requests("calendar.events.patch")

    def test_w9_link_of_the_meeting_is_asked_for_again_until_it_is_there(self, google: Google) -> None:
        desk = Desk(google)
        appointment = self.book(desk, uses_google_meet=True)
        desk.turn()
        appointment.refresh_from_db()
        assert appointment.meeting_url.startswith("https://meet.google.com/")

    def test_of_a_collectives_copies_one_invites(self, google: Google) -> None:
        one, two = Desk(google), Desk(google)
        one.calendar.kind = "collective"
        one.calendar.memberships.create(user=two.user)
        self.book(one, uses_google_meet=True)
        for desk in (one, two):
            desk.turn()
        copies = [event for desk in (one, two) for event in google.events(desk.address)]
        assert [invited(copy) for copy in copies] == [{"ann@x.org"}, set()]
        assert ["hangoutLink" in copy for copy in copies] == [True, False]
        inserts = google.control.requests("calendar.events.insert")
        assert [insert.parameter("sendUpdates") for insert in inserts] == ["all", "none"]


@pytest.mark.django_db
def test_locked_event_is_not_written_to(google: Google) -> None:
    desk = Desk(google)
    google.control.insert(
        desk.address,
        "primary",
        {
            "summary": "Locked",
            "start": {"dateTime": TOMORROW_AT_TEN.isoformat()},
            "end": {"dateTime": (TOMORROW_AT_TEN + HOUR).isoformat()},
            "attendees": [{"email": "ann@x.org"}],
            "locked": True,
        },
    )
    desk.turn()
    appointment = Appointment.objects.get()
    with pytest.raises(booking.NotPossible):
        booking.reschedule(appointment, starts_at=NOW + 50 * HOUR, ends_at=NOW + 51 * HOUR)
