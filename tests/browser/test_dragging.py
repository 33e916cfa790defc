"""Dragging in the agenda with the mouse: moved, undone, onto what is there already, and over empty time."""

import datetime
import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.desk import Desk, soon

# The height of a quarter of an hour in the grid.
QUARTER = 13


def grid(desk: Desk, day: datetime.date) -> None:
    desk.go(f"/agenda/?view=day&date={day.isoformat()}")
    expect(desk.page.locator("#agenda-grid .ec-main")).to_be_visible()


def entry(desk: Desk, title: str) -> Locator:
    return desk.page.locator(".ec-event").filter(has_text=title)


def drag(page: Page, where: Locator, *, quarters: int, from_bottom: bool = False) -> None:
    expect(page.locator("#agenda-grid.is-busy")).to_have_count(0)
    where.scroll_into_view_if_needed()
    box = where.bounding_box()
    assert box is not None
    x = box["x"] + box["width"] / 3
    y = box["y"] + (box["height"] - 2 if from_bottom else 6)
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(x, y + quarters * QUARTER * step / 8)
    page.mouse.up()


def book(desk: Desk, day: datetime.date, clock: str, name: str) -> None:
    desk.go(f"/appointments/new/?start={day.isoformat()}T{clock}")
    desk.page.get_by_text("Or a new person").click()
    desk.page.get_by_label("First name").fill(name)
    desk.page.get_by_label("Minutes").fill("45")
    desk.page.get_by_role("button", name="Book").click()
    expect(desk.page.get_by_text("Booked.").first).to_be_visible()


def test_an_entry_is_dragged_undone_and_dragged_onto_another_for_a_reason(desk: Desk):
    day, page = soon(24), desk.page
    book(desk, day, "12:00", "Tamsin")
    appointment = page.url
    book(desk, day, "14:00", "Osric")
    said = page.locator("#agenda-said [role=status]")

    grid(desk, day)
    drag(page, entry(desk, "Tamsin"), quarters=4)
    expect(said).to_contain_text("13:00 to 13:45")
    expect(entry(desk, "Tamsin")).to_contain_text("13:00")
    assert "/agenda/" in page.url
    page.get_by_role("button", name="Undo").press("Enter")
    expect(said).to_contain_text("Moved back to")
    expect(entry(desk, "Tamsin")).to_contain_text("12:00")
    page.keyboard.press("Escape")
    expect(said).to_be_empty()

    drag(page, entry(desk, "Tamsin"), quarters=2, from_bottom=True)
    expect(said).to_contain_text("12:00 to 13:15")

    dialog = page.get_by_role("dialog", name="That time is taken already")
    drag(page, entry(desk, "Tamsin"), quarters=8)
    expect(dialog).to_contain_text("Osric")
    page.keyboard.press("Escape")
    expect(said).to_have_text("Put back: nothing was moved.")
    expect(entry(desk, "Tamsin")).to_contain_text("12:00")

    drag(page, entry(desk, "Tamsin"), quarters=8)
    dialog.get_by_role("button", name="Move anyway").click()
    expect(dialog.get_by_text("Say why the two may overlap.")).to_be_visible()
    reason = dialog.get_by_label("Why may they overlap?")
    reason.fill("Both share the room")
    reason.press("Enter")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Move anyway").click()
    expect(said).to_contain_text("14:00 to 15:15")

    page.goto(appointment)
    expect(page.get_by_text("Overlaps: Both share the room", exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile("^Undone: moved back by")).first).to_be_visible()


def test_a_move_that_does_not_reach_us_goes_back_and_says_so(desk: Desk):
    day, page = soon(25), desk.page
    book(desk, day, "12:00", "Wilf")
    grid(desk, day)
    page.route("**/drag/", lambda route: route.abort())
    drag(page, entry(desk, "Wilf"), quarters=4)
    expect(page.locator("#agenda-said [role=status]")).to_contain_text("did not reach Tandem")
    expect(entry(desk, "Wilf")).to_contain_text("12:00")


