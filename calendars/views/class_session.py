"""One session of a class: who comes, who came, and what is done to all of them at once."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from calendars import booking
from calendars.google_next import google_words
from calendars.sync import sessions
from calendars.views.agenda import current_zone
from calendars.views.appointments import until_when_taken_back, visible_or_404
from calendars.wall_time import on_the_clock
from contacts.models import Appointment
from contacts.viewer import viewer_of


def session(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Its seats, named by one of them. POST with `do`: "showed" or "no_show" for all who are not marked yet,
    "confirmed" for all who wait for it, or "cancel"."""
    seat = visible_or_404(request, pk)
    if not sessions.is_seat(seat) or seat.is_void:
        return redirect(seat)
    return carried_out(request, seat) if request.method == "POST" else session_page(request, seat)


def session_page(
    request: HttpRequest, seat: Appointment, *, refusal: str = "", why: str = ""
) -> HttpResponse:
    """`why`: what was typed for a cancellation that was refused."""
    seats = booking.session_of(seat)
    rows = list(
        Appointment.objects.filter(pk__in=[each.pk for each in seats])
        .select_related("contact")
        .prefetch_related("contact__emails", "guests__contact")
        .order_by("contact__first_name", "contact__last_name", "pk")
    )
    taken = sum(row.guests.count() for row in rows)
    context = {
        "seat": seat,
        "seats": seats,
        "rows": rows,
        "taken": taken,
        "left": max(seat.calendar.seats - taken, 0),
        "version": booking.version_of(seats),
        "has_started": seat.starts_at <= timezone.now(),
        "unmarked": [row for row in rows if row.status not in booking.FINAL],
        "requests": [row for row in rows if row.status == Appointment.Status.NEW],
        "start": on_the_clock(seat.starts_at, current_zone()),
        "end": on_the_clock(seat.ends_at, current_zone()),
        "refusal": refusal,
        "why": why,
    }
    return render(request, "appointments/session.html", context, status=409 if refusal else 200)


def carried_out(request: HttpRequest, seat: Appointment) -> HttpResponse:
    """Does to the whole session what was pressed, and says what became of it."""
    by, version, do = viewer_of(request), request.POST.get("version", ""), request.POST.get("do", "")
    why = request.POST.get("why", "")[:300]
    try:
        if do == "cancel":
            rows = booking.cancel_session(seat, by=by, version=version, why=why)
            google = next(filter(None, map(google_words, rows)), "")
            messages.success(request, f"The class is cancelled, {many(len(rows))}. {google}".strip())
            return redirect(seat)
        rows = booking.mark_session(seat, do, by=by, version=version)
    except booking.NotPossible as refusal:
        seat.refresh_from_db()
        if sessions.is_seat(seat) and not seat.is_void:
            return session_page(request, seat, refusal=str(refusal), why=why)
        messages.error(request, str(refusal))
    else:
        words = Appointment.Status(do).label.lower()
        said = f"{many(len(rows))} {'confirmed' if do == 'confirmed' else f'marked {words}'}."
        messages.success(request, f"{said} {until_when_taken_back(rows)}".strip())
    return redirect("calendars:session", seat.pk)


def many(number: int) -> str:
    return f"{number} appointment{'s' if number != 1 else ''}"
