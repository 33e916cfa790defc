"""Sending: what is due, once, after everything was checked again."""

import datetime
import re
import smtplib
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import time_machine
from anymail.exceptions import AnymailUnsupportedFeature
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from calendars import booking
from campaigns import delivery
from campaigns.delivery import claims, deliver_due, message_id_of
from campaigns.delivery.claims import Claim
from campaigns.delivery.messages import Messages
from campaigns.delivery.turns import Turn
from campaigns.merge_fields import merge_fields
from campaigns.models import Message, Step
from campaigns.previewing import would_read
from campaigns.transports import CalendarFile, EmailTransport, Letter, Refused, Stopped, TryLater
from contacts.models import Appointment, Contact
from tests.campaigns import rows
from tests.campaigns.rows import NOW, START, after, before

pytestmark = pytest.mark.django_db
State = Message.State
DAY = timedelta(days=1)
DUE = START - DAY


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def only() -> Message:
    return Message.objects.get()


def told(now: datetime.datetime = DUE) -> list[tuple[str, str]]:
    return [(outcome.state, outcome.why) for outcome in deliver_due(now)]


def planned(*steps: dict[str, Any], person: Contact | None = None, **values: Any) -> Appointment:
    rows.campaign(*(steps or (before(24),)))
    return rows.booked(person, **values)


# --- does it, once ----------------------------------------------------------------------------------------------


def test_what_is_due_is_sent_and_kept_as_sent() -> None:
    planned(before(24, subject="Tomorrow", body="Hi {{ contact.first_name }}, at {{ appointment.time }}."))
    assert told() == [("sent", "")]
    (letter,) = mail.outbox
    message = only()
    assert (message.state, message.sent_at) == (State.SENT, NOW)
    assert letter.to == [message.recipient]
    assert letter.subject == message.subject == "Tomorrow"
    assert message.body_text.startswith("Hi Ada, at 11:00.")
    assert isinstance(letter, mail.EmailMultiAlternatives)
    assert letter.alternatives[0].content == message.body_html
    assert letter.extra_headers["Message-ID"] == message.message_id == message_id_of(message)


def test_what_is_not_due_waits() -> None:
    planned()
    assert told(DUE - timedelta(seconds=1)) == []
    assert only().state == State.WAITING


def test_running_twice_sends_once() -> None:
    planned()
    assert len(deliver_due(DUE)) == 1
    assert deliver_due(DUE) == []
    assert len(mail.outbox) == 1


def test_more_than_one_batch_goes_in_due_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "BATCH", 2)
    rows.campaign(before(24, when_late=Step.WhenLate.SEND))
    starts = [START + timedelta(minutes=minutes) for minutes in (30, 0, 20, 10, 40)]
    for start in starts:
        rows.booked(starts_at=start)
    outcomes = deliver_due(START - timedelta(minutes=1))
    assert [outcome.due_at for outcome in outcomes] == [start - DAY for start in sorted(starts)]
    assert {outcome.state for outcome in outcomes} == {State.SENT}


def test_times_are_told_in_the_contacts_zone() -> None:
    person = rows.contact(time_zone="America/New_York")
    planned(before(24, body="{{ appointment.starts_at }}"), person=person)
    deliver_due(DUE)
    assert only().body_text.startswith("Wednesday 10 June 2026, 06:00 EDT")


@pytest.mark.parametrize(
    ("zone", "time"),
    [
        ("America/New_York", "06:00 EDT"),
        ("America/Sao_Paulo", "07:00 UTC-03"),
        ("Europe/London", "11:00"),
        # Another name for the same clocks.
        ("Europe/Dublin", "11:00"),
        ("", "11:00"),
    ],
)
@pytest.mark.parametrize("medium", ["email", "sms"])
def test_a_time_names_its_zone_where_the_calendar_shows_another(zone: str, time: str, medium: str) -> None:
    person = rows.contact(time_zone=zone)
    person.phones.create(number="+447700900123", is_primary=True)
    told_at = "At {{ appointment.time }}"
    planned(before(24, medium=medium, subject=told_at, body=told_at), person=person)
    message = only()
    words = would_read(message)
    assert (words.subject, words.text) == (f"At {time}", f"At {time}\n")


# --- checked again ----------------------------------------------------------------------------------------------


def test_a_change_nobody_looked_at_yet_still_stops_the_message() -> None:
    appointment = planned()
    booking.cancel(appointment)
    assert told() == [("void", "The appointment is cancelled.")]
    assert mail.outbox == []


