"""Which messages the figures are about: a period by when each was to leave, and a calendar."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils import timezone

from calendars.models import Calendar

DAYS = {"7": "7 days", "30": "30 days", "90": "90 days"}
ALL, DATES, USUAL = "all", "dates", "30"


@dataclass(frozen=True, slots=True)
class Chosen:
    """`since` and `until` are days on the viewer's clocks, both included; None is open. What waits ahead is in an open
    end. `calendar` None: all of them."""

    since: datetime.date | None = None
    until: datetime.date | None = None
    calendar: int | None = None

    @property
    def starts_at(self) -> datetime.datetime | None:
        return midnight(self.since) if self.since else None

    @property
    def ends_at(self) -> datetime.datetime | None:
        """The first moment after it."""
        return midnight(self.until + datetime.timedelta(days=1)) if self.until else None


def midnight(day: datetime.date) -> datetime.datetime:
    """The first moment of `day` on the viewer's clocks."""
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time()))


class FiguresForm(forms.Form):
    """Read by GET: an unreadable choice falls back to the usual one and says why."""

    period = forms.ChoiceField(
        label="Period",
        required=False,
        choices=[
            *((days, f"Last {words}") for days, words in DAYS.items()),
            (ALL, "All time"),
            (DATES, "From – to"),
        ],
    )
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="to", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    calendar = forms.ModelChoiceField(
        Calendar.objects.order_by("name"), label="Calendar", required=False, empty_label="All calendars"
    )

    def __init__(self, given: Mapping[str, Any], *, today: datetime.date) -> None:
        self.today = today
        data = {name: given.get(name, "") for name in ("period", "since", "until", "calendar")}
        # A day typed is a day meant, whatever the list beside it says.
        data["period"] = data["period"] or (DATES if data["since"] or data["until"] else USUAL)
        super().__init__(data)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if cleaned.get("period") == DATES and since and until and since > until:
            self.add_error("until", "The period ends before it begins.")
        return cleaned

    @property
    def chosen(self) -> Chosen:
        cleaned: dict[str, Any] = self.cleaned_data if self.is_valid() else {"period": USUAL}
        calendar = cleaned.get("calendar")
        since, until = self._days(cleaned)
        return Chosen(since, until, calendar.pk if calendar else None)

    def _days(self, cleaned: dict[str, Any]) -> tuple[datetime.date | None, datetime.date | None]:
        period = cleaned["period"]
        if period == ALL:
            return None, None
        if period == DATES:
            return cleaned.get("since"), cleaned.get("until")
        return self.today - datetime.timedelta(days=int(period) - 1), None
