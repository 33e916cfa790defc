"""The product's addresses, a bare page to weigh its own against, and what the server has spent so far."""

import time

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from config.urls import urlpatterns as ours


@login_not_required
def bare(request: HttpRequest) -> HttpResponse:
    """What booking pages are written into and nothing in it: through all the middleware, without a statement."""
    return render(request, "base_public.html")


@login_not_required
def spent(request: HttpRequest) -> HttpResponse:
    """Seconds of processor time of this process."""
    return HttpResponse(str(time.process_time()))


urlpatterns = [*ours, path("bare/", bare), path("spent/", spent)]