def test_a_moved_appointment_stops_the_message_until_it_is_planned_anew() -> None:
    appointment = planned()
    booking.reschedule(appointment, starts_at=START + DAY, ends_at=START + 2 * DAY)
    assert told() == [("void", "The appointment moved; this was planned for its old start.")]
    rows.look(DUE)
    assert rows.messages(appointment) == [("waiting", START)]
    assert told(START) == [("sent", "")]


def test_a_detached_guest_gets_nothing() -> None:
    appointment = planned(person=rows.contact(), guests=[rows.contact()])
    booking.detach(appointment, appointment.contact, origin="google", why="Declined")
    assert sorted(state for state, _ in told()) == ["sent", "void"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda e: Contact.objects.update(no_email=True), "The contact is not to be e-mailed."),
        (lambda e: Contact.objects.update(archived_at=NOW), "The contact is archived."),
        (lambda e: e.contact.emails.all().delete(), "The contact has no e-mail address."),
        (lambda e: e.campaign.steps.update(is_active=False), "The step is switched off."),
        (
            lambda e: e.campaign.steps.update(is_active=False, removed_at=NOW),
            "The step was removed from the campaign.",
        ),
        (lambda e: type(e.campaign).objects.update(is_active=False), "The campaign is switched off."),
    ],
)
def test_what_changed_since_planning_is_respected(change: Any, why: str) -> None:
    planned()
    change(only().enrolment)
    assert told() == [("skipped", why)]
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("step", "late", "expected"),
    [
        (before(24), timedelta(minutes=60), ("sent", "")),
        (before(24), timedelta(minutes=61), ("skipped", "More than 60 minutes late.")),
        (before(24, when_late=Step.WhenLate.SEND), timedelta(hours=5), ("sent", "")),
        (before(24, when_late=Step.WhenLate.SEND), DAY, ("skipped", "The appointment had begun.")),
        (before(0.5), timedelta(minutes=30), ("skipped", "The appointment had begun.")),
        (after(2), timedelta(minutes=61), ("skipped", "More than 60 minutes late.")),
    ],
)
def test_lateness_is_defined(step: dict[str, Any], late: timedelta, expected: tuple[str, str]) -> None:
    planned(step)
    assert told(only().due_at + late) == [expected]


# --- when it goes wrong -----------------------------------------------------------------------------------------


class Failing:
    recognises_repeats = True

    def __init__(self, error: Exception) -> None:
        self.error = error

    def send(self, *args: object, **kwargs: object) -> None:
        raise self.error


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setitem(delivery.TRANSPORTS, "email", Failing(error))


def test_temporary_trouble_is_tried_again_later_and_heals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "JITTER", (1, 1))
    planned()
    with time_machine.travel(DUE, tick=False) as clock:
        with monkeypatch.context() as patch:
            failing(patch, TryLater("Busy."))
            assert told(timezone.now()) == [("waiting", "Busy.")]
            assert told(timezone.now()) == []
            clock.shift(timedelta(minutes=1))
            assert told(timezone.now()) == [("waiting", "Busy.")]
            assert only().not_before == timezone.now() + timedelta(minutes=2)
        clock.shift(timedelta(minutes=2))
        assert told(timezone.now()) == [("sent", "")]
    assert len(mail.outbox) == 1


def test_temporary_trouble_ends_in_a_visible_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    planned()
    failing(monkeypatch, TryLater("Busy."))
    with time_machine.travel(DUE, tick=False) as clock:
        for _ in range(claims.MOST_ATTEMPTS):
            deliver_due(timezone.now())
            clock.shift(timedelta(minutes=21))
            Message.objects.filter(state=State.WAITING).update(due_at=timezone.now())
    assert (only().state, only().why) == (State.FAILED, "Given up after 6 attempts. Busy.")


def test_a_refusal_is_final_and_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    planned()
    failing(monkeypatch, Refused("The mail server refused it (550)."))
    assert told() == [("failed", "The mail server refused it (550).")]
    assert told() == []


