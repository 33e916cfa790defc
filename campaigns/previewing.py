"""What the editor shows while a person writes: each step on a real appointment, and the steps on a line of time."""

import datetime
from dataclasses import dataclass
from email.utils import make_msgid

from django.db.models import Q
from django.utils.safestring import SafeString, mark_safe

from campaigns import wording
from campaigns.enrolment import facts_of
from campaigns.forms import CampaignEditor, StepForm
from campaigns.merge_fields import merge_fields, zone_for
from campaigns.models import Message, Step
from campaigns.rendering import NotRenderable, Rendered, paragraphs, render
from campaigns.schedule import due_at
from campaigns.transports import TRANSPORTS, Letter, sender_domain
from contacts.models import Appointment, User
from contacts.privacy import with_privacy

OFFERED = 8
# Of the line of time, in its own units: between marks, at both ends, and the appointment itself.
GAP, EDGE, SLOT = 94, 50, 56


@dataclass(frozen=True, slots=True)
class StepPreview:
    title: str
    medium: str
    due_at: datetime.datetime
    is_skipped: bool
    subject: str
    body: SafeString
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """A point on the line of time; `x` from 0 to `Line.width`."""

    x: int
    title: str
    at: datetime.datetime | None
    kind: str


@dataclass(frozen=True, slots=True)
class Line:
    marks: tuple[Mark, ...]
    width: int
    start_x: int

    @property
    def far(self) -> int:
        return self.width - 8

    @property
    def slot(self) -> int:
        return SLOT

    @property
    def middle(self) -> int:
        return self.start_x + SLOT // 2


@dataclass(frozen=True, slots=True)
class Preview:
    appointment: Appointment
    time_zone: datetime.tzinfo
    steps: tuple[StepPreview, ...]
    line: Line


def upcoming(viewer: User, now: datetime.datetime) -> list[Appointment]:
    """The next few appointments that `viewer` may read, to try the texts on."""
    appointments = with_privacy(Appointment.objects.standing(), viewer).filter(
        Q(is_hidden=False), starts_at__gt=now
    )
    related = appointments.select_related("calendar", "contact", "owner__calendar_configuration")
    return list(related.prefetch_related("contact__emails", "guests").order_by("starts_at", "pk")[:OFFERED])


def preview(editor: CampaignEditor, appointment: Appointment, now: datetime.datetime) -> Preview:
    """Every step that is not being removed, as `appointment`'s contact would get it if it were booked now."""
    forms = [form for form in editor.steps.forms if not _is_removed(form)]
    steps = tuple(_step(form, appointment, now) for form in forms)
    kinds = [_typed(form).anchor for form in forms]
    return Preview(appointment, zone_for(appointment, appointment.contact), steps, line_of(steps, kinds))


def _is_removed(form: StepForm) -> bool:
    return bool(form.is_bound and form["DELETE"].value())


def _typed(form: StepForm) -> Step:
    """The step as the fields read now, valid or not; nothing is stored."""
    if form.is_bound:
        form.full_clean()
    return form.instance


def _step(form: StepForm, appointment: Appointment, now: datetime.datetime) -> StepPreview:
    step = _typed(form)
    due = due_at(
        facts_of(step),
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        time_zone=zone_for(appointment, appointment.contact),
        now=now,
    )
    faults = tuple(str(error) for errors in form.errors.values() for error in errors) if form.is_bound else ()
    rendered = _rendered(step, appointment) if not faults else Rendered("", "", "")
    return StepPreview(
        title=wording.step(step),
        medium=step.get_medium_display(),
        due_at=due.at,
        is_skipped=due.is_skipped,
        subject=rendered.subject,
        body=mark_safe(paragraphs(rendered.text)),  # noqa: S308 (paragraphs escapes every word)
        faults=faults,
    )


def _rendered(step: Step, appointment: Appointment) -> Rendered:
    try:
        fields = merge_fields(appointment, appointment.contact, medium=step.medium)
        return render(subject=step.subject, body=step.body, fields=fields)
    except NotRenderable as error:
        return Rendered("", str(error), "")


def would_read(message: Message) -> Rendered:
    """A message that waits, as it would read if it left now."""
    enrolment = message.enrolment
    try:
        fields = merge_fields(enrolment.appointment, enrolment.contact, medium=message.step.medium)
        return render(subject=message.step.subject, body=message.step.body, fields=fields)
    except NotRenderable as error:
        return Rendered(message.step.subject, str(error), "")


def send_trial(editor: CampaignEditor, appointment: Appointment, address: str) -> int:
    """Mails each step of a checked `editor` to `address`, as `appointment`'s contact would read it; how many.

    Raises what the transport raises. Nothing is stored, and the contact gets nothing.
    """
    fields = merge_fields(appointment, appointment.contact)
    steps = [_typed(form) for form in editor.steps.forms if not _is_removed(form)]
    mails = [step for step in steps if step.medium == Step.Medium.EMAIL and step.body]
    for step in mails:
        rendered = render(subject=f"[Test] {step.subject}", body=step.body, fields=fields)
        letter = Letter(
            address, rendered.subject, rendered.text, rendered.html, make_msgid(domain=sender_domain())
        )
        TRANSPORTS[Step.Medium.EMAIL].send(letter)
    return len(mails)


# --- the line of time -------------------------------------------------------------------------------------


def line_of(steps: tuple[StepPreview, ...], anchors: list[str]) -> Line:
    """Marks in order of time, evenly spaced: real distances would crowd the last hour into one dot."""
    before = [s for s, anchor in zip(steps, anchors, strict=True) if anchor in ("at_once", "before_start")]
    rest = [s for s, anchor in zip(steps, anchors, strict=True) if anchor not in ("at_once", "before_start")]
    ahead = sorted(before, key=lambda step: (step.title != "At once", step.due_at))
    marks = [Mark(EDGE + GAP * n, step.title, step.due_at, _kind(step)) for n, step in enumerate(ahead)]
    start_x = EDGE + GAP * len(ahead) - SLOT // 2
    later = sorted(rest, key=lambda step: step.due_at)
    marks += [
        Mark(start_x + SLOT // 2 + GAP * (n + 1), s.title, s.due_at, _kind(s)) for n, s in enumerate(later)
    ]
    return Line(tuple(marks), start_x + SLOT // 2 + GAP * len(later) + EDGE, start_x)


def _kind(step: StepPreview) -> str:
    if step.faults:
        return "faulty"
    return "skipped" if step.is_skipped else "planned"
