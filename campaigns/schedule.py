"""When a step's message is due. Pure: no clock, no database.

An offset of whole days keeps the local wall-clock time across a change of the clocks ("the day before, at the
same hour"); any other offset counts real hours and minutes.
"""

import datetime
from dataclasses import dataclass
from enum import StrEnum

DAY = datetime.timedelta(days=1)
# Planning happens a moment after the booking: a step that was due in that moment is not late.
TOLERANCE = datetime.timedelta(minutes=1)
# The last moment of a window that people would still call inside it.
CLOSING = datetime.timedelta(minutes=1)


class Anchor(StrEnum):
    AT_ONCE = "at_once"
    BEFORE_START = "before_start"
    AFTER_START = "after_start"
    AFTER_END = "after_end"


@dataclass(frozen=True, slots=True)
class Window:
    """The hours of a day in which a message may leave, in local time; `ends` itself is outside.

    `ends` not after `starts` reaches over midnight; equal times allow the whole day.
    """

    starts: datetime.time
    ends: datetime.time

    def allows(self, at: datetime.time) -> bool:
        if self.starts < self.ends:
            return self.starts <= at < self.ends
        return at >= self.starts or at < self.ends


@dataclass(frozen=True, slots=True)
class StepFacts:
    anchor: Anchor
    offset: datetime.timedelta = datetime.timedelta(0)
    window: Window | None = None
    sends_when_late: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """`at` in UTC. `is_skipped`: its time has passed and the step leaves it out then; `why` says so."""

    at: datetime.datetime
    is_late: bool = False
    is_skipped: bool = False
    why: str = ""


def due_at(
    step: StepFacts,
    *,
    starts_at: datetime.datetime,
    ends_at: datetime.datetime,
    time_zone: datetime.tzinfo,
    now: datetime.datetime,
) -> Due:
    """When `step` is due for an appointment from `starts_at` to `ends_at`, seen at `now`.

    Nothing that counts from before the start, or leaves at once before it, is put after the start: where the
    sending window would, the last allowed moment before the start is taken.
    """
    moment = _moment(step, starts_at, ends_at, time_zone, now)
    limit = starts_at if _must_precede(step, moment, starts_at) else None
    at = _into_window(moment, step.window, time_zone, limit)
    if at >= now - TOLERANCE:
        return Due(at)
    return _late(step, at, starts_at, time_zone, now)


def _moment(
    step: StepFacts,
    starts_at: datetime.datetime,
    ends_at: datetime.datetime,
    time_zone: datetime.tzinfo,
    now: datetime.datetime,
) -> datetime.datetime:
    match step.anchor:
        case Anchor.AT_ONCE:
            return now
        case Anchor.BEFORE_START:
            return shifted(starts_at, -step.offset, time_zone)
        case Anchor.AFTER_START:
            return shifted(starts_at, step.offset, time_zone)
        case Anchor.AFTER_END:
            return shifted(ends_at, step.offset, time_zone)


def _must_precede(step: StepFacts, moment: datetime.datetime, starts_at: datetime.datetime) -> bool:
    return step.anchor == Anchor.BEFORE_START or (step.anchor == Anchor.AT_ONCE and moment < starts_at)


def shifted(
    moment: datetime.datetime, offset: datetime.timedelta, time_zone: datetime.tzinfo
) -> datetime.datetime:
    """`moment` moved by `offset`, in UTC; whole days keep the wall-clock time in `time_zone`."""
    if offset % DAY:
        return moment.astimezone(datetime.UTC) + offset
    # Arithmetic on an aware datetime is wall-clock arithmetic; the offset is read again on the way to UTC.
    return (moment.astimezone(time_zone) + offset).astimezone(datetime.UTC)


def _late(
    step: StepFacts,
    at: datetime.datetime,
    starts_at: datetime.datetime,
    time_zone: datetime.tzinfo,
    now: datetime.datetime,
) -> Due:
    if not step.sends_when_late:
        return Due(at, is_late=True, is_skipped=True, why="Its time had passed when it was planned.")
    if step.anchor == Anchor.BEFORE_START and now >= starts_at:
        return Due(at, is_late=True, is_skipped=True, why="The appointment had begun when it was planned.")
    limit = starts_at if _must_precede(step, now, starts_at) else None
    # Sent late on purpose: waiting for the window is right, but going back before now is not.
    return Due(max(_into_window(now, step.window, time_zone, limit), now), is_late=True)


def _into_window(
    moment: datetime.datetime,
    window: Window | None,
    time_zone: datetime.tzinfo,
    limit: datetime.datetime | None,
) -> datetime.datetime:
    """The next allowed moment from `moment` on; if that reaches `limit`, the last allowed one before it."""
    if window is None or window.starts == window.ends:
        return moment
    local = moment.astimezone(time_zone)
    if window.allows(local.time()):
        return moment
    following = _at_clock(local, window.starts)
    if following <= moment:
        following = _at_clock(local + DAY, window.starts)
    if limit is None or following < limit:
        return following
    last = _at_clock(local, window.ends)
    if last > moment:
        last = _at_clock(local - DAY, window.ends)
    return last - CLOSING


def _at_clock(day: datetime.datetime, at: datetime.time) -> datetime.datetime:
    return day.replace(hour=at.hour, minute=at.minute, second=at.second, microsecond=0, fold=0).astimezone(
        datetime.UTC
    )
