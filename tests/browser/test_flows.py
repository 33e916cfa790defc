"""Both flows, as a person sees them happen."""

import datetime
import re

from playwright.sync_api import expect

from tests.browser.conftest import Product
from tests.browser.desk import Desk, long, short, soon


def test_in_an_event_at_google_becomes_contact_appointment_and_reminders_and_they_follow_it(desk: Desk):
    day, eve = soon(), soon() - datetime.timedelta(days=1)
    desk.connect_google()
    desk.sync_two_way()

    desk.add_event("Knee check", day, "10:00", "10:45", guest="wren.calloway@example.net")
    appointment = desk.appointment_of("wren.calloway")
    desk.page.goto(appointment)
    expect(desk.page.get_by_text(long(day, "10:00 to 10:45"))).to_be_visible()
    expect(desk.page.get_by_role("link", name="Wren Calloway")).to_be_visible()
    expect(desk.message("24 h before")).to_contain_text(short(eve, "10:00"))
    expect(desk.message("1 h before")).to_contain_text(short(day, "09:00"))
    desk.until(appointment, desk.message("At once").filter(has_text="Sent"))

    desk.move_event("Knee check", day, "15:00", "15:45")
    desk.until(appointment, desk.page.get_by_text(long(day, "15:00 to 15:45")))
    desk.until(appointment, desk.message("24 h before").filter(has_text=short(eve, "15:00")))
    expect(desk.message("1 h before").filter(has_text="Waiting")).to_contain_text(short(day, "14:00"))

    desk.delete_event("Knee check", day)
    desk.until(appointment, desk.page.locator("main").get_by_text("Cancelled", exact=True))
    desk.until(appointment, desk.message("1 h before").filter(has_text="Void"))
    expect(desk.page.get_by_role("listitem").filter(has_text="Waiting")).to_have_count(0)


def test_out_an_appointment_made_here_appears_at_google_once_and_stays_one_after_a_restart(
    desk: Desk, product: Product
):
    day = soon(8)
    desk.connect_google()
    desk.sync_two_way()

    desk.go("/contacts/?q=Eleanor")
    desk.page.get_by_role("link", name="Eleanor Voss").click()
    desk.page.get_by_role("link", name="Book", exact=True).click()
    desk.page.get_by_label("Start").fill(f"{day.isoformat()}T07:15")
    desk.page.get_by_label("Title").fill("Second opinion")
    desk.page.get_by_role("button", name="Book").click()
    expect(desk.page.get_by_text(long(day, "07:15 to 08:00"))).to_be_visible()
    appointment = desk.page.url

    desk.until(desk.week_of(day), desk.event("Second opinion"))
    expect(desk.event("Second opinion")).to_have_count(1)
    expect(desk.event("Second opinion")).to_contain_text("07:15")
    desk.until(appointment, desk.page.get_by_text("In Google", exact=True))

    product.restart()
    # A second full turn of pull, plan and push has passed once this later event has arrived.
    desk.add_event("After the restart", day, "06:00", "06:30", guest="noor.haddad@example.net")
    desk.appointment_of("noor.haddad")
    desk.page.goto(desk.week_of(day))
    expect(desk.event("Second opinion")).to_have_count(1)
    expect(desk.event("After the restart")).to_have_count(1)
    desk.go("/contacts/?q=noor.haddad")
    expect(desk.page.get_by_role("link", name="Noor Haddad")).to_have_count(1)
    desk.go(f"/agenda/?view=list&date={day.isoformat()}")
    # By its time: the demo has a visit of hers as well, which some weekdays bring into the same list.
    own = re.compile("07:15 to 08:00.*Eleanor Voss", re.DOTALL)
    expect(desk.page.get_by_role("link", name=own)).to_have_count(1)
