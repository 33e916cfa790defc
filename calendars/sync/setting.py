"""What holds for every event of one Google calendar: whose it is, what rules it, where its appointments go."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q

from calendars.models import Calendar, CalendarConfiguration, PrivateEvents
from calendars.sync import guests as guest_rules
from calendars.sync import policy as policies
from calendars.sync.guests import Ignored
from calendars.sync.policy import Policy
from contacts.models import User
from contacts.models.users import UserAddress
from integrations.models import GoogleAccount, GoogleCalendar

NEVER = datetime.min.replace(tzinfo=UTC)


class Pulled(NamedTuple):
    """When the calendar that was pulled the longest ago was, and the one that was pulled last; and the longest ago of
    those that can be read, None where Google refuses to show any.
    """

    first: datetime
    last: datetime
    first_of_readable: datetime | None


@dataclass(frozen=True)
class Setting:
    """What holds for every event of one Google calendar: whose it is, what rules it, where appointments go."""

    google_calendar: GoogleCalendar
    configuration: CalendarConfiguration | None
    policy: Policy
    policy_since: datetime
    owner: User
    target: Calendar | None
    is_conflict_calendar: bool
    ignored: Ignored
    # When the person's other calendars were pulled; None: there is no other.
    others_pulled: Pulled | None

    @property
    def is_only_read(self) -> bool:
        """Nothing is written to Google's own events in it."""
        return self.is_conflict_calendar and self.configuration is not None

    @property
    def keeps_private(self) -> bool:
        """Whether title and guests of private events are stored."""
        return keeps_private(self.configuration)


def setting_for(google_calendar: GoogleCalendar, now: datetime) -> Setting:
    """The setting of `google_calendar`. An unassigned calendar's link decides before a user's; then a conflict one."""
    return setting_under(ruling(google_calendar), google_calendar, now)


def setting_under(
    configuration: CalendarConfiguration | None, google_calendar: GoogleCalendar, now: datetime
) -> Setting:
    """The setting of `google_calendar` if `configuration`, saved or not, decided for it."""
    account = google_calendar.account
    is_conflict = configuration is None or configuration.linked_calendar_id != google_calendar.pk
    policy, target = (
        policy_of(configuration) if configuration else (policies.for_unassigned(policies.ONE_WAY), None)
    )
    return Setting(
        google_calendar=google_calendar,
        configuration=configuration,
        policy=policy,
        policy_since=configuration.policy_since if configuration else now,
        owner=(target.owner if target and target.is_unassigned and target.owner else account.user),
        target=target,
        is_conflict_calendar=is_conflict,
        ignored=guest_rules.read_ignored(configuration.ignored_guests if configuration else ""),
        others_pulled=_others_pulled(google_calendar),
    )


def policy_of(configuration: CalendarConfiguration) -> tuple[Policy, Calendar | None]:
    """The effective policy of `configuration` and the CRM calendar appointments are filed on, None for neither."""
    if configuration.calendar is not None:
        return policies.for_unassigned(configuration.sync_option), configuration.calendar
    target = valid_default(configuration)
    policy = policies.for_user(
        configuration.sync_option,
        has_default=target is not None,
        creation=configuration.allow_contact_creation and target is not None,
        trigger=configuration.allow_trigger,
    )
    return policy, target


def valid_default(configuration: CalendarConfiguration) -> Calendar | None:
    """The default calendar while it is active and the user belongs to it; otherwise policy falls back to blocking."""
    if configuration.default_calendar_id is None:
        return None
    return (
        Calendar.objects.default_for(configuration.user).filter(pk=configuration.default_calendar_id).first()
    )


def keeps_private(configuration: CalendarConfiguration | None) -> bool:
    return configuration is not None and configuration.private_events == PrivateEvents.NORMAL


def ruling(google_calendar: GoogleCalendar) -> CalendarConfiguration | None:
    """The configuration that decides for `google_calendar`: an unassigned link, a user's, then a conflict one."""
    rows = CalendarConfiguration.objects.select_related("calendar__owner", "default_calendar", "user").filter(
        Q(linked_calendar=google_calendar) | Q(conflict_calendars=google_calendar)
    )
    found = list(rows.distinct())
    found.sort(
        key=lambda row: (row.linked_calendar_id != google_calendar.pk, row.calendar_id is None, row.pk)
    )
    return found[0] if found else None


def our_addresses(among: Collection[str]) -> frozenset[str]:
    """Those of `among` (normalised) that are users': where they sign in, aliases, connected accounts. One statement."""
    users = User.objects.order_by().filter(email__in=among).values_list("email", flat=True)
    aliases = UserAddress.objects.order_by().filter(address__in=among).values_list("address", flat=True)
    accounts = GoogleAccount.objects.order_by().filter(address__in=among).values_list("address", flat=True)
    return frozenset(users.union(aliases, accounts)) if among else frozenset()


def colleagues(user_id: int, among: Collection[str]) -> dict[str, str]:
    """Of `among` (normalised) the colleagues' Google calendars that are linked → how those are called. One statement.

    A calendar organises under its own id, which for somebody's main one is their address.
    """
    if not among:
        return {}
    linked = CalendarConfiguration.objects.filter(linked_calendar=OuterRef("pk"))
    # While a grant is dead, or lacks a permission, its person's option still holds.
    organising = (
        GoogleCalendar.objects.filter(Exists(linked), google_id__in=among)
        .exclude(account__state=GoogleAccount.State.DISCONNECTED)
        .exclude(account__user=user_id)
    )
    return {
        calendar.google_id: str(calendar.account.user)
        for calendar in organising.select_related("account__user")
    }


def _others_pulled(google_calendar: GoogleCalendar) -> Pulled | None:
    others = GoogleCalendar.objects.filter(
        account__user=google_calendar.account.user_id,
        account__state=GoogleAccount.State.CONNECTED,
        next_pull_at__isnull=False,
    ).exclude(pk=google_calendar.pk)
    # One that was chosen a moment ago was never pulled: what lies there is not known yet.
    times = [(at or NEVER, refused) for at, refused in others.values_list("last_pull_at", "refused_at")]
    if not times:
        return None
    readable = [at for at, refused in times if refused is None]
    return Pulled(min(at for at, _ in times), max(at for at, _ in times), min(readable, default=None))
