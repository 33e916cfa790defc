"""What an option would do to the events that are there: plan() under another configuration. Nothing is changed."""

from dataclasses import dataclass
from datetime import datetime

from calendars.models import CalendarConfiguration, GoogleEvent
from calendars.sync.facts import Plan
from calendars.sync.gather import setting_under, situations
from calendars.sync.plan import plan
from integrations.models import GoogleCalendar

# More would not be read; the counts say how many there are.
SHOWN = 200


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
    rows = list(
        GoogleEvent.objects.filter(google_calendar=google_calendar, appointment=None, ends_at__gt=now)
        .exclude(status="cancelled")
        .select_related("appointment__calendar", "google_calendar__account")
        .order_by("starts_at", "pk")[:SHOWN]
    )
    setting = setting_under(configuration, google_calendar, now)
    found = situations(rows, setting, now)
    return Preview(
        google_calendar=google_calendar,
        lines=tuple(
            Line(
                event=situation.row,
                plan=plan(situation.observed, situation.held, situation.agreed, situation.facts),
                guests=tuple(guest.address for guest in situation.facts.guests),
            )
            for situation in found
        ),
    )


def apply_to_imported(configuration: CalendarConfiguration, now: datetime, *, fires: bool) -> int:
    """Have the events that would become appointments planned again under `configuration` as it stands; how many.

    Silently, unless `fires`; then triggers run for what lies ahead.
    """
    found = preview(configuration, now)
    if found is None:
        return 0
    pks = [line.event.pk for line in found.lines if line.makes_appointment]
    replan = GoogleEvent.Replan.FIRE if fires else GoogleEvent.Replan.APPLY
    return GoogleEvent.objects.filter(pk__in=pks).update(replan=replan, not_before=None)
