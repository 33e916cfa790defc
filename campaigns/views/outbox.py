"""The outbox: every message, and one as its reader sees it."""

from csp.decorators import csp
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.clickjacking import xframe_options_sameorigin

from campaigns import outbox as outbox_rows
from campaigns.mail_page import as_html
from campaigns.models import Notice, Outgoing
from contacts.paging import page_of
from contacts.viewer import viewer_of

# The mail's own styles stand in it, as in a mail reader; nothing in it may load or run.
MAIL_POLICY = {"default-src": ["'none'"], "style-src": ["'unsafe-inline'"], "frame-ancestors": ["'self'"]}


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
