"""What happens to a whole series tells once; what a person made of an event stays when it begins or ends to repeat."""

from typing import Any

import pytest

from calendars import booking
from calendars.models import CalendarConfiguration, GoogleEvent
from calendars.sync import decide
from contacts.models import Appointment, AppointmentChange
from integrations.connecting import refresh_calendars
from integrations.models import GoogleCalendar
from tests.calendars.sync.test_engine import book
from tests.factories import ContactFactory
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db
LONDON = "Europe/London"
DAY = 24 * HOUR
WEEKLY = ["RRULE:FREQ=WEEKLY;COUNT=3"]


def at(start: Any = TOMORROW_AT_TEN) -> dict[str, Any]:
    return {
        "start": {"dateTime": start.isoformat(), "timeZone": LONDON},
        "end": {"dateTime": (start + HOUR).isoformat(), "timeZone": LONDON},
    }


def add_daily(google: Google, address: str, *guests: str, count: int = 5, **body: Any) -> dict[str, Any]:
    invited = [{"email": guest} for guest in guests]
    rule = [f"RRULE:FREQ=DAILY;COUNT={count}"]
    return google.control.insert(
        address, "primary", {"summary": "Daily", "attendees": invited, "recurrence": rule, **at(), **body}
    )


def starts_of(google: Google, desk: Desk) -> list[str]:
    return sorted(event["start"]["dateTime"][:16] for event in google.events(desk.address))


def fired(what: str) -> int:
    return AppointmentChange.objects.filter(what=what, fires=True).count()


class TestWholeSeries:
    def test_guest_who_is_taken_off_it_cancels_every_occurrence_and_tells_once(self, google: Google) -> None:
        desk = Desk(google)
        event = add_daily(google, desk.address, "ann@x.org")
        desk.turn()
        google.change(desk.address, event, attendees=[])
        desk.turn()
        assert not Appointment.objects.standing().exists()
        assert fired("cancelled") == 1

    def test_guest_who_accepts_it_confirms_every_occurrence_and_tells_once(self, google: Google) -> None:
        desk = Desk(google)
        event = add_daily(google, desk.address, "ann@x.org")
        desk.turn()
        google.change(desk.address, event, attendees=[{"email": "ann@x.org", "responseStatus": "accepted"}])
        desk.turn()
        assert set(Appointment.objects.values_list("status", flat=True)) == {"confirmed"}
        assert fired("confirmed") == 1

    def test_dates_that_a_new_rule_drops_tell_each(self, google: Google) -> None:
        desk = Desk(google)
        event = add_daily(google, desk.address, "ann@x.org", count=6)
        desk.turn()
        google.change(desk.address, event, recurrence=["RRULE:FREQ=DAILY;INTERVAL=2;COUNT=3"])
        desk.turn()
        assert Appointment.objects.standing().count() == 3
        # Told once, people would hear of the first date alone.
        assert fired("cancelled") == 3

    def test_occurrences_that_move_to_days_of_their_own_tell_each(self, google: Google) -> None:
        desk = Desk(google)
        event = add_daily(google, desk.address, "ann@x.org")
        desk.turn()
        rows = GoogleEvent.objects.order_by("starts_at")
        for row, days in zip(rows[3:], (7, 9), strict=True):
            moved = at(TOMORROW_AT_TEN + days * DAY)
            google.control.patch(desk.address, "primary", row.google_id, moved)
        google.change(desk.address, event, description="Bring your insoles.")
        desk.turn()
        assert fired("rescheduled") == 2

    def test_two_occurrences_that_are_declined_by_themselves_tell_each(self, google: Google) -> None:
        desk = Desk(google)
        google.control.add_person("olga@else.org")
        add_daily(google, "olga@else.org", desk.address, count=6)
        desk.turn()
        ids = list(GoogleEvent.objects.order_by("starts_at").values_list("google_id", flat=True))
        for declined in (ids[1], ids[3]):
            google.control.respond(desk.address, declined, "declined")
        desk.turn()
        assert fired("cancelled") == 2


class TestMadeToRepeat:
    def test_the_appointment_goes_on_as_the_first_occurrence(self, google: Google) -> None:
        desk = Desk(google)
        event = google.add(desk.address, guests=("ann@x.org",))
        desk.turn()
        appointment = Appointment.objects.get()
        google.change(desk.address, event, recurrence=WEEKLY, **at())
        desk.turn()
        assert Appointment.objects.standing().count() == 3
        first = Appointment.objects.order_by("starts_at")[0]
        assert (first, first.starts_at) == (appointment, TOMORROW_AT_TEN)
        desk.turn(full=True)
        desk.turn()
        assert (Appointment.objects.count(), fired("booked"), fired("cancelled")) == (3, 1, 0)

    def test_its_occurrences_block_where_it_only_blocked(self, google: Google) -> None:
        desk = Desk(google)
        event = google.add(desk.address)
        desk.turn()
        google.change(desk.address, event, recurrence=WEEKLY, **at())
        desk.turn()
        assert GoogleEvent.objects.filter(blocks=True).count() == 3

    def test_r3_of_an_event_of_ours_only_our_occurrence_is_written_from_then_on(self, google: Google) -> None:
        desk = Desk(google)
        desk.turn()
        appointment = book(desk)
        desk.turn()
        [event] = google.events(desk.address)
        google.change(desk.address, event, recurrence=WEEKLY, **at())
        # Moved here before anybody read that it repeats: the whole of it stays where it is.
        booking.reschedule(
            appointment, starts_at=TOMORROW_AT_TEN + 2 * HOUR, ends_at=TOMORROW_AT_TEN + 3 * HOUR
        )
        desk.turn(pulls=False)
        desk.turn()
        desk.turn()
        desk.turn()
        starts = starts_of(google, desk)
        assert starts == ["2026-03-03T12:00", "2026-03-10T10:00", "2026-03-17T10:00"]
        booking.cancel(appointment)
        desk.turn()
        desk.turn()
        starts = starts_of(google, desk)
        assert starts == ["2026-03-10T10:00", "2026-03-17T10:00"]

    def test_cancelled_here_before_google_was_told_its_first_occurrence_goes(self, google: Google) -> None:
        desk = Desk(google)
        desk.turn()
        appointment = book(desk)
        desk.turn()
        [event] = google.events(desk.address)
        google.change(desk.address, event, recurrence=WEEKLY, **at())
        booking.cancel(appointment)
        desk.turn()
        desk.turn()
        assert starts_of(google, desk) == ["2026-03-10T10:00", "2026-03-17T10:00"]

    def test_a_series_that_repeats_no_more_keeps_its_appointment_and_says_nothing_of_it(
        self, google: Google
    ) -> None:
        desk = Desk(google)
        event = add_daily(google, desk.address, "ann@x.org", count=3)
        desk.turn()
        first = Appointment.objects.order_by("starts_at")[0]
        google.change(desk.address, event, recurrence=[])
        desk.turn()
        assert Appointment.objects.standing().get() == first
        assert fired("booked") == 1


