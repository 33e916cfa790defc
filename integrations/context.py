"""What every page says about broken Google accounts."""

from typing import Any

from django.http import HttpRequest

from integrations.models import GoogleAccount


def attention(request: HttpRequest) -> dict[str, Any]:
    """`accounts_needing_attention`: those of the viewer's that need a reconnect or a permission. Lazy."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {"accounts_needing_attention": GoogleAccount.objects.needing_attention().filter(user=user)}
