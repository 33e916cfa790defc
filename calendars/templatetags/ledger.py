"""How a row of the ledger reads."""

import datetime

from django import template

from calendars.agenda import event_title as title_of
from calendars.models import GoogleEvent
from contacts.time_zones import zone_or_none

register = template.Library()


@register.filter
def event_title(event: GoogleEvent) -> str:
    return title_of(event)


@register.filter
def first_day(event: GoogleEvent) -> datetime.date | None:
    """The first day of an all-day event, in the zone of its own calendar."""
    zone = zone_or_none(event.google_calendar.time_zone) or datetime.UTC
    return event.starts_at.astimezone(zone).date() if event.starts_at else None