def test_what_a_person_decided_of_an_occurrence_stays_when_the_series_moves(google: Google) -> None:
    desk = Desk(google, "smart")
    event = add_daily(google, desk.address, "dentist@x.org", count=3)
    desk.turn()
    for row in GoogleEvent.objects.all():
        decide.keep_private(row, by=desk.user, now=NOW)
    ContactFactory(address="dentist@x.org")
    google.change(desk.address, event, **at(TOMORROW_AT_TEN + 2 * HOUR))
    desk.turn()
    assert not Appointment.objects.exists()
    kept = GoogleEvent.objects.exclude(status="cancelled").values_list("decision", "decided_by")
    assert list(kept) == [("private", desk.user.pk)] * 3


def test_one_occurrence_kept_private_stays_so_when_the_series_moves(google: Google) -> None:
    desk = Desk(google)
    event = add_daily(google, desk.address, "dentist@x.org", count=3)
    desk.turn()
    first = GoogleEvent.objects.order_by("starts_at")[0]
    decide.keep_private(first, by=desk.user, now=NOW)
    google.change(desk.address, event, **at(TOMORROW_AT_TEN + 2 * HOUR))
    desk.turn()
    assert Appointment.objects.standing().count() == 2
    assert Appointment.objects.count() == 3
    moved = GoogleEvent.objects.exclude(status="cancelled").order_by("starts_at")[0]
    assert (moved.decision, moved.outcome) == ("private", "block")
    decide.let_option_decide(moved, by=desk.user, now=NOW)
    assert Appointment.objects.standing().count() == 3


def test_one_way_protects_what_was_made_here_from_its_owners_own_no(google: Google) -> None:
    desk = Desk(google, "one_way", creation=False, trigger=False)
    desk.turn()
    appointment = book(desk)
    desk.turn()
    [event] = google.events(desk.address)
    google.change(desk.address, event, attendees=[{"email": desk.address, "responseStatus": "declined"}])
    desk.turn()
    desk.turn()
    appointment.refresh_from_db()
    assert not appointment.is_void
    assert len(google.events(desk.address)) == 1
    assert "One way protects" in GoogleEvent.objects.get().reason


class TestLinkStays:
    """An existing link stays whatever the policy has become (product: Exact rules)."""

    def test_for_a_guest_who_is_ignored_since(self, google: Google) -> None:
        desk = Desk(google)
        event = google.add(desk.address, guests=("vip@clinic.org",))
        desk.turn()
        CalendarConfiguration.objects.update(ignored_guests="clinic.org")
        google.change(desk.address, event, colorId="5")
        desk.turn()
        assert Appointment.objects.standing().count() == 1

    def test_for_a_guest_whose_address_is_a_users_since(self, google: Google) -> None:
        desk = Desk(google)
        event = google.add(desk.address, guests=("dana.home@x.org",))
        desk.turn()
        google.connect(desk.user, "dana.home@x.org")
        google.change(desk.address, event, colorId="5")
        desk.turn()
        assert Appointment.objects.standing().count() == 1

    def test_until_that_guest_is_taken_off(self, google: Google) -> None:
        desk = Desk(google)
        event = google.add(desk.address, guests=("vip@clinic.org",))
        desk.turn()
        CalendarConfiguration.objects.update(ignored_guests="clinic.org")
        google.change(desk.address, event, attendees=[])
        desk.turn()
        assert not Appointment.objects.standing().exists()


def test_a_colleague_decides_through_the_calendar_that_organises_alone(google: Google) -> None:
    amir, dana = Desk(google), Desk(google)
    other = google.control.add_calendar(amir.address, "Clinic")
    refresh_calendars(amir.account)
    CalendarConfiguration.objects.filter(pk=amir.configuration.pk).update(
        linked_calendar=GoogleCalendar.objects.get(google_id=other)
    )
    GoogleCalendar.objects.filter(pk=amir.google_calendar.pk).update(next_pull_at=None)
    google.add(amir.address, guests=(dana.address, "customer@x.org"))
    dana.turn()
    appointment = Appointment.objects.get()
    assert [guest.contact.primary_address for guest in appointment.guests.all()] == ["customer@x.org"]
