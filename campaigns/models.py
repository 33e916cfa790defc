"""Reminder campaigns: the plan (Campaign, Step), who is in it (Enrolment), each dated text (Message), and the
log of every fact that could have fired (TriggerEvent). Beside them what is said of an appointment itself (Notice), and
who carries it all (Carrier)."""

import datetime
from collections.abc import Sequence
from typing import ClassVar, Self, TypeVar

from django.conf import settings
from django.core.validators import URLValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse


class Kind(models.TextChoices):
    APPOINTMENT = "appointment", "Appointment"
    CUSTOMER_BOOKED = "customer_booked", "Customer booked appointment"


class Campaign(models.Model):
    name = models.CharField(max_length=100)
    is_active = models.BooleanField(default=True)
    trigger = models.CharField(max_length=16, choices=Kind, default=Kind.APPOINTMENT)
    # For the appointment trigger: which changes fire it, as AppointmentChange.What values. Empty: booked.
    on_changes = models.JSONField("fires when", default=list, blank=True)
    calendars = models.ManyToManyField("calendars.Calendar", blank=True, related_name="campaigns")
    tags = models.ManyToManyField("contacts.Tag", blank=True, related_name="campaigns")
    # "" any, "yes" only recurring appointments, "no" only single ones.
    recurring = models.CharField(
        max_length=3, blank=True, choices=[("", "Any"), ("yes", "Recurring only"), ("no", "Single only")]
    )
    # Origin values; empty: whoever made it.
    made_by = models.JSONField(default=list, blank=True)
    # Whose contacts; empty: everybody's, and contacts without an owner.
    owners = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="campaigns")
    # What `campaign.review_url` stands for. A text that names it cannot be switched on without.
    review_url = models.CharField(
        "where people review you", max_length=200, blank=True, validators=[URLValidator(["http", "https"])]
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("campaigns:campaign", args=[self.pk])


class Step(models.Model):
    class Anchor(models.TextChoices):
        AT_ONCE = "at_once", "At once"
        BEFORE_START = "before_start", "Before the start"
        AFTER_START = "after_start", "After the start"
        AFTER_END = "after_end", "After the end"

    class WhenLate(models.TextChoices):
        SKIP = "skip", "Skip it"
        SEND = "send", "Send it at once"

    class Medium(models.TextChoices):
        EMAIL = "email", "E-mail"
        SMS = "sms", "SMS"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    # Taken out of the campaign; the row stays for what it sent. Such a step is never active.
    removed_at = models.DateTimeField(null=True, blank=True)
    anchor = models.CharField(max_length=12, choices=Anchor, default=Anchor.BEFORE_START)
    offset = models.DurationField(default=datetime.timedelta(hours=24))
    medium = models.CharField(max_length=5, choices=Medium, default=Medium.EMAIL)
    subject = models.CharField(max_length=200, blank=True)
    # The plain text, with merge fields. An SMS is this alone.
    body = models.TextField()
    # Cleaned HTML with merge fields, from which `body` was made; empty: the HTML of an e-mail is made from `body`.
    rich = models.TextField(blank=True)
    when_late = models.CharField(max_length=4, choices=WhenLate, default=WhenLate.SKIP)
    # Days (0 is Monday) and hours in which it may be sent, in the contact's zone, else the calendar's. Empty: any.
    window_days = models.JSONField(default=list, blank=True)
    window_starts = models.TimeField(null=True, blank=True)
    window_ends = models.TimeField(null=True, blank=True)

    class Meta:
        ordering = ("position", "pk")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(removed_at=None) | Q(is_active=False), name="removed_step_is_off"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_anchor_display()} {self.offset}"


