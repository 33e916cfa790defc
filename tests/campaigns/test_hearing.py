"""What is said beforehand of who will be told is what then happens."""

from datetime import time, timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from campaigns.delivery import deliver_due
from campaigns.hearing import who_hears, who_hears_of_each
from contacts.models import Appointment, User
from tests.campaigns import rows
from tests.campaigns.rows import NOW, START, after, at_once, before
from tests.factories import ConfigurationFactory, GoogleCalendarFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
DAY = timedelta(days=1)
NO_CAMPAIGN = "no campaign is about {} appointments"
CUSTOMERS_ONLY = "this calendar’s notices are for customers’ bookings only"


def ada(**values: Any) -> Appointment:
    values.setdefault("calendar", rows.calendar())
    return rows.booked(rows.contact(), **values)


def done(appointment: Appointment, what: str) -> list[str]:
    """What `what` brings about: the subjects of all that leaves within the minute."""
    deliver_due(NOW)
    mail.outbox.clear()
    if what == "rescheduled":
        rows.moved(appointment, START + DAY)
    else:
        rows.with_status(appointment, "cancelled")
    deliver_due(NOW)
    return [letter.subject.partition(":")[0] for letter in mail.outbox]


@pytest.mark.parametrize(("what", "about"), [("rescheduled", "moved"), ("cancelled", "cancelled")])
def test_nobody_is_told_and_that_is_said_with_both_reasons(what: str, about: str) -> None:
    appointment = ada()
    rows.campaign(before(24))
    heard = who_hears([appointment], what)
    assert heard.words == f"Nobody is told: {NO_CAMPAIGN.format(about)} and {CUSTOMERS_ONLY}."
    assert heard.is_nobody
    assert done(appointment, what) == []


@pytest.mark.parametrize(
    ("setting", "origin", "is_told"),
    [("all", "staff", True), ("customers", "customer", True), ("none", "customer", False)],
)
@pytest.mark.parametrize(("what", "subject"), [("rescheduled", "Moved"), ("cancelled", "Cancelled")])
def test_the_calendars_own_notice_is_named_where_it_will_leave(
    setting: str, origin: str, is_told: bool, what: str, subject: str
) -> None:
    appointment = ada(calendar=rows.calendar(notices=setting), origin=origin)
    deliver_due(NOW)
    words = who_hears([appointment], what).words
    assert ("The calendar tells Ada Lovelace by e-mail." in words) is is_told
    assert ("this calendar sends no notices" in words) is not is_told
    assert done(appointment, what) == ([subject] if is_told else [])


@pytest.mark.parametrize("what", ["rescheduled", "cancelled"])
def test_a_campaign_is_named_with_what_it_sends(what: str) -> None:
    rows.campaign(at_once(subject="Heard"), before(2), after(3), name="Changes", on_changes=[what])
    appointment = ada()
    sent = "e-mails at once, 2 h before and 3 h after the end" if what == "rescheduled" else ""
    assert who_hears([appointment], what).words == (
        f"“Changes” sends {sent or 'e-mails at once and 3 h after the end'} to Ada Lovelace."
    )
    assert done(appointment, what) == ["Heard"]


@pytest.mark.parametrize(
    ("wish", "campaign", "why"),
    [
        ({"no_email": True}, {}, "nothing may reach them: The contact is not to be e-mailed"),
        ({}, {"is_active": False}, "it is switched off"),
        ({}, {"made_by": ["customer"]}, "it does not take what staff made"),
    ],
)
def test_why_a_campaign_says_nothing(wish: dict[str, Any], campaign: dict[str, Any], why: str) -> None:
    rows.campaign(at_once(), name="Changes", on_changes=["rescheduled"], **campaign)
    appointment = rows.booked(rows.contact(**wish), calendar=rows.calendar())
    words = who_hears([appointment], "rescheduled").words
    assert words == f"Nobody is told: “Changes” says nothing ({why}) and {CUSTOMERS_ONLY}."
    assert done(appointment, "rescheduled") == []


def test_who_wants_no_e_mail_is_not_told_by_the_calendar_either() -> None:
    appointment = rows.booked(rows.contact(no_email=True), calendar=rows.calendar(notices="all"))
    words = who_hears([appointment], "rescheduled").words
    assert words.endswith("moved appointments and the contact is not to be e-mailed.")
    assert done(appointment, "rescheduled") == []


