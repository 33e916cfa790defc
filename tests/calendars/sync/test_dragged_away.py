"""An event is dragged to a conflict calendar, which Tandem only reads: its appointment goes along."""

import datetime
from itertools import permutations
from typing import Any

import pytest

from calendars import booking, customers
from calendars.at_google import at_google, with_lock
from calendars.locking import Lock
from calendars.models import Calendar, CalendarConfiguration, GoogleEvent
from calendars.sync import disconnecting, targets
from campaigns.models import TriggerEvent
from contacts.models import Appointment, Contact
from integrations.connecting import refresh_calendars
from integrations.models import GoogleCalendar
from tests.factories import CalendarFactory, ContactFactory
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Google, TwoCalendars

pytestmark = pytest.mark.django_db
MINUTE = datetime.timedelta(minutes=1)
DAY = datetime.timedelta(days=1)
ORDERS = pytest.mark.parametrize(
    "order", list(permutations(("first", "second"))), ids=lambda order: "-then-".join(order)
)


class Dragged(TwoCalendars):
    """Staff with a linked and a conflict calendar, one appointment, and its event, which is dragged to and fro."""

    def __init__(self, google: Google, *, made_here: bool = False, option: str = "two_way") -> None:
        super().__init__(google, is_linked=False, option=option)
        self.now = NOW
        if made_here:
            for google_calendar in (self.first, self.second):
                self.turn(google_calendar, NOW)
            self.made = booking.book(
                calendar=self.desk.calendar,
                contact=ContactFactory(address="ann@x.org"),
                owner=self.desk.user,
                starts_at=TOMORROW_AT_TEN,
                ends_at=TOMORROW_AT_TEN + HOUR,
            )
            self.turn(self.first, NOW)
            [event] = google.events(self.desk.address)
        else:
            event = self.add_and_read()
            self.made = Appointment.objects.get()
        self.event_id = event["id"]

    def away(self, order: tuple[str, ...] = ("first", "second")) -> None:
        self.drag(self.event_id, self.first, self.second)
        self.sweep(order)

    def back(self, order: tuple[str, ...] = ("first", "second")) -> None:
        self.drag(self.event_id, self.second, self.first)
        self.sweep(order)

    def sweep(self, order: tuple[str, ...] = ("first", "second")) -> None:
        self.now += MINUTE
        for name in order * 2:
            self.turn(getattr(self, name), self.now)
        self.made.refresh_from_db()

    def there(self) -> dict[str, Any] | None:
        """The event in the conflict calendar, as Google has it."""
        found = self.google.control.events(self.desk.address, self.second.google_id, NOW - DAY, NOW + 9 * DAY)
        assert len(found) < 2
        return found[0] if found else None

    def patch_there(self, **body: Any) -> None:
        self.google.control.patch(self.desk.address, self.second.google_id, self.event_id, body)

    def row(self, google_calendar: GoogleCalendar) -> GoogleEvent:
        return GoogleEvent.objects.get(google_calendar=google_calendar, google_id=self.event_id)


def times(start: datetime.datetime) -> dict[str, Any]:
    return {
        name: {"dateTime": moment.isoformat()} for name, moment in (("start", start), ("end", start + HOUR))
    }


@ORDERS
@pytest.mark.parametrize("made_here", [False, True], ids=["made at Google", "made here"])
def test_appointment_stays_whichever_calendar_is_read_first_and_nothing_fires(
    google: Google, order: tuple[str, ...], made_here: bool
) -> None:
    at = Dragged(google, made_here=made_here)
    fired = TriggerEvent.objects.filter(fired=True).count()
    at.away(order)
    assert at.made.status == "new"
    assert Appointment.objects.count() == 1
    assert [change.what for change in at.made.changes.all()] == ["booked"]
    assert TriggerEvent.objects.filter(fired=True).count() == fired
    assert [row.google_calendar for row in GoogleEvent.objects.filter(blocks=True)] == [at.second]
    # The one event there is: none was put back where it was taken from.
    assert google.events(at.desk.address) == []
    assert at.there() is not None
    assert "only reads" in at.row(at.second).reason
    assert "in another of yours" in at.row(at.first).reason


@ORDERS
@pytest.mark.parametrize("made_here", [False, True], ids=["made at Google", "made here"])
def test_it_follows_the_event_there_and_back_again(
    google: Google, order: tuple[str, ...], made_here: bool
) -> None:
    at = Dragged(google, made_here=made_here)
    at.away(order)
    at.patch_there(**times(TOMORROW_AT_TEN + DAY))
    at.sweep(order)
    assert at.made.starts_at == TOMORROW_AT_TEN + DAY
    at.back(order)
    assert (at.made.status, at.made.starts_at) == ("new", TOMORROW_AT_TEN + DAY)
    assert at.there() is None
    booking.reschedule(at.made, starts_at=TOMORROW_AT_TEN + 2 * DAY, ends_at=TOMORROW_AT_TEN + 2 * DAY + HOUR)
    at.sweep(order)
    [event] = google.events(at.desk.address)
    assert event["id"] == at.event_id
    assert event["start"]["dateTime"].startswith("2026-03-05T10:00")


