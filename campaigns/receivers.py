"""News about appointments goes to `triggers.look_at`, whichever signal brings it first."""

from collections.abc import Sequence
from typing import Any

from campaigns.triggers import look_at
from contacts import signals


def connect() -> None:
    """Listens to every signal of `contacts.signals`; called once, when the app is ready."""
    for signal in (
        signals.appointment_booked,
        signals.appointment_rescheduled,
        signals.appointment_status_changed,
        signals.customer_booked_appointment,
    ):
        signal.connect(on_change, dispatch_uid="campaigns.on_change")


def on_change(*, change_ids: Sequence[int], **kwargs: Any) -> None:
    look_at(*change_ids)
