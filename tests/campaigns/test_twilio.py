"""Text messages through Twilio's own client, against the stand-in over real HTTP, and what comes back."""

import datetime
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import CommandError, call_command
from pytest_django import Settings
from twilio.request_validator import RequestValidator

from campaigns import carrying, replies
from campaigns.carrier_sandbox import ACCOUNT, SENDER, TOKEN, CarrierSandbox
from campaigns.carrier_sandbox.twilio import Post, sign
from campaigns.delivery import deliver_due
from campaigns.models import Carrier as CarrierRow
from campaigns.models import Message, Step
from campaigns.transports import Letter, Receipt, Refused, SmsTransport, Stopped, TryLater, Unclear, twilio
from campaigns.transports.twilio import Account, account_of, is_signed
from contacts.models import Contact
from tests.campaigns import rows
from tests.campaigns.carrier import SITE, URL, Carrier
from tests.campaigns.rows import NOW, START, before

pytestmark = pytest.mark.django_db
DUE = START - datetime.timedelta(days=1)
PHONE = "+447700900123"
State, Report = Message.State, Message.Report


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def letter(number: str = PHONE, text: str = "Hello") -> Letter:
    return Letter(number, "", text, "", "<message-1.abc@x>")


def planned(number: str = PHONE, **values: Any) -> Contact:
    """Somebody with a number, and a text that is due at DUE."""
    person = rows.contact(**values)
    person.phones.create(number=number, is_primary=True)
    rows.campaign(before(24, medium=Step.Medium.SMS, body="See you {{ appointment.time }}"))
    rows.booked(person)
    return person


def only() -> Message:
    return Message.objects.get()


def timeline(person: Contact) -> list[str]:
    return list(person.activities.order_by("pk").values_list("text", flat=True))


# --- sending ----------------------------------------------------------------------------------------------------


def test_a_text_arrives_on_its_phone(carrier: Carrier) -> None:
    receipt = SmsTransport().send(letter(text=" Hello, it’s us \n"))
    (text,) = carrier.sandbox.texts
    assert (text.phone, text.body) == (PHONE, "Hello, it’s us")
    assert receipt == Receipt(text.sid)


@pytest.mark.parametrize(
    ("number", "error", "leads_nowhere"),
    [
        ("+15005550001", Refused, True),
        ("+442079460000", Refused, True),
        ("+15005550009", Refused, True),
        ("+15005550002", Refused, False),
        ("+15005550003", Refused, False),
        ("+15005550103", TryLater, None),
        ("+15005550104", Stopped, None),
        ("+15005550105", Unclear, None),
    ],
)
def test_errors_are_named_after_what_to_do(
    carrier: Carrier, number: str, error: type[Exception], leads_nowhere: bool | None
) -> None:
    with pytest.raises(error) as caught:
        SmsTransport().send(letter(number))
    assert getattr(caught.value, "leads_nowhere", None) == leads_nowhere


def test_it_waits_as_long_as_twilio_asks(carrier: Carrier) -> None:
    with pytest.raises(TryLater) as caught:
        SmsTransport().send(letter("+15005550103"))
    assert caught.value.wait == datetime.timedelta(seconds=30)


def test_no_answer_after_the_request_left_is_unclear(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio, "TIMEOUT_SECONDS", 0.3)
    with pytest.raises(Unclear):
        SmsTransport().send(letter("+15005550106"))
    assert len(carrier.sandbox.texts) == 1


def test_a_server_that_is_not_there_is_tried_later(settings: Settings) -> None:
    settings.SMS_URL, settings.TWILIO_API_URL = URL, "http://127.0.0.1:9"
    with pytest.raises(TryLater, match=r"Twilio could not be reached\."):
        SmsTransport().send(letter())


@pytest.mark.parametrize(
    "url",
    [
        f"twilio://{ACCOUNT}:wrong@/?from={SENDER}",
        f"twilio://AC1:{TOKEN}@/?from={SENDER}",
        f"twilio://{ACCOUNT}:{TOKEN}@/?from=%2B447700900999",
        f"twilio://{ACCOUNT}:{TOKEN}@/",
    ],
)
def test_what_is_wrong_with_our_account_stops_the_carrier(
    carrier: Carrier, settings: Settings, url: str
) -> None:
    settings.SMS_URL = url
    with pytest.raises(Stopped):
        SmsTransport().send(letter())


