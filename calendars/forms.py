"""The forms of Calendar Configuration, for a user and for an unassigned calendar. They read; `configuring` writes."""

import re
import zoneinfo
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q, QuerySet
from django.utils.datastructures import MultiValueDict
from django.utils.functional import cached_property

from calendars import meanwhile
from calendars.configuring import (
    CREATION_NEEDS_CALENDAR,
    ConfigurationValues,
    NotAllowed,
    only_calendar,
    settle,
)
from calendars.effects import Toggles
from calendars.meanwhile import DRAWN_FROM
from calendars.models import Calendar, CalendarConfiguration, RecurringEvents
from contacts.models import User
from integrations.models import GoogleAccount, GoogleCalendar

DOMAIN = re.compile(r"^@?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}$", re.IGNORECASE)
# A browser sends nothing for a switch that is off; this hidden field says that the switch was on the page.
UNANSWERED_SHOWN = "blocks_unanswered_shown"
# A request that leaves these out keeps what is stored. Everything else that is left out reads as empty or off,
# which never allows more than before.
KEPT = ("linked_calendar", "sync_option", "recurring_events", "private_events", "ignored_guests", "time_zone")


class TimeZoneField(forms.CharField):
    """An IANA name, typed with the suggestions of the page's datalist `time-zones`."""

    widget = forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"})

    def validate(self, value: str) -> None:
        super().validate(value)
        if value not in zoneinfo.available_timezones():
            raise ValidationError(f"“{value}” is no time zone. Choose one like Europe/London.")


def prints_of(stored: CalendarConfiguration) -> str:
    """Of the values that its form shows, as they are stored; before a form was bound to `stored`."""
    conflicts = sorted(stored.conflict_calendars.values_list("pk", flat=True)) if stored.pk else []
    values = {field.name: getattr(stored, field.attname) for field in stored._meta.fields if field.editable}
    return meanwhile.prints({**values, "conflict_calendars": conflicts})


