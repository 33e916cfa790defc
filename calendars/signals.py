"""News about how calendars are set up, sent after commit, by id."""

from django.dispatch import Signal

configuration_saved = Signal()
"""A configuration was created or changed. Carries `configuration_id` and `link_changed` (another linked calendar)."""
