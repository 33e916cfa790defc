"""Turns a step's text and plain values into what is sent. Pure: Liquid with limits, plain dictionaries only.

Liquid rather than Django's templates: these texts are written by users, and model objects in reach of one
leak.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from liquid import BoundTemplate, Environment, StrictDefaultUndefined
from liquid.ast import Node
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.output import OutputNode
from liquid.exceptions import LiquidError, UndefinedError
from liquid.expression import Expression

from campaigns import rich_text
from campaigns.mail_page import as_page, paragraphs

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
    # Whether the text has lines to tell apart.
    has_lines: bool = False

    def __str__(self) -> str:
        if self.has_lines:
            return f"Line {self.line}: {self.words}"
        # The name of a field stays as it is written.
        is_name = "." in self.words.split(" ", 1)[0]
        return self.words if is_name else f"{self.words[:1].upper()}{self.words[1:]}"


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
            rich_text.finished(filled) if rich else paragraphs(text),
            title=line,
            unsubscribe_url=unsubscribe_url,
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
                faults.append(_fault_at(template, variable.span.index, _unknown(name)))
    return faults


def _name(segments: Iterable[object]) -> str:
    return ".".join(str(segment) for segment in segments)


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, NAMES, n=1)
    hint = f" Did you mean “{close[0]}”?" if close else ""
    return f"there is no field “{name}”.{hint}"


def _fault(template: str, error: LiquidError) -> Fault:
    index = error.token.start_index if error.token is not None else -1
    if index < 0:
        index = len(template)
    if isinstance(error, UndefinedError):
        return _fault_at(template, index, f"{error.message}.")
    words = str(error.message or error).rstrip(".")
    return _fault_at(template, index, f"{words[:1].lower()}{words[1:]}.")


def _fault_at(template: str, index: int, words: str) -> Fault:
    return Fault(template.count("\n", 0, index) + 1, words, has_lines="\n" in template.strip())


def _with_footer(text: str, unsubscribe_url: str) -> str:
    return f"{text}\n\n--\nStop these e-mails: {unsubscribe_url}\n" if unsubscribe_url else f"{text}\n"
