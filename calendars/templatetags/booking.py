"""How booking pages say a length of time, and the zones to choose from."""

import datetime
from functools import cache

from django import template
from django.utils.html import escape, format_html_join
from django.utils.safestring import SafeString, mark_safe

from contacts.time_zones import zone_choices

register = template.Library()


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
    option = f'value="{escape(chosen)}"'
    return mark_safe(_zone_options().replace(option, f"{option} selected", 1))  # noqa: S308 (made by format_html)


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
