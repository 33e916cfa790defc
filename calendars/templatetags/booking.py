"""How booking pages say times and lengths of time, and the zones to choose from."""

import datetime
from functools import cache

from django import template
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from calendars import picking
from contacts.time_zones import zone_choices, zone_or_none

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


@register.simple_tag
def zone_options(chosen: str) -> SafeString:
    """The options of a select of time zones, of which `chosen` is selected."""
    options, option = _zone_options(), f'value="{escape(chosen)}"'
    if option not in options and zone_or_none(chosen):
        # A legacy name ("GB"), which nobody is to choose, stays chosen.
        group = '<optgroup label="Now shown"><option value="{}">{}</option></optgroup>'
        options = format_html(group, chosen, chosen) + options
    return mark_safe(options.replace(option, f"{option} selected", 1))  # noqa: S308 (made by format_html)


@cache
def _zone_options() -> str:
    """Four hundred that never change: to draw them took longer than the rest of the page."""
    return format_html_join(
        "",
        '<optgroup label="{}">{}</optgroup>',
        (
            (region, format_html_join("", '<option value="{}">{}</option>', choices))
            for region, choices in zone_choices()
        ),
    )
