"""What mail services report of what was sent, over anymail's own webhooks; and what they answer when they refuse."""

import base64
import datetime
import json
import smtplib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from campaigns.delivery import deliver_due, message_id_of
from campaigns.models import Message, Notice
from campaigns.transports import EmailTransport, Letter, Refused, Stopped, TryLater
from campaigns.transports.answers import is_gone, of_http, of_smtp, wait_of
from config.variables import Variables
from contacts.models import Contact
from tests.campaigns import rows
from tests.campaigns.rows import NOW, START, before

pytestmark = pytest.mark.django_db
DUE = START - datetime.timedelta(days=1)
SECRET = "mail:a-long-password"
Report = Message.Report
WEBHOOK = "/carriers/mail/postmark/tracking/"


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture(autouse=True)
def secret(settings: Settings) -> None:
    settings.ANYMAIL = {"WEBHOOK_SECRET": [SECRET]}


def posted(event: dict[str, Any], *, by: str = SECRET, to: str = WEBHOOK) -> int:
    given = base64.b64encode(by.encode()).decode()
    answer = Client().post(
        to, json.dumps(event), content_type="application/json", headers={"Authorization": f"Basic {given}"}
    )
    return answer.status_code


def sent() -> Message:
    """A message that the mail service took under the name "m-1"."""
    rows.campaign(before(24))
    rows.booked(rows.contact("ada@example.com"))
    deliver_due(DUE)
    Message.objects.update(carrier_id="m-1")
    return Message.objects.get()


def delivered(**values: Any) -> dict[str, Any]:
    return {
        "RecordType": "Delivery",
        "MessageID": "m-1",
        "Recipient": "ada@example.com",
        "DeliveredAt": "2026-06-09T10:00:05Z",
        "Metadata": {},
        **values,
    }


def bounced(kind: str = "HardBounce", details: str = "", **values: Any) -> dict[str, Any]:
    return {
        "RecordType": "Bounce",
        "Type": kind,
        "MessageID": "m-1",
        "Email": "ada@example.com",
        "BouncedAt": "2026-06-09T10:00:06Z",
        "Details": details,
        "Metadata": {},
        **values,
    }


COMPLAINT = bounced("SpamComplaint", RecordType="SpamComplaint")


def test_delivered_is_written_on_its_message() -> None:
    message = sent()
    assert posted(delivered()) == 200
    message.refresh_from_db()
    assert (message.state, message.report) == ("sent", Report.DELIVERED)
    assert message.reported_at == datetime.datetime(2026, 6, 9, 10, 0, 5, tzinfo=datetime.UTC)


def test_a_report_before_the_receipt_was_written_finds_its_row() -> None:
    message = sent()
    Message.objects.update(carrier_id="")
    posted(delivered(Metadata={"tandem_id": message_id_of(message)}))
    message.refresh_from_db()
    assert (message.report, message.carrier_id) == (Report.DELIVERED, "m-1")


def test_a_hard_bounce_marks_the_address_once_and_the_next_message_is_not_tried() -> None:
    message = sent()
    person = Contact.objects.get()
    # Already in the campaign when the bounce comes; whoever cannot be reached no longer enters.
    rows.booked(person, starts_at=rows.START + datetime.timedelta(days=1))
    answer = "smtp;550 5.1.1 The email account does not exist"
    assert [posted(bounced(details=answer)), posted(bounced(details=answer)), posted(delivered())] == [
        200
    ] * 3
    message.refresh_from_db()
    assert message.report == Report.BOUNCED
    assert message.report_why == f"The mail server said: {answer}"
    assert person.emails.get().undeliverable_why == f"The mail server said: {answer}"
    assert person.activities.count() == 1
    deliver_due(DUE + datetime.timedelta(days=1))
    last = Message.objects.latest("pk")
    assert (last.state, last.why) == (
        "skipped",
        f"The address is marked as undeliverable: The mail server said: {answer}",
    )


