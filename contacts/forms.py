"""Forms for contacts. Addresses and numbers are edited with the person, one of each being primary."""

from typing import Any

from django import forms
from django.db import transaction
from django.db.models import QuerySet
from django.forms.models import BaseInlineFormSet, inlineformset_factory
from django.http import QueryDict
from django.utils.functional import cached_property

from contacts.models import Contact, ContactEmail, ContactPhone, Note, Tag, User
from contacts.time_zones import zone_choices

BLANK_ROWS = 2


class ContactForm(forms.ModelForm[Contact]):
    time_zone = forms.ChoiceField(
        required=False,
        choices=lambda: [("", "Not known"), *zone_choices()],
        help_text="Reminders to this person tell times in it.",
    )
    new_tags = forms.CharField(
        required=False, max_length=200, label="New tags", help_text="Separate several with commas."
    )
    note = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}), label="Note")

    class Meta:
        model = Contact
        fields = (
            "first_name",
            "last_name",
            "company",
            "time_zone",
            "owner",
            "tags",
            "no_email",
            "no_sms",
        )
        widgets = {"tags": forms.CheckboxSelectMultiple}  # noqa: RUF012 (Django's own declaration)
        labels = {"no_email": "Do not e-mail", "no_sms": "Do not text"}  # noqa: RUF012 (Django's own declaration)
        help_texts = {  # noqa: RUF012 (Django's own declaration)
            "no_email": "No reminder or campaign reaches this person by e-mail.",
            "no_sms": "No reminder or campaign reaches this person by text message.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owner = self.fields["owner"]
        tags = self.fields["tags"]
        assert isinstance(owner, forms.ModelChoiceField)  # noqa: S101 (tells mypy what Django built)
        owner.queryset = User.objects.filter(is_active=True)
        owner.empty_label = "Nobody"
        tags.help_text = ""
        if self.instance.pk:
            del self.fields["note"]

    def clean_new_tags(self) -> list[str]:
        names = [name.strip() for name in self.cleaned_data["new_tags"].split(",")]
        if any(len(name) > 50 for name in names):
            raise forms.ValidationError("A tag has at most 50 letters.")
        return [name for name in names if name]


class OnePrimaryFormSet(BaseInlineFormSet[Any, Contact, Any]):
    """Rows of one contact of which exactly one is primary, chosen by a radio button that all rows share.

    The database refuses a second primary row, so saving clears the mark first and sets it last.
    """

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        form.fields["DELETE"].label = "Remove"
        form.choice = "" if index is None else str(index)
        form.is_chosen = self.chosen == form.choice if self.is_bound else form.instance.is_primary

    @property
    def chosen(self) -> str:
        return str(self.data.get(f"{self.prefix}-primary", ""))

    def clean(self) -> None:
        super().clean()
        values = [self.value_of(form) for form in self.kept_forms()]
        if len(values) != len(set(values)):
            raise forms.ValidationError("The same entry stands here twice. Remove one of them.")

    def value_of(self, form: Any) -> str:
        """The address or number in one row, as two rows are compared; "" for an empty or invalid one."""
        return str(form.cleaned_data.get(form._meta.fields[0], "")).strip().lower()

    def kept_forms(self) -> list[Any]:
        """The filled rows that stay."""
        return [
            form
            for form in self.forms
            if hasattr(form, "cleaned_data") and self.value_of(form) and not form.cleaned_data.get("DELETE")
        ]

    @property
    def stored(self) -> QuerySet[Any]:
        """The contact's rows as the database has them, whatever this form was drawn from."""
        rows: QuerySet[Any] = self.get_queryset().model._default_manager.filter(contact=self.instance)
        return rows

    def save_rows(self) -> None:
        """Saves additions, changes and removals; the chosen row, else the first, becomes primary."""
        self.stored.update(is_primary=False)
        self.save()
        kept = self.kept_forms()
        if kept:
            primary = next((form for form in kept if form.choice == self.chosen), kept[0])
            self.stored.filter(pk=primary.instance.pk).update(is_primary=True)


class ReachForm(forms.ModelForm[Any]):
    """An address or number. Another one is not what was found to lead nowhere, so the mark goes with the old one.

    One that stays as it is stored is not judged anew: rules for numbers change, those that came by import or were made
    up for a demonstration never followed them, and none of that may keep a person from being edited.
    """

    @cached_property
    def changed_data(self) -> list[str]:
        return [name for name in super().changed_data if name != "number" or not self._is_the_same_number()]

    def _is_the_same_number(self) -> bool:
        """However it is written. The library compares what no rule takes by its letters."""
        field, stored = self.fields["number"], self.initial.get("number")
        typed = field.to_python(self["number"].data)
        return bool(typed) and stored is not None and typed is not None and stored.as_e164 == typed.as_e164

    @property
    def _stays(self) -> set[str]:
        reach = {"address", "number"} & self.fields.keys()
        return reach - set(self.changed_data) if self.instance.pk else set()

    def _clean_fields(self) -> None:
        for name in self._stays:
            self.fields[name].validators = []
        super()._clean_fields()  # type: ignore[misc]  # the stubs leave Django's own steps out

    def clean(self) -> dict[str, Any]:
        super().clean()
        self.cleaned_data |= {name: self.initial[name] for name in self._stays}
        return self.cleaned_data

    def _get_validation_exclusions(self) -> set[str]:
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # as above
        return excluded | self._stays

    def save(self, commit: bool = True) -> Any:
        if {"address", "number"} & set(self.changed_data):
            self.instance.undeliverable_at, self.instance.undeliverable_why = None, ""
        return super().save(commit)


EmailFormSet: type[OnePrimaryFormSet] = inlineformset_factory(
    Contact, ContactEmail, ReachForm, fields=["address"], formset=OnePrimaryFormSet, extra=BLANK_ROWS
)  # type: ignore[assignment]  # the stubs forget the `formset` argument
PhoneFormSet: type[OnePrimaryFormSet] = inlineformset_factory(
    Contact, ContactPhone, ReachForm, fields=["number"], formset=OnePrimaryFormSet, extra=BLANK_ROWS
)  # type: ignore[assignment]  # the stubs forget the `formset` argument


class ContactEditor:
    """The person, their addresses and their numbers as one form: `is_valid()`, then `save()`."""

    def __init__(self, data: QueryDict | None = None, *, contact: Contact | None = None) -> None:
        contact = contact or Contact()
        self.form = ContactForm(data, instance=contact)
        self.emails = EmailFormSet(data, instance=contact, prefix="emails")
        self.phones = PhoneFormSet(data, instance=contact, prefix="phones")

    def is_valid(self) -> bool:
        # A list, not a chain of `and`: every part shows its errors at once.
        return all([self.form.is_valid(), self.emails.is_valid(), self.phones.is_valid(), self.has_a_name()])

    def has_a_name(self) -> bool:
        """Whether there is anything to call the person by; says so on the form if not."""
        cleaned = getattr(self.form, "cleaned_data", {})
        if cleaned.get("first_name") or cleaned.get("last_name") or self.emails.kept_forms():
            return True
        self.form.add_error(None, "Give a name or an e-mail address, so that the person can be found again.")
        return False

    @transaction.atomic
    def save(self, by: User) -> Contact:
        contact = self.form.save()
        for name in self.form.cleaned_data["new_tags"]:
            contact.tags.add(Tag.objects.get_or_create(name=name)[0])
        self.emails.save_rows()
        self.phones.save_rows()
        if text := self.form.cleaned_data.get("note"):
            Note.objects.create(contact=contact, author=by, text=text)
        return contact


class NoteForm(forms.ModelForm[Note]):
    class Meta:
        model = Note
        fields = ("text",)
        labels = {"text": "Add a note"}  # noqa: RUF012 (Django's own declaration)
        widgets = {"text": forms.Textarea(attrs={"rows": 3})}  # noqa: RUF012 (Django's own declaration)
