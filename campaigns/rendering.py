"""Turns a step's text and plain values into what is sent. Pure: Liquid with limits, plain dictionaries only.

Liquid rather than Django's templates: these texts are written by users, and model objects in reach of one
leak.
"""

import difflib
import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import css_inline
from liquid import BoundTemplate, Environment, StrictDefaultUndefined
from liquid.ast import Node
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.output import OutputNode
from liquid.exceptions import LiquidError, UndefinedError
from liquid.expression import Expression

from campaigns import rich_text

# The merge fields, by namespace, each with an example. The editor's picker and `validate` read this.
FIELDS: dict[str, dict[str, str]] = {
    "contact": {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "company": "Analytical Engines",
        "unsubscribe_url": "https://book.example.com/campaigns/unsubscribe/12/",
    },
    "appointment": {
        "title": "Consultation",
        "date": "Monday 2 November 2026",
        "time": "09:30",
        "starts_at": "Monday 2 November 2026, 09:30 GMT",
        "ends_at": "Monday 2 November 2026, 10:00 GMT",
        "calendar": "Consultations",
        "location": "12 High Street",
        "meeting_url": "https://meet.google.com/abc-defg-hij",
        "duration_minutes": "30",
        # Empty where that cannot be done (any more), so that a fallback or `if` can stand in.
        "confirm_url": "https://book.example.com/book/appointments/12/confirm/",
        "reschedule_url": "https://book.example.com/book/appointments/12/move/",
        "cancel_url": "https://book.example.com/book/appointments/12/cancel/",
        "manage_url": "https://book.example.com/book/appointments/12/",
    },
    "host": {"name": "Grace Hopper", "email": "grace@example.com"},
    "business": {"name": "Tandem"},
    # Kept on the campaign; without one nothing that names it may leave.
    "campaign": {"review_url": "https://reviews.example.com/your-practice"},
}
NAMES = tuple(f"{space}.{field}" for space, fields in FIELDS.items() for field in fields)
# What nobody may have filled in, or what cannot be done (any more).
MAY_BE_EMPTY = {f"contact.{field}" for field in ("first_name", "last_name", "name", "company")}
MAY_BE_EMPTY |= {f"appointment.{field}" for field in ("location", "meeting_url")}
MAY_BE_EMPTY |= {f"appointment.{action}_url" for action in ("confirm", "reschedule", "cancel")}

TAGS = {"#", "assign", "break", "capture", "case", "comment", "content", "continue", "for", "if", "illegal"}
TAGS |= {"output", "unless"}
FILTERS = {"append", "capitalize", "date", "default", "divided_by", "downcase", "minus", "plus", "prepend"}
FILTERS |= {"remove", "round", "size", "squish", "strip", "times", "truncate", "truncatewords", "upcase"}


class Fields(dict[str, dict[str, str]]):
    """Merge fields: a dictionary of plain dictionaries of text, by the names in `FIELDS`."""


class NotRenderable(Exception):
    """The text cannot be filled in; the words say where and why."""


@dataclass(frozen=True, slots=True)
class Fault:
    line: int
    words: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.words}"


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str


class LimitedEnvironment(Environment):
    loop_iteration_limit = 500
    output_stream_limit = 50_000
    local_namespace_limit = 10_000
    context_depth_limit = 8


@cache
def _environment(*, escapes: bool = False) -> Environment:
    """Only tags and filters whose cost grows with the text: that of `join` or `replace` does not. `escapes`: values
    are told as HTML."""
    environment = LimitedEnvironment(undefined=StrictDefaultUndefined, autoescape=escapes)
    for registry, kept in ((environment.tags, TAGS), (environment.filters, FILTERS)):
        for name in set(registry) - kept:
            del registry[name]
    return environment


@lru_cache(maxsize=256)
def _parsed(template: str, *, escapes: bool) -> BoundTemplate:
    """Parsed once: thousands of messages share the few texts of their steps."""
    return _environment(escapes=escapes).from_string(template)


def validate(template: str) -> list[Fault]:
    """What is wrong with `template`, first line first; empty when it can be saved."""
    try:
        parsed = _environment().from_string(template)
        faults = _unknown_fields(template, parsed)
        if not faults:
            parsed.render(**FIELDS)
    except LiquidError as error:
        faults = [_fault(template, error)]
    return sorted(faults, key=lambda fault: fault.line)


