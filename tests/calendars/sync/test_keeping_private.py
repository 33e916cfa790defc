"""From an appointment to a private block and back: here it ends, at Google nothing changes."""

import datetime
from typing import Any

import pytest
from django.test import Client

from calendars import booking
from calendars.models import GoogleEvent, PushTarget
from calendars.sync import decide
from contacts.models import Appointment, AppointmentChange, Contact
from tests.factories import ContactFactory
from tests.google import HOUR, NOW, TOMORROW_AT_TEN, Desk, Google

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
WRITES = ("calendar.events.patch", "calendar.events.delete", "calendar.events.insert")


def writes(google: Google) -> list[str]:
    return [request.method for name in WRITES for request in google.control.requests(name)]


def series(google: Google, desk: Desk, number: int = 4) -> dict[str, Any]:
    times = {"start": TOMORROW_AT_TEN, "end": TOMORROW_AT_TEN + HOUR}
    body = {name: {"dateTime": at.isoformat(), "timeZone": "Europe/London"} for name, at in times.items()}
    return google.control.insert(
        desk.address,
        "primary",
        {
            "summary": "Therapy",
            "attendees": [{"email": "ann@x.org"}],
            "recurrence": [f"RRULE:FREQ=DAILY;COUNT={number}"],
            **body,
        },
    )


def test_appointment_becomes_a_private_block_and_google_hears_nothing(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("dentist@x.org",))
    desk.turn()
    google.control.clear_requests()
    event = decide.keep_private(GoogleEvent.objects.get(), by=desk.user, now=NOW)
    appointment = Appointment.objects.get()
    assert (appointment.status, event.outcome, event.blocks) == ("cancelled", "block", True)
    assert event.reason.startswith("Kept as a private block")
    change = appointment.changes.get(what=AppointmentChange.What.CANCELLED)
    assert (change.fires, change.by) == (False, desk.user)
    assert change.why == f"Kept as a private block by {desk.user}."
    for _ in range(2):
        desk.turn()
        desk.turn(full=True)
    assert writes(google) == []
    assert not PushTarget.objects.behind().exists()
    [there] = google.events(desk.address)
    assert [person["responseStatus"] for person in there["attendees"]] == ["needsAction"]
    assert Contact.objects.count() == 1


def test_it_stays_private_whatever_its_guests_or_its_time_become(google: Google) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("dentist@x.org",))
    desk.turn()
    decide.keep_private(GoogleEvent.objects.get(), by=desk.user, now=NOW)
    google.change(desk.address, event, attendees=[])
    desk.turn()
    people = [{"email": "dentist@x.org", "responseStatus": "accepted"}, {"email": "new@x.org"}]
    google.change(desk.address, event, attendees=people)
    google.move(desk.address, event, TOMORROW_AT_TEN + DAY)
    desk.turn()
    row = GoogleEvent.objects.get()
    assert (row.outcome, row.blocks, row.starts_at) == ("block", True, TOMORROW_AT_TEN + DAY)
    assert row.reason.startswith("Kept as a private block")
    assert Appointment.objects.get().status == "cancelled"
    assert not Contact.objects.filter(emails__address="new@x.org").exists()


def test_guest_who_returns_does_not_bring_back_what_is_kept_private(google: Google) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("dentist@x.org",))
    desk.turn()
    google.change(desk.address, event, attendees=[])
    desk.turn()
    decide.keep_private(GoogleEvent.objects.get(), by=desk.user, now=NOW)
    google.change(desk.address, event, attendees=[{"email": "dentist@x.org"}])
    desk.turn()
    assert Appointment.objects.get().status == "cancelled"


def test_invitation_kept_private_is_not_declined(google: Google) -> None:
    desk = Desk(google)
    google.control.add_person("clinic@x.org")
    google.add("clinic@x.org", guests=(desk.address,))
    desk.turn()
    decide.keep_private(GoogleEvent.objects.get(), by=desk.user, now=NOW)
    desk.turn()
    [there] = google.events(desk.address)
    assert [person["responseStatus"] for person in there["attendees"] if person.get("self")] == [
        "needsAction"
    ]
    assert GoogleEvent.objects.get().blocks


def test_what_was_booked_here_is_cancelled_on_its_own_page(google: Google) -> None:
    desk = Desk(google)
    desk.turn()
    booking.book(
        calendar=desk.calendar,
        contact=ContactFactory(),
        owner=desk.user,
        starts_at=TOMORROW_AT_TEN,
        ends_at=TOMORROW_AT_TEN + HOUR,
    )
    desk.turn()
    with pytest.raises(decide.NotPossible, match="made here"):
        decide.keep_private(GoogleEvent.objects.get(), by=desk.user, now=NOW)