def test_an_unexpected_error_fails_one_message_and_not_the_sweep(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rows.campaign(before(24, subject="s", body="{{ contact.frist_name }}"))
    planned(before(24))
    assert sorted(told()) == [
        ("failed", "contact.frist_name is undefined."),
        ("sent", ""),
    ]
    planned(before(12))
    monkeypatch.setattr("campaigns.delivery.messages.merge_fields", Failing(RuntimeError("boom")).send)
    why = "An unexpected error (RuntimeError) before it could be sent."
    assert ("failed", why) in told(START - timedelta(hours=12))
    assert "could not be made" in caplog.text


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (smtplib.SMTPRecipientsRefused({"a@x": (550, b"no")}), Refused),
        (smtplib.SMTPRecipientsRefused({"a@x": (450, b"greylisted")}), TryLater),
        (smtplib.SMTPDataError(554, b"spam"), Refused),
        (smtplib.SMTPServerDisconnected("gone"), TryLater),
        (smtplib.SMTPAuthenticationError(535, b"no"), Stopped),
        (ConnectionRefusedError(), TryLater),
        (TimeoutError(), TryLater),
    ],
)
def test_mail_errors_are_named_after_what_to_do(
    error: Exception, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> int:
        raise error

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", broken)
    with pytest.raises(expected):
        EmailTransport().send(Letter("ada@example.com", "s", "t", "<p>t</p>", "<1@x>"))


def test_a_service_without_further_parts_still_gets_the_calendar_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Several of anymail's refuse every alternative but HTML, before anything leaves."""
    sent: list[mail.EmailMultiAlternatives] = []

    def plain(self: object, letters: list[mail.EmailMultiAlternatives]) -> int:
        if any(part.mimetype != "text/html" for part in letters[0].alternatives):
            raise AnymailUnsupportedFeature("alternative part")
        sent.extend(letters)
        return 1

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", plain)
    file = CalendarFile("REQUEST", "BEGIN:VCALENDAR\r\n")
    EmailTransport().send(Letter("ada@example.com", "s", "t", "<p>t</p>", "<1@x>", calendar=file))
    (attached,) = sent[0].attachments
    assert attached == ("invite.ics", b"BEGIN:VCALENDAR\r\n", "application/ics")


# --- what a dead worker left ------------------------------------------------------------------------------------


def stuck(*, begun: bool, until: datetime.datetime) -> Message:
    message = only()
    message.state, message.claimed_until = State.SENDING, until
    message.message_id = message_id_of(message) if begun else ""
    message.save(update_fields=["state", "claimed_until", "message_id"])
    return message


@pytest.mark.parametrize("begun", [True, False])
def test_a_dead_workers_email_goes_again_under_the_same_message_id(begun: bool) -> None:
    planned()
    message = stuck(begun=begun, until=NOW - timedelta(seconds=1))
    assert told() == [("sent", "")]
    assert mail.outbox[0].extra_headers["Message-ID"] == message_id_of(message)


def test_a_living_workers_claim_is_left_alone() -> None:
    planned()
    stuck(begun=True, until=NOW + timedelta(minutes=1))
    assert told() == []
    assert only().state == State.SENDING


def test_a_dead_workers_sms_waits_for_a_person() -> None:
    person = rows.contact()
    person.phones.create(number="+442079460000", is_primary=True)
    planned(before(24, medium=Step.Medium.SMS), person=person)
    stuck(begun=True, until=NOW - timedelta(seconds=1))
    assert told() == []
    assert (only().state, only().why) == (State.UNKNOWN, "A worker stopped while sending it.")


def test_a_begun_message_that_may_no_longer_go_out_is_unknown_rather_than_void() -> None:
    appointment = planned()
    booking.cancel(appointment)
    stuck(begun=True, until=NOW - timedelta(seconds=1))
    ((state, why),) = told()
    assert state == State.UNKNOWN
    assert why.endswith("Not repeated: The appointment is cancelled.")


def test_a_worker_that_lost_its_claim_neither_sends_nor_records() -> None:
    planned()
    claimed = claims.claim(Messages(), "email", now=DUE, real=NOW)
    assert isinstance(claimed, Claim)
    (row,) = Messages().read(claimed.pks)
    Message.objects.update(claimed_until=claimed.until + timedelta(minutes=1))
    assert Turn(Messages(), "email", claimed, row, DUE, NOW).deliver()
    assert only().state == State.SENDING
    assert mail.outbox == []


# --- SMS --------------------------------------------------------------------------------------------------------


@pytest.fixture
def gateway(settings: Settings) -> Iterator[list[bytes]]:
    """A gateway on loopback that answers what the number's last digits say, and what it was sent."""
    taken: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append(body)
            found = re.search(rb'00(\d{3})"', body)
            self.send_response(int(found.group(1)) if found else 500)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silent: a test's output is its result."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings.SMS_URL = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "state", "why"),
    [
        (202, "sent", ""),
        (400, "failed", "The SMS service refused it (400)."),
        (503, "waiting", "The SMS service asked to try later (503)."),
    ],
)
def test_sms_goes_to_the_gateway(gateway: list[bytes], status: int, state: str, why: str) -> None:
    person = rows.contact()
    person.phones.create(number=f"+442079000{status}", is_primary=True)
    planned(before(24, medium=Step.Medium.SMS, body="See you {{ appointment.time }}"), person=person)
    assert told() == [(state, why)]
    assert b"See you 11:00" in gateway[0]


