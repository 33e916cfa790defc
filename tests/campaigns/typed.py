"""The editor's fields as a browser posts them."""

from datetime import timedelta
from typing import Any

from campaigns.forms.steps import in_units
from campaigns.models import Campaign

EVERY_DAY = [str(day) for day in range(7)]


def step(number: int, **values: Any) -> dict[str, Any]:
    given = {
        "anchor": "before_start",
        "amount": "24",
        "unit": "hours",
        "medium": "email",
        "subject": "Tomorrow",
        "body": "Hi {{ contact.name }}",
        "when_late": "skip",
        "window_days": EVERY_DAY,
        "is_active": "on",
    }
    return {f"steps-{number}-{name}": value for name, value in {**given, **values}.items()}


def typed(*steps: dict[str, Any], initial: int = 0, **values: Any) -> dict[str, Any]:
    data = {"name": "Reminders", "trigger": "appointment", "recurring": ""}
    data |= {"steps-TOTAL_FORMS": str(len(steps)), "steps-INITIAL_FORMS": str(initial)}
    for one in steps:
        data |= one
    return {**data, **values}


def stored(campaign: Campaign) -> list[dict[str, Any]]:
    """The steps of a campaign as its form sends them back."""
    found = []
    for number, one in enumerate(campaign.steps.filter(removed_at=None)):
        amount, unit = in_units(one.offset or timedelta(0))
        kept = {"id": str(one.pk), "anchor": one.anchor, "amount": str(amount), "unit": unit}
        kept |= {"subject": one.subject, "body": one.body, "medium": one.medium}
        found.append(step(number, **kept))
    return found
