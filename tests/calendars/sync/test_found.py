"""What another stand-in for Google, and people who used the product, found wrong: each with its case."""

import datetime

import pytest
from django.db.models import Q
from django.test import Client

from calendars import booking
from calendars.models import CalendarConfiguration, GoogleEvent, PushTarget
from calendars.receivers import wake_pull
from calendars.sync import disconnecting
from calendars.sync.preview import apply_to_imported
from calendars.sync.turn import Claim, take_turn
from contacts.models import Appointment, AppointmentChange
from integrations.google.events import read_event
from integrations.models import GoogleAccount, GoogleCalendar
from integrations.sandbox.faults import Fault
from tests.factories import ContactFactory
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
WEEK = 7 * DAY


def add_series(google: Google, desk: Desk, count: int = 4) -> dict[str, object]:
    return google.control.insert(
        desk.address,
        "primary",
        {
            "summary": "Weekly",
            "start": {"dateTime": TOMORROW_AT_TEN.isoformat(), "timeZone": "UTC"},
            "end": {"dateTime": (TOMORROW_AT_TEN + HOUR).isoformat(), "timeZone": "UTC"},
            "recurrence": [f"RRULE:FREQ=WEEKLY;COUNT={count}"],
            "attendees": [{"email": "new@x.org"}],
        },
    )


def test_event_of_a_person_is_not_deleted_because_its_last_guest_left_while_a_move_waited(
    google: Google,
) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("new@x.org",))
    desk.turn()
    appointment = Appointment.objects.get()
    booking.reschedule(appointment, starts_at=TOMORROW_AT_TEN + DAY, ends_at=TOMORROW_AT_TEN + DAY + HOUR)
    google.change(desk.address, event, attendees=[])
    desk.turn()
    desk.turn()
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"
    assert [there["id"] for there in google.events(desk.address)] == [event["id"]]
    assert not PushTarget.objects.behind().exists()


def test_w3_new_format_of_instance_ids_keeps_every_appointment(google: Google) -> None:
    """W3: announced for the third quarter of 2026. The old ids answer 404, the occurrences are the same."""
    desk = Desk(google)
    add_series(google, desk)
    desk.turn()
    before = list(AppointmentChange.objects.values_list("pk", flat=True))
    google.control.set_options(instance_ids="opaque")
    google.control.expire_sync_tokens()
    try:
        desk.turn()
    finally:
        google.control.set_options(instance_ids="stamp")
    assert list(AppointmentChange.objects.values_list("pk", flat=True)) == before
    assert Appointment.objects.filter(status="new").count() == 4
    assert GoogleEvent.objects.exclude(status="cancelled").filter(appointment=None).count() == 0


@pytest.mark.parametrize("form", ["opaque", "both"])
def test_w3_occurrence_moved_under_a_new_id_is_moved_here_and_nowhere_put_back(
    google: Google, form: str
) -> None:
    """The sync token lives on, so that Google tells the one that moved, and of no id that it is gone."""
    desk = Desk(google)
    add_series(google, desk)
    desk.turn()
    google.control.set_options(instance_ids=form)
    try:
        second = sorted(google.events(desk.address), key=lambda event: str(event["start"]))[1]
        google.move(desk.address, second, TOMORROW_AT_TEN + WEEK + DAY)
        desk.turn()
        desk.turn()
        google.control.expire_sync_tokens()
        desk.turn()
        desk.turn()
    finally:
        google.control.set_options(instance_ids="stamp")
    starts = Appointment.objects.order_by("starts_at").values_list("starts_at", flat=True)
    expected = [TOMORROW_AT_TEN + n * WEEK + (DAY if n == 1 else 0 * DAY) for n in range(4)]
    assert list(starts) == expected
    blocks = GoogleEvent.objects.filter(blocks=True).order_by("starts_at")
    assert list(blocks.values_list("starts_at", flat=True)) == expected
    assert not Appointment.objects.filter(status="cancelled").exists()
    assert google.control.requests("calendar.events.patch") == []


