"""The week of hours from the keyboard alone, and with the mouse: what the bars say is what is sent."""

from playwright.sync_api import Locator, expect

from tests.browser.desk import Desk

HOURS = "/settings/calendars/1/hours/"


def day(desk: Desk, name: str) -> Locator:
    return desk.page.get_by_role("group", name=name, exact=True)


def test_the_end_of_a_bar_moves_by_a_quarter_of_an_hour_and_says_the_next_day(desk: Desk):
    desk.go(HOURS)
    friday = day(desk, "Friday")
    end = friday.get_by_role("slider", name="Friday, to")
    end.press("ArrowRight")
    expect(end).to_have_attribute("aria-valuetext", "17:15")
    expect(friday.locator("[name=day-4-ends]")).to_have_value("17:15")
    friday.locator("[name=day-4-ends]").fill("01:30")
    expect(end).to_have_attribute("aria-valuetext", "01:30 on Saturday")
    expect(friday).to_contain_text("Until 01:30 on Saturday")
    expect(day(desk, "Saturday").locator("rect.is-spill")).to_have_count(1)


def test_hours_are_added_copied_and_saved_from_the_keyboard(desk: Desk):
    desk.go(HOURS)
    monday, sunday = day(desk, "Monday"), day(desk, "Sunday")
    monday.get_by_role("slider", name="Monday, to").press("End")
    monday.locator("[name=day-0-ends]").fill("12:00")
    monday.get_by_role("button", name="Add hours on Monday").press("Enter")
    expect(monday.locator("[name=day-0-starts]").nth(1)).to_be_focused()
    monday.locator("summary").press("Enter")
    monday.get_by_role("checkbox", name="Sunday").press("Space")
    monday.get_by_role("button", name="Copy", exact=True).press("Enter")
    expect(sunday.locator("[name=day-6-starts]")).to_have_count(2)
    desk.page.get_by_role("button", name="Save the week").press("Enter")
    save = desk.page.get_by_role("button", name="Save anyway")
    if save.count():
        save.press("Enter")
    expect(desk.page.get_by_text("Saved: the hours of Dana Whitfield.")).to_be_visible()
    expect(day(desk, "Sunday").locator("[name=day-6-ends]").first).to_have_value("12:00")


def test_the_start_of_a_bar_follows_the_mouse(desk: Desk):
    desk.go(HOURS)
    start = day(desk, "Wednesday").get_by_role("slider", name="Wednesday, from")
    box = start.bounding_box()
    assert box is not None
    desk.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    desk.page.mouse.down()
    desk.page.mouse.move(box["x"] - 60, box["y"] + 5)
    desk.page.mouse.up()
    moved = day(desk, "Wednesday").locator("[name=day-2-starts]").input_value()
    assert moved < "09:00"
    assert moved.endswith(("00", "15", "30", "45"))
