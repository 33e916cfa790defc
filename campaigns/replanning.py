"""What saving a changed campaign would do to the messages that wait: would_follow()."""

import datetime
from collections import Counter, defaultdict
from dataclasses import dataclass

from django.db import transaction
from django.http import QueryDict

from campaigns import wording
from campaigns.forms import CampaignEditor
from campaigns.models import Campaign, Message, Step
from campaigns.timeline import order_of

WAITING = Message.State.WAITING


@dataclass(frozen=True, slots=True)
class StepFollows:
    """Of one step: how many waiting messages go to another time, are new, or end."""

    words: str
    moved: int
    new: int
    void: int


def would_follow(campaign: Campaign, data: QueryDict, now: datetime.datetime) -> list[StepFollows]:
    """By step, in order of time; steps of which nothing waits otherwise are left out. `data` has to be right.

    It is done, read and taken back, so that it cannot be told wrong.
    """
    with transaction.atomic():
        before = _waiting(campaign)
        steps = {step.pk: step for step in Step.objects.filter(campaign=campaign)}
        editor = CampaignEditor(Campaign.objects.get(pk=campaign.pk), data)
        if not editor.is_valid():
            raise ValueError("Only what can be saved follows.")
        editor.save(now, moves_waiting=True)
        after = _waiting(campaign)
        steps |= {step.pk: step for step in Step.objects.filter(campaign=campaign)}
        transaction.set_rollback(True)
    counts = _counted(before, after)
    return [
        StepFollows(wording.step(steps[pk]), **{what: counts[pk][what] for what in ("moved", "new", "void")})
        for pk in sorted(counts, key=lambda pk: order_of(steps[pk]))
    ]


Waiting = dict[int, tuple[int, datetime.datetime]]


def _waiting(campaign: Campaign) -> Waiting:
    """By message: its step, and when it is due."""
    rows = Message.objects.filter(enrolment__campaign=campaign, state=WAITING).order_by()
    return {pk: (step, due_at) for pk, step, due_at in rows.values_list("pk", "step", "due_at")}


def _counted(before: Waiting, after: Waiting) -> dict[int, Counter[str]]:
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for pk, (step, due_at) in after.items():
        if pk not in before:
            counts[step]["new"] += 1
        elif before[pk][1] != due_at:
            counts[step]["moved"] += 1
    for pk in before.keys() - after.keys():
        counts[before[pk][0]]["void"] += 1
    return counts
