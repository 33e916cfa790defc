"""The agenda: a page that needs no script, the feed of its grid, and the page of one Google event."""

import datetime
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from calendars.agenda import Asked, Entry, days_of, entries, event_title, with_sessions
from calendars.appointment_forms import MOST_OVERLAP
from calendars.colours import text_on
from calendars.days import VIEWS, Day, by_day, following, in_runs, shown
from calendars.google_next import behind_among, reason_now, waits_until
from calendars.invited import invited, new_contacts
from calendars.ledger import need_a_look
from calendars.models import Calendar, GoogleEvent
from calendars.staleness import stale_accounts
from calendars.sync.brake import braked_runs, waiting
from calendars.sync.decide import offer
from calendars.wall_time import is_in_bounds, on_the_clock
from contacts.models import User
from contacts.privacy import PRIVATE
from contacts.time_zones import zone_or_none
from contacts.viewer import viewer_of
from integrations.models import GoogleAccount

LONGEST_FEED = datetime.timedelta(days=62)
# No row has more digits in its id; a longer number would not fit the database's integers.
LONGEST_ID = 18
EVERYONE = "all"
GRIDS = {"week": "timeGridWeek", "month": "dayGridMonth", "day": "timeGridDay"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address of the page says, made valid."""

    view: str
    on: datetime.date
    person: int | None
    calendar: int | None
    with_cancelled: bool

    def query(self, **changed: object) -> str:
        """The address's query with some values changed; the shortest that says the same."""
        values = {
            "view": self.view,
            "date": self.on.isoformat(),
            "person": EVERYONE if self.person is None else self.person,
            "calendar": self.calendar or "",
            "cancelled": "1" if self.with_cancelled else "",
            **changed,
        }
        chosen = QueryDict(mutable=True)
        chosen.update({key: str(value) for key, value in values.items() if value != ""})
        return "?" + chosen.urlencode()


def choice_from(query: QueryDict, viewer: User, today: datetime.date) -> Choice:
    """The viewer's own week of today, unless `query` says otherwise; what cannot be read counts as unsaid."""
    view = query.get("view", "week")
    person = query.get("person", "")
    calendar = query.get("calendar", "")
    try:
        on = parse_date(query.get("date", ""))
    except ValueError:
        on = None
    return Choice(
        view=view if view in VIEWS else "week",
        on=on if on and is_in_bounds(midnight(on, ZoneInfo("UTC"))) else today,
        person=None if person == EVERYONE else read_id(person) or viewer.pk,
        calendar=read_id(calendar),
        with_cancelled=query.get("cancelled") == "1",
    )


def read_id(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= LONGEST_ID else None


def agenda(request: HttpRequest) -> HttpResponse:
    viewer, zone, now = viewer_of(request), current_zone(), timezone.now()
    today = now.astimezone(zone).date()
    choice = choice_from(request.GET, viewer, today)
    first, after_last = shown(choice.view, choice.on)
    found = entries(asked(choice, viewer, zone, midnight(first, zone), midnight(after_last, zone)))
    days = by_day(found, first, after_last)
    return render(
        request,
        "calendars/agenda.html",
        {
            "choice": choice,
            "days": days,
            "runs": in_runs(days, today),
            "leads_to_today": leads_to_today(days, choice.on, today),
            "last": after_last - datetime.timedelta(days=1),
            "today": today,
            "now": now,
            "zone": zone,
            "offset": f"{now.astimezone(zone):%:z}",
            "grid": GRIDS.get(choice.view, ""),
            "most_overlap": MOST_OVERLAP,
            "links": links(choice, today),
            "people": User.objects.filter(is_active=True),
            "calendars": Calendar.objects.active(),
            "paints": paints(found),
            "stale": stale_accounts(viewer, now),
            "failed": sum(need_a_look(viewer).values()),
            "braked": braked_runs(viewer),
        },
    )


def leads_to_today(days: list[Day[Entry]], on: datetime.date, today: datetime.date) -> bool:
    """Whether the month of `on` is this one and has something before `today`, which a phone shows above it."""
    this_month = (today.year, today.month)
    if (on.year, on.month) != this_month:
        return False
    return any(day.entries for day in days if day.on < today and (day.on.year, day.on.month) == this_month)


def agenda_feed(request: HttpRequest) -> HttpResponse:
    """The entries between ?start= and ?end= (the viewer's clock times) as EventCalendar reads them."""
    viewer, zone = viewer_of(request), current_zone()
    starts_at, ends_at = (read_moment(request.GET.get(name, ""), zone) for name in ("start", "end"))
    if starts_at is None or ends_at is None or not starts_at < ends_at <= starts_at + LONGEST_FEED:
        return HttpResponseBadRequest("Say start and end, at most two months apart.")
    choice = choice_from(request.GET, viewer, starts_at.date())
    found = with_sessions(entries(asked(choice, viewer, zone, starts_at, ends_at)))
    # A month has no hours in which an entry could be drawn out.
    has_hours = choice.view != "month"
    return JsonResponse([as_json(entry, zone, has_hours=has_hours) for entry in found], safe=False)


def event(request: HttpRequest, pk: int) -> HttpResponse:
    """Why a Google event stands in the agenda as it does. Anybody but its owner sees the time only."""
    row = get_object_or_404(
        GoogleEvent.objects.select_related("google_calendar__account__user", "decided_by", "appointment"),
        pk=pk,
    )
    owner = row.google_calendar.account.user
    is_own = owner.pk == viewer_of(request).pk
    days = event_days(row)
    offered = offer(row, timezone.now()) if is_own else None
    return render(
        request,
        "calendars/event.html" if is_own else "calendars/event_busy.html",
        {
            "event": row,
            "owner": owner,
            "title": event_title(row) if is_own else "Busy",
            "reason": reason_now(row.reason, is_behind=bool(behind_among([row]))) if is_own else "",
            "why_unread": why_unread(row),
            "days": days,
            "is_private": row.visibility in PRIVATE,
            "is_erased": row.google_calendar.account.state == GoogleAccount.State.DISCONNECTED,
            "guests": invited(row) if is_own else [],
            "offer": offered,
            "new_contacts": new_contacts(row, timezone.now()) if offered and offered.make else 0,
            "waiting": waiting(row, timezone.now()) if is_own else None,
        },
    )


def why_unread(row: GoogleEvent) -> str:
    """That its calendar is not read now, why, and what of that it blocks; "" where it is read."""
    account = row.google_calendar.account
    if account.state == GoogleAccount.State.DISCONNECTED:
        return f"{account} is disconnected, so its calendar is not read and it blocks no time by itself."
    if row.google_calendar.next_pull_at is None:
        return (
            "Its calendar is neither linked nor a conflict calendar now: it is not read and blocks no time."
        )
    if not account.is_connected:
        until = waits_until(account)
        return f"Its calendar is not read until {until}. What was last known still counts."
    return ""


def event_days(row: GoogleEvent) -> tuple[datetime.date, datetime.date] | None:
    """First and last day: its own calendar's for whole days, else the viewer's. None for a tombstone."""
    if row.starts_at is None or row.ends_at is None:
        return None
    own = zone_or_none(row.google_calendar.time_zone) if row.is_all_day else None
    return days_of(row.starts_at, row.ends_at, own or current_zone())


def calendar(request: HttpRequest, pk: int) -> HttpResponse:
    """One calendar's appointments are the agenda, narrowed to it."""
    found = get_object_or_404(Calendar, pk=pk)
    return redirect(f"{reverse('calendars:agenda')}?person={EVERYONE}&calendar={found.pk}")


def asked(
    choice: Choice, viewer: User, zone: ZoneInfo, starts_at: datetime.datetime, ends_at: datetime.datetime
) -> Asked:
    return Asked(
        viewer=viewer,
        person=choice.person,
        calendar=choice.calendar,
        starts_at=starts_at,
        ends_at=ends_at,
        zone=zone,
        with_cancelled=choice.with_cancelled,
    )


def links(choice: Choice, today: datetime.date) -> dict[str, Any]:
    """Where the buttons above the agenda lead."""
    return {
        "previous": choice.query(date=following(choice.view, choice.on, steps=-1)),
        "next": choice.query(date=following(choice.view, choice.on)),
        "today": choice.query(date=today),
        "views": [(view, view.capitalize(), choice.query(view=view)) for view in VIEWS],
        "cancelled": choice.query(cancelled="" if choice.with_cancelled else "1"),
    }


def paints(found: list[Entry]) -> list[tuple[str, str]]:
    """Each colour in use with the text colour that reads on it, for the page's own style rules."""
    return [(colour, text_on(colour)) for colour in sorted({entry.colour for entry in found} - {""})]


def as_json(entry: Entry, zone: ZoneInfo, *, has_hours: bool) -> dict[str, Any]:
    """Whole days end with the day after the last; other times are clock times without an offset."""
    if entry.is_all_day:
        start, end = entry.first_day.isoformat(), (entry.last_day + datetime.timedelta(days=1)).isoformat()
    else:
        start, end = on_the_clock(entry.starts_at, zone), on_the_clock(entry.ends_at, zone)
    return {
        "id": entry.key,
        "title": entry.title,
        "start": start,
        "end": end,
        "allDay": entry.is_all_day,
        "startEditable": bool(entry.drag_url),
        "durationEditable": bool(entry.drag_url) and has_hours,
        "extendedProps": {
            "look": entry.look,
            "url": entry.url,
            "drag": entry.drag_url,
            "whyFixed": entry.why_fixed,
            "version": entry.version,
            # As text: a browser whose own clocks skip that hour could not keep it in a date.
            "start": start,
            "end": end,
            "colour": entry.colour,
            "text": text_on(entry.colour) if entry.colour else "",
            "detail": entry.detail,
            "whose": entry.whose,
            "status": entry.status_words,
            "isCancelled": entry.is_cancelled,
            "isSilent": entry.is_silent,
        },
    }


def current_zone() -> ZoneInfo:
    """The viewer's zone, which the middleware activated."""
    zone = timezone.get_current_timezone()
    return zone if isinstance(zone, ZoneInfo) else ZoneInfo("UTC")


def midnight(on: datetime.date, zone: ZoneInfo) -> datetime.datetime:
    return datetime.datetime.combine(on, datetime.time(), tzinfo=zone)


def read_moment(text: str, zone: ZoneInfo) -> datetime.datetime | None:
    """The moment in `text`; without an offset it is a clock time in `zone`. None if it cannot be read
    or is out of bounds."""
    try:
        parsed = parse_datetime(text)
        day = parse_date(text) if parsed is None else None
    except ValueError:
        return None
    if parsed is None:
        parsed = datetime.datetime.combine(day, datetime.time()) if day else None
    if parsed is None or not is_in_bounds(parsed):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)
