"""What we last saw at Google, what both sides last agreed on, and what each Google calendar should hold."""

import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Case, F, OuterRef, Q, Value, When


class SyncRun(models.Model):
    """One pull of one Google calendar: what it read and made, so that it can be explained and taken back."""

    class Kind(models.TextChoices):
        FULL = "full", "Full"
        INCREMENTAL = "incremental", "Incremental"

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        BRAKED = "braked", "Waits for a person"

    google_calendar = models.ForeignKey(
        "integrations.GoogleCalendar", on_delete=models.CASCADE, related_name="runs"
    )
    kind = models.CharField(max_length=12, choices=Kind)
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    pages = models.PositiveIntegerField(default=0)
    events = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    # A braked run goes on once a person said so.
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ("-started_at",)
        indexes: ClassVar = [
            models.Index(fields=["google_calendar", "-started_at"], name="sync_run_latest"),
            models.Index(fields=["google_calendar"], condition=Q(state="running"), name="sync_run_broken"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} pull {self.started_at:%Y-%m-%d %H:%M}"


# Without an etag the observation was given up: there is nothing to plan until a pull brings it back.
UNPLANNED = (~Q(planned_etag=F("etag")) | ~Q(replan="")) & ~Q(etag="")
BEHIND = Q(wanted_revision__gt=F("pushed_revision"))


def stored(condition: Q) -> models.GeneratedField:
    """A column that the database keeps true: PostgreSQL cannot guess how few rows differ in two columns, and would
    read them all; of a boolean it knows."""
    truth = Case(When(condition, then=Value(True)), default=Value(False))
    return models.GeneratedField(expression=truth, output_field=models.BooleanField(), db_persist=True)


class GoogleEventQuerySet(models.QuerySet["GoogleEvent"]):
    def unplanned(self, now: datetime.datetime) -> "GoogleEventQuerySet":
        """Rows with a new observation, contact or decision, and whose time to try has come.

        Of a pull that broke off, what it told of series waits for the next one to end: half of a move is a
        cancellation.
        """
        halves = Q(run__state=SyncRun.State.RUNNING) & ~Q(recurring_event_id="")
        return self.filter(Q(not_before=None) | Q(not_before__lte=now), is_due=True).exclude(halves)

    def failed(self) -> "GoogleEventQuerySet":
        """Those that could not be read or carried out; they are tried again, and a person may look."""
        return self.exclude(error="")

    def blocking(self, starts_at: datetime.datetime, ends_at: datetime.datetime) -> "GoogleEventQuerySet":
        return self.filter(blocks=True, starts_at__lt=ends_at, ends_at__gt=starts_at)


class GoogleEvent(models.Model):
    class Outcome(models.TextChoices):
        NONE = "", "Not planned yet"
        BLOCK = "block", "Blocks time"
        FREE = "free", "Does not block"
        APPOINTMENT = "appointment", "Appointment"
        CANCELLED = "cancelled", "Cancelled at Google"
        IGNORED = "ignored", "Ignored"

    class Decision(models.TextChoices):
        NONE = "", "None"
        MAKE = "make", "Make an appointment"
        KEEP_PRIVATE = "private", "Keep as private block"
        UNDONE = "undone", "Undone"
        KEEP = "keep", "Keep the appointment"
        RESTORED = "restored", "Brought back here"

    class Replan(models.TextChoices):
        NO = "", "No"
        CONTACT = "contact", "A guest became a contact"
        MEETING = "meeting", "A colleague's copy became an appointment"
        DECISION = "decision", "A person decided"
        RESUME = "resume", "Read again after a break"
        APPLY = "apply", "The configuration is applied to it, silently"
        FIRE = "fire", "The configuration is applied to it, and triggers may fire"

    google_calendar = models.ForeignKey(
        "integrations.GoogleCalendar", on_delete=models.CASCADE, related_name="events"
    )
    google_id = models.CharField(max_length=1024)

    # --- observed: what Google last told us, written by sync.pull (and by sync.push from Google's answers) ---------
    # Empty when the observation was given up (disconnected): the next pull is then news.
    etag = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=12, default="confirmed")
    event_type = models.CharField(max_length=20, default="default")
    ical_uid = models.CharField(max_length=1024, blank=True)
    recurring_event_id = models.CharField(max_length=1024, blank=True)
    original_start = models.CharField(max_length=40, blank=True)
    summary = models.CharField(max_length=1024, blank=True)
    description = models.TextField(blank=True)
    location = models.CharField(max_length=1024, blank=True)
    html_link = models.URLField(max_length=1024, blank=True)
    meeting_url = models.URLField(max_length=1024, blank=True)
    visibility = models.CharField(max_length=16, blank=True)
    is_free = models.BooleanField(default=False)
    is_all_day = models.BooleanField(default=False)
    # Empty only for a tombstone of an event never seen alive. All-day events: the days in the calendar's zone.
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    organizer_address = models.CharField(max_length=254, blank=True)
    organised_by_us = models.BooleanField(default=True)
    # [{address, name, response, is_self, is_organizer, is_resource, is_optional}], as integrations' Attendee.
    attendees = models.JSONField(default=list, blank=True)
    attendees_omitted = models.BooleanField(default=False)
    is_locked = models.BooleanField(default=False)
    crm_id = models.CharField(max_length=64, blank=True, help_text="the mark we put on events we made")
    created_at_google = models.DateTimeField(null=True, blank=True)
    updated_at_google = models.DateTimeField(null=True, blank=True)
    sequence = models.IntegerField(default=0)
    seen_at = models.DateTimeField(null=True, blank=True, help_text="when Google last told us of it")
    # Of one that is gone: when its person's other calendars had been read since, to which it may have been moved.
    others_read_at = models.DateTimeField(null=True, blank=True)
    # When it was last known to be gone; stays when it is back.
    gone_at = models.DateTimeField(null=True, blank=True)
    # Its appointment had ended and it stood at Google, or was put there again: its person's to keep.
    is_left = models.BooleanField(default=False, db_default=False)
    run = models.ForeignKey(SyncRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="seen")

    # --- what we made of it, written by sync.reconcile --------------------------------------------------------------
    # The etag the plan was last made for; differs from `etag`: planning is due. So it is when another fact changed.
    planned_etag = models.CharField(max_length=100, blank=True)
    replan = models.CharField(max_length=8, choices=Replan, default=Replan.NO, blank=True)
    is_due = stored(UNPLANNED)
    outcome = models.CharField(max_length=12, choices=Outcome, default=Outcome.NONE, blank=True)
    blocks = models.BooleanField(default=False)
    colour = models.CharField(max_length=7, default="grey", help_text="grey, or the calendar's hex")
    outline = models.BooleanField(default=False)
    is_silent = models.BooleanField(default=False, help_text="shows a muted bell: no triggers")
    # Its index is the one named below, so that a page of events is not written to two of them.
    appointment = models.ForeignKey(
        "contacts.Appointment",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="google_events",
        db_index=False,
    )
    reason = models.CharField(max_length=500, blank=True)
    # The run whose pull made the appointment, so that one run can be taken back.
    made_by_run = models.ForeignKey(
        SyncRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="made"
    )
    decision = models.CharField(max_length=8, choices=Decision, default=Decision.NONE, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # It was made for the whole series: what is added to that takes it over.
    decides_series = models.BooleanField(default=False)
    error = models.CharField(max_length=500, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    # Of what happened to it and waits to be carried out, what an earlier occurrence told of the whole series.
    series_told = models.JSONField(default=list, blank=True)

    # --- agreed: what both sides last had in common -----------------------------------------------------------------
    agreed_etag = models.CharField(max_length=100, blank=True)
    agreed_starts_at = models.DateTimeField(null=True, blank=True)
    agreed_ends_at = models.DateTimeField(null=True, blank=True)
    agreed_cancelled = models.BooleanField(default=False)
    # Prints of the words there and here (`sync.words`), field by field: [there, here], or empty.
    agreed_words = models.JSONField(default=list, blank=True)

    objects = GoogleEventQuerySet.as_manager()

    class Meta:
        ordering = ("starts_at", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["google_calendar", "google_id"], name="google_event_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["google_calendar"], condition=Q(is_due=True), name="reconcile_due"),
            models.Index(fields=["google_calendar"], condition=~Q(error=""), name="google_event_failed"),
            models.Index(
                fields=["google_calendar"], condition=Q(decides_series=True), name="google_event_series"
            ),
            models.Index(fields=["google_calendar", "starts_at", "ends_at"], name="google_event_agenda"),
            models.Index(fields=["google_calendar", "recurring_event_id"], name="google_event_occurrences"),
            models.Index(fields=["appointment"], name="google_event_appointment"),
            models.Index(fields=["ical_uid", "original_start"], name="google_event_meeting"),
        ]

    def __str__(self) -> str:
        return self.google_id

    @property
    def is_cancelled(self) -> bool:
        return self.status == "cancelled"

    @property
    def outcome_words(self) -> str:
        """Its outcome for a person. Whether it takes time is what holds now: a disconnect lifts blocks."""
        if self.outcome in (self.Outcome.BLOCK, self.Outcome.FREE):
            return str((self.Outcome.BLOCK if self.blocks else self.Outcome.FREE).label)
        return str(self.get_outcome_display())

    @property
    def is_planned(self) -> bool:
        return self.planned_etag == self.etag and not self.replan

    @property
    def is_unreadable(self) -> bool:
        """Whether its error is that Google's answer could not be read; else it is that the plan failed."""
        return bool(self.error) and (self.attempts == 0 or not self.is_due)


class GoogleEventGuest(models.Model):
    """A guest of an event who has no appointment by it, by address: one query finds those who became contacts since."""

    event = models.ForeignKey(GoogleEvent, on_delete=models.CASCADE, related_name="unmatched_guests")
    address = models.CharField(max_length=254, db_index=True)
    # Nobody compared it with the contacts since it was written.
    is_new = models.BooleanField(default=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=Q(is_new=True), name="google_event_guest_new"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["event", "address"], name="google_event_guest_once"),
        ]

    def __str__(self) -> str:
        return self.address


class PushTargetQuerySet(models.QuerySet["PushTarget"]):
    def behind(self) -> "PushTargetQuerySet":
        """Those where Google does not have what we want yet."""
        return self.filter(is_behind=True)

    def unheard(self) -> "PushTargetQuerySet":
        """Those with a write of which Google's answer never came: nobody knows whether it was carried out."""
        return self.filter(Q(tried_starts_at__isnull=False) | Q(tried_end=True))

    def of_event(self) -> "PushTargetQuerySet":
        """For a subquery on events: those that write the event's appointment to the Google calendar it lies in."""
        return self.filter(appointment=OuterRef("appointment"), google_calendar=OuterRef("google_calendar"))

    def due(self, now: datetime.datetime) -> "PushTargetQuerySet":
        return self.behind().filter(
            Q(not_before=None) | Q(not_before__lte=now),
            Q(claimed_until=None) | Q(claimed_until__lte=now),
        )


class PushTarget(models.Model):
    """One Google calendar that should hold an appointment, as a copy of its own for one host."""

    appointment = models.ForeignKey(
        "contacts.Appointment", on_delete=models.CASCADE, related_name="push_targets"
    )
    google_calendar = models.ForeignKey(
        "integrations.GoogleCalendar", on_delete=models.CASCADE, related_name="push_targets"
    )
    # The host whose copy it is; empty for an unassigned calendar's own.
    host = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # We choose the id (the appointment's UUID in hex and the generation), or adopt the event's own.
    event_id = models.CharField(max_length=1024)
    generation = models.PositiveIntegerField(default=0)
    # The event was made at Google: its text stays Google's, its time follows both.
    is_adopted = models.BooleanField(default=False)
    # The appointment no longer belongs here (another host, another link): the event is to be removed.
    is_withdrawn = models.BooleanField(default=False)
    # Equal: Google has what we want. Unequal: a push is due.
    wanted_revision = models.PositiveIntegerField(default=1)
    pushed_revision = models.PositiveIntegerField(default=0)
    is_behind = stored(BEHIND)
    etag = models.CharField(max_length=100, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)
    pushed_at = models.DateTimeField(null=True, blank=True)
    # What a write is about to make of the event, from before it leaves until its answer is heard (`sync.unheard`): the
    # time it is given, or that it ends (deleted, or declined); and since when.
    tried_at = models.DateTimeField(null=True, blank=True)
    tried_starts_at = models.DateTimeField(null=True, blank=True)
    tried_ends_at = models.DateTimeField(null=True, blank=True)
    tried_end = models.BooleanField(default=False, db_default=False)

    objects = PushTargetQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["appointment", "google_calendar"], name="push_target_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["google_calendar"], condition=Q(is_behind=True), name="push_due"),
            models.Index(fields=["google_calendar", "event_id"], name="push_target_event"),
        ]

    def __str__(self) -> str:
        return self.event_id

    @property
    def is_unheard(self) -> bool:
        """As `PushTargetQuerySet.unheard`."""
        return self.tried_end or self.tried_starts_at is not None
