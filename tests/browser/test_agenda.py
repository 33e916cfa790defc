"""The agenda of a month on a phone, and in its grid."""

import re

from playwright.sync_api import expect

from tests.browser.desk import Desk


def test_on_a_phone_a_free_month_is_one_line_and_a_grid_has_none(desk: Desk):
    desk.page.set_viewport_size({"width": 375, "height": 812})
    desk.go("/agenda/?view=month&date=2019-02-10")
    expect(desk.page.locator("#agenda-days > :visible")).to_have_text(["1 to 28 February: nothing"])
    desk.page.set_viewport_size({"width": 1440, "height": 1000})
    expect(desk.page.get_by_text(re.compile("February: nothing"))).to_be_hidden()
