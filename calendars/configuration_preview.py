"""The upcoming events of the linked calendar under the values in a form, saved or not, as the page lists them."""

from dataclasses import dataclass
from datetime import datetime

from calendars.agenda import BUSY, event_title
from calendars.configuring import FIELDS, POLICY_FIELDS
from calendars.effects import APPOINTMENT, BLOCK, OUTLINE
from calendars.forms import UnassignedConfigurationForm
from calendars.models import CalendarConfiguration, GoogleEvent
from calendars.sync.preview import Line, Preview, preview
from contacts.models import User

LISTED = 6
FREE = "free"


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as the list shows it. `title` is empty where the viewer may see the time only."""

    event: GoogleEvent
    title: str
    chip: str
    reason: str
    is_silent: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """The counts of a preview and its first entries, appointments before the rest.

    `settled`: how many upcoming events have an appointment already, which no option touches.
    """

    preview: Preview
    entries: tuple[Entry, ...]
    settled: int

    @property
    def more(self) -> int:
        return len(self.preview.lines) - len(self.entries)


def listing(form: UnassignedConfigurationForm, viewer: User, now: datetime) -> Listing | None:
    """What the form's values would make of the events we know; None while they make no sense or do not decide."""
    configuration = as_if_saved(form, now)
    if configuration is None or is_decided_elsewhere(configuration):
        return None
    found = preview(configuration, now)
    if found is None:
        return None
    # What changes comes first: a list of six grey blocks would hide the one appointment.
    first = sorted(found.lines, key=lambda line: not line.makes_appointment)[:LISTED]
    entries = tuple(_entry(line, shows_titles=form.owner == viewer) for line in first)
    rows = GoogleEvent.objects.filter(google_calendar=found.google_calendar, ends_at__gt=now)
    return Listing(found, entries, settled=rows.filter(outcome=GoogleEvent.Outcome.APPOINTMENT).count())


def as_if_saved(form: UnassignedConfigurationForm, now: datetime) -> CalendarConfiguration | None:
    """The configuration that saving the form would leave, never stored; None while the form has errors."""
    stored = form.instance
    if not form.is_bound:
        return stored if stored.pk else None
    if not form.is_valid() or form.settled is None:
        return None
    values = {name: getattr(form.settled, name) for name in FIELDS}
    changed = {name for name, value in values.items() if getattr(stored, name) != value}
    keeps_policy = stored.pk is not None and not changed & POLICY_FIELDS
    return CalendarConfiguration(
        user=None if form.unassigned else form.owner,
        calendar=form.unassigned,
        policy_since=stored.policy_since if keeps_policy else now,
        **values,
    )


def is_decided_elsewhere(configuration: CalendarConfiguration) -> bool:
    """Whether an unassigned calendar is linked to the same Google calendar as a user: then its option decides."""
    linked = configuration.linked_calendar
    if linked is None or configuration.calendar_id:
        return False
    shared = CalendarConfiguration.objects.filter(linked_calendar__google_id=linked.google_id)
    return shared.exclude(calendar=None).exists()


def _entry(line: Line, *, shows_titles: bool) -> Entry:
    book = line.plan.book
    if book is not None:
        chip = APPOINTMENT
    elif not line.plan.blocks:
        chip = FREE
    else:
        chip = OUTLINE if line.plan.outline else BLOCK
    return Entry(
        event=line.event,
        title=event_title(line.event) if shows_titles else BUSY,
        chip=chip,
        reason=line.plan.reason if shows_titles else "",
        is_silent=book is not None and not book.fires,
    )
