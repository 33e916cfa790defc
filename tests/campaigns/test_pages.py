"""The pages: who may not, what they change, how they read, and that a longer list costs no more queries."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core import mail, signing
from django.db import connection
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns import unsubscribing
from campaigns.delivery import deliver_due
from campaigns.figures.counting import InShort, in_short
from campaigns.models import Kind, Message, Notice
from contacts.models import Activity, Contact, User
from tests.campaigns import rows
from tests.campaigns.rows import NOW, START, after, at_once, before
from tests.factories import GoogleEventFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
State = Message.State
DAY = timedelta(days=1)


def page(client: Client, name: str, *args: Any, **query: str) -> str:
    response = client.get(reverse(f"campaigns:{name}", args=args), query)
    assert response.status_code == 200
    return response.content.decode()


# --- who may not ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("campaigns", []),
        ("campaign_new", []),
        ("campaign", [1]),
        ("outbox", []),
        ("message", [1]),
        ("notice", [1]),
        ("trigger_log", []),
        ("fire", []),
        ("fire_all", []),
    ],
)
def test_pages_ask_for_a_sign_in(name: str, args: list[int]) -> None:
    response = Client().get(reverse(f"campaigns:{name}", args=args))
    assert response.status_code == 302
    assert "/accounts/login/" in response["Location"]


def test_what_changes_something_cannot_be_got(desk: Client) -> None:
    campaign = rows.campaign(before())
    assert desk.get(reverse("campaigns:switch", args=[campaign.pk])).status_code == 405
    assert desk.get(reverse("campaigns:preview")).status_code == 405


# --- the list ---------------------------------------------------------------------------------------------


def test_list_tells_the_steps_in_words_and_what_waits_and_was_sent(desk: Client) -> None:
    rows.campaign(at_once(), before(1), before(24), after(2), name="Visit")
    rows.campaign(at_once(), name="Sorry", on_changes=["cancelled", "no_show"], is_active=False)
    rows.booked()
    deliver_due(NOW)
    text = page(desk, "campaigns")
    assert "At once, 24 h and 1 h before, 2 h after the end" in text
    assert "Appointment: cancelled or no-show" in text
    assert re.findall(r'data-label="(Waiting|Sent, 30 days)">(\d+)', text) == [
        ("Waiting", "0"),
        ("Sent, 30 days", "0"),
        ("Waiting", "3"),
        ("Sent, 30 days", "1"),
    ]


def test_empty_list_says_what_to_do(desk: Client) -> None:
    assert "No campaigns yet" in page(desk, "campaigns")


def queries(client: Client, name: str, *args: Any, **query: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        page(client, name, *args, **query)
    return len(captured)


def test_list_costs_the_same_for_one_and_three(desk: Client) -> None:
    page(desk, "campaigns")
    rows.campaign(before(), at_once())
    one = queries(desk, "campaigns")
    rows.campaign(before())
    rows.campaign(before(), after())
    assert queries(desk, "campaigns") == one


@pytest.mark.parametrize("tab", ["sent", "waiting", "left-out"])
def test_outbox_costs_the_same_for_one_and_three(desk: Client, tab: str) -> None:
    states = {"sent": State.SENT, "waiting": State.WAITING, "left-out": State.SKIPPED}
    rows.campaign(before())
    rows.booked()
    Message.objects.update(state=states[tab], sent_at=NOW)
    page(desk, "outbox", tab=tab)
    one = queries(desk, "outbox", tab=tab)
    rows.booked()
    rows.booked()
    Message.objects.update(state=states[tab], sent_at=NOW)
    assert queries(desk, "outbox", tab=tab) == one


def test_switching_off_and_on(desk: Client) -> None:
    campaign = rows.campaign(before())
    for is_on in (False, True):
        desk.post(reverse("campaigns:switch", args=[campaign.pk]))
        campaign.refresh_from_db()
        assert campaign.is_active is is_on


# --- the outbox -------------------------------------------------------------------------------------------


def test_outbox_shows_what_was_sent_and_opens_it(desk: Client) -> None:
    rows.campaign(at_once(subject="Booked for {{ appointment.time }}", body="<b>Hi</b> {{ contact.name }}"))
    rows.booked()
    assert "Booked for 11:00" in page(desk, "outbox", tab="waiting")
    deliver_due(NOW)
    message = Message.objects.get()
    assert "Booked for 11:00" in page(desk, "outbox")
    text = page(desk, "message", message.pk)
    assert "&lt;b&gt;Hi&lt;/b&gt; Ada Lovelace" in text
    assert "sandbox>" in text
    framed = desk.get(reverse("campaigns:message_as_mail", args=[message.pk]))
    assert framed.content.decode() == message.body_html
    policy = framed["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "script-src" not in policy


def test_a_text_message_is_named_by_how_it_begins(desk: Client) -> None:
    rows.campaign(
        before(medium="sms", subject="", body="Hi {{ contact.first_name }},\n" + "see you soon " * 9)
    )
    person = rows.contact()
    person.phones.create(number="+447911123456", is_primary=True)
    rows.booked(person)
    assert "Hi Ada, see you soon see you soon see you soon see you soon…" in page(
        desk, "outbox", tab="waiting"
    )


def test_a_waiting_message_can_be_read_as_it_would_leave(desk: Client) -> None:
    rows.campaign(before(body="Dear {{ contact.first_name }}"))
    rows.booked()
    message = Message.objects.get()
    assert "Dear Ada" in page(desk, "message", message.pk)
    assert "Dear Ada" in page(desk, "message_as_mail", message.pk)


@pytest.mark.parametrize("tab", ["sent", "waiting", "left-out"])
def test_an_empty_tab_says_what_will_come(desk: Client, tab: str) -> None:
    assert "empty-title" in page(desk, "outbox", tab=tab)


@pytest.mark.parametrize("query", [{"tab": "x"}, {"of": "x"}])
def test_an_unknown_tab_is_not_found(desk: Client, query: dict[str, str]) -> None:
    assert desk.get(reverse("campaigns:outbox"), query).status_code == 404


@pytest.mark.parametrize("tab", ["sent", "waiting", "left-out"])
def test_outbox_shows_notices_at_the_same_cost_for_one_and_three(desk: Client, tab: str) -> None:
    states = {"sent": State.SENT, "waiting": State.WAITING, "left-out": State.SKIPPED}
    assert "empty-title" in page(desk, "outbox", tab=tab, of="notices")
    calendar = rows.calendar(name="Physiotherapy", confirms_automatically=True)
    counts = []
    for more in (1, 2):
        for _ in range(more):
            rows.booked(origin="customer", calendar=calendar)
        Notice.objects.update(state=states[tab], sent_at=NOW)
        counts.append(queries(desk, "outbox", tab=tab, of="notices"))
        assert (
            page(desk, "outbox", tab=tab, of="notices").count("Booked: Physiotherapy")
            == Notice.objects.count()
        )
    assert counts[0] == counts[1]


def test_a_notice_can_be_read_before_it_leaves_and_as_it_was_sent(desk: Client) -> None:
    rows.booked(origin="customer", calendar=rows.calendar(name="Physiotherapy", confirms_automatically=True))
    notice = Notice.objects.get()
    for words in ("As it would read now", "As it was sent"):
        text = page(desk, "notice", notice.pk)
        assert words in text
        assert "Your appointment is booked." in text
        assert "Confirmation" in text
        assert "<h1" in page(desk, "notice_as_mail", notice.pk)
        deliver_due(NOW)
    assert "invite.ics went along" in text


def test_notices_of_a_colleagues_private_appointment_cannot_be_read(desk: Client) -> None:
    appointment = rows.booked(origin="customer", calendar=rows.calendar(name="Physiotherapy"))
    GoogleEventFactory(appointment=appointment, visibility="private")
    notice = Notice.objects.get()
    text = page(desk, "outbox", tab="waiting", of="notices")
    assert "Private appointment" in text
    assert "Physiotherapy" not in text
    assert desk.get(reverse("campaigns:notice", args=[notice.pk])).status_code == 404
    assert desk.get(reverse("campaigns:notice_as_mail", args=[notice.pk])).status_code == 404


def test_a_long_outbox_turns_its_pages(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    rows.campaign(before())
    person = rows.contact()
    enrolment_of = rows.booked(person)
    first = Message.objects.get()
    Message.objects.bulk_create(
        Message(
            enrolment=first.enrolment,
            step=first.step,
            for_start=START + number * DAY,
            due_at=START + number * DAY,
        )
        for number in range(1, 60)
    )
    text = page(desk, "outbox", tab="waiting")
    assert "1 to 50 of 60" in text
    assert "tab=waiting&amp;page=2" in text
    assert "51 to 60 of 60" in page(desk, "outbox", tab="waiting", page="2")
    assert enrolment_of.enrolments.count() == 1


# --- unsubscribe ------------------------------------------------------------------------------------------


def test_every_email_carries_a_link_that_unsubscribes_without_signing_in() -> None:
    rows.campaign(at_once(), before(24))
    person = rows.contact()
    rows.booked(person)
    deliver_due(NOW)
    headers = mail.outbox[0].extra_headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = headers["List-Unsubscribe"].strip("<>")
    assert link in mail.outbox[0].body
    path = link.removeprefix("http://127.0.0.1:8000")
    visitor = Client(enforce_csrf_checks=True)
    assert "Stop these e-mails?" in visitor.get(path).content.decode()
    assert not Contact.objects.get().no_email
    for _ in range(2):
        assert visitor.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert Contact.objects.get().no_email
    assert Activity.objects.filter(contact=person).count() == 1
    assert [outcome.state for outcome in deliver_due(START - DAY)] == [State.SKIPPED]


@pytest.mark.parametrize("token", ["1", "1:forged", signing.Signer(salt="other").sign("1")])
def test_a_forged_link_unsubscribes_nobody(token: str) -> None:
    person = rows.contact()
    path = reverse("campaigns:unsubscribe", args=[token])
    assert Client().post(path).status_code == 404
    assert not Contact.objects.get(pk=person.pk).no_email
    assert unsubscribing.opened(token) is None


# --- admin ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["campaign", "step", "triggerevent", "enrolment", "message", "notice"])
def test_admin_lists_searches_and_opens_every_model(model: str) -> None:
    boss = User.objects.create_superuser("boss@tandem.example", "pw")
    client = Client()
    client.force_login(boss)
    rows.campaign(before(24))
    rows.booked(origin="customer")
    listing = client.get(reverse(f"admin:campaigns_{model}_changelist"), {"q": "Ada"})
    assert listing.status_code == 200
    pk = apps.get_model("campaigns", model)._default_manager.latest("pk").pk
    assert client.get(reverse(f"admin:campaigns_{model}_change", args=[pk])).status_code == 200
    if model in {"triggerevent", "enrolment", "message", "notice"}:
        assert client.get(reverse(f"admin:campaigns_{model}_add")).status_code == 403


# --- parts on other pages ---------------------------------------------------------------------------------


def part(tag: str, target: Any, user: User) -> str:
    request = RequestFactory().get("/")
    request.user = user
    template = Template(f"{{% load reminders %}}{{% {tag} target %}}")
    return template.render(Context({"request": request, "target": target, "csrf_token": "x"}))


def test_appointment_shows_its_messages_and_triggers(me: User) -> None:
    rows.campaign(before(24, subject="Tomorrow"))
    appointment = rows.booked()
    messages = part("appointment_messages", appointment, me)
    assert "Tomorrow" in messages
    assert "Tue 9 Jun 2026" in messages
    assert "11:00 BST for them" in messages
    triggers = part("appointment_triggers", appointment, me)
    assert "Booked by staff." in triggers
    assert "Fire now" not in triggers


def test_notices_stand_beside_the_messages_of_an_appointment_and_of_a_contact(me: User) -> None:
    rows.campaign(before(24, subject="Tomorrow"))
    person = rows.contact()
    appointment = rows.booked(
        person, origin="customer", calendar=rows.calendar(name="Physiotherapy", confirms_automatically=True)
    )
    for tag, target in (("appointment_messages", appointment), ("contact_messages", person)):
        text = part(tag, target, me)
        assert "Booked: Physiotherapy, Wednesday 10 June, 11:00" in text
        assert "Tomorrow" in text
        assert "Mon 1 Jun 2026" in text


def test_what_was_said_before_a_move_is_told_of_the_start_that_it_was_about(me: User) -> None:
    rows.campaign(at_once(), before(24), name="Visit")
    person = rows.contact()
    appointment = rows.booked(person, origin="customer", calendar=rows.calendar(notices="all"))
    deliver_due(NOW)
    rows.moved(appointment, START + DAY, origin="customer")
    text = part("contact_messages", person, me)
    about = re.findall(r'class="small hush">([^<]*), for <a [^>]*>([^<]*)</a>', text)
    was, is_now = "Wed 10 Jun, 10:00", "Thu 11 Jun, 10:00"
    assert sorted(about) == [
        ("24 h before, Visit", is_now),
        ("At once, Confirmation", was),
        ("At once, Move", is_now),
        ("At once, Visit", was),
    ]


def test_notices_count_in_no_campaign(desk: Client) -> None:
    campaign = rows.campaign(before(24))
    rows.booked(origin="customer")
    deliver_due(NOW)
    assert in_short(campaign, NOW) == InShort(waiting=1, sent=0)


def test_a_silent_appointment_offers_fire_now(me: User) -> None:
    appointment = rows.booked(fires=False, why="Disable trigger: nothing fires.")
    text = part("appointment_triggers", appointment, me)
    assert "Disable trigger: nothing fires." in text
    assert "Fire now" in text


def test_parts_of_an_appointment_without_campaigns(me: User) -> None:
    appointment = rows.book()
    assert "in no campaign" in part("appointment_messages", appointment, me)
    assert "Nothing could have fired yet." in part("appointment_triggers", appointment, me)


def test_what_waits_says_that_the_address_it_is_for_is_dead_not_that_there_is_none(me: User) -> None:
    rows.campaign(before(24))
    person = rows.contact()
    rows.booked(person)
    person.emails.update(undeliverable_at=NOW, undeliverable_why="550")
    dead = "Will be skipped: The contact’s e-mail address is marked as undeliverable."
    assert dead in part("contact_messages", person, me)
    person.emails.create(address="other@example.com")
    assert "Will be skipped" not in part("contact_messages", person, me)
    person.emails.all().delete()
    assert "Will be skipped: The contact has no e-mail address." in part("contact_messages", person, me)


def test_contact_shows_their_messages(me: User) -> None:
    rows.campaign(before(24, subject="Tomorrow"), trigger=Kind.APPOINTMENT)
    person = rows.contact()
    assert "No messages to this person yet." in part("contact_messages", person, me)
    rows.booked(person)
    assert "Tomorrow" in part("contact_messages", person, me)
