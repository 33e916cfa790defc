"""Google's EventDateTime, in and out: moments, days, zones (W7). Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from integrations.sandbox.errors import Json, bad_request, invalid

# Beyond these years nothing is a calendar's business, and arithmetic would overflow.
YEARS = ("1900", "2999")


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


def zone(name: str) -> ZoneInfo:
    """Raises 400 for what is not an IANA name."""
    if name not in _zone_names():
        raise invalid(f"Invalid time zone definition: {name}", "timeZone")
    return ZoneInfo(name)


def is_all_day(when: Json) -> bool:
    return when.get("date") is not None


def moment(when: Json, calendar_zone: ZoneInfo) -> datetime:
    """The UTC moment; a day begins at midnight in the calendar's own zone (L2)."""
    if is_all_day(when):
        day = date.fromisoformat(when["date"])
        return datetime(day.year, day.month, day.day, tzinfo=calendar_zone).astimezone(UTC)
    return datetime.fromisoformat(when["dateTime"]).astimezone(UTC)


def wall(when: Json) -> datetime:
    """The naive local time in the event's own zone, in which a series is counted."""
    if is_all_day(when):
        return datetime.fromisoformat(when["date"])
    return datetime.fromisoformat(when["dateTime"]).astimezone(zone(when["timeZone"])).replace(tzinfo=None)


def shown(when: Json, in_zone: ZoneInfo) -> Json:
    """The answer's form: days stay days, moments are told in the zone asked for."""
    if is_all_day(when):
        return {"date": when["date"]}
    return {
        "dateTime": rfc3339(datetime.fromisoformat(when["dateTime"]), in_zone),
        "timeZone": when["timeZone"],
    }


def rfc3339(when: datetime, in_zone: ZoneInfo) -> str:
    text = when.astimezone(in_zone).isoformat(timespec="seconds")
    return text.replace("+00:00", "Z")


def milliseconds(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stamp(when: Json) -> str:
    """The part of an instance's id that names its original start."""
    if is_all_day(when):
        return str(when["date"]).replace("-", "")
    return f"{datetime.fromisoformat(when['dateTime']).astimezone(UTC):%Y%m%dT%H%M%SZ}"


def clean(when: Json, name: str, default_zone: str, *, needs_zone: bool) -> Json:
    """What is stored of a start or an end; raises 400 for a half, doubled or zoneless time (W7)."""
    day, text, zone_name = when.get("date"), when.get("dateTime"), when.get("timeZone")
    if (day is None) == (text is None):
        raise invalid(f"Invalid {name} time: exactly one of date and dateTime is needed.", name)
    if not YEARS[0] <= str(day or text)[:4] <= YEARS[1]:
        raise invalid(f"Invalid {name} time: {day or text}", name)
    if day is not None:
        return {"date": day}
    if zone_name is None and needs_zone:
        raise bad_request("required", f"Missing time zone definition for {name} time.", f"{name}.timeZone")
    try:
        parsed = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise invalid(f"Invalid {name} time: {text}", name) from error
    if parsed.tzinfo is None:
        if zone_name is None:
            raise bad_request(
                "required", f"Missing time zone definition for {name} time.", f"{name}.timeZone"
            )
        parsed = parsed.replace(tzinfo=zone(zone_name))
    stored_zone = zone_name or default_zone
    return {"dateTime": parsed.astimezone(zone(stored_zone)).isoformat(), "timeZone": stored_zone}


def check_order(start: Json, end: Json) -> None:
    if is_all_day(start) != is_all_day(end):
        raise invalid("Start and end times must either both be date or both be dateTime.", "start")
    utc = ZoneInfo("UTC")
    begins, ends = moment(start, utc), moment(end, utc)
    if ends < begins or (is_all_day(start) and ends == begins):
        raise bad_request("timeRangeEmpty", "The specified time range is empty.", "end")


def shifted(when: Json, to: datetime) -> Json:
    """The same kind of time at another naive wall time, across daylight-saving changes."""
    if is_all_day(when):
        return {"date": to.date().isoformat()}
    local = to.replace(tzinfo=zone(when["timeZone"])).astimezone(UTC).astimezone(zone(when["timeZone"]))
    return {"dateTime": local.isoformat(), "timeZone": when["timeZone"]}


def ending(start: Json, first_start: Json, first_end: Json) -> Json:
    """The end of an occurrence: as long after its start as the first one's."""
    if is_all_day(start):
        days = date.fromisoformat(first_end["date"]) - date.fromisoformat(first_start["date"])
        return {"date": (date.fromisoformat(start["date"]) + days).isoformat()}
    utc = ZoneInfo("UTC")
    lasts: timedelta = moment(first_end, utc) - moment(first_start, utc)
    ends = moment(start, utc) + lasts
    return {
        "dateTime": ends.astimezone(zone(first_end["timeZone"])).isoformat(),
        "timeZone": first_end["timeZone"],
    }
