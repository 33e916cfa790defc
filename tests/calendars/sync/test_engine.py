"""The engine over real HTTP: Google's side by the sandbox, ours by turns of a Google calendar."""

import datetime
from dataclasses import replace

import pytest
from pytest_django import DjangoAssertNumQueries

from calendars import booking, configuring
from calendars.models import GoogleEvent, PushTarget, SyncRun
from calendars.receivers import follow_configuration
from calendars.sync import brake, decide, disconnecting
from calendars.sync.late import late_matches
from calendars.sync.preview import apply_to_imported, preview
from calendars.sync.turn import take_turn
from contacts.models import Appointment, AppointmentChange, Contact
from integrations.connecting import refresh_calendars
from integrations.models import GoogleCalendar
from integrations.sandbox.faults import Fault
from tests.factories import ContactFactory
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google, Room

pytestmark = pytest.mark.django_db
LATER = TOMORROW_AT_TEN + datetime.timedelta(days=1)


def only_event() -> GoogleEvent:
    return GoogleEvent.objects.get()


def book(desk: Desk, **values: object) -> Appointment:
    return booking.book(
        **{
            "calendar": desk.calendar,
            "contact": ContactFactory(address="ann@x.org"),
            "owner": desk.user,
            "starts_at": TOMORROW_AT_TEN,
            "ends_at": TOMORROW_AT_TEN + HOUR,
            **values,
        }
    )


def test_event_with_an_unknown_guest_becomes_contact_and_appointment(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("new.person@x.org",))
    desk.turn()
    appointment = Appointment.objects.get()
    contact = Contact.objects.get()
    assert (contact.name, contact.source, contact.primary_address) == (
        "New Person",
        "google",
        "new.person@x.org",
    )
    assert (appointment.contact, appointment.calendar, appointment.owner) == (
        contact,
        desk.calendar,
        desk.user,
    )
    assert (appointment.starts_at, appointment.origin) == (TOMORROW_AT_TEN, "google")
    assert appointment.guests.get().contact == contact
    event = only_event()
    assert (event.blocks, event.colour, event.outline) == (True, desk.calendar.colour, False)
    assert event.appointment == appointment
    assert "new.person@x.org" in event.reason
    change = appointment.changes.get()
    assert (change.what, change.origin, change.fires) == ("booked", "google", True)


def test_a_second_turn_changes_nothing_and_writes_nothing(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("new@x.org",))
    book(desk)
    desk.turn()
    google.control.clear_requests()
    before = list(AppointmentChange.objects.values())
    for _ in range(3):
        turn = desk.turn()
        assert (turn.reconciled, turn.pushed) == ([], [])
    assert list(AppointmentChange.objects.values()) == before
    assert {request.method for request in google.control.requests()} == {"calendar.events.list"}


def test_event_moved_in_google_moves_its_appointment(google: Google) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("new@x.org",))
    desk.turn()
    google.move(desk.address, event, LATER)
    desk.turn()
    appointment = Appointment.objects.get()
    assert appointment.starts_at == LATER
    assert [change.what for change in appointment.changes.all()] == ["booked", "rescheduled"]
    assert appointment.changes.last().fires
    assert not PushTarget.objects.behind().exists()


def test_event_deleted_in_google_cancels_its_appointment(google: Google) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("new@x.org",))
    desk.turn()
    google.delete(desk.address, event)
    desk.turn()
    assert Appointment.objects.get().status == "cancelled"
    row = only_event()
    assert (row.blocks, row.outcome) == (False, "cancelled")
    assert not PushTarget.objects.behind().exists()


def test_s14_appointment_made_here_is_pushed_and_its_echo_is_recognised(google: Google) -> None:
    desk = Desk(google)
    desk.turn()
    appointment = book(desk, title="First visit")
    desk.turn()
    [event] = google.events(desk.address)
    assert event["id"] == f"{appointment.pk.hex}g0"
    assert event["summary"] == "First visit"
    assert not event.get("attendees")
    desk.turn()
    assert Appointment.objects.count() == 1
    assert [change.what for change in appointment.changes.all()] == ["booked"]
    assert only_event().appointment == appointment


def test_appointment_moved_and_cancelled_here_follows_in_google(google: Google) -> None:
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    booking.reschedule(appointment, starts_at=LATER, ends_at=LATER + HOUR)
    desk.turn()
    [event] = google.events(desk.address)
    assert datetime.datetime.fromisoformat(event["start"]["dateTime"]) == LATER
    booking.cancel(appointment)
    desk.turn()
    assert google.events(desk.address) == []
    desk.turn()
    assert not PushTarget.objects.behind().exists()