@pytest.mark.parametrize(
    ("kind", "details", "is_marked"),
    [
        ("HardBounce", "", True),
        ("HardBounce", "550 5.7.1 blocked by policy", False),
        ("SoftBounce", "", False),
        ("SoftBounce", "452 4.2.2 mailbox full", False),
        ("SoftBounce", "550 5.1.1 no such user", True),
        ("BadEmailAddress", "", True),
        ("Blocked", "", False),
    ],
)
def test_only_what_speaks_of_the_address_marks_it(kind: str, details: str, is_marked: bool) -> None:
    message = sent()
    posted(bounced(kind, details))
    message.refresh_from_db()
    assert message.report == Report.BOUNCED
    assert (Contact.objects.get().emails.get().undeliverable_at is not None) == is_marked


def test_a_complaint_stops_e_mail_to_everybody_with_that_address() -> None:
    message = sent()
    twin = rows.contact("ada@example.com")
    assert [posted(COMPLAINT), posted(COMPLAINT)] == [200, 200]
    message.refresh_from_db()
    assert message.report == Report.COMPLAINED
    assert Contact.objects.filter(no_email=True).count() == 2
    assert [each.text for each in twin.activities.all()] == [
        "Reported our e-mail as spam, so they get no more"
    ]
    assert twin.emails.get().undeliverable_at is None


def test_an_unsubscribe_at_the_service_counts() -> None:
    sent()
    posted(
        {
            "RecordType": "SubscriptionChange",
            "MessageID": "m-1",
            "Recipient": "ada@example.com",
            "ChangedAt": "2026-06-09T10:00:06Z",
            "SuppressSending": True,
            "SuppressionReason": "ManualSuppression",
        }
    )
    assert Contact.objects.get().no_email


def test_what_is_not_ours_changes_nothing() -> None:
    message = sent()
    forged = f"<message-{message.pk}.0000000000000000@tandem.example>"
    assert posted(delivered(MessageID="m-2", Metadata={"tandem_id": forged})) == 200
    message.refresh_from_db()
    assert message.report == ""


def test_whoever_lacks_the_secret_is_refused(settings: Settings) -> None:
    message = sent()
    assert posted(delivered(), by="mail:guess") == 400
    settings.ANYMAIL = {"WEBHOOK_SECRET": []}
    assert posted(delivered()) == 404
    assert posted(delivered(), to="/carriers/mail/postmark/inbound/") == 404
    message.refresh_from_db()
    assert message.report == ""


def noticed(person: Contact) -> Notice:
    """The confirmation of what `person` booked themselves, after delivery."""
    rows.booked(person, origin="customer", calendar=rows.calendar(confirms_automatically=True))
    deliver_due(NOW)
    return Notice.objects.get(contact=person)


def test_a_notice_to_an_address_that_leads_nowhere_says_so() -> None:
    person = rows.contact("old@example.com")
    person.emails.update(undeliverable_at=NOW, undeliverable_why="Gone.")
    notice = noticed(person)
    assert (notice.state, notice.why) == ("skipped", "The address is marked as undeliverable: Gone.")


def test_a_notice_goes_to_another_address_of_theirs_that_is_deliverable() -> None:
    person = rows.contact("old@example.com")
    person.emails.update(undeliverable_at=NOW, undeliverable_why="Gone.")
    person.emails.create(address="new@example.com")
    notice = noticed(person)
    assert (notice.state, notice.recipient) == ("sent", "new@example.com")


# --- what a service or server answers ---------------------------------------------------------------------------


@pytest.fixture
def postmark(settings: Settings) -> Iterator[dict[str, Any]]:
    """Postmark's API on loopback: answers with `status` and `headers`, and keeps what it took."""
    seen: dict[str, Any] = {"status": 200, "headers": {}, "taken": []}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            one = body[0] if isinstance(body, list) else body
            seen["taken"].append(one)
            answer: Any = {"ErrorCode": 0, "Message": "OK", "MessageID": "m-7", "To": one["To"]}
            answer = [answer] if isinstance(body, list) else answer
            content = json.dumps(answer).encode()
            self.send_response(seen["status"])
            for name, value in seen["headers"].items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Silent: a test's output is its result."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    reader = Variables()
    reader.ENVIRON = {"EMAIL_URL": f"postmark://token@/?api_url=http://127.0.0.1:{server.server_port}/"}
    config = reader.email_url("EMAIL_URL")
    settings.EMAIL_BACKEND, settings.ANYMAIL = config["EMAIL_BACKEND"], config["ANYMAIL"]
    try:
        yield seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


