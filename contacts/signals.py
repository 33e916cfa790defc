"""News about appointments, sent after commit, upward, by id.

Each carries `appointment_id` and `change_id` (the AppointmentChange written with it). A signal can die with its
process: `campaigns.tasks.enrol_missing` finds changes nobody has looked at.
"""

from django.dispatch import Signal

appointment_booked = Signal()
"""Sent once when an appointment is made, or when a guest is attached later (then the change names the contact)."""

appointment_rescheduled = Signal()
"""Sent when start or end changed."""

appointment_status_changed = Signal()
"""Sent when the status became confirmed, cancelled, showed, no_show or invalid."""

customer_booked_appointment = Signal()
"""Sent beside `appointment_booked` when a customer made it, or when Google did and the policy fires."""
