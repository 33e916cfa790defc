"""How one user, or one unassigned calendar, syncs with Google."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from simple_history.models import HistoricalRecords

from calendars.models.calendars import Calendar


class SyncOption(models.TextChoices):
    ONE_WAY = "one_way", "One way"
    TWO_WAY = "two_way", "Two way"
    SMART = "smart", "Smart"
    DISABLE_TRIGGER = "disable_trigger", "Disable trigger"


class RecurringEvents(models.TextChoices):
    EACH = "each", "Each occurrence is an appointment"
    BLOCK = "block", "Block time only"


class PrivateEvents(models.TextChoices):
    NORMAL = "normal", "Like any other event"
    BLOCK = "block", "Block without details"
    IGNORE = "ignore", "Ignore"


class CalendarConfiguration(models.Model):
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="calendar_configuration",
    )
    calendar = models.OneToOneField(
        Calendar,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="configuration",
        verbose_name="unassigned calendar",
    )
    linked_calendar = models.ForeignKey(
        "integrations.GoogleCalendar",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="linked_by",
    )
    conflict_calendars = models.ManyToManyField(
        "integrations.GoogleCalendar", blank=True, related_name="conflict_of"
    )
    sync_option = models.CharField(max_length=16, choices=SyncOption, default=SyncOption.ONE_WAY)
    allow_contact_creation = models.BooleanField("Allow Contact Creation", default=False)
    default_calendar = models.ForeignKey(
        Calendar, on_delete=models.SET_NULL, null=True, blank=True, related_name="default_of"
    )
    allow_trigger = models.BooleanField("Allow Trigger", default=False)
    recurring_events = models.CharField(max_length=8, choices=RecurringEvents, default=RecurringEvents.EACH)
    blocks_unanswered = models.BooleanField("unanswered invitations block time", default=True)
    private_events = models.CharField(max_length=8, choices=PrivateEvents, default=PrivateEvents.BLOCK)
    # One address or domain a line, as typed; calendars.sync.facts reads it.
    ignored_guests = models.TextField(blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    # Events that Google created before it stay silent. Set when the link, the option or a toggle changes.
    policy_since = models.DateTimeField(default=timezone.now, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    history = HistoricalRecords(m2m_fields=[conflict_calendars])

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(user=None, calendar__isnull=False) | Q(user__isnull=False, calendar=None),
                name="configuration_of_one_user_or_calendar",
            ),
            models.CheckConstraint(
                condition=Q(allow_contact_creation=False) | Q(default_calendar__isnull=False) | Q(user=None),
                name="configuration_creation_needs_default",
            ),
            models.UniqueConstraint(
                fields=["linked_calendar"],
                condition=Q(calendar__isnull=False),
                name="configuration_unassigned_link_once",
            ),
        ]

    def __str__(self) -> str:
        return f"Configuration of {self.user or self.calendar}"
