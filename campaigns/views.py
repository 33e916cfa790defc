"""The campaigns, their editor with its preview, and the outbox."""

from csp.decorators import csp
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST

from campaigns import figures, previewing, wording
from campaigns import outbox as outbox_rows
from campaigns.forms import CampaignEditor
from campaigns.models import Campaign, Notice, Outgoing
from campaigns.rendering import FIELDS, as_html
from campaigns.transports import Refused, Stopped, TryLater
from contacts.models import Appointment
from contacts.paging import page_of
from contacts.viewer import viewer_of

NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"
# The mail's own styles stand in it, as in a mail reader; nothing in it may load or run.
MAIL_POLICY = {"default-src": ["'none'"], "style-src": ["'unsafe-inline'"], "frame-ancestors": ["'self'"]}


def campaigns(request: HttpRequest) -> HttpResponse:
    rows = [
        (
            row,
            wording.sets_off(row.get_trigger_display(), row.on_changes),
            wording.steps(step for step in row.steps.all() if step.is_active),
        )
        for row in figures.with_counts()
    ]
    return render(request, "campaigns/campaigns.html", {"rows": rows})


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
        "figures": figures.of_steps(stored) if stored else [],
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


@require_POST
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switches the campaign on or off. What waits is skipped while it is off."""
    row = get_object_or_404(Campaign, pk=pk)
    row.is_active = not row.is_active
    row.save(update_fields=["is_active"])
    effect = "is on." if row.is_active else "is off: nobody enters, and what comes due is skipped."
    messages.success(request, f"“{row.name}” {effect}")
    return redirect("campaigns:campaigns")


def outbox(request: HttpRequest) -> HttpResponse:
    tab = request.GET.get("tab", "sent")
    kind = request.GET.get("of", "messages")
    if tab not in outbox_rows.TABS or kind not in outbox_rows.KINDS:
        raise Http404
    page = page_of(outbox_rows.in_tab(tab, kind), request.GET.get("page"))
    rows = outbox_rows.rows_of(page.rows, viewer_of(request))
    tabs = [(key, words) for key, (words, _) in outbox_rows.TABS.items()]
    turning = {"previous": page.number - 1, "next": page.number + 1}
    return render(
        request,
        "campaigns/outbox.html",
        {
            "tab": tab,
            "tabs": tabs,
            "kind": kind,
            "kinds": outbox_rows.KINDS,
            "rows": rows,
            "page": page,
            "turning": turning,
        },
    )


def message(request: HttpRequest, pk: int) -> HttpResponse:
    return _one(request, get_object_or_404(outbox_rows.messages(), pk=pk))


def notice(request: HttpRequest, pk: int) -> HttpResponse:
    return _one(request, get_object_or_404(outbox_rows.notices(), pk=pk))


def _one(request: HttpRequest, found: Outgoing) -> HttpResponse:
    row = _readable(request, found)
    text = outbox_rows.as_it_reads(found).text
    is_notice = isinstance(found, Notice)
    return render(
        request,
        "campaigns/message.html",
        {"row": row, "message": found, "text": text, "is_notice": is_notice},
    )


@xframe_options_sameorigin
@csp(MAIL_POLICY)  # type: ignore[arg-type]  # django-csp's type allows the request alone
def message_as_mail(request: HttpRequest, pk: int) -> HttpResponse:
    """The message as a mail reader shows it, for the sandboxed frame on its page."""
    return _as_mail(request, get_object_or_404(outbox_rows.messages(), pk=pk))


@xframe_options_sameorigin
@csp(MAIL_POLICY)  # type: ignore[arg-type]  # as above
def notice_as_mail(request: HttpRequest, pk: int) -> HttpResponse:
    return _as_mail(request, get_object_or_404(outbox_rows.notices(), pk=pk))


def _as_mail(request: HttpRequest, found: Outgoing) -> HttpResponse:
    _readable(request, found)
    reads = outbox_rows.as_it_reads(found)
    return HttpResponse(reads.html or as_html(reads.text, title=reads.subject))


def _readable(request: HttpRequest, found: Outgoing) -> outbox_rows.Row:
    """The row of one that may be read. Raises Http404 where it is of a colleague's private appointment."""
    (row,) = outbox_rows.rows_of([found], viewer_of(request))
    if row.is_hidden:
        raise Http404
    return row
