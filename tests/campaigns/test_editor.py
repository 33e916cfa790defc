"""The campaign editor: what it saves, what it refuses and where, its preview, and tests to oneself."""

import datetime
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from phonenumbers import is_valid_number, parse

from campaigns.delivery import deliver_due
from campaigns.enrolment import follow_steps
from campaigns.library import BY_SLUG, RECIPES, Recipe
from campaigns.merge_fields import merge_fields
from campaigns.models import Campaign, Message, Step
from campaigns.rendering import NAMES, fill
from campaigns.segments import segments_of
from campaigns.views import testing
from contacts.models import Appointment, Contact, Tag, User
from tests.campaigns import rows
from tests.campaigns.rows import NOW, START, after, at_once, before
from tests.campaigns.typed import step, stored, typed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
State = Message.State
DAY = timedelta(days=1)
Status = Appointment.Status


def post(client: Client, data: dict[str, Any], campaign: Campaign | None = None) -> str:
    """The page that comes back; "" where it was saved."""
    path = (
        reverse("campaigns:campaign", args=[campaign.pk]) if campaign else reverse("campaigns:campaign_new")
    )
    response = client.post(path, data)
    return "" if response.status_code == 302 else response.content.decode()


def look(client: Client, data: dict[str, Any]) -> str:
    return client.post(reverse("campaigns:preview"), data).content.decode()


# --- saving -----------------------------------------------------------------------------------------------


def test_saving_a_new_campaign_with_its_steps_and_filters(desk: Client, me: User) -> None:
    vip, calendar = Tag.objects.create(name="VIP"), rows.calendar()
    data = typed(
        step(0, anchor="at_once", amount=""),
        step(1, amount="3", unit="days", window_starts="09:00", window_ends="18:00", window_days=["0", "4"]),
        on_changes=["rescheduled", "booked"],
        made_by=["customer"],
        calendars=[calendar.pk],
        tags=[vip.pk],
        owners=[me.pk],
        recurring="no",
    )
    assert post(desk, data) == ""
    campaign = Campaign.objects.get()
    assert (campaign.name, campaign.on_changes, campaign.made_by) == (
        "Reminders",
        ["booked", "rescheduled"],
        ["customer"],
    )
    filters = [campaign.calendars.get(), campaign.tags.get(), campaign.owners.get()]
    assert [campaign.recurring, *filters] == ["no", calendar, vip, me]
    first, second = campaign.steps.all()
    assert (first.anchor, first.offset, first.window_days) == (Step.Anchor.AT_ONCE, timedelta(0), [])
    assert (second.offset, second.window_starts, second.window_days) == (
        timedelta(days=3),
        datetime.time(9),
        [0, 4],
    )


@pytest.mark.parametrize(("pressed", "is_on"), [("on", True), ("as-is", False)])
def test_a_new_campaign_is_on_only_when_that_is_asked_for(desk: Client, pressed: str, is_on: bool) -> None:
    post(desk, typed(step(0), save=pressed))
    assert Campaign.objects.get().is_active is is_on


def test_what_was_booked_before_it_was_on_stays_out(desk: Client) -> None:
    rows.booked()
    post(desk, typed(step(0), save="on"))
    assert Message.objects.count() == 0
    rows.booked()
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"body": "Hi\n{{ contact.frist_name }}"}, "Line 2: there is no field “contact.frist_name”"),
        ({"subject": "{{ contact.name"}, "Expected &#x27;}}"),
        ({"body": "{{ contact.name | shout }}"}, "Unknown filter"),
        ({"rich": "<div>Hi<br>{% if contact.name %}you</div>"}, "Line 2: expected tag endif"),
        ({"subject": ""}, "An e-mail needs a subject."),
        ({"body": ""}, "Write what they get."),
        ({"rich": "<div><br></div>"}, "Write what they get."),
        ({"amount": ""}, "Say how long before or after."),
        ({"amount": "-1"}, "greater than or equal to 0"),
        ({"amount": "90000", "unit": "days"}, "At most one year."),
        ({"window_starts": "09:00"}, "Give both hours, or neither."),
        ({"window_starts": "18:00", "window_ends": "09:00"}, "has to be later than the first"),
        ({"window_days": []}, "Tick at least one day."),
    ],
)
def test_what_is_wrong_is_told_at_the_field_and_nothing_is_saved(
    desk: Client, values: dict[str, Any], words: str
) -> None:
    page = post(desk, typed(step(0, **values)))
    at_field, summary = page.split("<aside")[0].count(words), page.count("error-summary")
    assert at_field >= 2
    assert summary == 1
    assert Campaign.objects.count() == 0


