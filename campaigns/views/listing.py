"""The list of campaigns, and the switch of each."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from campaigns import readiness, wording
from campaigns.candidates import doubled_by
from campaigns.enrolment import changes_of
from campaigns.figures.counting import listed
from campaigns.models import Campaign


def campaigns(request: HttpRequest) -> HttpResponse:
    rows = [
        (
            row,
            wording.sets_off(row.get_trigger_display(), row.on_changes),
            wording.steps(step for step in row.steps.all() if step.is_active),
            counts,
        )
        for row, counts in listed(timezone.now())
    ]
    return render(request, "campaigns/campaigns.html", {"rows": rows})


@require_POST
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switches the campaign on or off. What waits is skipped while it is off."""
    row = get_object_or_404(Campaign, pk=pk)
    fault = None if row.is_active else readiness.of_campaign(row)
    if fault is not None:
        messages.error(request, f"“{row.name}” stays off. {fault.words}")
        return redirect(row)
    row.is_active = not row.is_active
    row.save(update_fields=["is_active"])
    effect = (
        f"is on. It takes {wording.takes(row.trigger, changes_of(row))}."
        if row.is_active
        else "is off: nobody enters, and what comes due is skipped."
    )
    messages.success(request, f"“{row.name}” {effect}")
    if row.is_active:
        warn_of_doubles(request, row)
    return redirect("campaigns:campaigns")


def warn_of_doubles(request: HttpRequest, row: Campaign) -> None:
    """Says above the next page which other campaigns tell people the same."""
    for each in doubled_by(row):
        link = format_html('<a href="{}">{}</a>', each.campaign.get_absolute_url(), each.campaign.name)
        messages.warning(request, format_html("“{}” {} People would hear twice.", link, each.words))
