"""What every page says of what leaves, and does not."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from campaigns import carrying


def attention(request: HttpRequest) -> dict[str, Any]:
    """`sending`, a carrying.Attention, for whoever is signed in. Lazy."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {"sending": SimpleLazyObject(carrying.attention)}
