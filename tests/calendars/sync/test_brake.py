"""Many cancellations at once wait for a person, for as long as it takes."""

import datetime
import re

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from calendars import booking
from calendars.models import GoogleEvent, PushTarget, SyncRun
from calendars.sync import brake
from calendars.sync.facts import Observed
from calendars.sync.gather import observe
from calendars.sync.setting import setting_for
from calendars.sync.turn import take_turn
from contacts.models import Appointment, AppointmentChange
from tests.calendars.sync.test_engine import book
from tests.calendars.sync.test_sessions import class_of, join
from tests.factories import ContactFactory
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google, TwoCalendars

pytestmark = pytest.mark.django_db

DAY = datetime.timedelta(days=1)
MINUTE = datetime.timedelta(minutes=1)


def add_many(google: Google, desk: Desk, number: int, apart: datetime.timedelta = DAY) -> list[dict]:
    """`number` events at Google with a guest each, the first one tomorrow, and their appointments."""
    events = [
        google.add(desk.address, start=TOMORROW_AT_TEN + n * apart, guests=(f"g{n}@x.org",))
        for n in range(number)
    ]
    desk.turn()
    return events


def cancelled() -> int:
    return Appointment.objects.filter(status="cancelled").count()


def fired() -> int:
    return AppointmentChange.objects.filter(what="cancelled", fires=True).count()


def delete_all(google: Google, desk: Desk, events: list[dict]) -> None:
    for event in events:
        google.delete(desk.address, event)
    desk.turn()


def test_brake_does_not_let_go_as_time_passes(google: Google) -> None:
    desk = Desk(google)
    delete_all(google, desk, add_many(google, desk, 12))
    later = NOW + 2 * DAY + 2 * HOUR
    with time_machine.travel(later, tick=False):
        google.control.set_clock(later)
        desk.turn()
        assert (cancelled(), fired()) == (0, 0)
        [run] = brake.braked_runs(desk.user)
        assert len(brake.held_events(run, later)) == 10
        assert "10 appointments" in run.error


def test_brake_does_not_let_go_when_staff_cancel_a_few(google: Google) -> None:
    desk = Desk(google)
    delete_all(google, desk, add_many(google, desk, 12))
    for appointment in Appointment.objects.all()[:3]:
        booking.cancel(appointment)
    desk.turn()
    assert cancelled() == 3
    [run] = brake.braked_runs(desk.user)
    assert len(brake.held_events(run, NOW)) == 9


def test_braked_run_is_closed_when_nothing_is_left_to_hold(google: Google) -> None:
    desk = Desk(google)
    delete_all(google, desk, add_many(google, desk, 12))
    for appointment in Appointment.objects.all():
        booking.cancel(appointment)
    desk.turn()
    assert brake.braked_runs(desk.user) == []
    assert not SyncRun.objects.exclude(error="").exists()


def test_deletions_after_a_braked_one_wait_on_the_same_run(google: Google) -> None:
    desk = Desk(google)
    events = add_many(google, desk, 13)
    delete_all(google, desk, events[:12])
    delete_all(google, desk, events[12:])
    assert cancelled() == 0
    run = SyncRun.objects.get(state="braked")
    assert "13 appointments" in run.error


