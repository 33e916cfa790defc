"""What a person decided of an event holds where it is dragged to, and for what is added to a series it was made for."""

import re
from collections.abc import Sequence

from calendars.models import GoogleEvent
from calendars.sync.setting import Setting

# "This and following": Google names the rest of a series after the first part.
SPLIT_OFF = re.compile(r"_R\d{8}(T\d{6}Z?)?$")


def take_over_decisions(rows: Sequence[GoogleEvent], setting: Setting) -> None:
    """Give the decision to those of `rows`, events of one Google calendar, that are new to such a series, or were
    dragged here from another calendar of their person's, where they were kept private or undone.

    No statement where no event is new; one for the occurrences, and one where there is another calendar.
    """
    new = [row for row in rows if not (row.planned_etag or row.decision or _is_booked(row))]
    _take_over_from_series([row for row in new if row.recurring_event_id], setting)
    if setting.others_pulled is not None:
        _take_over_dragged([row for row in new if row.ical_uid and not row.decision], setting)


def _take_over_from_series(new: Sequence[GoogleEvent], setting: Setting) -> None:
    if not new:
        return
    decided = GoogleEvent.objects.filter(
        google_calendar__account__user=setting.google_calendar.account.user_id,
        decides_series=True,
        recurring_event_id__in={name for row in new for name in _names(row)},
    )
    found = {row.recurring_event_id: row for row in decided.order_by("starts_at", "pk")}
    for row in new:
        like = next((found[name] for name in _names(row) if name in found), None)
        if like is not None:
            _take_over(row, like)


def _take_over_dragged(new: Sequence[GoogleEvent], setting: Setting) -> None:
    if not new:
        return
    decided = GoogleEvent.objects.filter(
        google_calendar__account__user=setting.google_calendar.account.user_id,
        ical_uid__in={row.ical_uid for row in new},
        decision__in=[GoogleEvent.Decision.KEEP_PRIVATE, GoogleEvent.Decision.UNDONE],
    ).exclude(google_calendar=setting.google_calendar)
    found = {(row.ical_uid, row.original_start): row for row in decided.order_by("seen_at")}
    for row in new:
        like = found.get((row.ical_uid, row.original_start))
        if like is not None:
            _take_over(row, like)


def _take_over(row: GoogleEvent, like: GoogleEvent) -> None:
    row.decision, row.decided_by_id, row.decides_series = (
        like.decision,
        like.decided_by_id,
        like.decides_series,
    )
    # A person may decide about the row meanwhile.
    GoogleEvent.objects.filter(pk=row.pk, decision="").update(
        decision=row.decision, decided_by=row.decided_by_id, decides_series=row.decides_series
    )


def _is_booked(row: GoogleEvent) -> bool:
    return row.appointment is not None and not row.appointment.is_void


def _names(row: GoogleEvent) -> tuple[str, str]:
    return row.recurring_event_id, SPLIT_OFF.sub("", row.recurring_event_id)
