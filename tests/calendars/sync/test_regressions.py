"""What the random histories of tests/properties found, each by the name of the promise it broke."""

from dataclasses import replace
from typing import Any

import pytest
import time_machine
from django.db import connection

from calendars import booking, configuring
from calendars.models import GoogleEvent, PushTarget, SyncRun
from calendars.receivers import follow_configuration
from calendars.sync import disconnecting, targets
from calendars.sync.decide import make_appointment
from calendars.sync.turn import take_turn
from contacts.models import Appointment, AppointmentChange
from integrations.models import GoogleCalendar
from integrations.sandbox.faults import Fault
from tests.calendars.sync.rules.scene import pull
from tests.factories import ContactFactory, GoogleCalendarFactory
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db


def book(desk: Desk) -> Appointment:
    return booking.book(
        calendar=desk.calendar,
        contact=ContactFactory(address="ann@x.org"),
        owner=desk.user,
        starts_at=TOMORROW_AT_TEN,
        ends_at=TOMORROW_AT_TEN + HOUR,
    )


def course(google: Google, desk: Desk, rule: str) -> dict[str, Any]:
    """A series at Google, with Ann as its guest."""
    zone = {"timeZone": "Europe/London"}
    return google.control.insert(
        desk.address,
        "primary",
        {
            "summary": "Course",
            "start": {"dateTime": TOMORROW_AT_TEN.isoformat(), **zone},
            "end": {"dateTime": (TOMORROW_AT_TEN + HOUR).isoformat(), **zone},
            "recurrence": [f"RRULE:{rule}"],
            "attendees": [{"email": "ann@x.org"}],
        },
    )


def link(desk: Desk, google_calendar: GoogleCalendar | None) -> None:
    values = replace(configuring.values_of(desk.configuration), linked_calendar=google_calendar)
    desk.configuration = configuring.save_configuration(values, user=desk.user, by=desk.user, now=NOW)
    follow_configuration(configuration_id=desk.configuration.pk, link_changed=True)


def test_link_taken_away_and_given_back_before_a_push_leaves_one_event(google: Google) -> None:
    """The first event was still to be removed when the appointment got its next one."""
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    link(desk, None)
    link(desk, desk.google_calendar)
    desk.turn()
    assert len(google.events(desk.address)) == 1
    desk.turn()
    appointment.refresh_from_db()
    assert (appointment.status, appointment.hosts.count()) == ("new", 1)
    assert Appointment.objects.count() == 1


def test_earlier_event_with_guests_makes_no_second_appointment(google: Google) -> None:
    desk = Desk(google)
    desk.calendar.invites_through_google = True
    desk.calendar.save()
    book(desk)
    desk.turn()
    link(desk, None)
    link(desk, desk.google_calendar)
    desk.turn()
    assert Appointment.objects.count() == 1
    assert len(google.events(desk.address)) == 1


def test_cancelled_after_an_insert_whose_answer_was_lost_leaves_no_event(google: Google) -> None:
    desk = Desk(google)
    appointment = book(desk)
    # The transport repeats a request whose connection closed, and its repetition is lost as well.
    google.control.add_fault(Fault(method="calendar.events.insert", drop_after=True))
    google.control.add_fault(Fault(method="calendar.events.insert", drop_before=True))
    assert take_turn(desk.google_calendar.pk, NOW, pulls=True).has_failed
    assert len(google.events(desk.address)) == 1
    booking.cancel(appointment)
    desk.turn()
    assert google.events(desk.address) == []


def test_appointment_restored_while_disconnected_comes_back_to_google(google: Google) -> None:
    """Its push met a deletion that was not planned yet, and counted as done without having done anything."""
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    booking.cancel(appointment)
    desk.turn()
    disconnecting.let_go(desk.account.pk)
    booking.set_status(appointment, "confirmed")
    disconnecting.resume(desk.account.pk, NOW)
    take_turn(desk.google_calendar.pk, NOW)
    desk.turn()
    assert len(google.events(desk.address)) == 1
    appointment.refresh_from_db()
    assert appointment.status == "confirmed"


