"""The main pages against WCAG 2.2 AA, as far as a program can tell, in light and dark and on a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe

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
    "/outbox/",
    "/settings/profile/",
    "/settings/calendars/",
    "/settings/calendars/1/",
    "/settings/calendars/1/hours/",
    "/settings/integrations/",
)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_fault_in_light_dark_or_on_a_phone(desk: Desk, path: str):
    for scheme, width in (("light", 1440), ("dark", 1440), ("light", 375)):
        # Without motion: a colour on its way from dark to light has no contrast to be judged by.
        desk.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        desk.page.set_viewport_size({"width": width, "height": 900})
        desk.go(path)
        outcome = Axe().run(desk.page, options=RULES)
        assert outcome.violations_count == 0, f"{path}, {scheme}, {width} px\n{outcome.generate_report()}"
        wide = desk.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        assert not wide, f"{path} scrolls sideways at {width} px"


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