class TestBesideACalendarThatIsOnlyRead:
    """Sixteen deletions wait for a person, who has a conflict calendar that is read again and again."""

    def held(self, google: Google) -> TwoCalendars:
        two = TwoCalendars(google, is_linked=False)
        events = add_many(google, two.desk, 16)
        two.turn(two.second, NOW)
        for event in events:
            google.delete(two.desk.address, event)
        for minutes in range(1, 7):
            two.turn(two.second if minutes % 2 else two.first, NOW + minutes * MINUTE)
        # Read last is the other one.
        two.turn(two.second, NOW + 7 * MINUTE)
        return two

    def test_it_goes_on_holding(self, google: Google) -> None:
        two = self.held(google)
        for minutes in range(8, 20):
            two.turn(two.second, NOW + minutes * MINUTE)
            take_turn(two.first.pk, NOW + minutes * MINUTE)
            [run] = brake.braked_runs(two.desk.user)
            assert len(brake.held_events(run, NOW + minutes * MINUTE)) == 16
        assert "16 appointments" in run.error

    def test_it_holds_what_is_left(self, google: Google) -> None:
        two = self.held(google)
        for appointment in Appointment.objects.all()[:9]:
            booking.cancel(appointment)
        two.turn(two.first, NOW + 8 * MINUTE)
        two.turn(two.second, NOW + 9 * MINUTE)
        two.turn(two.first, NOW + 10 * MINUTE)
        assert cancelled() == 9

    def test_what_is_decided_is_kept(self, google: Google) -> None:
        two = self.held(google)
        [run] = brake.braked_runs(two.desk.user)
        now = NOW + 8 * MINUTE
        shown = [each.event.pk for each in brake.held_events(run, now)]
        brake.keep(run, shown, by=two.desk.user, now=now)
        for minutes in range(9, 13):
            two.turn(two.second if minutes % 2 else two.first, NOW + minutes * MINUTE)
        assert (cancelled(), brake.braked_runs(two.desk.user)) == (0, [])

    def test_it_holds_what_a_full_pull_says_anew(self, google: Google) -> None:
        """Seen gone once more, it may have moved once more, for as long as the other calendar was not read since."""
        two = self.held(google)
        GoogleEvent.objects.filter(google_calendar=two.first).update(seen_at=NOW + 8 * MINUTE)
        take_turn(two.first.pk, NOW + 8 * MINUTE)
        [run] = brake.braked_runs(two.desk.user)
        held = brake.held_events(run, NOW + 8 * MINUTE)
        assert len(held) == 16
        assert {each.why for each in held} == {
            "Gone from this Google calendar. Waiting to see whether it moved to another one."
        }


def test_guests_taken_off_many_events_brake(google: Google) -> None:
    desk = Desk(google)
    for event in add_many(google, desk, 15):
        google.change(desk.address, event, attendees=[])
    desk.turn()
    assert (cancelled(), fired()) == (0, 0)
    [run] = brake.braked_runs(desk.user)
    assert len(brake.held_events(run, NOW)) == 15


def test_invitations_declined_in_mass_brake(google: Google) -> None:
    desk = Desk(google)
    google.control.add_person("host@x.org")
    invitations = [
        google.add("host@x.org", start=TOMORROW_AT_TEN + n * DAY, guests=(desk.address,)) for n in range(12)
    ]
    desk.turn()
    for event in invitations:
        google.control.respond(desk.address, event["id"], "declined")
    desk.turn()
    assert cancelled() == 0
    [run] = brake.braked_runs(desk.user)
    shown = [waiting.event.pk for waiting in brake.held_events(run, NOW)]
    brake.release(run, shown, by=desk.user, now=NOW)
    desk.turn()
    assert cancelled() == 12


def test_guests_who_decline_in_mass_brake(google: Google) -> None:
    desk = Desk(google)
    for number, event in enumerate(add_many(google, desk, 12)):
        declined = [{"email": f"g{number}@x.org", "responseStatus": "declined"}]
        google.change(desk.address, event, attendees=declined)
    desk.turn()
    assert cancelled() == 0
    assert len(brake.braked_runs(desk.user)) == 1


def test_deletions_that_cancel_nothing_do_not_brake(google: Google) -> None:
    desk = Desk(google, "one_way", creation=False, trigger=False)
    desk.turn()
    for number in range(12):
        starts_at = TOMORROW_AT_TEN + number * 2 * HOUR
        book(desk, starts_at=starts_at, ends_at=starts_at + HOUR, contact=ContactFactory())
    desk.turn()
    delete_all(google, desk, google.events(desk.address))
    assert cancelled() == 0
    assert brake.braked_runs(desk.user) == []