def test_one_way_pushes_and_protects_the_appointment_made_here(google: Google) -> None:
    desk = Desk(google, "one_way", creation=False, trigger=False)
    appointment = book(desk)
    desk.turn()
    [event] = google.events(desk.address)
    google.move(desk.address, event, LATER)
    desk.turn()
    appointment.refresh_from_db()
    assert appointment.starts_at == TOMORROW_AT_TEN
    assert "One way protects" in only_event().reason
    google.delete(desk.address, event)
    desk.turn()
    appointment.refresh_from_db()
    assert appointment.status == "new"


def test_two_way_follows_an_edit_in_google_of_an_appointment_made_here(google: Google) -> None:
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    [event] = google.events(desk.address)
    google.move(desk.address, event, LATER)
    desk.turn()
    appointment.refresh_from_db()
    assert appointment.starts_at == LATER
    google.delete(desk.address, event)
    desk.turn()
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"


def test_moved_on_both_sides_the_change_that_waits_here_wins(google: Google) -> None:
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    [event] = google.events(desk.address)
    booking.reschedule(appointment, starts_at=LATER, ends_at=LATER + HOUR)
    google.move(desk.address, event, LATER + 3 * HOUR)
    turn = desk.turn()
    assert any("wins" in done.reason for done in turn.reconciled)
    appointment.refresh_from_db()
    assert appointment.starts_at == LATER
    [event] = google.events(desk.address)
    assert datetime.datetime.fromisoformat(event["start"]["dateTime"]) == LATER


def test_w4_changed_between_the_look_and_the_write_is_planned_again(google: Google) -> None:
    """412 on a patch (W4): the event moves after the pull of a turn and before its push."""
    desk = Desk(google)
    appointment = book(desk)
    desk.turn()
    [event] = google.events(desk.address)
    booking.set_details(appointment, title="New words", description="", location="")
    google.move(desk.address, event, LATER)
    turn = take_turn(desk.google_calendar.pk, NOW)
    assert [pushed.changed for pushed in turn.pushed] == [True, False]
    appointment.refresh_from_db()
    [event] = google.events(desk.address)
    assert appointment.starts_at == LATER
    assert event["summary"] == "New words"


@pytest.mark.parametrize(
    ("option", "known", "unknown"),
    [("one_way", "B", "B"), ("two_way", "A+T", "N+T"), ("smart", "A+T", "B"), ("disable_trigger", "A", "N")],
)
@pytest.mark.parametrize("kind", ["group", "unassigned"])
def test_options_over_http(google: Google, option: str, known: str, unknown: str, kind: str) -> None:
    place = (
        Room(google, option)
        if kind == "unassigned"
        else Desk(google, option, creation=option in ("two_way", "disable_trigger"), trigger=True)
    )
    ann = ContactFactory(address="Ann@x.org")
    events = {
        "known": google.add(place.address, guests=("ann@X.org",)),
        "unknown": google.add(place.address, guests=("new@x.org",), start=LATER),
        "none": google.add(place.address, start=LATER + 2 * HOUR),
    }
    place.turn()
    cells = {name: _cell(event["id"], ann) for name, event in events.items()}
    assert cells == {"known": known, "unknown": unknown, "none": "B"}


def _cell(google_id: str, ann: Contact) -> str:
    row = GoogleEvent.objects.get(google_id=google_id)
    assert row.blocks
    if row.appointment is None:
        return "B"
    letter = "A" if row.appointment.contact == ann else "N"
    return letter + ("+T" if row.appointment.changes.get().fires else "")


def test_first_link_imports_upcoming_events_silently(google: Google) -> None:
    """Google's `created` lies before `policy_since`, so nothing fires and *fire now* is offered."""
    desk = Desk(google)
    google.add(desk.address, guests=("new@x.org",))
    desk.configuration.policy_since = NOW + datetime.timedelta(minutes=5)
    desk.configuration.save()
    desk.turn()
    change = AppointmentChange.objects.get()
    assert not change.fires
    assert "before this configuration" in change.why


def test_event_typed_today_for_last_week_makes_nothing(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("new@x.org",), start=NOW - datetime.timedelta(hours=5))
    desk.turn()
    assert not Appointment.objects.exists()
    assert only_event().reason == "Past events are display only."


