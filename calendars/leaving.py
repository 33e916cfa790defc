"""What somebody who may no longer sign in leaves behind, read before that is saved. Nothing is changed here."""

import datetime
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from calendars.affected import MOST_SHOWN, Row
from calendars.models import Calendar, Membership
from contacts.models import Appointment, User
from contacts.privacy import hides, with_privacy
from integrations.models import GoogleAccount


@dataclass(frozen=True, slots=True)
class Leaving:
    """`count` appointments ahead that they host, and the first of them; the calendars that nobody else serves; the
    Google accounts that stay connected."""

    user: User
    count: int = 0
    rows: tuple[Row, ...] = ()
    alone: tuple[Calendar, ...] = ()
    accounts: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.count or self.alone or self.accounts)

    @property
    def name(self) -> str:
        return str(self.user)

    @property
    def more(self) -> int:
        """How many they host beside `rows`."""
        return self.count - len(self.rows)


def leaving(user_ids: Collection[int], *, viewer: User, now: datetime.datetime) -> list[Leaving]:
    """Of each of these users who leaves something behind."""
    users = User.objects.filter(pk__in=user_ids)
    return [each for user in users if (each := _of(user, user_ids, viewer, now))]


def _of(user: User, gone: Collection[int], viewer: User, now: datetime.datetime) -> Leaving:
    hosted = Appointment.objects.standing().filter(starts_at__gt=now, hosts__user=user)
    shown = with_privacy(hosted.select_related("contact"), viewer)
    first = shown.prefetch_related("contact__emails", "hosts__user").order_by("starts_at", "pk")[:MOST_SHOWN]
    return Leaving(
        user,
        count=hosted.count(),
        rows=tuple(_row(appointment, user) for appointment in first),
        alone=_alone(user, gone),
        accounts=tuple(
            GoogleAccount.objects.filter(user=user, state="connected").values_list("address", flat=True)
        ),
    )


def _row(appointment: Appointment, user: User) -> Row:
    others = [str(host.user) for host in appointment.hosts.all() if host.user_id != user.pk]
    why = f"Hosted with {' and '.join(others)}" if others else f"Hosted by {user} alone"
    return Row(appointment, "" if hides(appointment) else appointment.contact.name, why)


def _alone(user: User, gone: Collection[int]) -> tuple[Calendar, ...]:
    """Those open for booking that nobody would serve once all in `gone` are gone."""
    serving = Membership.objects.filter(calendar=OuterRef("pk"), is_active=True, user__is_active=True)
    served_by_them = Q(Exists(serving.filter(user=user))) & ~Q(Exists(serving.exclude(user__in=gone)))
    own = Q(kind=Calendar.Kind.UNASSIGNED, owner=user)
    return tuple(Calendar.objects.active().filter(served_by_them | own).order_by("name"))
