"""How booking pages say times and lengths of time."""

import datetime

from django import template

from calendars import picking

register = template.Library()


@register.filter(expects_localtime=True)
def clock(moment: datetime.datetime) -> str:
    """The time of day in the zone of the page, without doubt where clocks change."""
    return picking.clock(moment)


@register.filter
def minutes(duration: datetime.timedelta) -> str:
    """ "45 minutes", "1 hour", "1 hour 30 minutes"."""
    hours, rest = divmod(int(duration.total_seconds()) // 60, 60)
    parts = [
        f"{number} {word}{'s' if number != 1 else ''}"
        for number, word in ((hours, "hour"), (rest, "minute"))
        if number
    ]
    return " ".join(parts) or "0 minutes"
