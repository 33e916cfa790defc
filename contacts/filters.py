"""What the list of contacts can be narrowed by, and how it can be sorted."""

import datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import F, OuterRef, QuerySet, Subquery

from contacts.models import Appointment, Contact, Tag, User
from contacts.models.people import ContactQuerySet
from contacts.searching import matching

ORDERS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "name": ("Sorted by name", ("last_name", "first_name", "pk")),
    "newest": ("Newest first", ("-pk",)),
    "next": ("Next appointment first", (F("next_at").asc(nulls_last=True), "pk")),
}


class ContactFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter carries no types
    q = django_filters.CharFilter(
        label="Search",
        method="search",
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "Name, company, e-mail or phone", "autocomplete": "off"}
        ),
    )
    source = django_filters.ChoiceFilter(
        label="Source", choices=Contact.Source.choices, empty_label="Any source"
    )
    tag = django_filters.ModelChoiceFilter(
        label="Tag", field_name="tags", queryset=Tag.objects.all(), empty_label="Any tag"
    )
    owner = django_filters.ModelChoiceFilter(
        label="Owner", queryset=User.objects.filter(is_active=True), empty_label="Anyone"
    )
    sort = django_filters.ChoiceFilter(
        label="Sort by",
        choices=[(key, words) for key, (words, _) in ORDERS.items()],
        empty_label=None,
        method="put_in_order",
    )
    archived = django_filters.BooleanFilter(
        label="Archived only", method="show_archived", widget=forms.CheckboxInput
    )

    class Meta:
        model = Contact
        fields = ("q", "source", "tag", "owner", "sort", "archived")

    def search(self, contacts: ContactQuerySet, name: str, text: str) -> ContactQuerySet:
        return matching(contacts, text)

    def put_in_order(self, contacts: ContactQuerySet, name: str, key: str) -> ContactQuerySet:
        return contacts.order_by(*ORDERS[key][1])

    def show_archived(self, contacts: ContactQuerySet, name: str, archived: bool) -> ContactQuerySet:
        return contacts.filter(archived_at__isnull=not archived)

    @property
    def narrows(self) -> bool:
        """Whether more than the order was chosen: an empty list then means "none found", not "none yet"."""
        chosen = self.form.cleaned_data if self.form.is_valid() else {}
        return any(value for key, value in chosen.items() if key != "sort")


def listed(now: datetime.datetime) -> QuerySet[Contact]:
    """Contacts as the list shows them: all parts fetched, with start and id of the next appointment."""
    upcoming = (
        Appointment.objects.standing()
        .filter(guests__contact=OuterRef("pk"), starts_at__gte=now)
        .order_by("starts_at")
    )
    return (
        Contact.objects.annotate(
            next_at=Subquery(upcoming.values("starts_at")[:1]), next_id=Subquery(upcoming.values("pk")[:1])
        )
        .select_related("owner")
        .prefetch_related("emails", "phones", "tags")
    )