def test_deleted_there_it_is_cancelled(google: Google) -> None:
    at = Dragged(google)
    at.away()
    google.control.delete(at.desk.address, at.second.google_id, at.event_id)
    at.sweep()
    assert at.made.status == "cancelled"
    assert google.events(at.desk.address) == []


def test_what_one_way_protects_stays_and_comes_back_with_its_next_change(google: Google) -> None:
    at = Dragged(google, made_here=True, option="one_way")
    at.away()
    assert at.made.status == "new"
    assert at.row(at.second).appointment is None
    booking.reschedule(at.made, starts_at=TOMORROW_AT_TEN + DAY, ends_at=TOMORROW_AT_TEN + DAY + HOUR)
    at.sweep()
    [event] = google.events(at.desk.address)
    assert event["start"]["dateTime"].startswith("2026-03-04T10:00")


def test_no_contact_is_made_of_a_guest_who_is_added_there(google: Google) -> None:
    at = Dragged(google)
    at.away()
    ContactFactory(address="known@x.org")
    contacts = Contact.objects.count()
    guests = [{"email": each} for each in ("ann@x.org", "known@x.org", "new@x.org")]
    at.patch_there(attendees=guests)
    at.sweep()
    assert Contact.objects.count() == contacts
    assert sorted(at.made.guests.values_list("address", flat=True)) == ["ann@x.org", "known@x.org"]


def test_invitation_that_stands_in_both_calendars_is_no_move(google: Google) -> None:
    """Both addresses of one person were invited: declined at one of them, it is over as it always was."""
    at = Dragged(google)
    GoogleEvent.objects.create(
        google_calendar=at.second,
        google_id="copy",
        etag="1",
        ical_uid=at.row(at.first).ical_uid,
        organised_by_us=False,
    )
    google.control.delete(at.desk.address, at.desk.address, at.event_id)
    at.sweep()
    assert at.made.status == "cancelled"


def test_it_cannot_be_moved_here_and_says_why(google: Google) -> None:
    at = Dragged(google)
    assert at_google(at.made, at.desk.user).lock == Lock.NONE
    at.away()
    made = Appointment.objects.get()
    shown = at_google(made, at.desk.user)
    assert shown.lock == Lock.READ_ONLY
    assert [(event.is_cancelled, event.account) for event in shown.events] == [(False, at.desk.address)]
    assert shown.pushes == []
    assert with_lock(Appointment.objects.all()).get().lock == Lock.READ_ONLY
    with pytest.raises(booking.NotPossible, match="only read here"):
        booking.reschedule(made, starts_at=TOMORROW_AT_TEN + DAY, ends_at=TOMORROW_AT_TEN + DAY + HOUR)


@pytest.mark.parametrize("made_here", [False, True], ids=["made at Google", "made here"])
def test_cancelled_here_its_event_stays_and_only_takes_time(google: Google, made_here: bool) -> None:
    at = Dragged(google, made_here=made_here)
    at.away()
    booking.cancel(at.made)
    at.sweep()
    row = at.row(at.second)
    assert at.there() is not None
    assert (row.outcome, row.blocks, row.reason) == ("block", True, "The appointment was cancelled here.")
    assert google.events(at.desk.address) == []


def test_series_dragged_away_takes_its_appointments_along_without_a_brake(google: Google) -> None:
    at = Dragged(google)
    body = {"recurrence": ["RRULE:FREQ=DAILY;COUNT=12"], **times(TOMORROW_AT_TEN + DAY)}
    for end in ("start", "end"):
        body[end]["timeZone"] = "UTC"
    guests = [{"email": "ann@x.org"}]
    series = google.control.insert(
        at.desk.address, "primary", {"summary": "Daily", "attendees": guests, **body}
    )
    at.sweep()
    assert Appointment.objects.count() == 13
    at.drag(series["id"], at.first, at.second)
    at.sweep()
    assert set(Appointment.objects.values_list("status", flat=True)) == {"new"}
    assert not GoogleEvent.objects.filter(google_calendar=at.first, is_due=True).exists()
    there = GoogleEvent.objects.filter(google_calendar=at.second, appointment__isnull=False)
    assert there.count() == 12