def test_empty_time_becomes_blocked_time_which_is_dragged_and_put_back(desk: Desk):
    day, page = soon(26), desk.page
    grid(desk, day)
    empty = page.locator(".ec-main").bounding_box()
    assert empty is not None
    x, y = empty["x"] + empty["width"] / 2, empty["y"] + empty["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(x, y + step * QUARTER)
    page.mouse.up()
    dialog = page.locator("#agenda-span")
    expect(dialog.get_by_role("link", name="New appointment")).to_have_attribute(
        "href", re.compile(r"^/appointments/new/\?start=.*&end=")
    )
    dialog.get_by_role("link", name="Block time").click()
    start, end = page.get_by_label("From").input_value(), page.get_by_label("Until").input_value()
    assert start[:10] == day.isoformat()
    assert start < end
    page.get_by_label("What for").fill("Stocktaking")
    page.get_by_role("button", name="Block", exact=True).click()

    grid(desk, day)
    drag(page, entry(desk, "Stocktaking"), quarters=-4)
    said = page.locator("#agenda-said [role=status]")
    expect(said).to_contain_text("Blocked time moved to")
    page.keyboard.press("Control+z")
    expect(said).to_contain_text("Moved back to")
    expect(entry(desk, "Stocktaking")).to_contain_text(start[11:])


def test_a_click_on_empty_time_still_books(desk: Desk):
    grid(desk, soon(27))
    box = desk.page.locator(".ec-main").bounding_box()
    assert box is not None
    desk.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(desk.page).to_have_url(re.compile(r"/appointments/new/\?start="))


def test_escape_gives_a_drag_up_and_letting_go_opens_nothing(desk: Desk):
    day, page = soon(24), desk.page
    book(desk, day, "10:00", "Wilmot")
    grid(desk, day)
    said = page.locator("#agenda-said [role=status]")
    dragged = entry(desk, "Wilmot")
    dragged.scroll_into_view_if_needed()
    box = dragged.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 3, box["y"] + 6
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(x, y + 4 * QUARTER * step / 8)
    page.keyboard.press("Escape")
    expect(said).to_have_text("Put back: nothing was moved.")
    expect(page.locator(".ec-preview")).to_have_count(0)
    page.mouse.move(x, y)
    page.mouse.up()
    expect(page.locator(".ec-event").filter(has_text="Wilmot")).to_contain_text("10:00")
    assert "/agenda/" in page.url
    drag(page, entry(desk, "Wilmot"), quarters=4)
    expect(said).to_contain_text("11:00 to 11:45")


def test_escape_gives_a_marking_of_empty_time_up_and_opens_nothing(desk: Desk):
    page = desk.page
    grid(desk, soon(27))
    box = page.locator(".ec-main").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    dialog = page.locator("#agenda-span")

    def mark() -> None:
        page.mouse.move(x, y)
        page.mouse.down()
        for step in range(1, 9):
            page.mouse.move(x, y + 4 * QUARTER * step / 8)

    mark()
    page.keyboard.press("Escape")
    expect(page.locator(".ec-preview")).to_have_count(0)
    page.mouse.up()
    expect(dialog).not_to_be_visible()
    assert "/agenda/" in page.url
    mark()
    page.mouse.up()
    expect(dialog).to_be_visible()


def test_what_cannot_be_moved_says_why_and_opens_nothing(desk: Desk):
    day, page = soon(28), desk.page
    book(desk, day, "10:00", "Ottoline")
    page.get_by_text("Cancel or invalidate").click()
    page.get_by_role("button", name="Cancel the appointment").click()
    expect(page.get_by_text("Cancelled").first).to_be_visible()
    desk.go(f"/agenda/?view=day&date={day.isoformat()}&cancelled=1")
    drag(page, entry(desk, "Ottoline"), quarters=1)
    said = page.locator("#agenda-said [role=status]")
    expect(said).to_have_text("It is cancelled: book a new appointment instead.")
    assert "/agenda/" in page.url
    page.keyboard.press("Escape")
    entry(desk, "Ottoline").get_by_role("link").click()
    expect(page).to_have_url(re.compile("/appointments/"))
