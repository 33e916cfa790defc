"""A configuration was saved: calendars are read no more, or only read, or hold its appointments from here on."""

from calendars.models import CalendarConfiguration
from calendars.sync import copies, disconnecting, targets


def follow(configuration: CalendarConfiguration, *, link_changed: bool) -> None:
    """Let go of what nobody reads, or writes to, now; and move future appointments to the new link."""
    disconnecting.forget_unread()
    owner = configuration.user_id or (configuration.calendar and configuration.calendar.owner_id)
    if owner:
        copies.let_go_of_read_only(owner)
    if link_changed:
        targets.retarget_configuration(configuration)