@pytest.mark.parametrize("form", ["opaque", "both"])
def test_w3_occurrence_edited_here_is_found_under_its_new_id(google: Google, form: str) -> None:
    desk = Desk(google)
    add_series(google, desk)
    desk.turn()
    google.control.set_options(instance_ids=form)
    try:
        second = Appointment.objects.order_by("starts_at")[1]
        moved = TOMORROW_AT_TEN + WEEK + DAY
        booking.reschedule(second, starts_at=moved, ends_at=moved + HOUR)
        for _ in range(4):
            desk.turn()
        there = {event["start"]["dateTime"] for event in google.events(desk.address)}
    finally:
        google.control.set_options(instance_ids="stamp")
    second.refresh_from_db()
    assert (second.status, second.starts_at) == ("new", moved)
    assert datetime.datetime.fromisoformat(sorted(there)[1]) == moved
    assert GoogleEvent.objects.filter(blocks=True).count() == 4
    assert not PushTarget.objects.behind().exists()


@pytest.mark.parametrize(
    "how",
    [
        "stands", "not inserted yet", "moved there", "moved here",
        "the other one deleted", "the other one deleted before",
    ],
)  # fmt: skip
def test_event_brought_back_at_google_after_its_appointment_was_restored_here_is_its_only_one(
    google: Google, how: str
) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("new@x.org",))
    desk.turn()
    google.delete(desk.address, event)
    desk.turn()
    appointment = Appointment.objects.get()
    booking.set_status(appointment, "confirmed")
    if how == "not inserted yet":
        google.control.add_fault(Fault(method="calendar.events.insert", status=500))
    take_turn(desk.google_calendar.pk, NOW, pulls=True)
    start = TOMORROW_AT_TEN
    if how == "moved here":
        start += DAY
        booking.reschedule(Appointment.objects.get(), starts_at=start, ends_at=start + HOUR)
    google.control.restore(desk.address, "primary", event["id"])
    for other in google.events(desk.address):
        if how.startswith("the other") and other["id"] != event["id"]:
            google.delete(desk.address, other)
    if how == "the other one deleted before":
        # As it is where the two are planned in two batches.
        GoogleEvent.objects.filter(google_id=event["id"]).update(not_before=NOW + HOUR)
        desk.turn()
        assert Appointment.objects.get().status == "cancelled"
        GoogleEvent.objects.update(not_before=None)
    if how == "moved there":
        start += DAY
        google.move(desk.address, event, start)
    for _ in range(3):
        desk.turn()
    appointment.refresh_from_db()
    back = "new" if how == "the other one deleted before" else "confirmed"
    assert (appointment.status, appointment.starts_at) == (back, start)
    [there] = google.events(desk.address)
    assert there["id"] == event["id"]
    assert datetime.datetime.fromisoformat(there["start"]["dateTime"]) == start
    row = GoogleEvent.objects.get(blocks=True)
    assert (row.google_id, row.appointment_id, row.starts_at) == (event["id"], appointment.pk, start)
    assert row.reason.startswith("Back at Google") or how == "moved here"
    booking.cancel(appointment)
    desk.turn()
    assert google.events(desk.address) == []


@pytest.mark.parametrize("how", ["made private", "setting changed"])
def test_private_event_that_has_an_appointment_keeps_its_guests(google: Google, how: str) -> None:
    desk = Desk(google, private_events="normal" if how == "setting changed" else "block")
    visibility = "private" if how == "setting changed" else "default"
    event = google.add(desk.address, guests=("new@x.org",), visibility=visibility)
    desk.turn()
    CalendarConfiguration.objects.update(private_events="block")
    google.change(desk.address, event, visibility="private", location="Elsewhere")
    desk.turn()
    appointment = Appointment.objects.get()
    assert (appointment.status, appointment.guests.count()) == ("new", 1)
    google.move(desk.address, event, TOMORROW_AT_TEN + DAY)
    desk.turn()
    appointment.refresh_from_db()
    assert appointment.starts_at == TOMORROW_AT_TEN + DAY


def test_meeting_that_comes_back_through_a_colleague_is_the_same_appointment(google: Google) -> None:
    """Its row was cancelled by Google and still holds the meeting's key."""
    one = Desk(google)
    google.control.add_person("client@x.org")
    event = google.add("client@x.org", guests=(one.address,))
    one.turn()
    google.change("client@x.org", event, attendees=[])
    one.turn()
    assert Appointment.objects.get().status == "cancelled"
    two = Desk(google)
    google.change("client@x.org", event, attendees=[{"email": two.address}])
    two.turn()
    appointment = Appointment.objects.get()
    # The organiser counts as a guest who accepted.
    assert appointment.status == "confirmed"
    assert two.user in {host.user for host in appointment.hosts.all()}