def test_guest_added_to_a_series_fires_once(google: Google) -> None:
    desk = Desk(google)
    series = course(google, desk, "FREQ=WEEKLY;COUNT=3")
    desk.turn()
    google.change(desk.address, series, attendees=[{"email": "ann@x.org"}, {"email": "ben@x.org"}])
    desk.turn()
    assert AppointmentChange.objects.filter(contact__emails__address="ben@x.org", fires=True).count() == 1


def test_colleague_who_joins_after_the_meeting_moved_moves_it(google: Google) -> None:
    """The first copy is no longer read when the meeting moves; the one that joins afterwards knows better."""
    first, second = Desk(google), Desk(google)
    google.control.add_person("olga@else.test")
    event = google.add("olga@else.test", guests=(first.address, second.address))
    first.turn()
    link(first, None)
    google.move("olga@else.test", event, TOMORROW_AT_TEN + 24 * HOUR)
    second.turn()
    second.turn()
    assert Appointment.objects.get().starts_at == TOMORROW_AT_TEN + 24 * HOUR
    reason = GoogleEvent.objects.get(google_calendar=second.google_calendar).reason
    assert "Moved at Google from Tue 3 Mar, 10:00–11:00 to Wed 4 Mar, 10:00–11:00." in reason


def test_moved_occurrence_that_went_with_its_series_is_gone_here_too(google: Google) -> None:
    """Asked for by its id, Google told of its end under the etag that it had alive: it was taken for an echo."""
    desk = Desk(google)
    series = course(google, desk, "FREQ=DAILY;COUNT=3")
    desk.turn()
    second = Appointment.objects.order_by("starts_at")[1]
    booking.reschedule(second, starts_at=second.starts_at + HOUR, ends_at=second.ends_at + HOUR)
    desk.turn()
    google.delete(desk.address, series)
    desk.turn(full=True)
    assert {appointment.status for appointment in Appointment.objects.all()} == {"cancelled"}
    assert not desk.google_calendar.events.filter(blocks=True).exists()


def test_event_of_ours_leaves_google_when_its_only_guest_declined_it(google: Google) -> None:
    """The appointment was cancelled, and its event stayed as if both sides agreed."""
    desk = Desk(google)
    desk.calendar.invites_through_google = True
    desk.calendar.save()
    appointment = book(desk)
    desk.turn()
    [event] = google.events(desk.address)
    google.change(desk.address, event, attendees=[{"email": "ann@x.org", "responseStatus": "declined"}])
    desk.turn()
    desk.turn()
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"
    assert google.events(desk.address) == []


def test_organiser_who_moved_the_meeting_out_of_sight_hosts_it_no_more(google: Google) -> None:
    """Its deletion cancelled it, a colleague's copy brought it back, and a second event appeared at the organiser's."""
    first, second = Desk(google), Desk(google)
    unread = google.control.add_calendar(first.address, "Not read")
    event = google.add(first.address, guests=("ann@x.org", second.address))
    for desk in (first, second, first, second):
        desk.turn()
    google.drag(first.address, event["id"], first.address, unread)
    for desk in (first, second) * 3:
        desk.turn()
    appointment = Appointment.objects.get()
    assert appointment.status == "new"
    assert [host.user for host in appointment.hosts.all()] == [second.user]
    assert google.events(first.address) == []


def test_series_that_moved_while_a_pull_broke_off_stays_a_move(google: Google, settings: Any) -> None:
    """A sweep planned what the first pages told: the occurrences that vanished, without those that took their place."""
    settings.GOOGLE_EVENTS_A_PAGE = 2
    desk = Desk(google)
    series = course(google, desk, "FREQ=WEEKLY;COUNT=4")
    desk.turn()
    google.move(desk.address, series, TOMORROW_AT_TEN + HOUR)
    google.control.add_fault(Fault(method="calendar.events.list", status=503, skip=2, count=3))
    assert take_turn(desk.google_calendar.pk, NOW, pulls=True).has_failed
    take_turn(desk.google_calendar.pk, NOW)
    desk.turn()
    assert Appointment.objects.exclude(status="cancelled").count() == 4
    assert not AppointmentChange.objects.filter(what="cancelled").exists()
    assert not GoogleEvent.objects.filter(is_due=True).exists()


