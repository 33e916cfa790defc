"""The words of an appointment and who comes to it."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from calendars import booking, desk
from calendars.appointment_forms import EditForm, typed_in
from calendars.at_google import AtGoogle, at_google
from calendars.google_next import google_words
from calendars.views.appointments import contacts_like, visible_or_404
from contacts.models import Appointment, Contact
from contacts.viewer import viewer_of


def edit(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The form; asked by HTMX, only the contacts that match what was typed, with those chosen before."""
    appointment = visible_or_404(request, pk)
    if request.method == "GET" and "who" in request.GET:
        return render(request, "appointments/_guest_choices.html", choices(request.GET))
    google = at_google(appointment, viewer_of(request))
    if google.lock or appointment.is_void:
        return refused(request, appointment, google)
    has_guests = not appointment.came_from_google
    # Searching works without a script: the form comes back as it was, with what was found.
    if request.method != "POST" or is_looking(request.POST):
        typed = request.POST.dict() if request.method == "POST" else words_of(appointment)
        form = EditForm(appointment, initial=typed, has_guests=has_guests)
        return edit_page(request, appointment, google, form)
    form = EditForm(appointment, request.POST, has_guests=has_guests)
    if not form.is_valid():
        return edit_page(request, appointment, google, form)
    if request.POST.get("revision") != str(appointment.revision):
        form.add_error(
            None,
            f"It was changed meanwhile{booking.by_whom(appointment)}. Here is what you typed: "
            "look at the appointment, or save once more.",
        )
        return edit_page(request, appointment, google, form)
    try:
        changed = desk.edit(appointment, form.edit, by=viewer_of(request))
    except booking.NotPossible as refusal:
        form.add_error(None, str(refusal))
        return edit_page(request, appointment, google, form)
    messages.success(request, f"Saved. {google_words(changed)}".strip())
    return redirect(changed)


def refused(request: HttpRequest, appointment: Appointment, google: AtGoogle) -> HttpResponse:
    """What cannot be edited (any more), with what was typed."""
    page: dict[str, Any] = {"appointment": appointment, "google": google}
    if request.method != "POST":
        return render(request, "appointments/edit_refused.html", page)
    form = EditForm(appointment, request.POST, has_guests=not appointment.came_from_google)
    added = ", ".join(contact.name for contact in choices(request.POST)["chosen"])
    page["typed"] = [*typed_in(form), *([("Added", added)] if added else [])]
    return render(request, "appointments/edit_refused.html", page, status=409)


@require_POST
def told_of_edit(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Who would be told of the guests in the fields that are added or taken off. Nothing is kept."""
    appointment, part = visible_or_404(request, pk), "appointments/_told_of_edit.html"
    form = EditForm(appointment, request.POST, has_guests=not appointment.came_from_google)
    if appointment.is_void or not form.is_valid():
        return render(request, part)
    try:
        with desk.tried_edit(appointment, form.edit, by=viewer_of(request)) as news:
            return render(request, part, {"appointment": appointment, "news": news})
    except booking.NotPossible as refusal:
        return render(request, part, {"why_not": str(refusal)})


def is_looking(data: Any) -> bool:
    """Whether *Find* was pressed, or Enter in the search box while nobody is chosen or typed yet."""
    named = any(data.get(name) for name in ("add", "first_name", "last_name", "address", "phone"))
    return "find" in data or bool(data.get("who") and not named)


def words_of(appointment: Appointment) -> dict[str, str]:
    return {
        "title": appointment.title,
        "location": appointment.location,
        "description": appointment.description,
    }


def edit_page(
    request: HttpRequest, appointment: Appointment, google: AtGoogle, form: EditForm
) -> HttpResponse:
    return render(
        request,
        "appointments/edit.html",
        {
            "appointment": appointment,
            "google": google,
            "form": form,
            # `at_google` has read them.
            "guests": appointment.guests.all(),
            "taken_off": request.POST.getlist("off"),
            **choices(request.POST),
        },
    )


def choices(data: Any) -> dict[str, Any]:
    """Whom the search found, after those who are chosen already."""
    picked = [pk for pk in data.getlist("add") if pk.isdecimal() and len(pk) < 19]
    chosen = list(Contact.objects.living().filter(pk__in=picked).prefetch_related("emails", "phones"))
    found = [person for person in contacts_like(data.get("who", "")) if person not in chosen]
    return {"chosen": chosen, "found": found}
