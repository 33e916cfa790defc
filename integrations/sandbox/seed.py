"""The people, calendars and events a fresh sandbox holds, placed around its own clock."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from integrations.sandbox.errors import Json

if TYPE_CHECKING:
    from integrations.sandbox.control import SandboxControl

ZONE = "Europe/London"
DANA, AMIR, JO = "dana@example.com", "amir@example.com", "jo@example.com"
PEOPLE = {DANA: "Dana Whitfield", AMIR: "Amir Castellan", JO: "Jo Brandt"}


def seed_people(control: SandboxControl) -> dict[str, str]:
    """The three people and their calendars; the secondary calendars' ids by name."""
    for email, name in PEOPLE.items():
        control.add_person(email, name, time_zone=ZONE)
    ids = {name: control.add_calendar(DANA, name, time_zone=ZONE) for name in ("Clinic", "Family")}
    ids["Team holidays"] = control.add_calendar(AMIR, "Team holidays", time_zone=ZONE)
    control.share(ids["Team holidays"], DANA, "reader")
    return ids


def seed_events(control: SandboxControl, ids: dict[str, str]) -> None:
    today = control.now().astimezone(ZoneInfo(ZONE)).date()
    _seed_dana(control, today)
    _seed_meetings(control, today)
    clinic, family, holidays = ids["Clinic"], ids["Family"], ids["Team holidays"]
    control.insert(DANA, clinic, _timed("First consultation", today, 2, "09:30", 60))
    control.insert(DANA, clinic, _timed("Follow-up by phone", today, 5, "15:00", 30))
    school = _timed("School run", today, 1, "15:15", 45) | {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=20"]}
    control.insert(DANA, family, school)
    control.insert(AMIR, holidays, _all_day("Amir away", today, 4, 2))


def _seed_dana(control: SandboxControl, today: date) -> None:
    dentist = _timed("Dentist", today, 1, "09:00", 45) | {"visibility": "private", "location": "14 Elm Row"}
    control.insert(DANA, DANA, dentist)
    guest = {"email": "priya.raman@example.net", "displayName": "Priya Raman"}
    consultation = _timed("Consultation with Priya Raman", today, 2, "14:00", 60)
    consultation |= {"attendees": [guest], "location": "Room 2", "description": "First visit."}
    control.insert(DANA, DANA, consultation)
    control.insert(DANA, DANA, _all_day("Stocktaking", today, 4, 1) | {"transparency": "opaque"})
    control.insert(
        DANA, DANA, _timed("Parcel may arrive", today, 3, "12:00", 120) | {"transparency": "transparent"}
    )
    weekly = _timed("Supervision", today, 1, "16:00", 60) | {"recurrence": ["RRULE:FREQ=WEEKLY"]}
    control.insert(DANA, DANA, weekly)


def _seed_meetings(control: SandboxControl, today: date) -> None:
    team = _timed("Team meeting", today, 3, "10:00", 60)
    team |= {"attendees": [{"email": DANA}, {"email": JO}, {"email": AMIR, "responseStatus": "accepted"}]}
    meeting = control.insert(AMIR, AMIR, team)
    control.respond(DANA, meeting["id"], "accepted")
    demo = _timed("Supplier demonstration", today, 5, "11:00", 60) | {"attendees": [{"email": DANA}]}
    declined = control.insert(JO, JO, demo)
    control.respond(DANA, declined["id"], "declined")


def _timed(summary: str, today: date, days: int, at: str, minutes: int) -> Json:
    start = datetime.combine(today + timedelta(days=days), time.fromisoformat(at))
    end = start + timedelta(minutes=minutes)
    return {
        "summary": summary,
        "start": {"dateTime": start.isoformat(), "timeZone": ZONE},
        "end": {"dateTime": end.isoformat(), "timeZone": ZONE},
    }


def _all_day(summary: str, today: date, days: int, length: int) -> Json:
    first = today + timedelta(days=days)
    end = first + timedelta(days=length)
    return {"summary": summary, "start": {"date": first.isoformat()}, "end": {"date": end.isoformat()}}