def test_occurrence_that_ended_is_restored_while_disconnected_and_comes_back_to_google(
    google: Google,
) -> None:
    """A series that a person made single again: its occurrences are in no list, and the push asked for one for ever
    (seed 3452558634).
    """
    desk = Desk(google)
    series = google.control.insert(
        desk.address,
        "primary",
        {
            "summary": "Course",
            "start": {"dateTime": TOMORROW_AT_TEN.isoformat(), "timeZone": "UTC"},
            "end": {"dateTime": (TOMORROW_AT_TEN + HOUR).isoformat(), "timeZone": "UTC"},
            "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"],
            "attendees": [{"email": "ann@x.org"}],
        },
    )
    desk.turn()
    google.control.patch(desk.address, "primary", series["id"], {"recurrence": []})
    desk.turn()
    ended = Appointment.objects.filter(status="cancelled").order_by("starts_at").last()
    assert ended is not None
    disconnecting.let_go(desk.account.pk)
    booking.set_status(ended, "confirmed")
    disconnecting.resume(desk.account.pk, NOW)
    for _ in range(3):
        desk.turn()
    assert not PushTarget.objects.behind().exists()
    assert [each["start"]["dateTime"][:10] for each in google.events(desk.address)] == [
        "2026-03-03",
        f"{ended.starts_at:%Y-%m-%d}",
    ]


def test_deletion_that_waited_when_the_account_was_disconnected_is_carried_out_later(google: Google) -> None:
    """It was seen and not planned yet; after the reconnect nobody asked for the event any more."""
    desk = Desk(google)
    event = google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    google.delete(desk.address, event)
    GoogleEvent.objects.update(status="cancelled", etag="seen-and-not-planned")
    disconnecting.let_go(desk.account.pk)
    disconnecting.resume(desk.account.pk, NOW)
    desk.turn()
    assert Appointment.objects.get().status == "cancelled"


def test_colleagues_copy_made_an_appointment_by_hand_joins_the_one_there_is(google: Google) -> None:
    """Under one way it was booked a second time, which the database refused, again and again."""
    first, second = Desk(google), Desk(google, "one_way")
    google.control.add_person("olga@else.test")
    google.add("olga@else.test", guests=(first.address, second.address))
    first.turn()
    second.turn()
    copy = GoogleEvent.objects.get(google_calendar=second.google_calendar)
    make_appointment(copy, by=second.user, now=NOW)
    copy.refresh_from_db()
    assert copy.error == ""
    assert copy.appointment == Appointment.objects.get()
    assert {host.user for host in Appointment.objects.get().hosts.all()} == {first.user, second.user}


def test_copy_that_a_host_deleted_is_not_put_back_by_a_move_that_waited(google: Google) -> None:
    """Its deletion was seen when the move was pushed; the host was freed, and then a new event inserted."""
    one, two = Desk(google), Desk(google)
    one.calendar.kind = "collective"
    one.calendar.save()
    one.calendar.memberships.create(user=two.user)
    appointment = book(one)
    for desk in (one, two):
        desk.turn()
    [copy] = google.events(one.address)
    google.delete(one.address, copy)
    booking.reschedule(appointment, starts_at=TOMORROW_AT_TEN + HOUR, ends_at=TOMORROW_AT_TEN + 2 * HOUR)
    take_turn(one.google_calendar.pk, NOW)
    for desk in (one, two, one):
        desk.turn()
    assert google.events(one.address) == []
    assert len(google.events(two.address)) == 1
    assert [host.user for host in appointment.hosts.all()] == [two.user]


def test_colleague_invited_to_a_meeting_without_guests_does_not_bring_its_appointment_back(
    google: Google,
) -> None:
    """It was cancelled when its last guest was taken off; the copy of a colleague restored it for nobody."""
    desk, colleague = Desk(google), Desk(google)
    event = google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    appointment = Appointment.objects.get()
    google.change(desk.address, event, attendees=[{"email": colleague.address}])
    desk.turn()
    colleague.turn()
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"
    assert GoogleEvent.objects.get(google_calendar=colleague.google_calendar).outcome == "block"

    google.change(desk.address, event, attendees=[{"email": colleague.address}, {"email": "ann@x.org"}])
    colleague.turn()
    desk.turn()
    colleague.turn()
    appointment.refresh_from_db()
    assert appointment.status == "new"
    assert set(appointment.hosts.values_list("user", flat=True)) == {desk.user.pk, colleague.user.pk}