def test_a_campaign_needs_a_message(desk: Client) -> None:
    assert "Add at least one message." in post(desk, typed())
    campaign = rows.campaign(before(24))
    removed = typed(*stored(campaign), initial=1, **{"steps-0-DELETE": "on"})
    page = desk.post(campaign.get_absolute_url(), removed).content.decode()
    assert "Add at least one message." in page
    assert "submit at least" not in page


def test_of_a_message_that_is_not_written_yet_it_is_said_what_it_lacks_and_nothing_else(desk: Client) -> None:
    """As *Empty* of the library begins, saved at once: the step is as it was offered."""
    page = desk.post(reverse("campaigns:campaign_new"), {**typed(step(0, subject="", body="")), "name": ""})
    summaries = re.findall(
        r'error-summary".*?</ul>|error-summary".*?</div>', page.content.decode(), re.DOTALL
    )
    told = re.sub(r"<[^>]+>", "", " ".join(summaries))
    assert "An e-mail needs a subject." in told
    assert "Write what they get." in told
    assert "at least" not in told


def test_a_campaign_of_messages_that_are_all_off_cannot_be_switched_on(desk: Client) -> None:
    data = typed(step(0))
    del data["steps-0-is_active"]
    assert "Every message is switched off" in post(desk, {**data, "save": "on"})
    assert post(desk, data) == ""
    campaign = Campaign.objects.get()
    response = desk.post(reverse("campaigns:switch", args=[campaign.pk]), follow=True)
    assert "Every message is switched off" in response.content.decode()
    assert not Campaign.objects.get().is_active


def test_an_sms_needs_no_subject_and_keeps_no_formatting(desk: Client) -> None:
    post(desk, typed(step(0, medium="sms", subject="x", body="Hi", rich="<div><strong>Hi</strong></div>")))
    one = Step.objects.get()
    assert (one.medium, one.subject, one.body, one.rich) == (Step.Medium.SMS, "", "Hi", "")


def test_the_plain_text_is_made_from_the_formatted_one(desk: Client) -> None:
    rich = (
        '<div>Hi <strong>{{ contact.name }}</strong><script>x()</script><br><a href="x.example">Us</a></div>'
    )
    post(desk, typed(step(0, rich=rich, body="something else")))
    one = Step.objects.get()
    assert one.rich == (
        '<div>Hi <strong>{{ contact.name }}</strong><br><a href="https://x.example">Us</a></div>'
    )
    assert one.body == "Hi {{ contact.name }}\nUs: https://x.example"


@pytest.mark.parametrize(("body", "is_kept"), [("Hi you", True), ("Hi all", False)])
def test_without_a_script_formatting_is_kept_while_the_words_are_the_same(
    desk: Client, body: str, is_kept: bool
) -> None:
    campaign = rows.campaign(before(body="Hi you", rich="<div>Hi <em>you</em></div>"))
    (one,) = stored(campaign)
    assert post(desk, typed({**one, "steps-0-body": body}, initial=1), campaign) == ""
    kept = campaign.steps.get()
    assert (kept.body, bool(kept.rich)) == (body, is_kept)


def test_what_is_saved_is_what_is_sent_in_both_parts(desk: Client) -> None:
    rich = "<div>Hello <strong>{{ contact.first_name }}</strong><ul><li>a towel</li></ul></div>"
    post(desk, typed(step(0, anchor="at_once", rich=rich, subject="S"), save="on"))
    rows.booked(rows.contact(first_name="A & B"))
    deliver_due(NOW)
    (letter,) = mail.outbox
    html = str(letter.alternatives[0][0])
    assert "<strong>A &amp; B</strong>" in html
    assert letter.body.startswith("Hello A & B\n\n- a towel\n")


# --- adding, copying, removing, switching off -------------------------------------------------------------


