"""What a customer does on the booking pages, in their words."""

import re

from playwright.sync_api import Locator, Page, expect

CLOCK = re.compile(r"^\d\d:\d\d$")
# A calendar that confirms by hand is asked, not booked.
PRESSED = re.compile("^(Book|Ask for) ")


class Customer:
    def __init__(self, page: Page, url: str, *, has_touch: bool = False) -> None:
        self.page, self.url, self.has_touch = page, url, has_touch

    def press(self, what: Locator) -> None:
        if self.has_touch:
            what.tap()
        else:
            what.click()

    def open(self, slug: str) -> None:
        self.page.goto(f"{self.url}/book/{slug}/")

    def heading(self, words: str) -> Locator:
        return self.page.get_by_role("heading", name=words, level=1)

    # --- a time ---------------------------------------------------------------------------------------------

    @property
    def days(self) -> Locator:
        """Those of the month on which something is free."""
        return self.page.locator(".pick-month").get_by_role("link", name=re.compile(r", \d+ times?$"))

    @property
    def times(self) -> Locator:
        return self.page.get_by_role("region").get_by_role("link", name=CLOCK)

    def choose_a_day(self) -> str:
        """The last of the next month, which is ahead of every deadline; as its link names it."""
        self.press(self.page.locator(".pick-head").get_by_role("link").last)
        self.page.wait_for_url(re.compile("month="))
        name = str(self.days.last.get_attribute("aria-label")).partition(",")[0]
        self.press(self.days.last)
        self.page.wait_for_url(re.compile("day="))
        expect(self.page.get_by_role("heading", name=name, level=2)).to_be_in_viewport()
        return name

    def choose_a_time(self) -> str:
        """The first of the day, as its link names it."""
        name = self.times.first.inner_text().strip()
        self.press(self.times.first)
        return name

    # --- the form -------------------------------------------------------------------------------------------

    def fill_in(self, name: str, address: str) -> None:
        self.page.get_by_label("Your name").fill(name)
        self.page.get_by_label("E-mail").fill(address)
        self.page.get_by_role("checkbox", name=re.compile("^I agree")).check()

    def press_book(self) -> None:
        self.press(self.page.get_by_role("button", name=PRESSED))

    def book(self, slug: str, name: str, address: str) -> str:
        """The address of the form it was booked with, whose time is taken now."""
        self.open(slug)
        self.choose_a_day()
        self.choose_a_time()
        self.fill_in(name, address)
        form = self.page.url
        self.press_book()
        expect(self.heading("We have received your request")).to_be_visible()
        return form
