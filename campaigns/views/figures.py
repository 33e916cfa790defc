"""The figures of a campaign: a page, and the same as a file."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from campaigns import wording
from campaigns.figures.books import Books, books_of
from campaigns.figures.comparing import FEWEST, compare
from campaigns.figures.counting import StepFigures, of_steps
from campaigns.figures.drawing import Piece, bar, course
from campaigns.figures.periods import Chosen, FiguresForm
from campaigns.figures.table import csv_of, endings_csv_of
from campaigns.models import Campaign


@dataclass(frozen=True, slots=True)
class Row:
    """A step, or all of them together, with its bar."""

    words: str
    medium: str
    books: Books
    pieces: list[Piece]
    figures: StepFigures | None = None


@require_safe
def figures(request: HttpRequest, pk: int) -> HttpResponse:
    campaign, today = get_object_or_404(Campaign, pk=pk), timezone.localdate()
    form = FiguresForm(request.GET, today=today)
    chosen = form.chosen
    steps, tallies = of_steps(campaign, chosen)
    total = books_of(tallies)
    return render(
        request,
        "campaigns/figures.html",
        {
            "campaign": campaign,
            "sets_off": wording.sets_off(campaign.get_trigger_display(), campaign.on_changes),
            "form": form,
            "chosen": chosen,
            "rows": [_row(each) for each in steps],
            "total": Row("All messages", "", total, bar(total)),
            "course": course(tallies, since=chosen.since, until=chosen.until, today=today),
            "comparison": compare(campaign, chosen, timezone.now()),
            "fewest": FEWEST,
            "query": request.GET.urlencode(),
        },
    )


def _row(each: StepFigures) -> Row:
    return Row(each.words, each.step.get_medium_display(), each.books, bar(each.books), each)


@require_safe
def figures_file(request: HttpRequest, pk: int) -> HttpResponse:
    """What the page shows of each step, as CSV."""
    campaign = get_object_or_404(Campaign, pk=pk)
    chosen, calendar = _asked(request)
    return _file(campaign, "figures", csv_of(campaign, of_steps(campaign, chosen)[0], chosen, calendar))


@require_safe
def endings_file(request: HttpRequest, pk: int) -> HttpResponse:
    """How the appointments ended, those reminded and the others, as CSV."""
    campaign = get_object_or_404(Campaign, pk=pk)
    chosen, calendar = _asked(request)
    found = compare(campaign, chosen, timezone.now())
    if found is None:
        raise Http404
    return _file(campaign, "endings", endings_csv_of(campaign, found, chosen, calendar))


def _asked(request: HttpRequest) -> tuple[Chosen, str]:
    """What the address chooses, and the calendar's name; "" for all."""
    form = FiguresForm(request.GET, today=timezone.localdate())
    chosen = form.chosen
    calendar = form.cleaned_data.get("calendar")
    return chosen, calendar.name if calendar else ""


def _file(campaign: Campaign, what: str, text: str) -> HttpResponse:
    name = f"{what}-{slugify(campaign.name) or campaign.pk}-{timezone.localdate():%Y-%m-%d}.csv"
    # The mark by which spreadsheets know UTF-8.
    return HttpResponse(
        "\ufeff" + text,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
