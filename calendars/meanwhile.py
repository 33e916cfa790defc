"""What a page remembers of what is stored, so that of two who save the second one is told. Pure."""

from collections.abc import Iterable, Mapping
from hashlib import sha256

# The hidden field that carries it.
DRAWN_FROM = "drawn_from"


def prints(stored: Mapping[str, object]) -> str:
    """A fingerprint of each value by its name."""
    return " ".join(
        f"{name}:{sha256(repr(value).encode()).hexdigest()[:12]}" for name, value in stored.items()
    )


def changed(drawn_from: str, stored: str) -> list[str]:
    """Names of those that are stored otherwise than when the page was drawn."""
    known = set(drawn_from.split())
    return [each.partition(":")[0] for each in stored.split() if each not in known]


def words(labels: Iterable[str], *, what: str) -> str:
    """For a person whose save was refused; `what` they may look at again."""
    return (
        f"It was changed meanwhile: {', '.join(labels)}. Here is what you typed. "
        f"Look at {what} again, or save once more to put this in its place."
    )
