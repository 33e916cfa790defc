"""What happens to a whole series is told once, by its first occurrence; what happens to single ones by each."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from calendars.models import GoogleEvent
from calendars.models.google import GoogleEventQuerySet
from calendars.sync.facts import BOOKED, MOVED, Plan
from integrations.models import GoogleCalendar


@dataclass
class SeriesNews:
    """What one run says of whole series, once each: the first occurrence in order of time speaks for the others."""

    # Rows that took a vanished occurrence's place.
    handed: set[int]
    # Series of which every occurrence ahead is planned in this run: the change is the series'.
    whole: frozenset[str]
    # By series what was told of it (`Plan.tells`).
    told: dict[str, frozenset[str]] = field(default_factory=dict)

    def as_it_is(self) -> "SeriesNews":
        """A copy: what a batch tells counts when it is carried out, not when it is planned."""
        return replace(self, told=dict(self.told))

    def of(self, row: GoogleEvent) -> frozenset[str]:
        """What was told of the series of `row` and concerns this occurrence too. It is booked once whatever happens."""
        told = self.told.get(row.recurring_event_id, frozenset())
        if row.recurring_event_id in self.whole:
            return told
        return told & ({BOOKED, MOVED} if row.pk in self.handed else {BOOKED})

    def note(self, row: GoogleEvent, made: Plan) -> None:
        series = row.recurring_event_id
        if series and made.tells:
            self.told[series] = self.told.get(series, frozenset()) | made.tells


def whole_series(due: GoogleEventQuerySet, google_calendar: GoogleCalendar, now: datetime) -> frozenset[str]:
    """The series of `due` rows that leave no occurrence ahead as it was. One statement where nothing repeats."""
    series = set(due.exclude(recurring_event_id="").values_list("recurring_event_id", flat=True))
    if not series:
        return frozenset()
    left = GoogleEvent.objects.filter(
        google_calendar=google_calendar, recurring_event_id__in=series, ends_at__gt=now
    ).exclude(status="cancelled")
    untouched = left.exclude(pk__in=due.values("pk")).values_list("recurring_event_id", flat=True)
    return frozenset(series - set(untouched))
