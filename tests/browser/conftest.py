"""A real browser on the real local run: web, worker, beat and Google's stand-in, in a process of their own."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

import dev
from tests.browser.customer import Customer
from tests.browser.desk import Desk
from tests.processes import Running, free_port_pair

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Product:
    """The local run on ports and in a folder of its own; looks and asks more often than a person's would."""

    def __init__(self, folder: Path) -> None:
        port = free_port_pair()
        ours = {"PORT": str(port), "PULL_INTERVAL_SECONDS": "2", "BEAT_SECONDS": "1"}
        # A browser that is driven types quicker than anybody.
        ours["BOOKING_QUICKEST_SECONDS"] = "0"
        # A site that shows booking pages in frames; `test_booking` answers for it.
        self.clinic = f"http://localhost:{free_port_pair()}"
        ours["BOOKING_FRAME_ORIGINS"] = self.clinic
        self.environment = {**ours, **dev.local_defaults(ours), "TANDEM_LOCAL_DIR": str(folder)}
        self.url = f"http://127.0.0.1:{port}"
        self.google_url = f"http://127.0.0.1:{port + 1}"
        self.start()

    def start(self) -> None:
        self.process = Running("manage.py", "demo", **self.environment)
        self.process.wait_for("Ctrl-C stops")

    def stop(self) -> None:
        code = self.process.stop()
        assert code == 0, self.process.output
        assert "Traceback" not in self.process.output, self.process.output

    def restart(self) -> None:
        self.stop()
        self.start()


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    product = Product(tmp_path_factory.mktemp("local"))
    yield product
    product.stop()


@pytest.fixture(scope="session")
def base_url(product: Product) -> str:
    return product.url


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    if CHROMIUM is None:
        assert "CI" not in os.environ, "chromium is missing, and CI must not pass without the browser tests"
        pytest.skip("needs chromium (Debian: apt-get install chromium)")
    # As root, in a container, chromium cannot make its own sandbox.
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": ["--no-sandbox"]}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 1440, "height": 1000}, "locale": "en-GB"}


def complaints_of(page: Page, product: Product) -> list[str]:
    """Grows by what our pages write to the console as an error."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # htmx calls a request that a newer one replaced an error.
        if message.text.startswith(("htmx:afterRequest", "htmx:sendAbort")):
            return
        # Chromium calls it an error when a drag is answered with a question, or cut off by a test.
        if "status of 409" in message.text or "net::ERR_FAILED" in message.text:
            return
        where = message.location.get("url", "")
        # A page that says no in words (409, 404) is an error to chromium as well.
        if where == page.url and "responded with a status of 4" in message.text:
            return
        if message.type == "error" and where.startswith(product.url):
            complaints.append(f"{page.url}: {message.text}")

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    return complaints


@pytest.fixture
def desk(product: Product, page: Page) -> Iterator[Desk]:
    """Dana at her desk, signed in. Fails when one of our pages wrote an error to the console (a refused
    script or style among them)."""
    complaints = complaints_of(page, product)
    desk = Desk(page, product.url, product.google_url)
    desk.sign_in()
    yield desk
    assert complaints == []


@pytest.fixture
def admin(product: Product, browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[Desk]:
    """The administrator, in a browser of their own."""
    with browser.new_context(**browser_context_args) as context:
        desk = Desk(context.new_page(), product.url, product.google_url)
        desk.sign_in("Administrator")
        yield desk


@pytest.fixture
def customer_with(
    product: Product, browser: Browser, browser_context_args: dict[str, Any]
) -> Iterator[Callable[..., Customer]]:
    """A customer in a browser of their own, who never signed in; the words are those of `browser.new_context`."""
    complaints: list[list[str]] = []
    contexts: list[BrowserContext] = []

    def customer_with(**words: Any) -> Customer:
        context = browser.new_context(**{**browser_context_args, "timezone_id": "Europe/London", **words})
        contexts.append(context)
        page = context.new_page()
        complaints.append(complaints_of(page, product))
        return Customer(page, product.url, has_touch=words.get("has_touch", False))

    yield customer_with
    for context in contexts:
        context.close()
    assert [complaint for each in complaints for complaint in each] == []
