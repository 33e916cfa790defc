"""Every page tells times in the zone of the person who looks at it."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from calendars.models import CalendarConfiguration


class OwnTimeZone:
    """Activates the signed-in user's configured zone (default UTC) for the request. One query a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return self.get_response(request)
        name = (
            CalendarConfiguration.objects.filter(user=request.user)
            .values_list("time_zone", flat=True)
            .first()
        )
        with timezone.override(ZoneInfo(name or "UTC")):
            return self.get_response(request)
