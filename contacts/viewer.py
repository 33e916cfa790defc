"""Who looks at the page."""

from typing import cast

from django.http import HttpRequest

from contacts.models import User


def viewer_of(request: HttpRequest) -> User:
    """The signed-in person; LoginRequiredMiddleware let nobody else through."""
    return cast(User, request.user)
