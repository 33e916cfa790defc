"""A column whose text lies encrypted, opened when asked for, never on load: one bad key must not break a page."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class WrongKey(Exception):
    """No key in TOKEN_ENCRYPTION_KEYS opens this value: add the key it was written with, or connect again."""


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.TOKEN_ENCRYPTION_KEYS])


def encrypt(text: str) -> str:
    """`text` under the first key; "" stays ""."""
    return _fernet().encrypt(text.encode()).decode() if text else ""


def decrypt(ciphertext: str) -> str:
    """The text of `ciphertext` under any of the keys; "" stays "". Raises WrongKey."""
    try:
        return _fernet().decrypt(ciphertext.encode()).decode() if ciphertext else ""
    except InvalidToken as error:
        raise WrongKey("No key in TOKEN_ENCRYPTION_KEYS opens a stored token.") from error


def rotate(ciphertext: str) -> str:
    """The same text under the first key. Raises WrongKey."""
    return encrypt(decrypt(ciphertext))


class Sealed(str):
    """Ciphertext as loaded from the database. `str()` of it shows nothing; `.open()` decrypts."""

    __slots__ = ()

    def open(self) -> str:
        return decrypt(str.__str__(self))

    def __repr__(self) -> str:
        return "<sealed>"


class EncryptedTextField(models.TextField[str, Sealed]):
    """Assign ciphertext made by `encrypt()`; reads back as `Sealed`. Assigning plain text is refused at save."""

    def from_db_value(self, value: str | None, expression: object, connection: object) -> Sealed | None:
        return None if value is None else Sealed(value)

    def get_prep_value(self, value: object) -> object:
        value = super().get_prep_value(value)
        if isinstance(value, str) and value and not value.startswith("gAAAA"):
            raise ValueError("A token must be sealed with integrations.fields.encrypt() before it is stored.")
        return value