def test_invitation_cancelled_here_that_its_organiser_deleted_is_not_declined_for_ever(
    google: Google,
) -> None:
    """Declining what was gone failed on every sweep, where nobody read the calendar any more."""
    desk = Desk(google)
    google.control.add_person("boss@x.org")
    event = google.add("boss@x.org", guests=(desk.address,))
    desk.turn()
    booking.cancel(Appointment.objects.get())
    google.delete("boss@x.org", event)
    turn = take_turn(desk.google_calendar.pk, NOW)
    assert not turn.error
    assert [pushed.what for pushed in turn.pushed][-1] == "gone already"
    assert not PushTarget.objects.behind().exists()


def test_series_that_only_a_broken_pull_saw_and_that_was_deleted_since_does_not_live_on(
    google: Google, settings: Any
) -> None:
    """Google lists what changed since the token: the series was made and deleted in between."""
    settings.GOOGLE_EVENTS_A_PAGE = 2
    desk = Desk(google)
    desk.turn()
    series = course(google, desk, "FREQ=WEEKLY;COUNT=4")
    google.control.add_fault(Fault(method="calendar.events.list", status=503, skip=1, count=3))
    assert take_turn(desk.google_calendar.pk, NOW, pulls=True).has_failed
    assert GoogleEvent.objects.filter(blocks=True).exists()
    google.delete(desk.address, series)
    desk.turn()
    assert not GoogleEvent.objects.filter(blocks=True).exists()
    assert not GoogleEvent.objects.exclude(status="cancelled").exists()
    assert not Appointment.objects.exclude(status="cancelled").exists()
    assert not SyncRun.objects.filter(state="running").exists()


def test_event_moved_ahead_without_its_guests_is_no_past_appointment(google: Google) -> None:
    """It was seen after the time it had here: the appointment stayed, with a guest whom nobody expects any more."""
    desk = Desk(google)
    event = google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    google.change(desk.address, event, attendees=[])
    google.move(desk.address, event, TOMORROW_AT_TEN + 200 * HOUR)
    later = TOMORROW_AT_TEN + 5 * HOUR
    google.control.set_clock(later)
    with time_machine.travel(later, tick=False):
        desk.turn()
    change = AppointmentChange.objects.get(what="cancelled")
    assert not change.fires
    assert Appointment.objects.get().status == "cancelled"


def test_move_that_waited_when_the_last_guest_left_is_pushed_when_they_return(google: Google) -> None:
    """The push had nothing to do while it was cancelled; restored, it stood at two times."""
    desk = Desk(google)
    event = google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    appointment = Appointment.objects.get()
    booking.reschedule(appointment, starts_at=TOMORROW_AT_TEN + 5 * HOUR, ends_at=TOMORROW_AT_TEN + 6 * HOUR)
    google.change(desk.address, event, attendees=[])
    desk.turn()
    assert Appointment.objects.get().status == "cancelled"
    google.change(desk.address, event, attendees=[{"email": "ann@x.org"}])
    desk.turn()
    desk.turn()
    assert Appointment.objects.get().status == "new"
    [there] = google.events(desk.address)
    assert there["start"]["dateTime"] == "2026-03-03T15:00:00Z"


def test_organiser_of_a_series_that_a_colleagues_copy_moved_first_stays_its_host(google: Google) -> None:
    """Their new occurrences joined while the old ones, gone, still counted as their copies."""
    google.control.set_options(instance_ids="opaque")
    first, second = Desk(google), Desk(google)
    series = google.control.insert(
        first.address,
        "primary",
        {
            "summary": "Course",
            "start": {"dateTime": TOMORROW_AT_TEN.isoformat(), "timeZone": "Europe/London"},
            "end": {"dateTime": (TOMORROW_AT_TEN + HOUR).isoformat(), "timeZone": "Europe/London"},
            "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"],
            "attendees": [{"email": "ann@x.org"}, {"email": second.address}],
        },
    )
    for desk in (first, second, first, second):
        desk.turn()
    google.move(first.address, series, TOMORROW_AT_TEN + 26 * HOUR)
    for desk in (second, first) * 3:
        desk.turn()
    standing = Appointment.objects.exclude(status="cancelled")
    assert standing.count() == 2
    for appointment in standing:
        assert set(appointment.hosts.values_list("user", flat=True)) == {first.user.pk, second.user.pk}


