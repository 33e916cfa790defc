"""Texts with formatting: cleaned when they are saved, the plain text that says no less, and their way into an e-mail.
Pure.

A formatted text is HTML with merge fields in it. What a merge field stands for never is: values are escaped.
"""

import html
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import nh3

TAGS = {"a", "blockquote", "br", "div", "em", "h1", "li", "ol", "p", "strong", "ul"}
SCHEMES = {"http", "https", "mailto", "tel"}
# `{{ … }}` and `{% … %}`, which have no markup of their own.
TOKEN = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
ONE_FIELD = re.compile(r"\{\{\s*(\w+\.\w+)\s*\}\}")
URL = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")
# Typed into the link field without its scheme, as people do.
BARE_DOMAIN = re.compile(r"(?i)^(?:[a-z0-9-]+\.)+[a-z]{2,}(?:[/?#]\S*)?$")
HREF = re.compile(r'(<a\b[^>]*?\bhref=")([^"]*)(")')
LINK = re.compile(r"<a\b[^>]*>.*?</a>", re.DOTALL)
DEAD_LINK = re.compile(r'<a\b(?![^>]*\bhref="\s*[^"\s])[^>]*>.*?</a>', re.DOTALL)
GAPS = re.compile(r"(?:<br>\s*){3,}")


def clean(markup: str) -> str:
    """`markup` with what an editor's toolbar makes and nothing else; "" where no word is in it."""
    whole = TOKEN.sub(lambda token: _whole(token.group()), markup)
    cleaned = nh3.clean(whole, tags=TAGS, attributes={"a": {"href"}}, url_schemes=SCHEMES, link_rel=None)
    cleaned = HREF.sub(lambda link: f"{link[1]}{_with_scheme(link[2])}{link[3]}", cleaned)
    return cleaned.strip() if text_of(cleaned) else ""


def _whole(token: str) -> str:
    """Formatting that begins or ends inside a merge field would break it in two."""
    return re.sub(r"<[a-z/][^>]*>", "", token).replace("&nbsp;", " ").replace("\xa0", " ")


def _with_scheme(href: str) -> str:
    if BARE_DOMAIN.match(href):
        return f"https://{href}"
    return f"mailto:{href}" if re.fullmatch(r"[^@\s{}:/]+@[\w.-]+\.[a-z]{2,}", href) else href


def of_text(text: str) -> str:
    """A plain text as formatted text, for an editor to start from."""
    return (
        f"<div>{html.escape(text.strip(), quote=False).replace(chr(10), '<br>')}</div>"
        if text.strip()
        else ""
    )


# --- into an e-mail ---------------------------------------------------------------------------------------


def template_of(markup: str) -> str:
    """Cleaned `markup` as a template: inside its merge fields nothing is escaped any more."""
    return TOKEN.sub(lambda token: html.unescape(token.group()), markup)


def finished(filled: str) -> str:
    """What was filled in, cleaned once more; links that lead nowhere are gone, addresses in the text are links."""
    again = nh3.clean(filled, tags=TAGS, attributes={"a": {"href"}}, url_schemes=SCHEMES, link_rel=None)
    living = GAPS.sub("<br><br>", DEAD_LINK.sub("", again))
    parts, end = [], 0
    for link in LINK.finditer(living):
        parts += [_linked(living[end : link.start()]), link.group()]
        end = link.end()
    return "".join([*parts, _linked(living[end:])])


def _linked(markup: str) -> str:
    return URL.sub(lambda found: f'<a href="{found.group()}">{found.group()}</a>', markup)


# --- the plain text ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Link:
    words: str
    href: str

    def told(self, *, alone: bool) -> str:
        address = self.href.removeprefix("mailto:").removeprefix("tel:")
        if not self.words or self.words == address:
            return address
        words = f"{self.words}: {address}" if alone else f"{self.words} ({address})"
        # Of what cannot be done there is no address: then nothing is said of it, as `finished` does.
        only = ONE_FIELD.fullmatch(self.href)
        return f'{{% if {only[1]} != "" %}}{words}{{% endif %}}' if only else words


@dataclass(slots=True)
class _Line:
    lead: str = ""
    parts: list[str | _Link] = field(default_factory=list)

    def told(self) -> str:
        links = [part for part in self.parts if isinstance(part, _Link)]
        words = "".join(part for part in self.parts if isinstance(part, str))
        alone = len(links) == 1 and not words.strip()
        told = "".join(part if isinstance(part, str) else part.told(alone=alone) for part in self.parts)
        return f"{self.lead}{told.strip()}" if told.strip() else self.lead.rstrip()


class _Reader(HTMLParser):
    """Reads cleaned markup line by line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[_Line] = [_Line()]
        self.href: str | None = None
        self.link_words = ""
        self.numbers: list[int | None] = []
        self.quotes = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        match tag:
            case "br":
                self._end_line()
            case "a":
                self.href, self.link_words = dict(attrs).get("href") or "", ""
            case "li":
                self._start_block()
                self.lines[-1].lead += self._bullet()
            case "ul" | "ol":
                self._start_block(gap=not self.numbers)
                self.numbers.append(0 if tag == "ol" else None)
            case "blockquote":
                self._start_block(gap=True)
                self.quotes += 1
                self.lines[-1].lead = self._quote()
            case "p" | "h1":
                self._start_block(gap=True)
            case "div":
                self._start_block()

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "a" if self.href is not None:
                words, href, self.href = self.link_words.strip(), self.href, None
                self.lines[-1].parts.append(_Link(words, href) if href else words)
            case "ul" | "ol":
                self.numbers = self.numbers[:-1]
                self._start_block(gap=not self.numbers)
            case "blockquote":
                self.quotes -= 1
                self._start_block(gap=True)
            case "p" | "h1":
                self._start_block(gap=True)
            case "div" | "li":
                self._start_block()

    def handle_data(self, data: str) -> None:
        words = re.sub(r"\s+", " ", data)
        if self.href is not None:
            self.link_words += words
        else:
            self.lines[-1].parts.append(words)

    def _end_line(self) -> None:
        self.lines.append(_Line(self._quote()))

    def _start_block(self, *, gap: bool = False) -> None:
        """Begins a line, unless one has just begun; with an empty one before it where `gap`."""
        if self.lines[-1].told().strip("> "):
            self._end_line()
        self.lines[-1].lead = self._quote()
        if gap and len(self.lines) > 1 and self.lines[-2].told().strip("> "):
            self._end_line()

    def _quote(self) -> str:
        return "> " * self.quotes

    def _bullet(self) -> str:
        indent = "  " * (len(self.numbers) - 1)
        if not self.numbers or self.numbers[-1] is None:
            return f"{indent}- "
        self.numbers[-1] += 1
        return f"{indent}{self.numbers[-1]}. "


def text_of(markup: str) -> str:
    """The plain text of cleaned `markup`, its merge fields in place and its links with their addresses."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    lines = "\n".join(line.told() for line in reader.lines)
    return re.sub(r"\n{3,}", "\n\n", lines).strip()