def test_deletion_waits_for_the_event_that_was_read_elsewhere_and_not_looked_at_yet(google: Google) -> None:
    """Two workers: one has read the conflict calendar and plans it in a moment; the other one plans the deletion."""
    at = Dragged(google)
    at.drag(at.event_id, at.first, at.second)
    at.now += MINUTE
    at.turn(at.first, at.now)
    at.turn(at.second, at.now)
    GoogleEvent.objects.filter(google_calendar=at.second).update(appointment=None, planned_etag="")
    at.turn(at.first, at.now)
    at.made.refresh_from_db()
    assert at.made.status == "new"
    assert "Waiting to see" in at.row(at.first).reason
    at.sweep()
    assert at.made.status == "new"
    assert at.row(at.second).appointment == at.made


@ORDERS
@pytest.mark.parametrize("made_here", [False, True], ids=["made at Google", "made here"])
def test_move_that_waits_here_is_not_undone_by_the_drag(
    google: Google, order: tuple[str, ...], made_here: bool
) -> None:
    at = Dragged(google, made_here=made_here)
    later = TOMORROW_AT_TEN + DAY
    booking.reschedule(at.made, starts_at=later, ends_at=later + HOUR)
    at.away(order)
    assert at.made.starts_at == later
    assert "keeps its time" in at.row(at.second).reason
    assert [change.origin for change in at.made.changes.filter(what="rescheduled")] == ["staff"]
    at.back(order)
    at.sweep(order)
    [event] = google.events(at.desk.address)
    assert event["start"]["dateTime"].startswith("2026-03-04T10:00")


def test_moved_here_before_it_was_dragged_and_moved_there_it_keeps_the_time_set_here(google: Google) -> None:
    at = Dragged(google, made_here=True)
    later = TOMORROW_AT_TEN + DAY
    booking.reschedule(at.made, starts_at=later, ends_at=later + HOUR)
    at.drag(at.event_id, at.first, at.second)
    at.patch_there(**times(TOMORROW_AT_TEN + 2 * DAY))
    at.sweep(("second", "first"))
    assert at.made.starts_at == later
    assert "keeps its time" in at.row(at.second).reason
    assert google.events(at.desk.address) == []


def test_words_written_here_meanwhile_reach_the_event_when_it_is_back(google: Google) -> None:
    at = Dragged(google, made_here=True)
    booking.set_details(at.made, title="Typed", description="", location="")
    at.away()
    at.back()
    at.sweep()
    [event] = google.events(at.desk.address)
    assert event["summary"] == "Typed"
    assert at.row(at.first).reason != ""
    assert "Gone" not in at.row(at.first).reason


def test_second_configuration_that_reads_the_calendar_changes_nothing(google: Google) -> None:
    at = Dragged(google, made_here=True)
    third = google.control.add_calendar(at.desk.address, "The room's")
    refresh_calendars(at.desk.account)
    room = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, owner=at.desk.user)
    second_ruler = CalendarConfiguration.objects.create(
        calendar=room, linked_calendar=GoogleCalendar.objects.get(google_id=third), sync_option="one_way"
    )
    second_ruler.conflict_calendars.add(at.second)
    at.away()
    at.sweep()
    assert at.made.status == "new"


def test_customer_is_not_offered_a_move_that_cannot_be_made(google: Google) -> None:
    at = Dragged(google, made_here=True)
    assert customers.why_no_move_now(at.made, at.made.contact, NOW) == ""
    at.away()
    why = customers.why_no_move_now(at.made, at.made.contact, NOW)
    assert why == "This cannot be changed online. Please contact us."


def test_calendar_that_is_read_no_more_holds_nothing_back(google: Google) -> None:
    at = Dragged(google)
    at.away()
    at.desk.configuration.conflict_calendars.clear()
    GoogleCalendar.objects.filter(pk=at.second.pk).update(next_pull_at=None)
    disconnecting.forget_unread()
    assert booking.why_not_moved(at.made) == ""
    at.drag(at.event_id, at.second, at.first)
    at.sweep(("first",))
    assert at.made.status == "new"
    google.control.delete(at.desk.address, at.first.google_id, at.event_id)
    at.sweep(("first",))
    assert at.made.status == "cancelled"


def test_calendar_that_is_linked_in_its_turn_is_written_to(google: Google) -> None:
    at = Dragged(google)
    at.away()
    at.desk.configuration.linked_calendar = at.second
    at.desk.configuration.save()
    at.desk.configuration.conflict_calendars.set([at.first])
    targets.retarget_configuration(at.desk.configuration)
    at.sweep()
    assert at_google(Appointment.objects.get(), at.desk.user).lock == Lock.NONE
    assert "only reads" not in at.row(at.second).reason
    booking.reschedule(at.made, starts_at=TOMORROW_AT_TEN + DAY, ends_at=TOMORROW_AT_TEN + DAY + HOUR)
    at.sweep()
    event = at.there()
    assert event is not None
    assert event["start"]["dateTime"].startswith("2026-03-04T10:00")
    assert google.events(at.desk.address) == []
