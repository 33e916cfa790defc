"""What a person decided of an event holds where it is dragged to, and for what is added to a series it was made for."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from calendars.models import GoogleEvent
from calendars.sync.dragged import has_returned, left_after
from calendars.sync.setting import Setting

# Of decisions, those that are about the event as it is, wherever it lies, and not about one deletion of it.
GOES_ALONG = (GoogleEvent.Decision.KEEP_PRIVATE, GoogleEvent.Decision.UNDONE, GoogleEvent.Decision.RESTORED)
# "This and following": Google names the rest of a series after the first part.
SPLIT_OFF = re.compile(r"_R\d{8}(T\d{6}Z?)?$")


def take_over_decisions(rows: Sequence[GoogleEvent], setting: Setting) -> None:
    """Give the decision to those of `rows`, events of one Google calendar, that are new to such a series, or were
    dragged here from another calendar of their person's, where they were kept private or undone.

    No statement where no event is new; one for the occurrences, and one where there is another calendar.
    """
    new = [row for row in rows if not (row.planned_etag or row.decision or _is_booked(row))]
    taken = _from_series([row for row in new if row.recurring_event_id], setting)
    if setting.others_pulled is not None:
        arrived = [row for row in rows if not row.planned_etag or has_returned(row)]
        taken |= _from_elsewhere([row for row in arrived if row.ical_uid and row.organised_by_us], setting)
    _store(taken)


def _from_series(new: Sequence[GoogleEvent], setting: Setting) -> dict[GoogleEvent, GoogleEvent]:
    if not new:
        return {}
    decided = GoogleEvent.objects.filter(
        google_calendar=setting.google_calendar,
        decides_series=True,
        recurring_event_id__in={name for row in new for name in _names(row)},
    )
    found = {row.recurring_event_id: row for row in decided.order_by("starts_at", "pk")}
    like = {row: next((found[name] for name in _names(row) if name in found), None) for row in new}
    return {row: other for row, other in like.items() if other is not None}


def _from_elsewhere(arrived: Sequence[GoogleEvent], setting: Setting) -> dict[GoogleEvent, GoogleEvent]:
    """As it was decided where each stood last: a decision that was taken back there is not taken over."""
    if not arrived:
        return {}
    others = GoogleEvent.objects.filter(
        google_calendar__account__user=setting.google_calendar.account.user_id,
        ical_uid__in={row.ical_uid for row in arrived},
        organised_by_us=True,
    ).exclude(google_calendar=setting.google_calendar)
    # Where it stands, else where it was seen last.
    ordered = sorted(others.order_by("seen_at"), key=lambda row: not row.is_cancelled)
    found = {(row.ical_uid, row.original_start): row for row in ordered}
    like = {row: found.get((row.ical_uid, row.original_start)) for row in arrived}
    return {
        row: other
        for row, other in like.items()
        if other is not None
        and (other.decision in GOES_ALONG or row.decision in GOES_ALONG)
        and (not row.planned_etag or left_after(other, row))
    }


def _store(taken: Mapping[GoogleEvent, GoogleEvent]) -> None:
    """One statement for each decision; a person may decide about a row meanwhile."""
    same: dict[tuple[str, int | None, bool, str], list[int]] = defaultdict(list)
    for row, like in taken.items():
        decision = like.decision if like.decision in GOES_ALONG or like.decides_series else ""
        by, whole = (like.decided_by_id, like.decides_series) if decision else (None, False)
        if (decision, by, whole) != (row.decision, row.decided_by_id, row.decides_series):
            same[decision, by, whole, row.decision].append(row.pk)
        row.decision, row.decided_by_id, row.decides_series = decision, by, whole
    for (decision, by, whole, was), pks in same.items():
        GoogleEvent.objects.filter(pk__in=pks, decision=was).update(
            decision=decision, decided_by=by, decides_series=whole
        )


def _is_booked(row: GoogleEvent) -> bool:
    return row.appointment is not None and not row.appointment.is_void


def _names(row: GoogleEvent) -> tuple[str, str]:
    return row.recurring_event_id, SPLIT_OFF.sub("", row.recurring_event_id)
