"""Whether what is pushed to one Google calendar stands in another one: dragged there, or as a colleague's copy."""

from django.db.models import Exists, F, Q

from calendars.models import GoogleEvent, PushTarget
from integrations.google.errors import Changed
from integrations.models import GoogleAccount


def stands_elsewhere(target: PushTarget, row: GoogleEvent | None) -> bool:
    """Dragged to another calendar of this person; or it came from Google, where a colleague's copy goes on. `row`: its
    event in the calendar of `target`.

    Raises Changed where what is gone there was not looked at yet: it may be on its way.
    """
    others = target.appointment.google_events.exclude(google_calendar=target.google_calendar)
    own = Q(google_calendar__account__user=target.google_calendar.account.user_id)
    # What was put in the place of a colleague's copy is theirs alone.
    others = others.filter(own | Q(crm_id="") if target.is_adopted else own)
    is_read = Q(google_calendar__next_pull_at__isnull=False)
    is_connected = Q(google_calendar__account__state=GoogleAccount.State.CONNECTED)
    # For a colleague who declined it goes on no more, nor does what was gone and is back, before it is looked at.
    ends_unheard = Exists(PushTarget.objects.of_event().filter(is_behind=True, tried_end=True))
    goes_on = ~Q(outcome__in=[GoogleEvent.Outcome.FREE, GoogleEvent.Outcome.CANCELLED]) & ~Q(ends_unheard)
    if row is not None and row.organised_by_us:
        goes_on &= Q(organised_by_us=True)  # invitations go with what they invite to
    stands = ~Q(status="cancelled") & (own | goes_on)
    # Of what lies where nobody reads any more, nobody knows whether it does; but one's own that is written is kept.
    writing = Exists(PushTarget.objects.of_event().filter(is_withdrawn=False))
    was_left_there = Q(gone_at=None) | Q(gone_at__lt=F("seen_at"))
    is_kept = own & is_connected & Q(writing) & stands & was_left_there
    if others.filter(is_read & stands | is_kept).exists():
        return True
    if others.filter(Q(is_due=True) | ends_unheard, is_read & is_connected).exists():
        raise Changed("What became of another copy is looked at first.")
    return False


def was_dragged_away(target: PushTarget) -> bool:
    """To a calendar of this person that is only read: it is still the event of the appointment."""
    away = target.appointment.google_events.filter(
        google_calendar__account__user=target.google_calendar.account.user_id,
        google_calendar__next_pull_at__isnull=False,
    )
    return away.exclude(status="cancelled").exclude(Exists(PushTarget.objects.of_event())).exists()
