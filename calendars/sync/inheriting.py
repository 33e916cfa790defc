"""What is added to a series about which a person decided as a whole takes that decision over."""

import re
from collections.abc import Sequence

from calendars.models import GoogleEvent

# "This and following": Google names the rest of a series after the first part.
SPLIT_OFF = re.compile(r"_R\d{8}(T\d{6}Z?)?$")


def take_over_decisions(rows: Sequence[GoogleEvent]) -> None:
    """Give the decision to those of `rows`, events of one Google calendar, that are new to such a series. No statement
    where no occurrence is new, one where no series is decided about.
    """
    new = [
        row
        for row in rows
        if row.recurring_event_id and not row.planned_etag and not row.decision and not _is_booked(row)
    ]
    if not new:
        return
    decided = GoogleEvent.objects.filter(
        google_calendar=new[0].google_calendar_id,
        decides_series=True,
        recurring_event_id__in={name for row in new for name in _names(row)},
    )
    found = {row.recurring_event_id: row for row in decided.order_by("starts_at", "pk")}
    for row in new:
        like = next((found[name] for name in _names(row) if name in found), None)
        if like is not None:
            row.decision, row.decided_by_id, row.decides_series = like.decision, like.decided_by_id, True
            # A person may decide about the row meanwhile.
            GoogleEvent.objects.filter(pk=row.pk, decision="").update(
                decision=row.decision, decided_by=row.decided_by_id, decides_series=True
            )


def _is_booked(row: GoogleEvent) -> bool:
    return row.appointment is not None and not row.appointment.is_void


def _names(row: GoogleEvent) -> tuple[str, str]:
    return row.recurring_event_id, SPLIT_OFF.sub("", row.recurring_event_id)