def test_move_seen_through_another_copy_is_no_change_of_ours_that_waits(google: Google) -> None:
    """Of a later move at Google it was said that ours wins; nothing of ours was on its way."""
    first, second = Desk(google), Desk(google)
    google.control.add_person("boss@x.org")
    event = google.add("boss@x.org", guests=(first.address, second.address))
    for desk in (first, second, first):
        desk.turn()
    google.move("boss@x.org", event, TOMORROW_AT_TEN + 2 * HOUR)
    first.turn()
    google.move("boss@x.org", event, TOMORROW_AT_TEN + 5 * HOUR)
    second.turn()
    assert Appointment.objects.get().starts_at == TOMORROW_AT_TEN + 5 * HOUR


@pytest.mark.parametrize("changes", [{}, {"summary": "Other words"}], ids=["unchanged", "edited since"])
def test_event_of_googles_that_lives_on_after_its_removal_is_removed_once_more(
    google: Google, changes: dict[str, Any]
) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    booking.cancel(Appointment.objects.get())
    google.control.add_fault(Fault("calendar.events.delete", count=9, status=404, reason="notFound"))
    google.control.add_fault(Fault("calendar.events.get", count=9, status=404, reason="notFound"))
    take_turn(desk.google_calendar.pk, NOW)
    google.control.clear_faults()
    google.change(desk.address, event, **changes)
    assert len(google.events(desk.address)) == 1
    desk.turn(full=True)
    desk.turn()
    assert google.events(desk.address) == []


def test_earlier_event_goes_with_an_appointment_that_is_withdrawn_twice(google: Google) -> None:
    """Brought back under the next id before its first event was removed, and withdrawn before that was pushed."""
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    link(desk, None)
    link(desk, desk.google_calendar)
    booking.cancel(appointment)
    desk.turn()
    assert google.events(desk.address) == []


def test_earlier_event_that_google_called_gone_is_removed_beside_its_successor(google: Google) -> None:
    desk = Desk(google)
    book(desk)
    desk.turn()
    link(desk, None)
    google.control.add_fault(Fault("calendar.events.delete", count=9, status=404, reason="notFound"))
    google.control.add_fault(Fault("calendar.events.get", count=9, status=404, reason="notFound"))
    take_turn(desk.google_calendar.pk, NOW)
    google.control.clear_faults()
    link(desk, desk.google_calendar)
    take_turn(desk.google_calendar.pk, NOW)
    for _ in range(2):
        desk.turn(full=True)
    assert len(google.events(desk.address)) == 1
    assert Appointment.objects.get().status == "new"


def test_meeting_whose_guests_left_before_its_organiser_joined_is_no_appointment(google: Google) -> None:
    """The organiser's copy joined what a colleague's older copy had made, and nobody looked at its guests."""
    organiser, colleague = Desk(google), Desk(google)
    link(organiser, None)
    event = google.add(organiser.address, guests=("ann@x.org", colleague.address))
    colleague.turn()
    assert Appointment.objects.get().status == "new"
    google.change(organiser.address, event, attendees=[])
    link(organiser, organiser.google_calendar)
    for desk in (organiser, organiser, colleague, organiser):
        desk.turn()
    assert Appointment.objects.get().status == "cancelled"


def test_event_deleted_in_a_calendar_that_is_not_read_any_more_is_not_asked_for_for_ever(
    google: Google,
) -> None:
    """Its deletion was to be planned first, and nobody plans what nobody reads."""
    desk = Desk(google)
    event = google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    link(desk, None)
    booking.reschedule(
        Appointment.objects.get(), starts_at=TOMORROW_AT_TEN + HOUR, ends_at=TOMORROW_AT_TEN + 2 * HOUR
    )
    google.delete(desk.address, event)
    for _ in range(2):
        PushTarget.objects.update(not_before=None)
        take_turn(desk.google_calendar.pk, NOW)
    assert not PushTarget.objects.behind().exists()