def test_google_tells_where_the_calendar_invites_through_it() -> None:
    owner = rows.user()
    ConfigurationFactory.create(user=owner, linked_calendar=GoogleCalendarFactory.create(account__user=owner))
    appointment = ada(calendar=rows.calendar(notices="all", invites_through_google=True), owner=owner)
    assert who_hears([appointment], "rescheduled").words == "Google writes to Ada Lovelace."
    assert done(appointment, "rescheduled") == []


def test_what_has_begun_is_cancelled_without_a_word() -> None:
    appointment = ada(calendar=rows.calendar(notices="all"), starts_at=NOW - DAY)
    assert (
        who_hears([appointment], "cancelled").words == "Nobody is told: the appointment starts in the past."
    )
    assert done(appointment, "cancelled") == []


def test_several_seats_cost_as_many_statements_as_one(django_assert_max_num_queries: Any) -> None:
    calendar = rows.calendar(notices="all")
    rows.campaign(at_once(), on_changes=["rescheduled"])
    seats = [rows.booked(rows.contact(first_name=f"A{n}"), calendar=calendar) for n in range(6)]
    with django_assert_max_num_queries(26) as one:
        who_hears(seats[:1], "rescheduled")
    with django_assert_max_num_queries(len(one)):
        words = who_hears(seats, "rescheduled").words
    assert words.count(" Lovelace") == 8
    assert words.count(" and 2 more") == 2


def test_the_pages_say_it(desk: Client, me: User) -> None:
    appointment = ada(owner=me)
    page = desk.get(reverse("calendars:reschedule", args=[appointment.pk])).content.decode()
    assert f"Nobody is told: {NO_CAMPAIGN.format('moved')} and {CUSTOMERS_ONLY}." in page
    page = desk.get(appointment.get_absolute_url()).content.decode()
    assert f"Nobody is told: {NO_CAMPAIGN.format('cancelled')} and {CUSTOMERS_ONLY}." in page


@pytest.mark.parametrize("setting", ["all", "customers"])
def test_the_form_of_a_new_appointment_says_it_and_keeps_nothing(
    desk: Client, me: User, setting: str
) -> None:
    rows.campaign(at_once(subject="Welcome"), before(24), name="Reminder")
    person, calendar = rows.contact(), rows.calendar(notices=setting, confirms_automatically=True)
    typed = {"contact": person.pk, "calendar": calendar.pk, "owner": me.pk, "minutes": "30"}
    typed["starts_at"] = "2026-06-10T10:00"
    page = desk.post(reverse("calendars:told_of_booking"), typed).content.decode()
    assert ("The calendar tells Ada Lovelace by e-mail." in page) is (setting == "all")
    assert "“Reminder” sends e-mails at once and 24 h before to Ada Lovelace." in page
    assert not Appointment.objects.exists()
    desk.post(reverse("calendars:book"), typed)
    rows.look()
    deliver_due(NOW)
    told = [letter.subject.partition(":")[0] for letter in mail.outbox]
    assert told == (["Booked"] if setting == "all" else []) + ["Welcome"]


def test_a_reminder_that_would_be_late_is_not_promised(desk: Client, me: User) -> None:
    rows.campaign(before(24), before(1), name="Reminder")
    typed = {"contact": rows.contact().pk, "calendar": rows.calendar().pk, "owner": me.pk, "minutes": "30"}
    page = desk.post(
        reverse("calendars:told_of_booking"), {**typed, "starts_at": "2026-06-01T20:00"}
    ).content.decode()
    assert "“Reminder” sends an e-mail 1 h before to Ada Lovelace." in page


def test_a_form_that_does_not_say_enough_says_what_it_waits_for(desk: Client) -> None:
    page = desk.post(reverse("calendars:told_of_booking"), {"minutes": "30"}).content.decode()
    assert "it stands here who will be told" in page


def told_by(appointment: Appointment, status: str) -> list[str]:
    """The subjects of all that leaves within the minute of the change."""
    mail.outbox.clear()
    rows.with_status(appointment, status)
    deliver_due(NOW)
    return [letter.subject.partition(":")[0] for letter in mail.outbox]