def test_s7_s8_sync_token_that_died_brings_what_changed_and_what_was_deleted(google: Google) -> None:
    """S7, S8: links stay, nothing is booked twice, a deletion made meanwhile cancels."""
    desk = Desk(google)
    stays = google.add(desk.address, guests=("stays@x.org",))
    goes = google.add(desk.address, guests=("goes@x.org",), start=LATER)
    desk.turn()
    google.delete(desk.address, goes)
    google.move(desk.address, stays, LATER + 3 * HOUR)
    google.control.expire_sync_tokens()
    turn = desk.turn()
    assert turn.pulled.is_full
    statuses = dict(Appointment.objects.values_list("contact__emails__address", "status"))
    assert statuses == {"stays@x.org": "new", "goes@x.org": "cancelled"}
    assert Appointment.objects.get(status="new").starts_at == LATER + 3 * HOUR


def test_guest_who_declines_is_detached_and_the_last_one_cancels(google: Google) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("one@x.org", "two@x.org"))
    desk.turn()
    google.change(desk.address, event, attendees=[{"email": "two@x.org"}])
    desk.turn()
    appointment = Appointment.objects.get()
    assert [guest.contact.primary_address for guest in appointment.guests.all()] == ["two@x.org"]
    assert appointment.contact.primary_address == "two@x.org"
    google.change(desk.address, event, attendees=[])
    desk.turn()
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"
    assert only_event().blocks
    google.change(desk.address, event, attendees=[{"email": "two@x.org"}])
    desk.turn()
    appointment.refresh_from_db()
    assert appointment.status == "new"
    assert Appointment.objects.count() == 1
    assert [c.fires for c in appointment.changes.filter(what="booked")] == [True, False]


def test_added_guest_is_attached_and_fires_for_them_alone(google: Google) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("one@x.org",))
    desk.turn()
    google.change(desk.address, event, attendees=[{"email": "one@x.org"}, {"email": "two@x.org"}])
    desk.turn()
    appointment = Appointment.objects.get()
    assert appointment.guests.count() == 2
    change = appointment.changes.last()
    assert (change.what, change.fires, change.contact.primary_address) == ("booked", True, "two@x.org")


def test_guest_who_accepted_confirms(google: Google) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("one@x.org",))
    desk.turn()
    google.change(desk.address, event, attendees=[{"email": "one@x.org", "responseStatus": "accepted"}])
    desk.turn()
    assert Appointment.objects.get().status == "confirmed"


def test_google_never_changes_a_status_that_staff_set(google: Google) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("one@x.org",))
    desk.turn()
    booking.set_status(Appointment.objects.get(), "no_show", by=desk.user)
    google.delete(desk.address, event)
    desk.turn()
    assert Appointment.objects.get().status == "no_show"


def test_late_match_becomes_an_appointment_silently(google: Google) -> None:
    desk = Desk(google, "smart", creation=False)
    google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    assert not Appointment.objects.exists()
    ann = ContactFactory(address="ann@x.org")
    assert late_matches() == 1
    desk.turn()
    appointment = Appointment.objects.get()
    assert appointment.contact == ann
    assert not appointment.changes.get().fires
    assert late_matches() == 0


def test_p5_private_event_keeps_no_title_and_no_guests(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("dentist@x.org",), summary="Dentist", visibility="private")
    desk.turn()
    row = only_event()
    assert (row.blocks, row.colour, row.summary, row.attendees) == (True, "grey", "", [])
    assert not Contact.objects.exists()


def test_p6_w7_all_day_and_free_events(google: Google) -> None:
    desk = Desk(google)
    google.add(
        desk.address,
        guests=("one@x.org",),
        **{"start": TOMORROW_AT_TEN},
        transparency="transparent",
    )
    google.control.insert(
        desk.address,
        "primary",
        {
            "summary": "Holiday",
            "start": {"date": "2026-03-05"},
            "end": {"date": "2026-03-06"},
            "attendees": [{"email": "one@x.org"}],
        },
    )
    desk.turn()
    free, all_day = GoogleEvent.objects.order_by("starts_at")
    assert (free.blocks, all_day.blocks, all_day.appointment) == (False, True, None)


def test_meeting_of_two_staff_is_one_appointment(google: Google) -> None:
    organiser, guest = Desk(google), Desk(google)
    google.add(organiser.address, guests=(guest.address, "new@x.org"))
    guest.turn()
    assert not Appointment.objects.exists()
    assert "their configuration decides" in GoogleEvent.objects.get().reason
    organiser.turn()
    guest.turn()
    appointment = Appointment.objects.get()
    assert {host.user for host in appointment.hosts.all()} == {organiser.user, guest.user}
    assert GoogleEvent.objects.filter(appointment=appointment).count() == 2
    guest_copy = GoogleEvent.objects.get(google_calendar=guest.google_calendar)
    google.control.respond(guest.address, guest_copy.google_id, "declined")
    guest.turn()
    organiser.turn()
    appointment.refresh_from_db()
    assert appointment.status == "new"
    assert [host.user for host in appointment.hosts.all()] == [organiser.user]


