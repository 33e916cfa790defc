"""A booking page in a frame of another site, where it gets no cookies, and on a phone."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Frame, Locator, Page, expect

from tests.browser.conftest import Product


@pytest.fixture
def clinic(product: Product) -> Iterator[str]:
    """Another site, whose one page shows a calendar in a frame."""
    embed = f"{product.url}/static/booking-embed.js"

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            script = f'<script src="{embed}" data-calendar="dana-consultations"></script>'
            self.wfile.write(f"<!doctype html><link rel=icon href=data:,><h1>Clinic</h1>{script}".encode())

        def log_message(self, *words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", urlsplit(product.clinic).port or 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield product.clinic
    server.shutdown()
    server.server_close()


@pytest.fixture
def visitor(browser: Browser, clinic: str) -> Iterator[Page]:
    """On a phone in New York, at the clinic's page."""
    context = browser.new_context(timezone_id="America/New_York", viewport={"width": 375, "height": 740})
    page = context.new_page()
    page.goto(f"{clinic}/")
    yield page
    context.close()


def framed(page: Page) -> Frame:
    page.wait_for_function("frames.length === 1")
    frame = page.frames[1]
    frame.wait_for_selector("main")
    return frame


def heights(page: Page, frame: Frame) -> tuple[int, int]:
    """Of the frame once it holds still for half a second, and of what it shows."""
    before: Any = None
    for _ in range(20):
        now = page.evaluate("document.querySelector('iframe').getBoundingClientRect().height")
        if now == before:
            break
        before = now
        page.wait_for_timeout(500)
    return int(now), int(frame.evaluate("document.querySelector('main').getBoundingClientRect().height"))


def test_frame_is_as_tall_as_what_it_shows_and_shrinks_again(visitor: Page) -> None:
    frame = framed(visitor)
    tall, content = heights(visitor, frame)
    assert content <= tall <= content + 100
    frame.evaluate("document.querySelector('.pick-times').remove()")
    visitor.wait_for_timeout(500)
    short, content = heights(visitor, frame)
    assert short < tall
    assert content <= short <= content + 100


def test_time_that_was_pressed_is_the_time_on_the_form_where_there_are_no_cookies(visitor: Page) -> None:
    frame = framed(visitor)
    visited: list[str] = []
    visitor.on("framenavigated", lambda each: visited.append(each.url))
    expect(frame.locator("#zone")).to_have_value("America/New_York")
    visitor.wait_for_timeout(500)
    assert visited == []
    visitor.context.clear_cookies()
    frame.locator("a.pick-day").last.click()
    visitor.context.clear_cookies()
    time = frame.locator(".times a").first
    pressed = time.inner_text()
    time.click()
    expect(frame.locator(".chosen-time")).to_contain_text("America/New_York")
    expect(frame.locator(".chosen-time")).to_contain_text(f", {pressed} to ")


def in_view(page: Page, what: Locator) -> None:
    """Within the window of the site around the frame; waits until the site has scrolled."""
    inside = "what => what.getBoundingClientRect().top"
    around = "inside => document.querySelector('iframe').getBoundingClientRect().top + inside"
    for _ in range(20):
        top = page.evaluate(around, what.evaluate(inside))
        if 0 <= top <= 700:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"it begins {top} px from the top of the window")


def test_what_comes_next_in_the_frame_comes_into_view(visitor: Page) -> None:
    frame = framed(visitor)
    frame.locator(".pick-head a").last.click()
    frame.wait_for_url(re.compile("month="))
    frame.locator("a.pick-day").nth(3).click()
    frame.wait_for_url(re.compile("day="))
    in_view(visitor, frame.locator("#times-title"))
    frame.locator(".times a").last.click()
    frame.wait_for_selector(".chosen-time")
    in_view(visitor, frame.locator("h1"))
    frame.get_by_role("button", name="Book").click()
    frame.wait_for_selector("[role=alert]")
    in_view(visitor, frame.locator("[role=alert]"))


def test_site_that_may_not_show_it_gets_a_link_that_leads_there(clinic: str, page: Page) -> None:
    page.goto(f"{clinic.replace('localhost', '127.0.0.1')}/")
    page.get_by_role("link", name="Book an appointment").click()
    expect(page.get_by_role("heading", name="Dana – consultations")).to_be_visible()


def test_site_that_may_show_it_keeps_the_frame(visitor: Page) -> None:
    framed(visitor)
    visitor.wait_for_timeout(2000)
    expect(visitor.locator("iframe")).to_be_visible()
    expect(visitor.get_by_role("link", name="Book an appointment")).to_have_count(0)
