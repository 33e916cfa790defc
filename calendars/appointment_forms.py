"""Forms for booking, moving and blocking time. Times are typed as the viewer's clocks show them."""

import datetime
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from phonenumber_field.formfields import PhoneNumberField

from calendars.agenda import Entry
from calendars.blocking import why_no_block
from calendars.desk import Edit, Wish
from calendars.models import BlockedTime, Calendar
from calendars.wall_time import OUT_OF_BOUNDS, NoSuchTime, TwoSuchTimes, is_in_bounds, moment, on_the_clock
from contacts.models import Appointment, Contact, User
from contacts.newcomers import Newcomer

LONGEST_MINUTES = 24 * 60
# Both reasons of a move stand in one line of the history, which holds 300 characters.
MOST_OVERLAP = 130
MOST_WHY = 150


def in_history(why: str, overlap: str) -> str:
    """The reason of a change, and the one for an overlap, as one line."""
    return " · ".join(part for part in (why, f"Overlaps: {overlap}" if overlap else "") if part)


class WallTimeField(forms.Field):
    """A date and time without a zone; cleans to a naive datetime."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    default_error_messages = {"invalid": "Write a date and a time, for example 2026-11-24 14:30."}  # noqa: RUF012 (Django's own declaration)

    def to_python(self, value: Any) -> datetime.datetime | None:
        if not value:
            return None
        try:
            parsed = parse_datetime(str(value).strip())
        except ValueError:
            parsed = None
        if parsed is None or parsed.tzinfo is not None:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        if not is_in_bounds(parsed):
            raise forms.ValidationError(OUT_OF_BOUNDS, code="out_of_bounds")
        return parsed


class TimesForm(forms.Form):
    """Forms that turn typed clock times into moments, asking when the clocks show a time twice."""

    # Hidden until it is needed; then `ask_which` puts two radio buttons in its place.
    which = forms.ChoiceField(
        required=False,
        choices=[("", ""), ("earlier", ""), ("later", "")],
        widget=forms.HiddenInput,
        label="Which one",
    )

    @property
    def zone(self) -> ZoneInfo:
        zone = timezone.get_current_timezone()
        return zone if isinstance(zone, ZoneInfo) else ZoneInfo("UTC")

    def moment_of(self, name: str) -> datetime.datetime | None:
        """The moment that field `name` means, or None after its error was noted."""
        wall = self.cleaned_data.get(name)
        if wall is None:
            return None
        which = self.cleaned_data.get("which")
        try:
            return moment(wall, self.zone, is_later=which == "later" if which else None)
        except TwoSuchTimes as twice:
            self.add_error(name, str(twice))
            self.ask_which(twice)
        except NoSuchTime as never:
            self.add_error(name, str(never))
        return None

    def ask_which(self, twice: TwoSuchTimes) -> None:
        which = self.fields["which"]
        assert isinstance(which, forms.ChoiceField)  # noqa: S101 (tells mypy what was declared above)
        # The field itself stays: the form has bound it already.
        which.widget = forms.RadioSelect()
        which.choices = [
            ("earlier", f"The first ({twice.earlier})"),
            ("later", f"The second ({twice.later})"),
        ]


class SeenForm(forms.Form):
    """Forms about an appointment as a page showed it. Who sends none has seen nothing."""

    revision = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    @property
    def known_revision(self) -> int:
        return int(self.cleaned_data.get("revision") or 0)


class OverlapForm(TimesForm):
    """Forms that may put something where time is taken, for a reason."""

    # Keys of the entries that were shown as taking the time, by the button that lets them overlap.
    anyway = forms.CharField(required=False, widget=forms.HiddenInput)
    overlap = forms.CharField(
        max_length=MOST_OVERLAP,
        required=False,
        label="Why may they overlap?",
        help_text="Kept in the history, sent to nobody.",
    )

    def may_overlap(self, taken: Sequence[Entry]) -> bool:
        """Whether the person saw every one of `taken`, lets them overlap and says why; notes the missing reason."""
        shown = self.cleaned_data["anyway"].split()
        if not shown or not {entry.key for entry in taken}.issubset(shown):
            return False
        if not self.cleaned_data["overlap"]:
            self.add_error("overlap", "Say why the two may overlap.")
        return "overlap" not in self.errors

    def words_for_history(self, taken: Sequence[Entry]) -> str:
        """Why it is as it is; the reason for an overlap only where there is one."""
        return in_history(self.cleaned_data.get("why", ""), self.cleaned_data["overlap"] if taken else "")


class SpanForm(OverlapForm):
    """A start and a length, which clean to `starts_at` and `ends_at` as moments."""

    starts_at = WallTimeField(label="Start")
    minutes = forms.IntegerField(
        label="Minutes", min_value=1, max_value=LONGEST_MINUTES, widget=forms.NumberInput(attrs={"step": 5})
    )

    def usual_minutes(self) -> int | None:
        return None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        starts_at = self.moment_of("starts_at")
        minutes = cleaned.get("minutes") or self.usual_minutes()
        if starts_at and minutes:
            self.starts, self.ends = starts_at, starts_at + datetime.timedelta(minutes=minutes)
        return cleaned


class NewcomerForm(forms.Form):
    """Forms in which a person nobody knows yet may be typed."""

    first_name = forms.CharField(max_length=100, required=False, label="First name")
    last_name = forms.CharField(max_length=100, required=False, label="Last name")
    address = forms.EmailField(max_length=254, required=False, label="E-mail")
    phone = PhoneNumberField(required=False, label="Phone")

    @property
    def newcomer(self) -> Newcomer:
        cleaned = self.cleaned_data
        return Newcomer(
            first_name=cleaned.get("first_name", ""),
            last_name=cleaned.get("last_name", ""),
            address=cleaned.get("address", ""),
            phone=str(cleaned.get("phone") or ""),
        )


class BookForm(SpanForm, NewcomerForm):
    contact = forms.ModelChoiceField(
        queryset=Contact.objects.living(), required=False, widget=forms.HiddenInput
    )
    calendar = forms.ModelChoiceField(queryset=Calendar.objects.active(), empty_label="Choose a calendar")
    owner = forms.ModelChoiceField(queryset=User.objects.filter(is_active=True), empty_label=None)
    title = forms.CharField(
        max_length=300, required=False, label="Title", help_text="Empty: the calendar and the name."
    )
    location = forms.CharField(
        max_length=500, required=False, label="Place", help_text="Empty: the calendar's usual place."
    )
    description = forms.CharField(
        required=False, label="What it is about", widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["minutes"].required = False
        self.fields["minutes"].help_text = "Empty: as long as the calendar says."

    def usual_minutes(self) -> int | None:
        calendar: Calendar | None = self.cleaned_data.get("calendar")
        return int(calendar.duration.total_seconds() // 60) if calendar else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        is_new = self.newcomer != Newcomer()
        if not cleaned.get("contact") and not is_new and "contact" not in self.errors:
            self.add_error(None, "Say who it is with: find a contact or type a new person.")
        if cleaned.get("contact") and is_new:
            self.add_error(None, "Either choose a contact or type a new person, not both.")
        return cleaned

    @property
    def wish(self) -> Wish:
        """What the valid form asks for."""
        cleaned = self.cleaned_data
        return Wish(
            contact=cleaned["contact"],
            newcomer=self.newcomer,
            calendar=cleaned["calendar"],
            owner=cleaned["owner"],
            starts_at=self.starts,
            ends_at=self.ends,
            title=cleaned["title"],
            description=cleaned["description"],
            location=cleaned["location"],
        )


class MoveForm(SpanForm, SeenForm):
    """`session`: what the page knew of the class's session, where there are more seats in it than this one."""

    who = forms.ChoiceField(
        choices=[("one", "This seat only"), ("all", "The whole class")],
        required=False,
        widget=forms.RadioSelect,
        label="Who moves",
    )
    session = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)
    why = forms.CharField(
        max_length=MOST_WHY, required=False, label="Why", help_text="Kept in the history, sent to nobody."
    )

    @classmethod
    def initial_for(cls, appointment: Appointment, zone: ZoneInfo) -> dict[str, Any]:
        minutes = (appointment.ends_at - appointment.starts_at).total_seconds() // 60
        start = on_the_clock(appointment.starts_at, zone)
        return {"starts_at": start, "minutes": int(minutes), "who": "one"}

    @property
    def moves_all(self) -> bool:
        return bool(self.cleaned_data.get("who") == "all")


