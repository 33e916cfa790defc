"""How campaigns and their steps are doing, counted in the database."""

from collections import defaultdict
from dataclasses import dataclass, field

from django.db.models import Count, Q, QuerySet

from campaigns import wording
from campaigns.models import Campaign, Message, Step

State = Message.State


@dataclass(slots=True)
class StepFigures:
    step: Step
    words: str
    planned: int = 0
    sent: int = 0
    failed: int = 0
    # Why messages were left out, the most frequent first.
    left_out: list[tuple[str, int]] = field(default_factory=list)


def with_counts() -> QuerySet[Campaign]:
    """Every campaign with `waiting` and `sent`, its active steps prefetched: two statements."""
    messages = "enrolments__messages"
    counted = Campaign.objects.annotate(
        waiting=Count(messages, filter=Q(enrolments__messages__state=State.WAITING)),
        sent=Count(messages, filter=Q(enrolments__messages__state=State.SENT)),
    )
    # Counting groups the rows, and a grouped query forgets the model's own order.
    return counted.order_by("name", "pk").prefetch_related("steps")


def of_steps(campaign: Campaign) -> list[StepFigures]:
    """What became of each active step's messages, in two statements."""
    found = {step.pk: StepFigures(step, wording.step(step)) for step in campaign.steps.filter(is_active=True)}
    counts = Message.objects.filter(step__in=found).order_by().values_list("step", "state", "why")
    left_out: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for step_id, state, why, number in counts.annotate(number=Count("pk")):
        figures = found[step_id]
        figures.planned += number if state in (State.WAITING, State.SENDING) else 0
        figures.sent += number if state == State.SENT else 0
        figures.failed += number if state in (State.FAILED, State.UNKNOWN) else 0
        if state in (State.SKIPPED, State.VOID):
            left_out[step_id][why] += number
    for step_id, reasons in left_out.items():
        found[step_id].left_out = sorted(reasons.items(), key=lambda reason: -reason[1])
    return list(found.values())