def test_w2_insert_whose_answer_was_lost_meets_itself(google: Google) -> None:
    """W2: the event is there, the answer is not; the next try finds it instead of making a twin."""
    desk = Desk(google)
    desk.turn()
    book(desk)
    google.control.add_fault(Fault(method="calendar.events.insert", drop_after=True, count=2))
    take_turn(desk.google_calendar.pk, NOW)
    PushTarget.objects.update(not_before=None)
    desk.turn()
    assert len(google.events(desk.address)) == 1
    assert not PushTarget.objects.behind().exists()


def test_reconnect_imports_nothing_twice_and_disconnect_lifts_blocks(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("new@x.org",))
    google.add(desk.address, start=LATER)
    desk.turn()
    before = list(AppointmentChange.objects.values_list("pk", flat=True))
    disconnecting.let_go(desk.account.pk)
    assert not GoogleEvent.objects.filter(blocks=True).exists()
    assert not GoogleEvent.objects.exclude(summary="").exists()
    disconnecting.resume(desk.account.pk, NOW)
    desk.turn()
    assert list(AppointmentChange.objects.values_list("pk", flat=True)) == before
    assert GoogleEvent.objects.filter(blocks=True).count() == 2
    assert Appointment.objects.get().status == "new"


def test_option_change_alone_plans_nothing_and_apply_is_a_separate_press(google: Google) -> None:
    desk = Desk(google, "one_way", creation=False, trigger=False)
    google.add(desk.address, guests=("new@x.org",))
    desk.turn()
    desk.configuration.sync_option = "two_way"
    desk.configuration.allow_contact_creation = desk.configuration.allow_trigger = True
    desk.configuration.save()
    shown = preview(desk.configuration, NOW)
    assert shown is not None
    assert (shown.appointments, shown.contacts, shown.blocks) == (1, 1, 0)
    desk.turn()
    assert not Appointment.objects.exists()
    assert apply_to_imported(desk.configuration, NOW, fires=False) == 1
    desk.turn()
    assert not AppointmentChange.objects.get().fires


def test_apply_fires_when_that_is_ticked(google: Google) -> None:
    desk = Desk(google, "one_way", creation=False, trigger=False)
    google.add(desk.address, guests=("new@x.org",))
    desk.turn()
    desk.configuration.sync_option = "two_way"
    desk.configuration.allow_contact_creation = desk.configuration.allow_trigger = True
    desk.configuration.policy_since = NOW + HOUR
    desk.configuration.save()
    apply_to_imported(desk.configuration, NOW, fires=True)
    desk.turn()
    assert AppointmentChange.objects.get().fires


def test_a_pull_that_would_cancel_a_third_waits_for_a_person(google: Google) -> None:
    desk = Desk(google)
    events = [
        google.add(desk.address, guests=(f"g{n}@x.org",), start=TOMORROW_AT_TEN + n * HOUR) for n in range(14)
    ]
    desk.turn()
    for event in events[:11]:
        google.delete(desk.address, event)
    desk.turn()
    assert not Appointment.objects.filter(status="cancelled").exists()
    run = SyncRun.objects.get(state="braked")
    assert "11 appointments" in run.error
    shown = [waiting.event.pk for waiting in brake.held_events(run, NOW)]
    brake.release(run, shown, by=desk.user, now=NOW)
    desk.turn()
    assert Appointment.objects.filter(status="cancelled").count() == 11


def test_decisions_on_one_event(google: Google) -> None:
    desk = Desk(google, "smart", creation=False)
    google.add(desk.address, guests=("new@x.org", "boss@corp.example"))
    desk.turn()
    event = only_event()
    event = decide.never_guest(event, "boss@corp.example", by=desk.user, now=NOW)
    desk.configuration.refresh_from_db()
    assert desk.configuration.ignored_guests == "boss@corp.example"
    event = decide.keep_private(event, by=desk.user, now=NOW)
    assert "private block" in event.reason
    event = decide.make_appointment(event, by=desk.user, now=NOW)
    assert [guest.contact.primary_address for guest in event.appointment.guests.all()] == ["new@x.org"]
    assert not event.appointment.changes.get().fires


