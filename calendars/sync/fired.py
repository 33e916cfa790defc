"""What the events of appointments say once their triggers were fired by hand."""

import uuid
from collections.abc import Collection

from calendars.models import GoogleEvent
from calendars.sync.firing import fired_by_hand
from contacts.models import User


def tell_fired(appointment_ids: Collection[uuid.UUID], *, by: User) -> None:
    """No muted bell any more, which says "no triggers", and a reason that says who fired them."""
    rows = list(GoogleEvent.objects.filter(appointment__in=appointment_ids).only("reason"))
    for row in rows:
        row.is_silent, row.reason = False, fired_by_hand(row.reason, str(by))[:500]
    GoogleEvent.objects.bulk_update(rows, ["is_silent", "reason"])
