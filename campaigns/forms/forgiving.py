"""A form that can be shown half filled in without a word of complaint."""

from typing import Any

from django import forms
from django.forms.utils import ErrorDict


class Forgiving(forms.BaseForm):
    def forgive(self) -> None:
        """Shows what was typed without complaints; the form then counts as checked."""
        self._errors = ErrorDict()
        self.cleaned_data: dict[str, Any] = {}
