"""What a person does in the browser, in their words. Waiting is asking again until it is so."""

import datetime
import re
import time
from zoneinfo import ZoneInfo

from playwright.sync_api import Locator, Page, expect

ZONE = ZoneInfo("Europe/London")
COMES_WITHIN_SECONDS = 30


class Desk:
    def __init__(self, page: Page, url: str, google_url: str) -> None:
        self.page, self.url, self.google_url = page, url, google_url
        self.google_week = f"{google_url}/calendar/dana@example.com/dana@example.com/"

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)

    def sign_in(self, who: str = "Dana Whitfield") -> None:
        self.go("/accounts/login/")
        self.page.get_by_role("button", name=who).click()
        expect(self.page).to_have_url(self.url + "/agenda/")

    def until(self, address: str, what: Locator) -> Locator:
        """Open `address` again and again until `what` is there."""
        deadline = time.monotonic() + COMES_WITHIN_SECONDS
        while True:
            self.page.goto(address)
            if what.count() or time.monotonic() > deadline:
                expect(what.first).to_be_visible(timeout=2000)
                return what.first
            self.page.wait_for_timeout(250)

    # --- settings -------------------------------------------------------------------------------------------

    def connect_google(self) -> None:
        """Through the stand-in's consent pages, unless Dana's account is connected already."""
        self.go("/settings/integrations/")
        if self.page.get_by_role("button", name="Refresh calendars").count():
            return
        self.page.get_by_role("button", name=re.compile("^Connect")).first.click()
        self.page.get_by_role("button", name="Dana Whitfield").click()
        self.page.get_by_role("button", name="Continue").click()
        expect(self.page).to_have_url(self.url + "/settings/integrations/")
        expect(self.page.get_by_text("dana@example.com is connected")).to_be_visible()

    def sync_two_way(self) -> None:
        """Linked to her own calendar, two way, with a default calendar, contact creation and triggers."""
        self.go("/settings/profile/")
        self.page.get_by_label("Linked calendar").select_option(label="dana@example.com")
        self.page.locator("input[name=sync_option][value=two_way]").check()
        self.page.get_by_label("Default calendar", exact=True).select_option(label="Dana – consultations")
        self.page.get_by_role("checkbox", name="Allow Contact Creation").check()
        self.page.get_by_role("checkbox", name="Allow Trigger").check()
        expect(self.page.locator("#effects")).to_contain_text("triggers fire")
        self.page.get_by_role("button", name="Save").click()
        expect(self.page.get_by_text(re.compile(r"^\s*Saved\."))).to_be_visible()

    def switch(self, calendar: str, to: str) -> None:
        """`calendar` is "on" or "off" afterwards; only an administrator may."""
        self.go("/settings/calendars/")
        self.page.get_by_role("button", name=f"Switch {to} {calendar}").click()
        anyway = self.page.get_by_role("button", name="Save anyway")
        said = self.page.get_by_text(f"“{calendar}” is {to}")
        expect(anyway.or_(said)).to_be_visible()
        if anyway.count():
            anyway.click()
        expect(said).to_be_visible()

    # --- at Google ------------------------------------------------------------------------------------------

    def add_event(self, title: str, day: datetime.date, starts: str, ends: str, *, guest: str) -> None:
        self.page.goto(self.google_week)
        self.page.get_by_label("Title").fill(title)
        self.page.get_by_label("Day", exact=True).fill(day.isoformat())
        self.page.get_by_label("From").fill(starts)
        self.page.get_by_label("To", exact=True).fill(ends)
        self.page.get_by_label("Guests").fill(guest)
        self.page.get_by_role("button", name="Add", exact=True).click()
        expect(self.event(title)).to_be_visible()

    def open_event(self, title: str, day: datetime.date) -> None:
        self.page.goto(self.week_of(day))
        self.event(title).click()
        expect(self.page.get_by_role("heading", name=title)).to_be_visible()

    def move_event(self, title: str, day: datetime.date, starts: str, ends: str) -> None:
        self.open_event(title, day)
        self.page.get_by_label("From").fill(starts)
        self.page.get_by_label("To", exact=True).fill(ends)
        self.page.get_by_role("button", name="Save").click()
        self.page.wait_for_load_state()

    def delete_event(self, title: str, day: datetime.date) -> None:
        self.open_event(title, day)
        self.page.get_by_role("button", name="Delete").click()
        self.page.wait_for_load_state()

    def event(self, title: str) -> Locator:
        return self.page.get_by_role("link", name=re.compile(rf"^{re.escape(title)}\b"))

    def week_of(self, day: datetime.date) -> str:
        return f"{self.google_week}?week={day.isoformat()}"

    # --- in the CRM -----------------------------------------------------------------------------------------

    def appointment_of(self, search: str) -> str:
        """The address of the next appointment of the contact that `search` finds, once there is one."""
        link = self.page.locator("table a[href^='/appointments/']")
        self.until(f"{self.url}/contacts/?q={search}", link)
        return self.url + str(link.first.get_attribute("href"))

    def message(self, step: str) -> Locator:
        """The line of a planned message, named by its step (`24 h before`), on the appointment's page."""
        return self.page.get_by_role("listitem").filter(has_text=step)


def soon(days: int = 3) -> datetime.date:
    """A day far enough ahead that no reminder of it is late."""
    return datetime.datetime.now(ZONE).date() + datetime.timedelta(days=days)


def long(day: datetime.date, clock: str) -> str:
    """As the appointment's page says it: Thursday 26 November 2026, 10:00."""
    return f"{day:%A} {day.day} {day:%B %Y}, {clock}"


def short(day: datetime.date, clock: str) -> str:
    """As a line of a list says it: Thu 26 Nov 2026, 10:00."""
    return f"{day:%a} {day.day} {day:%b %Y}, {clock}"
