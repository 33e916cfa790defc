"""What texts are tried on: a real appointment, else a made-up one while there is none."""

import datetime
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from campaigns import trial
from campaigns.answering import answers_to
from campaigns.merge_fields import day, merge_fields, moment_in_words, zone_for
from campaigns.models import Step
from campaigns.rendering import FIELDS, Fields
from campaigns.transports import sender_address
from contacts.models import Appointment, User
from contacts.privacy import with_privacy

OFFERED = 8
AHEAD = datetime.timedelta(days=3)
EXAMPLE_AT = datetime.time(10)
EXAMPLE_LASTS = datetime.timedelta(minutes=45)


@dataclass(frozen=True, slots=True)
class Sample:
    """`appointment` None: the example. Times are those of the person who would get the texts."""

    who: str
    title: str
    starts_at: datetime.datetime
    ends_at: datetime.datetime
    time_zone: datetime.tzinfo
    appointment: Appointment | None = None

    @property
    def key(self) -> str:
        return str(self.appointment.pk) if self.appointment else ""

    @property
    def reply_to(self) -> str:
        """As `Letter.reply_to`; nobody answers the example."""
        return answers_to(self.appointment) if self.appointment else ""

    @property
    def answers_to(self) -> str:
        """Where an answer to an e-mail goes, in words."""
        if self.appointment is None:
            return "the person whose appointment it is"
        return self.reply_to or f"{sender_address()}, for its host no longer works here"

    def fields(self, *, medium: str = Step.Medium.EMAIL, review_url: str = "") -> Fields:
        """Merge fields whose links do nothing."""
        return trial.inert(self.real_fields(medium=medium), review_url)

    def real_fields(self, *, medium: str = Step.Medium.EMAIL, review_url: str = "") -> Fields:
        """As they would leave, to be measured and not shown: their links act."""
        if self.appointment is None:
            return Fields({**_example_fields(self), "campaign": {"review_url": review_url}})
        fields = merge_fields(self.appointment, self.appointment.contact, medium=medium)
        return Fields({**fields, "campaign": {"review_url": review_url}})


def of_appointment(appointment: Appointment) -> Sample:
    return Sample(
        who=appointment.contact.name,
        title=appointment.title or appointment.calendar.name,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        time_zone=zone_for(appointment, appointment.contact),
        appointment=appointment,
    )


def example(now: datetime.datetime) -> Sample:
    """A weekday some days from now, in the morning."""
    local = timezone.localtime(now)
    date = local.date() + datetime.timedelta(days=7 - local.weekday() + 1)
    starts_at = timezone.make_aware(datetime.datetime.combine(date, EXAMPLE_AT))
    return Sample(
        who=FIELDS["contact"]["name"],
        title=FIELDS["appointment"]["title"],
        starts_at=starts_at.astimezone(datetime.UTC),
        ends_at=(starts_at + EXAMPLE_LASTS).astimezone(datetime.UTC),
        time_zone=timezone.get_current_timezone(),
    )


def _example_fields(sample: Sample) -> Fields:
    starts_at, ends_at = (at.astimezone(sample.time_zone) for at in (sample.starts_at, sample.ends_at))
    dated = {
        "date": day(starts_at),
        "time": f"{starts_at:%H:%M}",
        "starts_at": moment_in_words(starts_at),
        "ends_at": moment_in_words(ends_at),
        "duration_minutes": str(EXAMPLE_LASTS // datetime.timedelta(minutes=1)),
    }
    return Fields({**FIELDS, "appointment": {**FIELDS["appointment"], **dated}})


def upcoming(viewer: User, now: datetime.datetime) -> list[Appointment]:
    """Appointments that `viewer` may read, to try the texts on: some days ahead, where no reminder is late, and the
    next few. Those that can still be confirmed first: the link to do so is part of what is tried."""
    appointments = (
        with_privacy(Appointment.objects.standing(), viewer)
        .filter(Q(is_hidden=False))
        .select_related("calendar", "contact", "owner__calendar_configuration")
        .prefetch_related("contact__emails", "guests")
        .order_by("starts_at", "pk")
    )
    ahead = sorted(appointments.filter(starts_at__gt=now + AHEAD)[:OFFERED], key=_is_confirmed)[
        : OFFERED // 2
    ]
    known = {one.pk for one in ahead}
    soon = appointments.filter(starts_at__gt=now)[:OFFERED]
    return ahead + [one for one in soon if one.pk not in known][: OFFERED - len(ahead)]


def _is_confirmed(appointment: Appointment) -> bool:
    return appointment.status == Appointment.Status.CONFIRMED


def chosen(offered: list[Appointment], asked: str, now: datetime.datetime) -> Sample:
    """The one of `offered` that was asked for, else the first; the example where there is none."""
    if not offered:
        return example(now)
    return of_appointment(next((one for one in offered if str(one.pk) == asked), offered[0]))
