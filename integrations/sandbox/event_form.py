"""The event form of the pages, both ways: fields to a calendar body, an event to fields. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from integrations.sandbox.errors import Json, invalid

RECURRENCES = {"none": [], "daily": ["RRULE:FREQ=DAILY"], "weekly": ["RRULE:FREQ=WEEKLY"]}


@dataclass(frozen=True)
class Fields:
    """The form as it is shown. `recurrence` is keep, none, daily or weekly; keep leaves another rule."""

    summary: str = ""
    date: str = ""
    start: str = "09:00"
    end: str = "10:00"
    all_day: bool = False
    guests: str = ""
    recurrence: str = "none"
    visibility: str = "default"
    transparency: str = "opaque"
    location: str = ""
    description: str = ""


def fields_of(event: Json, zone: ZoneInfo) -> Fields:
    all_day = "date" in event["start"]
    begins, ends = (_local(event[name], zone) for name in ("start", "end"))
    lines = event.get("recurrence", [])
    known = next((name for name, rule in RECURRENCES.items() if rule == lines), "keep")
    return Fields(
        summary=event.get("summary", ""),
        date=begins.date().isoformat(),
        start="09:00" if all_day else f"{begins:%H:%M}",
        end="10:00" if all_day else f"{ends:%H:%M}",
        all_day=all_day,
        guests=", ".join(each["email"] for each in event.get("attendees", [])),
        recurrence=known,
        visibility=event.get("visibility", "default"),
        transparency=event.get("transparency", "opaque"),
        location=event.get("location", ""),
        description=event.get("description", ""),
    )


def _local(when: Json, zone: ZoneInfo) -> datetime:
    if "date" in when:
        return datetime.combine(date.fromisoformat(when["date"]), time(), tzinfo=zone)
    return datetime.fromisoformat(when["dateTime"]).astimezone(zone)


def body_of(form: dict[str, str], zone: str, *, before: Json | None = None) -> Json:
    """What to insert, or to patch onto `before`; raises 400 for fields that say nothing sensible."""
    body: Json = {name: form.get(name, "").strip() or None for name in ("summary", "location", "description")}
    body |= {name: form[name] for name in ("visibility", "transparency") if name in form}
    body |= _times(form, zone, before)
    body["attendees"] = _attendees(form.get("guests", ""), before or {})
    recurrence = form.get("recurrence", "keep")
    if recurrence != "keep":
        body["recurrence"] = RECURRENCES[recurrence] or None
    if before is None:
        return {name: value for name, value in body.items() if value not in (None, [])}
    return body


def _times(form: dict[str, str], zone: str, before: Json | None) -> Json:
    try:
        day = date.fromisoformat(form.get("date", ""))
        begins, ends = (time.fromisoformat(form.get(name) or "00:00") for name in ("start", "end"))
    except ValueError as error:
        raise invalid(f"The date or the time cannot be read: {error}", "date") from error
    if "all_day" in form:
        length = _days(before) if before else 1
        last = day + timedelta(days=length)
        return {
            "start": {"date": day.isoformat(), "dateTime": None, "timeZone": None},
            "end": {"date": last.isoformat(), "dateTime": None, "timeZone": None},
        }
    until = datetime.combine(day if ends > begins else day + timedelta(days=1), ends)
    start = {"date": None, "dateTime": datetime.combine(day, begins).isoformat(), "timeZone": zone}
    return {"start": start, "end": {"date": None, "dateTime": until.isoformat(), "timeZone": zone}}


def _days(event: Json) -> int:
    if "date" not in event["start"]:
        return 1
    return (date.fromisoformat(event["end"]["date"]) - date.fromisoformat(event["start"]["date"])).days


def _attendees(text: str, before: Json) -> list[Json]:
    """A guest who was there keeps the answer already given."""
    known = {each["email"]: each for each in before.get("attendees", [])}
    addresses = [each.lower() for each in re.split(r"[,;\s]+", text) if each]
    return [known.get(address, {"email": address}) for address in dict.fromkeys(addresses)]