def test_a_messaging_service_sends_in_place_of_a_number(carrier: Carrier, settings: Settings) -> None:
    carrier.sandbox.sender = "MG" + "1" * 32
    settings.SMS_URL = f"twilio://{ACCOUNT}:{TOKEN}@/?messaging_service={carrier.sandbox.sender}"
    SmsTransport().send(letter())
    assert len(carrier.sandbox.texts) == 1


@pytest.mark.parametrize("written", ["+441632960000", "%2B441632960000"])
def test_a_number_in_the_address_keeps_its_plus(written: str) -> None:
    assert account_of(f"twilio://AC1:t%40k@/?from={written}") == Account("AC1", "t@k", "+441632960000")


# --- what delivery makes of it ----------------------------------------------------------------------------------


def test_a_stopped_carrier_is_noted_and_the_message_waits_unharmed(
    carrier: Carrier, settings: Settings
) -> None:
    settings.SMS_URL = f"twilio://{ACCOUNT}:wrong@/?from={SENDER}"
    planned()
    deliver_due(DUE)
    row = CarrierRow.objects.get()
    assert (row.medium, row.stopped_at, row.stopped_why) == (
        "sms",
        NOW,
        "Twilio: our credentials were refused (20003).",
    )
    assert (only().state, only().attempts) == (State.WAITING, 0)
    settings.SMS_URL = URL
    assert carrying.resume("sms")
    deliver_due(DUE + datetime.timedelta(minutes=2))
    assert only().state == State.SENT


def test_a_number_that_leads_nowhere_is_marked_and_the_next_text_is_not_tried(carrier: Carrier) -> None:
    person = planned("+442079460000")
    # Already in the campaign when the refusal comes; whoever cannot be reached no longer enters.
    rows.booked(person, starts_at=rows.START + datetime.timedelta(days=1))
    deliver_due(DUE)
    phone = person.phones.get()
    assert (phone.undeliverable_at, phone.undeliverable_why) == (NOW, "Twilio: not a mobile number (21614).")
    deliver_due(DUE + datetime.timedelta(days=1))
    last = Message.objects.latest("pk")
    assert (last.state, last.why) == (
        State.SKIPPED,
        "The number is marked as undeliverable: Twilio: not a mobile number (21614).",
    )


def test_another_number_of_theirs_is_used_instead(carrier: Carrier) -> None:
    person = planned("+442079460000")
    person.phones.create(number=PHONE)
    person.phones.filter(is_primary=True).update(undeliverable_at=NOW, undeliverable_why="Landline")
    deliver_due(DUE)
    assert [text.phone for text in carrier.sandbox.texts] == [PHONE]


def test_whoever_opted_out_at_the_carrier_is_not_texted_again(carrier: Carrier) -> None:
    person = planned()
    carrier.sandbox.stopped.add(PHONE)
    deliver_due(DUE)
    person.refresh_from_db()
    assert (only().state, only().why, person.no_sms) == (
        State.FAILED,
        "Twilio: they wrote STOP (21610).",
        True,
    )
    assert timeline(person) == ["Asked the SMS service to stop texts from us"]


# --- reports ----------------------------------------------------------------------------------------------------


def test_a_delivered_text_says_so(carrier: Carrier) -> None:
    planned()
    deliver_due(DUE)
    assert only().carrier_id == carrier.sandbox.texts[0].sid
    assert carrier.report() == [204, 204]
    assert (only().state, only().report, only().reported_at) == (State.SENT, Report.DELIVERED, NOW)


def test_reports_may_come_doubled_and_in_any_order(carrier: Carrier) -> None:
    planned()
    deliver_due(DUE)
    sent, delivered = carrier.taken()
    assert [carrier.post(form) for form in (delivered, sent, delivered, sent)] == [204] * 4
    assert (only().report, only().report_why) == (Report.DELIVERED, "")


