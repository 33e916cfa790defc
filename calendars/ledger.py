"""The ledger: every Google event of a person's accounts, with what was made of it and why."""

import datetime
import re
from collections.abc import Iterable, Sequence
from typing import Any

import django_filters
from django import forms
from django.db.models import Case, Count, F, Q, QuerySet, Value, When
from django.http import HttpRequest

from calendars.google_next import behind_among, reason_now
from calendars.models import GoogleEvent
from calendars.models.google import GoogleEventQuerySet
from calendars.sync import brake
from contacts.models import User
from contacts.paging import Page, page_of
from integrations.models import GoogleCalendar

Outcome = GoogleEvent.Outcome
AHEAD, PAST, ALL = "ahead", "past", "all"
LOOK = "look"
LATEST_FIRST = ("-starts_at", "-pk")
WHOLE_ACCOUNT = "account-"


def calendars_of(user: User) -> QuerySet[GoogleCalendar]:
    return GoogleCalendar.objects.filter(account__user=user)


def need_a_look(user: User) -> dict[int, int]:
    """How many events could not be read or carried out, by the account that they belong to."""
    failed = GoogleEvent.objects.filter(google_calendar__account__user=user).failed()
    counted = failed.values("google_calendar__account").annotate(events=Count("pk")).order_by()
    return dict(counted.values_list("google_calendar__account", "events"))


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
        method="with_outcome",
    )
    calendar = django_filters.ChoiceFilter(
        label="Google calendar", empty_label="Any calendar", method="of_calendars"
    )
    when = django_filters.ChoiceFilter(
        label="When",
        choices=[(AHEAD, "Ahead"), (PAST, "Past"), (ALL, "All times")],
        empty_label=None,
        method="at_time",
    )

    class Meta:
        model = GoogleEvent
        fields = ("q", "outcome", "calendar", "when")

    def __init__(self, data: Any, *, request: HttpRequest, now: datetime.datetime, user: User) -> None:
        self.now, self.user = now, user
        # Read once: of ids PostgreSQL knows how many rows they have, of a subquery it guesses.
        self.calendars = list(calendars_of(user).select_related("account").order_by("account", "pk"))
        chosen = data.copy()
        # What could not be read may have no time at all.
        chosen.setdefault("when", ALL if chosen.get("outcome") == LOOK else AHEAD)
        rows = GoogleEvent.objects.filter(google_calendar__in=[calendar.pk for calendar in self.calendars])
        rows = rows.select_related("google_calendar__account", "appointment__contact")
        super().__init__(chosen, queryset=rows, request=request)
        self.filters["calendar"].extra["choices"] = calendar_choices(self.calendars)

    def search(self, events: GoogleEventQuerySet, name: str, text: str) -> GoogleEventQuerySet:
        words = text.strip()
        # The guests' list as text holds more than addresses; the first look is the cheap one.
        address = Q(attendees__icontains=words) & Q(attendees__iregex=f'"address": "[^"]*{re.escape(words)}')
        # The occurrences of a series have its id and a time behind it.
        return events.filter(Q(summary__icontains=words) | Q(google_id__startswith=words) | address)

    def with_outcome(self, events: GoogleEventQuerySet, name: str, outcome: str) -> GoogleEventQuerySet:
        if outcome == LOOK:
            return events.filter(~Q(error="") | brake.that_wait(self.user, self.now))
        if outcome in (Outcome.BLOCK, Outcome.FREE):
            # As its row says it: what is disconnected blocks no more.
            return events.filter(outcome__in=[Outcome.BLOCK, Outcome.FREE], blocks=outcome == Outcome.BLOCK)
        return events.filter(outcome=outcome)

    def of_calendars(self, events: GoogleEventQuerySet, name: str, chosen: str) -> GoogleEventQuerySet:
        return events.filter(google_calendar__in=self.chosen_calendars)

    def at_time(self, events: GoogleEventQuerySet, name: str, when: str) -> GoogleEventQuerySet:
        looks = self.data.get("outcome") == LOOK
        if when == AHEAD:
            # Only there, for an OR would cost every other list its index.
            unknown = Q(ends_at=None) if looks else Q()
            return events.filter(Q(ends_at__gt=self.now) | unknown).order_by("starts_at", "pk")
        if when == PAST:
            return events.filter(ends_at__lte=self.now).order_by(*LATEST_FIRST)
        # It opens at now: what lies ahead, the soonest first, then back from now. What has no time is what a look
        # is for; elsewhere it comes last.
        place = Case(
            When(ends_at__gt=self.now, then=Value(1)),
            When(ends_at=None, then=Value(0 if looks else 3)),
            default=2,
        )
        soonest = Case(When(ends_at__gt=self.now, then=F("starts_at")))
        return events.order_by(place, soonest, *LATEST_FIRST)

    @property
    def chosen_calendars(self) -> list[int]:
        chosen = str(self.data.get("calendar", ""))
        return [
            calendar.pk
            for calendar in self.calendars
            if chosen in ("", str(calendar.pk), f"{WHOLE_ACCOUNT}{calendar.account_id}")
        ]

    @property
    def narrows(self) -> bool:
        """Whether more than a time was chosen: an empty list then means "none found"."""
        chosen = self.form.cleaned_data if self.form.is_valid() else {}
        return any(value for key, value in chosen.items() if key != "when")

    @property
    def has_any(self) -> bool:
        return GoogleEvent.objects.filter(google_calendar__in=self.calendars).exists()

    def page(self, number: str | None) -> Page[GoogleEvent]:
        """The rows of a page; `waiting` of those that a braked pull holds says with what they wait. What their reasons
        say of Google is true now."""
        page = page_of(self.qs, number, head=self._first_of_each)
        behind = behind_among(page.rows)
        for event in page.rows:
            event.reason = reason_now(event.reason, is_behind=event.pk in behind)
        waiting = brake.waiting_among(page.rows, self.now)
        for event in page.rows:
            event.waiting = waiting.get(event.pk)
        return page

    def _first_of_each(self, events: QuerySet[GoogleEvent], most: int) -> QuerySet[GoogleEvent]:
        """The first `most` of each Google calendar, among which are the first `most` of all.

        The index has the events of one calendar in order of time; those of several PostgreSQL would read and sort,
        all of them: a third of a second at 100,000.
        """
        heads = [
            # The outer query is for SQLite, which takes no LIMIT in a part of a UNION.
            GoogleEvent.objects.filter(pk__in=part.filter(google_calendar=pk).values("pk")[:most])
            .order_by()
            .values("pk")
            for pk in self.chosen_calendars
            for part in self._in_order_of_time(events)
        ]
        if not heads:
            return events
        return events.filter(pk__in=heads[0].union(*heads[1:], all=True) if heads[1:] else heads[0])

    def _in_order_of_time(self, events: QuerySet[GoogleEvent]) -> list[QuerySet[GoogleEvent]]:
        """The parts of `events` that the index has in the order in which they are shown."""
        if self.form.cleaned_data.get("when") != ALL:
            return [events]
        return [
            events.filter(ends_at__gt=self.now).order_by("starts_at", "pk"),
            events.filter(ends_at__lte=self.now).order_by(*LATEST_FIRST),
            events.filter(ends_at=None).order_by("-pk"),
        ]


def calendar_choices(calendars: Sequence[GoogleCalendar]) -> list[Any]:
    """Each Google calendar; under its account where there are several of those."""
    accounts = list({calendar.account_id: calendar.account for calendar in calendars}.values())
    if len(accounts) < 2:
        return _pairs(calendars)
    return [
        (
            account.address,
            [
                (f"{WHOLE_ACCOUNT}{account.pk}", f"All of {account.address}"),
                *_pairs(calendar for calendar in calendars if calendar.account_id == account.pk),
            ],
        )
        for account in accounts
    ]


def _pairs(calendars: Iterable[GoogleCalendar]) -> list[tuple[str, str]]:
    return [(str(calendar.pk), str(calendar)) for calendar in calendars]
