"""What happens to observations when a Google calendar is no longer read, and when it is read again.

Blocks are lifted and titles, texts and guests erased, in the reasons as well; id, outcome, decision and link stay, so
that a reconnect doubles nothing and decisions stand.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from calendars.models import CalendarConfiguration, GoogleEvent, GoogleEventGuest, PushTarget, SyncRun
from calendars.sync import targets
from calendars.sync.erasing import erase_addresses
from integrations.models import GoogleAccount, GoogleCalendar

CONNECTED = GoogleAccount.State.CONNECTED


@transaction.atomic
def let_go(account_id: int) -> None:
    """The account is being disconnected: forget what its calendars said, keep what was made of it."""
    calendars = GoogleCalendar.objects.filter(account=account_id)
    # First: a pull under way stores its page before this, or not at all.
    calendars.update(next_pull_at=None)
    forget(list(calendars.values_list("pk", flat=True)))


@transaction.atomic
def forget(google_calendars: list[int]) -> None:
    """Lift the blocks of these Google calendars and erase what their events say. Their next pull is a full one."""
    GoogleEventGuest.objects.filter(event__google_calendar__in=google_calendars).delete()
    # A deletion that waits to be carried out is given up like the rest: the next full pull asks for the event again.
    GoogleEvent.objects.filter(
        google_calendar__in=google_calendars, status="cancelled", is_due=True, appointment__isnull=False
    ).update(status="confirmed", gone_at=F("seen_at"))
    erase_addresses(GoogleEvent.objects.filter(google_calendar__in=google_calendars))
    # Without an etag the observation is given up. The etag last planned stays: what comes back unchanged keeps what
    # was made of it, whatever the option has become.
    GoogleEvent.objects.filter(google_calendar__in=google_calendars).update(
        etag="", replan="", blocks=False, summary="", description="", location="",
        organizer_address="", meeting_url="", html_link="", attendees=[], agreed_words=[],
        error="", attempts=0, not_before=None, series_told=[],
    )  # fmt: skip
    # With the observations, what a person was asked about them.
    SyncRun.objects.filter(google_calendar__in=google_calendars, state=SyncRun.State.BRAKED).update(
        state=SyncRun.State.DONE, error=""
    )
    GoogleCalendar.objects.filter(pk__in=google_calendars).update(
        sync_token="",
        next_full_at=None,
        window_starts_at=None,
        window_ends_at=None,
        # A pull under way would go on where its list was, and what it had listed before is forgotten.
        claimed_until=None,
    )


def forget_unread() -> None:
    """Forget every Google calendar that was read, if only in part, and that no configuration names any more."""
    seen = GoogleEvent.objects.filter(google_calendar=OuterRef("pk")).exclude(etag="")
    unread = GoogleCalendar.objects.filter(~Q(sync_token="") | Exists(seen), next_pull_at=None)
    pks = list(unread.values_list("pk", flat=True))
    # What was dragged to a calendar that was only read is followed there no more; its appointment stays.
    left = GoogleEvent.objects.filter(
        google_calendar__in=pks, appointment__isnull=False, google_calendar__account__state=CONNECTED
    )
    left.exclude(Exists(PushTarget.objects.of_event())).exclude(status="cancelled").update(appointment=None)
    forget(pks)


def resume(account_id: int, now: datetime) -> None:
    """The account is connected (again): calendars that a configuration reads are due at once."""
    read = CalendarConfiguration.objects.filter(
        Q(linked_calendar__account=account_id) | Q(conflict_calendars__account=account_id)
    )
    wanted = [pk for pair in read.values_list("linked_calendar", "conflict_calendars") for pk in pair if pk]
    GoogleCalendar.objects.filter(account=account_id, pk__in=wanted).update(next_pull_at=now)
    targets.lift_waits(PushTarget.objects.behind().filter(google_calendar__account=account_id), now)