class DragForm(OverlapForm):
    """An entry of the agenda that was dropped at `starts_at`, or drawn out to `ends_at`.

    `version` is what the page knew of it.
    """

    starts_at = WallTimeField(required=False)
    ends_at = WallTimeField(required=False)
    version = forms.CharField(max_length=60)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self.starts, self.ends = self.moment_of("starts_at"), self.moment_of("ends_at")
        if not self.errors and (self.starts is None) == (self.ends is None):
            self.add_error(None, "Say where it starts, or where it ends.")
        return cleaned

    def times(
        self, starts_at: datetime.datetime, ends_at: datetime.datetime
    ) -> tuple[datetime.datetime, datetime.datetime]:
        """The new start and end of what went from `starts_at` to `ends_at`; dropped elsewhere it lasts as long."""
        if self.starts is not None:
            return self.starts, self.starts + (ends_at - starts_at)
        return starts_at, self.ends or ends_at

    def is_too_long(self, starts_at: datetime.datetime) -> bool:
        """Whether an appointment that starts at `starts_at` was drawn out to more than its page allows."""
        return self.ends is not None and self.ends - starts_at > datetime.timedelta(minutes=LONGEST_MINUTES)


class BackForm(forms.Form):
    """Moments at which a blocked time was, and what the page knew of it."""

    starts_at = forms.DateTimeField()
    ends_at = forms.DateTimeField()
    version = forms.CharField(max_length=60)


