"""The figures as lines of a table, for a CSV file that a spreadsheet opens safely."""

import csv
import datetime
import io
from collections.abc import Iterable, Sequence

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
# What a spreadsheet takes for the beginning of a formula.
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_of(campaign: Campaign, figures: Iterable[StepFigures], chosen: Chosen, calendar: str) -> str:
    """A head in words and one line a step. `calendar`: the name of the one chosen, "" for all."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADS)
    for each in figures:
        writer.writerow([_safe(cell) for cell in _line(campaign, each, chosen, calendar)])
    return out.getvalue()


def _line(campaign: Campaign, figures: StepFigures, chosen: Chosen, calendar: str) -> Sequence[str | int]:
    books = figures.books
    reasons = [f"{each.number} {each.words}: {each.why}" for each in figures.reasons]
    return [
        campaign.name,
        figures.words if figures.step.is_active else f"{figures.words} (removed)",
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
