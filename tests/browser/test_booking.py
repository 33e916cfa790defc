"""A customer books, moves and cancels: on a phone with keys alone for the form, and in a browser without scripts."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.browser.customer import PRESSED, Customer

PHONE = {"viewport": {"width": 375, "height": 812}, "has_touch": True, "is_mobile": True}
# Our own measure; WCAG 2.2 asks for 24 (2.5.8), and 44 only at its highest level (2.5.5).
TARGET = 44


def test_on_a_phone_a_time_is_booked_moved_and_cancelled(customer_with: Callable[..., Customer]):
    customer = customer_with(**PHONE)
    customer.open("first-visit")
    day, time = choose_by_finger(customer)
    fill_in_by_keys(customer)
    expect(customer.heading("We have received your request")).to_be_visible()
    expect(customer.page.get_by_text(re.compile(f"{day} .*, {time} to "))).to_be_visible()
    assert_fits(customer)

    customer.press(customer.page.get_by_role("link", name="Move"))
    expect(customer.heading("Move your appointment")).to_be_visible()
    day, time = choose_by_finger(customer)
    expect(customer.page.get_by_text(f"To {day}, {time}")).to_be_in_viewport()
    assert_fits(customer)
    customer.press(customer.page.get_by_role("button", name="Move"))
    expect(customer.heading("Moved")).to_be_visible()
    expect(customer.page.get_by_text(re.compile(f"{day} .*, {time} to "))).to_be_visible()

    customer.press(customer.page.get_by_role("link", name="Cancel it"))
    expect(customer.page.get_by_text("Cancel this appointment?")).to_be_visible()
    assert_fits(customer)
    customer.press(customer.page.get_by_role("button", name="Cancel it"))
    expect(customer.heading("Cancelled")).to_be_visible()
    assert_fits(customer)


def test_on_a_phone_how_many_seats_are_left_stands_on_one_line(customer_with: Callable[..., Customer]):
    customer = customer_with(**PHONE)
    customer.open("back-class")
    customer.choose_a_day()
    seats = customer.page.get_by_text("8 seats left").first
    tall, line = seats.evaluate("it => [it.offsetHeight, parseFloat(getComputedStyle(it).lineHeight)]")
    assert tall < 1.5 * line
    assert_fits(customer)


def choose_by_finger(customer: Customer) -> tuple[str, str]:
    """A day and a time; both are large enough to be hit."""
    assert_fits(customer)
    day = customer.choose_a_day()
    assert_fits(customer)
    for targets in (customer.days, customer.times):
        assert smallest(targets) >= TARGET
    return day, customer.choose_a_time()


def fill_in_by_keys(customer: Customer) -> None:
    """Every field in its order, and none that people do not see."""
    page, keys = customer.page, customer.page.keyboard
    page.get_by_label("Your name").focus()
    for words in ("Ines Thorne", "ines.thorne@example.net", "+44 20 7946 0958", "Knee, left"):
        keys.type(words)
        keys.press("Tab")
    expect(page.locator("summary")).to_be_focused()
    keys.press("Tab")
    expect(page.get_by_role("checkbox", name=re.compile("^I agree"))).to_be_focused()
    keys.press("Space")
    assert_fits(customer)
    keys.press("Tab")
    expect(page.get_by_role("button", name=PRESSED)).to_be_focused()
    keys.press("Enter")


def smallest(targets: Locator) -> float:
    """The least width or height among `targets`, in CSS pixels."""
    boxes = [box for target in targets.all() if (box := target.bounding_box())]
    return min(min(box["width"], box["height"]) for box in boxes)


def assert_fits(customer: Customer) -> None:
    """Against the phone's width: a page that is too wide would widen the window with it."""
    width = customer.page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["viewport"]["width"], f"{customer.page.url} scrolls sideways"


def test_without_scripts_a_time_is_booked_moved_and_cancelled(customer_with: Callable[..., Customer]):
    customer = customer_with(java_script_enabled=False)
    customer.open("first-visit")
    customer.page.get_by_label("Times are shown for").select_option("Asia/Tokyo")
    customer.page.get_by_role("button", name="Show").click()
    day, time = customer.choose_a_day(), customer.choose_a_time()
    expect(customer.page.get_by_text("Asia/Tokyo")).to_be_visible()
    customer.press_book()
    expect(customer.page.get_by_text(re.compile("^Tick the box to go on"))).to_be_visible()
    customer.fill_in("Tomas Reyne", "tomas.reyne@example.net")
    customer.press_book()
    expect(customer.heading("We have received your request")).to_be_visible()
    expect(customer.page.get_by_text(re.compile(f"{day} .*, {time} to "))).to_be_visible()

    customer.page.get_by_role("link", name="Move").click()
    day, time = customer.choose_a_day(), customer.choose_a_time()
    customer.page.get_by_role("button", name="Move").click()
    expect(customer.page.get_by_text(re.compile(f"{day} .*, {time} to "))).to_be_visible()
    customer.page.get_by_role("link", name="Cancel it").click()
    customer.page.get_by_role("button", name="Cancel it").click()
    expect(customer.heading("Cancelled")).to_be_visible()


def test_times_are_those_of_the_visitors_own_clock(customer_with: Callable[..., Customer]):
    customer = customer_with(timezone_id="America/Phoenix")
    customer.open("first-visit")
    expect(customer.page).to_have_url(re.compile("zone=America%2FPhoenix"))
    expect(customer.page.get_by_label("Times are shown for")).to_have_value("America/Phoenix")
    customer.choose_a_day()
    # Nine in London; there the clocks never change, in London they do.
    assert customer.choose_a_time() in ("01:00", "02:00")
    expect(customer.page.get_by_text("America/Phoenix")).to_be_visible()
