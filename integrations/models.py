"""GoogleAccount: one OAuth grant. GoogleCalendar: one calendar it can read, with its place in the stream of changes.
Channel: Google's promise to tell us when such a calendar changes.
"""

import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from integrations.fields import EncryptedTextField


class GoogleAccountQuerySet(models.QuerySet["GoogleAccount"]):
    def working(self) -> "GoogleAccountQuerySet":
        return self.filter(state=GoogleAccount.State.CONNECTED)

    def needing_attention(self) -> "GoogleAccountQuerySet":
        return self.filter(state__in=[GoogleAccount.State.RECONNECT, GoogleAccount.State.MISSING])


class GoogleAccount(models.Model):
    class State(models.TextChoices):
        CONNECTED = "connected", "Connected"
        RECONNECT = "reconnect", "Reconnect needed"
        MISSING = "missing", "Missing permission"
        DISCONNECTED = "disconnected", "Disconnected"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="google_accounts"
    )
    # Google's `sub`: the address of an account can change, this cannot.
    subject = models.CharField(max_length=255)
    address = models.EmailField()
    state = models.CharField(max_length=12, choices=State, default=State.CONNECTED)
    scopes = models.JSONField("granted scopes", default=list, blank=True)
    access_token = EncryptedTextField(blank=True, default="", editable=False)
    refresh_token = EncryptedTextField(blank=True, default="", editable=False)
    access_expires_at = models.DateTimeField(null=True, blank=True)
    refresh_claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    connected_at = models.DateTimeField(null=True, blank=True)

    # What the engine knows, written by it, shown in Settings → Integrations.
    last_pull_at = models.DateTimeField(null=True, blank=True)
    last_push_at = models.DateTimeField(null=True, blank=True)
    listed_at = models.DateTimeField(
        null=True, blank=True, help_text="when Google last told which calendars it has"
    )
    queue_length = models.PositiveIntegerField(default=0, help_text="appointments that wait to be pushed")
    failures = models.PositiveIntegerField(default=0, help_text="temporary failures in a row")
    not_before = models.DateTimeField(
        null=True, blank=True, help_text="no request to Google before this moment"
    )
    last_error = models.CharField(max_length=500, blank=True)
    mailed_at = models.DateTimeField(
        null=True, blank=True, help_text="when its owner was told it needs a reconnect"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = GoogleAccountQuerySet.as_manager()

    class Meta:
        ordering = ("address",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "subject"], name="google_account_once_per_user")
        ]
        indexes: ClassVar = [
            # Whether a guest is one of us is asked with every batch of events.
            models.Index(fields=["address"], name="google_account_address"),
            models.Index(fields=["id"], condition=Q(queue_length__gt=0), name="google_account_queued"),
        ]

    def __str__(self) -> str:
        return self.address

    @property
    def is_connected(self) -> bool:
        return self.state == self.State.CONNECTED


class GoogleCalendarQuerySet(models.QuerySet["GoogleCalendar"]):
    def due(self, now: datetime.datetime) -> "GoogleCalendarQuerySet":
        """Those whose next pull has come and whose account works; the longest due first."""
        return self.filter(
            Q(claimed_until=None) | Q(claimed_until__lte=now),
            Q(account__not_before=None) | Q(account__not_before__lte=now),
            next_pull_at__lte=now,
            account__state=GoogleAccount.State.CONNECTED,
        ).order_by("next_pull_at")


class GoogleCalendar(models.Model):
    class Access(models.TextChoices):
        OWNER = "owner", "Owner"
        WRITER = "writer", "Can change events"
        WRITER_WITHOUT_PRIVATE = "writerWithoutPrivateAccess", "Can change events, private ones hidden"
        READER = "reader", "Can read"
        FREE_BUSY = "freeBusyReader", "Sees free and busy only"

    WRITABLE = (Access.OWNER, Access.WRITER)

    account = models.ForeignKey(GoogleAccount, on_delete=models.CASCADE, related_name="calendars")
    google_id = models.CharField(max_length=255)
    summary = models.CharField(max_length=255, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    access_role = models.CharField(max_length=32)
    colour = models.CharField(max_length=7, blank=True)
    is_primary = models.BooleanField(default=False)
    # No longer in Google's list of this person's calendars, since then.
    gone_at = models.DateTimeField(null=True, blank=True)

    # Its place in the stream of changes. Written by calendars.sync.pull alone.
    sync_token = models.TextField(blank=True, editable=False)
    window_starts_at = models.DateTimeField(null=True, blank=True)
    # Never answer "free" beyond this moment: nothing was pulled there.
    window_ends_at = models.DateTimeField(null=True, blank=True)
    # Empty: nobody reads this calendar. Otherwise the sweep `pull_due` takes it from then on.
    next_pull_at = models.DateTimeField(null=True, blank=True)
    next_full_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    last_pull_at = models.DateTimeField(null=True, blank=True)
    # Google refuses to tell its events, since then; empty again with the next pull that ends well.
    refused_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)

    objects = GoogleCalendarQuerySet.as_manager()

    class Meta:
        ordering = ("-is_primary", "summary")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "google_id"], name="google_calendar_once_per_account")
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_pull_at"], condition=Q(next_pull_at__isnull=False), name="pull_due"),
        ]

    def __str__(self) -> str:
        return self.summary or self.google_id

    @property
    def is_writable(self) -> bool:
        return self.access_role in self.WRITABLE

    @property
    def access_words(self) -> str:
        """What the account may do with it; Google's own word where that is one we do not know."""
        return dict(self.Access.choices).get(self.access_role, self.access_role)


class ChannelQuerySet(models.QuerySet["Channel"]):
    def telling(self, now: datetime.datetime) -> "ChannelQuerySet":
        """Those that are proven to reach us: open, and Google's first message came through."""
        return self.filter(state=Channel.State.OPEN, last_message_at__isnull=False, expires_at__gt=now)


class Channel(models.Model):
    """Written by `integrations.channels` alone. A row outlives neither its stop nor its expiry."""

    class State(models.TextChoices):
        OPENING = "opening", "Asked for"
        OPEN = "open", "Open"
        ENDING = "ending", "To be stopped"
        FAILED = "failed", "Not opened"

    google_calendar = models.ForeignKey(GoogleCalendar, on_delete=models.CASCADE, related_name="channels")
    channel_id = models.CharField(max_length=64, unique=True)
    # Its secret is compared and never sent again, so a digest is all we keep.
    token_digest = models.CharField(max_length=64, editable=False)
    address = models.CharField(max_length=500, help_text="where Google sends its messages")
    state = models.CharField(max_length=8, choices=State, default=State.OPENING)
    # Empty until Google's answer, or its first message, which may be quicker (N2), tells it.
    resource_id = models.CharField(max_length=255, blank=True)
    asked_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    renew_at = models.DateTimeField(null=True, blank=True)
    last_message_number = models.PositiveBigIntegerField(default=0)
    last_message_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True, help_text="no further try before this moment")
    last_error = models.CharField(max_length=500, blank=True)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        ordering = ("google_calendar", "-asked_at")
        constraints: ClassVar = [
            # Two workers that open one calendar's channel at once: the second finds the first one's row.
            models.UniqueConstraint(
                fields=["google_calendar", "state"],
                condition=Q(state__in=["opening", "open"]),
                name="channel_one_opening_one_open",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="channel_expired")]

    def __str__(self) -> str:
        return f"{self.google_calendar}: {self.get_state_display()}"
