"""The figures as lines of a table, for a CSV file that a spreadsheet opens safely."""

import csv
import datetime
import io
from collections.abc import Iterable, Sequence

from campaigns.figures.comparing import Comparison
from campaigns.figures.counting import StepFigures
from campaigns.figures.periods import Chosen
from campaigns.models import Campaign

HEADS = (
    "Campaign",
    "Message",
    "Medium",
    "From",
    "To",
    "Calendar",
    "Planned",
    "Waiting",
    "Sent",
    "Delivered",
    "Bounced",
    "Reported as spam",
    "Failed",
    "Outcome unknown",
    "Skipped",
    "Void",
    "Why skipped, void or failed",
)
ENDINGS = (
    "Campaign",
    "Appointments",
    "From",
    "To",
    "Calendar",
    "Number",
    "Confirmed",
    "Cancelled",
    "Showed",
    "No-show",
)
# What a spreadsheet takes for the beginning of a formula.
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_of(campaign: Campaign, figures: Iterable[StepFigures], chosen: Chosen, calendar: str) -> str:
    """A head in words and one line a step. `calendar`: the name of the one chosen, "" for all."""
    return _written(HEADS, [_line(campaign, each, chosen, calendar) for each in figures])


def endings_csv_of(campaign: Campaign, found: Comparison, chosen: Chosen, calendar: str) -> str:
    """How appointments ended: a line of those reminded and one of the others."""
    lines: list[list[str | int]] = [
        [
            campaign.name,
            words,
            _iso(chosen.since),
            _iso(chosen.until),
            calendar or "All calendars",
            group.appointments,
            group.confirmed,
            group.cancelled,
            group.showed,
            group.no_show,
        ]
        for words, group in (("Reminded", found.reminded), ("Not reminded", found.others))
    ]
    return _written(ENDINGS, lines)


def _written(heads: Sequence[str], lines: Iterable[Sequence[str | int]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(heads)
    writer.writerows([_safe(cell) for cell in line] for line in lines)
    return out.getvalue()


def _line(campaign: Campaign, figures: StepFigures, chosen: Chosen, calendar: str) -> Sequence[str | int]:
    books = figures.books
    reasons = [f"{each.number} {each.words}: {each.why}" for each in figures.reasons]
    return [
        campaign.name,
        f"{figures.words} ({figures.standing})" if figures.standing else figures.words,
        figures.step.get_medium_display(),
        _iso(chosen.since),
        _iso(chosen.until),
        calendar or "All calendars",
        books.planned,
        books.waiting,
        books.sent,
        books.delivered,
        books.bounced,
        books.complained,
        books.failed,
        books.unknown,
        books.skipped,
        books.void,
        "; ".join(reasons),
    ]


def _iso(day: datetime.date | None) -> str:
    return day.isoformat() if day else ""


def _safe(cell: str | int) -> str | int:
    """Text that a spreadsheet would reckon with is quoted, as text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULAS) else cell