class UnassignedConfigurationForm(forms.ModelForm[CalendarConfiguration]):
    """What an unassigned `calendar`'s own link says; the Google calendars of `user` may be linked."""

    time_zone = TimeZoneField(
        help_text="Days and reminder times are told in it. Type a city to search.",
    )

    class Meta:
        model = CalendarConfiguration
        fields: ClassVar[Any] = (
            "linked_calendar",
            "conflict_calendars",
            "sync_option",
            "recurring_events",
            "blocks_unanswered",
            "private_events",
            "ignored_guests",
            "time_zone",
        )
        labels: ClassVar[Any] = {
            "linked_calendar": "Linked calendar",
            "conflict_calendars": "Conflict calendars",
            "sync_option": "Sync option",
            "recurring_events": "Recurring events",
            "blocks_unanswered": "Unanswered invitations block time",
            "private_events": "Private events",
            "ignored_guests": "Ignored guests",
        }
        help_texts: ClassVar[Any] = {
            "linked_calendar": "Receives your appointments and is read. You need to be allowed to change it.",
            "conflict_calendars": "Only read: they block time and never make contacts or appointments. "
            "An appointment whose event you drag to one of them stays, and follows it.",
            "recurring_events": "What one occurrence of a series counts as.",
            "blocks_unanswered": "Off: an invitation blocks only once you accepted it or said maybe.",
            "private_events": "Without details, neither title nor guests are stored here.",
            "ignored_guests": "Never become contacts. One address or domain a line, such as x.org.",
        }
        widgets: ClassVar[Any] = {
            "conflict_calendars": forms.CheckboxSelectMultiple,
            "sync_option": forms.RadioSelect,
            "ignored_guests": forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        }

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *args: Any,
        user: User | None = None,
        calendar: Calendar | None = None,
        **kwargs: Any,
    ) -> None:
        self.owner, self.unassigned = user, calendar
        self.settled: ConfigurationValues | None = None
        instance = kwargs["instance"] = kwargs.get("instance") or CalendarConfiguration()
        if instance.pk is None:
            instance.time_zone = guessed_zone(user, calendar)
        super().__init__(None if data is None else completed(data, instance), *args, **kwargs)
        self.stored_prints = prints_of(instance)
        self.drawn_from = str(self.data[DRAWN_FROM]) if DRAWN_FROM in self.data else self.stored_prints
        self.offer_calendars()
        for name in ("sync_option", "recurring_events", "private_events"):
            self.fields[name].required = True
        # Short enough for a third of the page; the label says of what.
        recurring = cast("forms.ChoiceField", self.fields["recurring_events"])
        recurring.choices = [
            (RecurringEvents.EACH, "An appointment each"),
            (RecurringEvents.BLOCK, RecurringEvents.BLOCK.label),
        ]

    def is_as_drawn(self) -> bool:
        """Whether what is stored is still what the page showed. If not it is said, and the next save goes ahead."""
        labels = [
            str(self.fields[name].label or name.replace("_", " ").capitalize())
            for name in meanwhile.changed(self.drawn_from, self.stored_prints)
            if name in self.fields
        ]
        self.drawn_from = self.stored_prints
        if labels:
            self.add_error(None, meanwhile.words(labels, what="the settings"))
        return not labels

    def offer_calendars(self) -> None:
        linked = self.fields["linked_calendar"]
        conflicts = self.fields["conflict_calendars"]
        assert isinstance(linked, forms.ModelChoiceField)  # noqa: S101 (tells mypy what Django built)
        assert isinstance(conflicts, forms.ModelMultipleChoiceField)  # noqa: S101 (likewise)
        linked.queryset = linkable(self.owner, self.instance)
        linked.error_messages["invalid_choice"] = (
            "Choose a Google calendar of your own that you may change; this one is not."
        )
        linked.choices = [("", "No Google calendar"), *grouped(linked.queryset)]
        conflicts.queryset = readable(self.owner, self.instance)
        conflicts.choices = grouped(conflicts.queryset)
        conflicts.required = False

    def clean_ignored_guests(self) -> str:
        lines = [line.strip() for line in self.cleaned_data["ignored_guests"].splitlines()]
        wrong = [
            f"Line {number}, “{line}”, is neither an address nor a domain."
            for number, line in enumerate(lines, start=1)
            if line and not is_address_or_domain(line)
        ]
        if wrong:
            raise ValidationError(wrong)
        return "\n".join(line for line in lines if line)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors.keys() & {"linked_calendar", "default_calendar"}:
            return cleaned
        try:
            settled = settle(self.values(), user=self.owner, calendar=self.unassigned)
        except NotAllowed as refusal:
            self.add_error(refusal.field, str(refusal))
        else:
            self.settled = None if self.errors else settled
        return cleaned

    def _post_clean(self) -> None:
        """The verb writes and the database's constraints are met by `settle`; the row stays as it was read."""

    def values(self) -> ConfigurationValues:
        """What the person chose, as `configuring.save_configuration` takes it. Fields in error are at their default."""
        chosen = {name: value for name, value in self.cleaned_data.items() if name in SAVED}
        chosen["conflict_calendars"] = tuple(chosen.get("conflict_calendars", ()))
        return ConfigurationValues(**chosen)

    def toggles(self) -> Toggles:
        """What decides beside the option, as it stands in the form, saved or not, valid or not."""
        return Toggles(is_unassigned=True)

    def colour(self) -> str:
        """What the agenda would draw appointments from Google in."""
        return self.unassigned.colour if self.unassigned else ""

    def option(self) -> str:
        """The option as it stands in the form, the stored one when it makes no sense."""
        if self.is_bound:
            self.is_valid()
            return str(self.cleaned_data.get("sync_option") or self.instance.sync_option)
        return self.instance.sync_option


class ConfigurationForm(UnassignedConfigurationForm):
    """What a user's configuration says: the same, and where contacts from Google go."""

    class Meta(UnassignedConfigurationForm.Meta):
        fields: ClassVar[Any] = (
            *UnassignedConfigurationForm.Meta.fields[:3],
            "allow_contact_creation",
            "default_calendar",
            "allow_trigger",
            *UnassignedConfigurationForm.Meta.fields[3:],
        )
        labels: ClassVar[Any] = {
            **UnassignedConfigurationForm.Meta.labels,
            "default_calendar": "Default calendar",
        }
        help_texts: ClassVar[Any] = {
            **UnassignedConfigurationForm.Meta.help_texts,
            "allow_contact_creation": "Makes a contact and an appointment for guests found in Google. "
            "Needs a default calendar.",
            "default_calendar": "Appointments made from Google events are filed on it. "
            "Without one: no contacts, no appointments, only blocked time.",
            "allow_trigger": "Reminder campaigns start for what comes from Google, as for any booking.",
        }

    def colour(self) -> str:
        """What the agenda would draw appointments from Google in."""
        default = self.default_calendar
        return default.colour if default else ""

    def offer_calendars(self) -> None:
        super().offer_calendars()
        default = self.fields.get("default_calendar")
        if default is None:
            return
        assert isinstance(default, forms.ModelChoiceField)  # noqa: S101 (tells mypy what Django built)
        default.queryset = (
            Calendar.objects.default_for(self.owner) if self.owner else Calendar.objects.group().active()
        )
        default.empty_label = "Select Default Calendar"
        default.error_messages["invalid_choice"] = "Choose an active calendar that you are a member of."
        if self.instance.pk is None and self.owner is not None:
            # Shown as chosen the first time, so that the person sees what saving means and may take it back.
            self.initial["default_calendar"] = only_calendar(self.owner)

    def clean(self) -> dict[str, Any]:
        emptied = "default_calendar" in self.data and not self.data.get("default_calendar")
        if emptied and self.cleaned_data.get("allow_contact_creation"):
            # The only calendar is chosen for a request that says nothing of one, not against a person's word.
            self.add_error("allow_contact_creation", CREATION_NEEDS_CALENDAR)
            return self.cleaned_data
        return super().clean()

    def toggles(self) -> Toggles:
        default = self.default_calendar
        read = self.cleaned_data if self.is_bound else self.initial
        creation = self.settled.allow_contact_creation if self.settled else read.get("allow_contact_creation")
        return Toggles(
            has_default=default is not None, creation=bool(creation), trigger=bool(read.get("allow_trigger"))
        )

    @cached_property
    def default_calendar(self) -> Calendar | None:
        """The default calendar as it stands in the form; None while it is empty or no longer valid."""
        if self.is_bound:
            self.is_valid()
            if self.settled:
                return self.settled.default_calendar
            chosen = self.cleaned_data.get("default_calendar")
            return chosen if isinstance(chosen, Calendar) else None
        shown = self.initial.get("default_calendar")
        if shown is None or self.owner is None:
            return None
        if isinstance(shown, Calendar):
            return shown
        return Calendar.objects.default_for(self.owner).filter(pk=shown).first()


