"""Who enters a campaign, and what is kept on it."""

from urllib.parse import urlsplit

from django import forms

from campaigns.forms.forgiving import Forgiving
from campaigns.models import Campaign
from contacts.models import AppointmentChange, Origin, User

What = AppointmentChange.What
WHATS = [choice for choice in What.choices if choice[0] != What.EDITED]
# What RFC 2606 keeps for examples: it stands in instructions and leads nowhere.
PLACEHOLDERS = ("example.com", "example.org", "example.net", "yourdomain.com")


class _People(forms.ModelMultipleChoiceField[User]):
    def label_from_instance(self, obj: User) -> str:
        return obj.get_full_name() or obj.email


class CampaignForm(Forgiving, forms.ModelForm[Campaign]):
    on_changes = forms.MultipleChoiceField(
        label="When an appointment is",
        choices=WHATS,
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
    owners = _People(
        label="Contacts of",
        queryset=User.objects.filter(is_active=True).order_by("first_name", "last_name", "email"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Nothing ticked means everybody’s.",
    )
    review_url = forms.URLField(
        label="Where people review you",
        required=False,
        assume_scheme="https",
        max_length=200,
        widget=forms.URLInput(attrs={"placeholder": "https://", "inputmode": "url"}),
        help_text="The page to which “Review page” in your texts leads.",
    )

    class Meta:
        model = Campaign
        fields = (
            "name", "trigger", "on_changes", "calendars", "tags", "owners", "made_by", "recurring", "review_url"
        )  # fmt: skip
        widgets = {  # noqa: RUF012 (Django's own declaration)
            "calendars": forms.CheckboxSelectMultiple,
            "tags": forms.CheckboxSelectMultiple,
            "trigger": forms.RadioSelect,
        }
        labels = {  # noqa: RUF012 (Django's own declaration)
            "trigger": "Starts from",
            "tags": "Contacts tagged",
            "recurring": "Recurring appointments",
        }
        help_texts = {  # noqa: RUF012 (Django's own declaration)
            "calendars": "Nothing ticked means every calendar.",
            "tags": "Nothing ticked means every contact. More than one: any of them.",
        }

    def clean_on_changes(self) -> list[str]:
        # In the order they happen, so that two editors who tick the same store the same.
        ticked = self.cleaned_data["on_changes"]
        return [what for what in What.values if what in ticked]

    def clean_review_url(self) -> str:
        url: str = self.cleaned_data["review_url"]
        if (urlsplit(url).hostname or "").removeprefix("www.") in PLACEHOLDERS:
            raise forms.ValidationError("That address is an example. Give the one of your own review page.")
        return url
