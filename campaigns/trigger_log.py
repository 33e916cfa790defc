"""The trigger log: every fact that could have fired, the campaigns it entered, and why it did not enter the others."""

import datetime
import re
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from campaigns.by_hand import can_fire
from campaigns.models import Campaign, Kind, TriggerEvent
from campaigns.outbox import hidden_from
from contacts.models import Appointment, AppointmentChange, Contact, Origin, User
from contacts.searching import matching

FIRED, SILENT, AHEAD = "fired", "silent", "ahead"
GONE = "A campaign that is gone"
SAID_BESIDE = re.compile(r"\bSilent: (\w)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one campaign made of it; `why` is "" where the person entered."""

    name: str
    url: str
    why: str


@dataclass(frozen=True, slots=True)
class Row:
    event: TriggerEvent
    outcomes: list[Outcome]
    can_fire: bool
    # A private appointment of a colleague: time and person only.
    is_hidden: bool
    # When the appointment was to start once this had happened.
    starts_at: datetime.datetime

    @property
    def is_silent(self) -> bool:
        return not self.event.fired

    @property
    def was_moved_since(self) -> bool:
        return self.starts_at != self.event.appointment.starts_at

    @property
    def why(self) -> str:
        """The event's words, without the "Silent:" that the row says beside them."""
        return SAID_BESIDE.sub(lambda found: found[1].upper(), self.event.why)


def events() -> QuerySet[TriggerEvent]:
    """The log, newest first, with everything its rows tell."""
    related = TriggerEvent.objects.select_related("change", "contact", "appointment__calendar")
    return related.prefetch_related("contact__emails").order_by("-at", "-pk")


def rows_of(found: Iterable[TriggerEvent], viewer: User, now: datetime.datetime) -> list[Row]:
    """Rows for a page, at five statements more than `found` takes."""
    found = list(found)
    appointments = {event.appointment_id: event.appointment for event in found}
    hidden = hidden_from(viewer, set(appointments))
    waiting = {event.appointment_id for event in found if not event.fired} - hidden
    may = {event.pk for event in can_fire([appointments[pk] for pk in waiting], now)}
    told, starts = named(found), starts_of(found)
    return [
        Row(event, told[event.pk], event.pk in may, event.appointment_id in hidden, starts[event.pk])
        for event in found
    ]


def starts_of(found: Sequence[TriggerEvent]) -> dict[int, datetime.datetime]:
    """By event: the start that its appointment had then. A change keeps only where a move came from, so that is what
    the next move left, else the present one. One statement."""
    moves = AppointmentChange.objects.filter(appointment__in={event.appointment_id for event in found})
    left: dict[uuid.UUID, list[tuple[int, datetime.datetime]]] = defaultdict(list)
    known = moves.exclude(old_starts_at=None).order_by("pk")
    for appointment, pk, start in known.values_list("appointment", "pk", "old_starts_at"):
        if start is not None:
            left[appointment].append((pk, start))
    return {
        event.pk: next(
            (start for pk, start in left[event.appointment_id] if pk > event.change_id),
            event.appointment.starts_at,
        )
        for event in found
    }


def named(found: Sequence[TriggerEvent]) -> dict[int, list[Outcome]]:
    """By event: what each campaign made of it. One statement."""
    campaigns = Campaign.objects.in_bulk({pk for event in found for pk, _ in event.outcomes})
    return {event.pk: [_outcome(campaigns.get(pk), why) for pk, why in event.outcomes] for event in found}


def _outcome(campaign: Campaign | None, why: str) -> Outcome:
    if campaign is None:
        return Outcome(GONE, "", why)
    return Outcome(campaign.name, campaign.get_absolute_url(), why)


class LogFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter carries no types
    q = django_filters.CharFilter(
        label="Search",
        method="search",
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "Name, company, e-mail or phone", "autocomplete": "off"}
        ),
    )
    result = django_filters.ChoiceFilter(
        label="Result",
        choices=[(FIRED, "Fired"), (SILENT, "Silent"), (AHEAD, "Silent, still ahead")],
        empty_label="Fired or silent",
        method="with_result",
    )
    kind = django_filters.ChoiceFilter(label="Trigger", choices=Kind.choices, empty_label="Any trigger")
    what = django_filters.ChoiceFilter(
        label="What happened",
        field_name="change__what",
        choices=AppointmentChange.What.choices,
        empty_label="Whatever happened",
    )
    origin = django_filters.ChoiceFilter(
        label="By", field_name="change__origin", choices=Origin.choices, empty_label="By anybody"
    )
    campaign = django_filters.ModelChoiceFilter(
        label="Campaign", queryset=Campaign.objects.all(), empty_label="Any campaign", method="of_campaign"
    )
    since = django_filters.DateFilter(
        label="From", method="from_day", widget=forms.DateInput(attrs={"type": "date"})
    )
    until = django_filters.DateFilter(
        label="To", method="to_day", widget=forms.DateInput(attrs={"type": "date"})
    )
    # From the page of a person.
    contact = django_filters.NumberFilter(field_name="contact", widget=forms.HiddenInput)

    class Meta:
        model = TriggerEvent
        fields = ("q", "result", "kind", "what", "origin", "campaign", "since", "until", "contact")

    def __init__(self, data: Any, *, now: datetime.datetime) -> None:
        self.now = now
        super().__init__(data, queryset=events())

    def search(self, found: QuerySet[TriggerEvent], name: str, text: str) -> QuerySet[TriggerEvent]:
        if not text.strip():
            return found
        return found.filter(contact__in=matching(Contact.objects.all(), text).order_by().values("pk"))

    def with_result(self, found: QuerySet[TriggerEvent], name: str, result: str) -> QuerySet[TriggerEvent]:
        found = found.filter(fired=result == FIRED)
        if result != AHEAD:
            return found
        return found.filter(appointment__starts_at__gt=self.now).exclude(
            appointment__status__in=Appointment.VOID_STATUSES
        )

    def of_campaign(
        self, found: QuerySet[TriggerEvent], name: str, campaign: Campaign
    ) -> QuerySet[TriggerEvent]:
        # As text, for SQLite cannot look into a list; a quote inside a text is escaped, so that nothing else reads so.
        told = found.annotate(told=Cast("outcomes", TextField()))
        return told.filter(told__contains=f'[{campaign.pk}, "')

    def from_day(
        self, found: QuerySet[TriggerEvent], name: str, day: datetime.date
    ) -> QuerySet[TriggerEvent]:
        return found.filter(at__gte=_midnight(day))

    def to_day(self, found: QuerySet[TriggerEvent], name: str, day: datetime.date) -> QuerySet[TriggerEvent]:
        return found.filter(at__lt=_midnight(day + datetime.timedelta(days=1)))

    @property
    def narrows(self) -> bool:
        chosen = self.form.cleaned_data if self.form.is_valid() else {}
        return any(value for value in chosen.values())

    @property
    def chosen(self) -> int:
        """How many of those that a phone folds away narrow the log."""
        chosen = self.form.cleaned_data if self.form.is_valid() else {}
        return sum(bool(value) for name, value in chosen.items() if name not in ("q", "contact"))


def _midnight(day: datetime.date) -> datetime.datetime:
    """The first moment of `day` on the viewer's clocks."""
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time()))
