"""Pages for keeping a "Google" calendar by hand: the chooser, a week, one event. Plain forms, no script."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote
from zoneinfo import ZoneInfo

from integrations.sandbox import times
from integrations.sandbox.errors import ApiError, Json, not_found
from integrations.sandbox.event_form import Fields, body_of, fields_of
from integrations.sandbox.people import Calendar, at_least
from integrations.sandbox.templates import Markup, fill, joined, page
from integrations.sandbox.wire import Request, Response, decode, redirect

if TYPE_CHECKING:
    from integrations.sandbox.app import Sandbox

CHOICES = {
    "recurrence": {"none": "Does not repeat", "daily": "Every day", "weekly": "Every week"},
    "visibility": {"default": "Default", "public": "Public", "private": "Private"},
    "transparency": {"opaque": "Busy", "transparent": "Free"},
}
ANSWERS = {
    "needsAction": "has not answered",
    "accepted": "accepted",
    "declined": "declined",
    "tentative": "maybe",
}


def answer(sandbox: Sandbox, request: Request) -> Response | None:
    """None when the path is none of these."""
    parts = [decode(part) for part in request.path.strip("/").split("/")]
    if request.path == "/":
        return _people(sandbox)
    if parts[0] != "calendar" or len(parts) not in (3, 4):
        return None
    if request.method == "POST" and not request.is_from_here:
        raise not_found()
    with sandbox.store.lock:
        desk = Week(sandbox, *parts[1:3])
        try:
            return desk.event(request, parts[3]) if len(parts) == 4 else desk.week(request)
        except ApiError as error:
            back = Markup(f'<a class="button" href="{desk.path}">Back to the calendar</a>')
            return page("Refused", fill("refused", message=error.message, reason=error.reason, back=back))


def _people(sandbox: Sandbox) -> Response:
    cards = []
    for person in sandbox.control.people():
        links = []
        # Their own calendar first; `sorted` keeps the order of the rest.
        entries = sorted(
            sandbox.people.entries(person.email), key=lambda entry: entry.calendar != person.email
        )
        for entry in entries:
            calendar = sandbox.people.calendar(entry.calendar)
            if calendar is not None and entry.role in ("owner", "writer", "reader"):
                name = "Own calendar" if calendar.is_primary else calendar.summary
                links.append(fill("person_calendar", href=path_of(person.email, calendar.id), name=name))
        cards.append(fill("person", name=person.name, email=person.email, calendars=joined(links)))
    return page("Calendars", fill("people", people=joined(cards)))


def path_of(person: str, calendar: str, event: str = "") -> str:
    parts = [quote(each, safe="@") for each in (person, calendar, event) if each]
    return f"/calendar/{'/'.join(parts)}/"


class Week:
    """One person's sight of one calendar."""

    def __init__(self, sandbox: Sandbox, person: str, calendar: str) -> None:
        self.sandbox = sandbox
        self.control = sandbox.control
        self.person = person
        found: tuple[Calendar, str] = sandbox.people.open(person, calendar)
        self.calendar, self.role = found
        self.zone: ZoneInfo = times.zone(self.calendar.time_zone)
        self.path = path_of(person, self.calendar.id)

    @property
    def may_write(self) -> bool:
        return at_least(self.role, "writer")

    # The week

    def week(self, request: Request) -> Response:
        if request.method == "POST":
            form = request.form()
            self.control.insert(self.person, self.calendar.id, body_of(form, self.calendar.time_zone))
            return redirect(f"{self.path}?week={form['date']}")
        monday = self._monday(request.argument("week"))
        today = self.control.now().astimezone(self.zone).date()
        shown = today if monday <= today < monday + timedelta(days=7) else monday
        add = self._form(Fields(date=shown.isoformat()), "add") if self.may_write else Markup("")
        body = fill(
            "week",
            title=self._name(),
            person=self.person,
            zone=self.calendar.time_zone,
            path=self.path,
            earlier=(monday - timedelta(days=7)).isoformat(),
            later=(monday + timedelta(days=7)).isoformat(),
            span=f"{monday:%d %B} to {monday + timedelta(days=6):%d %B %Y}",
            days=self._days(monday, today),
            add=add,
        )
        return page(self._name(), body, wide=True)

    def _name(self) -> str:
        return "Own calendar" if self.calendar.is_primary else self.calendar.summary

    def _monday(self, text: str) -> date:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = self.control.now().astimezone(self.zone).date()
        return day - timedelta(days=day.weekday())

    def _days(self, monday: date, today: date) -> Markup:
        low, high = self._midnight(monday), self._midnight(monday + timedelta(days=7))
        events = self.control.events(self.person, self.calendar.id, low, high)
        return joined([self._day(monday + timedelta(days=n), today, events) for n in range(7)])

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), tzinfo=self.zone)

    def _day(self, day: date, today: date, events: list[Json]) -> Markup:
        low, high = self._midnight(day), self._midnight(day + timedelta(days=1))
        present = [
            each
            for each in events
            if times.moment(each["start"], self.zone) < high and times.moment(each["end"], self.zone) > low
        ]
        rows = joined([self._entry(each, day) for each in present])
        return fill("day", name=f"{day:%a %d %b}", css="today" if day == today else "", events=rows)

    def _entry(self, event: Json, day: date) -> Markup:
        answers = [each["responseStatus"] for each in event.get("attendees", []) if each.get("self")]
        free = event.get("transparency") == "transparent"
        css = "declined" if answers == ["declined"] else "free" if free else ""
        notes = [self._span(event, day)]
        notes += ["private"] if event.get("visibility") == "private" else []
        notes += ["repeats"] if event.get("recurringEventId") else []
        guests = len(event.get("attendees", []))
        notes += [f"{guests} guest{'s' if guests > 1 else ''}"] if guests else []
        return fill(
            "entry",
            href=path_of(self.person, self.calendar.id, event["id"]),
            summary=event.get("summary", "Busy" if "summary" not in event else ""),
            notes=" · ".join(notes),
            css=css,
        )

    def _span(self, event: Json, day: date) -> str:
        if "date" in event["start"]:
            return "all day"
        begins, ends = (
            datetime.fromisoformat(event[name]["dateTime"]).astimezone(self.zone) for name in ("start", "end")
        )
        first = f"{begins:%H:%M}" if begins.date() == day else "…"
        last = f"{ends:%H:%M}" if ends.date() == day else "…"
        return f"{first}–{last}"

    # One event

    def event(self, request: Request, event_id: str) -> Response:
        event = self.control.get(self.person, self.calendar.id, event_id)
        if request.method == "POST":
            return self._do(request.form(), event)
        if event["status"] == "cancelled":
            raise not_found()
        body = fill(
            "event",
            title=event.get("summary", "Busy"),
            path=self.path,
            when=self._when(event),
            facts=self._facts(event),
            guests=self._guests(event),
            answer=self._answer(event),
            series=self._series(event),
            edit=self._edit(event),
            remove=fill("remove") if self.may_write else Markup(""),
        )
        return page(event.get("summary", "Busy"), body)

    def _do(self, form: dict[str, str], event: Json) -> Response:
        calendar, event_id = self.calendar.id, event["id"]
        match form.get("do"):
            case "delete":
                self.control.delete(self.person, calendar, event_id)
            case "save":
                body = body_of(form, self.calendar.time_zone, before=event)
                self.control.patch(self.person, calendar, event_id, body)
            case "accepted" | "declined" | "tentative" as said:
                self.control.respond(self.person, event_id, said)
                return redirect(path_of(self.person, calendar, event_id))
            case _:
                raise not_found()
        return redirect(f"{self.path}?week={fields_of(event, self.zone).date}")

    def _when(self, event: Json) -> str:
        fields = fields_of(event, self.zone)
        day = f"{date.fromisoformat(fields.date):%A %d %B %Y}"
        return f"{day}, all day" if fields.all_day else f"{day}, {fields.start} to {fields.end}"

    def _facts(self, event: Json) -> Markup:
        private = event.get("extendedProperties", {}).get("private", {})
        facts = {
            "Shown as": CHOICES["transparency"][event.get("transparency", "opaque")],
            "Visibility": str(event.get("visibility", "default")),
            "Organizer": str(event.get("organizer", {}).get("email", "")),
            "Place": str(event.get("location", "")),
            "Description": str(event.get("description", "")),
            "CRM id": ", ".join(f"{key}={value}" for key, value in private.items()) or "none",
        }
        return joined([fill("fact", name=name, value=value) for name, value in facts.items() if value])

    def _guests(self, event: Json) -> Markup:
        rows = [
            fill("guest", email=each["email"], answer=ANSWERS[each["responseStatus"]])
            for each in event.get("attendees", [])
        ]
        return fill("guests", guests=joined(rows)) if rows else Markup("")

    def _answer(self, event: Json) -> Markup:
        invited = any(each.get("self") and not each.get("organizer") for each in event.get("attendees", []))
        return fill("answer") if invited and self.may_write else Markup("")

    def _series(self, event: Json) -> Markup:
        series = event.get("recurringEventId")
        return fill("series", href=path_of(self.person, self.calendar.id, series)) if series else Markup("")

    def _edit(self, event: Json) -> Markup:
        if not self.may_write or not event.get("organizer", {}).get("self"):
            return Markup("")
        return self._form(fields_of(event, self.zone), "save", is_instance="recurringEventId" in event)

    def _form(self, fields: Fields, verb: str, *, is_instance: bool = False) -> Markup:
        chosen = {name: getattr(fields, name) for name in CHOICES}
        selects = {name: self._options(name, value) for name, value in chosen.items()}
        recurrence = fill("recurrence", options=selects["recurrence"])
        return fill(
            "form",
            verb=verb,
            heading="Add an event" if verb == "add" else "Change it",
            button="Add" if verb == "add" else "Save",
            checked="checked" if fields.all_day else "",
            summary=fields.summary,
            date=fields.date,
            start=fields.start,
            end=fields.end,
            guests=fields.guests,
            location=fields.location,
            description=fields.description,
            recurrence=Markup("") if is_instance else recurrence,
            visibility=selects["visibility"],
            transparency=selects["transparency"],
        )

    def _options(self, name: str, chosen: str) -> Markup:
        kept = {} if chosen in CHOICES[name] else {chosen: "As it is" if chosen == "keep" else chosen}
        return joined(
            [
                fill("option", value=value, label=label, selected="selected" if value == chosen else "")
                for value, label in (kept | CHOICES[name]).items()
            ]
        )
