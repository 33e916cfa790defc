"""Where Google tells of changes: no session, no form, no body, an answer at once (N4, N5)."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from integrations.channels import receive

# Google's messages have no body at all.
LARGEST_BODY = 1024


@csrf_exempt
@login_not_required
@require_POST
def notify(request: HttpRequest) -> HttpResponse:
    """204 for a message of a channel of ours; whatever is not gets 404 and learns nothing."""
    if _body_length(request) > LARGEST_BODY:
        return HttpResponse(status=413)
    if receive(request.headers, timezone.now()) is None:
        return HttpResponseNotFound()
    return HttpResponse(status=204)


def _body_length(request: HttpRequest) -> int:
    try:
        return int(request.headers.get("Content-Length") or 0)
    except ValueError:
        return LARGEST_BODY + 1
