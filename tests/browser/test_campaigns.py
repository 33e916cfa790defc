"""A newcomer sets up reminders: from the library to the first messages that wait, and the pages on the way."""

import datetime
import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.desk import Desk, short, soon
from tests.browser.test_accessibility import WAYS, assert_no_fault, assert_none_shown, show_as

NAME = "Reminders of ours"


def card(desk: Desk, title: str) -> Locator:
    return desk.page.locator("details.step").filter(has=desk.page.locator(".step-title", has_text=title))


def opened(desk: Desk, title: str) -> Locator:
    found = card(desk, title)
    found.locator("summary.step-head").click()
    return found


def start_from(desk: Desk, name: str) -> None:
    desk.go("/campaigns/")
    desk.page.get_by_role("link", name="New campaign").first.click()
    desk.page.get_by_role("link", name=name).click()


def test_a_newcomer_sets_up_reminders_from_the_library(desk: Desk):
    page, day = desk.page, soon(9)
    start_from(desk, "Appointment reminders")
    page.get_by_label("Name", exact=True).fill(NAME)

    text = opened(desk, "24 h before").get_by_role("textbox", name="Text")
    text.click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("Good day! ")
    preview = page.locator("#preview")
    expect(preview).to_contain_text("Good day! Hello")
    expect(preview).not_to_contain_text("{{")

    card(desk, "24 h before").get_by_label("How long").fill("2")
    card(desk, "24 h before").get_by_label("Unit").select_option("days")
    expect(card(desk, "2 days before")).to_be_visible()
    page.get_by_role("button", name="Send me this message 1").click()
    expect(page.get_by_role("status").first).to_contain_text("Sent 1 test to")

    page.get_by_role("button", name="Save and switch on").click()
    expect(page.get_by_text(f"“{NAME}” is on.")).to_be_visible()

    desk.go("/contacts/?q=Eleanor")
    page.get_by_role("link", name="Eleanor Voss").click()
    page.get_by_role("link", name="Book", exact=True).click()
    page.get_by_label("Start").fill(f"{day.isoformat()}T08:15")
    page.get_by_label("Title").fill("First reminder")
    page.get_by_role("button", name="Book").click()
    expect(page.get_by_role("heading", name="First reminder")).to_be_visible()
    ours = desk.message("2 days before").filter(has_text=NAME)
    desk.until(page.url, ours)
    expect(ours).to_contain_text(short(day - datetime.timedelta(days=2), "08:15"))

    # The tests that follow meet the campaigns of the demo alone.
    desk.go("/campaigns/")
    page.get_by_role("link", name=NAME, exact=True).click()
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_text(f"“{NAME}” is off")).to_be_visible()


def test_fields_are_picked_into_a_text_and_a_mistake_is_told_at_its_field(desk: Desk):
    page = desk.page
    start_from(desk, "Empty")
    page.get_by_label("Name", exact=True).fill("Mistaken")
    step = card(desk, "24 h before")
    step.get_by_label("Subject").fill("How was it, {{ contact.frist_name }}?")
    step.get_by_role("textbox", name="Text").click()
    for words in ("First name", "Review page"):
        step.get_by_text("Insert a field").click()
        step.locator(".field-pick").filter(has_text=words).click()
    expect(step.get_by_role("textbox", name="Text")).to_contain_text(
        '{{ contact.first_name | default: "there" }}'
    )
    expect(page.locator("#look-steps-0")).to_contain_text("Not ready")
    page.get_by_role("button", name="Save and switch on").click()
    expect(page.get_by_role("alert")).to_contain_text("Did you mean “contact.first_name”?")

    page.get_by_label("Subject").fill("How was it?")
    page.get_by_role("button", name="Save and switch on").click()
    expect(page.get_by_role("alert")).to_contain_text("Say where people review you")
    page.get_by_label("Where people review you").fill("clinic.example/reviews")
    page.get_by_role("button", name="Save, leave it off").click()
    expect(page.get_by_text("“Mistaken” is saved, and off")).to_be_visible()


def test_a_text_becomes_an_sms_that_is_counted(desk: Desk):
    page = desk.page
    start_from(desk, "Appointment reminders")
    step = opened(desk, "1 h before")
    step.get_by_label("By").select_option("sms")
    plain = step.get_by_role("textbox", name="Text")
    plain.fill("See you – soon")
    expect(page.locator("#preview")).to_contain_text("1 SMS, 14 characters; 56 more fit.")
    expect(page.locator("#preview")).to_contain_text("– makes each SMS hold less than half")
    step.get_by_label("By").select_option("email")
    expect(step.get_by_role("textbox", name="Text")).to_contain_text("See you – soon")


def test_a_changed_time_asks_what_becomes_of_what_waits(desk: Desk):
    page = desk.page
    desk.go("/campaigns/")
    page.get_by_role("link", name="Appointment reminder", exact=True).click()
    opened(desk, "1 h before").get_by_label("How long").fill("3")
    page.get_by_role("button", name="Save changes").last.click()
    expect(page.get_by_role("heading", name="What becomes of the messages that wait?")).to_be_visible()
    for scheme, width in WAYS:
        show_as(page, scheme, width)
        assert_none_shown(page, f"the question, {scheme}, {width} px")
    page.get_by_role("button", name="Back to editing").click()
    expect(card(desk, "3 h before")).to_be_visible()
    desk.go("/campaigns/1/")
    expect(card(desk, "1 h before")).to_be_visible()


@pytest.mark.parametrize(
    "path",
    [
        "/campaigns/new/",
        "/campaigns/new/?from=confirmation",
        "/campaigns/new/?from=texts",
        "/campaigns/new/?from=review",
        "/campaigns/1/upcoming/",
        "/campaigns/test/cancel/",
    ],
)
def test_a_page_on_the_way_has_no_fault(desk: Desk, path: str):
    assert_no_fault(desk.page, desk.url + path)


def test_an_open_message_and_one_that_is_wrong_have_no_fault(desk: Desk):
    page = desk.page
    start_from(desk, "Reminder by text")
    page.get_by_role("button", name="Add a message before").click()
    expect(page.locator("details.step[open]")).to_have_count(1)
    expect(page.locator("details.step[open]").get_by_label("How long")).to_be_focused()
    page.locator("details.step:not([open]) summary.step-head").click()
    page.locator("details.step details.more summary").first.click()
    page.get_by_label("Subject").last.fill("{{ nobody }}")
    page.get_by_text("Insert a field").first.click()
    for scheme, width in WAYS:
        show_as(page, scheme, width)
        assert_none_shown(page, f"open, {scheme}, {width} px")
    page.get_by_role("button", name=re.compile("leave it off")).click()
    expect(page.get_by_role("alert")).to_be_visible()
    for scheme, width in WAYS:
        show_as(page, scheme, width)
        assert_none_shown(page, f"with mistakes, {scheme}, {width} px")