def test_meeting_cancelled_here_only_blocks_when_a_colleague_is_linked_later(google: Google) -> None:
    one = Desk(google)
    google.control.add_person("client@x.org")
    event = google.add("client@x.org", guests=(one.address,))
    one.turn()
    booking.cancel(Appointment.objects.get())
    one.turn()
    two = Desk(google)
    google.change(
        "client@x.org",
        event,
        attendees=[{"email": one.address, "responseStatus": "declined"}, {"email": two.address}],
    )
    two.turn()
    row = GoogleEvent.objects.get(google_calendar=two.google_calendar)
    assert (row.blocks, row.appointment, row.error) == (True, None, "")
    assert "cancelled here" in row.reason


def test_event_without_length_takes_no_time_and_is_not_retried(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("new@x.org",), end=TOMORROW_AT_TEN)
    desk.turn()
    row = GoogleEvent.objects.get()
    assert (row.blocks, row.appointment, row.is_planned) == (False, None, True)


def test_appointment_keeps_its_time_when_its_event_loses_its_length(google: Google) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("new@x.org",))
    desk.turn()
    google.change(desk.address, event, end={"dateTime": TOMORROW_AT_TEN.isoformat()})
    desk.turn()
    assert Appointment.objects.get().ends_at == TOMORROW_AT_TEN + HOUR


def test_q3_whole_account_waits_when_google_asks_for_it(google: Google) -> None:
    desk = Desk(google)
    clinic_id = google.control.add_calendar(desk.address, "Clinic")
    clinic = GoogleCalendar.objects.create(
        account=desk.account, google_id=clinic_id, access_role="owner", next_pull_at=NOW
    )
    google.control.add_fault(
        Fault(method="calendar.events.list", status=403, reason="quotaExceeded", count=1)
    )
    take_turn(desk.google_calendar.pk, NOW, pulls=True)
    google.control.clear_requests()
    assert "waits until" in take_turn(clinic.pk, NOW, pulls=True).error
    assert google.control.requests() == []
    assert GoogleAccount.objects.get().not_before is not None


def test_deleted_series_tells_once(google: Google) -> None:
    desk = Desk(google)
    event = add_series(google, desk)
    desk.turn()
    google.delete(desk.address, event)
    desk.turn()
    changes = AppointmentChange.objects.filter(what="cancelled").order_by("appointment__starts_at")
    assert [(change.fires, change.repeats_series) for change in changes] == [(True, False)] + 3 * [
        (False, True)
    ]


def test_shifted_exception_keeps_its_week_when_the_series_moves(google: Google) -> None:
    """Paired by where the series puts an occurrence, not by where one was moved to."""
    desk = Desk(google)
    event = add_series(google, desk, count=3)
    desk.turn()
    by_start = {appointment.starts_at: appointment.pk for appointment in Appointment.objects.all()}
    second = sorted(google.events(desk.address), key=lambda there: there["start"]["dateTime"])[1]
    google.move(desk.address, second, TOMORROW_AT_TEN + 2 * WEEK + DAY)
    desk.turn()
    google.move(desk.address, event, TOMORROW_AT_TEN + HOUR)
    desk.turn()
    after = {appointment.pk: appointment.starts_at for appointment in Appointment.objects.all()}
    first, third = by_start[TOMORROW_AT_TEN], by_start[TOMORROW_AT_TEN + 2 * WEEK]
    assert (after[first], after[third]) == (TOMORROW_AT_TEN + HOUR, TOMORROW_AT_TEN + 2 * WEEK + HOUR)


def test_contact_who_declines_googles_invitation_is_off_the_appointment(google: Google) -> None:
    desk = Desk(google)
    desk.calendar.invites_through_google = True
    desk.calendar.save()
    booking.book(
        calendar=desk.calendar,
        contact=ContactFactory(address="ann@x.org"),
        guests=[ContactFactory(address="bob@x.org")],
        owner=desk.user,
        starts_at=TOMORROW_AT_TEN,
        ends_at=TOMORROW_AT_TEN + HOUR,
    )
    desk.turn()
    [event] = google.events(desk.address)
    answers = [{"email": "ann@x.org", "responseStatus": "declined"}, {"email": "bob@x.org"}]
    google.change(desk.address, event, attendees=answers)
    desk.turn()
    appointment = Appointment.objects.get()
    assert [guest.contact.primary_address for guest in appointment.guests.all()] == ["bob@x.org"]
    assert (appointment.status, appointment.contact.primary_address) == ("new", "bob@x.org")


