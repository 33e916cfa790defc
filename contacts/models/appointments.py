"""Appointments: what we agreed with a contact, who hosts it, and everything that happened to it.

Only `calendars.booking` writes these rows. An appointment is cancelled, never deleted.
"""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from contacts.models.people import Contact


class Origin(models.TextChoices):
    STAFF = "staff", "Staff"
    CUSTOMER = "customer", "Customer"
    GOOGLE = "google", "Google"


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def standing(self) -> "AppointmentQuerySet":
        """Those that take their hosts' time: everything but cancelled and invalid."""
        return self.exclude(status__in=Appointment.VOID_STATUSES)

    def overlapping(self, starts_at: object, ends_at: object) -> "AppointmentQuerySet":
        """Busy by overlap, never by start alone."""
        return self.filter(starts_at__lt=ends_at, ends_at__gt=starts_at)


class Appointment(models.Model):
    class Status(models.TextChoices):
        NEW = "new", "New"
        CONFIRMED = "confirmed", "Confirmed"
        CANCELLED = "cancelled", "Cancelled"
        SHOWED = "showed", "Showed"
        NO_SHOW = "no_show", "No-show"
        INVALID = "invalid", "Invalid"

    VOID_STATUSES = (Status.CANCELLED, Status.INVALID)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    calendar = models.ForeignKey("calendars.Calendar", on_delete=models.PROTECT, related_name="appointments")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="appointments")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="owned_appointments"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.NEW)
    # Empty while nobody chose it; Google never changes a status that staff set.
    status_set_by = models.CharField(max_length=10, choices=Origin, blank=True)
    origin = models.CharField("made by", max_length=10, choices=Origin, default=Origin.STAFF)
    title = models.CharField(max_length=300, blank=True)
    description = models.TextField(blank=True)
    location = models.CharField(max_length=500, blank=True)
    meeting_url = models.URLField(max_length=500, blank=True)
    # Why its host hosts it (whose turn it was), in words; empty where nobody chose.
    assigned_why = models.CharField(max_length=300, blank=True)
    is_recurring = models.BooleanField(default=False)
    # Rises with every change that Google should hear of; a push target remembers the one Google has.
    revision = models.PositiveIntegerField(default=1)
    # One meeting of several staff is one appointment: iCalUID and original start ("" for a single event).
    ical_uid = models.CharField(max_length=255, blank=True)
    original_start = models.CharField(max_length=40, blank=True)
    # The booking form that made it: one form makes one appointment, however often it is sent.
    form_key = models.CharField(max_length=32, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        ordering = ("starts_at", "pk")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="appointment_ends_after_start"
            ),
            models.UniqueConstraint(
                fields=["ical_uid", "original_start"],
                condition=~Q(ical_uid=""),
                name="appointment_once_per_meeting",
            ),
            models.UniqueConstraint(
                fields=["form_key"], condition=~Q(form_key=""), name="appointment_once_per_form"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["starts_at", "ends_at"], name="appointment_agenda"),
            models.Index(fields=["calendar", "starts_at"], name="appointment_by_calendar"),
            models.Index(fields=["contact", "-starts_at"], name="appointment_by_contact"),
        ]

    def __str__(self) -> str:
        return self.title or f"Appointment {self.starts_at:%Y-%m-%d %H:%M} UTC"

    def get_absolute_url(self) -> str:
        return reverse("contacts:appointment", args=[self.pk])

    @property
    def is_void(self) -> bool:
        return self.status in self.VOID_STATUSES

    @property
    def came_from_google(self) -> bool:
        return self.origin == Origin.GOOGLE


class AppointmentHost(models.Model):
    """A user whose time the appointment takes."""

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="hosts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="hosted")
    # The time of who asked for free time, and got it; empty where overlapping was a person's choice, in classes, and
    # once it is void. PostgreSQL itself refuses two that overlap (migration 0004).
    claims_from = models.DateTimeField(null=True, blank=True)
    claims_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["appointment", "user"], name="appointment_host_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} hosts {self.appointment_id}"


class AppointmentGuest(models.Model):
    """A contact attached to the appointment, the primary contact among them. Detaching deletes the row."""

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="guests")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="attendances")
    # The address the person was invited at; "" when staff chose the contact.
    address = models.CharField(max_length=254, blank=True)
    # As typed on the booking page, whoever the contact turned out to be; the zone is there whenever that was the way.
    # Who came along has no name: only the address was typed.
    name = models.CharField(max_length=201, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["appointment", "contact"], name="appointment_guest_once")
        ]
        indexes: ClassVar = [
            # How many appointments an address has that was only typed.
            models.Index(fields=["address"], condition=~Q(time_zone=""), name="guest_typed_address"),
        ]

    def __str__(self) -> str:
        return f"{self.contact_id} attends {self.appointment_id}"

    @property
    def told_name(self) -> str:
        """The name in what leaves to them and to other guests. An address that somebody typed proves nothing, so that
        it never learns a name we knew."""
        return self.name if self.time_zone else self.contact.name


class AppointmentChange(models.Model):
    """What happened, written in the same transaction as the appointment. Signals and triggers start here."""

    class What(models.TextChoices):
        BOOKED = "booked", "Booked"
        CONFIRMED = "confirmed", "Confirmed"
        RESCHEDULED = "rescheduled", "Rescheduled"
        CANCELLED = "cancelled", "Cancelled"
        SHOWED = "showed", "Showed"
        NO_SHOW = "no_show", "No-show"
        INVALID = "invalid", "Invalid"
        # Other words: a line for people. No trigger looks at it.
        EDITED = "edited", "Edited"

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="changes")
    revision = models.PositiveIntegerField()
    what = models.CharField(max_length=12, choices=What)
    origin = models.CharField(max_length=10, choices=Origin)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    # Whether triggers may fire for it, and the words that say why or why not.
    fires = models.BooleanField(default=True)
    why = models.CharField(max_length=300, blank=True)
    # Set when the change concerns one attached contact alone (a guest added later); empty: all of them.
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    # Of a move: where it was before.
    old_starts_at = models.DateTimeField(null=True, blank=True)
    old_ends_at = models.DateTimeField(null=True, blank=True)
    # The move that this one takes back. What that one would have sent, and did not yet, is not sent.
    undoes = models.OneToOneField(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="undone_by"
    )
    # The same for the seats of a class's session that were moved as one: they are put back as one.
    together = models.UUIDField(null=True, blank=True, editable=False)
    # A further occurrence of a series that fired already: only steps that count from start or end still run.
    repeats_series = models.BooleanField(default=False)
    at = models.DateTimeField(auto_now_add=True)
    # Empty until the triggers looked at it; the sweep `enrol_missing` finds what a dead process left.
    looked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("at", "pk")
        indexes: ClassVar = [
            models.Index(fields=["at"], condition=Q(looked_at=None), name="enrol_missing"),
            models.Index(fields=["together"], condition=~Q(together=None), name="moved_together"),
        ]

    def __str__(self) -> str:
        return f"{self.what} (revision {self.revision})"

    @property
    def is_undone(self) -> bool:
        """Costs a query unless `undone_by` was selected along."""
        return hasattr(self, "undone_by")