def test_option_decides_again_and_the_same_appointment_returns_silently(google: Google) -> None:
    desk = Desk(google)
    event = google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    decide.keep_private(GoogleEvent.objects.get(), by=desk.user, now=NOW)
    desk.turn()
    google.control.clear_requests()
    row = decide.let_option_decide(GoogleEvent.objects.get(), by=desk.user, now=NOW)
    appointment = Appointment.objects.get()
    assert (row.decision, row.outcome, row.appointment) == ("", "appointment", appointment)
    assert (appointment.status, row.reason) == (
        "new",
        "The option decides again: the appointment is back, silently.",
    )
    assert [change.what for change in appointment.changes.filter(fires=True)] == ["booked"]
    desk.turn()
    assert writes(google) == []
    google.move(desk.address, event, TOMORROW_AT_TEN + DAY)
    desk.turn()
    assert Appointment.objects.get().starts_at == TOMORROW_AT_TEN + DAY


def test_option_that_makes_no_appointment_any_more_gives_none_back(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    decide.keep_private(GoogleEvent.objects.get(), by=desk.user, now=NOW)
    desk.configuration.sync_option = "one_way"
    desk.configuration.save()
    row = decide.let_option_decide(GoogleEvent.objects.get(), by=desk.user, now=NOW)
    assert (row.decision, row.outcome, Appointment.objects.get().status) == ("", "block", "cancelled")


def test_decision_on_an_event_without_an_appointment_is_taken_back(google: Google) -> None:
    desk = Desk(google, "smart", creation=False)
    google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    decide.keep_private(GoogleEvent.objects.get(), by=desk.user, now=NOW)
    ContactFactory(address="ann@x.org")
    row = decide.let_option_decide(GoogleEvent.objects.get(), by=desk.user, now=NOW)
    assert row.outcome == "appointment"
    with pytest.raises(decide.NotPossible, match="Nobody decided"):
        decide.let_option_decide(row, by=desk.user, now=NOW)


def test_what_staff_had_cancelled_before_is_not_given_back(google: Google) -> None:
    desk = Desk(google)
    google.control.add_person("ann@x.org")
    google.add("ann@x.org", guests=(desk.address,))
    desk.turn()
    booking.cancel(Appointment.objects.get())
    decide.keep_private(GoogleEvent.objects.get(), by=desk.user, now=NOW)
    decide.let_option_decide(GoogleEvent.objects.get(), by=desk.user, now=NOW)
    assert Appointment.objects.get().status == "cancelled"


def test_staff_who_bring_the_appointment_back_take_the_decision_back(google: Google) -> None:
    desk = Desk(google)
    google.add(desk.address, guests=("ann@x.org",))
    desk.turn()
    decide.keep_private(GoogleEvent.objects.get(), by=desk.user, now=NOW)
    booking.set_status(Appointment.objects.get(), "new", by=desk.user)
    desk.turn()
    row = GoogleEvent.objects.get()
    assert (row.decision, row.outcome, row.reason) == (
        "",
        "appointment",
        "The appointment was brought back: the event is no private block any more.",
    )
    assert len(google.events(desk.address)) == 1


class TestSeries:
    def test_whole_series_is_kept_private_and_new_occurrences_with_it(self, google: Google) -> None:
        desk = Desk(google)
        event = series(google, desk)
        desk.turn()
        google.control.clear_requests()
        second = GoogleEvent.objects.order_by("starts_at")[1]
        decide.keep_private(second, by=desk.user, now=NOW, whole_series=True)
        assert set(Appointment.objects.values_list("status", flat=True)) == {"cancelled"}
        google.change(desk.address, event, recurrence=["RRULE:FREQ=DAILY;COUNT=6"])
        desk.turn()
        assert writes(google) == []
        rows = GoogleEvent.objects.filter(status="confirmed")
        assert rows.count() == 6
        assert set(rows.values_list("outcome", "decision")) == {("block", "private")}
        assert Appointment.objects.count() == 4

    def test_series_that_moves_stays_private(self, google: Google) -> None:
        desk = Desk(google)
        event = series(google, desk)
        desk.turn()
        decide.keep_private(GoogleEvent.objects.first(), by=desk.user, now=NOW, whole_series=True)
        start, end = TOMORROW_AT_TEN + 2 * HOUR, TOMORROW_AT_TEN + 3 * HOUR
        google.change(
            desk.address,
            event,
            start={"dateTime": start.isoformat(), "timeZone": "Europe/London"},
            end={"dateTime": end.isoformat(), "timeZone": "Europe/London"},
        )
        desk.turn()
        living = GoogleEvent.objects.filter(status="confirmed")
        assert set(living.values_list("outcome", flat=True)) == {"block"}
        assert Appointment.objects.standing().count() == 0

    def test_option_decides_again_about_one_occurrence_or_about_all(self, google: Google) -> None:
        desk = Desk(google)
        event = series(google, desk)
        desk.turn()
        decide.keep_private(GoogleEvent.objects.first(), by=desk.user, now=NOW, whole_series=True)
        decide.let_option_decide(GoogleEvent.objects.first(), by=desk.user, now=NOW)
        assert Appointment.objects.standing().count() == 1
        last = GoogleEvent.objects.order_by("starts_at").last()
        decide.let_option_decide(last, by=desk.user, now=NOW, whole_series=True)
        assert Appointment.objects.standing().count() == 4
        google.change(desk.address, event, recurrence=["RRULE:FREQ=DAILY;COUNT=5"])
        desk.turn()
        assert Appointment.objects.standing().count() == 5
        fired = AppointmentChange.objects.filter(fires=True)
        assert [change.what for change in fired] == ["booked"]

    def test_one_occurrence_alone_leaves_the_others(self, google: Google) -> None:
        desk = Desk(google)
        event = series(google, desk)
        desk.turn()
        decide.keep_private(GoogleEvent.objects.first(), by=desk.user, now=NOW)
        google.change(desk.address, event, recurrence=["RRULE:FREQ=DAILY;COUNT=5"])
        desk.turn()
        assert Appointment.objects.standing().count() == 4


def meeting(google: Google) -> tuple[Desk, Desk]:
    """One meeting of two staff with a guest; the first organises it."""
    one, two = Desk(google), Desk(google)
    google.add(one.address, guests=(two.address, "ann@x.org"))
    for desk in (one, two, one):
        desk.turn()
    assert Appointment.objects.get().hosts.count() == 2
    return one, two


def copy_of(desk: Desk) -> GoogleEvent:
    return GoogleEvent.objects.get(google_calendar=desk.google_calendar)


def test_invited_colleague_keeps_their_copy_private_and_the_meeting_goes_on(google: Google) -> None:
    one, two = meeting(google)
    google.control.clear_requests()
    row = decide.keep_private(copy_of(two), by=two.user, now=NOW)
    for desk in (one, two):
        desk.turn()
    appointment = Appointment.objects.get()
    assert (appointment.status, [host.user for host in appointment.hosts.all()]) == ("new", [one.user])
    assert (row.outcome, row.appointment, writes(google)) == ("block", None, [])
    booking.cancel(appointment)
    for desk in (one, two):
        desk.turn()
    assert [request.path for request in google.control.requests("calendar.events.patch")] == []
    decide.let_option_decide(copy_of(two), by=two.user, now=NOW)
    assert Appointment.objects.get().status == "cancelled"


def test_organiser_keeps_it_private_and_no_copy_is_touched_at_google(google: Google) -> None:
    one, two = meeting(google)
    google.control.clear_requests()
    decide.keep_private(copy_of(one), by=one.user, now=NOW)
    for desk in (one, two, one, two):
        desk.turn()
    assert Appointment.objects.get().status == "cancelled"
    assert writes(google) == []
    assert (copy_of(two).outcome, copy_of(two).reason) == ("block", "The appointment was cancelled here.")


def test_page_of_an_event_with_an_appointment_offers_it_and_carries_it_out(google: Google) -> None:
    desk = Desk(google)
    series(google, desk, 2)
    desk.turn()
    client = Client()
    client.force_login(desk.user)
    first, second = GoogleEvent.objects.order_by("starts_at")
    text = client.get(f"/agenda/events/{first.pk}/").content.decode()
    assert 'value="private"' in text
    assert 'value="private-series"' in text
    assert 'value="make"' not in text
    assert 'value="option"' not in text
    assert (
        f'href="/agenda/events/{first.pk}/"'
        in client.get(f"/appointments/{first.appointment_id}/").content.decode()
    )
    answer = client.post(f"/agenda/events/{first.pk}/decide/", {"decision": "private"}, follow=True)
    assert answer.redirect_chain == [(f"/agenda/events/{first.pk}/", 302)]
    assert "Its contacts stay." in answer.content.decode()
    assert 'value="option"' in answer.content.decode()
    agenda = client.get(f"/agenda/?date={TOMORROW_AT_TEN:%Y-%m-%d}").content.decode()
    assert f"/agenda/events/{first.pk}/" in agenda
    client.post(f"/agenda/events/{first.pk}/decide/", {"decision": "private-series"})
    text = client.get(f"/agenda/events/{second.pk}/").content.decode()
    assert "for the whole series" in text
    client.post(f"/agenda/events/{second.pk}/decide/", {"decision": "option-series"})
    assert Appointment.objects.standing().count() == 2


@pytest.mark.parametrize("how", ["the option decides again", "brought back by staff"])
def test_copy_of_a_colleague_is_an_appointment_again_when_the_organiser_takes_privacy_back(
    google: Google, how: str
) -> None:
    desk, colleague = Desk(google), Desk(google)
    google.add(desk.address, guests=("ann@x.org", colleague.address))
    desk.turn()
    colleague.turn()
    copies = GoogleEvent.objects.filter(google_calendar=colleague.google_calendar)
    event = GoogleEvent.objects.get(google_calendar=desk.google_calendar)
    decide.keep_private(event, by=desk.user, now=NOW)
    colleague.turn()
    assert copies.get().outcome == "block"
    if how == "brought back by staff":
        booking.set_status(Appointment.objects.get(), "confirmed", by=desk.user)
    else:
        decide.let_option_decide(GoogleEvent.objects.get(pk=event.pk), by=desk.user, now=NOW)
    desk.turn()
    colleague.turn()
    row, appointment = copies.get(), Appointment.objects.get()
    assert (row.outcome, row.colour) == ("appointment", desk.calendar.colour)
    assert not appointment.is_void
    assert {host.user for host in appointment.hosts.all()} == {desk.user, colleague.user}