LETTER = Letter(
    "ada@example.com", "Hi", "Hi", "<p>Hi</p>", "<message-1.ab@x>", "https://crm.example.com/u/1/"
)


def test_a_service_gets_text_html_our_id_and_the_one_click_unsubscribe(postmark: dict[str, Any]) -> None:
    assert EmailTransport().send(LETTER).carrier_id == "m-7"
    (taken,) = postmark["taken"]
    headers = {each["Name"]: each["Value"] for each in taken["Headers"]}
    assert (taken["TextBody"], taken["HtmlBody"]) == ("Hi", "<p>Hi</p>")
    assert headers["Message-ID"] == LETTER.message_id
    assert headers["List-Unsubscribe"] == f"<{LETTER.unsubscribe_url}>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert taken["Metadata"] == {"tandem_id": LETTER.message_id}


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, Stopped), (403, Stopped), (402, Stopped), (429, TryLater), (503, TryLater), (413, Refused)],
)
def test_a_services_refusals_are_named_after_what_to_do(
    postmark: dict[str, Any], status: int, error: type[Exception]
) -> None:
    postmark["status"], postmark["headers"] = status, {"Retry-After": "120"}
    with pytest.raises(error) as caught:
        EmailTransport().send(LETTER)
    if isinstance(caught.value, TryLater):
        assert caught.value.wait == datetime.timedelta(minutes=2)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("550 5.1.1 whatever", True),
        ("5.1.1", True),
        ("550 5.7.1 no such user here", False),
        ("552 5.2.2 mailbox full", False),
        ("4.2.1 try later", False),
        ("550 No such user here", True),
        ("550 User unknown", True),
        ("550 Mailbox ada@example.com does not exist", True),
        ("550 rejected", False),
        ("host 10.5.1.1.2 said no", False),
        ("", False),
    ],
)
def test_only_some_answers_say_that_an_address_leads_nowhere(words: str, expected: bool) -> None:
    assert is_gone(words) == expected


@pytest.mark.parametrize(
    ("code", "error"),
    [(421, TryLater), (451, TryLater), (530, Stopped), (534, Stopped), (535, Stopped), (550, Refused)],
)
def test_smtp_codes_are_named_after_what_to_do(code: int, error: type[Exception]) -> None:
    assert type(of_smtp(code, "")) is error


def test_a_refused_recipient_leads_nowhere_and_a_refused_sender_stops_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def raising(error: Exception) -> Any:
        def broken(*args: object) -> int:
            raise error

        return broken

    where = "django.core.mail.backends.locmem.EmailBackend.send_messages"
    gone = smtplib.SMTPRecipientsRefused({"ada@example.com": (550, b"5.1.1 unknown")})
    monkeypatch.setattr(where, raising(gone))
    with pytest.raises(Refused) as caught:
        EmailTransport().send(LETTER)
    assert caught.value.leads_nowhere
    monkeypatch.setattr(where, raising(smtplib.SMTPSenderRefused(553, b"not yours", "us@x")))
    with pytest.raises(Stopped):
        EmailTransport().send(LETTER)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30),
        ("999999999", 86_400),
        ("Mon, 01 Jun 2026 12:01:00 GMT", 60),
        ("Mon, 01 Jun 2026 11:00:00 GMT", None),
        ("0", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: int | None) -> None:
    wait = wait_of({"retry-after": header}, NOW)
    assert (None if wait is None else wait.total_seconds()) == seconds


def test_an_unknown_error_of_ours_is_refused() -> None:
    assert type(of_http(422, "mail service", {}, NOW)) is Refused