SAVED = frozenset(ConfigurationForm.Meta.fields)


def completed(data: Mapping[str, Any], instance: CalendarConfiguration) -> MultiValueDict[str, Any]:
    """`data` with what a request left out filled in from `instance`, so that a few fields can be posted alone."""
    full: MultiValueDict[str, Any] = MultiValueDict(
        {name: data.getlist(name) for name in data}
        if isinstance(data, MultiValueDict)
        else {n: [data[n]] for n in data}
    )
    for name in KEPT:
        if name not in full:
            stored = instance.linked_calendar_id if name == "linked_calendar" else getattr(instance, name)
            full[name] = "" if stored is None else stored
    if UNANSWERED_SHOWN not in full and "blocks_unanswered" not in full and instance.blocks_unanswered:
        full["blocks_unanswered"] = "on"
    return full


def linkable(user: User | None, instance: CalendarConfiguration) -> QuerySet[GoogleCalendar]:
    """Calendars the person may change, of accounts that are not disconnected; the linked one whatever became of it."""
    open_to_us = Q(access_role__in=GoogleCalendar.WRITABLE, gone_at=None) & ~Q(
        account__state=GoogleAccount.State.DISCONNECTED
    )
    return _own(user).filter(open_to_us | Q(pk=instance.linked_calendar_id))


def readable(user: User | None, instance: CalendarConfiguration) -> QuerySet[GoogleCalendar]:
    """Calendars that can block time; those chosen already whatever became of them."""
    chosen = list(instance.conflict_calendars.values_list("pk", flat=True)) if instance.pk else []
    live = Q(gone_at=None) & ~Q(account__state=GoogleAccount.State.DISCONNECTED)
    return _own(user).filter(live | Q(pk__in=chosen))


def _own(user: User | None) -> QuerySet[GoogleCalendar]:
    everyone = GoogleCalendar.objects.select_related("account").order_by(
        "account__address", "-is_primary", "summary"
    )
    return everyone.filter(account__user=user) if user else everyone


def grouped(calendars: Iterable[GoogleCalendar]) -> list[tuple[str, list[tuple[int, str]]]]:
    """Choices grouped by account; what cannot be reached now says so."""
    groups: dict[str, list[tuple[int, str]]] = {}
    for calendar in calendars:
        account = calendar.account
        closed = account.state == GoogleAccount.State.DISCONNECTED
        note = " (disconnected)" if closed else " (no longer in Google)" if calendar.gone_at else ""
        groups.setdefault(account.address, []).append((calendar.pk, f"{calendar}{note}"))
    return list(groups.items())


def guessed_zone(user: User | None, calendar: Calendar | None) -> str:
    """The zone to start from: the unassigned calendar's own, else that of the person's main Google calendar."""
    if calendar is not None:
        return calendar.time_zone
    main = _own(user).filter(is_primary=True).first() if user else None
    return main.time_zone if main else "UTC"


def is_address_or_domain(line: str) -> bool:
    if DOMAIN.match(line):
        return True
    try:
        validate_email(line)
    except ValidationError:
        return False
    return True
