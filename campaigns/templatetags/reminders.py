"""What pages of the apps below show of messages and triggers."""

from typing import Any

from django import template
from django.utils import timezone

from campaigns import outbox
from campaigns.by_hand import can_fire
from campaigns.merge_fields import zone_for
from contacts.models import Appointment, Contact
from contacts.viewer import viewer_of

register = template.Library()
SHOWN = 50


@register.inclusion_tag("campaigns/_appointment_messages.html", takes_context=True)
def appointment_messages(context: dict[str, Any], appointment: Appointment) -> dict[str, Any]:
    """Notices and messages of an appointment, each with its moment, state and why."""
    rows = outbox.of_appointment(appointment, viewer_of(context["request"]))
    several = len({row.contact.pk for row in rows}) > 1
    zone = zone_for(rows[0].appointment, rows[0].contact) if rows else None
    return {"rows": rows, "tells_contact": several, "zone": None if several else _if_other(zone, appointment)}


@register.inclusion_tag("campaigns/_appointment_triggers.html", takes_context=True)
def appointment_triggers(context: dict[str, Any], appointment: Appointment) -> dict[str, Any]:
    """The log of what fired and what did not, and a button for what a person may fire now."""
    events = appointment.trigger_events.select_related("change", "contact").prefetch_related(
        "contact__emails"
    )
    found = list(events)
    silent = can_fire([appointment], timezone.now())
    return {
        "events": found,
        "appointment": appointment,
        "can_fire": silent,
        "tells_contact": len({event.contact_id for event in found}) > 1,
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("campaigns/_contact_messages.html", takes_context=True)
def contact_messages(context: dict[str, Any], contact: Contact) -> dict[str, Any]:
    """The latest messages to a contact, those to come first."""
    rows = outbox.of_contact(contact.pk, viewer_of(context["request"]), SHOWN)
    return {"rows": rows, "contact": contact}


def _if_other(zone: Any, appointment: Appointment) -> Any:
    """`zone` when its clocks differ from the viewer's at that time, else None."""
    here = timezone.localtime(appointment.starts_at).utcoffset()
    return zone if zone and appointment.starts_at.astimezone(zone).utcoffset() != here else None
