"""Addresses compare trimmed and lower-cased everywhere, so the column holds them so (dots and plus-tags stay)."""

from typing import Any

from django.db import models


def normalise_address(address: str) -> str:
    """`address` as it is compared: trimmed and lower-cased."""
    return address.strip().lower()


class AddressField(models.EmailField[str, str]):
    """An e-mail address that is normalised on its way into the database and into every lookup."""

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return normalise_address(value) if isinstance(value, str) else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = super().pre_save(model_instance, add)
        if isinstance(value, str):
            value = normalise_address(value)
            setattr(model_instance, self.attname, value)
        return value
