"""What the editor shows while a person writes: each step as it would be on an appointment, and a test of it."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import make_msgid

from django.utils.safestring import SafeString, mark_safe

from campaigns import trial, wording
from campaigns.candidates import Doubled, doubled_with, said_by, told_by_calendars
from campaigns.enrolment import facts_of
from campaigns.firing import comes_afterwards, has_no_before
from campaigns.forms import CampaignEditor, StepForm
from campaigns.forms.steps import EMPTY
from campaigns.matching import Filters
from campaigns.merge_fields import merge_fields
from campaigns.models import Kind, Message, Step
from campaigns.overlapping import Said
from campaigns.picker import LINKS, WORDS
from campaigns.rendering import (
    Fields,
    NotRenderable,
    Rendered,
    fill,
    may_read_empty,
    render,
    shown,
    tidy,
    used_in,
)
from campaigns.sample import Sample
from campaigns.schedule import due_at
from campaigns.segments import Segments, segments_of
from campaigns.timeline import BEFORE, order_of
from campaigns.transports import TRANSPORTS, Letter, sender_domain

Medium = Step.Medium
# The fields of a step that say when and how; where one of them is wrong, nobody knows.
TIMING = frozenset({"anchor", "amount", "unit", "medium"})
REVIEW = "campaign.review_url"
NOTHING = SafeString("")


@dataclass(frozen=True, slots=True)
class Shown:
    """One step as its reader gets it. `due_at` is told in the sample's zone. `segments`: of an SMS."""

    prefix: str
    title: str
    medium: str
    due_at: datetime.datetime
    is_at_once: bool
    is_skipped: bool
    is_on: bool
    subject: str = ""
    markup: SafeString = NOTHING
    text: str = ""
    segments: Segments | None = None
    faults: tuple[str, ...] = ()
    # Merge fields that may be empty, by the words people pick them by.
    bare: tuple[str, ...] = ()
    # Links of the text that this appointment has none for, by the same words.
    left_out: tuple[str, ...] = ()
    is_empty: bool = False

    @property
    def is_sms(self) -> bool:
        return self.medium == Medium.SMS


@dataclass(frozen=True, slots=True)
class Card:
    """A step on the timeline: its fields, and how it looks. `number`: in order of time."""

    form: StepForm
    shown: Shown
    number: int


@dataclass(frozen=True, slots=True)
class Preview:
    sample: Sample
    before: tuple[Card, ...]
    after: tuple[Card, ...]
    asks_review: bool
    # Whether a message before the start can ever leave.
    has_before: bool = True
    # Whom people would hear the same from, were it on as it stands in the fields: other campaigns, and in words their
    # calendars.
    doubled: tuple[Doubled, ...] = ()
    told_by_calendars: str = ""

    @property
    def cards(self) -> tuple[Card, ...]:
        return self.before + self.after


def preview(editor: CampaignEditor, sample: Sample, now: datetime.datetime) -> Preview:
    """Every step in order of time, as if `sample` were booked now."""
    # Fields of its own: reading what is typed marks what is wrong, and the page may not want to complain yet.
    typed = CampaignEditor(editor.campaign, editor.data)
    review_url = str(typed.form["review_url"].value() or "")
    steps = {form.prefix: _typed(form) for form in typed.steps.forms}
    # Once for each medium: they cost statements.
    fields = {medium: sample.fields(medium=medium, review_url=review_url) for medium in Medium.values}
    # The links of an SMS are counted as they would leave: a test's are shorter.
    measured = sample.real_fields(medium=Medium.SMS, review_url=review_url)
    looks = {form.prefix: _shown(form, sample, fields, measured, now) for form in typed.steps.forms}
    length = sample.ends_at - sample.starts_at
    ordered = sorted(editor.steps.forms, key=lambda form: order_of(steps[form.prefix], length))
    cards = [Card(form, looks[form.prefix], number) for number, form in enumerate(ordered, start=1)]
    changes = _changes(typed)
    filters, said = _filters(typed), _said(typed, steps)
    before = BEFORE - {Step.Anchor.AT_ONCE} if comes_afterwards(changes) else BEFORE
    return Preview(
        sample,
        tuple(card for card in cards if steps[card.form.prefix].anchor in before),
        tuple(card for card in cards if steps[card.form.prefix].anchor not in before),
        any(REVIEW in used_in(step.subject, step.body) for step in steps.values()),
        has_before=not has_no_before(changes),
        doubled=tuple(doubled_with(filters, said, editor.campaign)),
        told_by_calendars=told_by_calendars(filters, said),
    )


def _said(typed: CampaignEditor, steps: Mapping[str | None, Step]) -> list[Said]:
    kept = [steps[form.prefix] for form in typed.present if TIMING.isdisjoint(form.errors)]
    return said_by(step for step in kept if step.is_active)


def _filters(typed: CampaignEditor) -> Filters:
    """What it takes as the fields read now, valid or not."""
    fields = {name: typed.form[name].value() for name in ("trigger", "made_by", "recurring")}
    return Filters(
        trigger=str(fields["trigger"]),
        changes=frozenset(_changes(typed) or ["booked"]),
        calendars=_chosen(typed, "calendars"),
        tags=_chosen(typed, "tags"),
        owners=_chosen(typed, "owners"),
        made_by=frozenset(map(str, fields["made_by"] or [])),
        recurring=str(fields["recurring"] or ""),
    )


def _chosen(typed: CampaignEditor, name: str) -> frozenset[int]:
    return frozenset(int(each) for each in typed.form[name].value() or [] if str(each).isdecimal())


