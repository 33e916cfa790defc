"""One step of a campaign: when, by which medium, what it says, and in which days and hours."""

import datetime
from typing import Any

from django import forms
from django.forms.utils import ErrorDict, ErrorList
from django.utils import timezone

from campaigns import rendering, rich_text
from campaigns.forms.forgiving import Forgiving
from campaigns.models import Campaign, Step

UNITS = {"minutes": datetime.timedelta(minutes=1), "hours": datetime.timedelta(hours=1)}
UNITS |= {"days": datetime.timedelta(days=1)}
LONGEST = datetime.timedelta(days=366)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EVERY_DAY = [str(day) for day in range(7)]
# Says of an error that there is nothing yet, rather than something wrong.
EMPTY = "empty"


class StepForm(Forgiving, forms.ModelForm[Step]):
    # Just added: it opens, and takes the focus.
    is_fresh = False

    amount = forms.IntegerField(label="How long", min_value=0, max_value=100_000, required=False, initial=24)
    unit = forms.ChoiceField(label="Unit", choices=[(unit, unit) for unit in UNITS], initial="hours")
    window_days = forms.TypedMultipleChoiceField(
        label="Only on",
        choices=list(enumerate(DAYS)),
        coerce=int,
        initial=EVERY_DAY,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Tick at least one day."},
    )
    # Posted by the script that formats texts; without one there is none, and the plain text counts.
    rich = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Step
        fields = (
            "anchor", "medium", "subject", "body", "rich", "when_late", "window_days", "window_starts", "window_ends",
            "is_active",
        )  # fmt: skip
        labels = {  # noqa: RUF012 (Django's own declaration)
            "anchor": "When",
            "medium": "By",
            "body": "Text",
            "when_late": "If that time has already passed",
            "window_starts": "From",
            "window_ends": "until",
            "is_active": "Switched on",
        }
        help_texts = {  # noqa: RUF012 (Django's own declaration)
            "window_ends": "In the person’s own time zone. Empty: at any hour.",
            "when_late": "For example when somebody books for the same day.",
        }
        widgets = {  # noqa: RUF012 (Django's own declaration)
            "body": forms.Textarea(attrs={"rows": 7, "spellcheck": "true"}),
            "window_starts": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "window_ends": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["body"].required = False
        if self.instance.pk:
            self.initial["amount"], self.initial["unit"] = in_units(self.instance.offset)
            self.initial["window_days"] = [str(day) for day in self.instance.window_days] or EVERY_DAY

    def has_changed(self) -> bool:
        """A new step in which nothing was written is none."""
        if self.instance.pk or not self.is_bound:
            return super().has_changed()
        return any(self[name].value() for name in ("subject", "body", "rich"))

    @property
    def is_removed(self) -> bool:
        return bool(self.is_bound and "DELETE" in self.fields and self["DELETE"].value())

    @property
    def formatted(self) -> str:
        """The text as the formatting editor starts with it."""
        rich, body = self["rich"].value() or "", self["body"].value() or ""
        return str(rich or rich_text.of_text(body))

    @property
    def has_limits(self) -> bool:
        """Whether anything of the sending window or of being late is other than usual."""
        days = {str(day) for day in self["window_days"].value() or []}
        is_usual = days == set(EVERY_DAY) and self["when_late"].value() == Step.WhenLate.SKIP
        hours = self["window_starts"].value() or self["window_ends"].value()
        errors = {"window_days", "window_starts", "window_ends"} & set(self.errors)
        return bool(not is_usual or hours or errors)

    def clean_subject(self) -> str:
        return _checked(self.cleaned_data["subject"])

    def clean_window_days(self) -> list[int]:
        days = sorted(self.cleaned_data["window_days"])
        return [] if len(days) == len(EVERY_DAY) else days

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        self._check_offset(data)
        self._check_text(data)
        self._check_subject(data)
        self._check_hours(data)
        return data

    def _check_text(self, data: dict[str, Any]) -> None:
        """The plain text is made from the formatted one, where that is what was written."""
        is_email = data.get("medium") == Step.Medium.EMAIL
        data["rich"] = self._rich() if is_email else ""
        if data["rich"]:
            data["body"] = rich_text.text_of(data["rich"])
        elif "rich" in data and is_email and self.add_prefix("rich") in self.data:
            data["body"] = ""
        if not data.get("body"):
            self.add_error("body", forms.ValidationError("Write what they get.", code=EMPTY))
            return
        try:
            _checked(data["body"])
        except forms.ValidationError as error:
            self.add_error("body", error)

    def _rich(self) -> str:
        if self.add_prefix("rich") in self.data:
            return rich_text.clean(self.cleaned_data.get("rich", ""))
        # No script, so no formatted text: the one we have stands while nobody changed its words.
        stored = Step.objects.filter(pk=self.instance.pk).values_list("rich", flat=True).first() or ""
        typed = (self.cleaned_data.get("body") or "").replace("\r\n", "\n").strip()
        return stored if stored and rich_text.text_of(stored) == typed else ""

    def _check_subject(self, data: dict[str, Any]) -> None:
        if data.get("medium") == Step.Medium.SMS:
            data["subject"] = ""
        elif not data.get("subject") and "subject" not in self.errors:
            self.add_error("subject", forms.ValidationError("An e-mail needs a subject.", code=EMPTY))

    def _check_hours(self, data: dict[str, Any]) -> None:
        starts, ends = data.get("window_starts"), data.get("window_ends")
        if (starts is None) != (ends is None):
            self.add_error("window_ends", "Give both hours, or neither.")
        elif starts is not None and ends is not None and starts >= ends:
            self.add_error("window_ends", "The second hour has to be later than the first.")

    def _check_offset(self, data: dict[str, Any]) -> None:
        if data.get("anchor") == Step.Anchor.AT_ONCE:
            self.instance.offset = datetime.timedelta(0)
            return
        if "amount" in self.errors or "unit" in self.errors:
            return
        if data.get("amount") is None:
            self.add_error("amount", "Say how long before or after.")
            return
        self.instance.offset = data["amount"] * UNITS[data["unit"]]
        if self.instance.offset > LONGEST:
            self.add_error("amount", "At most one year.")


def _checked(text: str) -> str:
    faults = rendering.validate(text)
    if faults:
        raise forms.ValidationError([str(fault) for fault in faults])
    return text


def in_units(offset: datetime.timedelta) -> tuple[int, str]:
    """(amount, unit) in the largest unit that divides `offset`; a single day is 24 hours."""
    if offset > UNITS["days"] and not offset % UNITS["days"]:
        return offset // UNITS["days"], "days"
    unit = "minutes" if offset % UNITS["hours"] else "hours"
    return offset // UNITS[unit], unit


# Django's code for it.
TOO_FEW = "too_few_forms"


class BaseStepFormSet(forms.BaseInlineFormSet[Step, Campaign, StepForm]):
    default_error_messages = forms.BaseInlineFormSet.default_error_messages | {
        TOO_FEW: "Add at least one message."
    }

    @property
    def faults_of_all(self) -> list[str]:
        """What is wrong with all of them together. One that is not finished says so itself, and is one."""
        errors = self.non_form_errors().as_data()
        told = [error for error in errors if not (error.code == TOO_FEW and any(self.errors))]
        return [str(words) for error in told for words in error.messages]

    def get_queryset(self) -> Any:
        # Kept, or Django reads the steps anew for each of them.
        if not hasattr(self, "_present"):
            self._present = super().get_queryset().filter(removed_at=None)
        return self._present

    def forgive(self) -> None:
        self._errors: list[ErrorDict] = []
        self._non_form_errors = ErrorList()

    def delete_existing(self, obj: Step, commit: bool = True) -> None:
        """A step that planned messages stays for their sake, out of sight."""
        if obj.messages.exists():
            Step.objects.filter(pk=obj.pk).update(is_active=False, removed_at=timezone.now())
        else:
            super().delete_existing(obj, commit)


StepFormSet = forms.inlineformset_factory(
    Campaign,
    Step,
    form=StepForm,
    formset=BaseStepFormSet,
    extra=0,
    min_num=1,
    validate_min=True,
    max_num=20,
    can_delete=True,
)