@pytest.mark.parametrize(("where", "words"), [("before", "24 h before"), ("after", "2 h after the end")])
def test_a_step_is_added_without_a_script_and_without_complaint(desk: Client, where: str, words: str) -> None:
    data = typed(step(0, subject="", amount="1"), name="", add_step=where)
    text = post(desk, data)
    form = text.split("<aside")[0]
    assert form.count('<details class="step"') + form.count("data-fresh") == 2
    assert words in form
    assert "errorlist" not in form
    assert "error-summary" not in form
    part = desk.post(reverse("campaigns:campaign_new"), data, headers={"HX-Request": "true"})
    assert part.content.decode().lstrip().startswith('<section class="panel" id="steps"')


def test_a_step_is_copied_as_it_is_typed(desk: Client) -> None:
    data = typed(step(0, subject="First", amount="3", window_days=["1"]), copy_step="steps-0")
    text = post(desk, data)
    assert text.count('value="First"') == 2
    assert 'name="steps-TOTAL_FORMS" value="2"' in text
    assert re.search(r'name="steps-1-window_days" value="1"[^>]*checked', text)


def test_a_step_added_and_left_empty_is_not_saved(desk: Client) -> None:
    post(desk, typed(step(0), step(1, subject="", body="", anchor="after_end")))
    assert Step.objects.count() == 1


def test_steps_stand_in_order_of_time_around_the_appointment(desk: Client) -> None:
    campaign = rows.campaign(after(2), before(1), at_once(), before(48))
    text = desk.get(reverse("campaigns:campaign", args=[campaign.pk])).content.decode()
    titles = re.findall(r'class="(?:step-title">([^<]+)|line-appointment")', text)
    assert titles == [
        "At once",
        "48 h before".replace("48 h", "2 days"),
        "1 h before",
        "",
        "2 h after the end",
    ]
    post(desk, typed(*stored(campaign), initial=4), campaign)
    assert [one.anchor for one in campaign.steps.all()] == [
        "at_once",
        "before_start",
        "before_start",
        "after_end",
    ]


def test_what_follows_a_missed_appointment_stands_behind_it_and_takes_none_that_are_ahead(
    desk: Client,
) -> None:
    campaign = rows.campaign(at_once(), after(48), on_changes=["no_show"])
    text = desk.get(reverse("campaigns:campaign", args=[campaign.pk])).content.decode()
    titles = re.findall(r'class="(?:step-title">([^<]+)|line-appointment")', text)
    assert titles == ["", "At once", "2 days after the end"]
    assert "Add a message before" not in text
    assert "Add a message after" in text
    assert "Enter upcoming appointments" not in text


def test_of_a_cancelled_appointment_something_is_said_at_once_and_nothing_before_its_start(
    desk: Client,
) -> None:
    campaign = rows.campaign(at_once(), on_changes=["cancelled"])
    text = desk.get(reverse("campaigns:campaign", args=[campaign.pk])).content.decode()
    assert re.findall(r'class="(?:step-title">([^<]+)|line-appointment")', text) == ["At once", ""]
    assert "Add a message before" not in text


def removing(campaign: Campaign) -> dict[str, Any]:
    one, two = stored(campaign)
    return typed(one, {**two, "steps-1-DELETE": "on"}, initial=2, replan="move")


def test_removing_a_step_keeps_what_it_sent_and_voids_what_waits(desk: Client) -> None:
    campaign = rows.campaign(at_once(), before(24))
    appointment = rows.booked()
    deliver_due(NOW)
    assert post(desk, removing(campaign), campaign) == ""
    assert [state for state, _ in rows.messages(appointment)] == ["sent", "void"]
    assert Message.objects.get(state=State.VOID).why == "The step was removed from the campaign."
    page = desk.get(reverse("campaigns:campaign", args=[campaign.pk])).content.decode()
    assert "24 h before" not in page.split("How it is doing")[0]


def test_a_step_switched_off_stays_in_sight_and_what_waits_goes_out_once_it_is_on(desk: Client) -> None:
    campaign = rows.campaign(before(24))
    rows.booked()
    (one,) = stored(campaign)
    off = {key: value for key, value in one.items() if key != "steps-0-is_active"}
    campaign.is_active = False
    campaign.save()
    post(desk, typed(off, initial=1), campaign)
    assert not campaign.steps.get().is_active
    assert "24 h before" in desk.get(campaign.get_absolute_url()).content.decode()
    assert Message.objects.get().state == State.WAITING
    post(desk, typed(one, initial=1, save="on"), campaign)
    assert [outcome.state for outcome in deliver_due(START - DAY)] == [State.SENT]


# --- what waits -------------------------------------------------------------------------------------------


