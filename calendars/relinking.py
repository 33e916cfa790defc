"""What another linked calendar does to what is there already, counted and told before it is saved."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q

from calendars.forms import UnassignedConfigurationForm
from calendars.models import Calendar, CalendarConfiguration, GoogleEvent, PushTarget
from contacts.models import Appointment, Origin
from contacts.models.appointments import AppointmentQuerySet
from integrations.models import GoogleCalendar

ANY = "the new one"


@dataclass(frozen=True, slots=True)
class Relinking:
    """From `old` (None: none was linked) to `new`, by name: "" where none is linked.

    `moved`: upcoming appointments made here; `unblocked`: events of `old` that block time by themselves; `left`:
    appointments that came from it.
    """

    old: GoogleCalendar | None
    new: str
    moved: int
    unblocked: int = 0
    left: int = 0

    @property
    def lines(self) -> list[str]:
        """Each a sentence; empty where nothing ahead is touched."""
        given_up = " and ".join(filter(None, [self._unblocked, self._left]))
        unless = f"{given_up}, unless you choose it as a conflict calendar."
        return [*([self._moved] if self.moved else []), *([unless] if given_up else [])]

    @property
    def _moved(self) -> str:
        what = f"{_many(self.moved, 'upcoming appointment')} made here {_are(self.moved)}"
        if self.old is None:
            return f"{what} put into {self.new}."
        return (
            f"{what} moved from “{self.old}” to {self.new}."
            if self.new
            else f"{what} taken out of “{self.old}”."
        )

    @property
    def _unblocked(self) -> str:
        if not self.unblocked:
            return ""
        no_longer = "no longer blocks time" if self.unblocked == 1 else "no longer block time"
        return f"{_many(self.unblocked, 'event')} of “{self.old}” {no_longer}"

    @property
    def _left(self) -> str:
        if not self.left:
            return ""
        stays = "stays but no longer follows it" if self.left == 1 else "stay but no longer follow it"
        source = "it" if self.unblocked else f"“{self.old}”"
        return f"{_many(self.left, 'appointment')} that came from {source} {stays}"


def relinking(form: UnassignedConfigurationForm, now: datetime) -> Relinking | None:
    """What saving `form` would do; None while it links no other calendar, or has errors. Two statements."""
    if not form.is_bound or not form.is_valid() or form.settled is None:
        return None
    stored, new = form.instance, form.settled.linked_calendar
    if stored.linked_calendar_id == (new.pk if new else None):
        return None
    stays_read = {calendar.pk for calendar in form.settled.conflict_calendars}
    return _counted(form, f"“{new}”" if new else "", now, stays_read=stays_read)


def if_relinked(form: UnassignedConfigurationForm, now: datetime) -> Relinking | None:
    """The same of any other calendar, for a page without scripts; None where none is linked yet."""
    return _counted(form, ANY, now) if form.instance.linked_calendar_id else None


def _counted(
    form: UnassignedConfigurationForm, new: str, now: datetime, *, stays_read: Iterable[int] = ()
) -> Relinking:
    old = form.instance.linked_calendar
    ahead = _ruled(form).filter(starts_at__gt=now)
    if old is None:
        # What came from Google lives in its own event.
        return Relinking(None, new, moved=ahead.exclude(origin=Origin.GOOGLE).count())
    written = PushTarget.objects.filter(
        appointment__in=ahead, google_calendar=old, is_adopted=False, is_withdrawn=False
    )
    moved = written.count()
    if old.pk in stays_read or old.next_pull_at is None:
        return Relinking(old, new, moved)
    return Relinking(old, new, moved, **_given_up(form.instance, old, now))


def _ruled(form: UnassignedConfigurationForm) -> AppointmentQuerySet:
    """The standing appointments that the link is for."""
    standing = Appointment.objects.standing()
    if form.unassigned:
        return standing.filter(calendar=form.unassigned)
    return standing.filter(hosts__user=form.owner).exclude(calendar__kind=Calendar.Kind.UNASSIGNED)


def _given_up(stored: CalendarConfiguration, old: GoogleCalendar, now: datetime) -> dict[str, int]:
    """How many events of `old` block by themselves, and how many have an appointment that came from them; none where
    another configuration reads it as well."""
    others = CalendarConfiguration.objects.exclude(pk=stored.pk).filter(
        Q(linked_calendar=OuterRef("google_calendar")) | Q(conflict_calendars=OuterRef("google_calendar"))
    )
    void = Q(appointment=None) | Q(appointment__status__in=Appointment.VOID_STATUSES)
    ahead = GoogleEvent.objects.filter(google_calendar=old, ends_at__gt=now).exclude(status="cancelled")
    return ahead.filter(~Exists(others)).aggregate(
        unblocked=Count("pk", filter=Q(blocks=True) & void),
        left=Count("pk", filter=~void & Q(appointment__origin=Origin.GOOGLE)),
    )


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def _are(number: int) -> str:
    return "are" if number != 1 else "is"
