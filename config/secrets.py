"""Secrets of a local run: made once, kept in a file that only its owner reads, never in git."""

import os
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet
from django.core.management.utils import get_random_secret_key


def fernet_key() -> str:
    """A fresh key for TOKEN_ENCRYPTION_KEYS."""
    return Fernet.generate_key().decode()


MAKERS: dict[str, Callable[[], str]] = {"text": get_random_secret_key, "fernet": fernet_key}


def local_secret(path: Path, *, make: str) -> str:
    """The secret kept in `path`; written on first use. Two processes that start together agree on one."""
    path.parent.mkdir(exist_ok=True)
    fresh = MAKERS[make]()
    try:
        # O_EXCL decides the race: the loser reads what the winner wrote.
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text().strip() or fresh
    with os.fdopen(descriptor, "w") as file:
        file.write(fresh)
    return fresh
