"""News about appointments, sent after commit, upward, by id.

Each carries `appointment_ids` and `change_ids`, the AppointmentChanges written with them: tuples of one length, in the
order in which they were written. What was recorded together is told together: all that a pull booked in one batch is
one signal, and one appointment moved at the desk is a signal with one id. A signal can die with its process:
`campaigns.tasks.enrol_missing` finds changes nobody has looked at.
"""

from django.dispatch import Signal

appointment_booked = Signal()
"""Sent once when appointments are made, or when a guest is attached later (then the change names the contact)."""

appointment_rescheduled = Signal()
"""Sent when start or end changed."""

appointment_status_changed = Signal()
"""Sent when the status became confirmed, cancelled, showed, no_show or invalid."""

customer_booked_appointment = Signal()
"""Sent beside `appointment_booked` for those that a customer made, or that Google did and the policy fires."""