class TriggerEvent(models.Model):
    """One fact looked at for one contact: did it fire, and why or why not. Never deleted."""

    change = models.ForeignKey(
        "contacts.AppointmentChange", on_delete=models.CASCADE, related_name="trigger_events"
    )
    kind = models.CharField(max_length=16, choices=Kind)
    contact = models.ForeignKey("contacts.Contact", on_delete=models.CASCADE, related_name="trigger_events")
    appointment = models.ForeignKey(
        "contacts.Appointment", on_delete=models.CASCADE, related_name="trigger_events"
    )
    fired = models.BooleanField()
    why = models.CharField(max_length=300)
    # Pairs of a campaign's id and why it did not take this contact; "" where it did. Those of another trigger are left
    # out.
    outcomes = models.JSONField(default=list, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-at", "-pk")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["change", "kind", "contact"], name="trigger_event_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["appointment", "-at"], name="trigger_event_log"),
            models.Index(fields=["-at", "-id"], name="trigger_log"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {'fired' if self.fired else 'silent'}"


class Enrolment(models.Model):
    """One contact's appointment in one campaign."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="enrolments")
    appointment = models.ForeignKey(
        "contacts.Appointment", on_delete=models.CASCADE, related_name="enrolments"
    )
    contact = models.ForeignKey("contacts.Contact", on_delete=models.CASCADE, related_name="enrolments")
    trigger_event = models.ForeignKey(
        TriggerEvent, on_delete=models.SET_NULL, null=True, related_name="enrolments"
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_why = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "appointment", "contact"], name="enrolment_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["appointment"], name="enrolment_of_appointment")]

    def __str__(self) -> str:
        return f"{self.contact_id} in {self.campaign_id}"


OutgoingT = TypeVar("OutgoingT", bound="Outgoing", covariant=True)


class OutgoingQuerySet(models.QuerySet[OutgoingT]):
    def due(self, now: datetime.datetime) -> Self:
        return self.filter(
            Q(not_before=None) | Q(not_before__lte=now), state=Outgoing.State.WAITING, due_at__lte=now
        ).order_by("due_at", "pk")


class Outgoing(models.Model):
    """What leaves for a contact, in one row from its planning to what became of it. Only `delivery` sends."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        SKIPPED = "skipped", "Skipped"
        VOID = "void", "Void"
        UNKNOWN = "unknown", "Outcome unknown"

    class Report(models.TextChoices):
        """What the carrier says later of what was sent; the state stays sent."""

        DELIVERED = "delivered", "Delivered"
        BOUNCED = "bounced", "Bounced"
        COMPLAINED = "complained", "Reported as spam"

    due_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    why = models.CharField(max_length=300, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    # What was sent, to whom, kept as sent.
    recipient = models.CharField(max_length=254, blank=True)
    subject = models.CharField(max_length=300, blank=True)
    body_text = models.TextField(blank=True)
    body_html = models.TextField(blank=True)
    message_id = models.CharField(max_length=200, blank=True)
    # The carrier's own name for it, by which its reports come back.
    carrier_id = models.CharField(max_length=200, blank=True)
    report = models.CharField(max_length=10, choices=Report, blank=True)
    report_why = models.CharField(max_length=300, blank=True)
    reported_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True
        ordering = ("due_at", "pk")

    def __str__(self) -> str:
        return f"{self.state} {self.due_at:%Y-%m-%d %H:%M} UTC"


class Message(Outgoing):
    enrolment = models.ForeignKey(Enrolment, on_delete=models.CASCADE, related_name="messages")
    step = models.ForeignKey(Step, on_delete=models.PROTECT, related_name="messages")
    # The start it was planned for: a move takes a waiting message along; a sent one is followed by another.
    for_start = models.DateTimeField()
    # How often this start was told before. Once it was, it is told again only after another was.
    told_before = models.PositiveSmallIntegerField(default=0)
    # No column: those read with it that could be what it says, told to the same address. Only delivery knows them.
    twins: Sequence["Message"] = ()

    objects = OutgoingQuerySet["Message"].as_manager()

    class Meta(Outgoing.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["enrolment", "step", "for_start", "told_before"], name="message_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="deliver_due"),
            models.Index(fields=["claimed_until"], condition=Q(state="sending"), name="deliver_stuck"),
            models.Index(fields=["-sent_at"], condition=Q(state="sent"), name="message_outbox"),
            models.Index(fields=["carrier_id"], condition=~Q(carrier_id=""), name="message_by_carrier_id"),
            # Counting reads these alone, never the texts in the rows.
            models.Index(fields=["step", "due_at", "state", "report", "enrolment"], name="message_figures"),
            models.Index(
                fields=["step", "due_at", "state", "why"],
                condition=Q(state__in=["skipped", "void", "failed", "unknown"]),
                name="message_left_out",
            ),
            models.Index(fields=["step"], condition=Q(state="waiting"), name="message_waiting"),
            # Asked by every page, and mostly empty.
            models.Index(fields=["due_at"], condition=Q(state="unknown"), name="message_unclear"),
        ]


class Notice(Outgoing):
    """What one person is told of one change of an appointment: booked, confirmed, moved, cancelled."""

    class Kind(models.TextChoices):
        BOOKED = "booked", "Confirmation"
        CONFIRMED = "confirmed", "Now confirmed"
        MOVED = "moved", "Move"
        CANCELLED = "cancelled", "Cancellation"

    change = models.ForeignKey("contacts.AppointmentChange", on_delete=models.CASCADE, related_name="notices")
    appointment = models.ForeignKey("contacts.Appointment", on_delete=models.CASCADE, related_name="notices")
    contact = models.ForeignKey("contacts.Contact", on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=9, choices=Kind)
    # The person did it themselves: then they are told whether or not they want other e-mail.
    is_own_doing = models.BooleanField(default=False)
    # What it said of the appointment; the next one tells what is different, or is not needed.
    told_start = models.DateTimeField(null=True, blank=True)
    told_end = models.DateTimeField(null=True, blank=True)
    told_status = models.CharField(max_length=10, blank=True)
    calendar_file = models.TextField(blank=True)

    objects = OutgoingQuerySet["Notice"].as_manager()

    class Meta(Outgoing.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["change", "contact"], name="notice_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="notice_due"),
            models.Index(fields=["claimed_until"], condition=Q(state="sending"), name="notice_stuck"),
            models.Index(fields=["-sent_at"], condition=Q(state="sent"), name="notice_outbox"),
            models.Index(fields=["carrier_id"], condition=~Q(carrier_id=""), name="notice_by_carrier_id"),
            models.Index(fields=["appointment", "contact"], name="notice_history"),
            models.Index(fields=["due_at"], condition=Q(state="unknown"), name="notice_unclear"),
        ]


class Carrier(models.Model):
    """Who carries one medium: whether it takes anything, and how much may leave now. A row is made when needed."""

    medium = models.CharField(max_length=5, choices=Step.Medium, unique=True)
    # It refused us, not a message (credentials, account): nothing leaves by it until a person has tried again.
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_why = models.CharField(max_length=300, blank=True)
    # It asked everybody to wait.
    not_before = models.DateTimeField(null=True, blank=True)
    # The rate limit: how many may leave at `allowance_at`; it fills up again with time.
    allowance = models.FloatField(default=0)
    allowance_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.get_medium_display()


class IncomingText(models.Model):
    """A text that somebody wrote to our number, by the carrier's name for it: a repeat is known for good."""

    sid = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.sid
