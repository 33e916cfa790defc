"""What happens next at Google with an appointment, and what stays there, in words for the desk."""

from collections.abc import Collection, Iterable
from enum import StrEnum

from django.utils import timezone

from calendars.models import GoogleEvent, PushTarget
from contacts.models import Appointment, Origin
from integrations.models import GoogleAccount

IN_GOOGLE_SOON = "It will be in Google in a moment."
OUT_OF_GOOGLE_SOON = "It leaves Google in a moment."
STAYS_DECLINED = "At Google the invitation stays declined: accept it there."
DECLINED_SOON = "The invitation is declined at Google in a moment."
STAYS_READ_ONLY = (
    "Its event stays at Google, in a calendar that Tandem only reads, until somebody deletes it."
)
# How the reason of a push ends that came through.
GOOGLE_HAS_IT = "Google has it."
GOOGLE_LACKS_IT = "Google does not have it yet."
TO_ACCOUNT = ("google_calendar__account",)


class Fate(StrEnum):
    """What the push makes of one copy. Nothing: its event is gone, or stands in another calendar."""

    PUT = "put"
    REMOVE = "remove"
    DECLINE = "decline"
    # Its person said no to it, which nothing here takes back.
    STAY_DECLINED = "stay declined"
    # The person's own event, which is left to them.
    LEAVE = "leave"
    NOTHING = "nothing"


def fate_of(target: PushTarget, appointment: Appointment, events: Collection[GoogleEvent]) -> Fate:
    """`events`: all of `appointment`, with their Google calendars and accounts. As `sync.push` decides it."""
    event = event_of(target, events)
    is_gone = event is not None and event.is_cancelled
    if not (appointment.is_void or target.is_withdrawn):
        is_out = (
            _stands_elsewhere(target, events) if is_gone else event is None and _lies_away(target, events)
        )
        if is_out:
            return Fate.NOTHING
        return Fate.STAY_DECLINED if event is not None and _is_declined(event) else Fate.PUT
    if is_gone:
        return Fate.NOTHING
    if appointment.is_void and target.is_adopted and _is_persons_own(appointment, events):
        return Fate.LEAVE
    return Fate.DECLINE if event is not None and not event.organised_by_us else Fate.REMOVE


def event_of(target: PushTarget, events: Iterable[GoogleEvent]) -> GoogleEvent | None:
    place = target.google_calendar_id, target.event_id
    return next((each for each in events if (each.google_calendar_id, each.google_id) == place), None)


def _is_declined(event: GoogleEvent) -> bool:
    """An invitation that its person said no to."""
    is_no = event.outcome == GoogleEvent.Outcome.FREE
    return is_no and not event.organised_by_us and not event.is_cancelled


def _is_persons_own(appointment: Appointment, events: Iterable[GoogleEvent]) -> bool:
    """Google ended the appointment, or a person keeps its event as a private block."""
    kept = any(event.decision == GoogleEvent.Decision.KEEP_PRIVATE for event in events)
    return kept or appointment.status_set_by == Origin.GOOGLE


def _stands_elsewhere(target: PushTarget, events: Iterable[GoogleEvent]) -> bool:
    user = target.google_calendar.account.user_id
    return any(
        not event.is_cancelled
        and event.google_calendar.next_pull_at is not None
        and event.google_calendar_id != target.google_calendar_id
        and (event.google_calendar.account.user_id == user or (target.is_adopted and _goes_on(event)))
        for event in events
    )


def _goes_on(event: GoogleEvent) -> bool:
    """Whether a colleague's copy is the meeting: neither what was put in its place for them, nor declined."""
    ended = (GoogleEvent.Outcome.FREE, GoogleEvent.Outcome.CANCELLED)
    return not event.crm_id and event.outcome not in ended


def _lies_away(target: PushTarget, events: Iterable[GoogleEvent]) -> bool:
    """Whether it was dragged to a calendar of this person that is only read."""
    targets = target.appointment.push_targets.all()
    user = target.google_calendar.account.user_id
    return not target.is_adopted and any(
        is_only_read(event, targets)
        and event.google_calendar.next_pull_at is not None
        and event.google_calendar.account.user_id == user
        for event in events
    )


def is_only_read(event: GoogleEvent, targets: Iterable[PushTarget]) -> bool:
    """Whether it stands in a Google calendar that its appointment is not written to."""
    written = {target.google_calendar_id for target in targets}
    return not event.is_cancelled and event.organised_by_us and event.google_calendar_id not in written


def waits_until(account: GoogleAccount) -> str:
    """Before what nothing is sent to it: "ann@x.org is connected again", "10:30"; "" where it can be sent at once."""
    if account.is_connected:
        waits = account.not_before is not None and account.not_before > timezone.now()
        return (
            f"{timezone.localtime(account.not_before):%H:%M}, as Google's limit is reached" if waits else ""
        )
    if account.state == GoogleAccount.State.MISSING:
        return f"{account} has the permission that is missing"
    return f"{account} is connected again"


def when_followed(targets: Iterable[PushTarget], soon: str) -> str:
    """`soon` where one of `targets` can be written to; and for which connection the others wait."""
    waits = [waits_until(target.google_calendar.account) for target in targets]
    later = (f"Google Calendar waits until {until}." for until in dict.fromkeys(filter(None, waits)))
    return " ".join([*([soon] if soon and "" in waits else []), *later])


def google_words(appointment: Appointment) -> str:
    """What happens at Google after a change that was just stored; "" where nothing does."""
    # Not the relations: they may have been read before the change.
    targets = list(PushTarget.objects.filter(appointment=appointment).select_related(*TO_ACCOUNT))
    if not targets:
        return ""
    events = list(GoogleEvent.objects.filter(appointment=appointment).select_related(*TO_ACCOUNT))
    fates = {target: fate_of(target, appointment, events) for target in targets if target.is_behind}
    said = [
        when_followed([target for target in fates if fates[target] == fate], soon)
        for fate, soon in (
            (Fate.PUT, IN_GOOGLE_SOON),
            (Fate.REMOVE, OUT_OF_GOOGLE_SOON if appointment.is_void else ""),
            (Fate.DECLINE, DECLINED_SOON),
        )
    ]
    if Fate.STAY_DECLINED in fates.values():
        said.append(STAYS_DECLINED)
    if appointment.is_void and any(is_only_read(event, targets) for event in events):
        said.append(STAYS_READ_ONLY)
    return " ".join(dict.fromkeys(filter(None, said)))


def reason_now(reason: str, *, is_behind: bool) -> str:
    """`reason` of an event; where Google lacks a change by now it does not say that Google has it."""
    if is_behind and reason.endswith(GOOGLE_HAS_IT):
        return f"{reason.removesuffix(GOOGLE_HAS_IT)}{GOOGLE_LACKS_IT}"
    return reason


def behind_among(events: Iterable[GoogleEvent]) -> set[int]:
    """Pks of those that say that Google has it, though a later change waits. No statement where none says so."""
    places = {
        (event.google_calendar_id, event.google_id): event.pk
        for event in events
        if event.appointment_id and event.reason.endswith(GOOGLE_HAS_IT)
    }
    if not places:
        return set()
    ids = [google_id for _, google_id in places]
    targets = PushTarget.objects.behind().filter(event_id__in=ids).values_list("google_calendar", "event_id")
    return {places[place] for place in targets if place in places}
