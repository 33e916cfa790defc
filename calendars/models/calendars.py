"""Calendars that people book, who takes their appointments, and when those work."""

import datetime
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

if TYPE_CHECKING:
    from contacts.models import User

HEX_COLOUR = RegexValidator(
    r"^#[0-9a-fA-F]{6}$", "Write the colour as # and six digits, for example #2f6fde."
)


class CalendarQuerySet(models.QuerySet["Calendar"]):
    def active(self) -> "CalendarQuerySet":
        return self.filter(is_active=True)

    def group(self) -> "CalendarQuerySet":
        """Every kind but unassigned: ruled by the configuration of each member."""
        return self.exclude(kind=Calendar.Kind.UNASSIGNED)

    def default_for(self, user: "User | None") -> "CalendarQuerySet":
        """Those a user may choose as default calendar: active, with members, the user among them."""
        return self.active().group().filter(memberships__user=user, memberships__is_active=True).distinct()


class Calendar(models.Model):
    class Kind(models.TextChoices):
        UNASSIGNED = "unassigned", "Unassigned"
        PERSONAL = "personal", "Personal"
        ROUND_ROBIN = "round_robin", "Round robin"
        COLLECTIVE = "collective", "Collective"
        CLASS = "class", "Class"

    class Notices(models.TextChoices):
        CUSTOMERS = "customers", "For appointments that customers booked"
        ALL = "all", "For every appointment made here"
        NONE = "none", "Never"

    name = models.CharField(max_length=100)
    description = models.TextField(blank=True, help_text="What visitors read above the days.")
    slug = models.SlugField(unique=True, help_text="The last part of the booking page's address.")
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.PERSONAL)
    is_active = models.BooleanField(default=True)
    # An unassigned calendar's owner is the user whose Google account it is linked to.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="own_calendars",
    )
    colour = models.CharField(max_length=7, default="#2f6fde", validators=[HEX_COLOUR])
    location = models.CharField(max_length=300, blank=True)
    uses_google_meet = models.BooleanField("Google Meet link", default=False)
    time_zone = models.CharField(max_length=64, default="UTC")
    duration = models.DurationField(default=datetime.timedelta(minutes=30))
    interval = models.DurationField(null=True, blank=True, help_text="Between starts; empty: the duration.")
    buffer_before = models.DurationField(default=datetime.timedelta(0))
    buffer_after = models.DurationField(default=datetime.timedelta(0))
    minimum_notice = models.DurationField(default=datetime.timedelta(hours=4))
    horizon_days = models.PositiveIntegerField("booking horizon (days)", default=60)
    most_per_day = models.PositiveIntegerField(null=True, blank=True)
    seats = models.PositiveIntegerField(default=1)
    confirms_automatically = models.BooleanField(default=False)
    allows_reschedule = models.BooleanField(default=True)
    allows_cancel = models.BooleanField(default=True)
    change_deadline = models.DurationField(default=datetime.timedelta(hours=24))
    keeps_owner = models.BooleanField(
        "a contact stays with their owner",
        default=False,
        help_text="When that member is free; otherwise it is somebody else's turn.",
    )
    most_guests = models.PositiveSmallIntegerField("further guests", default=3)
    consent = models.CharField(
        max_length=300,
        blank=True,
        default="I agree that these details are kept to arrange this appointment.",
        help_text="The words beside the box that visitors tick; empty: no box.",
    )
    notices = models.CharField(
        "confirmation e-mails",
        max_length=10,
        choices=Notices,
        default=Notices.CUSTOMERS,
        help_text="Confirmation, move and cancellation, each with a calendar file.",
    )
    invites_through_google = models.BooleanField("invite the contact through Google", default=False)

    objects = CalendarQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(seats__gte=1), name="calendar_has_a_seat")
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("calendars:calendar", args=[self.pk])

    @property
    def is_unassigned(self) -> bool:
        return self.kind == self.Kind.UNASSIGNED

    @property
    def lets_google_invite(self) -> bool:
        """Whether Google writes to the guests. Never of a class, whose event has no guest list."""
        return self.invites_through_google and self.kind != self.Kind.CLASS


class Membership(models.Model):
    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    priority = models.PositiveSmallIntegerField(default=0, help_text="Lower is asked first.")
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ("priority", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["calendar", "user"], name="membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.calendar}"


class Hours(models.Model):
    """Hours of a member of a group calendar, or of an unassigned calendar itself: exactly one of the two."""

    membership = models.ForeignKey(
        Membership, on_delete=models.CASCADE, null=True, blank=True, related_name="%(class)s_set"
    )
    calendar = models.ForeignKey(
        Calendar, on_delete=models.CASCADE, null=True, blank=True, related_name="%(class)s_set"
    )

    class Meta:
        abstract = True
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(membership=None, calendar__isnull=False)
                | Q(membership__isnull=False, calendar=None),
                name="%(class)s_of_one",
            )
        ]


class WeeklyHours(Hours):
    weekday = models.PositiveSmallIntegerField(help_text="0 is Monday.")
    starts = models.TimeField()
    ends = models.TimeField(help_text="Not after the start: the next day.")

    class Meta(Hours.Meta):
        verbose_name_plural = "weekly hours"
        ordering = ("weekday", "starts")

    def __str__(self) -> str:
        return f"{self.weekday}: {self.starts:%H:%M} to {self.ends:%H:%M}"


class DateOverride(Hours):
    on = models.DateField()
    starts = models.TimeField(null=True, blank=True, help_text="Empty: closed all day.")
    ends = models.TimeField(null=True, blank=True)

    class Meta(Hours.Meta):
        ordering = ("on", "starts")

    def __str__(self) -> str:
        return f"{self.on}: {f'{self.starts:%H:%M} to {self.ends:%H:%M}' if self.starts and self.ends else 'closed'}"


class BlockedTime(models.Model):
    """Time a user blocked by hand."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="blocked_times")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    title = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("starts_at",)
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="blocked_time_ends_after_start"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "starts_at", "ends_at"], name="blocked_time_agenda")
        ]

    def __str__(self) -> str:
        return self.title or "Blocked"