@pytest.mark.parametrize("status", ["confirmed", "invalid", "showed", "no_show"])
@pytest.mark.parametrize("setting", ["none", "all"])
def test_of_every_status_it_is_said_who_is_told(status: str, setting: str) -> None:
    rows.campaign(at_once(subject="Heard"), name="Status", on_changes=[status])
    appointment = ada(calendar=rows.calendar(notices=setting))
    deliver_due(NOW)
    heard = who_hears([appointment], status).words
    notice = ["Confirmed"] if status == "confirmed" and setting == "all" else []
    calendars_own = "The calendar tells Ada Lovelace by e-mail. " if notice else ""
    assert heard == f"{calendars_own}“Status” sends an e-mail at once to Ada Lovelace."
    assert told_by(appointment, status) == [*notice, "Heard"]


@pytest.mark.parametrize(
    ("status", "about"),
    [("confirmed", "confirmed"), ("invalid", "invalid"), ("showed", "kept"), ("no_show", "missed")],
)
def test_of_a_status_that_tells_nobody_it_is_said_why(status: str, about: str) -> None:
    appointment = ada()
    heard = who_hears([appointment], status)
    assert heard.is_nobody
    assert heard.words.startswith(f"Nobody is told: {NO_CAMPAIGN.format(about)}")
    assert told_by(appointment, status) == []


@pytest.mark.parametrize("was", ["cancelled", "invalid"])
@pytest.mark.parametrize("setting", ["none", "all"])
def test_of_a_return_it_is_said_who_is_told(was: str, setting: str) -> None:
    rows.campaign(at_once(subject="Heard"), name="Status", on_changes=["booked", "confirmed"])
    rows.campaign(at_once(subject="Yes"), name="Confirmed", on_changes=["confirmed"])
    appointment = ada(calendar=rows.calendar(notices=setting))
    deliver_due(NOW)
    rows.with_status(appointment, was)
    deliver_due(NOW)
    appointment.refresh_from_db()
    heard = who_hears([appointment], "restored").words
    # Nobody had been told that it is invalid.
    notice = ["Booked"] if setting == "all" and was == "cancelled" else []
    calendars_own = "The calendar tells Ada Lovelace by e-mail. " if notice else ""
    assert heard == f"{calendars_own}“Confirmed” sends an e-mail at once to Ada Lovelace."
    assert told_by(appointment, "confirmed") == [*notice, "Yes"]


def test_of_a_return_that_tells_nobody_it_is_said_why() -> None:
    rows.campaign(at_once(), name="Welcome")
    appointment = ada()
    deliver_due(NOW)
    rows.with_status(appointment, "cancelled")
    appointment.refresh_from_db()
    assert who_hears([appointment], "restored").words == (
        f"Nobody is told: {NO_CAMPAIGN.format('confirmed')} and {CUSTOMERS_ONLY}."
    )
    assert told_by(appointment, "confirmed") == []


def test_what_a_campaign_said_of_this_time_it_does_not_promise_again() -> None:
    rows.campaign(at_once(subject="Off"), name="Cancelled", on_changes=["cancelled"])
    appointment = ada()
    assert told_by(appointment, "cancelled") == ["Off"]
    assert told_by(appointment, "confirmed") == []
    assert who_hears([appointment], "cancelled").words == (
        f"Nobody is told: “Cancelled” says nothing (what it says was sent already) and {CUSTOMERS_ONLY}."
    )
    assert told_by(appointment, "cancelled") == []


@pytest.mark.parametrize(
    ("steps", "what", "why"),
    [
        ([before(24)], "confirmed", "what it says comes too late"),
        ([at_once(medium="sms"), before(24)], "confirmed", "what it says comes too late or reaches nobody"),
        ([before(1)], "cancelled", "what it says is void then"),
        ([at_once(is_active=False)], "cancelled", "it has no message that is switched on"),
    ],
)
def test_a_campaign_that_says_nothing_says_what_becomes_of_its_messages(
    steps: list[dict[str, Any]], what: str, why: str
) -> None:
    rows.campaign(*steps, name="Sure", on_changes=[what])
    appointment = ada(starts_at=NOW + timedelta(hours=3))
    assert who_hears([appointment], what).words == (
        f"Nobody is told: “Sure” says nothing ({why}) and {CUSTOMERS_ONLY}."
    )
    assert told_by(appointment, what) == []


def test_what_waits_for_its_hours_is_not_promised_at_once() -> None:
    hours = {"window_starts": time(20), "window_ends": time(21)}
    rows.campaign(at_once(**hours), name="Evening", on_changes=["cancelled"])
    appointment = ada()
    assert who_hears([appointment], "cancelled").words == (
        "“Evening” sends an e-mail at once to Ada Lovelace. What is said at once waits until Mon 1 Jun, 19:00."
    )
    assert told_by(appointment, "cancelled") == []


