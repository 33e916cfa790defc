"""How a configuration changes: the only function that writes one, and the rules that stand before it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils import timezone

from calendars import booking
from calendars.models import Calendar, CalendarConfiguration, PrivateEvents, RecurringEvents, SyncOption
from calendars.signals import configuration_saved
from calendars.sync.erasing import erase_private
from contacts.models import User
from integrations.models import GoogleCalendar

CREATION_NEEDS_CALENDAR = (
    "Choose a default calendar first: contacts found in Google need a calendar to be filed on."
)
FIELDS = (
    "linked_calendar",
    "sync_option",
    "allow_contact_creation",
    "default_calendar",
    "allow_trigger",
    "recurring_events",
    "blocks_unanswered",
    "private_events",
    "ignored_guests",
    "time_zone",
)
# What moves `policy_since`: events that Google made before such a change stay silent.
POLICY_FIELDS = {"linked_calendar", "sync_option", "allow_contact_creation", "allow_trigger"}


class NotAllowed(Exception):
    """These values do not go together. `field` names the one to change; the words are for a person."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field


@dataclass(frozen=True, slots=True)
class ConfigurationValues:
    """Everything a configuration says, as the form hands it over."""

    linked_calendar: GoogleCalendar | None = None
    conflict_calendars: tuple[GoogleCalendar, ...] = ()
    sync_option: str = SyncOption.ONE_WAY
    allow_contact_creation: bool = False
    default_calendar: Calendar | None = None
    allow_trigger: bool = False
    recurring_events: str = RecurringEvents.EACH
    blocks_unanswered: bool = True
    private_events: str = PrivateEvents.BLOCK
    ignored_guests: str = ""
    time_zone: str = "UTC"


def settle(
    values: ConfigurationValues, *, user: User | None = None, calendar: Calendar | None = None
) -> ConfigurationValues:
    """`values` as they will be stored for a user or an unassigned calendar.

    A user with just one eligible calendar gets it chosen when creation is on. Without a default calendar the
    triggers are off. A conflict calendar that is also the linked one is only linked. Raises NotAllowed.
    """
    conflicts = tuple(each for each in values.conflict_calendars if each != values.linked_calendar)
    values = replace(values, conflict_calendars=conflicts)
    if calendar is not None:
        _refuse_second_link(values, calendar)
        return replace(values, default_calendar=None, allow_contact_creation=False, allow_trigger=False)
    if values.allow_contact_creation and values.default_calendar is None:
        values = replace(values, default_calendar=only_calendar(user))
        if values.default_calendar is None:
            raise NotAllowed("allow_contact_creation", CREATION_NEEDS_CALENDAR)
    return replace(values, allow_trigger=values.allow_trigger and values.default_calendar is not None)


@transaction.atomic
def save_configuration(
    values: ConfigurationValues,
    *,
    user: User | None = None,
    calendar: Calendar | None = None,
    by: User | None = None,
    now: datetime | None = None,
) -> CalendarConfiguration:
    """Store `values` for exactly one of `user` and (unassigned) `calendar`, and make Google's calendars follow.

    Newly chosen Google calendars become due at once; those nobody uses any more are no longer read. `by` is who
    the history names. Saving the same again changes nothing. Raises NotAllowed.
    """
    now = now or timezone.now()
    values = settle(values, user=user, calendar=calendar)
    configuration = _locked(user, calendar)
    before = _uses(configuration)
    changed = {name for name in FIELDS if getattr(configuration, name) != getattr(values, name)}
    if configuration.pk is None or changed:
        for name in changed:
            setattr(configuration, name, getattr(values, name))
        if configuration.pk is None or changed & POLICY_FIELDS:
            configuration.policy_since = now
        configuration._history_user = by  # type: ignore[attr-defined]  # simple-history reads this attribute
        configuration.save()
    if before.conflicts != _keys(values.conflict_calendars):
        configuration.conflict_calendars.set(values.conflict_calendars)
    _own(calendar, values.linked_calendar)
    uses = _Uses.of(values)
    _follow(before, uses, now)
    # Whatever was changed: who decides for a calendar may be another one now, and keep less.
    erase_private(before.all | uses.all)
    transaction.on_commit(
        partial(
            configuration_saved.send_robust,
            sender=CalendarConfiguration,
            configuration_id=configuration.pk,
            link_changed="linked_calendar" in changed,
        )
    )
    return configuration


