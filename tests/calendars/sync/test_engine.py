"""The engine over real HTTP: Google's side by the sandbox, ours by turns of a Google calendar."""

import datetime

import pytest

from calendars import booking
from calendars.models import GoogleEvent, PushTarget
from calendars.sync import disconnecting
from calendars.sync.reconcile import late_matches
from calendars.sync.turn import take_turn
from contacts.models import Appointment, AppointmentChange, Contact
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


def test_appointment_made_here_is_pushed_and_its_echo_is_recognised(google: Google) -> None:
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


def test_changed_between_the_look_and_the_write_is_planned_again(google: Google) -> None:
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


def test_sync_token_that_died_brings_what_changed_and_what_was_deleted(google: Google) -> None:
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


def test_private_event_keeps_no_title_and_no_guests(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("dentist@x.org",), summary="Dentist", visibility="private")
    desk.turn()
    row = only_event()
    assert (row.blocks, row.colour, row.summary, row.attendees) == (True, "grey", "", [])
    assert not Contact.objects.exists()


def test_all_day_and_free_events(google: Google) -> None:
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


def test_insert_whose_answer_was_lost_meets_itself(google: Google) -> None:
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
