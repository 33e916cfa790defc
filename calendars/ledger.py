"""The ledger: every Google event of a person's accounts, with what was made of it and why."""

import datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest

from calendars.models import GoogleEvent
from calendars.models.google import GoogleEventQuerySet
from contacts.models import User
from integrations.models import GoogleCalendar

AHEAD, PAST, ALL = "ahead", "past", "all"
LOOK = "look"


def events_of(user: User) -> GoogleEventQuerySet:
    """All that Google told of the accounts of `user`."""
    return GoogleEvent.objects.filter(google_calendar__in=calendars_of(user))


def calendars_of(user: User) -> QuerySet[GoogleCalendar]:
    return GoogleCalendar.objects.filter(account__user=user)


def need_a_look(user: User) -> int:
    """How many events could not be read or carried out."""
    return events_of(user).failed().count()


class LedgerFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter carries no types
    q = django_filters.CharFilter(
        label="Search",
        method="search",
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "Title, guest or event id", "autocomplete": "off"}
        ),
    )
    outcome = django_filters.ChoiceFilter(
        label="Outcome",
        choices=[(LOOK, "Needs a look"), *[pair for pair in GoogleEvent.Outcome.choices if pair[0]]],
        empty_label="Any outcome",
        method="come_out_as",
    )
    calendar = django_filters.ModelChoiceFilter(
        label="Google calendar",
        field_name="google_calendar",
        queryset=lambda request: calendars_of(request.user) if request else GoogleCalendar.objects.none(),
        empty_label="Any calendar",
    )
    when = django_filters.ChoiceFilter(
        label="When",
        choices=[(AHEAD, "Ahead"), (PAST, "Past"), (ALL, "All times")],
        empty_label=None,
        method="lie",
    )

    class Meta:
        model = GoogleEvent
        fields = ("q", "outcome", "calendar", "when")

    def __init__(self, data: Any, *, request: HttpRequest, now: datetime.datetime, user: User) -> None:
        self.now = now
        chosen = data.copy()
        # What could not be read may have no time at all.
        chosen.setdefault("when", ALL if chosen.get("outcome") == LOOK else AHEAD)
        rows = events_of(user).select_related("google_calendar__account", "appointment__contact")
        super().__init__(chosen, queryset=rows, request=request)

    def search(self, events: GoogleEventQuerySet, name: str, text: str) -> GoogleEventQuerySet:
        words = text.strip()
        found = Q(summary__icontains=words) | Q(google_id=words) | Q(attendees__icontains=words.lower())
        return events.filter(found)

    def come_out_as(self, events: GoogleEventQuerySet, name: str, outcome: str) -> GoogleEventQuerySet:
        return events.failed() if outcome == LOOK else events.filter(outcome=outcome)

    def lie(self, events: GoogleEventQuerySet, name: str, when: str) -> GoogleEventQuerySet:
        if when == AHEAD:
            return events.filter(ends_at__gt=self.now).order_by("starts_at", "pk")
        if when == PAST:
            return events.filter(ends_at__lte=self.now).order_by("-starts_at", "-pk")
        return events.order_by(F("starts_at").desc(nulls_first=True), "-pk")

    @property
    def narrows(self) -> bool:
        """Whether more than a time was chosen: an empty list then means "none found"."""
        chosen = self.form.cleaned_data if self.form.is_valid() else {}
        return any(value for key, value in chosen.items() if key != "when")