def test_a_changed_time_asks_what_becomes_of_what_waits_and_nothing_is_saved_yet(desk: Client) -> None:
    campaign = rows.campaign(before(24), before(2))
    rows.booked()
    one, two = stored(campaign)
    data = typed(
        {**one, "steps-0-amount": "48"}, {**two, "steps-1-DELETE": "on"}, step(2, amount="1"), initial=2
    )
    text = post(desk, data, campaign)
    rows_of = re.findall(r'<th scope="row">([^<]+)</th>.*?>(\d)</td>.*?>(\d)</td>.*?>(\d)</td>', text)
    assert rows_of == [
        ("2 days before", "1", "0", "0"),
        ("2 h before", "0", "0", "1"),
        ("1 h before", "0", "1", "0"),
    ]
    assert "Nothing is changed until you press Save" in text
    assert 'name="steps-0-amount" value="48"' in text
    assert [step.offset for step in campaign.steps.all()] == [DAY, timedelta(hours=2)]
    assert Message.objects.filter(state=State.WAITING).count() == 2


@pytest.mark.parametrize(("choice", "hours"), [("move", 48), ("leave", 24)])
def test_a_changed_offset_moves_what_waits_if_that_is_chosen(desk: Client, choice: str, hours: int) -> None:
    campaign = rows.campaign(before(24))
    appointment = rows.booked()
    (one,) = stored(campaign)
    post(desk, typed({**one, "steps-0-amount": "48"}, initial=1, replan=choice), campaign)
    assert campaign.steps.get().offset == 2 * DAY
    assert rows.messages(appointment) == [("waiting", START - timedelta(hours=hours))]


def test_changed_words_ask_nothing(desk: Client) -> None:
    campaign = rows.campaign(before(24))
    rows.booked()
    (one,) = stored(campaign)
    assert post(desk, typed({**one, "steps-0-body": "New words"}, initial=1), campaign) == ""
    assert campaign.steps.get().body == "New words"


def test_a_new_step_runs_for_those_already_in_the_campaign_but_never_at_once(desk: Client) -> None:
    campaign = rows.campaign(before(24))
    appointment = rows.booked()
    (one,) = stored(campaign)
    data = typed(one, step(1, amount="1"), step(2, anchor="at_once"), initial=1, replan="move")
    post(desk, data, campaign)
    assert [due for _, due in rows.messages(appointment)] == [START - DAY, START - timedelta(hours=1)]


def test_replanning_costs_the_same_for_one_and_four_people(django_assert_num_queries: Any) -> None:
    campaign = rows.campaign(before(24), before(1))
    first = campaign.steps.filter(position=0)
    for people in (1, 3):
        for _ in range(people):
            rows.booked()
        first.update(offset=timedelta(hours=20 + people))
        # One of them holds the classes, whose seats move together.
        with django_assert_num_queries(7):
            follow_steps(campaign, now=NOW, moves_waiting=True)


# --- the preview ------------------------------------------------------------------------------------------


def test_the_picker_lists_every_merge_field(desk: Client) -> None:
    text = desk.get(reverse("campaigns:campaign_new"), {"from": "reminders"}).content.decode()
    assert all(f'data-field="{name}"' in text for name in NAMES)


def test_preview_shows_each_step_on_a_real_appointment_in_the_persons_time(desk: Client) -> None:
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
    text = look(desk, data)
    assert "See you at 06:00" in text
    assert "Tue 9 Jun 2026, 06:00 EDT" in text
    assert "Hi Alan Turing" in text
    assert "There is no field “contact.nme”" in text
    assert "Left out: its time has passed" in text
    assert text.count('hx-swap-oob="true"') == 5
    assert Campaign.objects.count() == 0


def test_a_preview_without_an_appointment_is_an_example(desk: Client) -> None:
    text = look(desk, typed(step(0)))
    assert "Nothing is booked yet" in text
    assert "Hi Ada Lovelace" in text


def test_the_links_of_a_preview_do_nothing(desk: Client) -> None:
    rows.book(calendar=rows.calendar(allows_cancel=True))
    rich = '<div>x <a href="{{ appointment.cancel_url }}">Cancel</a></div>'
    assert 'href="http://127.0.0.1:8000/campaigns/test/cancel/"' in look(desk, typed(step(0, rich=rich)))


