"""The campaign editor with its live preview and its test send."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from campaigns import previewing
from campaigns.figures.counting import in_short
from campaigns.forms import CampaignEditor
from campaigns.models import Campaign
from campaigns.rendering import FIELDS
from campaigns.transports import Refused, Stopped, TryLater
from contacts.models import Appointment
from contacts.viewer import viewer_of

NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"


def campaign_new(request: HttpRequest) -> HttpResponse:
    return _edit(request, None)


def campaign(request: HttpRequest, pk: int) -> HttpResponse:
    return _edit(request, get_object_or_404(Campaign, pk=pk))


def _edit(request: HttpRequest, stored: Campaign | None) -> HttpResponse:
    """The editor: shows, takes one step more, shows the preview of what is typed, or saves."""
    data = request.POST if request.method == "POST" else None
    if data is not None and "add_step" in data:
        editor = CampaignEditor.with_another_step(stored, data)
        part = "campaigns/_steps.html" if request.headers.get("HX-Request") else "campaigns/campaign.html"
        return render(request, part, _page(request, editor))
    if data is not None and "look" in data:
        return render(
            request, "campaigns/campaign.html", _page(request, CampaignEditor.as_typed(stored, data))
        )
    editor = CampaignEditor(stored, data)
    if data is not None and "try" in data:
        if editor.is_valid():
            _send_trial(request, editor)
        return render(request, "campaigns/campaign.html", _page(request, editor))
    if data is not None and editor.is_valid():
        saved = editor.save(timezone.now())
        messages.success(request, f"“{saved.name}” is saved.")
        return redirect("campaigns:campaigns")
    return render(request, "campaigns/campaign.html", _page(request, editor))


def _send_trial(request: HttpRequest, editor: CampaignEditor) -> None:
    viewer, chosen = viewer_of(request), _chosen(request)[1]
    if chosen is None:
        messages.info(request, "There is no upcoming appointment to try the texts on.")
        return
    try:
        sent = previewing.send_trial(editor, chosen, viewer.email)
    except (TryLater, Refused, Stopped) as error:
        messages.error(request, f"The test was not sent. {error}")
    else:
        words = f"Sent {sent} test e-mail{'' if sent == 1 else 's'} to {viewer.email}."
        if settings.EMAIL_BACKEND == NO_MAIL:
            words = "This run sends no e-mail (EMAIL_URL is not set); the preview shows what would leave."
        messages.success(request, words if sent else "Nothing to send: these messages go by SMS.")


def _page(request: HttpRequest, editor: CampaignEditor) -> dict[str, object]:
    stored = editor.campaign if editor.campaign.pk else None
    return {
        "editor": editor,
        "campaign": stored,
        # The name as stored: what is typed may be empty or wrong.
        "name": editor.form.initial.get("name", ""),
        "fields": FIELDS,
        "doing": in_short(stored, timezone.now()) if stored else None,
        **_previewed(request, editor),
    }


def _chosen(request: HttpRequest) -> tuple[list[Appointment], Appointment | None]:
    """The appointments to try texts on, and the one asked for, else the next."""
    offered = previewing.upcoming(viewer_of(request), timezone.now())
    asked = request.POST.get("appointment", "")
    return offered, next((one for one in offered if str(one.pk) == asked), offered[0] if offered else None)


def _previewed(request: HttpRequest, editor: CampaignEditor) -> dict[str, object]:
    now = timezone.now()
    offered, chosen = _chosen(request)
    # Fields of its own: reading what is typed marks what is wrong, and the page may not want to complain yet.
    typed = CampaignEditor(editor.campaign, editor.data)
    shown = previewing.preview(typed, chosen, now) if chosen is not None else None
    return {"offered": offered, "preview": shown}


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """The preview of what is in the fields; nothing is stored, and nothing in the fields need be right."""
    asked = request.POST.get("campaign", "")
    stored = Campaign.objects.filter(pk=asked).first() if asked.isdecimal() else None
    editor = CampaignEditor(stored, request.POST)
    return render(request, "campaigns/_preview.html", _previewed(request, editor))
