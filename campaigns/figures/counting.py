"""What became of messages, counted in the database from an index alone."""

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import BooleanField, Count, Func
from django.utils import timezone

from campaigns import wording
from campaigns.figures.books import FAULTS, LEFT_OUT, Books, Reason, Tally, by_step, shown_reasons
from campaigns.figures.moments import Day
from campaigns.figures.periods import Chosen
from campaigns.models import Campaign, Enrolment, Message, OutgoingQuerySet, Step

State = Message.State
LATELY = datetime.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class StepFigures:
    """One step, in words, with its books; `reasons` of what was left out and of what failed, by state."""

    step: Step
    words: str
    books: Books
    reasons: list[Reason] = field(default_factory=list)

    @property
    def standing(self) -> str:
        """What has become of the step itself: "removed", "switched off"; "" while it runs."""
        if self.step.removed_at is not None:
            return "removed"
        return "" if self.step.is_active else "switched off"


@dataclass(frozen=True, slots=True)
class InShort:
    """Of one campaign: what waits, and what was to leave in the last 30 days and did."""

    waiting: int = 0
    sent: int = 0


def of_steps(campaign: Campaign, chosen: Chosen) -> tuple[list[StepFigures], list[Tally]]:
    """The figures of every step that is there, or has something in its books; and what they were counted from.

    Three statements for any number of steps and messages.
    """
    steps = list(campaign.steps.all())
    tallies = _tallies(steps, chosen)
    books, reasons = by_step(tallies), _reasons(steps, chosen)
    told = [
        StepFigures(step, wording.step(step), books.get(step.pk, Books()), reasons[step.pk])
        for step in steps
        if step.is_active or step.pk in books
    ]
    return told, tallies


def _tallies(steps: Iterable[Step], chosen: Chosen) -> list[Tally]:
    day = Day("due_at", tzinfo=timezone.get_current_timezone())
    rows = _messages(steps, chosen).annotate(day=day).values_list("step", "day", "state", "report")
    return [Tally(*row) for row in rows.annotate(number=Count("*"))]


class NotSent(Func):
    """Whether a message's state is in LEFT_OUT or FAULTS, word for word as `message_left_out` has it: SQLite has no use
    for that index where the states are parameters."""

    # A tuple of words reads in Python as it does in SQL.
    template = f"%(expressions)s IN {(*LEFT_OUT, *FAULTS)!r}"
    output_field = BooleanField()


def _reasons(steps: Iterable[Step], chosen: Chosen) -> dict[int, list[Reason]]:
    rows = _messages(steps, chosen).filter(NotSent("state"))
    counted: dict[tuple[int, str], list[Reason]] = defaultdict(list)
    for step, state, why, number in rows.values_list("step", "state", "why").annotate(number=Count("*")):
        counted[step, state].append(Reason(state, why, number))
    told: dict[int, list[Reason]] = defaultdict(list)
    for state in (*LEFT_OUT, *FAULTS):
        for (step, of), reasons in counted.items():
            told[step] += shown_reasons(reasons) if of == state else []
    return told


def _messages(steps: Iterable[Step], chosen: Chosen) -> OutgoingQuerySet[Message]:
    """By the steps' ids and not by the campaign, so that the index `message_figures` has all that is asked."""
    found = Message.objects.filter(step__in=[step.pk for step in steps]).order_by()
    if chosen.starts_at:
        found = found.filter(due_at__gte=chosen.starts_at)
    if chosen.ends_at:
        found = found.filter(due_at__lt=chosen.ends_at)
    if chosen.calendar:
        of_calendar = Enrolment.objects.filter(appointment__calendar=chosen.calendar)
        found = found.filter(enrolment__in=of_calendar.values("pk"))
    return found


# --- in short ---------------------------------------------------------------------------------------------


def listed(now: datetime.datetime) -> list[tuple[Campaign, InShort]]:
    """Every campaign by name, its steps prefetched: four statements, however much has been sent over the years."""
    campaigns = list(Campaign.objects.order_by("name", "pk").prefetch_related("steps"))
    counted = _in_short([step for campaign in campaigns for step in campaign.steps.all()], now)
    return [(campaign, counted.get(campaign.pk, InShort())) for campaign in campaigns]


def in_short(campaign: Campaign, now: datetime.datetime) -> InShort:
    return _in_short(campaign.steps.all(), now).get(campaign.pk, InShort())


def _in_short(steps: Iterable[Step], now: datetime.datetime) -> dict[int, InShort]:
    """By campaign. Neither statement meets what was sent long ago."""
    campaign_of = {step.pk: step.campaign_id for step in steps}
    messages = Message.objects.filter(step__in=campaign_of)
    waiting = _by_campaign(messages.filter(state=State.WAITING), campaign_of)
    sent = _by_campaign(messages.filter(state=State.SENT, due_at__gte=now - LATELY), campaign_of)
    return {pk: InShort(waiting[pk], sent[pk]) for pk in campaign_of.values()}


def _by_campaign(found: OutgoingQuerySet[Message], campaign_of: dict[int, int]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for step, number in found.order_by().values_list("step").annotate(number=Count("*")):
        counts[campaign_of[step]] += number
    return counts
