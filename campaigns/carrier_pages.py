"""What people press when a carrier let them down: try it again, it arrived, send it again."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from campaigns import carrying, unclear
from campaigns import outbox as outbox_rows
from campaigns.models import Message, Notice, Step
from contacts.viewer import viewer_of


@require_POST
def carrier_again(request: HttpRequest, medium: str) -> HttpResponse:
    """For admins: lets messages leave by `medium` again."""
    if not viewer_of(request).is_staff:
        raise PermissionDenied
    if medium not in Step.Medium.values:
        raise Http404
    name = Step.Medium(medium).label
    if carrying.resume(medium):
        messages.success(request, f"{name} is tried again: what waits leaves within a minute.")
    else:
        messages.info(request, f"{name} was not stopped any more.")
    return redirect(_back(request))


def _back(request: HttpRequest) -> str:
    """The page they pressed it on."""
    asked = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure())
    return asked if is_ours else "campaigns:outbox"


@require_POST
def message_settled(request: HttpRequest, pk: int) -> HttpResponse:
    return _settle(request, get_object_or_404(outbox_rows.messages(), pk=pk))


@require_POST
def notice_settled(request: HttpRequest, pk: int) -> HttpResponse:
    return _settle(request, get_object_or_404(outbox_rows.notices(), pk=pk))


def _settle(request: HttpRequest, found: Message | Notice) -> HttpResponse:
    """What a person says of one whose outcome nobody knew: "arrived" or "again"."""
    (row,) = outbox_rows.rows_of([found], viewer_of(request))
    if row.is_hidden:
        raise Http404
    said = request.POST.get("said", "")
    if said not in SETTLED:
        raise Http404
    verb, words = SETTLED[said]
    if verb(found, by=viewer_of(request), now=timezone.now()):
        messages.success(request, words)
    else:
        messages.info(request, "Nothing was changed: what became of it is known by now.")
    return redirect(_back(request))


SETTLED = {
    "arrived": (unclear.it_arrived, "Noted: it counts as sent."),
    "again": (unclear.send_again, "It leaves again within a minute, if nothing speaks against it by then."),
}