def test_a_preview_says_which_links_this_appointment_has_none_for(desk: Client) -> None:
    rich = '<div>x <a href="{{ appointment.confirm_url }}">I come</a></div>'
    calendar = rows.calendar()
    confirmed, new = (
        rows.book(rows.contact(first_name=name), calendar=calendar, status=status)
        for name, status in (("Alan", Status.CONFIRMED), ("Grace", Status.NEW))
    )
    data = typed(step(0, rich=rich))
    for appointment, is_left_out in ((confirmed, True), (new, False)):
        text = look(desk, {**data, "appointment": str(appointment.pk)})
        assert ("Not for Alan Lovelace: “Confirm”." in text) is is_left_out
        assert ("campaigns/test/confirm/" in text) is not is_left_out


def test_a_preview_starts_with_an_appointment_that_can_still_be_confirmed(desk: Client) -> None:
    calendar = rows.calendar()
    rows.book(rows.contact(first_name="Alan"), calendar=calendar, status=Status.CONFIRMED)
    rows.book(rows.contact(first_name="Grace"), calendar=calendar, starts_at=START + DAY)
    assert "Hi Grace Lovelace" in look(desk, typed(step(0)))


def test_a_field_that_may_be_empty_is_warned_of_before_it_is(desk: Client) -> None:
    text = look(desk, typed(step(0, body="Hi {{ contact.first_name }}")))
    assert "“First name” may be empty" in text
    assert "may be empty" not in look(
        desk, typed(step(0, body='Hi {{ contact.first_name | default: "there" }}'))
    )


def test_an_sms_is_counted_on_what_it_becomes(desk: Client) -> None:
    rows.book(rows.contact(first_name="Zoë", last_name=""))
    assert "1 SMS, 6 characters; 64 more fit." in look(
        desk, typed(step(0, medium="sms", body="Hi {{ contact.name }}"))
    )


def queries_of_page(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def test_the_editor_costs_the_same_for_one_and_three_steps(desk: Client) -> None:
    one = rows.campaign(before(24))
    three = rows.campaign(before(24), before(1), after(2))
    rows.booked()
    queries_of_page(desk, one.get_absolute_url())
    assert queries_of_page(desk, one.get_absolute_url()) == queries_of_page(desk, three.get_absolute_url())


# --- tests to oneself -------------------------------------------------------------------------------------


def test_a_test_goes_to_the_person_who_asks_and_nothing_is_saved(desk: Client, me: User) -> None:
    rows.book(rows.contact(first_name="Alan", last_name="Turing"))
    data = typed(step(0), step(1, medium="sms", subject=""), **{"try": "all"})
    assert f"Sent 1 test to {me.email}." in post(desk, data)
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == ([me.email], "[Test] Tomorrow")
    assert "Hi Alan Turing" in letter.body
    assert Campaign.objects.count() == Message.objects.count() == 0


def test_a_test_carries_the_foot_of_a_real_e_mail(desk: Client) -> None:
    rows.book()
    post(desk, typed(step(0), **{"try": "all"}))
    (letter,) = mail.outbox
    stop = "http://127.0.0.1:8000/campaigns/test/unsubscribe/"
    assert f"Stop these e-mails: {stop}" in letter.body
    assert f'href="{stop}"' in letter.alternatives[0][0]
    assert "List-Unsubscribe" not in letter.extra_headers


def test_one_message_is_tested_alone(desk: Client) -> None:
    rows.book()
    post(desk, typed(step(0), step(1, subject="Other"), **{"try": "steps-1"}))
    assert [letter.subject for letter in mail.outbox] == ["[Test] Other"]


def test_no_link_of_a_test_acts_on_the_appointment(desk: Client) -> None:
    person = rows.contact()
    appointment = rows.book(person, calendar=rows.calendar(allows_cancel=True))
    links = ("confirm", "reschedule", "cancel", "manage")
    body = "\n".join(
        ["{{ contact.unsubscribe_url }}", *(f"{{{{ appointment.{what}_url }}}}" for what in links)]
    )
    post(desk, typed(step(0, body=body), **{"try": "all"}))
    (letter,) = mail.outbox
    found = re.findall(r"http://127\.0\.0\.1:8000(\S+)", letter.body)
    assert len(found) >= 4
    visitor = Client()
    for path in found:
        for press in (visitor.get, visitor.post):
            response = press(path)
            assert response.status_code == 200
            assert "Nothing was changed" in response.content.decode()
    appointment.refresh_from_db()
    assert appointment.revision == type(appointment).objects.get(pk=appointment.pk).revision
    assert not appointment.is_void
    assert not Contact.objects.get(pk=person.pk).no_email


def test_an_unknown_test_link_is_not_found() -> None:
    assert Client().get(reverse("campaigns:trial", args=["pay"])).status_code == 404


def test_a_test_of_a_text_that_is_wrong_is_not_sent(desk: Client) -> None:
    rows.book()
    assert "There is no field" in post(desk, typed(step(0, body="{{ contact.nme }}"), **{"try": "all"}))
    assert mail.outbox == []


def test_a_test_to_what_is_no_number_says_so(desk: Client) -> None:
    data = typed(step(0, medium="sms"), test_number="12", **{"try": "all"})
    assert "That is no phone number" in post(desk, data)


def test_the_number_shown_as_an_example_is_taken_by_the_check(desk: Client) -> None:
    text = look(desk, typed(step(0, medium="sms")))
    (example,) = re.findall(r'name="test_number"[^>]* placeholder="([^"]+)"', text)
    assert example == testing.EXAMPLE_NUMBER
    assert is_valid_number(parse(example))


# --- the library ------------------------------------------------------------------------------------------


def test_a_new_campaign_starts_at_the_library(desk: Client) -> None:
    text = desk.get(reverse("campaigns:campaign_new")).content.decode()
    assert all(recipe.does in text for recipe in RECIPES)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.slug)