def test_many_moved_events_do_not_brake(google: Google) -> None:
    desk = Desk(google)
    for number, event in enumerate(add_many(google, desk, 12)):
        google.move(desk.address, event, TOMORROW_AT_TEN + number * DAY + HOUR)
    desk.turn()
    assert brake.braked_runs(desk.user) == []
    assert AppointmentChange.objects.filter(what="rescheduled").count() == 12


def test_event_that_cannot_be_planned_does_not_keep_the_brake_from_looking_at_the_others(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(google)
    events = add_many(google, desk, 14)
    bad = GoogleEvent.objects.get(google_id=events[0]["id"])

    def stumbles(row: GoogleEvent) -> Observed:
        if row.pk == bad.pk:
            raise ValueError("No such answer.")
        return observe(row)

    monkeypatch.setattr("calendars.sync.gather.observe", stumbles)
    for event in events[:13]:
        google.delete(desk.address, event)
    google.move(desk.address, events[13], TOMORROW_AT_TEN + 20 * DAY)
    take_turn(desk.google_calendar.pk, NOW, pulls=True)
    assert cancelled() == 0
    [run] = brake.braked_runs(desk.user)
    assert len(brake.held_events(run, NOW)) == 12
    assert "could not be carried out" in GoogleEvent.objects.get(pk=bad.pk).error
    assert AppointmentChange.objects.filter(what="rescheduled").count() == 1


def test_brake_costs_an_ordinary_pull_one_statement(
    google: Google, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    desk = Desk(google)
    add_many(google, desk, 2)
    GoogleEvent.objects.update(planned_etag="")
    setting = setting_for(desk.google_calendar, NOW)
    with django_assert_num_queries(1):
        assert not brake.held(setting, NOW)


# --- what a person decides ----------------------------------------------------------------------------------------


def decided(desk: Desk, decision: str) -> None:
    browser = Client()
    browser.force_login(desk.user)
    [run] = brake.braked_runs(desk.user)
    path = f"/agenda/pulls/{run.pk}/"
    shown = re.findall(r'name="event" value="(\d+)"', browser.get(path).content.decode())
    answer = browser.post(path, {"decision": decision, "event": shown})
    assert answer.url == "/agenda/"
    # Once more, from another tab.
    assert browser.post(path, {"decision": decision, "event": shown}).url == "/agenda/"
    desk.turn()


def test_kept_appointments_stay_although_google_holds_their_events_no_more(google: Google) -> None:
    desk = Desk(google)
    delete_all(google, desk, add_many(google, desk, 12))
    decided(desk, "keep")
    assert brake.braked_runs(desk.user) == []
    assert set(GoogleEvent.objects.values_list("reason", "outcome", "decided_by")) == {
        ("Cancelled at Google; kept here by a person's decision.", "cancelled", desk.user.pk)
    }
    GoogleEvent.objects.update(planned_etag="", replan="")
    desk.turn(full=True)
    assert (cancelled(), fired()) == (0, 0)
    assert not GoogleEvent.objects.exclude(reason__contains="kept here").exists()
    assert google.events(desk.address) == []


def test_kept_appointment_that_is_edited_here_is_put_into_google(google: Google) -> None:
    desk = Desk(google)
    delete_all(google, desk, add_many(google, desk, 12))
    decided(desk, "keep")
    first = Appointment.objects.order_by("starts_at")[0]
    moved = TOMORROW_AT_TEN + 2 * HOUR
    booking.reschedule(first, starts_at=moved, ends_at=moved + HOUR)
    desk.turn()
    desk.turn()
    [event] = google.events(desk.address)
    assert event["start"]["dateTime"].startswith("2026-03-03T12:00")
    assert not PushTarget.objects.exclude(last_error="").exists()
    google.delete(desk.address, event)
    desk.turn()
    assert cancelled() == 1


def test_kept_appointments_made_here_are_put_into_google_again(google: Google) -> None:
    desk = Desk(google)
    desk.turn()
    for number in range(12):
        starts_at = TOMORROW_AT_TEN + number * 2 * HOUR
        book(desk, starts_at=starts_at, ends_at=starts_at + HOUR, contact=ContactFactory())
    desk.turn()
    delete_all(google, desk, google.events(desk.address))
    decided(desk, "keep")
    desk.turn()
    assert len(google.events(desk.address)) == 12
    desk.turn()
    assert (cancelled(), fired()) == (0, 0)
    assert len(google.events(desk.address)) == 12


def test_kept_appointment_without_guests_at_google_stays(google: Google) -> None:
    desk = Desk(google)
    events = add_many(google, desk, 12)
    for event in events:
        google.change(desk.address, event, attendees=[])
    desk.turn()
    decided(desk, "keep")
    google.change(desk.address, events[0], summary="Another title")
    desk.turn()
    assert cancelled() == 0
    row = GoogleEvent.objects.get(google_id=events[0]["id"])
    assert (row.outcome, row.reason) == (
        "appointment",
        "No guest is left at Google; kept here by a person's decision.",
    )


def test_to_keep_is_decided_about_one_end_of_an_event(google: Google) -> None:
    desk = Desk(google)
    events = add_many(google, desk, 12)
    for event in events:
        google.change(desk.address, event, attendees=[])
    desk.turn()
    decided(desk, "keep")
    google.change(desk.address, events[0], attendees=[{"email": "g0@x.org"}])
    desk.turn()
    google.delete(desk.address, events[0])
    desk.turn()
    assert cancelled() == 1


def test_braked_page_lists_what_would_happen_and_asks_for_a_decision(google: Google) -> None:
    desk = Desk(google)
    delete_all(google, desk, add_many(google, desk, 12))
    browser = Client()
    browser.force_login(desk.user)
    [run] = brake.braked_runs(desk.user)
    page = browser.get(f"/agenda/pulls/{run.pk}/").content.decode()
    # One reason for all of them is said once.
    assert page.count("Deleted at Google: the appointment would be cancelled.") == 1
    assert page.count('At Google"><a') == 12
    assert "Keep these appointments" in page
    assert browser.post(f"/agenda/pulls/{run.pk}/").url == f"/agenda/pulls/{run.pk}/"
    assert len(brake.braked_runs(desk.user)) == 1
    decided(desk, "cancel")
    assert (cancelled(), fired()) == (12, 12)


def test_braked_page_says_each_reason_where_they_differ(google: Google) -> None:
    desk = Desk(google)
    events = add_many(google, desk, 12)
    google.change(desk.address, events[0], attendees=[])
    delete_all(google, desk, events[1:])
    browser = Client()
    browser.force_login(desk.user)
    [run] = brake.braked_runs(desk.user)
    page = browser.get(f"/agenda/pulls/{run.pk}/").content.decode()
    assert page.count("Deleted at Google: the appointment would be cancelled.") == 11
    assert page.count("No guest is left: the appointment would be cancelled.") == 1


def test_event_that_waits_says_so_on_its_page(google: Google) -> None:
    desk = Desk(google)
    delete_all(google, desk, add_many(google, desk, 12))
    browser = Client()
    browser.force_login(desk.user)
    [run] = brake.braked_runs(desk.user)
    event = GoogleEvent.objects.all()[0]
    page = browser.get(f"/agenda/events/{event.pk}/").content.decode()
    assert "Waits for you" in page
    assert "Deleted at Google: the appointment would be cancelled." in page
    assert f"/agenda/pulls/{run.pk}/" in page
    decided(desk, "keep")
    page = browser.get(f"/agenda/events/{event.pk}/").content.decode()
    assert "Waits for you" not in page
    assert "kept here by a person" in page


def test_events_that_wait_need_a_look_and_say_what_would_happen(google: Google) -> None:
    desk = Desk(google)
    events = add_many(google, desk, 14)
    delete_all(google, desk, events[:12])
    browser = Client()
    browser.force_login(desk.user)
    [run] = brake.braked_runs(desk.user)
    for query in ("outcome=look", "outcome=appointment"):
        page = browser.get(f"/agenda/ledger/?{query}").content.decode()
        assert page.count("Waits for you") == 12
        assert page.count(f"/agenda/pulls/{run.pk}/") == 12
    looked = browser.get("/agenda/ledger/?outcome=look").content.decode()
    assert "Triggers fired." not in looked
    assert looked.count("Triggers would fire.") == 12
    decided(desk, "keep")
    assert "Nothing needs a look" in browser.get("/agenda/ledger/?outcome=look").content.decode()


def test_list_of_events_says_what_waits_in_the_same_statements_however_many(
    google: Google, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    desk = Desk(google)
    delete_all(google, desk, add_many(google, desk, 30))
    browser = Client()
    browser.force_login(desk.user)
    with django_assert_max_num_queries(30):
        page = browser.get("/agenda/ledger/?outcome=look").content.decode()
    assert page.count("Waits for you") == 30


def test_appointment_that_waits_or_was_kept_is_not_said_to_be_in_google(google: Google) -> None:
    desk = Desk(google)
    delete_all(google, desk, add_many(google, desk, 12))
    browser = Client()
    browser.force_login(desk.user)
    page_of = Appointment.objects.order_by("starts_at")[0].get_absolute_url()
    event = GoogleEvent.objects.order_by("starts_at")[0]
    for decision in ("", "keep"):
        if decision:
            decided(desk, decision)
        page = browser.get(page_of).content.decode()
        assert ("Deleted at Google" in page, "In Google" in page) == (True, False)
        assert f"/agenda/events/{event.pk}/" in page


def test_what_nobody_saw_is_not_decided_about(google: Google) -> None:
    desk = Desk(google)
    events = add_many(google, desk, 20)
    delete_all(google, desk, events[:12])
    [run] = brake.braked_runs(desk.user)
    shown = [waiting.event.pk for waiting in brake.held_events(run, NOW)]
    delete_all(google, desk, events[12:])
    brake.release(run, shown, by=desk.user, now=NOW)
    # Said at once, not with the next pull.
    [run] = brake.braked_runs(desk.user)
    assert run.error == "It would cancel 8 appointments. Nothing is done until you decide."
    desk.turn()
    assert cancelled() == 12
    [run] = brake.braked_runs(desk.user)
    assert len(brake.held_events(run, NOW)) == 8


def test_every_seat_of_a_class_counts(google: Google) -> None:
    desk = class_of(google)
    for session in range(6):
        for _ in range(3):
            join(desk, TOMORROW_AT_TEN + session * 2 * HOUR)
    desk.turn()
    for event in google.events(desk.address)[:5]:
        google.delete(desk.address, event)
    desk.turn()
    assert cancelled() == 0
    [run] = brake.braked_runs(desk.user)
    assert "15 appointments" in run.error
    assert len(brake.held_events(run, NOW)) == 15
    decided(desk, "cancel")
    assert cancelled() == 15


@pytest.mark.parametrize("how", ["guests taken off", "declined"])
def test_kept_appointment_follows_a_later_move_of_its_event(google: Google, how: str) -> None:
    desk = Desk(google)
    whose = desk.address if how == "guests taken off" else "boss@x.org"
    if whose != desk.address:
        google.control.add_person(whose)
    guests = ("ann@x.org",) if whose == desk.address else (desk.address,)
    event = google.add(whose, guests=guests)
    desk.turn()
    GoogleEvent.objects.update(decision=GoogleEvent.Decision.KEEP, decided_by=desk.user)
    gone: list[dict[str, str]] = [{"email": desk.address, "responseStatus": "declined"}]
    google.change(whose, event, attendees=gone if how == "declined" else [])
    desk.turn()
    google.move(whose, event, TOMORROW_AT_TEN + DAY)
    if how == "declined":  # a move asks everybody anew
        google.change(whose, event, attendees=gone)
    desk.turn()
    appointment = Appointment.objects.get()
    assert appointment.starts_at == TOMORROW_AT_TEN + DAY
    assert appointment.status in ("new", "confirmed")
    assert appointment.guests.count() == 1
    reason = GoogleEvent.objects.get(appointment=appointment).reason
    assert "kept here by a person's decision. Moved at Google from" in reason