def test_a_report_before_the_receipt_was_written_finds_its_row(carrier: Carrier) -> None:
    planned()
    deliver_due(DUE)
    Message.objects.update(carrier_id="", state=State.SENDING, sent_at=None)
    carrier.report()
    assert (only().report, only().carrier_id) == (Report.DELIVERED, carrier.sandbox.texts[0].sid)


def test_a_report_settles_a_text_of_unknown_outcome(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio, "TIMEOUT_SECONDS", 0.3)
    planned("+15005550106")
    deliver_due(DUE)
    assert only().state == State.UNKNOWN
    carrier.report()
    assert (only().state, only().report) == (State.SENT, Report.DELIVERED)


def test_a_report_of_an_earlier_attempt_says_nothing_of_the_last(carrier: Carrier) -> None:
    planned()
    deliver_due(DUE)
    Message.objects.update(carrier_id="SM" + "0" * 32)
    carrier.report()
    assert only().report == ""


@pytest.mark.parametrize(
    ("number", "why", "is_marked"),
    [
        ("+15005550101", "Twilio: the number is unknown or no longer in service (30005).", True),
        ("+15005550102", "Twilio: the phone could not be reached (30003).", False),
    ],
)
def test_an_undelivered_text_says_why_and_marks_a_dead_number(
    carrier: Carrier, number: str, why: str, is_marked: bool
) -> None:
    person = planned(number)
    deliver_due(DUE)
    carrier.report()
    assert (only().report, only().report_why) == (Report.BOUNCED, why)
    assert (person.phones.get().undeliverable_at is not None) == is_marked


def forms(carrier: Carrier) -> list[Post]:
    planned()
    deliver_due(DUE)
    return carrier.taken()


def test_what_twilio_has_not_signed_changes_nothing(carrier: Carrier) -> None:
    _, delivered = forms(carrier)
    another = sign(delivered.url, delivered.fields, "another token")
    changed = Post(delivered.url, {**delivered.fields, "MessageStatus": "failed"})
    elsewhere = Post(delivered.url.partition("?")[0], delivered.fields)
    right = sign(delivered.url, delivered.fields)
    assert carrier.post(delivered, signature="") == 403
    assert carrier.post(delivered, signature=another) == 403
    assert carrier.post(changed, signature=right) == 403
    assert carrier.post(elsewhere, signature=right) == 403
    assert only().report == ""


def test_another_account_is_refused(carrier: Carrier) -> None:
    _, delivered = forms(carrier)
    assert carrier.post(Post(delivered.url, {**delivered.fields, "AccountSid": "AC2"})) == 403


def test_there_is_no_callback_page_without_twilio_or_a_public_address(
    carrier: Carrier, settings: Settings
) -> None:
    _, delivered = forms(carrier)
    settings.PUBLIC_BASE_URL, settings.TWILIO_API_URL = "", "https://api.twilio.com"
    assert carrier.post(delivered) == 404
    settings.PUBLIC_BASE_URL, settings.SMS_URL = SITE, "https://gateway.example/"
    assert carrier.post(delivered) == 404


@pytest.mark.parametrize(
    "url", [f"{SITE}/a/?b=%3A", f"{SITE}:443/a/", "http://x.test/a", "http://x.test:80/a"]
)
def test_signatures_are_as_twilios_own_validator_makes_them(url: str) -> None:
    fields = {"b": "2 é", "A": "+1", "c": ""}
    theirs = RequestValidator("token").compute_signature(url, fields)
    lists = {name: [value] for name, value in fields.items()}
    assert is_signed(url, lists, theirs, "token")
    assert RequestValidator("token").validate(url, fields, twilio.signature_of(url, lists, "token"))


# --- what people answer -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["STOP", "stop", " Unsubscribe. ", "CANCEL", "end", "Quit", "STOPALL"])
def test_stop_counts_for_everybody_with_that_number(carrier: Carrier, word: str) -> None:
    two = [rows.contact(), rows.contact()]
    for person in two:
        person.phones.create(number=PHONE)
    other = rows.contact()
    assert carrier.reply(PHONE, word) == [200]
    assert carrier.reply(PHONE, word) == [200]
    assert set(Contact.objects.filter(no_sms=True)) == set(two)
    assert not Contact.objects.get(pk=other.pk).no_sms
    assert timeline(two[0]) == [f"Asked by SMS for no more texts: “{word.strip()}”"]


