"""What people see and press when a carrier lets them down."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.core.checks import run_checks
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from campaigns import carrying
from campaigns.delivery import deliver_due
from campaigns.models import Carrier, Message, Step
from contacts.models import Activity, User
from tests.campaigns import rows
from tests.campaigns.rows import NOW, START, before
from tests.factories import GoogleEventFactory

pytestmark = pytest.mark.django_db
State = Message.State
DUE = START - timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def grace() -> User:
    return rows.user(last_name="Hopper")


@pytest.fixture
def desk(client: Client, grace: User) -> Client:
    client.force_login(grace)
    return client


def unknown(**values: object) -> Message:
    """A text that may have left: its worker died."""
    person = rows.contact()
    person.phones.create(number="+447700900123", is_primary=True)
    rows.campaign(before(24, medium=Step.Medium.SMS))
    rows.booked(person, **values)
    Message.objects.update(
        state=State.UNKNOWN, why="A worker stopped.", message_id="<x>", recipient="+447700900123"
    )
    return Message.objects.get()


def text_of(client: Client, path: str) -> str:
    return client.get(path).content.decode()


# --- a stopped carrier ------------------------------------------------------------------------------------------


def test_every_page_says_that_a_carrier_takes_nothing(desk: Client) -> None:
    unknown()
    Message.objects.update(state=State.WAITING, due_at=NOW)
    carrying.stop("sms", "Twilio: our credentials were refused (20003).", NOW)
    page = text_of(desk, "/contacts/")
    assert "No SMS leaves. Twilio: our credentials were refused (20003). 1 message waits." in page
    assert "An administrator can put it right." in page
    assert "Try again" not in page


def test_pages_say_nothing_while_all_carriers_work(desk: Client) -> None:
    Carrier.objects.create(medium="sms")
    assert "leaves." not in text_of(desk, "/contacts/")


def test_an_admin_lets_it_try_again_and_comes_back(client: Client) -> None:
    client.force_login(rows.user(is_staff=True))
    carrying.stop("email", "No.", NOW)
    assert "Try again" in text_of(client, "/contacts/")
    answer = client.post("/carriers/email/again/", {"next": "/contacts/?q=a"})
    assert answer["Location"] == "/contacts/?q=a"
    assert not carrying.is_stopped("email")
    assert client.post("/carriers/email/again/", {"next": "https://evil.test/"})["Location"] == "/outbox/"


def test_others_may_not_let_it_try_again(desk: Client) -> None:
    carrying.stop("email", "No.", NOW)
    assert desk.post("/carriers/email/again/").status_code == 403
    assert carrying.is_stopped("email")


def test_the_first_reason_stays() -> None:
    carrying.stop("email", "First.", NOW)
    carrying.stop("email", "Second.", NOW + timedelta(hours=1))
    row = Carrier.objects.get()
    assert (row.stopped_at, row.stopped_why) == (NOW, "First.")


# --- needs a person ---------------------------------------------------------------------------------------------


def test_every_page_counts_what_needs_a_person(desk: Client) -> None:
    counted = '<span class="count">1<span class="visually-hidden"> needs a person</span></span>'
    assert counted not in text_of(desk, "/contacts/")
    message = unknown()
    assert counted in text_of(desk, "/contacts/")
    assert 'Needs a person <span class="count">1</span></a>' in text_of(desk, "/outbox/")
    tab = text_of(desk, "/outbox/?tab=needs-a-person")
    assert 'From campaigns <span class="count">1</span></a>' in tab
    assert "cancellations</a>" in tab
    desk.post(f"/outbox/{message.pk}/settled/", {"said": "arrived"})
    assert 'class="count"' not in text_of(desk, "/outbox/")


def test_asking_for_what_needs_a_person_costs_one_statement_with_the_carriers(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    unknown()
    with django_assert_num_queries(1):
        found = carrying.attention()
    assert (found.halts, found.unclear_messages, found.unclear_notices) == ([], 1, 0)


def test_a_text_of_unknown_outcome_waits_in_a_tab_of_its_own(desk: Client) -> None:
    unknown()
    page = text_of(desk, "/outbox/?tab=needs-a-person")
    assert "Ada Lovelace" in page
    assert "It arrived" in page
    assert "Send again" in page
    assert "Ada Lovelace" not in text_of(desk, "/outbox/?tab=left-out")


def test_it_arrived_counts_as_sent_and_is_noted(desk: Client) -> None:
    message = unknown()
    back = desk.post(
        f"/outbox/{message.pk}/settled/", {"said": "arrived", "next": "/outbox/?tab=needs-a-person"}
    )
    assert back["Location"] == "/outbox/?tab=needs-a-person"
    message.refresh_from_db()
    assert (message.state, message.sent_at, message.why) == (
        State.SENT,
        NOW,
        "Grace Hopper found that it arrived.",
    )
    line = Activity.objects.get()
    assert (line.text, str(line.by)) == (
        "The text message to +447700900123 arrived; nobody knew before",
        "Grace Hopper",
    )


def test_send_again_goes_at_once_although_its_time_is_past(desk: Client, settings: Settings) -> None:
    settings.SMS_URL = ""
    message = unknown()
    with time_machine.travel(DUE + timedelta(hours=5), tick=False):
        desk.force_login(User.objects.get(last_name="Hopper"))
        desk.post(f"/outbox/{message.pk}/settled/", {"said": "again"})
        message.refresh_from_db()
        assert (message.state, message.message_id, message.attempts) == (State.WAITING, "", 0)
        deliver_due()
    message.refresh_from_db()
    # It was tried, not left out as late.
    assert (message.state, message.why) == (State.FAILED, "No SMS service is set up (SMS_URL).")
    assert Activity.objects.filter(text__contains="is to be sent again").count() == 1


def test_what_is_known_by_now_is_left_alone(desk: Client) -> None:
    message = unknown()
    Message.objects.update(state=State.SENT)
    desk.post(f"/outbox/{message.pk}/settled/", {"said": "again"})
    message.refresh_from_db()
    assert message.state == State.SENT
    assert not Activity.objects.exists()


def test_nobody_settles_a_colleagues_private_message(desk: Client) -> None:
    message = unknown()
    GoogleEventFactory(appointment=message.enrolment.appointment, visibility="private")
    assert desk.post(f"/outbox/{message.pk}/settled/", {"said": "arrived"}).status_code == 404
    assert desk.post(f"/outbox/{message.pk}/settled/", {"said": "what"}).status_code == 404
    message.refresh_from_db()
    assert message.state == State.UNKNOWN


def test_reports_are_shown_with_their_reason(desk: Client) -> None:
    message = unknown()
    Message.objects.update(
        state=State.SENT,
        sent_at=NOW,
        report="bounced",
        report_why="The mail server sent it back.",
        reported_at=NOW,
    )
    for path in ("/outbox/", f"/outbox/{message.pk}/"):
        page = text_of(desk, path)
        assert "Bounced" in page
        assert "The mail server sent it back." in page


# --- addresses that lead nowhere --------------------------------------------------------------------------------


def test_the_contact_page_says_which_address_leads_nowhere_and_takes_it_back(desk: Client) -> None:
    person = rows.contact("ada@example.com")
    email = person.emails.get()
    phone = person.phones.create(number="+447700900123")
    type(email).objects.update(undeliverable_at=NOW, undeliverable_why="Gone.")
    type(phone).objects.update(undeliverable_at=NOW, undeliverable_why="A landline.")
    page = text_of(desk, person.get_absolute_url())
    for words in ("Undeliverable", "Gone.", "Try this address again", "A landline.", "Try this number again"):
        assert words in page
    desk.post(f"/contacts/{person.pk}/emails/{email.pk}/again/")
    desk.post(f"/contacts/{person.pk}/phones/{phone.pk}/again/")
    email.refresh_from_db()
    phone.refresh_from_db()
    assert (email.undeliverable_at, phone.undeliverable_at) == (None, None)
    assert {each.text for each in person.activities.all()} == {
        "ada@example.com is used again",
        "+447700900123 is used again",
    }
    other = rows.contact()
    assert desk.post(f"/contacts/{other.pk}/emails/{email.pk}/again/").status_code == 404


@pytest.mark.parametrize(("address", "stays"), [("ada@example.com", True), ("new@example.com", False)])
def test_the_mark_goes_with_the_address(desk: Client, address: str, stays: bool) -> None:
    person = rows.contact("ada@example.com")
    email = person.emails.get()
    phone = person.phones.create(number="+447911123456")
    type(email).objects.update(undeliverable_at=NOW, undeliverable_why="Gone.")
    type(phone).objects.update(undeliverable_at=NOW, undeliverable_why="A landline.")
    answer = desk.post(
        f"/contacts/{person.pk}/edit/",
        {
            "first_name": "Ada",
            "emails-TOTAL_FORMS": "1",
            "emails-INITIAL_FORMS": "1",
            "emails-0-id": str(email.pk),
            "emails-0-address": address,
            "emails-primary": "0",
            "phones-TOTAL_FORMS": "1",
            "phones-INITIAL_FORMS": "1",
            "phones-0-id": str(phone.pk),
            "phones-0-number": "+44 7911 123456",
            "phones-primary": "0",
        },
    )
    assert answer.status_code == 302
    email.refresh_from_db()
    phone.refresh_from_db()
    assert (email.address, email.undeliverable_at is not None) == (address, stays)
    assert phone.undeliverable_at is not None


def test_a_deliverable_address_goes_before_the_primary_one() -> None:
    person = rows.contact("old@example.com")
    person.emails.create(address="new@example.com")
    assert person.primary_address == "old@example.com"
    person.emails.filter(is_primary=True).update(undeliverable_at=NOW)
    assert person.primary_address == "new@example.com"
    person.emails.update(undeliverable_at=NOW)
    assert person.primary_address == "old@example.com"


# --- settings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"SMS_URL": "twilio://AC1:t@/?from=+441632960000"}, set()),
        ({"SMS_URL": "twilio://1:t@/?from=+441632960000"}, {"campaigns.E001"}),
        ({"SMS_URL": "twilio://AC1:t@/"}, {"campaigns.E002"}),
        ({"SMS_MOST_A_SECOND": -1}, {"campaigns.E004"}),
        ({"ANYMAIL": {"WEBHOOK_SECRET": ["short"]}}, {"campaigns.E005"}),
        (
            {
                "EMAIL_BACKEND": "anymail.backends.postmark.EmailBackend",
                "PUBLIC_BASE_URL": "https://crm.example.com",
            },
            {"campaigns.W001"},
        ),
    ],
)
def test_settings_that_contradict_each_other_are_found(
    settings: Settings, values: dict[str, object], found: set[str]
) -> None:
    for name, value in values.items():
        setattr(settings, name, value)
    ours = {str(each.id) for each in run_checks() if str(each.id).startswith("campaigns.")}
    assert ours == found
