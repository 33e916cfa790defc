"""The main pages against WCAG 2.2 AA, as far as a program can tell, in light and dark and on a phone."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.customer import Customer
from tests.browser.desk import Desk

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
# The week is drawn by EventCalendar, which has faults of its own; the list is its equal view and is held to all.
PAGES = (
    "/agenda/?view=list",
    "/agenda/ledger/",
    "/contacts/",
    "/contacts/1/",
    "/contacts/new/",
    "/appointments/new/",
    "/campaigns/",
    "/campaigns/1/",
    "/campaigns/1/figures/",
    "/campaigns/triggers/",
    "/outbox/",
    "/settings/profile/",
    "/settings/calendars/",
    "/settings/calendars/1/",
    "/settings/calendars/1/hours/",
    "/settings/integrations/",
)


WAYS = (("light", 1440), ("dark", 1440), ("light", 375))


def assert_no_fault(page: Page, address: str) -> None:
    """Opens `address` in each way. Without motion: a colour on its way from dark to light has no contrast to be
    judged by."""
    for scheme, width in WAYS:
        show_as(page, scheme, width)
        page.goto(address)
        assert_none_shown(page, f"{address}, {scheme}, {width} px")


def show_as(page: Page, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900})


def assert_none_shown(page: Page, where: str) -> None:
    outcome = Axe().run(page, options=RULES)
    assert outcome.violations_count == 0, f"{where}\n{outcome.generate_report()}"
    wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    assert not wide, f"{where} scrolls sideways"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_fault_in_light_dark_or_on_a_phone(desk: Desk, path: str):
    assert_no_fault(desk.page, desk.url + path)


def test_the_pages_before_firing_by_hand_have_no_fault(desk: Desk):
    """What a first link imports stays silent, and may be fired."""
    desk.connect_google()
    desk.sync_two_way()
    all_of_them = f"{desk.url}/campaigns/triggers/fire-all/?result=ahead"
    desk.until(all_of_them, desk.page.get_by_role("button", name=re.compile(r"^Fire \d+ now")))
    assert_no_fault(desk.page, all_of_them)
    desk.go("/campaigns/triggers/?result=ahead")
    desk.page.get_by_role("checkbox").first.check()
    desk.page.get_by_role("button", name="Fire the ticked…").click()
    expect(desk.page.get_by_role("button", name="Fire now")).to_be_visible()
    assert_no_fault(desk.page, desk.page.url)


@pytest.mark.parametrize("who", ["Felix Baumann", "Beth Carraway"])
def test_the_page_of_a_class_has_no_fault_before_and_after_it(desk: Desk, who: str):
    desk.go(f"/contacts/?q={who.split()[0]}")
    desk.page.get_by_role("link", name=who).click()
    desk.page.get_by_role("link", name=re.compile("Back class")).first.click()
    desk.page.get_by_role("link", name=re.compile(r"^Back class: \d of 8$")).click()
    expect(desk.page.get_by_role("heading", name=re.compile("of 8 seats taken"))).to_be_visible()
    assert_no_fault(desk.page, desk.page.url)


def test_what_is_said_before_a_calendar_is_changed_has_no_fault(admin: Desk):
    admin.go("/settings/calendars/")
    admin.page.get_by_role("link", name="Dana – consultations").first.click()
    admin.page.get_by_role("button", name="Switch off").click()
    expect(admin.page.get_by_role("button", name="Save anyway")).to_be_visible()
    for scheme, width in WAYS:
        show_as(admin.page, scheme, width)
        assert_none_shown(admin.page, f"before saving, {scheme}, {width} px")


def test_no_tab_of_the_settings_is_cut_on_a_phone(desk: Desk):
    for width in (375, 320):
        desk.page.set_viewport_size({"width": width, "height": 900})
        desk.go("/settings/integrations/")
        tabs = desk.page.locator(".tabs a")
        assert tabs.last.inner_text() == "Sign-in"
        for at in range(tabs.count()):
            box = tabs.nth(at).bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width


def test_the_sign_in_page_has_no_fault(desk: Desk):
    desk.page.context.clear_cookies()
    desk.go("/accounts/login/")
    assert Axe().run(desk.page, options=RULES).violations_count == 0


def test_the_pages_by_which_a_customer_books_have_no_fault(customer_with: Callable[..., Customer]):
    customer = customer_with()
    page = customer.page
    customer.open("first-visit")
    assert_no_fault(page, page.url)
    customer.choose_a_day()
    assert_no_fault(page, page.url)
    customer.choose_a_time()
    assert_no_fault(page, page.url)
    customer.press_book()
    expect(page.get_by_role("alert")).to_be_visible()
    for scheme, width in WAYS:
        show_as(page, scheme, width)
        assert_none_shown(page, f"the form with mistakes, {scheme}, {width} px")


def test_the_pages_of_a_customers_own_appointment_have_no_fault(customer_with: Callable[..., Customer]):
    customer = customer_with()
    page = customer.page
    form = customer.book("treatment-room", "Nell Farrow", "nell.farrow@example.net")
    booked = page.url
    own = booked.partition("?")[0]
    assert_no_fault(page, booked)
    assert_no_fault(page, own)
    page.goto(form)
    expect(page.get_by_role("alert")).to_contain_text("not on offer, or no longer")
    assert_no_fault(page, form)
    page.goto(f"{own}move/")
    customer.choose_a_day()
    customer.choose_a_time()
    expect(page.get_by_role("button", name="Move")).to_be_visible()
    assert_no_fault(page, page.url)
    assert_no_fault(page, f"{own}cancel/")
    page.get_by_role("button", name="Cancel it").click()
    expect(customer.heading("Cancelled")).to_be_visible()
    assert_no_fault(page, own)
    assert_no_fault(page, f"{customer.url}/book/appointments/cut-off/")


def test_the_page_of_a_calendar_that_is_switched_off_has_no_fault(
    admin: Desk, customer_with: Callable[..., Customer]
):
    admin.switch("Back class", "off")
    customer = customer_with()
    customer.open("back-class")
    expect(customer.heading("Back class takes no bookings")).to_be_visible()
    assert_no_fault(customer.page, customer.page.url)
    admin.switch("Back class", "on")
