"""Exact rules of the sync policy that need more than one turn, one calendar or one person; each named after it."""

import datetime

import pytest

from calendars import booking
from calendars.models import Calendar, CalendarConfiguration, GoogleEvent, PushTarget
from calendars.sync.late import late_matches
from calendars.sync.turn import take_turn
from contacts.models import Appointment, AppointmentChange, Contact
from integrations.connecting import refresh_calendars
from integrations.models import GoogleAccount, GoogleCalendar
from integrations.sandbox.faults import Fault
from tests.factories import CalendarFactory, ContactFactory
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google, Room

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def second_calendar(google: Google, desk: Desk, name: str = "Clinic") -> GoogleCalendar:
    google_id = google.control.add_calendar(desk.address, name)
    refresh_calendars(desk.account)
    return GoogleCalendar.objects.get(google_id=google_id)


def pull(calendar: GoogleCalendar, now: datetime.datetime = NOW) -> None:
    turn = take_turn(calendar.pk, now, pulls=True)
    assert turn.taken
    assert not turn.has_failed, turn


class TestWindow:
    def test_s6_event_beyond_the_window_is_not_kept(self, google: Google) -> None:
        desk = Desk(google)
        desk.turn()
        google.add(desk.address, guests=("far@x.org",), start=NOW + 500 * DAY)
        desk.turn()
        assert not GoogleEvent.objects.exists()

    def test_s6_linked_event_moved_beyond_the_window_moves_its_appointment(self, google: Google) -> None:
        desk = Desk(google)
        event = google.add(desk.address, guests=("far@x.org",))
        desk.turn()
        google.move(desk.address, event, NOW + 500 * DAY)
        google.control.expire_sync_tokens()
        desk.turn()
        appointment = Appointment.objects.get()
        assert (appointment.status, appointment.starts_at) == ("new", NOW + 500 * DAY)

    def test_s13_linked_row_that_a_full_pull_did_not_list_is_asked_for_by_its_id(
        self, google: Google
    ) -> None:
        desk = Desk(google)
        event = google.add(desk.address, guests=("gone@x.org",))
        desk.turn()
        google.delete(desk.address, event)
        google.control.expire_sync_tokens()
        google.control.clear_requests()
        desk.turn()
        assert [
            request.path.rsplit("/", 1)[-1] for request in google.control.requests("calendar.events.get")
        ] == [event["id"]]
        assert Appointment.objects.get().status == "cancelled"

    def test_s8_answer_that_does_not_come_cancels_nothing(self, google: Google) -> None:
        desk = Desk(google)
        event = google.add(desk.address, guests=("gone@x.org",))
        desk.turn()
        google.delete(desk.address, event)
        google.control.expire_sync_tokens()
        google.control.add_fault(Fault(method="calendar.events.get", status=503, count=5))
        assert take_turn(desk.google_calendar.pk, NOW, pulls=True).has_failed
        assert Appointment.objects.get().status == "new"
        google.control.clear_faults()
        desk.turn()
        assert Appointment.objects.get().status == "cancelled"

    def test_rows_that_started_before_the_window_are_history(self, google: Google) -> None:
        desk = Desk(google)
        google.add(desk.address, guests=("then@x.org",), start=NOW + HOUR)
        desk.turn()
        row = GoogleEvent.objects.get()
        later = NOW + 3 * DAY
        google.control.set_clock(later)
        google.control.delete(desk.address, "primary", row.google_id)
        take_turn(desk.google_calendar.pk, later, pulls=True, full=True)
        assert Appointment.objects.get().status == "new"


