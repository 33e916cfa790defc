"""The page behind the link in every message, where people decide what they get; and the same done by staff."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from campaigns import unsubscribing
from campaigns.unsubscribing import Link, Medium
from contacts.models import Contact
from contacts.viewer import viewer_of


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows, POST does. The signed link is the permission: mail readers post without a cookie (RFC 8058), and with
    no choice but to stop what the link came in."""
    link = unsubscribing.opened(token)
    if link is None:
        page = {"is_known": False, "business": settings.BUSINESS_NAME}
        return render(request, "campaigns/unsubscribe.html", page, status=404)
    done = _decide(request, link) if request.method == "POST" else ""
    page = {"is_known": True, "done": done, "business": settings.BUSINESS_NAME, **_shown(link)}
    response = render(request, "campaigns/unsubscribe.html", page)
    patch_cache_control(response, no_store=True)
    return response


def _decide(request: HttpRequest, link: Link) -> str:
    """ "stopped" or "started"."""
    if request.POST.get("start") in Medium:
        unsubscribing.resubscribe(link.contact, request.POST["start"])
        return "started"
    asked = [Medium(each) for each in request.POST.getlist("stop") if each in Medium]
    for medium in asked or [link.medium]:
        unsubscribing.unsubscribe(link.contact, medium)
    return "stopped"


def _shown(link: Link) -> dict[str, Any]:
    other = Medium.SMS if link.medium == Medium.EMAIL else Medium.EMAIL
    stopped = {medium: unsubscribing.is_stopped(link.contact, medium) for medium in (link.medium, other)}
    return {
        "medium": link.medium,
        "name": unsubscribing.NAMES[link.medium],
        "other": other,
        "other_name": unsubscribing.NAMES[other],
        "is_stopped": stopped[link.medium],
        "other_is_stopped": stopped[other],
        "lines": [(medium, unsubscribing.NAMES[medium], is_off) for medium, is_off in stopped.items()],
    }


@require_POST
def resubscribe(request: HttpRequest, pk: int) -> HttpResponse:
    """A person of staff lets a contact have messages again, because that contact asked for them."""
    contact = get_object_or_404(Contact, pk=pk)
    medium = request.POST.get("medium", "")
    if medium in Medium and unsubscribing.resubscribe(contact, medium, by=viewer_of(request)):
        name = unsubscribing.NAMES[Medium(medium)]
        messages.success(
            request, f"They get {name} again. What waits goes out; what was skipped stays skipped."
        )
    else:
        messages.info(request, "Nothing was stopped there.")
    return redirect(contact)