def test_sms_without_a_service_or_a_number_says_so() -> None:
    person = rows.contact()
    number = person.phones.create(number="+442079460000", is_primary=True)
    planned(before(24, medium=Step.Medium.SMS), before(12, medium=Step.Medium.SMS), person=person)
    number.delete()
    assert told() == [("skipped", "The contact has no phone number.")]
    person.phones.create(number="+442079460000", is_primary=True)
    assert told(START - timedelta(hours=12)) == [("failed", "No SMS service is set up (SMS_URL).")]


# --- the command ------------------------------------------------------------------------------------------------


def test_command_looks_delivers_and_prints_a_line_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    rows.campaign(before(24), name="Day before")
    with time_machine.travel(NOW - timedelta(minutes=1)):
        rows.book(rows.contact("ada@example.com"))
    call_command("deliver")
    assert only().state == State.WAITING
    call_command("deliver", at="2026-06-09T11:30+01:00")
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "2026-06-09 10:00  Day before  ada@example.com  sent"


def test_command_says_that_nothing_is_due(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("deliver", at="2026-06-09")
    assert capsys.readouterr().out == "Nothing is due at 2026-06-09 00:00 UTC.\n"


def test_command_fails_when_a_message_did(monkeypatch: pytest.MonkeyPatch) -> None:
    planned()
    failing(monkeypatch, Refused("No."))
    with pytest.raises(CommandError, match=r"1 of 1 could not be sent\.") as caught:
        call_command("deliver", at=DUE.isoformat())
    assert caught.value.returncode == 1


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01", "2026-02-30T10:00", "T10"])
def test_command_refuses_a_moment_it_cannot_read(text: str) -> None:
    with pytest.raises(CommandError, match="is no moment") as caught:
        call_command("deliver", at=text)
    assert caught.value.returncode == 2


def test_reminder_of_a_meeting_from_google_names_no_place_that_its_event_does_not() -> None:
    room = rows.calendar(location="Room 1")
    asked = rows.book(calendar=room)
    asked.location = ""
    assert merge_fields(asked, asked.contact)["appointment"]["location"] == "Room 1"
    asked.origin = "google"
    assert merge_fields(asked, asked.contact)["appointment"]["location"] == ""


@pytest.mark.parametrize(
    ("hour", "told"), [(22, "23:30"), (23, "00:30"), (24, "01:30 BST"), (25, "01:30 GMT"), (26, "02:30")]
)
def test_time_that_comes_twice_when_clocks_go_back_says_which_of_both(hour: int, told: str) -> None:
    eve = datetime.datetime(2026, 10, 24, 0, 30, tzinfo=datetime.UTC)
    night = rows.book(starts_at=eve + datetime.timedelta(hours=hour))
    assert merge_fields(night, night.contact)["appointment"]["time"] == told


def test_the_usual_title_is_told_as_the_calendars_name_to_everybody_who_comes() -> None:
    ann, bob = rows.contact(first_name="Ann", last_name="Lee"), rows.contact()
    visit = rows.book(ann, calendar=rows.calendar(name="Back class"), guests=[bob])
    assert merge_fields(visit, ann)["appointment"]["title"] == "Back class"
    assert merge_fields(visit, bob)["appointment"]["title"] == "Back class"
    visit.title = "Knee group"
    assert merge_fields(visit, bob)["appointment"]["title"] == "Knee group"


@pytest.mark.parametrize("title", ["Back class: Ann Lee", "Follow-up with ann lee", "Visit of A. typed"])
def test_title_that_names_its_first_contact_is_told_to_them_alone_also_after_the_calendar_was_renamed(
    title: str,
) -> None:
    ann, bob = rows.contact(first_name="Ann", last_name="Lee"), rows.contact()
    visit = rows.book(ann, calendar=rows.calendar(name="Spine class"), guests=[bob], title=title)
    visit.guests.filter(contact=ann).update(name="A. Typed")
    assert merge_fields(visit, ann)["appointment"]["title"] == title
    assert merge_fields(visit, bob)["appointment"]["title"] == "Spine class"