def test_guest_whom_a_colleague_ignores_stays_with_the_organiser(google: Google) -> None:
    """The colleague's copy joined, saw no guest of its own, and cancelled the organiser's appointment."""
    organiser, colleague = Desk(google), Desk(google, ignored_guests="ann@x.org")
    google.add(organiser.address, guests=("ann@x.org", colleague.address))
    for desk in (organiser, colleague, colleague, organiser):
        desk.turn()
    appointment = Appointment.objects.get()
    assert appointment.status == "new"
    assert appointment.hosts.count() == 2


@pytest.mark.parametrize(("confirms", "answer"), [(True, "needsAction"), (False, "accepted")])
def test_appointment_whose_guest_returns_is_confirmed_as_at_first(
    google: Google, confirms: bool, answer: str
) -> None:
    """It came back as new: its calendar confirms automatically, or the guest had accepted."""
    desk = Desk(google)
    desk.calendar.confirms_automatically = confirms
    desk.calendar.save()
    event = google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    google.change(desk.address, event, attendees=[{"email": "ann@x.org", "responseStatus": "declined"}])
    desk.turn()
    assert Appointment.objects.get().status == "cancelled"
    google.change(desk.address, event, attendees=[{"email": "ann@x.org", "responseStatus": answer}])
    desk.turn()
    appointment = Appointment.objects.get()
    assert appointment.status == "confirmed"
    assert [change.what for change in appointment.changes.filter(fires=False)] == ["booked", "confirmed"]


