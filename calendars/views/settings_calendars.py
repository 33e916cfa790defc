"""Settings → Calendars: the list, one calendar's form, and switching it off and on."""

from dataclasses import replace

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from calendars.affected import Affected, affected, setting_of
from calendars.calendar_forms import CalendarEditor
from calendars.calendar_settings import save_calendar, switch
from calendars.models import Calendar, WeeklyHours
from calendars.models.calendars import CalendarQuerySet
from calendars.setting_up import NO_NEW_ONE, NOT_YOURS, may_add, may_set_up, members, seen_by
from contacts.models import Appointment
from contacts.time_zones import zone_choices
from contacts.viewer import viewer_of


def calendars(request: HttpRequest) -> HttpResponse:
    viewer = viewer_of(request)
    rows = with_figures(seen_by(viewer)).order_by("-is_active", "name")
    rights = {"may_set_up": may_set_up(viewer), "may_add": may_add(viewer)}
    return render(request, "settings/calendars.html", {"calendars": rows, **rights})


def with_figures(rows: CalendarQuerySet) -> CalendarQuerySet:
    """With members, whether each has hours, and how many appointments lie ahead. Two statements."""
    void = Q(appointments__status__in=Appointment.VOID_STATUSES)
    ahead = Q(appointments__starts_at__gt=timezone.now()) & ~void
    return (
        rows.select_related("owner")
        .annotate(
            upcoming=Count("appointments", filter=ahead),
            has_hours=Exists(WeeklyHours.objects.filter(calendar=OuterRef("pk"))),
        )
        .prefetch_related(Prefetch("memberships", members()))
    )


def calendar_new(request: HttpRequest) -> HttpResponse:
    if not may_add(viewer_of(request)):
        raise PermissionDenied(NO_NEW_ONE)
    return _edit(request, Calendar(time_zone=timezone.get_current_timezone_name()))


def calendar(request: HttpRequest, pk: int) -> HttpResponse:
    """The form, for who sets calendars up; a member sees how it is set."""
    viewer = viewer_of(request)
    if may_set_up(viewer) and request.method == "POST":
        with transaction.atomic():
            # Of two who save at the same moment the second one is told.
            return _edit(request, get_object_or_404(Calendar.objects.select_for_update(no_key=True), pk=pk))
    found = get_object_or_404(Calendar, pk=pk)
    if may_set_up(viewer):
        return _edit(request, found)
    shown = with_figures(seen_by(viewer)).filter(pk=pk).first()
    if shown is None or request.method == "POST":
        raise PermissionDenied(NOT_YOURS)
    own = next((row for row in shown.memberships.all() if row.user_id == viewer.pk), None)
    return render(request, "settings/calendar_shown.html", {"calendar": shown, "own": own})


def _edit(request: HttpRequest, found: Calendar) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    stored, before = found.pk, setting_of(found)
    editor = CalendarEditor(data, found, viewer=viewer_of(request))
    if data is None or not editor.is_valid() or "back" in data or not editor.is_as_drawn():
        return _edit_page(request, editor, stored)
    if stored and "anyway" not in data:
        after = setting_of(editor.calendar, active=editor.active_users)
        meant = affected(found, before, after, viewer=viewer_of(request), now=timezone.now())
        if meant:
            return before_saving(request, editor.stored_name, meant)
    saved = save_calendar(editor.calendar, editor.members)
    messages.success(request, "Saved." if stored else f"“{saved}” is made. Next: its hours.")
    return redirect("calendars:calendar_settings", pk=saved.pk)


def _edit_page(request: HttpRequest, editor: CalendarEditor, pk: int | None) -> HttpResponse:
    stored = with_figures(Calendar.objects.filter(pk=pk)).first() if pk else None
    page = {
        "editor": editor,
        "form": editor.form,
        "calendar": stored,
        "zones": zone_choices(),
        # Not by the name that changes with its content: the line stands on sites that nobody here changes.
        "embed_script": request.build_absolute_uri(f"{settings.STATIC_URL}booking-embed.js"),
        "embed_sites": settings.BOOKING_FRAME_ORIGINS,
    }
    return render(request, "settings/calendar.html", page)


@require_POST
def calendar_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switches the calendar off or on; before it goes off, says what that means."""
    viewer = viewer_of(request)
    if not may_set_up(viewer):
        raise PermissionDenied(NOT_YOURS)
    found = get_object_or_404(Calendar, pk=pk)
    on = request.POST.get("on") == "1"
    before = setting_of(found)
    meant = affected(found, before, replace(before, is_active=on), viewer=viewer, now=timezone.now())
    if meant and "anyway" not in request.POST:
        back = reverse("calendars:calendar_settings", args=[found.pk])
        return before_saving(request, found.name, meant, back=back)
    switch(found, on=on)
    words = "is on." if on else "is off: nobody can book it. Its appointments stay as they are."
    messages.success(request, f"“{found}” {words}")
    return redirect("calendars:calendars")


def before_saving(request: HttpRequest, name: str, meant: Affected, *, back: str = "") -> HttpResponse:
    """What the change would leave standing out, with what was posted, so that nothing is lost either way."""
    posted = [
        (field, value)
        for field, values in request.POST.lists()
        for value in values
        if field not in ("csrfmiddlewaretoken", "anyway", "back")
    ]
    page = {
        "meant": meant,
        "posted": posted,
        "name": name,
        "back": back,
    }
    return render(request, "settings/before_saving.html", page)
