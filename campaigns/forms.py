"""The campaign editor: one form for the campaign, one for each step, checked and saved together."""

import datetime
from typing import Any, cast

from django import forms
from django.db import transaction
from django.forms.utils import ErrorDict, ErrorList
from django.http import QueryDict

from campaigns import rendering
from campaigns.enrolment import follow_steps
from campaigns.models import Campaign, Message, Step
from contacts.models import AppointmentChange, Origin

UNITS = {"minutes": datetime.timedelta(minutes=1), "hours": datetime.timedelta(hours=1)}
UNITS |= {"days": datetime.timedelta(days=1)}
LONGEST = datetime.timedelta(days=366)
NEW_STEP = {"anchor": "before_start", "amount": "24", "unit": "hours", "medium": "email", "when_late": "skip"}

What = AppointmentChange.What


class Forgiving(forms.BaseForm):
    def forgive(self) -> None:
        """Shows what was typed without complaints; the form then counts as checked."""
        self._errors = ErrorDict()
        self.cleaned_data: dict[str, Any] = {}


class CampaignForm(Forgiving, forms.ModelForm[Campaign]):
    on_changes = forms.MultipleChoiceField(
        label="Fires when an appointment is",
        choices=[choice for choice in What.choices if choice[0] != What.EDITED],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Nothing ticked means booked.",
    )
    made_by = forms.MultipleChoiceField(
        label="Made by",
        choices=Origin.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Nothing ticked means whoever made it.",
    )

    class Meta:
        model = Campaign
        fields = ("name", "trigger", "on_changes", "calendars", "tags", "made_by", "recurring")
        widgets = {  # noqa: RUF012 (Django's own declaration)
            "calendars": forms.CheckboxSelectMultiple,
            "tags": forms.CheckboxSelectMultiple,
            "trigger": forms.RadioSelect,
        }
        labels = {"tags": "Contacts tagged", "recurring": "Recurring appointments"}  # noqa: RUF012 (Django's own declaration)
        help_texts = {  # noqa: RUF012 (Django's own declaration)
            "calendars": "Nothing ticked means every calendar.",
            "tags": "Nothing ticked means every contact. More than one: any of them.",
        }

    def clean_on_changes(self) -> list[str]:
        # In the order they happen, so that two editors who tick the same store the same.
        ticked = self.cleaned_data["on_changes"]
        return [what for what in What.values if what in ticked]


class StepForm(Forgiving, forms.ModelForm[Step]):
    amount = forms.IntegerField(label="How long", min_value=0, max_value=100_000, required=False, initial=24)
    unit = forms.ChoiceField(label="Unit", choices=[(unit, unit) for unit in UNITS], initial="hours")

    class Meta:
        model = Step
        fields = ("anchor", "medium", "subject", "body", "when_late", "window_starts", "window_ends")
        labels = {  # noqa: RUF012 (Django's own declaration)
            "anchor": "When",
            "medium": "By",
            "body": "Text",
            "when_late": "If that time has already passed",
            "window_starts": "Only from",
            "window_ends": "until",
        }
        help_texts = {"window_ends": "In the contact's time zone. Empty: at any hour."}  # noqa: RUF012 (Django's own declaration)
        widgets = {  # noqa: RUF012 (Django's own declaration)
            "body": forms.Textarea(attrs={"rows": 7, "spellcheck": "true"}),
            "window_starts": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "window_ends": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["amount"], self.initial["unit"] = in_units(self.instance.offset)

    def clean_subject(self) -> str:
        return self._checked("subject")

    def clean_body(self) -> str:
        return self._checked("body")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        self._check_offset(data)
        if (
            data.get("medium") == Step.Medium.EMAIL
            and not data.get("subject")
            and "subject" not in self.errors
        ):
            self.add_error("subject", "An e-mail needs a subject.")
        if (data.get("window_starts") is None) != (data.get("window_ends") is None):
            self.add_error("window_ends", "Give both hours, or neither.")
        return data

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

    def _checked(self, field: str) -> str:
        text: str = self.cleaned_data[field]
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


class BaseStepFormSet(forms.BaseInlineFormSet[Step, Campaign, StepForm]):
    def get_queryset(self) -> Any:
        return super().get_queryset().filter(is_active=True)

    def forgive(self) -> None:
        self._errors: list[ErrorDict] = []
        self._non_form_errors = ErrorList()

    def delete_existing(self, obj: Step, commit: bool = True) -> None:
        """A step that planned messages stays for their sake, switched off."""
        if obj.messages.exists():
            obj.is_active = False
            obj.save(update_fields=["is_active"])
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


class MovingForm(forms.Form):
    """Asked only where messages wait already."""

    moves_waiting = forms.BooleanField(required=False, initial=True)

    def __init__(self, *args: Any, waiting: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["moves_waiting"]
        field.label = f"Also move the {waiting} waiting message{'' if waiting == 1 else 's'}"
        field.help_text = (
            "To where the changed steps put them. Texts always go out as they read at that moment."
        )


class CampaignEditor:
    """A campaign and its steps on one page. `data` None: as stored."""

    def __init__(self, campaign: Campaign | None = None, data: QueryDict | None = None) -> None:
        self.campaign = campaign or Campaign()
        self.data = data
        self.form = CampaignForm(data, instance=self.campaign)
        self.steps = cast(BaseStepFormSet, StepFormSet(data, instance=self.campaign, prefix="steps"))
        waiting = count_waiting(campaign) if campaign is not None and campaign.pk else 0
        self.moving = MovingForm(data, waiting=waiting) if waiting else None

    @classmethod
    def with_another_step(cls, campaign: Campaign | None, data: QueryDict) -> "CampaignEditor":
        """As typed so far, with an empty step more, and no complaints about what is not finished."""
        more = data.copy()
        typed = more.get("steps-TOTAL_FORMS", "")
        total = int(typed) if typed.isdecimal() else 0
        more["steps-TOTAL_FORMS"] = str(total + 1)
        # What an untouched step holds, so that one left empty is not taken for an attempt.
        for field, value in NEW_STEP.items():
            more[f"steps-{total}-{field}"] = value
        editor = cls.as_typed(campaign, more)
        editor.steps.forms[-1].fields["anchor"].widget.attrs["autofocus"] = True
        return editor

    @classmethod
    def as_typed(cls, campaign: Campaign | None, data: QueryDict) -> "CampaignEditor":
        """What is in the fields, without complaints."""
        editor = cls(campaign, data)
        for form in [editor.form, *editor.steps.forms]:
            form.forgive()
        editor.steps.forgive()
        return editor

    def is_valid(self) -> bool:
        # A list, so that every part tells its errors.
        return all(
            [self.form.is_valid(), self.steps.is_valid(), self.moving is None or self.moving.is_valid()]
        )

    @transaction.atomic
    def save(self, now: datetime.datetime) -> Campaign:
        """The stored campaign; what waits moves with it when that is ticked."""
        campaign = self.form.save()
        self.steps.instance = campaign
        self.steps.save()
        for position, form in enumerate(f for f in self.steps.forms if f.instance.pk):
            Step.objects.filter(pk=form.instance.pk).update(position=position)
        if self.moving:
            follow_steps(campaign, now=now, moves_waiting=self.moving.cleaned_data["moves_waiting"])
        return campaign


def count_waiting(campaign: Campaign) -> int:
    return Message.objects.filter(enrolment__campaign=campaign, state=Message.State.WAITING).count()
