"""What customers see without signing in: the booking page of a calendar, and the page of their own appointment."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from calendars import links
from contacts.models import AppointmentGuest


@login_not_required
def manage(request: HttpRequest, token: str) -> HttpResponse:
    """The appointment of who holds the link; in words where the link does not work (any more)."""
    link = links.read(token)
    guest = link and (
        AppointmentGuest.objects.filter(appointment=link.appointment_id, contact=link.contact_id)
        .select_related("appointment__calendar", "contact")
        .first()
    )
    return render(request, "booking/manage.html", {"guest": guest}, status=200 if guest else 404)
