"""What pages of the apps below show of messages and triggers."""

from collections.abc import Collection, Sequence
from typing import Any

from django import template
from django.utils import timezone

from campaigns import plan, trigger_log, undoing, unsubscribing, wording
from campaigns.hearing import Hearing, who_hears, who_hears_of_each, who_hears_of_guests
from contacts.models import Appointment, AppointmentChange, Contact
from contacts.viewer import viewer_of

register = template.Library()
SHOWN = 50
TRIGGERS_SHOWN = 8


@register.inclusion_tag("campaigns/_appointment_messages.html", takes_context=True)
def appointment_messages(context: dict[str, Any], appointment: Appointment) -> dict[str, Any]:
    """Notices and messages of an appointment, each with its moment, state and why."""
    rows = plan.of_appointment(appointment, viewer_of(context["request"]))
    return {"rows": rows, "tells_contact": len({each.row.contact.pk for each in rows}) > 1}


@register.inclusion_tag("campaigns/_appointment_triggers.html", takes_context=True)
def appointment_triggers(context: dict[str, Any], appointment: Appointment) -> dict[str, Any]:
    """The log of what fired and what did not, what each campaign made of it, and what a person may fire now."""
    viewer = viewer_of(context["request"])
    rows = trigger_log.rows_of(trigger_log.events().filter(appointment=appointment), viewer, timezone.now())
    several = len({row.event.contact_id for row in rows}) > 1
    return {"rows": rows, "can_fire": [row for row in rows if row.can_fire], "tells_contact": several}


@register.inclusion_tag("campaigns/_contact_messages.html", takes_context=True)
def contact_messages(context: dict[str, Any], contact: Contact) -> dict[str, Any]:
    """The latest messages to a contact, those to come first."""
    rows = plan.of_contact(contact.pk, viewer_of(context["request"]), SHOWN)
    return {"rows": rows, "contact": contact}


@register.inclusion_tag("campaigns/_contact_triggers.html", takes_context=True)
def contact_triggers(context: dict[str, Any], contact: Contact) -> dict[str, Any]:
    """The latest of what could have fired for a contact."""
    viewer = viewer_of(context["request"])
    events = trigger_log.events().filter(contact=contact)[:TRIGGERS_SHOWN]
    return {"rows": trigger_log.rows_of(events, viewer, timezone.now()), "contact": contact}


@register.inclusion_tag("campaigns/_contact_wishes.html", takes_context=True)
def contact_wishes(context: dict[str, Any], contact: Contact) -> dict[str, Any]:
    """What a contact wishes to get no more of, with buttons for when they ask for it again."""
    names = unsubscribing.NAMES.items()
    stopped = [(medium, name) for medium, name in names if unsubscribing.is_stopped(contact, medium)]
    return {"contact": contact, "stopped": stopped, "csrf_token": context.get("csrf_token")}


@register.simple_tag
def told_of(what: str, appointment: Appointment, seats: Collection[Appointment] = ()) -> Hearing:
    """Who would be told, and how, if staff did `what` to the appointment now, or to all `seats` of its session."""
    return who_hears(seats or [appointment], what)


@register.simple_tag
def told_of_each(
    whats: str, appointment: Appointment, seats: Collection[Appointment] = ()
) -> dict[str, Hearing]:
    """The same of each of several, with a space between them."""
    return who_hears_of_each(seats or [appointment], whats.split())


@register.simple_tag
def told_of_guests(appointment: Appointment, changes: Sequence[AppointmentChange]) -> Hearing:
    """Who would be told of guests that these changes added, or took off."""
    return who_hears_of_guests(appointment, changes)


@register.simple_tag
def held_after_mark(appointments: Collection[Appointment]) -> str:
    """The campaigns, “A” and “B”, that wait before they tell of the mark that `appointments` just got."""
    names = undoing.held_after_mark(appointments, now=timezone.now())
    return wording.listed([f"“{name}”" for name in names]) if names else ""
