"""Time that people block by hand."""

import datetime

from django.db import transaction

from calendars.booking.rules import NotPossible, check_times
from calendars.models import BlockedTime
from calendars.wall_time import OUT_OF_BOUNDS, is_in_bounds

LONGEST = datetime.timedelta(days=400)


def why_no_block(starts_at: datetime.datetime, ends_at: datetime.datetime) -> str:
    """Why nobody can block that time; "" when they can."""
    if ends_at <= starts_at:
        return "The end must come after the start."
    if not is_in_bounds(starts_at) or not is_in_bounds(ends_at):
        return OUT_OF_BOUNDS
    if ends_at - starts_at > LONGEST:
        return f"At most {LONGEST.days} days at once. For good, change your hours instead."
    return ""


def version_of(row: BlockedTime) -> str:
    """What a page remembers, to be told when somebody moved it meanwhile."""
    return f"{row.starts_at.timestamp():.0f}-{row.ends_at.timestamp():.0f}"


@transaction.atomic
def move(
    row: BlockedTime, *, times: tuple[datetime.datetime, datetime.datetime], version: str
) -> BlockedTime:
    """`row` at its new time. Raises NotPossible where it is no longer as the page with `version` showed it."""
    check_times(*times)
    why_not = why_no_block(*times)
    if why_not:
        raise NotPossible(why_not)
    found = BlockedTime.objects.select_for_update().filter(pk=row.pk).first()
    if found is None:
        raise NotPossible("It was lifted meanwhile: the time is free.")
    if version_of(found) != version:
        raise NotPossible("It was moved meanwhile, so it stays where it is now.")
    found.starts_at, found.ends_at = times
    found.save(update_fields=["starts_at", "ends_at"])
    return found
