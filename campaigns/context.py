"""What every page says about carriers that take nothing."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from campaigns.carrying import halts


def attention(request: HttpRequest) -> dict[str, Any]:
    """`stopped_carriers`, for whoever is signed in. Lazy."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {"stopped_carriers": SimpleLazyObject(halts)}
