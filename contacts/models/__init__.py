"""People, and what we agreed with them."""

from contacts.models.appointments import (
    Appointment,
    AppointmentChange,
    AppointmentGuest,
    AppointmentHost,
    Origin,
)
from contacts.models.people import Activity, Contact, ContactEmail, ContactPhone, Note, Tag
from contacts.models.users import User, UserAddress

__all__ = [
    "Activity",
    "Appointment",
    "AppointmentChange",
    "AppointmentGuest",
    "AppointmentHost",
    "Contact",
    "ContactEmail",
    "ContactPhone",
    "Note",
    "Origin",
    "Tag",
    "User",
    "UserAddress",
]
