"""The list of contacts, the person's page, and the page of one appointment."""

import uuid
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from contacts import reaching
from contacts.filters import ContactFilter, listed
from contacts.forms import ContactEditor, NoteForm
from contacts.models import (
    Appointment,
    AppointmentChange,
    AppointmentGuest,
    AppointmentHost,
    Contact,
    ContactEmail,
    ContactPhone,
)
from contacts.paging import page_of
from contacts.privacy import with_privacy
from contacts.time_zones import zone_or_none
from contacts.timeline import timeline, upcoming
from contacts.viewer import viewer_of


def contacts(request: HttpRequest) -> HttpResponse:
    """The list; asked for by HTMX, only the part that changes while a person types."""
    asked = request.GET.copy()
    asked.setdefault("sort", "name")
    chosen = ContactFilter(asked, queryset=listed(timezone.now()))
    page = page_of(chosen.qs, request.GET.get("page"))
    part = getattr(request, "htmx", False) and not request.htmx.boosted  # type: ignore[attr-defined]  # htmx's
    return render(
        request,
        "contacts/_contacts.html" if part else "contacts/contacts.html",
        {"filter": chosen, "page": page, "query": query_without_page(request)},
    )


def query_without_page(request: HttpRequest) -> str:
    """The chosen filters as they go into the links to the pages before and after."""
    chosen = request.GET.copy()
    chosen.pop("page", None)
    return chosen.urlencode()


def contact(request: HttpRequest, pk: int) -> HttpResponse:
    """The person's page: how to reach them, what comes next, and their whole story."""
    person = get_object_or_404(
        Contact.objects.select_related("owner").prefetch_related("emails", "phones", "tags"), pk=pk
    )
    viewer, now = viewer_of(request), timezone.now()
    return render(
        request,
        "contacts/contact.html",
        {
            "contact": person,
            "zone": zone_or_none(person.time_zone),
            "upcoming": upcoming(person, viewer, now),
            "lines": timeline(person, viewer, now),
            "twins": twins(person),
            "note_form": NoteForm(),
        },
    )


def contact_new(request: HttpRequest) -> HttpResponse:
    # Whoever adds a person looks after them, unless the form says otherwise.
    editor = ContactEditor(request.POST or None, contact=Contact(owner=viewer_of(request)))
    if request.method == "POST" and editor.is_valid():
        person = editor.save(viewer_of(request))
        messages.success(request, f"{person.name} is in your contacts.")
        return redirect(person)
    return render(request, "contacts/contact_form.html", {"editor": editor})


def contact_edit(request: HttpRequest, pk: int) -> HttpResponse:
    person = get_object_or_404(Contact.objects.prefetch_related("emails"), pk=pk)
    name = person.name
    editor = ContactEditor(request.POST or None, contact=person)
    if request.method == "POST" and editor.is_valid():
        editor.save(viewer_of(request))
        messages.success(request, "Saved.")
        return redirect(person)
    return render(request, "contacts/contact_form.html", {"editor": editor, "contact": person, "name": name})


@require_POST
def note_add(request: HttpRequest, pk: int) -> HttpResponse:
    person = get_object_or_404(Contact, pk=pk)
    form = NoteForm(request.POST)
    if form.is_valid():
        form.instance.contact, form.instance.author = person, viewer_of(request)
        form.save()
        messages.success(request, "Note added.")
    else:
        messages.error(request, "An empty note was not saved.")
    return redirect(person)


@require_POST
def contact_archive(request: HttpRequest, pk: int) -> HttpResponse:
    """Archives the contact, or restores an archived one. Nothing is deleted, appointments stay."""
    person = get_object_or_404(Contact, pk=pk)
    person.archived_at = None if person.archived_at else timezone.now()
    person.save(update_fields=["archived_at", "updated_at"])
    messages.success(
        request, "Archived: no longer in the list." if person.archived_at else "Back in the list."
    )
    return redirect(person)


@require_POST
def email_again(request: HttpRequest, pk: int, row: int) -> HttpResponse:
    return _again(request, get_object_or_404(ContactEmail, pk=row, contact=pk))


@require_POST
def phone_again(request: HttpRequest, pk: int, row: int) -> HttpResponse:
    return _again(request, get_object_or_404(ContactPhone, pk=row, contact=pk))


def _again(request: HttpRequest, row: ContactEmail | ContactPhone) -> HttpResponse:
    """Takes off the mark that it leads nowhere."""
    reaching.try_again(row, by=viewer_of(request))
    messages.success(request, f"{row} is used again from the next message on.")
    return redirect("contacts:contact", row.contact_id)


def appointment(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """What was agreed, how it stands at Google, what will be sent, and everything that happened to it."""
    found = get_object_or_404(
        with_privacy(
            Appointment.objects.select_related("calendar", "contact", "owner").prefetch_related(
                "contact__emails",
                Prefetch("hosts", AppointmentHost.objects.select_related("user")),
                Prefetch(
                    "guests",
                    AppointmentGuest.objects.select_related("contact").prefetch_related("contact__emails"),
                ),
                Prefetch(
                    "changes",
                    AppointmentChange.objects.select_related("by", "contact", "undone_by").order_by("-pk"),
                ),
            ),
            viewer_of(request),
        ),
        pk=pk,
    )
    return render(
        request,
        "appointments/appointment.html",
        {
            "appointment": found,
            "others": [guest for guest in found.guests.all() if guest.contact_id != found.contact_id],
            "zone": other_zone(found),
            "has_started": found.starts_at <= timezone.now(),
        },
    )


def other_zone(appointment: Appointment) -> ZoneInfo | None:
    """The contact's zone if its clocks differ from the viewer's on that day, else None."""
    zone = zone_or_none(appointment.contact.time_zone)
    if zone is None:
        return None
    here = timezone.localtime(appointment.starts_at).utcoffset()
    return zone if appointment.starts_at.astimezone(zone).utcoffset() != here else None


def twins(person: Contact) -> list[Contact]:
    """Other contacts with one of its addresses: a guest with that address goes to the oldest of them all."""
    addresses = [email.address for email in person.emails.all()]
    same = Contact.objects.filter(emails__address__in=addresses).exclude(pk=person.pk)
    return list(same.distinct().prefetch_related("emails").order_by("pk")[:5])
