"""News about Google accounts, sent after commit, upward, by id. `calendars.receivers` listens."""

from django.dispatch import Signal

account_connected = Signal()
"""A grant was given or renewed and its calendars are listed. Carries `account_id`."""

account_disconnecting = Signal()
"""Sent inside the transaction that disconnects, while the tokens still work. Carries `account_id`."""

sync_requested = Signal()
"""A person pressed *Sync now*: its calendars were made due. Carries `account_id`."""

calendar_changed = Signal()
"""Google told of a change in a calendar that is read: it was made due. Carries `google_calendar_id`."""
