"""Time: what people book, how each person syncs, and what we last saw at Google."""

from calendars.models.calendars import BlockedTime, Calendar, DateOverride, Membership, WeeklyHours
from calendars.models.configuration import CalendarConfiguration, PrivateEvents, RecurringEvents, SyncOption
from calendars.models.google import GoogleEvent, GoogleEventGuest, PushTarget, SyncRun

__all__ = [
    "BlockedTime",
    "Calendar",
    "CalendarConfiguration",
    "DateOverride",
    "GoogleEvent",
    "GoogleEventGuest",
    "Membership",
    "PrivateEvents",
    "PushTarget",
    "RecurringEvents",
    "SyncOption",
    "SyncRun",
    "WeeklyHours",
]
