"""The form of one calendar and its members. It reads; `calendar_settings` writes."""

import datetime
from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.forms.formsets import BaseFormSet, formset_factory

from calendars import durations, meanwhile
from calendars.calendar_settings import (
    KIND_IS_LOCKED,
    ONLY_FOR,
    RESERVED_SLUGS,
    SETTINGS,
    Member,
    check,
    free_slug,
    has_locked_kind,
)
from calendars.configuring import NotAllowed
from calendars.forms import TimeZoneField
from calendars.models import Calendar, Membership
from calendars.setting_up import members
from contacts.models import User

Kind = Calendar.Kind
BLANK_ROWS = 2
KINDS = (
    (Kind.PERSONAL, "One member takes every appointment."),
    (Kind.ROUND_ROBIN, "Members take turns: by priority, then who has the fewest ahead."),
    (Kind.COLLECTIVE, "All members host together, so all must be free."),
    (Kind.CLASS, "One host and several seats at the same time."),
    (Kind.UNASSIGNED, "No team: a room or a device, with hours and a Google link of its own."),
)


class LengthField(forms.Field):
    """A length of time as people type it; cleans to a timedelta, or None if empty. A number alone counts `unit`."""

    widget = forms.TextInput(
        attrs={"autocomplete": "off", "spellcheck": "false", "maxlength": durations.LONGEST}
    )

    def __init__(
        self,
        *,
        unit: datetime.timedelta | None = None,
        least: datetime.timedelta = durations.NOTHING,
        most: datetime.timedelta = 365 * durations.DAY,
        **kwargs: Any,
    ) -> None:
        self.unit, self.least, self.most = unit, least, most
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return self.say(value) if isinstance(value, datetime.timedelta) else value

    def say(self, length: datetime.timedelta) -> str:
        return durations.in_minutes(length) if self.unit == durations.MINUTE else durations.words(length)

    def to_python(self, value: Any) -> datetime.timedelta | None:
        if value in self.empty_values:
            return None
        try:
            length = durations.read(str(value), unit=self.unit)
        except (durations.Unreadable, OverflowError) as error:
            raise ValidationError(str(error), code="invalid") from error
        if not self.least <= length <= self.most:
            words = f"At least {self.say(self.least)}, at most {durations.words(self.most)}."
            raise ValidationError(words, code="invalid")
        return length

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True


def minutes(*, least: int = 0, **kwargs: Any) -> LengthField:
    """A length that people count in minutes, up to a day."""
    return LengthField(unit=durations.MINUTE, least=least * durations.MINUTE, most=durations.DAY, **kwargs)


class NumberField(forms.IntegerField):
    """A whole number, refused in words that name both its ends."""

    def __init__(self, *, least: int, most: int, **kwargs: Any) -> None:
        words = f"A whole number, at least {least}, at most {most}."
        said = dict.fromkeys(("invalid", "min_value", "max_value"), words)
        super().__init__(min_value=least, max_value=most, error_messages=said, **kwargs)


