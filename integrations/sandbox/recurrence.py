"""Series: which occurrences RRULE, RDATE and EXDATE make, and the ids of instances. Pure (rules R1 to R4,
W3)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from dateutil.rrule import rrule, rruleset, rrulestr

from integrations.sandbox.errors import Json, invalid
from integrations.sandbox.times import is_all_day, shifted, stamp, wall, zone

INSTANCE = re.compile(r"(?P<master>[a-z0-9]+)_(?P<stamp>\d{8}(T\d{6}Z)?)")
# A series without an end is told this far ahead when no timeMax bounds it.
HORIZON = timedelta(days=730)
# And no further than this beyond it, whatever timeMax says.
FURTHEST = timedelta(days=3650)


def starts(body: Json, low: datetime, high: datetime) -> Iterator[Json]:
    """The original starts of the series between two naive wall times in its own zone, both included."""
    first = body["start"]
    for each in _rules(body).between(low, high, inc=True):
        yield shifted(first, each)


def has_start(body: Json, original: Json) -> bool:
    """Whether this original start is one of the series."""
    if is_all_day(original) != is_all_day(body["start"]):
        return False
    at = wall({**body["start"], **original, **_zone_of(body["start"])})
    return any(stamp(each) == stamp(original) for each in starts(body, at, at))


def start_from_stamp(body: Json, text: str) -> Json | None:
    """The original start that an instance's id names; None when the series has no such occurrence."""
    first = body["start"]
    if is_all_day(first) != (len(text) == 8):
        return None
    try:
        if is_all_day(first):
            original = {"date": datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date().isoformat()}
        else:
            at = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            name = first["timeZone"]
            original = {"dateTime": at.astimezone(zone(name)).isoformat(), "timeZone": name}
    except ValueError:
        return None
    return original if has_start(body, original) else None


def _zone_of(first: Json) -> Json:
    return {} if is_all_day(first) else {"timeZone": first["timeZone"]}


def check(lines: list[str], start: Json) -> None:
    """Raises 400 for a recurrence Google would refuse (R4)."""
    body: Json = {"recurrence": lines, "start": start}
    for line in lines:
        name = re.split("[:;]", line, maxsplit=1)[0].upper()
        if name not in ("RRULE", "RDATE", "EXDATE") or ":" not in line:
            raise invalid(f"Invalid recurrence rule: {line}", "recurrence")
        if name == "RRULE":
            _check_rule(line, start)
    try:
        rules = _rules(body)
        first = next(iter(rules), None)
    except (ValueError, KeyError, TypeError) as error:
        raise invalid(f"Invalid recurrence rule: {error}", "recurrence") from error
    if first is None:
        raise invalid("The recurrence has no instances.", "recurrence")
    _check_exdates(lines, start)


def _check_rule(line: str, start: Json) -> None:
    parts = dict(part.partition("=")[::2] for part in line.partition(":")[2].upper().split(";"))
    if "COUNT" in parts and "UNTIL" in parts:
        raise invalid("COUNT and UNTIL may not be used together.", "recurrence")
    if "DTSTART" in parts:
        raise invalid("DTSTART is not allowed in recurrence.", "recurrence")
    # dateutil would count for ever.
    if not re.fullmatch(r"[1-9]\d{0,3}", parts.get("INTERVAL", "1")):
        raise invalid(f"Invalid INTERVAL: {parts['INTERVAL']}", "recurrence")
    form = r"\d{8}" if is_all_day(start) else r"\d{8}T\d{6}Z"
    if "UNTIL" in parts and not re.fullmatch(form, parts["UNTIL"]):
        raise invalid("UNTIL must be a date for all-day events and a UTC time otherwise.", "recurrence")


def _check_exdates(lines: list[str], start: Json) -> None:
    kept = [line for line in lines if not line.upper().startswith("EXDATE")]
    rules = _rules({"recurrence": kept, "start": start})
    for line in lines:
        if line.upper().startswith("EXDATE"):
            for each in _dates(line, start):
                if not rules.between(each, each, inc=True):
                    raise invalid(f"EXDATE is no instance of the series: {line}", "recurrence")


def _rules(body: Json) -> rruleset:
    start, rules = body["start"], rruleset()
    for line in body["recurrence"]:
        name = re.split("[:;]", line, maxsplit=1)[0].upper()
        if name == "RRULE":
            rule = rrulestr(_local_until(line, start), dtstart=wall(start))
            if not isinstance(rule, rrule):
                raise ValueError(f"Not one rule: {line}")
            rules.rrule(rule)
        for each in _dates(line, start) if name != "RRULE" else ():
            (rules.rdate if name == "RDATE" else rules.exdate)(each)
    if not any(line.upper().startswith("RRULE") for line in body["recurrence"]):
        rules.rdate(wall(start))
    return rules


def _local_until(line: str, start: Json) -> str:
    """dateutil wants UNTIL in the terms of its start, which is naive here."""

    def local(match: re.Match[str]) -> str:
        at = datetime.strptime(match[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return f"UNTIL={at.astimezone(zone(start['timeZone'])):%Y%m%dT%H%M%S}"

    return re.sub(r"UNTIL=(\d{8}T\d{6}Z)", local, line.upper())


def _dates(line: str, start: Json) -> list[datetime]:
    head, _, values = line.partition(":")
    named = re.search(r"TZID=([^;:]+)", head)
    return [_date(value.strip(), named[1] if named else None, start) for value in values.split(",")]


def _date(value: str, zone_name: str | None, start: Json) -> datetime:
    if is_all_day(start):
        return datetime.strptime(value[:8], "%Y%m%d")  # noqa: DTZ007 - a day has no zone
    if value.endswith("Z"):
        at = datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    else:
        naive = datetime.strptime(value, "%Y%m%dT%H%M%S")  # noqa: DTZ007 - the zone follows
        at = naive.replace(tzinfo=zone(zone_name or start["timeZone"]))
    return at.astimezone(zone(start["timeZone"])).replace(tzinfo=None)


# Ids. Kept inside as <master>_<stamp>; told outside in a form that a test may change without notice (W3).


def instance_id(master: str, original: Json) -> str:
    return f"{master}_{stamp(original)}"


def told_id(stored: str, form: str) -> str:
    if form == "stamp" or not INSTANCE.fullmatch(stored):
        return stored
    return "x" + base64.b32hexencode(stored[::-1].encode()).decode().rstrip("=").lower()


def stored_id(told: str, form: str) -> str | None:
    """The id kept inside; None when the id is not in the present form."""
    if form == "stamp":
        return told
    if INSTANCE.fullmatch(told):
        return told if form == "both" else None
    if not told.startswith("x"):
        return told
    try:
        text = told[1:].upper()
        return base64.b32hexdecode(text + "=" * (-len(text) % 8)).decode()[::-1]
    except ValueError:
        return None


def split_id(stored: str) -> tuple[str, str] | None:
    """The master's id and the stamp of an instance's id; None for a plain id."""
    match = INSTANCE.fullmatch(stored)
    return (match["master"], match["stamp"]) if match else None