class TestOnePersonTwoCalendars:
    def test_conflict_calendar_blocks_and_never_makes_anything(self, google: Google) -> None:
        desk = Desk(google)
        clinic = second_calendar(google, desk)
        desk.configuration.conflict_calendars.add(clinic)
        GoogleCalendar.objects.filter(pk=clinic.pk).update(next_pull_at=NOW)
        google.add(desk.address, guests=("new@x.org",), calendar=clinic.google_id)
        pull(clinic)
        row = GoogleEvent.objects.get()
        assert (row.blocks, row.colour, row.appointment) == (True, "grey", None)
        assert not Contact.objects.exists()

    def test_linked_in_both_places_the_unassigned_calendars_option_decides(self, google: Google) -> None:
        desk = Desk(google, "one_way", creation=False, trigger=False)
        hall = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, owner=desk.user, colour="#aa3300")
        CalendarConfiguration.objects.create(
            calendar=hall, linked_calendar=desk.google_calendar, sync_option="two_way", policy_since=NOW
        )
        google.add(desk.address, guests=("new@x.org",))
        desk.turn()
        appointment = Appointment.objects.get()
        assert appointment.calendar == hall
        assert GoogleEvent.objects.get().colour == "#aa3300"

    def test_deletion_waits_until_the_other_calendars_were_pulled(self, google: Google) -> None:
        desk = Desk(google)
        clinic = second_calendar(google, desk)
        desk.configuration.conflict_calendars.add(clinic)
        GoogleCalendar.objects.filter(pk=clinic.pk).update(next_pull_at=NOW)
        event = google.add(desk.address, guests=("new@x.org",))
        desk.turn()
        pull(clinic)
        later = NOW + HOUR / 2
        google.delete(desk.address, event)
        pull(desk.google_calendar, later)
        assert Appointment.objects.get().status == "new"
        assert "Waiting" in GoogleEvent.objects.get().reason
        pull(clinic, later + HOUR / 60)
        pull(desk.google_calendar, later + HOUR / 30)
        assert Appointment.objects.get().status == "cancelled"

    def test_waiting_for_a_calendar_that_is_never_pulled_ends(self, google: Google) -> None:
        desk = Desk(google)
        clinic = second_calendar(google, desk)
        desk.configuration.conflict_calendars.add(clinic)
        GoogleCalendar.objects.filter(pk=clinic.pk).update(next_pull_at=NOW)
        event = google.add(desk.address, guests=("new@x.org",))
        desk.turn()
        pull(clinic)
        google.delete(desk.address, event)
        pull(desk.google_calendar, NOW + HOUR / 2)
        take_turn(desk.google_calendar.pk, NOW + 2 * HOUR)
        assert Appointment.objects.get().status == "new"
        take_turn(desk.google_calendar.pk, NOW + 25 * HOUR)
        assert Appointment.objects.get().status == "cancelled"


class TestDefaultCalendar:
    @pytest.mark.parametrize("how", ["switched off", "left"])
    def test_falls_back_to_blocking_when_it_is_no_longer_valid(self, google: Google, how: str) -> None:
        desk = Desk(google)
        if how == "switched off":
            Calendar.objects.filter(pk=desk.calendar.pk).update(is_active=False)
        else:
            desk.user.memberships.all().delete()
        google.add(desk.address, guests=("new@x.org",))
        desk.turn()
        row = GoogleEvent.objects.get()
        assert (row.blocks, row.appointment) == (True, None)
        assert "default calendar" in row.reason