def test_start_allows_texts_again(carrier: Carrier) -> None:
    person = rows.contact(no_sms=True)
    person.phones.create(number=PHONE)
    carrier.reply(PHONE, "Start")
    person.refresh_from_db()
    assert not person.no_sms
    assert timeline(person) == ["Asked by SMS for texts again: “Start”"]


@pytest.mark.parametrize("text", ["Yes please", "stop by at five?", "YES"])
def test_any_other_answer_is_kept_whole_on_the_timeline(carrier: Carrier, text: str) -> None:
    person = rows.contact()
    person.phones.create(number=PHONE)
    carrier.reply(PHONE, text)
    assert timeline(person) == [f"Replied by SMS: {text}"]
    carrier.reply(PHONE, "x" * 1500)
    assert "".join(reversed(timeline(person)[1:])) == "Replied by SMS: " + "x" * 1500
    assert not Contact.objects.get().no_sms


def test_an_answer_that_comes_twice_is_noted_once(carrier: Carrier) -> None:
    person = rows.contact()
    person.phones.create(number=PHONE)
    carrier.sandbox.reply(PHONE, "On my way")
    (form,) = carrier.taken()
    assert [carrier.post(form), carrier.post(form)] == [200, 200]
    assert timeline(person) == ["Replied by SMS: On my way"]
    assert carrier.post(form, signature="forged") == 403


def test_an_answer_that_comes_again_after_a_restart_is_noted_once(carrier: Carrier) -> None:
    person = rows.contact()
    person.phones.create(number=PHONE)
    carrier.sandbox.reply(PHONE, "On my way")
    (form,) = carrier.taken()
    carrier.post(form)
    cache.clear()
    carrier.post(form)
    assert timeline(person) == ["Replied by SMS: On my way"]


def test_an_answer_that_could_not_be_taken_is_taken_when_it_comes_again(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = rows.contact()
    person.phones.create(number=PHONE)
    carrier.sandbox.reply(PHONE, "On my way")
    (form,) = carrier.taken()

    def broken(*args: str) -> bool:
        raise RuntimeError("boom")

    with monkeypatch.context() as patch:
        patch.setattr(replies, "take", broken)
        with pytest.raises(RuntimeError):
            carrier.post(form)
    carrier.post(form)
    assert timeline(person) == ["Replied by SMS: On my way"]


def test_an_answer_from_nobody_we_know_is_taken(carrier: Carrier) -> None:
    assert carrier.reply("+447700900999", "Who is this?") == [200]


# --- the stand-in -----------------------------------------------------------------------------------------------


def test_the_stand_in_shows_phones_and_takes_answers(carrier: Carrier, settings: Settings) -> None:
    SmsTransport().send(letter(text="<b>Hi</b>"))
    with urllib.request.urlopen(settings.TWILIO_API_URL + "/") as answer:  # noqa: S310 (the stand-in)
        page = answer.read().decode()
    assert PHONE in page
    assert "&lt;b&gt;Hi&lt;/b&gt;" in page
    body = urllib.parse.urlencode({"phone": PHONE, "body": "STOP"}).encode()
    with urllib.request.urlopen(settings.TWILIO_API_URL + "/reply", body) as answer:  # noqa: S310 (as above)
        assert "Wrote STOP" in answer.read().decode()
    with pytest.raises(Refused, match="they wrote STOP"):
        SmsTransport().send(letter())


def test_the_stand_in_runs_with_debug_alone() -> None:
    with pytest.raises(CommandError, match="DEBUG=true"):
        call_command("carrier_sandbox")


def test_the_stand_in_posts_over_http_and_survives_a_product_that_is_away() -> None:
    sandbox = CarrierSandbox(incoming_url="http://127.0.0.1:9/")
    sandbox.reply(PHONE, "Hello?")
    assert sandbox.post_due() == [0]
