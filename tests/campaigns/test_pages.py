"""The pages: who may not, what they change, how they read, and that a longer list costs no more queries."""

import datetime
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.core import mail, signing
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns import unsubscribing
from campaigns.delivery import deliver_due
from campaigns.enrolment import follow_steps
from campaigns.figures.counting import InShort, in_short
from campaigns.models import Campaign, Kind, Message, Notice, Step
from campaigns.rendering import NAMES
from contacts.models import Activity, Contact, Tag, User
from tests.campaigns import rows
from tests.campaigns.rows import NOW, START, after, at_once, before
from tests.factories import GoogleEventFactory

pytestmark = pytest.mark.django_db
State = Message.State
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def me() -> User:
    return rows.user(first_name="Grace", last_name="Hopper")


@pytest.fixture
def desk(me: User) -> Client:
    client = Client()
    client.force_login(me)
    return client


def step(number: int, **values: str) -> dict[str, str]:
    given = {
        "anchor": "before_start",
        "amount": "24",
        "unit": "hours",
        "medium": "email",
        "subject": "Tomorrow",
        "body": "Hi {{ contact.name }}",
        "when_late": "skip",
    }
    return {f"steps-{number}-{name}": value for name, value in {**given, **values}.items()}


def typed(*steps: dict[str, str], initial: int = 0, **values: Any) -> dict[str, Any]:
    data = {"name": "Reminders", "trigger": "appointment", "recurring": ""}
    data |= {"steps-TOTAL_FORMS": str(len(steps)), "steps-INITIAL_FORMS": str(initial)}
    for one in steps:
        data |= one
    return {**data, **values}


def stored(campaign: Campaign) -> list[dict[str, str]]:
    """The steps of a campaign as its form sends them back."""
    kept = campaign.steps.filter(is_active=True)
    return [
        step(
            number,
            id=str(one.pk),
            anchor=one.anchor,
            amount=str(one.offset // timedelta(hours=1)),
            subject=one.subject,
            body=one.body,
        )
        for number, one in enumerate(kept)
    ]


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
    from django.db import connection  # noqa: PLC0415

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


# --- the editor -------------------------------------------------------------------------------------------


def test_saving_a_new_campaign_with_its_steps_and_filters(desk: Client) -> None:
    vip, calendar = Tag.objects.create(name="VIP"), rows.calendar()
    data = typed(
        step(0, anchor="at_once", amount=""),
        step(1, amount="3", unit="days", window_starts="09:00", window_ends="18:00"),
        on_changes=["rescheduled", "booked"],
        made_by=["customer"],
        calendars=[calendar.pk],
        tags=[vip.pk],
        recurring="no",
    )
    response = desk.post(reverse("campaigns:campaign_new"), data)
    assert response.status_code == 302
    campaign = Campaign.objects.get()
    assert (campaign.name, campaign.on_changes, campaign.made_by) == (
        "Reminders",
        ["booked", "rescheduled"],
        ["customer"],
    )
    assert [campaign.recurring, *campaign.calendars.all(), *campaign.tags.all()] == ["no", calendar, vip]
    first, second = campaign.steps.all()
    assert (first.anchor, first.offset) == (Step.Anchor.AT_ONCE, timedelta(0))
    assert (second.offset, second.window_starts) == (timedelta(days=3), datetime.time(9))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"body": "Hi\n{{ contact.frist_name }}"}, "Line 2: there is no field “contact.frist_name”"),
        ({"subject": "{{ contact.name"}, "Line 1: expected"),
        ({"subject": ""}, "An e-mail needs a subject."),
        ({"body": ""}, "This field is required."),
        ({"amount": ""}, "Say how long before or after."),
        ({"amount": "-1"}, "greater than or equal to 0"),
        ({"amount": "90000", "unit": "days"}, "At most one year."),
        ({"window_starts": "09:00"}, "Give both hours, or neither."),
    ],
)
def test_what_is_wrong_is_told_at_the_field_and_nothing_is_saved(
    desk: Client, values: dict[str, str], words: str
) -> None:
    response = desk.post(reverse("campaigns:campaign_new"), typed(step(0, **values)))
    assert response.status_code == 200
    assert words in response.content.decode()
    assert Campaign.objects.count() == 0


def test_a_campaign_needs_a_message(desk: Client) -> None:
    response = desk.post(reverse("campaigns:campaign_new"), typed())
    assert "at least 1 form" in response.content.decode()


def test_an_sms_needs_no_subject(desk: Client) -> None:
    desk.post(reverse("campaigns:campaign_new"), typed(step(0, medium="sms", subject="")))
    assert Step.objects.get().medium == Step.Medium.SMS


def test_add_step_works_without_script_and_does_not_complain(desk: Client) -> None:
    data = typed(step(0, subject=""), name="", add_step="1")
    text = desk.post(reverse("campaigns:campaign_new"), data).content.decode()
    form = text.split("<aside")[0]
    assert form.count('class="step"') == 2
    assert "errorlist" not in form
    assert "error-summary" not in form
    part = desk.post(reverse("campaigns:campaign_new"), data, headers={"HX-Request": "true"})
    assert part.content.decode().lstrip().startswith('<section class="panel" id="steps"')


