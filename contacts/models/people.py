"""Contacts: the people our users serve, how to reach them, and what is noted about them."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.urls import reverse
from phonenumber_field.modelfields import PhoneNumberField
from simple_history.models import HistoricalRecords

from contacts.fields import AddressField, normalise_address


class Tag(models.Model):
    name = models.CharField(max_length=50, unique=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class ContactQuerySet(models.QuerySet["Contact"]):
    def with_address(self, address: str) -> "ContactQuerySet":
        """Contacts one of whose addresses is `address`, oldest first (the oldest wins a conflict)."""
        return self.filter(emails__address=normalise_address(address)).order_by("pk")

    def living(self) -> "ContactQuerySet":
        return self.filter(archived_at=None)


class Contact(models.Model):
    class Source(models.TextChoices):
        MANUAL = "manual", "Added by hand"
        IMPORT = "import", "Imported"
        BOOKING = "booking", "Booking page"
        GOOGLE = "google", "Google Calendar"

    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    company = models.CharField(max_length=150, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="contacts"
    )
    source = models.CharField(max_length=10, choices=Source, default=Source.MANUAL)
    tags = models.ManyToManyField(Tag, blank=True, related_name="contacts")
    no_email = models.BooleanField("do not e-mail", default=False)
    no_sms = models.BooleanField("do not text", default=False)
    custom_fields = models.JSONField(default=dict, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ContactQuerySet.as_manager()
    history = HistoricalRecords()

    class Meta:
        ordering = ("last_name", "first_name", "pk")
        indexes: ClassVar = [
            models.Index(fields=["last_name", "first_name", "id"], name="contact_list"),
            models.Index(fields=["owner", "last_name"], name="contact_by_owner"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("contacts:contact", args=[self.pk])

    @property
    def name(self) -> str:
        """First and last name, else the primary address, else "Contact 12"."""
        return f"{self.first_name} {self.last_name}".strip() or self.primary_address or f"Contact {self.pk}"

    @property
    def primary_address(self) -> str:
        """The address messages go to; "" if there is none. Reads prefetched `emails` without a query."""
        best = self.best_email
        return best.address if best else ""

    @property
    def best_email(self) -> "ContactEmail | None":
        """What is not known to lead nowhere before what is, the primary one before others."""
        return min(self.emails.all(), key=_rank, default=None)

    @property
    def best_phone(self) -> "ContactPhone | None":
        """The number texts go to, chosen as `best_email`."""
        return min(self.phones.all(), key=_rank, default=None)


class Reachable(models.Model):
    """A way to reach somebody. `undeliverable_at` is set while whoever carries messages says that it leads nowhere."""

    undeliverable_at = models.DateTimeField(null=True, blank=True, editable=False)
    undeliverable_why = models.CharField(max_length=300, blank=True, editable=False)

    class Meta:
        abstract = True


def _rank(row: "ContactEmail | ContactPhone") -> tuple[bool, bool, int]:
    return row.undeliverable_at is not None, not row.is_primary, row.pk


class ContactEmail(Reachable):
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="emails")
    address = AddressField(db_index=True)
    is_primary = models.BooleanField(default=False)
    # The address under which somebody last looked for what this person is known by elsewhere. Whoever adds or changes
    # an address, and however, it is news then: the database keeps that true.
    looked_for = models.CharField(max_length=254, default="", blank=True, editable=False)
    is_news = models.GeneratedField(
        expression=Case(When(~Q(looked_for=F("address")), then=Value(True)), default=Value(False)),
        output_field=models.BooleanField(),
        db_persist=True,
    )

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=Q(is_news=True), name="contact_address_news"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["contact", "address"], name="contact_address_once"),
            models.UniqueConstraint(
                fields=["contact"], condition=Q(is_primary=True), name="contact_one_primary_address"
            ),
        ]

    def __str__(self) -> str:
        return self.address


class ContactPhone(Reachable):
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="phones")
    number = PhoneNumberField(db_index=True)
    is_primary = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["contact", "number"], name="contact_number_once"),
            models.UniqueConstraint(
                fields=["contact"], condition=Q(is_primary=True), name="contact_one_primary_number"
            ),
        ]

    def __str__(self) -> str:
        return str(self.number)


class Note(models.Model):
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.text[:60]


class Activity(models.Model):
    """One line of a contact's timeline that no other row tells: where they came from, a merge, an unsubscribe, what
    they agreed to."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="activities")
    text = models.CharField(max_length=800)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-at",)
        verbose_name_plural = "activities"

    def __str__(self) -> str:
        return self.text
