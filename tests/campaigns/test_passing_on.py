"""Who answers a text message of ours is read by a person."""

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import current_app
from django.core import mail
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from campaigns import tasks
from campaigns.delivery import deliver_due
from campaigns.models import Step
from contacts.models import Appointment, Contact
from tests.campaigns import rows
from tests.campaigns.carrier import SITE, Carrier
from tests.campaigns.rows import NOW, START, before

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
PHONE = "+447700900123"
DUE = START - datetime.timedelta(days=1)
Answer = Callable[..., None]


@pytest.fixture
def worker() -> Iterator[None]:
    """Takes every task at once."""
    current_app.conf.task_always_eager = True
    yield
    current_app.conf.task_always_eager = False


@pytest.fixture
def answer(
    carrier: Carrier, worker: None, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> Answer:
    """Writes to our number from PHONE; the carrier tells of it `times` times."""

    def write(text: str, times: int = 1) -> None:
        carrier.taken()
        carrier.sandbox.reply(PHONE, text)
        for form in carrier.taken() * times:
            with django_capture_on_commit_callbacks(execute=True):
                assert carrier.post(form) == 200

    return write


def texted(*people: Contact, **values: Any) -> Appointment:
    """An appointment of which the people were told by text."""
    rows.campaign(before(24, medium=Step.Medium.SMS, body="See you {{ appointment.time }}"))
    made = [rows.booked(person, **values) for person in people]
    deliver_due(made[-1].starts_at - datetime.timedelta(days=1))
    mail.outbox.clear()
    return made[-1]


def person_with_number(**values: Any) -> Contact:
    person = rows.contact("ann@example.com", **{"first_name": "Ann", "last_name": "Lee", **values})
    person.phones.create(number=PHONE, is_primary=True)
    return person


def told() -> list[tuple[list[str], str]]:
    return [(letter.to, str(letter.subject)) for letter in mail.outbox]


def test_the_host_of_what_the_text_was_about_reads_the_answer(answer: Answer) -> None:
    host, person = rows.user(), person_with_number()
    texted(person, owner=host, calendar=rows.calendar(name="Physiotherapy"))
    # Sooner, but not what the last text was about.
    rows.booked(person, starts_at=NOW + datetime.timedelta(days=2))
    answer("I can't come.\nSorry & bye")
    assert told() == [([host.email], "Ann Lee answered your text")]
    (letter,) = mail.outbox
    assert letter.reply_to == ["ann@example.com"]
    body = str(letter.body)
    assert "> I can't come.\n> Sorry & bye\n" in body
    assert "Physiotherapy: Ann Lee\nWednesday 10 June 2026, 11:00 BST\n" in body
    assert f"{SITE}{person.get_absolute_url()}" in body
    assert PHONE in body


def test_an_answer_that_comes_twice_is_told_once(answer: Answer) -> None:
    texted(person_with_number())
    answer("On my way", times=2)
    assert len(told()) == 1


def test_what_a_second_worker_sends_again_bears_the_same_message_id(answer: Answer) -> None:
    texted(person_with_number())
    for _ in range(2):
        tasks.pass_on(PHONE, "On my way", "SM12")
    assert {letter.extra_headers["Message-ID"] for letter in mail.outbox} == {"<answer-SM12@tandem.example>"}


@pytest.mark.parametrize("word", ["STOP", "Start", "cancel"])
def test_words_that_switch_texts_tell_nobody(answer: Answer, word: str) -> None:
    texted(person_with_number())
    answer(word)
    assert told() == []


def test_without_a_text_of_ours_the_host_of_the_next_appointment_is_told(answer: Answer) -> None:
    host, person = rows.user(), person_with_number(owner=rows.user())
    cancelled = rows.booked(person, starts_at=NOW + datetime.timedelta(days=1))
    rows.with_status(cancelled, Appointment.Status.CANCELLED)
    rows.booked(person, owner=host)
    answer("Where are you?")
    assert told() == [([host.email], "Ann Lee sent a text")]


def test_without_an_appointment_the_owner_of_the_contact_is_told(answer: Answer) -> None:
    owner = rows.user()
    person_with_number(owner=owner)
    answer("Hello")
    assert told() == [([owner.email], "Ann Lee sent a text")]


def test_a_host_who_left_is_followed_by_the_next_who_works_here(answer: Answer) -> None:
    gone, owner = rows.user(), rows.user()
    texted(person_with_number(owner=owner), owner=gone)
    gone.is_active = False
    gone.save(update_fields=["is_active"])
    answer("Hello")
    assert told() == [([owner.email], "Ann Lee answered your text")]


def test_where_nobody_is_concerned_nobody_is_told(answer: Answer) -> None:
    person = person_with_number()
    answer("Hello")
    assert told() == []
    assert person.activities.get().text == "Replied by SMS: Hello"


def test_of_two_with_one_number_the_one_we_wrote_to_last_is_named(answer: Answer) -> None:
    person_with_number(first_name="Bea")
    texted(person_with_number())
    answer("Hello")
    assert [subject for _, subject in told()] == ["Ann Lee answered your text"]


def test_an_address_that_leads_nowhere_is_not_answered_to(answer: Answer) -> None:
    person = person_with_number()
    texted(person)
    person.emails.update(undeliverable_at=NOW)
    answer("Hello")
    assert mail.outbox[0].reply_to == []
    assert f"Call or text {PHONE} to answer" in str(mail.outbox[0].body)


def test_a_site_that_does_not_know_its_address_names_no_page(answer: Answer, settings: Settings) -> None:
    texted(person_with_number())
    settings.PUBLIC_BASE_URL = ""
    tasks.pass_on(PHONE, "Hello", "SM1")
    assert "http" not in str(mail.outbox[0].body)
    assert "stands on their page in Tandem" in str(mail.outbox[0].body)


def test_a_mail_server_that_is_away_does_not_fail_the_answer(answer: Answer, settings: Settings) -> None:
    person = person_with_number()
    texted(person)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 9, 2
    answer("Hello")
    assert person.activities.filter(text="Replied by SMS: Hello").count() == 1


def test_a_broker_that_is_away_does_not_fail_the_answer(
    answer: Answer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    person = person_with_number()
    texted(person)

    def away(*args: str) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(tasks.pass_on, "delay", away)
    answer("Hello")
    assert person.activities.filter(text="Replied by SMS: Hello").count() == 1
    assert "Nobody could be told of an SMS" in caplog.text