class TestGuest:
    def test_colleagues_rooms_ignored_and_declined_are_no_guests(self, google: Google) -> None:
        desk, colleague = Desk(google, ignored_guests="boss@corp.example\nspam.example"), Desk(google)
        google.control.insert(
            desk.address,
            "primary",
            {
                "summary": "Internal",
                "start": {"dateTime": TOMORROW_AT_TEN.isoformat()},
                "end": {"dateTime": (TOMORROW_AT_TEN + HOUR).isoformat()},
                "attendees": [
                    {"email": colleague.address},
                    {"email": "room1@resource.calendar.google.com", "resource": True},
                    {"email": "Boss@corp.example"},
                    {"email": "x@mail.spam.example"},
                    {"email": "no@x.org", "responseStatus": "declined"},
                ],
            },
        )
        desk.turn()
        assert not Contact.objects.exists()
        assert "no appointment" in GoogleEvent.objects.get(google_calendar=desk.google_calendar).reason

    def test_addresses_compare_lower_cased_with_all_of_a_contacts_and_keep_dots_and_tags(
        self, google: Google
    ) -> None:
        desk = Desk(google, "smart", creation=False)
        ann = ContactFactory(address="first@x.org")
        ann.emails.create(address="Ann.Lee+Work@x.org")
        google.add(desk.address, guests=("ann.lee+work@X.org",))
        google.add(desk.address, guests=("annlee@x.org",), start=TOMORROW_AT_TEN + DAY)
        desk.turn()
        assert Appointment.objects.get().contact == ann

    def test_outside_organiser_counts_as_a_guest(self, google: Google) -> None:
        desk = Desk(google)
        google.control.add_person("client@x.org")
        google.add("client@x.org", guests=(desk.address,))
        desk.turn()
        assert Appointment.objects.get().contact.primary_address == "client@x.org"

    @pytest.mark.parametrize("state", ["connected", "reconnect", "missing"])
    def test_organiser_among_the_staff_decides_also_while_their_grant_is_dead(
        self, google: Google, state: str
    ) -> None:
        boss, desk = Desk(google, "one_way", creation=False, trigger=False), Desk(google)
        boss.turn()
        GoogleAccount.objects.filter(pk=boss.account.pk).update(state=state)
        google.add(boss.address, guests=(desk.address, "new@x.org"))
        desk.turn()
        assert not Contact.objects.exists()
        assert "their configuration decides" in GoogleEvent.objects.get(blocks=True).reason

    def test_archived_contact_is_restored_not_doubled(self, google: Google) -> None:
        desk = Desk(google)
        ann = ContactFactory(address="ann@x.org", archived_at=NOW)
        google.add(desk.address, guests=("ann@x.org",))
        desk.turn()
        ann.refresh_from_db()
        assert (ann.archived_at, Contact.objects.count()) == (None, 1)

    def test_of_two_contacts_with_one_address_the_oldest_wins(self, google: Google) -> None:
        desk = Desk(google)
        oldest = ContactFactory(address="ann@x.org")
        ContactFactory(address="ann@x.org")
        google.add(desk.address, guests=("ann@x.org",))
        desk.turn()
        assert Appointment.objects.get().contact == oldest

    def test_late_match_through_a_further_address(self, google: Google) -> None:
        desk = Desk(google, "smart", creation=False)
        google.add(desk.address, guests=("ann@new.org",))
        desk.turn()
        ContactFactory(address="ann@x.org").emails.create(address="ann@new.org")
        late_matches()
        desk.turn()
        assert not AppointmentChange.objects.get().fires


class TestFromGoogleEditedHere:
    def test_p2_invitation_has_its_time_locked_here(self, google: Google) -> None:
        desk = Desk(google)
        google.control.add_person("client@x.org")
        google.add("client@x.org", guests=(desk.address,))
        desk.turn()
        with pytest.raises(booking.NotPossible, match="organiser"):
            booking.reschedule(
                Appointment.objects.get(),
                starts_at=TOMORROW_AT_TEN + DAY,
                ends_at=TOMORROW_AT_TEN + DAY + HOUR,
            )

    def test_r3_one_occurrence_is_patched_by_its_own_id(self, google: Google) -> None:
        desk = Desk(google)
        google.control.insert(
            desk.address,
            "primary",
            {
                "summary": "Weekly",
                "start": {"dateTime": TOMORROW_AT_TEN.isoformat(), "timeZone": "UTC"},
                "end": {"dateTime": (TOMORROW_AT_TEN + HOUR).isoformat(), "timeZone": "UTC"},
                "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"],
                "attendees": [{"email": "new@x.org"}],
            },
        )
        desk.turn()
        second = Appointment.objects.order_by("starts_at")[1]
        booking.reschedule(second, starts_at=second.starts_at + 2 * HOUR, ends_at=second.ends_at + 2 * HOUR)
        desk.turn()
        starts = sorted(
            datetime.datetime.fromisoformat(event["start"]["dateTime"])
            for event in google.events(desk.address)
        )
        week = 7 * DAY
        assert starts == [TOMORROW_AT_TEN, TOMORROW_AT_TEN + week + 2 * HOUR, TOMORROW_AT_TEN + 2 * week]
        booking.cancel(second)
        desk.turn()
        assert len(google.events(desk.address)) == 2
        assert Appointment.objects.exclude(status="cancelled").count() == 2