def _changes(typed: CampaignEditor) -> list[str]:
    """The kinds of change it starts from, as ticked now; a customer's booking is one of its own."""
    if typed.form["trigger"].value() == Kind.CUSTOMER_BOOKED:
        return []
    return [str(what) for what in typed.form["on_changes"].value() or []]


def _typed(form: StepForm) -> Step:
    """The step as the fields read now, valid or not; nothing is stored."""
    if form.is_bound:
        # A new step counts here from its first field on, not only once something is written.
        form.empty_permitted = False
        form.full_clean()
    return form.instance


def _shown(
    form: StepForm,
    sample: Sample,
    fields: Mapping[str, Fields],
    measured: Fields,
    now: datetime.datetime,
) -> Shown:
    step = form.instance
    due = due_at(
        facts_of(step),
        starts_at=sample.starts_at,
        ends_at=sample.ends_at,
        time_zone=sample.time_zone,
        now=now,
    )
    faults = _faults(form)
    words = _Words() if faults else _words(step, fields[step.medium])
    return Shown(
        prefix=str(form.prefix),
        title=wording.step(step),
        medium=step.medium,
        due_at=due.at.astimezone(sample.time_zone),
        is_at_once=step.anchor == Step.Anchor.AT_ONCE,
        is_skipped=due.is_skipped,
        is_on=step.is_active,
        subject=words.subject,
        markup=mark_safe(words.markup),  # noqa: S308 (escaped or cleaned by rendering)
        text=words.text,
        segments=_segments(step, measured) if step.medium == Medium.SMS and words.text else None,
        faults=faults or words.faults,
        bare=() if faults else _bare(step),
        left_out=() if faults else _left_out(step, fields[step.medium]),
        is_empty=not step.body.strip(),
    )


def _segments(step: Step, measured: Fields) -> Segments:
    return segments_of(tidy(fill(step.body, measured)))


def _faults(form: StepForm) -> tuple[str, ...]:
    """What is wrong, without what is merely not written yet."""
    if not form.is_bound:
        return ()
    told = [error for errors in form.errors.as_data().values() for error in errors if error.code != EMPTY]
    return tuple(str(words) for error in told for words in error.messages)


def _bare(step: Step) -> tuple[str, ...]:
    names = [*may_read_empty(step.subject), *may_read_empty(step.body)]
    return tuple(dict.fromkeys(WORDS.get(name, name) for name in names))


def _left_out(step: Step, fields: Fields) -> tuple[str, ...]:
    """The links of a formatted text that vanish with what they lead to; elsewhere an empty field is warned of."""
    used = used_in(step.rich) if step.rich else set()
    return tuple(pick.words for pick in LINKS if pick.name in used and not _value(fields, pick.name))


def _value(fields: Fields, name: str) -> str:
    space, _, field = name.partition(".")
    return fields.get(space, {}).get(field, "")


@dataclass(frozen=True, slots=True)
class _Words:
    subject: str = ""
    markup: str = ""
    text: str = ""
    faults: tuple[str, ...] = ()


def _words(step: Step, fields: Fields) -> _Words:
    try:
        return _Words(
            " ".join(fill(step.subject, fields).split()),
            shown(body=step.body, rich=step.rich, fields=fields),
            tidy(fill(step.body, fields)),
        )
    except NotRenderable as error:
        return _Words(faults=(str(error),))


def would_read(message: Message) -> Rendered:
    """A message that waits, as it would read if it left now."""
    enrolment, step = message.enrolment, message.step
    try:
        fields = merge_fields(
            enrolment.appointment, enrolment.contact, campaign=enrolment.campaign, medium=step.medium
        )
        return render(subject=step.subject, body=step.body, rich=step.rich, fields=fields)
    except NotRenderable as error:
        return Rendered(step.subject, str(error), "")


# --- a test to oneself ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trial:
    """Where tests go: `number` "" where no text message is wanted."""

    address: str
    number: str = ""


def send_trial(editor: CampaignEditor, prefix: str, sample: Sample, to: Trial) -> list[str]:
    """Sends the step with `prefix` of a checked `editor`, or all that are on where it is "", as the sample's contact
    would read them, with links that do nothing. The addresses they went to.

    Raises what the transport raises. Nothing is stored, and the contact gets nothing.
    """
    review_url = editor.campaign.review_url
    steps = [form.instance for form in editor.present if form.prefix == prefix or not prefix]
    sent = []
    for step in sorted((step for step in steps if step.body), key=order_of):
        recipient = to.address if step.medium == Medium.EMAIL else to.number
        if recipient:
            fields = sample.fields(medium=step.medium, review_url=review_url)
            letter = replace(_letter(step, fields, recipient), reply_to=sample.reply_to)
            TRANSPORTS[step.medium].send(letter)
            sent.append(recipient)
    return sent


def _letter(step: Step, fields: Fields, recipient: str) -> Letter:
    body = step.body if step.medium == Medium.EMAIL else f"[Test] {step.body}"
    # The foot that every e-mail carries. No header: mail readers post to that at once, on whoever's behalf.
    stop = trial.address("unsubscribe") if step.medium == Medium.EMAIL else ""
    rendered = render(
        subject=f"[Test] {step.subject}", body=body, rich=step.rich, fields=fields, unsubscribe_url=stop
    )
    return Letter(
        recipient, rendered.subject, rendered.text, rendered.html, make_msgid(domain=sender_domain())
    )
