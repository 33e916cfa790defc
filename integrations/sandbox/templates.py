"""Fills the HTML files in `pages/`. Every value is escaped unless it was made here and is marked as
markup."""

from __future__ import annotations

import html
from functools import cache
from importlib.resources import files
from string import Template

from integrations.sandbox.wire import Response, html_response


class Markup(str):
    """Text that is already HTML."""

    __slots__ = ()


@cache
def _template(name: str) -> Template:
    return Template(files("integrations.sandbox").joinpath("pages", f"{name}.html").read_text("utf-8"))


def fill(template: str, /, **values: object) -> Markup:
    """One HTML file with its values; raises KeyError for a value it names and was not given."""
    return Markup(_template(template).substitute({key: _escaped(value) for key, value in values.items()}))


def _escaped(value: object) -> str:
    return value if isinstance(value, Markup) else html.escape(str(value), quote=True)


def joined(parts: list[Markup]) -> Markup:
    return Markup("".join(parts))


def page(title: str, content: Markup, *, status: int = 200, wide: bool = False) -> Response:
    """A whole page; the banner that says what this is stands on every one."""
    shape = "wide" if wide else "narrow"
    style = Markup(_template("style").template)
    return html_response(fill("base", title=title, content=content, shape=shape, style=style), status)
