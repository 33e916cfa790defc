"""To whom an answer to an e-mail of ours goes: a person, so that it is read."""

from contacts.models import Appointment


def answers_to(appointment: Appointment) -> str:
    """The address of whoever the appointment is with, for Reply-To. "" where they no longer work here: an answer then
    goes to the address we send from. Reads the owner."""
    return appointment.owner.email if appointment.owner.is_active else ""