def fill(template: str, fields: Fields, *, escapes: bool = False) -> str:
    """`template` with `fields` in their places. Raises NotRenderable."""
    try:
        return _parsed(template, escapes=escapes).render(**fields)
    except LiquidError as error:
        raise NotRenderable(str(_fault(template, error))) from error


def render(*, subject: str, body: str, fields: Fields, rich: str = "", unsubscribe_url: str = "") -> Rendered:
    """Subject on one line, the plain text part, and the same as HTML, from `rich` where there is one. Raises
    NotRenderable."""
    line = " ".join(fill(subject, fields).split())
    text = tidy(fill(body, fields))
    filled = fill(rich_text.template_of(rich), fields, escapes=True) if rich else ""
    return Rendered(
        subject=line,
        text=_with_footer(text, unsubscribe_url),
        html=as_page(
            rich_text.finished(filled) if rich else paragraphs(text), title=line, foot=_foot(unsubscribe_url)
        ),
    )


def shown(*, body: str, fields: Fields, rich: str = "") -> str:
    """The words of an e-mail as HTML, without the page around them. Raises NotRenderable."""
    if rich:
        return rich_text.finished(fill(rich_text.template_of(rich), fields, escapes=True))
    return paragraphs(tidy(fill(body, fields)))


def tidy(text: str) -> str:
    """Without the gaps that what was left out has left."""
    return re.sub(r"\n[ \t]*\n[ \t]*(?:\n[ \t]*)+", "\n\n", text.replace("\r\n", "\n")).strip()


def used_in(*templates: str) -> set[str]:
    """The names of the merge fields in `templates`; those of a text that cannot be read are left out."""
    names: set[str] = set()
    for template in templates:
        try:
            variables = _environment().from_string(template).analyze().globals.values()
        except LiquidError:
            continue
        names |= {_name(variable.segments) for each in variables for variable in each}
    return names


def may_read_empty(template: str) -> list[str]:
    """The merge fields of `template` that may be empty where nothing stands in for them, in their order; none of a
    text that cannot be read."""
    found: dict[str, None] = {}
    try:
        nodes = _environment().from_string(template).nodes
    except LiquidError:
        return []
    for node in nodes:
        _note_bare(node, set(), found)
    return list(found)


def _note_bare(node: Node, guarded: set[str], found: dict[str, None]) -> None:
    """Adds to `found` what `node` puts out as it is; `guarded` are those that a condition around it asks about."""
    if isinstance(node, OutputNode):
        expression = node.expression
        value = expression.left if isinstance(expression, FilteredExpression) else expression
        filters = expression.filters or [] if isinstance(expression, FilteredExpression) else []
        name = str(value) if isinstance(value, Path) else ""
        if name in MAY_BE_EMPTY - guarded and all(each.name != "default" for each in filters):
            found[name] = None
    inside = guarded | {str(path) for expression in node.expressions() for path in _paths(expression)}
    for child in node.children(None):  # type: ignore[arg-type]  # only partials, which are switched off, read it
        _note_bare(child, inside, found)


def _paths(expression: Expression) -> Iterator[Path]:
    if isinstance(expression, Path):
        yield expression
    for child in expression.children():
        yield from _paths(child)


def _unknown_fields(template: str, parsed: BoundTemplate) -> list[Fault]:
    faults = []
    for variables in parsed.analyze().globals.values():
        for variable in variables:
            name = _name(variable.segments)
            if name not in NAMES:
                faults.append(Fault(_line(template, variable.span.index), _unknown(name)))
    return faults


def _name(segments: Iterable[object]) -> str:
    return ".".join(str(segment) for segment in segments)


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, NAMES, n=1)
    hint = f" Did you mean “{close[0]}”?" if close else ""
    return f"there is no field “{name}”.{hint}"


def _fault(template: str, error: LiquidError) -> Fault:
    index = error.token.start_index if error.token is not None else -1
    line = _line(template, index if index >= 0 else len(template))
    if isinstance(error, UndefinedError):
        return Fault(line, f"{error.message}.")
    words = str(error.message or error).rstrip(".")
    return Fault(line, f"{words[:1].lower()}{words[1:]}.")


def _line(template: str, index: int) -> int:
    return template.count("\n", 0, index) + 1