def forget_default(calendar: Calendar) -> int:
    """Before `calendar` is deleted: who filed on it falls back to blocking. Returns how many did."""
    changed = 0
    for configuration in CalendarConfiguration.objects.filter(default_calendar=calendar).select_related(
        "user"
    ):
        values = replace(
            values_of(configuration), default_calendar=None, allow_contact_creation=False, allow_trigger=False
        )
        save_configuration(values, user=configuration.user)
        changed += 1
    return changed


def values_of(configuration: CalendarConfiguration) -> ConfigurationValues:
    """What a stored configuration says."""
    return ConfigurationValues(
        conflict_calendars=tuple(configuration.conflict_calendars.all()),
        **{name: getattr(configuration, name) for name in FIELDS},
    )


@dataclass(frozen=True, slots=True)
class _Uses:
    """Primary keys of the Google calendars that a configuration reads."""

    linked: frozenset[int]
    conflicts: frozenset[int]

    @classmethod
    def of(cls, values: ConfigurationValues) -> "_Uses":
        linked = [values.linked_calendar] if values.linked_calendar else []
        return cls(_keys(linked), _keys(values.conflict_calendars))

    @property
    def all(self) -> frozenset[int]:
        return self.linked | self.conflicts


def _uses(configuration: CalendarConfiguration) -> _Uses:
    if configuration.pk is None:
        return _Uses(frozenset(), frozenset())
    return _Uses.of(values_of(configuration))


def _keys(calendars: Iterable[GoogleCalendar]) -> frozenset[int]:
    return frozenset(each.pk for each in calendars)


def _locked(user: User | None, calendar: Calendar | None) -> CalendarConfiguration:
    # The owner's row is locked, not the configuration's: the first save has none yet, and two could race to make it.
    if calendar is not None:
        Calendar.objects.select_for_update().get(pk=calendar.pk)
        return CalendarConfiguration.objects.filter(calendar=calendar).first() or CalendarConfiguration(
            calendar=calendar
        )
    if user is None:
        raise ValueError("A configuration belongs to a user or to an unassigned calendar.")
    User.objects.select_for_update().get(pk=user.pk)
    return CalendarConfiguration.objects.filter(user=user).first() or CalendarConfiguration(user=user)


def _follow(before: _Uses, after: _Uses, now: datetime) -> None:
    # A conflict calendar that is now linked is due too: its events mean something else from here on.
    due = (after.linked - before.linked) | (after.conflicts - before.conflicts)
    GoogleCalendar.objects.filter(pk__in=due).update(next_pull_at=now)
    left = GoogleCalendar.objects.filter(pk__in=before.all - after.all, linked_by=None, conflict_of=None)
    left.update(next_pull_at=None)


def _own(calendar: Calendar | None, linked: GoogleCalendar | None) -> None:
    """An unassigned calendar's owner is the user whose account is linked."""
    if calendar is not None and linked is not None and calendar.owner_id != linked.account.user_id:
        before, calendar.owner = calendar.owner, linked.account.user
        calendar.save(update_fields=["owner"])
        booking.hand_over_room(calendar, old=before, new=linked.account.user)


def only_calendar(user: User | None) -> Calendar | None:
    """The one calendar `user` may choose as default; None when there is none or a choice."""
    eligible = list(Calendar.objects.default_for(user)[:2])
    return eligible[0] if len(eligible) == 1 else None


def _refuse_second_link(values: ConfigurationValues, calendar: Calendar) -> None:
    if values.linked_calendar is None:
        return
    # By Google's id: two accounts may both list one shared calendar.
    other = (
        Calendar.objects.filter(
            kind=Calendar.Kind.UNASSIGNED,
            configuration__linked_calendar__google_id=values.linked_calendar.google_id,
        )
        .exclude(pk=calendar.pk)
        .first()
    )
    if other is not None:
        raise NotAllowed(
            "linked_calendar",
            f"“{other}” is linked to {values.linked_calendar} already. Two unassigned calendars cannot share one: "
            "choose another, or unlink it there first.",
        )