def test_several_questions_cost_the_statements_of_one(django_assert_max_num_queries: Any) -> None:
    appointment = ada(calendar=rows.calendar(notices="all"))
    rows.campaign(at_once(), on_changes=["cancelled", "invalid"])
    deliver_due(NOW)
    with django_assert_max_num_queries(26):
        heard = who_hears_of_each([appointment], ["cancelled", "invalid"])
    assert "The calendar tells" in heard["cancelled"].words
    assert "The calendar tells" not in heard["invalid"].words


@pytest.mark.parametrize("setting", ["none", "customers", "all"])
def test_the_edit_page_says_who_hears_of_guests_added_and_taken_off(
    desk: Client, me: User, setting: str
) -> None:
    rows.campaign(at_once(subject="Welcome"), before(24), name="Reminder")
    appointment = ada(calendar=rows.calendar(notices=setting, confirms_automatically=True), owner=me)
    deliver_due(NOW)
    mail.outbox.clear()
    there, new = appointment.contact, rows.contact(first_name="Bea")
    typed = {"off": [there.pk], "add": [new.pk], "revision": appointment.revision}
    told = reverse("calendars:told_of_edit", args=[appointment.pk])
    page = desk.post(told, typed).content.decode()
    added, taken_off = page.split("Taken off:")
    assert "“Reminder” sends e-mails at once and 24 h before to Bea Lovelace." in added
    assert ("The calendar tells Bea Lovelace by e-mail." in added) is (setting == "all")
    assert ("The calendar tells Ada Lovelace by e-mail." in taken_off) is (setting == "all")
    assert (CUSTOMERS_ONLY in taken_off) is (setting == "customers")
    assert list(appointment.guests.values_list("contact", flat=True)) == [there.pk]
    desk.post(reverse("calendars:edit", args=[appointment.pk]), typed)
    rows.look()
    deliver_due(NOW)
    subjects = sorted((letter.to[0], letter.subject.partition(":")[0]) for letter in mail.outbox)
    of_calendar = [(there.primary_address, "Cancelled"), (new.primary_address, "Booked")]
    assert subjects == sorted([(new.primary_address, "Welcome"), *(of_calendar if setting == "all" else [])])


def test_the_edit_page_waits_until_somebody_is_added_or_taken_off(desk: Client, me: User) -> None:
    appointment = ada(owner=me)
    told = reverse("calendars:told_of_edit", args=[appointment.pk])
    assert "it stands here who will be told" in desk.post(told, {}).content.decode()
    page = desk.post(told, {"off": [appointment.contact_id]}).content.decode()
    assert "Somebody has to come." in page


@pytest.mark.parametrize("status", ["showed", "no_show"])
def test_who_presses_showed_or_no_show_reads_beforehand_who_is_told(
    desk: Client, me: User, status: str
) -> None:
    rows.campaign(at_once(), name="Afterwards", on_changes=[status])
    appointment = ada(owner=me, starts_at=NOW - DAY)
    page = desk.get(appointment.get_absolute_url()).content.decode()
    words = "“Afterwards” sends an e-mail at once to Ada Lovelace."
    assert page.count(words) == 1
    assert f"{appointment.Status(status).label}:</b> {words}" in page


def test_who_confirms_reads_beforehand_who_is_told(desk: Client, me: User) -> None:
    appointment = ada(calendar=rows.calendar(notices="all"), owner=me)
    deliver_due(NOW)
    page = desk.get(appointment.get_absolute_url()).content.decode()
    assert "Confirmed:</b> The calendar tells Ada Lovelace by e-mail." in page


def test_what_is_void_says_who_is_told_that_it_stands_again(desk: Client, me: User) -> None:
    appointment = ada(calendar=rows.calendar(notices="all"), owner=me)
    deliver_due(NOW)
    page = desk.get(appointment.get_absolute_url()).content.decode()
    assert "Cancelled:</b> The calendar tells Ada Lovelace by e-mail." in page
    assert "Marked as invalid:</b> Nobody is told: no campaign is about invalid appointments." in page
    rows.with_status(appointment, "cancelled")
    deliver_due(NOW)
    page = desk.get(appointment.get_absolute_url()).content.decode()
    assert "The calendar tells Ada Lovelace by e-mail. Reminders whose time is ahead come back." in page
