"""How appointments ended of which this campaign reminded, beside others of the same calendars and time.

A comparison, not a proof. To be fair it looks only at appointments that stood when the first reminder would have left:
who cancelled earlier, or booked later, could not be reminded, and would make reminders look better than they are.
"""

import datetime
from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from campaigns import wording
from campaigns.figures.moments import Before
from campaigns.figures.periods import Chosen
from campaigns.models import Campaign, Enrolment, Message, Step
from contacts.models import Appointment, AppointmentChange

Status = Appointment.Status
What = AppointmentChange.What
# Fewer of either kind tell nothing.
FEWEST = 20
FURTHEST_BACK = datetime.timedelta(days=366)
# A sending window puts a reminder off, or before its moment, by a week at most.
SLACK = datetime.timedelta(days=8)


@dataclass(frozen=True, slots=True)
class Share:
    number: int
    of: int

    @property
    def percent(self) -> int | None:
        return round(100 * self.number / self.of) if self.of else None


@dataclass(frozen=True, slots=True)
class Group:
    """How so many appointments ended; no-shows are weighed against those of which it is known whether they came."""

    appointments: int = 0
    confirmed: int = 0
    cancelled: int = 0
    showed: int = 0
    no_show: int = 0

    @property
    def shares(self) -> list[tuple[str, Share]]:
        known = self.showed + self.no_show
        return [
            ("Confirmed", Share(self.confirmed, self.appointments)),
            ("Cancelled", Share(self.cancelled, self.appointments)),
            ("Showed", Share(self.showed, known)),
            ("No-show", Share(self.no_show, known)),
        ]

    def without(self, some: "Group") -> "Group":
        return Group(
            self.appointments - some.appointments,
            self.confirmed - some.confirmed,
            self.cancelled - some.cancelled,
            self.showed - some.showed,
            self.no_show - some.no_show,
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    reminded: Group
    others: Group
    # How long before the start an appointment has to stand, in words.
    lead: str

    @property
    def is_enough(self) -> bool:
        return min(self.reminded.appointments, self.others.appointments) >= FEWEST

    @property
    def rows(self) -> list[tuple[str, Share, Share]]:
        """What is compared, of those reminded, of the others."""
        both = zip(self.reminded.shares, self.others.shares, strict=True)
        return [(words, reminded, other) for (words, reminded), (_, other) in both]


def compare(campaign: Campaign, chosen: Chosen, now: datetime.datetime) -> Comparison | None:
    """Of appointments whose start lies in the time chosen, and behind. None for a campaign that reminds of nothing:
    it has no step before the start. Four statements at most."""
    offsets = campaign.steps.filter(anchor=Step.Anchor.BEFORE_START)
    lead = max((step.offset for step in offsets if step.is_active), default=None)
    if lead is None:
        return None
    since = max(chosen.starts_at or now - FURTHEST_BACK, now - FURTHEST_BACK)
    until = min(chosen.ends_at or now, now)
    everyone = _that_stood(_of_calendars(campaign, chosen), lead).filter(
        starts_at__gte=since, starts_at__lt=until
    )
    sent = Message.objects.filter(
        step__in=[step.pk for step in offsets],
        state=Message.State.SENT,
        due_at__gte=since - lead - SLACK,
        due_at__lt=until,
    )
    entered = Enrolment.objects.filter(pk__in=sent.order_by().values("enrolment"))
    all_of_them = _counted(everyone)
    reminded = _counted(everyone.filter(pk__in=entered.order_by().values("appointment")))
    return Comparison(reminded, all_of_them.without(reminded), wording.duration(lead))


def _of_calendars(campaign: Campaign, chosen: Chosen) -> QuerySet[Appointment]:
    found = Appointment.objects.exclude(status=Status.INVALID).order_by()
    calendars = list(campaign.calendars.values_list("pk", flat=True))
    if chosen.calendar:
        found = found.filter(calendar=chosen.calendar)
    return found.filter(calendar__in=calendars) if calendars else found


def _that_stood(found: QuerySet[Appointment], lead: datetime.timedelta) -> QuerySet[Appointment]:
    """Those that stood at the moment `lead` before their start."""
    cancelled_by_then = AppointmentChange.objects.filter(
        appointment=OuterRef("pk"), what=What.CANCELLED, at__lt=OuterRef("then")
    )
    booked_in_time = found.annotate(then=Before("starts_at", lead)).filter(created_at__lte=F("then"))
    return booked_in_time.exclude(Q(status=Status.CANCELLED) & Exists(cancelled_by_then))


def _counted(found: QuerySet[Appointment]) -> Group:
    confirmed = Exists(AppointmentChange.objects.filter(appointment=OuterRef("pk"), what=What.CONFIRMED))
    counts = found.aggregate(
        appointments=Count("pk"),
        confirmed=Count("pk", filter=Q(confirmed)),
        cancelled=Count("pk", filter=Q(status=Status.CANCELLED)),
        showed=Count("pk", filter=Q(status=Status.SHOWED)),
        no_show=Count("pk", filter=Q(status=Status.NO_SHOW)),
    )
    return Group(**counts)