class EditForm(NewcomerForm):
    """The words of an appointment and its guests: who is added, who is taken off."""

    title = forms.CharField(
        max_length=300, required=False, label="Title", help_text="Empty: the calendar and the name."
    )
    location = forms.CharField(max_length=500, required=False, label="Place")
    description = forms.CharField(
        required=False, label="What it is about", widget=forms.Textarea(attrs={"rows": 3})
    )
    add = forms.ModelMultipleChoiceField(queryset=Contact.objects.living(), required=False)
    off = forms.ModelMultipleChoiceField(queryset=Contact.objects.none(), required=False)

    def __init__(self, appointment: Appointment, *args: Any, has_guests: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        off = self.fields["off"]
        assert isinstance(off, forms.ModelMultipleChoiceField)  # noqa: S101 (tells mypy what was declared above)
        off.queryset = Contact.objects.filter(attendances__appointment=appointment)
        if not has_guests:
            for name in ("add", "off", *NewcomerForm.base_fields):
                del self.fields[name]

    @property
    def edit(self) -> Edit:
        """What the valid form asks for."""
        cleaned = self.cleaned_data
        return Edit(
            title=cleaned["title"],
            location=cleaned["location"],
            description=cleaned["description"],
            added=tuple(cleaned.get("add", ())),
            newcomer=self.newcomer if self.newcomer != Newcomer() else None,
            taken_off=tuple(cleaned.get("off", ())),
        )


def typed_in(form: forms.Form) -> list[tuple[str, str]]:
    """Label and text of each field of a posted form that holds what a person typed, for a page that saves nothing."""
    texts = (forms.CharField, WallTimeField, forms.IntegerField)
    shown = [field for field in form.visible_fields() if isinstance(field.field, texts) and field.value()]
    return [(str(field.label), _as_read(field)) for field in shown]


def _as_read(field: forms.BoundField) -> str:
    text = str(field.value())
    return text.replace("T", " ") if isinstance(field.field, WallTimeField) else text


class StatusForm(OverlapForm, SeenForm):
    status = forms.ChoiceField(choices=Appointment.Status.choices)
    why = forms.CharField(max_length=300, required=False)


class BlockForm(TimesForm):
    starts_at = WallTimeField(label="From")
    ends_at = WallTimeField(label="Until")
    title = forms.CharField(
        max_length=200,
        required=False,
        label="What for",
        help_text="Colleagues see that you are busy, not why.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        starts, ends = self.moment_of("starts_at"), self.moment_of("ends_at")
        why_not = why_no_block(starts, ends) if starts and ends else ""
        if why_not:
            self.add_error("ends_at", why_not)
        self.starts, self.ends = starts, ends
        return cleaned

    def block(self, user: User, *, row: BlockedTime | None = None) -> BlockedTime:
        """The blocked time of `user`, saved: a new one, or `row` changed. The form must be valid."""
        row = row or BlockedTime(user=user)
        assert self.starts is not None  # noqa: S101 (a valid form has both)
        assert self.ends is not None  # noqa: S101 (tells mypy what clean() saw to)
        row.starts_at, row.ends_at, row.title = self.starts, self.ends, self.cleaned_data["title"]
        row.save()
        return row
