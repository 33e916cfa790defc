"""What an option would do to the events that are there: plan() under another configuration. Nothing is changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from calendars.models import CalendarConfiguration, GoogleEvent
from calendars.models.google import GoogleEventQuerySet
from calendars.sync.facts import Plan
from calendars.sync.gather import situations
from calendars.sync.plan import plan
from calendars.sync.setting import Setting, setting_under
from integrations.models import GoogleCalendar

# The soonest so many are planned for a preview, which a person waits for; applying takes all of them.
PLANNED = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """One upcoming event and what would become of it."""

    event: GoogleEvent
    plan: Plan
    guests: tuple[str, ...]

    @property
    def makes_appointment(self) -> bool:
        return self.plan.book is not None

    @property
    def makes_contact(self) -> bool:
        return self.plan.book is not None and any(guest.contact is None for guest in self.plan.book.guests)


@dataclass(frozen=True, slots=True)
class Preview:
    """The upcoming events of one Google calendar that have no appointment, soonest first."""

    google_calendar: GoogleCalendar
    lines: tuple[Line, ...]

    @property
    def appointments(self) -> int:
        return sum(line.makes_appointment for line in self.lines)

    @property
    def contacts(self) -> int:
        """Addresses that would become contacts; one on two events counts once."""
        return len(
            {
                guest.address
                for line in self.lines
                if line.plan.book is not None
                for guest in line.plan.book.guests
                if guest.contact is None
            }
        )

    @property
    def blocks(self) -> int:
        return sum(line.plan.blocks and not line.makes_appointment for line in self.lines)

    @property
    def free(self) -> int:
        return len(self.lines) - self.appointments - self.blocks


def preview(configuration: CalendarConfiguration, now: datetime) -> Preview | None:
    """What `configuration`, saved or not, would make of its linked calendar's events; None when there is none."""
    google_calendar = configuration.linked_calendar
    if google_calendar is None:
        return None
    rows = _undecided(google_calendar, now)[:PLANNED]
    setting = setting_under(configuration, google_calendar, now)
    return Preview(google_calendar, tuple(_lines(list(rows), setting, now)))


def apply_to_imported(configuration: CalendarConfiguration, now: datetime, *, fires: bool) -> int:
    """Have the events that would become appointments planned again under `configuration` as it stands; how many.

    Silently, unless `fires`; then triggers run for what lies ahead.
    """
    google_calendar = configuration.linked_calendar
    if google_calendar is None:
        return 0
    setting = setting_under(configuration, google_calendar, now)
    rows = list(_undecided(google_calendar, now))
    chunks = (rows[start : start + PLANNED] for start in range(0, len(rows), PLANNED))
    pks = [
        line.event.pk for chunk in chunks for line in _lines(chunk, setting, now) if line.makes_appointment
    ]
    replan = GoogleEvent.Replan.FIRE if fires else GoogleEvent.Replan.APPLY
    return GoogleEvent.objects.filter(pk__in=pks).update(replan=replan, not_before=None)


def _undecided(google_calendar: GoogleCalendar, now: datetime) -> GoogleEventQuerySet:
    """The upcoming events without an appointment, soonest first."""
    rows = GoogleEvent.objects.filter(google_calendar=google_calendar, appointment=None, ends_at__gt=now)
    related = ("appointment__calendar", "google_calendar__account", "run")
    return (
        rows.exclude(status="cancelled").exclude(etag="").select_related(*related).order_by("starts_at", "pk")
    )


def _lines(rows: Sequence[GoogleEvent], setting: Setting, now: datetime) -> Iterator[Line]:
    for situation in situations(rows, setting, now):
        yield Line(
            event=situation.row,
            plan=plan(situation.observed, situation.held, situation.agreed, situation.facts),
            guests=tuple(guest.address for guest in situation.facts.guests),
        )