def test_appointment_restored_here_is_ours_from_then_on(google: Google) -> None:
    """Its own event was deleted; the one we insert has no guests, and that is no news."""
    desk = Desk(google)
    google.add(desk.address, guests=("new@x.org",))
    desk.turn()
    appointment = Appointment.objects.get()
    booking.cancel(appointment)
    desk.turn()
    booking.set_status(appointment, "confirmed")
    desk.turn()
    [again] = google.events(desk.address)
    google.move(desk.address, again, TOMORROW_AT_TEN + DAY)
    desk.turn()
    appointment.refresh_from_db()
    assert (appointment.status, appointment.starts_at) == ("confirmed", TOMORROW_AT_TEN + DAY)


def test_cancelling_what_is_older_than_the_policy_is_silent(google: Google) -> None:
    desk = Desk(google)
    CalendarConfiguration.objects.update(policy_since=NOW + HOUR)
    event = google.add(desk.address, guests=("new@x.org",))
    desk.turn()
    google.delete(desk.address, event)
    desk.turn()
    assert [change.fires for change in AppointmentChange.objects.all()] == [False, False]


def test_reconnect_does_not_apply_a_changed_option_to_old_events(google: Google) -> None:
    desk = Desk(google, "one_way", creation=False, trigger=False)
    ContactFactory(address="ann@x.org")
    google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    CalendarConfiguration.objects.update(sync_option="smart", allow_trigger=True)
    disconnecting.let_go(desk.account.pk)
    disconnecting.resume(desk.account.pk, NOW)
    desk.turn()
    row = GoogleEvent.objects.get()
    assert (row.blocks, row.appointment) == (True, None)
    google.add(desk.address, guests=("ann@x.org",), start=TOMORROW_AT_TEN + DAY)
    desk.turn()
    assert Appointment.objects.get().starts_at == TOMORROW_AT_TEN + DAY


