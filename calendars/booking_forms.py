"""What a visitor types to book. Spam is met without puzzles: a field that people do not see, and a signed time under a
key that is good for one appointment."""

import re
import secrets
from typing import Any

from django import forms
from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from phonenumber_field.formfields import PhoneNumberField

from calendars.models import Calendar
from contacts.fields import normalise_address
from contacts.newcomers import Newcomer

SIGNER = signing.TimestampSigner(salt="calendars.booking_form")
# A page that lay open for longer gets its times anew.
LONGEST_SECONDS = 12 * 3600


def stamp_for(calendar: Calendar) -> str:
    """Says when a form of `calendar` was shown, and tells it from every other."""
    return SIGNER.sign(f"{calendar.pk}.{secrets.token_hex(16)}")


class Consent(forms.BooleanField):
    """A box whose label is a whole sentence; in the summary of errors it has a name."""

    short_label = "Consent"


class VisitorForm(forms.Form):
    """Name, address, phone, notes, further guests and consent, as `calendar` asks for them."""

    name = forms.CharField(
        max_length=200,
        label="Your name",
        error_messages={"required": "Write your name."},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    address = forms.EmailField(
        max_length=254,
        label="E-mail",
        help_text="What we answer goes there.",
        error_messages={
            "required": "Write the address that we can answer to.",
            "invalid": "This is no e-mail address. One looks like ann@example.com.",
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    phone = PhoneNumberField(
        required=False,
        label="Phone",
        help_text="Optional.",
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
        error_messages={"invalid": "Write the number with its country code, for example +44 20 7946 0958."},
    )
    notes = forms.CharField(
        max_length=2000,
        required=False,
        label="Anything we should know?",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    others = forms.CharField(
        max_length=2000,
        required=False,
        label="Bring others",
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )
    consent = Consent(label="", error_messages={"required": "Tick the box to go on, or contact us instead."})
    # People do not see it; what fills in every field does.
    website = forms.CharField(
        required=False, widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"})
    )
    began = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, calendar: Calendar, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.calendar = calendar
        self.fields["consent"].label = calendar.consent
        if not calendar.consent:
            del self.fields["consent"]
        if not calendar.most_guests or calendar.kind == Calendar.Kind.CLASS:
            del self.fields["others"]
        else:
            most = calendar.most_guests
            many = f"Up to {most} e-mail addresses, one a line."
            self.fields["others"].help_text = many if most > 1 else "One e-mail address."
        self.initial.setdefault("began", stamp_for(calendar))

    def clean_others(self) -> list[str]:
        """The addresses, each once, without the visitor's own."""
        found = dict.fromkeys(re.split(r"[\s,;]+", self.cleaned_data["others"].strip()))
        addresses = [normalise_address(address) for address in found if address]
        for address in addresses:
            try:
                validate_email(address)
            except ValidationError:
                raise ValidationError(f"“{address}” is no e-mail address.") from None
        if len(addresses) > self.calendar.most_guests:
            raise ValidationError(
                f"At most {self.calendar.most_guests} can come along; you named {len(addresses)}."
            )
        return [
            address for address in addresses if address != normalise_address(self.data.get("address", ""))
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("website") or not self._took_its_time():
            self.add_error(None, "Please look over what you typed and press the button once more.")
            self.renew()
        return cleaned

    def renew(self) -> None:
        """Shown again, it keeps what was typed and counts as a new form."""
        fresh = {"began": stamp_for(self.calendar), "website": ""}
        self.data = {name: self.data.get(name, "") for name in self.fields} | fresh

    def _took_its_time(self) -> bool:
        """Whether the form was shown by us, for this calendar, longer ago than a script takes and not for ever."""
        began = self.data.get("began", "")
        try:
            pk, _, key = SIGNER.unsign(began, max_age=LONGEST_SECONDS).partition(".")
            is_ours = pk == str(self.calendar.pk) and bool(key)
        except signing.BadSignature:
            return False
        try:
            SIGNER.unsign(began, max_age=settings.BOOKING_QUICKEST_SECONDS)
        except signing.SignatureExpired:
            return is_ours
        return False

    @property
    def key(self) -> str:
        """What the valid form is known by."""
        return SIGNER.unsign(self.data["began"]).partition(".")[2]

    @property
    def newcomer(self) -> Newcomer:
        """Who the valid form says is coming."""
        first, _, last = self.cleaned_data["name"].strip().partition(" ")
        return Newcomer(
            first_name=first[:100],
            last_name=last.strip()[:100],
            address=self.cleaned_data["address"],
            phone=str(self.cleaned_data.get("phone") or ""),
        )
