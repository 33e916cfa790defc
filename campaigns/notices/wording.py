"""A notice in words: short, in the zone of who reads it, the same as text and as HTML.

It carries no link to stop e-mails: it belongs to one appointment, and whoever asked for no e-mail gets it only of what
they did themselves.
"""

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string

from calendars.customers import may_do
from calendars.entries import awaits_us, hosts_of, place_of
from calendars.links import manage_url
from campaigns.mail_page import as_page
from campaigns.merge_fields import clock, day, letters, moment_in_words
from campaigns.models import Notice
from campaigns.notices.reader import reader_of
from campaigns.notices.standing import Standing
from campaigns.rendering import Rendered

Kind = Notice.Kind
SUBJECTS = {
    Kind.BOOKED: "Booked",
    Kind.CONFIRMED: "Confirmed",
    Kind.MOVED: "Moved",
    Kind.CANCELLED: "Cancelled",
}


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str
    is_link: bool = False


@dataclass(frozen=True, slots=True)
class ManageLink:
    """What its holder may do behind `url`, and until when, in words."""

    does: str
    until: str
    url: str
    otherwise: str


@dataclass(frozen=True, slots=True)
class Words:
    subject: str
    intro: str
    lines: tuple[str, ...]
    facts: tuple[Fact, ...]
    link: ManageLink | None
    business: str


def rendered(notice: Notice, standing: Standing, now: datetime.datetime) -> Rendered:
    """Subject, text and page of `notice` as things stand now."""
    words = words_of(notice, standing, now)
    text = render_to_string("campaigns/mail/notice.txt", {"words": words})
    body = render_to_string("campaigns/mail/notice.html", {"words": words})
    return Rendered(
        subject=words.subject,
        text=re.sub(r"\n{3,}", "\n\n", text).strip() + "\n",
        html=as_page(body, title=words.subject),
    )


def words_of(notice: Notice, standing: Standing, now: datetime.datetime) -> Words:
    zone, known = reader_of(notice).zone, _known_times(notice, standing)
    return Words(
        subject=subject_of(notice, now, known[0]),
        intro=_intro(notice, standing),
        lines=tuple(_lines(notice, standing, zone)),
        facts=tuple(_facts(notice, zone, known)),
        link=None if notice.kind == Kind.CANCELLED else manage_link(notice, now),
        business=settings.BUSINESS_NAME,
    )


def _known_times(notice: Notice, standing: Standing) -> tuple[datetime.datetime, datetime.datetime]:
    """Start and end as its reader knows them: a cancellation is of what they were told last, although it was moved
    since and cancelled before that was told."""
    last = standing.last_told
    is_news = notice.kind == Kind.CANCELLED and not notice.is_own_doing
    if is_news and last is not None and last.told_start and last.told_end:
        return last.told_start, last.told_end
    return notice.appointment.starts_at, notice.appointment.ends_at


def subject_of(notice: Notice, now: datetime.datetime, starts_at: datetime.datetime | None = None) -> str:
    """ "Booked: Physiotherapy, Tuesday 3 March, 10:00"; with the year where it is another one. `starts_at`: when its
    reader knows it to be, where that is not when it is.

    The zone is named where the calendar's clocks show another time. Of what is not confirmed yet: "Request received" to
    who asked for it, "To be confirmed" to others.
    """
    zone = reader_of(notice).zone
    start = (starts_at or notice.appointment.starts_at).astimezone(zone)
    told = day(start).removesuffix(f" {now.astimezone(zone).year}")
    what = " ".join(notice.appointment.calendar.name.split())
    return f"{_news(notice)}: {what}, {told}, {clock(start, notice.appointment)}"


def _news(notice: Notice) -> str:
    if notice.kind == Kind.BOOKED and awaits_us(notice.appointment):
        return "Request received" if notice.is_own_doing else "To be confirmed"
    return SUBJECTS[Kind(notice.kind)]


def manage_link(notice: Notice, now: datetime.datetime) -> ManageLink | None:
    """What its holder may do behind their link; None where it is nothing, or nothing any more."""
    may = may_do(notice.appointment, notice.contact, now)
    if may is None:
        return None
    return ManageLink(
        does=may.does,
        until=moment_in_words(may.until.astimezone(reader_of(notice).zone)),
        url=manage_url(notice.appointment, notice.contact),
        otherwise=may.otherwise,
    )


def _intro(notice: Notice, standing: Standing) -> str:
    if notice.kind == Kind.BOOKED and awaits_us(notice.appointment):
        return "We have received your request." if notice.is_own_doing else "Your appointment is planned."
    if notice.kind != Kind.CANCELLED:
        state = {Kind.BOOKED: "is booked", Kind.CONFIRMED: "is confirmed", Kind.MOVED: "has moved"}
        return f"Your appointment {state[Kind(notice.kind)]}."
    is_place = not notice.appointment.is_void and not standing.is_guest
    what = "place in this appointment" if is_place else "appointment"
    return f"Your {what} is cancelled{', as you asked' if notice.is_own_doing else ''}."


def _lines(notice: Notice, standing: Standing, zone: ZoneInfo) -> Iterable[str]:
    appointment, before = notice.appointment, standing.last_told
    if notice.kind == Kind.CANCELLED:
        return
    if before is not None and before.told_start and before.told_end:
        was = before.told_start, before.told_end
        if was != (appointment.starts_at, appointment.ends_at):
            yield f"It was {when(*was, zone)}."
    if awaits_us(appointment):
        yield "It is not confirmed yet: we will write again when it is."
    if notice.kind == Kind.BOOKED and standing.google_invites:
        yield "The invitation for your calendar comes from Google."


def _facts(
    notice: Notice, zone: ZoneInfo, times: tuple[datetime.datetime, datetime.datetime]
) -> Iterable[Fact]:
    appointment = notice.appointment
    yield Fact("What", appointment.calendar.name)
    yield Fact("When", when(*times, zone))
    if notice.kind == Kind.CANCELLED:
        return
    place = place_of(appointment)
    if place:
        yield Fact("Where", place, is_link=place.startswith("https://"))
    if appointment.meeting_url:
        yield Fact("Online", appointment.meeting_url, is_link=True)
    yield Fact("With", hosts_of(appointment))


def when(starts_at: datetime.datetime, ends_at: datetime.datetime, zone: ZoneInfo) -> str:
    """ "Tuesday 3 March 2026, 10:00 to 10:30 GMT (Europe/London)"; "01:30 BST to 01:30 GMT" where clocks change on the
    way."""
    start, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{day(end)}, {end:%H:%M}"
    if start.utcoffset() != end.utcoffset():
        return f"{day(start)}, {start:%H:%M} {letters(start)} to {until} {letters(end)} ({zone.key})"
    # Many zones have no letters of their own: Python then says "-03".
    name = end.tzname() or ""
    named = f" {name}" if name.isalpha() and name != zone.key else ""
    return f"{day(start)}, {start:%H:%M} to {until}{named} ({zone.key})"