class TestInvitesThroughGoogle:
    def test_w8_guests_are_invited_by_google_and_sendUpdates_is_always_passed(self, google: Google) -> None:
        desk = Desk(google)
        desk.turn()
        for invites in (False, True):
            Calendar.objects.filter(pk=desk.calendar.pk).update(invites_through_google=invites)
            booking.book(
                calendar=Calendar.objects.get(pk=desk.calendar.pk),
                contact=ContactFactory(address=f"ann{invites}@x.org"),
                owner=desk.user,
                starts_at=TOMORROW_AT_TEN + invites * DAY,
                ends_at=TOMORROW_AT_TEN + HOUR + invites * DAY,
            )
            desk.turn()
        inserts = google.control.requests("calendar.events.insert")
        assert [request.parameter("sendUpdates") for request in inserts] == ["none", "all"]
        quiet, loud = sorted(google.events(desk.address), key=lambda event: event["start"]["dateTime"])
        assert not quiet.get("attendees")
        assert [person["email"] for person in loud["attendees"] if not person.get("self")] == [
            "anntrue@x.org"
        ]

    def test_guest_who_accepts_googles_invitation_confirms(self, google: Google) -> None:
        desk = Desk(google)
        Calendar.objects.filter(pk=desk.calendar.pk).update(invites_through_google=True)
        booking.book(
            calendar=Calendar.objects.get(pk=desk.calendar.pk),
            contact=ContactFactory(address="ann@x.org"),
            owner=desk.user,
            starts_at=TOMORROW_AT_TEN,
            ends_at=TOMORROW_AT_TEN + HOUR,
        )
        desk.turn()
        [event] = google.events(desk.address)
        google.change(desk.address, event, attendees=[{"email": "ann@x.org", "responseStatus": "accepted"}])
        desk.turn()
        assert Appointment.objects.get().status == "confirmed"


class TestUnassigned:
    def test_pushes_to_its_own_link_alone(self, google: Google) -> None:
        room, desk = Room(google, "one_way"), Desk(google)
        booking.book(
            calendar=room.calendar,
            contact=ContactFactory(address="ann@x.org"),
            owner=desk.user,
            starts_at=TOMORROW_AT_TEN,
            ends_at=TOMORROW_AT_TEN + HOUR,
        )
        assert PushTarget.objects.get().google_calendar == room.google_calendar
        room.turn()
        assert len(google.events(room.address)) == 1

    def test_collective_is_pushed_to_each_hosts_calendar_as_a_copy_of_its_own(self, google: Google) -> None:
        one, two = Desk(google), Desk(google)
        team = CalendarFactory(kind=Calendar.Kind.COLLECTIVE)
        for desk in (one, two):
            team.memberships.create(user=desk.user)
        appointment = booking.book(
            calendar=team,
            contact=ContactFactory(address="ann@x.org"),
            owner=one.user,
            starts_at=TOMORROW_AT_TEN,
            ends_at=TOMORROW_AT_TEN + HOUR,
        )
        for desk in (one, two, one, two):
            desk.turn()
        assert [len(google.events(desk.address)) for desk in (one, two)] == [1, 1]
        [copy] = google.events(two.address)
        google.move(two.address, copy, TOMORROW_AT_TEN + DAY)
        for desk in (two, one, two):
            desk.turn()
        appointment.refresh_from_db()
        assert appointment.starts_at == TOMORROW_AT_TEN + DAY
        [other] = google.events(one.address)
        assert datetime.datetime.fromisoformat(other["start"]["dateTime"]) == TOMORROW_AT_TEN + DAY
        assert Appointment.objects.count() == 1