def test_move_of_what_became_a_series_after_it_took_place_reaches_google_after_a_reconnect(
    google: Google,
) -> None:
    desk = Desk(google)
    appointment = booking.set_status(book(desk), "showed")
    desk.turn()
    [event] = google.events(desk.address)
    google.change(desk.address, event, recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    desk.turn()
    single = GoogleEvent.objects.get(google_id=event["id"])
    assert single.reason == "Cancelled at Google after it took place: the appointment stays as it is."
    booking.reschedule(appointment, starts_at=TOMORROW_AT_TEN + HOUR, ends_at=TOMORROW_AT_TEN + 2 * HOUR)
    disconnecting.let_go(desk.account.pk)
    disconnecting.resume(desk.account.pk, NOW)
    for _ in range(3):
        desk.turn()
    assert not PushTarget.objects.behind().exists()
    single.refresh_from_db()
    assert single.reason == "Cancelled at Google, as was known: the appointment stays as it is."
    # The series, which is the person's own now, and the appointment where it was moved to.
    assert len(google.events(desk.address)) == 4


def test_cancelled_meeting_is_not_put_back_with_a_freed_host_while_a_colleague_links_anew(
    google: Google,
) -> None:
    """Bob's copy was seen cancelled first; Alice unlinked before hers was, and linked again afterwards. Hers may then
    have moved to another calendar of hers, which is looked at first."""
    alice, bob = Desk(google), Desk(google)
    other = GoogleCalendarFactory(
        account=alice.account, next_pull_at=NOW + HOUR, last_pull_at=NOW - HOUR, google_id="other"
    )
    organiser = "olga@else.test"
    google.control.add_person(organiser)
    event = google.add(organiser, guests=(alice.address, bob.address))
    alice.turn()
    bob.turn()
    google.control.delete(organiser, organiser, event["id"])
    bob.turn()
    appointment = Appointment.objects.get()
    assert list(appointment.hosts.values_list("user", flat=True)) == [alice.user.pk]
    link(alice, None)
    bob.turn()
    link(alice, alice.google_calendar)
    alice.turn()
    bob.turn()
    assert "Waiting to see" in GoogleEvent.objects.get(google_calendar=alice.google_calendar).reason
    assert google.events(bob.address) == []
    other.delete()
    alice.turn()
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"


def test_google_calendar_that_nobody_reads_any_more_is_not_read_because_somebody_asks(google: Google) -> None:
    desk = Desk(google)
    desk.turn()
    link(desk, None)
    google.add(desk.address)
    assert desk.turn().pulled is None
    desk.google_calendar.refresh_from_db()
    assert desk.google_calendar.next_pull_at is None
    assert not GoogleEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_events_are_aimed_at_a_new_link_in_one_transaction(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who left a session in between handed its event to somebody who was then given a second one, which the database
    refused; and nothing was aimed at the new link (seed 4056278423)."""
    desk = Desk(google)
    desk.calendar.kind, desk.calendar.seats = "class", 3
    desk.calendar.save()
    first, second = book(desk), book(desk)
    held = []
    real = targets._aim

    def aim(*args: Any) -> None:
        held.append(connection.in_atomic_block)
        real(*args)

    monkeypatch.setattr(targets, "_aim", aim)
    for linked in (None, desk.google_calendar):
        link(desk, linked)
    assert set(held) == {True}
    assert PushTarget.objects.filter(is_withdrawn=False, appointment__in=[first.pk, second.pk]).count() == 1


@pytest.mark.parametrize("back", [0, 1], ids=["freed first", "freed last"])
def test_meeting_that_comes_back_to_all_its_staff_has_them_all_as_hosts(google: Google, back: int) -> None:
    """Seed 1952161853: the one whose copy restored it had been freed before it was cancelled, and stayed free."""
    desks = [Desk(google), Desk(google)]
    google.control.add_person("olga@else.org")
    event = google.add("olga@else.org", guests=("ann@x.org", *(desk.address for desk in desks)))
    for desk in desks:
        desk.turn()
    appointment = Appointment.objects.get()
    google.control.patch("olga@else.org", "primary", event["id"], {"attendees": [{"email": "ann@x.org"}]})
    for desk in desks:
        desk.turn()
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"
    everybody = [{"email": each} for each in ("ann@x.org", *(desk.address for desk in desks))]
    google.control.patch("olga@else.org", "primary", event["id"], {"attendees": everybody})
    for desk in [desks[back], desks[1 - back]] * 2:
        desk.turn()
    appointment.refresh_from_db()
    assert not appointment.is_void
    assert set(appointment.hosts.values_list("user", flat=True)) == {desk.user.pk for desk in desks}


@pytest.mark.parametrize("restorer", ["organiser", "colleague"])
def test_meeting_that_was_cancelled_and_is_restored_here_is_put_back_for_each_host(
    google: Google, restorer: str
) -> None:
    """What was put in the place of one copy was taken for a copy of the meeting (seed 2673099526 of `make soak`)."""
    organiser, colleague = Desk(google), Desk(google)
    event = google.add(organiser.address, guests=(colleague.address, "ann@x.org"))
    desks = [organiser, colleague]
    for desk in desks:
        desk.turn()
    google.delete(organiser.address, event)
    for desk in desks:
        desk.turn()
    appointment = Appointment.objects.get()
    assert (appointment.status, appointment.hosts.count()) == ("cancelled", 2)
    booking.set_status(appointment, "new")
    for _ in range(2):
        for desk in desks if restorer == "organiser" else reversed(desks):
            desk.turn()
    assert [len(google.events(desk.address)) for desk in desks] == [1, 1]
    assert not PushTarget.objects.behind().exists()


@pytest.mark.parametrize("returns", [False, True], ids=["declined", "gone and back"])
def test_invitation_that_a_colleague_declined_is_no_reason_to_put_none_back(
    google: Google, returns: bool
) -> None:
    """Their copy was taken for the meeting that went on, and a host had it nowhere (seed 2071090794)."""
    desks = alice, bob = [Desk(google), Desk(google)]
    google.control.add_person("olga@else.org")
    event = google.add("olga@else.org", guests=tuple(desk.address for desk in desks))
    for desk in desks:
        desk.turn()
    appointment = Appointment.objects.get()
    booking.cancel(appointment)
    for desk in desks:
        desk.turn()
    assert set(GoogleEvent.objects.values_list("reason", flat=True)) == {
        "Cancelled here: declined at Google."
    }
    google.control.delete(bob.address, "primary", event["id"])
    bob.turn()
    if returns:
        google.control.delete(alice.address, "primary", event["id"])
        alice.turn()
        google.control.restore(alice.address, "primary", event["id"])
        pull(alice.google_calendar)  # read, and not planned yet
    booking.set_status(appointment, "new")
    for _ in range(2):
        for desk in reversed(desks):
            desk.turn()
    [put_back] = google.events(bob.address)
    assert put_back["id"] != event["id"]
    assert not PushTarget.objects.behind().exists()
