"""A campaign and its steps on one page: typed, checked and saved together."""

import datetime
from collections.abc import Mapping
from typing import cast

from django.db import transaction
from django.http import QueryDict

from campaigns.enrolment import follow_steps
from campaigns.forms.campaign import CampaignForm
from campaigns.forms.steps import BaseStepFormSet, StepForm, StepFormSet
from campaigns.models import Campaign, Step
from campaigns.readiness import why_not_ready
from campaigns.timeline import order_of

NEW_STEP = {"anchor": "before_start", "amount": "24", "unit": "hours", "medium": "email", "when_late": "skip"}
NEW_STEP |= {"is_active": "on"}
AFTER = {"anchor": "after_end", "amount": "2"}
MOST_STEPS = 20


class CampaignEditor:
    """`data` None: as stored. `switches_on`: saving switches it on, so that more has to be right."""

    def __init__(
        self, campaign: Campaign | None = None, data: QueryDict | None = None, *, switches_on: bool = False
    ) -> None:
        self.campaign = campaign or Campaign(is_active=False, on_changes=["booked"])
        self.data = data
        self.switches_on = switches_on
        self.form = CampaignForm(data, instance=self.campaign)
        self.steps = cast(BaseStepFormSet, StepFormSet(data, instance=self.campaign, prefix="steps"))

    @classmethod
    def with_another_step(
        cls, campaign: Campaign | None, data: QueryDict, *, is_after: bool
    ) -> "CampaignEditor":
        """As typed so far, with an empty step more, and no complaints about what is not finished."""
        return cls._with(campaign, data, {**NEW_STEP, **(AFTER if is_after else {})})

    @classmethod
    def with_copied_step(cls, campaign: Campaign | None, data: QueryDict, prefix: str) -> "CampaignEditor":
        """The same with a copy of the step whose fields begin with `prefix`."""
        given = {
            key.removeprefix(f"{prefix}-"): data.getlist(key) for key in data if key.startswith(f"{prefix}-")
        }
        return cls._with(
            campaign, data, {k: v for k, v in given.items() if k not in ("id", "DELETE", "campaign")}
        )

    @classmethod
    def _with(
        cls, campaign: Campaign | None, data: QueryDict, step: Mapping[str, str | list[str]]
    ) -> "CampaignEditor":
        more = data.copy()
        typed = more.get("steps-TOTAL_FORMS", "")
        total = int(typed) if typed.isdecimal() else 0
        if total >= MOST_STEPS:
            return cls.as_typed(campaign, data)
        more["steps-TOTAL_FORMS"] = str(total + 1)
        put_step(more, total, {"window_days": [str(day) for day in range(7)], **step})
        editor = cls.as_typed(campaign, more)
        editor.steps.forms[-1].is_fresh = True
        return editor

    @classmethod
    def as_typed(cls, campaign: Campaign | None, data: QueryDict) -> "CampaignEditor":
        """What is in the fields, without complaints."""
        editor = cls(campaign, data)
        for form in [editor.form, *editor.steps.forms]:
            form.forgive()
        editor.steps.forgive()
        return editor

    @property
    def present(self) -> list[StepForm]:
        """The steps that are not being removed."""
        return [form for form in self.steps.forms if not form.is_removed]

    def is_valid(self) -> bool:
        # Both, so that every part tells its errors.
        parts = [self.form.is_valid(), self.steps.is_valid()]
        return all(parts) and (not (self.switches_on or self.campaign.is_active) or self._is_ready())

    def _is_ready(self) -> bool:
        kept = [form.instance for form in self.present if form.has_changed() or form.instance.pk]
        fault = why_not_ready([step for step in kept if step.is_active], self.campaign.review_url)
        if fault is not None:
            self.form.add_error(fault.field or None, fault.words)
        return fault is None

    @transaction.atomic
    def save(self, now: datetime.datetime, *, moves_waiting: bool) -> Campaign:
        """The stored campaign. What waits goes along to where its steps are now, if `moves_waiting`."""
        is_new = self.campaign.pk is None
        if self.switches_on:
            self.campaign.is_active = True
        campaign = self.form.save()
        self.steps.instance = campaign
        self.steps.save()
        put_in_order(campaign)
        if not is_new:
            follow_steps(campaign, now=now, moves_waiting=moves_waiting)
        return campaign


def put_step(data: QueryDict, number: int, step: Mapping[str, str | list[str]]) -> None:
    """Adds the fields of one step to `data`, as if they had been typed."""
    for field, value in step.items():
        data.setlist(f"steps-{number}-{field}", value if isinstance(value, list) else [value])


def put_in_order(campaign: Campaign) -> None:
    """By time; of equal ones as they stand."""
    steps = sorted(campaign.steps.filter(removed_at=None), key=order_of)
    for position, step in enumerate(steps):
        step.position = position
    Step.objects.bulk_update(steps, ["position"])
