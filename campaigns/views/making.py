"""Campaigns from campaigns, and people into them: copy, and enter upcoming appointments."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from campaigns import copying, entering
from campaigns.candidates import doubled_by
from campaigns.models import Campaign
from campaigns.outbox import hidden_from
from contacts.viewer import viewer_of


@require_POST
def copy(request: HttpRequest, pk: int) -> HttpResponse:
    twin = copying.copy(get_object_or_404(Campaign, pk=pk))
    messages.success(request, "This is the copy. It is off, and nobody is in it.")
    return redirect(twin)


def upcoming(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows whom else the campaign fits, POST enters those that are ticked."""
    row = get_object_or_404(Campaign, pk=pk)
    now = timezone.now()
    if request.method == "POST":
        chosen = [int(each) for each in request.POST.getlist("event") if each.isdecimal()]
        number = entering.enter(row, chosen, now=now) if row.is_active else 0
        messages.success(request, _told(number))
        return redirect(row)
    found = entering.fitting(row, now)
    hidden = hidden_from(viewer_of(request), {each.appointment.pk for each in found})
    rows = [(each, each.appointment.pk in hidden) for each in found]
    context = {
        "campaign": row,
        "rows": rows,
        "doubled": doubled_by(row) if rows else [],
        "is_full": len(rows) == entering.MOST,
        "has_silent": any(each.is_silent for each in found),
    }
    return render(request, "campaigns/upcoming.html", context)


def _told(number: int) -> str:
    if not number:
        return "Nobody was entered."
    return f"{number} appointment{' is' if number == 1 else 's are'} in it now. Their messages wait in the outbox."
