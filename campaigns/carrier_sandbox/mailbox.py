"""The mail of a local run, as Django's file backend leaves it (EMAIL_URL=filemail://…): a list, and each to read."""

import email
import email.policy
import urllib.parse
from dataclasses import dataclass
from email.message import EmailMessage
from html import escape
from pathlib import Path

SHOWN = 200


@dataclass(frozen=True, slots=True)
class Mail:
    """`name`: of its file."""

    name: str
    to: str
    subject: str
    date: str
    text: str
    html: str
    reply_to: str = ""

    @property
    def answers(self) -> str:
        """Where an answer goes, for whoever reads the mail here."""
        return f", answers go to {self.reply_to}" if self.reply_to else ""


def newest(folder: Path) -> list[Path]:
    """The files of the latest mails; their names begin with the time."""
    return sorted(folder.glob("*.log"), reverse=True)[:SHOWN] if folder.is_dir() else []


def read(path: Path) -> Mail:
    with path.open("rb") as file:
        message = email.message_from_binary_file(file, policy=email.policy.default)
    return Mail(
        name=path.name,
        to=str(message.get("To", "")),
        subject=str(message.get("Subject", "")),
        date=str(message.get("Date", "")),
        text=_part(message, "plain"),
        html=_part(message, "html"),
        reply_to=str(message.get("Reply-To", "")),
    )


def _part(message: object, kind: str) -> str:
    body = message.get_body((kind,)) if isinstance(message, EmailMessage) else None
    return str(body.get_content()) if body is not None else ""


def list_page(folder: Path) -> str:
    rows = "".join(_row(read(path)) for path in newest(folder))
    return f'<ul class="mails">{rows}</ul>' if rows else "<p>No mail has left yet. Each appears here.</p>"


def _row(mail: Mail) -> str:
    url = f"/mail/{urllib.parse.quote(mail.name)}"
    return (
        f'<li><a href="{escape(url)}">{escape(mail.subject) or "(no subject)"}</a>'
        f"<small>to {escape(mail.to)}, {escape(mail.date)}</small></li>"
    )


def mail_page(folder: Path, name: str) -> str | None:
    """None for a name that is no mail's."""
    path = next((path for path in newest(folder) if path.name == name), None)
    return _read_page(read(path)) if path is not None else None


def _read_page(mail: Mail) -> str:
    # No scripts and none of this page's rights in it; a link opens a window of its own, as in a mail reader.
    frame = (
        '<iframe title="The mail as a page" sandbox="allow-popups allow-popups-to-escape-sandbox" '
        f'srcdoc="{escape("<base target=_blank>" + mail.html)}"></iframe>'
    )
    about = f"to {mail.to}, {mail.date}{mail.answers}"
    return (
        f'<p><a href="/mail">All mail</a></p><h2>{escape(mail.subject)}</h2>'
        f"<p><small>{escape(about)}</small></p>{frame if mail.html else ''}"
        f"<h2>As text</h2><pre>{escape(mail.text)}</pre>"
    )