def test_every_start_reads_well_at_once_and_can_be_switched_on(desk: Client, recipe: Recipe) -> None:
    text = desk.get(reverse("campaigns:campaign_new"), {"from": recipe.slug}).content.decode()
    assert "Not ready" not in text
    assert "may be empty" not in text
    assert recipe.steps[0].subject.split(" ")[0] in text
    data = {name: values for name, values in recipe.typed().lists()}
    assert post(desk, {**data, "save": "on", "review_url": "https://reviews.clinic.example/us"}) == ""
    campaign = Campaign.objects.get()
    assert campaign.is_active
    assert campaign.steps.count() == len(recipe.steps)


def review(**values: str) -> dict[str, Any]:
    body = "{{ campaign.review_url }}"
    return typed(step(0, anchor="after_end", body=body), on_changes=["showed"], **values)


def test_the_text_of_the_library_counts_as_its_card_says(settings: Any) -> None:
    settings.BUSINESS_NAME, settings.PUBLIC_BASE_URL = "Harbour Physio", "https://harbour-physio.example"
    person = rows.contact()
    fields = merge_fields(rows.book(person), person, medium=Step.Medium.SMS)
    (draft,) = BY_SLUG["texts"].steps
    without_link = draft.text.partition(" Change or cancel")[0]
    assert [segments_of(fill(text, fields)).count for text in (draft.text, without_link)] == [2, 1]


def test_a_review_is_not_asked_for_without_saying_where(desk: Client) -> None:
    text = post(desk, review(save="on"))
    assert text.count("Say where people review you") >= 2
    assert Campaign.objects.count() == 0
    assert post(desk, review()) == ""
    campaign = Campaign.objects.get()
    response = desk.post(reverse("campaigns:switch", args=[campaign.pk]), follow=True)
    assert "Say where people review you" in response.content.decode()
    assert not Campaign.objects.get().is_active
    assert post(desk, review(save="on", review_url="clinic.example/reviews")) == ""
    assert Campaign.objects.filter(is_active=True).get().review_url == "https://clinic.example/reviews"


@pytest.mark.parametrize("address", ["https://example.com/reviews", "www.example.org"])
def test_an_example_address_is_refused(desk: Client, address: str) -> None:
    assert "That address is an example" in post(desk, review(review_url=address))


def test_a_text_that_asks_for_a_review_nowhere_never_leaves(desk: Client) -> None:
    campaign = rows.campaign(at_once(body="Please: {{ campaign.review_url }}"))
    rows.booked()
    (outcome,) = deliver_due(NOW)
    assert outcome.state != State.SENT
    assert mail.outbox == []
    campaign.review_url = "https://clinic.example/r"
    campaign.save()
    rows.booked()
    deliver_due(NOW)
    assert "Please: https://clinic.example/r" in mail.outbox[0].body


# --- copies, and who is entered later ---------------------------------------------------------------------


