"""From a change to the mail: written once, worded as things stand, sent once, and void when it is no longer true."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core import mail
from django.db import IntegrityError

from calendars import booking
from calendars.models import Calendar, PushTarget
from campaigns import delivery
from campaigns.delivery import claims, deliver_due, message_id_of
from campaigns.delivery.notices import Notices
from campaigns.models import Notice
from campaigns.notices.wording import when
from campaigns.transports import Letter, Refused, TryLater
from campaigns.triggers import enrol_missing, look_at
from contacts.models import Appointment, AppointmentChange, Contact, User
from tests.calendars.test_ics import read
from tests.campaigns import rows
from tests.campaigns.rows import NOW, START, before
from tests.factories import ConfigurationFactory, GoogleCalendarFactory

pytestmark = pytest.mark.django_db
State, Kind = Notice.State, Notice.Kind
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def physio(**values: Any) -> Calendar:
    return rows.calendar(**{"name": "Physiotherapy", "confirms_automatically": True, **values})


def by_customer(person: Contact | None = None, **values: Any) -> Appointment:
    values.setdefault("calendar", None)
    values["calendar"] = values["calendar"] or physio()
    return rows.booked(person or rows.contact("ada@example.com"), origin="customer", **values)


def notices(appointment: Appointment) -> list[tuple[str, str, str]]:
    found = Notice.objects.filter(appointment=appointment).order_by("pk")
    return [(notice.kind, notice.state, notice.why) for notice in found]


def told(now: Any = NOW) -> list[tuple[str, str, str]]:
    return [(outcome.about, outcome.state, outcome.why) for outcome in deliver_due(now)]


def subjects() -> list[str]:
    return [f"{letter.to[0].partition('@')[0]}: {letter.subject}" for letter in mail.outbox]


def file_of(letter: Any) -> tuple[str, dict[str, Any]]:
    """The content type of the calendar part and the event in it; "" and {} where there is none."""
    parsed = message_from_bytes(letter.message().as_bytes(), policy=policy.default)
    parts = [part for part in parsed.walk() if part.get_content_type() == "text/calendar"]
    if not parts:
        return "", {}
    (part,) = parts
    (attached,) = [part for part in parsed.walk() if part.get_filename() == "invite.ics"]
    file = attached.get_payload(decode=True)
    assert part.get_content().replace("\r\n", "\n") == file.decode().replace("\r\n", "\n")
    calendar, event = read(file)
    assert calendar["METHOD"][1] == part["Content-Type"].params["method"]
    return str(part["Content-Type"]), {name: value for name, (_, value) in event.items()}


# --- who gets what ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "origin", "kinds"),
    [
        ("customers", "customer", ["booked", "moved", "cancelled"]),
        ("customers", "staff", []),
        ("all", "staff", ["booked", "moved", "cancelled"]),
        ("all", "google", []),
        ("none", "customer", []),
    ],
)
def test_the_calendar_says_whose_appointments_are_told(setting: str, origin: str, kinds: list[str]) -> None:
    appointment = rows.booked(origin=origin, calendar=physio(notices=setting))
    told()
    rows.moved(appointment, START + DAY)
    told()
    rows.with_status(appointment, "cancelled")
    told()
    assert notices(appointment) == [(kind, "sent", "") for kind in kinds]


def test_every_guest_is_told_at_the_address_they_gave() -> None:
    ada, bob = rows.contact("ada@example.com"), rows.contact("bob@example.com")
    by_customer(ada, guests=[bob], addresses={ada.pk: "ada.home@example.com"})
    told()
    assert sorted(letter.to[0] for letter in mail.outbox) == ["ada.home@example.com", "bob@example.com"]


def test_a_guest_who_is_added_or_taken_off_is_told_alone() -> None:
    appointment, bob = by_customer(), rows.contact("bob@example.com", first_name="Bob")
    told()
    booking.attach(appointment, bob)
    rows.look()
    told()
    booking.detach(appointment, bob)
    rows.look()
    told()
    assert subjects() == [
        "ada: Booked: Physiotherapy, Wednesday 10 June, 11:00",
        "bob: Booked: Physiotherapy, Wednesday 10 June, 11:00",
        "bob: Cancelled: Physiotherapy, Wednesday 10 June, 11:00",
    ]
    assert "Your place in this appointment is cancelled." in mail.outbox[-1].body


def test_a_customer_who_takes_a_seat_in_a_class_is_told_of_it_and_of_what_follows() -> None:
    appointment = rows.booked(rows.contact("ada@example.com"), calendar=physio())
    booking.attach(appointment, rows.contact("bob@example.com"), origin="customer")
    rows.look()
    told()
    rows.moved(appointment, START + DAY)
    told()
    assert [line.partition(",")[0] for line in subjects()] == [
        "bob: Booked: Physiotherapy",
        "bob: Moved: Physiotherapy",
    ]


def test_who_did_not_ask_for_it_is_told_that_it_is_to_be_confirmed() -> None:
    guest = rows.contact("bob@example.com")
    by_customer(calendar=physio(confirms_automatically=False), guests=[guest])
    told()
    assert subjects() == [
        "ada: Request received: Physiotherapy, Wednesday 10 June, 11:00",
        "bob: To be confirmed: Physiotherapy, Wednesday 10 June, 11:00",
    ]
    assert "Your appointment is planned." in mail.outbox[1].body


def test_a_calendar_that_confirms_by_hand_tells_twice() -> None:
    appointment = by_customer(calendar=physio(confirms_automatically=False))
    told()
    rows.with_status(appointment, "confirmed")
    told()
    assert "We have received your request." in mail.outbox[0].body
    assert "It is not confirmed yet" in mail.outbox[0].body
    assert "is booked" not in mail.outbox[0].body
    files = [file_of(letter)[1] for letter in mail.outbox]
    assert [file["STATUS"] for file in files] == ["TENTATIVE", "CONFIRMED"]
    assert int(files[0]["SEQUENCE"]) < int(files[1]["SEQUENCE"])
    assert subjects()[0] == "ada: Request received: Physiotherapy, Wednesday 10 June, 11:00"
    assert subjects()[1] == "ada: Confirmed: Physiotherapy, Wednesday 10 June, 11:00"
    rows.with_status(appointment, "showed")
    rows.with_status(appointment, "confirmed")
    assert len(notices(appointment)) == 2


def test_what_a_person_moved_in_google_is_told_unless_it_is_silent() -> None:
    appointment = by_customer()
    told()
    rows.moved(appointment, START + DAY, origin="google")
    told()
    rows.moved(appointment, START + 2 * DAY, origin="google", fires=False, why="Disable trigger.")
    told()
    assert notices(appointment) == [
        ("booked", "sent", ""),
        ("moved", "sent", ""),
        ("moved", "skipped", "Disable trigger."),
    ]


@pytest.mark.parametrize(
    ("origin", "states"), [("customer", ["sent", "sent", "sent"]), ("staff", ["sent", "skipped", "skipped"])]
)
def test_do_not_disturb_holds_back_what_staff_did_and_not_what_people_did_themselves(
    origin: str, states: list[str]
) -> None:
    appointment = by_customer(rows.contact("ada@example.com", no_email=True))
    told()
    rows.moved(appointment, START + DAY, origin=origin)
    told()
    rows.with_status(appointment, "cancelled", origin=origin)
    told()
    assert [state for _, state, _ in notices(appointment)] == states
    assert "Stop these e-mails" not in mail.outbox[0].body


def test_do_not_disturb_keeps_who_came_along_quiet() -> None:
    appointment = by_customer(guests=[rows.contact("bob@example.com", no_email=True)])
    told()
    assert [why for *_, why in notices(appointment)] == ["", "The contact is not to be e-mailed."]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda person: Contact.objects.update(archived_at=NOW), "The contact is archived."),
        (
            lambda person: Contact.objects.get(pk=person).attendances.update(address="nobody"),
            "What is kept as their e-mail address is none.",
        ),
    ],
)
def test_who_cannot_be_told_is_left_out_in_words(change: Any, why: str) -> None:
    appointment = by_customer()
    change(appointment.contact_id)
    assert told() == [("Confirmation", "skipped", why)]


def test_without_an_address_nothing_is_sent() -> None:
    by_customer(rows.contact(None))
    assert told() == [("Confirmation", "skipped", "The contact has no e-mail address.")]


def test_what_has_begun_is_not_told() -> None:
    appointment = by_customer()
    assert told(START) == [("Confirmation", "skipped", "The appointment had begun.")]
    rows.moved(appointment, NOW - DAY)
    assert notices(appointment)[-1] == ("moved", "skipped", "The appointment starts in the past.")


# --- once -------------------------------------------------------------------------------------------------


def test_a_lost_signal_loses_no_notice_and_a_second_look_doubles_none() -> None:
    appointment = rows.book(rows.contact("ada@example.com"), origin="customer", calendar=physio())
    change = appointment.changes.get()
    assert notices(appointment) == []
    assert enrol_missing(change.at + MINUTE) == 1
    look_at(change.pk, now=NOW)
    assert notices(appointment) == [("booked", "waiting", "")]
    told(change.at + MINUTE)
    assert told(change.at + MINUTE) == []
    assert len(mail.outbox) == 1


def test_the_database_holds_one_notice_a_change_and_person() -> None:
    appointment = by_customer()
    notice = Notice.objects.get(appointment=appointment)
    notice.pk = None
    with pytest.raises(IntegrityError):
        notice.save()


def test_a_notice_comes_before_the_message_of_a_campaign() -> None:
    rows.campaign(rows.at_once(subject="Welcome"))
    by_customer()
    told()
    assert [letter.subject.partition(":")[0] for letter in mail.outbox] == ["Booked", "Welcome"]


def test_a_dead_workers_notice_goes_again_under_its_message_id() -> None:
    appointment = by_customer()
    notice = Notice.objects.get(appointment=appointment)
    mailing = Notices()
    claimed = claims.claim(mailing, "email", now=NOW, real=NOW)
    assert isinstance(claimed, claims.Claim)
    (row,) = mailing.read(claimed.pks)
    letter = mailing.letter(row, NOW)
    assert claims.record_begun(mailing, row, claimed, letter)
    assert told() == []
    late = claimed.until + MINUTE
    with time_machine.travel(late, tick=False):
        assert told(late) == [("Confirmation", "sent", "")]
    assert mail.outbox[0].extra_headers["Message-ID"] == letter.message_id == message_id_of(notice)


def test_a_begun_notice_that_is_no_longer_true_is_unknown() -> None:
    appointment = by_customer()
    Notice.objects.update(state=State.SENDING, claimed_until=NOW - MINUTE, message_id="<1@x>")
    rows.with_status(appointment, "cancelled")
    assert [state for _, state, _ in told()] == ["unknown", "sent"]


def test_a_notice_waits_for_the_one_before_it() -> None:
    appointment = by_customer()
    Notice.objects.update(state=State.SENDING, claimed_until=NOW + MINUTE)
    rows.moved(appointment, START + DAY)
    assert told() == [("Move", "waiting", "The notice before it is on its way.")]


class Failing:
    recognises_repeats = True

    def __init__(self, error: Exception) -> None:
        self.error = error

    def send(self, letter: Letter) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "state"),
    [(Refused("The mail server refused it (550)."), "failed"), (TryLater("Busy."), "waiting")],
)
def test_what_the_mail_server_says_is_kept(
    error: Exception, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_customer()
    monkeypatch.setitem(delivery.TRANSPORTS, "email", Failing(error))
    assert told() == [("Confirmation", state, str(error))]


# --- overtaken --------------------------------------------------------------------------------------------


def test_booked_and_moved_before_anything_left_is_one_mail_of_the_new_time() -> None:
    appointment = by_customer()
    rows.moved(appointment, START + DAY)
    assert told() == [("Confirmation", "sent", "")]
    assert notices(appointment) == [
        ("booked", "void", "The appointment moved since."),
        ("booked", "sent", ""),
    ]
    assert subjects() == ["ada: Booked: Physiotherapy, Thursday 11 June, 11:00"]
    assert "It was" not in mail.outbox[0].body
    assert file_of(mail.outbox[0])[1]["SEQUENCE"] == "2"


def test_a_move_that_nobody_looked_at_yet_is_told_once() -> None:
    appointment = by_customer()
    booking.reschedule(appointment, starts_at=START + DAY, ends_at=START + DAY + 30 * MINUTE)
    assert told() == [("Confirmation", "sent", "")]
    assert "Thursday 11 June" in mail.outbox[0].subject
    rows.look()
    assert told() == [("Move", "void", "They were told already.")]


def test_a_silent_move_leaves_the_confirmation_that_waits_to_tell_the_new_time() -> None:
    appointment = by_customer()
    rows.moved(appointment, START + DAY, origin="google", fires=False, why="Quiet.")
    assert told() == [("Confirmation", "sent", "")]
    assert "Thursday 11 June" in mail.outbox[0].subject


def test_cancelled_by_themselves_before_anything_left_tells_nothing() -> None:
    appointment = by_customer()
    rows.with_status(appointment, "cancelled", origin="customer")
    assert told() == []
    assert notices(appointment) == [
        ("booked", "void", "The appointment was cancelled."),
        ("cancelled", "skipped", "Nothing had been sent."),
    ]


def test_who_booked_on_the_page_hears_that_staff_cancelled_before_the_confirmation_left() -> None:
    appointment = by_customer()
    rows.with_status(appointment, "cancelled")
    told()
    assert [(kind, state) for kind, state, _ in notices(appointment)] == [
        ("booked", "void"),
        ("cancelled", "sent"),
    ]


def test_a_cancellation_that_nobody_looked_at_yet_stops_the_confirmation() -> None:
    appointment = by_customer()
    booking.cancel(appointment, origin="customer")
    assert told() == [("Confirmation", "void", "The appointment is cancelled.")]
    rows.look()
    assert notices(appointment)[-1] == ("cancelled", "skipped", "Nothing had been sent.")


def test_a_restored_appointment_is_told_to_whoever_thinks_it_cancelled() -> None:
    appointment = by_customer()
    told()
    rows.with_status(appointment, "cancelled")
    rows.with_status(appointment, "confirmed")
    assert [(kind, state) for kind, state, _ in notices(appointment)] == [
        ("booked", "sent"),
        ("cancelled", "waiting"),
        ("booked", "skipped"),
    ]
    assert told() == [("Cancellation", "void", "The appointment stands again.")]
    rows.with_status(appointment, "cancelled")
    told()
    rows.with_status(appointment, "confirmed")
    told()
    sequences = [int(file_of(letter)[1]["SEQUENCE"]) for letter in mail.outbox]
    assert [line.split()[1] for line in subjects()] == ["Booked:", "Cancelled:", "Booked:"]
    assert sequences == sorted(set(sequences))


# --- the calendar file ------------------------------------------------------------------------------------


def test_the_file_is_one_entry_from_booking_to_cancellation() -> None:
    appointment = by_customer(calendar=physio(location="12 High Street, Leith"))
    told()
    rows.moved(appointment, START + DAY)
    told()
    rows.with_status(appointment, "cancelled")
    told()
    files = [file_of(letter) for letter in mail.outbox]
    assert [kind for kind, _ in files] == [
        'text/calendar; method="REQUEST"; charset="utf-8"',
        'text/calendar; method="REQUEST"; charset="utf-8"',
        'text/calendar; method="CANCEL"; charset="utf-8"',
    ]
    assert {event["UID"] for _, event in files} == {f"{appointment.pk}@appointments.tandem-crm"}
    assert [event["SEQUENCE"] for _, event in files] == ["1", "2", "3"]
    assert [event["STATUS"] for _, event in files] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert [event["DTSTART"] for _, event in files] == [
        "20260610T100000Z",
        "20260611T100000Z",
        "20260611T100000Z",
    ]
    assert files[0][1]["LOCATION"] == r"12 High Street\, Leith"
    assert Notice.objects.filter(calendar_file__startswith="BEGIN:VCALENDAR\r\n").count() == 3


def linked() -> User:
    """Somebody whose appointments go to Google."""
    configuration = ConfigurationFactory(user=rows.user(), linked_calendar=GoogleCalendarFactory())
    assert configuration.user is not None
    return configuration.user


def test_where_google_invites_the_mail_carries_no_invitation_and_the_rest_is_googles() -> None:
    appointment = by_customer(calendar=physio(invites_through_google=True), owner=linked())
    assert told() == [("Confirmation", "sent", "")]
    assert file_of(mail.outbox[0]) == ("", {})
    assert "The invitation for your calendar comes from Google." in mail.outbox[0].body
    rows.moved(appointment, START + DAY)
    assert [state for _, state, _ in told()] == ["skipped"]
    rows.with_status(appointment, "cancelled")
    assert told() == [("Cancellation", "skipped", "Google tells them: this calendar invites through Google.")]


def test_where_google_invites_a_booking_by_staff_is_googles_to_tell() -> None:
    rows.booked(calendar=physio(invites_through_google=True, notices="all"), owner=linked())
    assert [state for _, state, _ in told()] == ["skipped"]


@pytest.mark.parametrize("is_linked", [True, False])
def test_where_no_google_calendar_holds_it_the_invitation_is_ours(is_linked: bool) -> None:
    by_customer(calendar=physio(invites_through_google=True), owner=linked() if is_linked else rows.user())
    PushTarget.objects.update(is_withdrawn=True)
    told()
    assert file_of(mail.outbox[0])[0].startswith("text/calendar")


# --- words ------------------------------------------------------------------------------------------------


def test_the_confirmation_says_what_when_where_with_whom_and_until_when_it_may_change() -> None:
    owner = rows.user(first_name="Dana", last_name="Whitfield")
    appointment = by_customer(
        rows.contact("ada@example.com", time_zone="America/New_York"),
        calendar=physio(location="12 High Street"),
        meeting_url="https://meet.google.com/abc-defg-hij",
        owner=owner,
    )
    told()
    (letter,) = mail.outbox
    assert letter.subject == "Booked: Physiotherapy, Wednesday 10 June, 06:00 EDT"
    link = re.search(r"http://\S+", letter.body.partition("until")[2])
    assert link
    assert letter.body == (
        "Your appointment is booked.\n\n"
        "What: Physiotherapy\n"
        "When: Wednesday 10 June 2026, 06:00 to 06:30 EDT (America/New_York)\n"
        "Where: 12 High Street\n"
        "Online: https://meet.google.com/abc-defg-hij\n"
        "With: Dana Whitfield\n\n"
        "Move or cancel it until Tuesday 9 June 2026, 06:00 EDT:\n"
        f"{link.group()}\n\n"
        "Tandem\n"
    )
    html = letter.alternatives[0].content  # type: ignore[attr-defined]  # an e-mail with parts
    assert f'href="{link.group()}"' in html
    assert "Wednesday 10 June 2026, 06:00 to 06:30 EDT (America/New_York)" in html
    assert 'style="' in html
    assert appointment.pk.hex in link.group()


def test_a_move_says_when_it_was() -> None:
    appointment = by_customer()
    told()
    rows.moved(appointment, START + DAY)
    told()
    assert "It was Wednesday 10 June 2026, 11:00 to 11:30 BST (Europe/London)." in mail.outbox[1].body


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"allows_cancel": False}, "Move it until"),
        ({"allows_reschedule": False}, "Cancel it until"),
        ({"allows_reschedule": False, "allows_cancel": False}, None),
        ({"change_deadline": timedelta(days=30)}, None),
        ({"change_deadline": timedelta(0)}, "Move or cancel it until Wednesday 10 June 2026, 11:00 BST"),
    ],
)
def test_the_link_is_there_only_while_it_does_something(values: dict[str, Any], words: str | None) -> None:
    by_customer(calendar=physio(**values))
    told()
    body = mail.outbox[0].body
    assert words in body if words else "http://" not in body


def test_what_people_type_is_escaped_and_stays_on_its_line() -> None:
    by_customer(
        calendar=physio(name="Tea & <b>cake</b>\r\nBcc: all@example.com"), location="<script>\nRoom 1"
    )
    told()
    (letter,) = mail.outbox
    assert letter.subject.startswith("Booked: Tea & <b>cake</b> Bcc: all@example.com, Wednesday")
    assert "Where: <script> Room 1" in letter.body
    html = letter.alternatives[0].content  # type: ignore[attr-defined]  # an e-mail with parts
    assert "Tea &amp; &lt;b&gt;cake&lt;/b&gt;" in html
    assert "<script" not in html
    assert len(letter.recipients()) == 1


# --- cost -------------------------------------------------------------------------------------------------


def test_an_import_from_google_costs_no_statement_more(django_assert_num_queries: Any) -> None:
    for setting in ("none", "all"):
        rows.campaign(before(24))
        appointment = rows.book(origin="google", calendar=physio(notices=setting))
        change = AppointmentChange.objects.get(appointment=appointment)
        with django_assert_num_queries(23):
            look_at(change.pk, now=NOW)


@pytest.mark.parametrize("guests", [0, 4])
def test_telling_takes_the_same_statements_for_one_guest_and_five(
    guests: int, django_assert_num_queries: Any
) -> None:
    appointment = by_customer(guests=[rows.contact() for _ in range(guests)])
    booking.reschedule(appointment, starts_at=START + DAY, ends_at=START + 2 * DAY)
    change = appointment.changes.latest("pk")
    with django_assert_num_queries(18):
        look_at(change.pk, now=NOW)
    assert Notice.objects.filter(state=State.WAITING).count() == guests + 1


@pytest.mark.parametrize(
    ("starts", "minutes", "words"),
    [
        ((10, 25, 0, 30), 30, "Sunday 25 October 2026, 01:30 BST to 01:00 GMT"),
        ((10, 25, 0, 30), 60, "Sunday 25 October 2026, 01:30 BST to 01:30 GMT"),
        ((10, 25, 1, 0), 30, "Sunday 25 October 2026, 01:00 to 01:30 GMT"),
        ((3, 29, 0, 45), 30, "Sunday 29 March 2026, 00:45 GMT to 02:15 BST"),
        ((10, 24, 22, 45), 30, "Saturday 24 October 2026, 23:45 to Sunday 25 October 2026, 00:15 BST"),
    ],
)
def test_times_around_a_change_of_clocks_say_which_they_are(
    starts: tuple[int, int, int, int], minutes: int, words: str
) -> None:
    start = datetime(2026, *starts, tzinfo=rows.UTC)
    assert when(start, start + minutes * MINUTE, ZoneInfo("Europe/London")) == f"{words} (Europe/London)"