# --- plain text as an e-mail ------------------------------------------------------------------------------

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">
<title>{title}</title><style>
body {{ margin: 0; padding: 0; background: #f2f4f7; }}
.around {{ padding: 24px 12px; background: #f2f4f7; }}
.page {{ max-width: 560px; margin: 0 auto; table-layout: fixed; }}
.sheet, .foot {{ text-align: left; color: #1d2433;
  font: 16px/1.55 -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }}
.sheet {{ padding: 32px; overflow-wrap: anywhere; word-break: break-word; background: #ffffff; border-radius: 12px; }}
p {{ margin: 0 0 16px; }}
a {{ color: #1f5fc4; }}
h1 {{ margin: 0 0 16px; font-size: 20px; line-height: 1.3; }}
ul, ol {{ margin: 16px 0; padding-left: 24px; }}
blockquote {{ margin: 16px 0; padding-left: 14px; border-left: 3px solid #c9d0da; }}
.facts {{ border-collapse: collapse; margin: 0 0 20px; }}
.facts th, .facts td {{ padding: 4px 0; text-align: left; vertical-align: top; overflow-wrap: anywhere; }}
.facts th {{ padding-right: 20px; color: #5c6577; font-weight: 400; white-space: nowrap; }}
.hush {{ color: #5c6577; font-size: 14px; }}
.press {{ margin: 0 0 16px; }}
.button {{ border-radius: 8px; background: #0b6b6b; }}
.button a {{ display: inline-block; padding: 10px 18px; color: #ffffff; text-decoration: none; font-weight: 600; }}
.foot {{ padding: 16px 32px 0; color: #5c6577; font-size: 13px; }}
.foot a {{ color: #5c6577; }}
@media (prefers-color-scheme: dark) {{
  body, .around {{ background: #12161d !important; }}
  .sheet {{ background: #1c222c !important; color: #e6e9ef !important; }}
  a {{ color: #8ab4f8 !important; }}
  .button a {{ color: #ffffff !important; }}
  .hush, .facts th, .foot, .foot a {{ color: #9aa4b5 !important; }}
}}
</style>{word_head}</head><body>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr>
<td class="around" align="center">
{word_opens}<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" border="0">
<tr><td class="sheet">{body}</td></tr>{foot}
</table>{word_closes}
</td></tr></table></body></html>"""

# Outlook on Windows draws with Word: it knows no max-width, no padding of links, and of several fonts none.
WORD_HEAD = """<!--[if mso]><style>td, th, p, h1, a { font-family: Arial, sans-serif !important; }
.button { padding: 10px 18px !important; }</style><![endif]-->"""
WORD_OPENS = (
    '<!--[if mso]><table role="presentation" width="560" cellpadding="0" cellspacing="0"><tr><td><![endif]-->'
)
WORD_CLOSES = "<!--[if mso]></td></tr></table><![endif]-->"
FOOT = '<tr><td class="foot"><a href="{url}">Stop these e-mails</a></td></tr>'


@cache
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)


def as_html(text: str, *, title: str = "", unsubscribe_url: str = "") -> str:
    """`text` as an e-mail page."""
    return as_page(paragraphs(text), title=title, foot=_foot(unsubscribe_url))


def _foot(unsubscribe_url: str) -> str:
    return FOOT.format(url=html.escape(unsubscribe_url)) if unsubscribe_url else ""


def as_page(body: str, *, title: str = "", foot: str = "") -> str:
    """HTML as an e-mail page, styles inlined (many readers drop style sheets), readable in the dark."""
    page = PAGE.format(
        title=html.escape(title),
        body=body,
        foot=foot,
        word_head=WORD_HEAD,
        word_opens=WORD_OPENS,
        word_closes=WORD_CLOSES,
    )
    return _inliner().inline(page)


def paragraphs(text: str) -> str:
    """`text` escaped, empty lines between paragraphs, addresses of pages as links."""
    blocks = [block for block in re.split(r"\n\s*\n", text.strip()) if block.strip()]
    return "".join(f"<p>{_linked(block).replace(chr(10), '<br>')}</p>" for block in blocks)


def _linked(block: str) -> str:
    parts, end = [], 0
    for found in rich_text.URL.finditer(block):
        address = html.escape(found.group())
        parts += [html.escape(block[end : found.start()]), f'<a href="{address}">{address}</a>']
        end = found.end()
    return "".join([*parts, html.escape(block[end:])])


def _with_footer(text: str, unsubscribe_url: str) -> str:
    return f"{text}\n\n--\nStop these e-mails: {unsubscribe_url}\n" if unsubscribe_url else f"{text}\n"
