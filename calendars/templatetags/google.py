"""What other apps' pages show of an appointment's life at Google."""

from typing import Any

from django import template
from django.utils import timezone

from calendars.at_google import AtGoogle, at_google
from contacts.models import Appointment

register = template.Library()


@register.simple_tag(takes_context=True)
def google_side(context: dict[str, Any], appointment: Appointment) -> AtGoogle:
    """How `appointment` stands at Google for the viewer; costs nothing more beside `why_line`."""
    return at_google(appointment, context["request"].user)


@register.inclusion_tag("calendars/_why_line.html", takes_context=True)
def why_line(context: dict[str, Any], appointment: Appointment) -> dict[str, Any]:
    """The Google events it came from or went to, why, and whether Google is up to date."""
    return {
        "google": at_google(appointment, context["request"].user),
        "appointment": appointment,
        "now": timezone.now(),
        "csrf_token": context.get("csrf_token"),
    }
