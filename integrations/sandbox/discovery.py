"""What Google's own discovery document says: the methods, their parameters and scopes, the shape of bodies.

The sandbox answers nothing that the document does not know, and everything it knows is implemented or
refused by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from integrations.sandbox.errors import ApiError, Json, bad_request, invalid, not_found, not_implemented
from integrations.sandbox.wire import decode

# Answered alike whatever their value (prettyPrint) or refused by name (the rest), for every method.
COMMON = frozenset({"alt", "prettyPrint", "fields", "key", "oauth_token", "quotaUser", "userIp"})
ACCEPTED_COMMON = frozenset({"alt", "prettyPrint", "quotaUser"})

Params = dict[str, Any]


@dataclass(frozen=True)
class Method:
    id: str
    http_method: str
    pattern: re.Pattern[str]
    parameters: dict[str, Json]
    request: str | None
    response: str | None
    scopes: frozenset[str]

    @property
    def is_write(self) -> bool:
        return self.http_method != "GET"


@dataclass(frozen=True)
class Call:
    """One request for one method, with its parameters checked and converted to Python."""

    method: Method
    params: Params


@cache
def document() -> Json:
    text = (
        files("googleapiclient.discovery_cache").joinpath("documents", "calendar.v3.json").read_text("utf-8")
    )
    loaded: Json = json.loads(text)
    return loaded


@cache
def methods() -> tuple[Method, ...]:
    found = [
        _method(raw) for resource in document()["resources"].values() for raw in resource["methods"].values()
    ]
    # A literal path (…/events/import) must win over a pattern (…/events/{eventId}).
    return tuple(sorted(found, key=lambda method: method.pattern.pattern.count("?P<")))


def _method(raw: Json) -> Method:
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(raw["path"]))
    return Method(
        id=raw["id"],
        http_method=raw["httpMethod"],
        pattern=re.compile(pattern),
        parameters=raw.get("parameters", {}),
        request=raw.get("request", {}).get("$ref"),
        response=raw.get("response", {}).get("$ref"),
        scopes=frozenset(raw["scopes"]),
    )


def scopes() -> dict[str, str]:
    """Every calendar scope and Google's own words for it."""
    known: dict[str, Json] = document()["auth"]["oauth2"]["scopes"]
    return {scope: str(about["description"]) for scope, about in known.items()}


def route(http_method: str, path: str) -> tuple[Method, dict[str, str]]:
    """The method for a path below /calendar/v3/, with its decoded path arguments; raises 404."""
    for method in methods():
        match = method.pattern.fullmatch(path)
        if match and method.http_method == http_method:
            return method, {name: decode(value) for name, value in match.groupdict().items()}
    raise not_found()


def parse_call(method: Method, path_arguments: dict[str, str], query: list[tuple[str, str]]) -> Call:
    """Checks every query parameter against the document; raises 400 for what it does not know."""
    params: Params = dict(path_arguments)
    for name, text in query:
        if name in COMMON:
            _check_common(name, text)
            continue
        about = method.parameters.get(name)
        if about is None or about["location"] != "query":
            raise bad_request("unknownParameter", f"Unknown parameter: {name}", name)
        value = _convert(name, text, about)
        if about.get("repeated"):
            params.setdefault(name, []).append(value)
        elif name in params:
            raise invalid(f"Parameter given twice: {name}", name)
        else:
            params[name] = value
    for name, about in method.parameters.items():
        if about.get("required") and name not in params:
            raise bad_request("required", f"Required parameter: {name}", name)
    return Call(method, params)


def _check_common(name: str, text: str) -> None:
    if name not in ACCEPTED_COMMON:
        raise not_implemented(f"the parameter {name}")
    if name == "alt" and text != "json":
        raise invalid(f"Invalid value for alt: {text}", "alt")


def _convert(name: str, text: str, about: Json) -> Any:
    kind = about["type"]
    if kind == "boolean":
        if text not in ("true", "false"):
            raise invalid(f"Invalid boolean value for {name}: {text}", name)
        return text == "true"
    if kind == "integer":
        return _integer(name, text, about)
    if "enum" in about and text not in about["enum"]:
        raise invalid(f"Invalid value for {name}: {text}", name)
    if about.get("format") == "date-time":
        parse_moment(text, name)
    return text


def _integer(name: str, text: str, about: Json) -> int:
    if not re.fullmatch(r"-?\d+", text):
        raise invalid(f"Invalid integer value for {name}: {text}", name)
    number = int(text)
    low, high = about.get("minimum"), about.get("maximum")
    if (low is not None and number < int(low)) or (high is not None and number > int(high)):
        raise invalid(f"Value out of range for {name}: {text}", name)
    return number


def parse_moment(text: str, name: str) -> datetime:
    """An RFC 3339 moment; raises 400 when it is malformed or has no offset (L2)."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", text):
        raise bad_request("badRequest", f"Bad Request: {name} needs an offset, got {text}", name)
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise bad_request("badRequest", f"Bad Request: {name}: {text}", name) from error


def check_body(schema: str, body: Json) -> None:
    """Raises 400 naming the first field that the schema does not know or whose type is wrong."""
    problem = next(problems(schema, body), None)
    if problem is not None:
        path, message = problem
        raise ApiError(400, "invalid", f"Invalid JSON payload received. {message}", location=path)


def problems(schema: str, value: Any) -> Iterator[tuple[str, str]]:
    yield from _problems({"$ref": schema}, value, "")


def _problems(about: Json, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if value is None:  # null deletes a field (W5)
        return
    if "$ref" in about:
        about = document()["schemas"][about["$ref"]]
    kind = about.get("type", "any")
    if not _has_type(kind, about.get("format"), value):
        yield path, f"Invalid value at '{path}' ({kind}): {value!r}"
    elif kind == "object":
        yield from _object_problems(about, value, path)
    elif kind == "array":
        for number, item in enumerate(value):
            if item is None:
                yield f"{path}[{number}]", f"Invalid value at '{path}[{number}]': null"
            yield from _problems(about["items"], item, f"{path}[{number}]")


def _object_problems(about: Json, value: Json, path: str) -> Iterator[tuple[str, str]]:
    known = about.get("properties", {})
    for name, item in value.items():
        inner = f"{path}.{name}" if path else name
        rule = known.get(name) or about.get("additionalProperties")
        if rule is None:
            yield inner, f"Unknown name \"{name}\" at '{inner}': Cannot find field."
        else:
            yield from _problems(rule, item, inner)


def _has_type(kind: str, form: str | None, value: Any) -> bool:
    match kind:
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str) and _has_format(form, value)
    return True


def _has_format(form: str | None, text: str) -> bool:
    match form:
        case "date":
            return re.fullmatch(r"\d{4}-\d\d-\d\d", text) is not None and _is_date(text)
        case "date-time":
            return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", text) is not None
        case "int64":
            return re.fullmatch(r"-?\d+", text) is not None
    return True


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
