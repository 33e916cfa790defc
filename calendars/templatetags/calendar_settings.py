"""How the settings of a calendar read."""

import datetime

from django import template

from calendars import durations

register = template.Library()


@register.filter
def length_in_words(length: datetime.timedelta) -> str:
    return durations.words(length)