def test_a_copy_is_off_and_takes_nobody_along(desk: Client) -> None:
    vip = Tag.objects.create(name="VIP")
    campaign = rows.campaign(before(24, rich="<div>x</div>"), before(1), name="Visit", made_by=["staff"])
    campaign.tags.add(vip)
    rows.booked(rows.contact())
    desk.post(reverse("campaigns:copy", args=[campaign.pk]))
    twin = Campaign.objects.exclude(pk=campaign.pk).get()
    assert (twin.name, twin.is_active, twin.made_by, twin.tags.get()) == (
        "Copy of Visit",
        False,
        ["staff"],
        vip,
    )
    assert [(one.offset, one.rich) for one in twin.steps.all()] == [
        (DAY, "<div>x</div>"),
        (timedelta(hours=1), ""),
    ]
    assert campaign.steps.count() == 2
    assert twin.enrolments.count() == 0


def entering(client: Client, campaign: Campaign) -> list[tuple[str, bool]]:
    """(who, is ticked) of every row."""
    text = client.get(reverse("campaigns:upcoming", args=[campaign.pk])).content.decode()
    return [
        (name, "checked" in ticked)
        for ticked, name in re.findall(r'name="event"[^>]*?( checked)? aria-label="Enter ([^,]+),', text)
    ]


def test_upcoming_appointments_are_entered_after_a_look_at_whom(desk: Client) -> None:
    ann, bob, cy = (rows.contact(first_name=name, last_name="") for name in ("Ann", "Bob", "Cy"))
    quiet = rows.contact(first_name="Di", last_name="")
    fitting = rows.calendar()
    appointment = rows.booked(ann, calendar=fitting)
    rows.booked(bob)
    rows.booked(
        quiet, calendar=fitting, starts_at=START + DAY, fires=False, why="Disable trigger: nothing fires."
    )
    campaign = rows.campaign(at_once(), before(24))
    campaign.calendars.add(fitting)
    rows.booked(cy, calendar=fitting)
    assert entering(desk, campaign) == [("Ann", True), ("Di", False)]
    assert (
        "2 upcoming appointments were made before" in desk.get(campaign.get_absolute_url()).content.decode()
    )
    before_press = Message.objects.count()
    event = appointment.trigger_events.get(kind="appointment")
    desk.post(reverse("campaigns:upcoming", args=[campaign.pk]), {"event": [event.pk]})
    assert Message.objects.count() == before_press + 2
    assert rows.entered(appointment) == {campaign.name}
    assert rows.messages(appointment) == [("skipped", NOW), ("waiting", START - DAY)]
    skipped = Message.objects.get(enrolment__appointment=appointment, state=State.SKIPPED)
    assert skipped.why == "They entered later: what is said at once was not."
    assert entering(desk, campaign) == [("Di", False)]


def test_entering_twice_enters_once(desk: Client) -> None:
    appointment = rows.booked()
    campaign = rows.campaign(before(24))
    event = appointment.trigger_events.get(kind="appointment")
    for _ in range(2):
        desk.post(reverse("campaigns:upcoming", args=[campaign.pk]), {"event": [event.pk]})
    assert len(rows.messages(appointment)) == 1


def test_nobody_is_entered_into_a_campaign_that_is_off(desk: Client) -> None:
    appointment = rows.booked()
    campaign = rows.campaign(before(24), is_active=False)
    event = appointment.trigger_events.get(kind="appointment")
    desk.post(reverse("campaigns:upcoming", args=[campaign.pk]), {"event": [event.pk]})
    assert rows.messages(appointment) == []


def test_who_is_entered_costs_the_same_for_one_and_three(desk: Client) -> None:
    rows.booked()
    campaign = rows.campaign(before(24))
    path = reverse("campaigns:upcoming", args=[campaign.pk])
    queries_of_page(desk, path)
    one = queries_of_page(desk, path)
    rows.booked()
    rows.booked()
    assert queries_of_page(desk, path) == one


def test_an_sms_is_counted_with_its_real_links_though_those_shown_do_nothing(desk: Client) -> None:
    rows.book()
    text = look(desk, typed(step(0, medium="sms", body="{{ appointment.manage_url }}")))
    assert "http://127.0.0.1:8000/campaigns/test/manage/" in text
    counted = re.search(r"(\d+) characters", text)
    assert counted is not None
    assert int(counted[1]) > len("http://127.0.0.1:8000/book/appointments//") + 32