def test_a_step_added_and_left_empty_is_not_saved(desk: Client) -> None:
    desk.post(reverse("campaigns:campaign_new"), typed(step(0), step(1, subject="", body="")))
    assert Step.objects.count() == 1


def test_removing_a_step_keeps_what_it_sent_and_voids_what_waits(desk: Client) -> None:
    campaign = rows.campaign(at_once(), before(24))
    appointment = rows.booked()
    deliver_due(NOW)
    one, two = stored(campaign)
    data = typed(one, {**two, "steps-1-DELETE": "on"}, initial=2, moves_waiting="on")
    assert desk.post(reverse("campaigns:campaign", args=[campaign.pk]), data).status_code == 302
    assert [state for state, _ in rows.messages(appointment)] == ["sent", "void"]
    assert Message.objects.get(state=State.VOID).why == "The step was removed from the campaign."
    assert "24 h before" not in page(desk, "campaigns")


@pytest.mark.parametrize(("ticked", "hours"), [(True, 48), (False, 24)])
def test_a_changed_offset_moves_what_waits_if_asked(desk: Client, ticked: bool, hours: int) -> None:
    campaign = rows.campaign(before(24))
    appointment = rows.booked()
    assert "Also move the 1 waiting message" in page(desk, "campaign", campaign.pk)
    (one,) = stored(campaign)
    data = typed({**one, "steps-0-amount": "48"}, initial=1, **({"moves_waiting": "on"} if ticked else {}))
    desk.post(reverse("campaigns:campaign", args=[campaign.pk]), data)
    assert rows.messages(appointment) == [("waiting", START - timedelta(hours=hours))]


def test_a_new_step_runs_for_those_already_in_the_campaign_but_never_at_once(desk: Client) -> None:
    campaign = rows.campaign(before(24))
    appointment = rows.booked()
    (one,) = stored(campaign)
    data = typed(one, step(1, amount="1"), step(2, anchor="at_once"), initial=1, moves_waiting="on")
    desk.post(reverse("campaigns:campaign", args=[campaign.pk]), data)
    assert [due for _, due in rows.messages(appointment)] == [START - DAY, START - timedelta(hours=1)]


def test_replanning_costs_the_same_for_one_and_four_people(django_assert_num_queries: Any) -> None:
    campaign = rows.campaign(before(24), before(1))
    for people in (1, 3):
        for _ in range(people):
            rows.booked()
        campaign.steps.filter(offset=DAY).update(offset=timedelta(hours=20 + people))
        with django_assert_num_queries(6):
            follow_steps(campaign, now=NOW, moves_waiting=True)


def test_the_picker_lists_every_merge_field(desk: Client) -> None:
    text = page(desk, "campaign_new")
    assert all(f'data-field="{name}"' in text for name in NAMES)


def test_preview_shows_each_step_on_a_real_appointment(desk: Client) -> None:
    person = rows.contact(first_name="Alan", last_name="Turing", time_zone="America/New_York")
    appointment = rows.book(person)
    rows.book(starts_at=START - DAY)
    data = typed(
        step(0, subject="See you at {{ appointment.time }}"),
        step(1, anchor="at_once", body="{{ contact.nme }}"),
        step(2, subject="Too late", amount="20", unit="days"),
        name="",
        appointment=str(appointment.pk),
    )
    text = desk.post(reverse("campaigns:preview"), data).content.decode()
    assert "See you at 06:00" in text
    assert "Hi Alan Turing" in text
    assert "there is no field “contact.nme”" in text
    assert "Left out: its time has passed" in text
    assert text.count('class="tl-mark') == 3
    assert Campaign.objects.count() == 0


def test_preview_without_an_appointment_says_so(desk: Client) -> None:
    text = desk.post(reverse("campaigns:preview"), typed(step(0))).content.decode()
    assert "There is no upcoming appointment" in text


def test_a_test_goes_to_the_person_who_asks_and_nothing_is_saved(desk: Client, me: User) -> None:
    rows.book(rows.contact(first_name="Alan", last_name="Turing"))
    data = typed(step(0), step(1, medium="sms", subject=""), **{"try": "1"})
    response = desk.post(reverse("campaigns:campaign_new"), data)
    assert f"Sent 1 test e-mail to {me.email}." in response.content.decode()
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == ([me.email], "[Test] Tomorrow")
    assert "Hi Alan Turing" in letter.body
    assert Campaign.objects.count() == Message.objects.count() == 0


def test_a_test_of_a_text_that_is_wrong_is_not_sent(desk: Client) -> None:
    rows.book()
    data = typed(step(0, body="{{ contact.nme }}"), **{"try": "1"})
    assert "there is no field" in desk.post(reverse("campaigns:campaign_new"), data).content.decode()
    assert mail.outbox == []


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
    from django.template import Context, Template  # noqa: PLC0415
    from django.test import RequestFactory  # noqa: PLC0415

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


def test_contact_shows_their_messages(me: User) -> None:
    rows.campaign(before(24, subject="Tomorrow"), trigger=Kind.APPOINTMENT)
    person = rows.contact()
    assert "No messages to this person yet." in part("contact_messages", person, me)
    rows.booked(person)
    assert "Tomorrow" in part("contact_messages", person, me)
