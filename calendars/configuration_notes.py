"""What a person should know about their configuration before they change it, in words."""

from calendars.models import Calendar, CalendarConfiguration
from integrations.models import GoogleAccount

DECIDES = "An event is processed once: the unassigned calendar's option decides; both still block."


def notes(configuration: CalendarConfiguration | None) -> list[str]:
    """What stands in the way or is shared, most urgent first; empty when all is well or nothing is stored yet."""
    if configuration is None:
        return []
    found = [lost_default(configuration), lost_link(configuration), shared_link(configuration)]
    return [note for note in found if note]


def lost_default(configuration: CalendarConfiguration) -> str:
    """Why the default calendar no longer counts, so that policy fell back to blocking; "" while it does."""
    chosen, user = configuration.default_calendar, configuration.user
    if chosen is None or user is None or Calendar.objects.default_for(user).filter(pk=chosen.pk).exists():
        return ""
    if not chosen.is_active:
        why = "is switched off"
    elif chosen.is_unassigned:
        why = "has no team any more"
    else:
        why = "no longer counts you as a member"
    return f"Your default calendar “{chosen}” {why}. Until you choose another, events from Google only block time."


def lost_link(configuration: CalendarConfiguration) -> str:
    """Why the linked calendar is not kept in step now; "" while it is, or while none is linked."""
    linked = configuration.linked_calendar
    if linked is None:
        return ""
    account = linked.account
    if account.state == GoogleAccount.State.DISCONNECTED:
        return f"{account} is disconnected. “{linked}” stays chosen and is kept in step again once you reconnect it."
    if linked.gone_at:
        return f"“{linked}” is no longer among your calendars at Google. Its last known times keep blocking."
    if not linked.is_writable:
        return f"Google lets you only read “{linked}” now: appointments wait. Ask its owner, or link another."
    return ""


def shared_link(configuration: CalendarConfiguration) -> str:
    """Who else is linked to the same Google calendar, and who decides; "" when nobody is."""
    linked = configuration.linked_calendar
    if linked is None:
        return ""
    others = CalendarConfiguration.objects.filter(linked_calendar__google_id=linked.google_id).exclude(
        pk=configuration.pk
    )
    if configuration.calendar_id:
        other = others.filter(calendar=None).select_related("user").first()
        return f"{other.user} is linked to “{linked}” too. {DECIDES}" if other else ""
    other = others.exclude(calendar=None).select_related("calendar").first()
    return (
        f"The unassigned calendar “{other.calendar}” is linked to “{linked}” too. {DECIDES}" if other else ""
    )
