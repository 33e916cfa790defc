"""Anymail's pages for what mail services report: tracking only, and none while nothing proves who calls."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from anymail.urls import urlpatterns as anymails
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern

View = Callable[..., HttpResponse]


def guarded(view: View) -> View:
    """404 without EMAIL_WEBHOOK_SECRET: anymail would take what anybody posts."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not settings.ANYMAIL.get("WEBHOOK_SECRET"):
            raise Http404
        return view(request, *args, **kwargs)

    return checked


urlpatterns = [
    URLPattern(each.pattern, guarded(each.callback), each.default_args, each.name)
    for each in anymails
    if "inbound" not in str(each.pattern)
]
