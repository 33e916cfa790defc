"""The rows of members and hours in the admin, held to the rules of the Calendars page."""

import datetime
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet

from calendars.calendar_settings import Member, check
from calendars.configuring import NotAllowed
from calendars.models import Membership
from calendars.stored_hours import hours_of
from calendars.working_hours import (
    MOST_RANGES,
    TOO_MANY,
    WEEKDAYS,
    Range,
    clashes,
    date_clash,
    neighbour_clash,
)


class KeptRows(BaseInlineFormSet[Any, Any, Any]):
    def kept(self, *names: str) -> Iterator[dict[str, Any]]:
        """What the rows that stay say, where all of `names` could be read."""
        for form in self.forms:
            cleaned = getattr(form, "cleaned_data", {})
            if not cleaned.get("DELETE") and all(cleaned.get(name) is not None for name in names):
                yield cleaned


class TeamFormSet(KeptRows):
    """The members of a calendar, whose kind may just have been chosen."""

    def clean(self) -> None:
        super().clean()
        members = [
            Member(row["user"], row.get("priority") or 0, bool(row.get("is_active")))
            for row in self.kept("user")
        ]
        try:
            check(self.instance, members)
        except NotAllowed as refusal:
            raise ValidationError(str(refusal)) from refusal


class MembershipForm(forms.ModelForm[Membership]):
    """One member, beside those that the calendar has already."""

    class Meta:
        model = Membership
        fields = ("calendar", "user", "priority", "is_active")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        calendar, user = cleaned.get("calendar"), cleaned.get("user")
        if calendar and user:
            others = calendar.memberships.exclude(pk=self.instance.pk).select_related("user")
            team = [Member(row.user, row.priority, row.is_active) for row in others]
            try:
                check(calendar, [*team, Member(user, is_active=bool(cleaned.get("is_active")))])
            except NotAllowed as refusal:
                self.add_error(None, str(refusal))
        return cleaned


class WeekFormSet(KeptRows):
    """The weekly hours of a member, or of an unassigned calendar."""

    def clean(self) -> None:
        super().clean()
        week: dict[int, list[Range]] = defaultdict(list)
        for row in self.kept("weekday", "starts", "ends"):
            week[row["weekday"]].append(Range(row["starts"], row["ends"]))
        if any(weekday not in range(7) for weekday in week):
            raise ValidationError("Weekdays go from 0, Monday, to 6, Sunday.")
        wrong = [
            f"{WEEKDAYS[day]}: {TOO_MANY}" for day, ranges in week.items() if len(ranges) > MOST_RANGES
        ] or [f"{WEEKDAYS[clash.weekday]}: {clash.words}" for clash in clashes(week)]
        if wrong:
            raise ValidationError(wrong)


class DatesFormSet(KeptRows):
    """Their dates that differ: closed, or some ranges."""

    def clean(self) -> None:
        super().clean()
        dates: dict[datetime.date, list[Range]] = defaultdict(list)
        closed: set[datetime.date] = set()
        for row in self.kept("on"):
            starts, ends = row.get("starts"), row.get("ends")
            if (starts is None) != (ends is None):
                raise ValidationError(f"{row['on']}: give both times, or leave both empty for a closed day.")
            if starts is None or ends is None:
                closed.add(row["on"])
            else:
                dates[row["on"]].append(Range(starts, ends))
        clash = {day: found[1] for day, ranges in dates.items() if (found := date_clash(ranges))}
        clash = self._neighbour_clashes({**dates, **{day: [] for day in closed}}) | clash
        clash |= {day: TOO_MANY for day, ranges in dates.items() if len(ranges) > MOST_RANGES}
        clash |= {day: "It cannot be closed and open." for day in closed & dates.keys()}
        if clash:
            raise ValidationError([f"{day}: {words}" for day, words in sorted(clash.items())])

    def _neighbour_clashes(self, dates: dict[datetime.date, list[Range]]) -> dict[datetime.date, str]:
        """Of the dates that were edited, beside the week as it is stored: a new owner has none."""
        if self.instance.pk is None:
            return {}
        hours = replace(hours_of(self.instance), dates=dates)
        edited = {form.cleaned_data.get("on") for form in self.forms if form.has_changed()} & dates.keys()
        return {day: found[1] for day in edited if (found := neighbour_clash(hours, day))}