def test_event_whose_guests_are_all_ignored_says_where_that_is_changed(google: Google) -> None:
    desk = Desk(google, "smart", creation=False)
    google.add(desk.address, guests=("new@x.org",))
    desk.turn()
    event = decide.never_guest(only_event(), "new@x.org", by=desk.user, now=NOW)
    assert "Ignored guests" in decide.why_not_made(event, NOW)


def test_large_meeting_only_blocks(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=tuple(f"g{n}@x.org" for n in range(21)))
    desk.turn()
    assert only_event().reason == "Large meeting: 21 outside guests."


def test_appointment_from_google_edited_here_patches_its_own_event(google: Google) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("new@x.org",), summary="Their words")
    desk.turn()
    appointment = Appointment.objects.get()
    booking.reschedule(appointment, starts_at=LATER, ends_at=LATER + HOUR)
    desk.turn()
    [there] = google.events(desk.address)
    assert (there["id"], there["summary"]) == (event["id"], "Their words")
    assert datetime.datetime.fromisoformat(there["start"]["dateTime"]) == LATER
    booking.cancel(appointment)
    desk.turn()
    assert google.events(desk.address) == []
    desk.turn()
    assert Appointment.objects.get().status == "cancelled"


def test_p2_invitation_cancelled_here_is_declined_not_deleted(google: Google) -> None:
    desk = Desk(google)
    google.control.add_person("outside@x.org")
    google.add("outside@x.org", guests=(desk.address,))
    desk.turn()
    appointment = Appointment.objects.get()
    assert appointment.contact.primary_address == "outside@x.org"
    booking.cancel(appointment)
    desk.turn()
    [there] = google.events("outside@x.org")
    assert [person["responseStatus"] for person in there["attendees"] if person["email"] == desk.address] == [
        "declined"
    ]


def test_series_is_one_appointment_an_occurrence_and_fires_once(google: Google) -> None:
    desk = Desk(google)
    google.control.insert(
        desk.address,
        "primary",
        {
            "summary": "Weekly",
            "start": {"dateTime": TOMORROW_AT_TEN.isoformat(), "timeZone": "Europe/London"},
            "end": {"dateTime": (TOMORROW_AT_TEN + HOUR).isoformat(), "timeZone": "Europe/London"},
            "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"],
            "attendees": [{"email": "new@x.org"}],
        },
    )
    desk.turn()
    changes = AppointmentChange.objects.order_by("appointment__starts_at")
    assert [(change.fires, change.repeats_series) for change in changes] == [
        (True, False),
        (False, True),
        (False, True),
        (False, True),
    ]
    assert Contact.objects.count() == 1


def test_new_link_takes_future_appointments_along(google: Google) -> None:
    desk = Desk(google)
    second = google.control.add_calendar(desk.address, "Clinic")
    refresh_calendars(desk.account)
    book(desk)
    desk.turn()
    clinic = GoogleCalendar.objects.get(google_id=second)
    values = replace(configuring.values_of(desk.configuration), linked_calendar=clinic)
    configuration = configuring.save_configuration(values, user=desk.user, by=desk.user, now=NOW)
    follow_configuration(configuration_id=configuration.pk, link_changed=True)
    for pk in (clinic.pk, desk.google_calendar.pk):
        assert not take_turn(pk, NOW, pulls=pk == clinic.pk).has_failed
    assert google.events(desk.address) == []
    around = datetime.timedelta(days=9)
    assert len(google.control.events(desk.address, second, NOW - around, NOW + around)) == 1


def test_a7_dead_grant_pauses_the_account_and_keeps_blocking(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address)
    desk.turn()
    google.control.revoke(desk.address)
    assert take_turn(desk.google_calendar.pk, NOW, pulls=True).has_failed
    desk.account.refresh_from_db()
    assert desk.account.state == "reconnect"
    assert only_event().blocks


def test_q3_usage_limit_stops_the_account_and_says_so(google: Google) -> None:
    desk = Desk(google)
    google.control.add_fault(
        Fault(method="calendar.events.list", status=403, reason="quotaExceeded", count=1)
    )
    turn = take_turn(desk.google_calendar.pk, NOW, pulls=True)
    assert turn.error
    desk.account.refresh_from_db()
    assert desk.account.not_before >= NOW + HOUR
    assert desk.account.state == "connected"


def test_pull_that_finds_nothing_is_one_request_and_five_statements(
    google: Google, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    desk = Desk(google)
    for n in range(5):
        google.add(desk.address, guests=(f"g{n}@x.org",), start=TOMORROW_AT_TEN + n * HOUR)
    desk.turn()
    google.control.clear_requests()
    with django_assert_num_queries(5):
        desk.turn()
    assert [request.method for request in google.control.requests()] == ["calendar.events.list"]
