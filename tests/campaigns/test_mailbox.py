"""The mail of a local run, as people read it beside the phones."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from campaigns.carrier_sandbox import CarrierSandbox, serve
from campaigns.transports import EmailTransport, Letter


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    return tmp_path / "mail"


@pytest.fixture
def site(folder: Path) -> Iterator[str]:
    server = serve(CarrierSandbox(mail_folder=folder))
    yield server.url
    server.close()


def page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 (loopback)
        text: str = answer.read().decode()
    return text


def sent(subject: str = "Tomorrow", html: str = "<p>See <b>you</b></p>") -> None:
    EmailTransport().send(Letter("ada@example.com", subject, "See you", html, "<1@x>", reply_to="grace@x"))


def test_before_the_first_mail_the_page_says_so(site: str) -> None:
    assert "No mail has left yet" in page(f"{site}/mail")


def test_a_mail_is_listed_and_read_as_text_and_as_a_page_that_runs_nothing(site: str, folder: Path) -> None:
    sent("Tomorrow <b>at 10</b>")
    listed = page(f"{site}/mail")
    assert "Tomorrow &lt;b&gt;at 10&lt;/b&gt;</a>" in listed
    assert "to ada@example.com" in listed
    (file,) = folder.iterdir()
    read = page(f"{site}/mail/{file.name}")
    assert "<pre>See you" in read
    assert "answers go to grace@x" in read
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in read
    assert "&lt;p&gt;See &lt;b&gt;you&lt;/b&gt;&lt;/p&gt;" in read


@pytest.mark.parametrize("name", ["nothing.log", "..%2f..%2fetc%2fpasswd", "../secret.log"])
def test_nothing_but_mail_is_shown(site: str, folder: Path, name: str) -> None:
    sent()
    (folder.parent / "secret.log").write_text("secret")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        page(f"{site}/mail/{name}")


def test_where_mail_really_leaves_the_page_says_so() -> None:
    server = serve(CarrierSandbox())
    try:
        assert "nothing of it is kept here" in page(f"{server.url}/mail")
    finally:
        server.close()
