"""What happens to a whole series is told once, by its first occurrence; what happens to single ones by each."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db.models import Exists, OuterRef

from calendars.models import GoogleEvent
from calendars.models.google import GoogleEventQuerySet
from calendars.sync.facts import BOOKED, ENDED, MOVED, Plan
from integrations.models import GoogleCalendar


@dataclass
class SeriesNews:
    """What one run says of whole series, once each: the first occurrence in order of time speaks for the others."""

    # Rows that took a vanished occurrence's place.
    handed: set[int]
    # Series of which every occurrence ahead is planned in this run, and those that have none left.
    whole: frozenset[str]
    gone: frozenset[str]
    # By series what was told of it (`Plan.tells`).
    told: dict[str, frozenset[str]] = field(default_factory=dict)

    def as_it_is(self) -> "SeriesNews":
        """A copy: what a batch tells counts when it is carried out, not when it is planned."""
        return replace(self, told=dict(self.told))

    def of(self, row: GoogleEvent) -> frozenset[str]:
        """What was told of the series of `row` and happened to this occurrence as well.

        A series that was changed in any way is whole: then a move counts by how far it went, and a date that was
        dropped is told by itself while others stay. What took a vanished occurrence's place moved with all the others.
        """
        series = row.recurring_event_id
        told = self.told.get(series, frozenset())
        if row.pk in self.handed:
            return told if series in self.whole else told & {BOOKED, MOVED}
        if series in self.gone:
            return told - {MOVED}
        return told - {MOVED, ENDED} if series in self.whole else told & {BOOKED}

    def note(self, row: GoogleEvent, made: Plan) -> None:
        series = row.recurring_event_id
        if series and made.tells:
            moved = {MOVED} if any(what.startswith(MOVED) for what in made.tells) else set()
            self.told[series] = self.told.get(series, frozenset()) | made.tells | moved

    def remember(self, before: "SeriesNews", google_calendar: GoogleCalendar, *, but: Sequence[int]) -> None:
        """Keep what is told by now, and was not `before`, on the occurrences that are still to be planned: one may fail
        and be tried again in another run. `but`: those planned just now. No statement where nothing was told.
        """
        new = {series for series, told in self.told.items() if told != before.told.get(series)}
        if not new:
            return
        due = GoogleEvent.objects.filter(
            google_calendar=google_calendar, recurring_event_id__in=new, is_due=True
        )
        left = list(due.exclude(pk__in=but).only("recurring_event_id", "series_told"))
        for row in left:
            row.series_told = sorted({*row.series_told, *self.of(row)})
        GoogleEvent.objects.bulk_update(left, ["series_told"], batch_size=250)


def news_of(
    handed: set[int], due: GoogleEventQuerySet, google_calendar: GoogleCalendar, now: datetime
) -> SeriesNews:
    """For a run that plans `due`, of which those `handed` took another's place. One statement where nothing repeats."""
    series = set(due.exclude(recurring_event_id="").values_list("recurring_event_id", flat=True))
    if not series:
        return SeriesNews(handed, frozenset(), frozenset())
    left = GoogleEvent.objects.filter(
        google_calendar=google_calendar, recurring_event_id__in=series, ends_at__gt=now
    ).exclude(status="cancelled")
    found = left.annotate(is_planned_now=Exists(due.filter(pk=OuterRef("pk"))))
    lasting = set(found.order_by().values_list("recurring_event_id", "is_planned_now").distinct())
    untouched = {each for each, is_planned_now in lasting if not is_planned_now}
    living = {each for each, _ in lasting}
    return SeriesNews(handed, frozenset(series - untouched), frozenset(series - living))