class CalendarForm(forms.ModelForm[Calendar]):
    slug = forms.SlugField(
        max_length=50,
        required=False,
        label="Address of the booking page",
        help_text="Empty: made from the name. Links that people have stop working when it changes.",
        error_messages={"invalid": "Use letters, digits and hyphens alone, such as first-visit."},
    )
    kind = forms.ChoiceField(choices=Kind.choices, widget=forms.RadioSelect)
    time_zone = TimeZoneField(
        label="Time zone",
        help_text="Of hours, for members who chose none in their Profile. Type a city to search.",
    )
    duration = minutes(least=5, label="Duration", help_text="How long one appointment takes, such as 45 min.")
    interval = minutes(
        least=5, required=False, label="A start every", help_text="Empty: one after another, by the duration."
    )
    buffer_before = minutes(label="Kept free before", help_text="Nobody sees it; it only keeps others away.")
    buffer_after = minutes(label="Kept free after", help_text="For notes, cleaning, a breath.")
    minimum_notice = LengthField(
        label="Minimum notice", help_text="Nothing sooner than this is offered: 4 h, or 2 d."
    )
    horizon_days = NumberField(
        label="Days ahead", least=1, most=400, help_text="How far ahead visitors can book."
    )
    most_per_day = NumberField(
        label="Most per day", least=1, most=1000, required=False, help_text="Empty: as many as fit."
    )
    seats = NumberField(
        label="Seats",
        least=1,
        most=1000,
        required=False,
        help_text="A class is offered until they are full.",
    )
    change_deadline = LengthField(
        label="Until how long before", help_text="After that, visitors are asked to call: 24 h, or 2 d."
    )
    most_guests = NumberField(
        label="Further guests",
        least=0,
        most=50,
        help_text="How many a visitor may bring along; 0: none.",
    )

    class Meta:
        model = Calendar
        fields: ClassVar[Any] = SETTINGS
        widgets: ClassVar[Any] = {
            "colour": forms.TextInput(attrs={"type": "color"}),
            "description": forms.Textarea(attrs={"rows": 3}),
        }
        labels: ClassVar[Any] = {
            "colour": "Colour",
            "location": "Place",
            "uses_google_meet": "Google Meet link",
            "keeps_owner": "A contact stays with their owner",
            "confirms_automatically": "Confirm automatically",
            "allows_reschedule": "Visitors may move their appointment",
            "allows_cancel": "Visitors may cancel",
            "invites_through_google": "Invite the contact through Google",
            "notices": "Confirmation e-mails",
            "consent": "Consent",
        }
        help_texts: ClassVar[Any] = {
            "colour": "Of its appointments in the agenda.",
            "location": "Stands in every appointment that names no other place.",
            "uses_google_meet": "Google adds a link to every appointment that is pushed to a linked calendar.",
            "confirms_automatically": "Off: what visitors book stays new until somebody confirms it.",
            "allows_reschedule": "By the link in their confirmation.",
            "allows_cancel": "By the same link.",
            "invites_through_google": "Google sends the invitation, and our own mail carries none.",
            "consent": "The words beside the box that visitors tick. Empty: no box.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_locked = has_locked_kind(self.instance)
        if self.is_locked:
            self.fields["kind"].disabled = True
            self.fields["kind"].help_text = KIND_IS_LOCKED

    def kind_cards(self) -> list[tuple[str, str, str, bool]]:
        """Value, name, text and whether it is chosen, for each kind."""
        chosen = str(self["kind"].value())
        return [(str(kind), str(kind.label), text, kind == chosen) for kind, text in KINDS]

    def clean_slug(self) -> str:
        slug = str(self.cleaned_data["slug"]).lower()
        stored = self.instance if self.instance.pk else None
        if not slug:
            return free_slug(self.cleaned_data.get("name", ""), but=stored)
        if slug in RESERVED_SLUGS:
            raise ValidationError(f"“{slug}” is an address of Tandem itself. Choose another.")
        other = Calendar.objects.filter(slug=slug).exclude(pk=self.instance.pk).first()
        if other is not None:
            raise ValidationError(f"“{slug}” belongs to {other} already. {free_slug(slug)} is free.")
        return slug

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name, (kind, otherwise) in ONLY_FOR.items():
            if "kind" in cleaned and cleaned["kind"] != kind:
                # What the chosen kind does not use is ignored, whatever was typed.
                self.errors.pop(name, None)
                cleaned[name] = otherwise
        if cleaned.get("kind") == Kind.CLASS and cleaned.get("seats") is None and "seats" not in self.errors:
            self.add_error("seats", "Say how many seats the class has.")
        return cleaned


class MemberForm(forms.Form):
    user = forms.TypedChoiceField(label="Member", required=False, empty_value=None)
    priority = forms.IntegerField(label="Priority", min_value=0, max_value=999, required=False)
    is_active = forms.BooleanField(label="Active", required=False, initial=True)
    remove = forms.BooleanField(label="Remove", required=False)

    def __init__(
        self, *args: Any, people: Mapping[int, User], memberships: Mapping[int, Membership], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.people, self.memberships = people, memberships
        user = self.fields["user"]
        assert isinstance(user, forms.TypedChoiceField)  # noqa: S101 (tells mypy what was declared above)
        user.coerce = int
        user.choices = [("", "Nobody"), *((pk, str(person)) for pk, person in people.items())]
        user.widget.attrs["class"] = "input"

    @property
    def membership(self) -> Membership | None:
        """The stored row of whoever stands in this one."""
        chosen = str(self["user"].value() or "")
        return self.memberships.get(int(chosen)) if chosen.isdecimal() else None

    def member(self) -> Member | None:
        """Who is to be on the team by this row; None for an empty, removed or invalid one."""
        cleaned = getattr(self, "cleaned_data", {})
        if not cleaned.get("user") or cleaned.get("remove"):
            return None
        return Member(self.people[cleaned["user"]], cleaned.get("priority") or 0, cleaned["is_active"])


class BaseMembers(BaseFormSet[MemberForm]):
    def clean(self) -> None:
        seen: set[int] = set()
        for form in self.forms:
            member = form.member()
            if member is not None and member.user.pk in seen:
                form.add_error("user", f"{member.user} is in the list already.")
            elif member is not None:
                seen.add(member.user.pk)

    def refuse(self, words: str) -> None:
        """An error of the team as a whole."""
        self.non_form_errors().append(words)

    def members(self) -> list[Member]:
        return [member for form in self.forms if (member := form.member()) is not None]


Members: type[BaseMembers] = formset_factory(MemberForm, formset=BaseMembers, extra=BLANK_ROWS)  # type: ignore[assignment]  # the stubs forget the `formset` argument


TEAM = "members"


def drawn_from(calendar: Calendar, memberships: Mapping[int, Membership]) -> str:
    """What a form remembers of the stored settings, each for itself, to be told which were changed meanwhile."""
    team = sorted((pk, row.priority, row.is_active) for pk, row in memberships.items())
    stored = {name: getattr(calendar, name) for name in SETTINGS} | {TEAM: team}
    return meanwhile.prints(stored)


class CalendarEditor:
    """A calendar and its members as one form: `is_valid()`, then `calendar` and `members` for the verb.

    `stored` is what is stored now; `drawn_from` is what the page was drawn from, which may be older.
    """

    def __init__(self, data: Mapping[str, Any] | None, calendar: Calendar, *, viewer: User) -> None:
        memberships = {row.user_id: row for row in members().filter(calendar=calendar)} if calendar.pk else {}
        self.stored = drawn_from(calendar, memberships) if calendar.pk else ""
        self.drawn_from = self.stored if data is None else str(data.get("drawn_from", ""))
        people = {user.pk: user for user in User.objects.filter(is_active=True)}
        people |= {pk: row.user for pk, row in memberships.items()}
        self.form = CalendarForm(data, instance=calendar)
        self.rows = Members(
            data,
            prefix="members",
            initial=first_rows(memberships) if calendar.pk else [{"user": viewer.pk, "priority": 0}],
            form_kwargs={"people": people, "memberships": memberships},
        )

    def is_valid(self) -> bool:
        # A list, not a chain of `and`: every part shows its errors at once.
        return all([self.form.is_valid(), self.is_team_valid()]) and self.keeps_the_rules()

    def is_as_drawn(self) -> bool:
        """Whether what is stored is still what the page showed. If not it is said, and the page drawn anew shows it."""
        if self.drawn_from == self.stored:
            return True
        names = meanwhile.changed(self.drawn_from, self.stored)
        labels = ["Team" if name == TEAM else str(self.form.fields[name].label) for name in names]
        self.form.add_error(None, meanwhile.words(labels, what="the calendar"))
        self.drawn_from = self.stored
        return False

    def is_team_valid(self) -> bool:
        """An unassigned calendar has no team, whatever stands in the rows."""
        return self.kind == Kind.UNASSIGNED or self.rows.is_valid()

    def keeps_the_rules(self) -> bool:
        try:
            check(self.calendar, self.members)
        except NotAllowed as refusal:
            if refusal.field == "members":
                self.rows.refuse(str(refusal))
            else:
                self.form.add_error(refusal.field, str(refusal))
            return False
        return True

    @property
    def kind(self) -> str:
        """The kind as it stands in the form."""
        return str(self.form["kind"].value())

    @property
    def calendar(self) -> Calendar:
        return self.form.instance

    @property
    def stored_name(self) -> str:
        """What the calendar is called until it is saved."""
        return str(self.form.initial.get("name") or "")

    @property
    def active_users(self) -> list[int]:
        return [each.user.pk for each in self.members or [] if each.is_active]

    @property
    def members(self) -> list[Member] | None:
        """The team as it stands in the valid rows; None for an unassigned calendar, which has none."""
        return None if self.kind == Kind.UNASSIGNED else self.rows.members()


def first_rows(memberships: Mapping[int, Membership]) -> list[dict[str, Any]]:
    return [
        {"user": pk, "priority": row.priority, "is_active": row.is_active} for pk, row in memberships.items()
    ]