def test_apply_takes_every_event_however_many_come_before(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calendars.sync.preview.PLANNED", 3)
    desk = Desk(google, "one_way", creation=False, trigger=False)
    for number in range(4):
        google.add(desk.address, start=TOMORROW_AT_TEN + number * HOUR)
    google.add(desk.address, guests=("new@x.org",), start=TOMORROW_AT_TEN + DAY)
    desk.turn()
    CalendarConfiguration.objects.update(sync_option="two_way", allow_contact_creation=True)
    assert apply_to_imported(CalendarConfiguration.objects.get(), NOW, fires=False) == 1


def test_worker_that_lost_its_claim_does_not_give_back_anothers(google: Google) -> None:
    desk = Desk(google)
    mine, theirs = Claim(desk.google_calendar.pk, NOW), Claim(desk.google_calendar.pk, NOW + HOUR)
    assert mine.take(Q())
    assert theirs.take(Q())
    mine.release()
    desk.google_calendar.refresh_from_db()
    assert desk.google_calendar.claimed_until == theirs.until
    theirs.release()
    desk.google_calendar.refresh_from_db()
    assert desk.google_calendar.claimed_until is None


def test_ignored_guests_are_named_as_the_cause(google: Google) -> None:
    desk = Desk(google, ignored_guests="corp.example")
    google.add(desk.address, guests=("boss@corp.example",))
    desk.turn()
    assert "guests are ignored" in GoogleEvent.objects.get().reason


def test_deletion_met_by_a_calendar_that_is_not_shown_any_more_waits(google: Google) -> None:
    """Google answers 404 for the calendar as well; taken for the event's, it lived on there for good."""
    desk = Desk(google)
    linked = desk.linked_to_boss()
    appointment = booking.book(
        calendar=desk.calendar,
        contact=ContactFactory(address="ann@x.org"),
        owner=desk.user,
        starts_at=TOMORROW_AT_TEN,
        ends_at=TOMORROW_AT_TEN + HOUR,
    )
    take_turn(linked.pk, NOW, pulls=True)
    google.control.share(linked.google_id, desk.address, None)
    booking.cancel(appointment)
    assert take_turn(linked.pk, NOW).has_failed
    target = PushTarget.objects.get()
    assert target.is_behind
    assert "no longer shows this calendar" in target.last_error


def test_pushes_behind_one_that_has_to_wait_wait_with_it(google: Google) -> None:
    """Each sweep tried the next of them, so that Google was asked every few seconds although it had said not now."""
    desk = Desk(google)
    desk.turn()
    for hours in range(5):
        booking.book(
            calendar=desk.calendar,
            contact=ContactFactory(),
            owner=desk.user,
            starts_at=TOMORROW_AT_TEN + hours * HOUR,
            ends_at=TOMORROW_AT_TEN + (hours + 1) * HOUR,
        )
    google.control.add_fault(Fault("calendar.events.insert", status=503, count=99))
    for _ in range(3):
        take_turn(desk.google_calendar.pk, NOW)
    assert len(google.control.requests("calendar.events.insert")) == 1
    google.control.clear_faults()
    PushTarget.objects.update(not_before=None)
    take_turn(desk.google_calendar.pk, NOW)
    assert len(google.events(desk.address)) == 5


def test_appointment_whose_event_becomes_a_large_meeting_lets_nobody_more_in(google: Google) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    crowd = [{"email": "ann@x.org"}, *({"email": f"guest{number}@x.org"} for number in range(25))]
    google.change(desk.address, event, attendees=crowd)
    desk.turn()
    appointment = Appointment.objects.get()
    assert [guest.address for guest in appointment.guests.all()] == ["ann@x.org"]
    assert appointment.status == "new"


def test_brake_holds_the_cancellations_and_nothing_else(google: Google) -> None:
    desk = Desk(google)
    series = add_series(google, desk, count=12)
    desk.turn()
    google.delete(desk.address, series)
    google.add(desk.address, start=TOMORROW_AT_TEN + 5 * HOUR)
    desk.turn()
    assert Appointment.objects.filter(status="cancelled").count() == 0
    assert GoogleEvent.objects.get(starts_at=TOMORROW_AT_TEN + 5 * HOUR).blocks


def test_long_uid_of_a_meeting_finds_the_colleagues_copy(google: Google) -> None:
    uid = f"{'x' * 300}@elsewhere.test"
    first, second = (
        read_event(
            {"id": name, "iCalUID": uid, "start": {"dateTime": "2026-03-03T10:00:00Z"}},
            calendar_time_zone="UTC",
        )
        for name in "ab"
    )
    assert first.ical_uid == second.ical_uid
    assert len(first.ical_uid) <= Appointment._meta.get_field("ical_uid").max_length


def test_time_that_won_over_googles_says_so_also_when_google_has_it(google: Google) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    booking.reschedule(
        Appointment.objects.get(), starts_at=TOMORROW_AT_TEN + DAY, ends_at=TOMORROW_AT_TEN + DAY + HOUR
    )
    google.move(desk.address, event, TOMORROW_AT_TEN + 2 * DAY)
    desk.turn()
    assert "the time set here won" in GoogleEvent.objects.get().reason


def test_refused_push_is_told_on_its_target_and_sync_now_tries_it_again(google: Google) -> None:
    desk = Desk(google)
    desk.turn()
    booking.book(
        calendar=desk.calendar,
        contact=ContactFactory(),
        owner=desk.user,
        starts_at=TOMORROW_AT_TEN,
        ends_at=TOMORROW_AT_TEN + HOUR,
    )
    google.control.add_fault(Fault("calendar.events.insert", status=403, reason="forbidden", message="No."))
    take_turn(desk.google_calendar.pk, NOW)
    assert PushTarget.objects.get().last_error == "Google does not allow this: No."
    browser = Client()
    browser.force_login(desk.user)
    page = browser.get("/settings/integrations/").content.decode()
    assert "1 appointment could not be sent to Google." in page
    assert "Google does not allow this: No." in page
    wake_pull(desk.account.pk)
    take_turn(desk.google_calendar.pk, NOW)
    assert len(google.events(desk.address)) == 1
