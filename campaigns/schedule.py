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


EVERY_DAY = frozenset(range(7))
MIDNIGHT = datetime.time(0)
# A week on either side of a moment meets every allowed day, and the day itself again.
REACH = range(-7, 8)


@dataclass(frozen=True, slots=True)
class Window:
    """The days (0 is Monday) and hours in which a message may leave, in local time; `ends` itself is outside.

    `ends` not after `starts` reaches over midnight, each part on a day of its own; equal times allow the whole day.
    """

    starts: datetime.time = MIDNIGHT
    ends: datetime.time = MIDNIGHT
    days: frozenset[int] = EVERY_DAY

    @property
    def is_whole_day(self) -> bool:
        return self.starts == self.ends

    def allows(self, local: datetime.datetime) -> bool:
        return local.weekday() in self.days and self._allows_clock(local.time())

    def _allows_clock(self, at: datetime.time) -> bool:
        if self.is_whole_day:
            return True
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
    if window is None:
        return moment
    local = moment.astimezone(time_zone)
    if window.allows(local):
        return moment
    days = [local + n * DAY for n in REACH if (local + n * DAY).weekday() in window.days]
    openings, endings = _bounds(days, local, window)
    following = min((at for at in openings if at > moment), default=None)
    if following is not None and (limit is None or following < limit):
        return following
    closing = datetime.timedelta(0) if window.is_whole_day else CLOSING
    return max(at for at in endings if at <= moment) - closing


def _bounds(
    days: list[datetime.datetime], local: datetime.datetime, window: Window
) -> tuple[list[datetime.datetime], list[datetime.datetime]]:
    """When the window opens and closes on `days`. Where only days are given a message keeps its hour: nobody wants
    Saturday's at midnight."""
    if window.is_whole_day:
        same_hour = [_at_clock(day, local.time()) for day in days]
        return same_hour, same_hour
    opens = [window.starts] if window.starts < window.ends else [MIDNIGHT, window.starts]
    openings = [_at_clock(day, at) for day in days for at in opens]
    endings = [_at_clock(day, window.ends) for day in days]
    if window.starts >= window.ends:
        endings += [_at_clock(day + DAY, MIDNIGHT) for day in days]
    return openings, endings


def _at_clock(day: datetime.datetime, at: datetime.time) -> datetime.datetime:
    return day.replace(
        hour=at.hour, minute=at.minute, second=at.second, microsecond=at.microsecond, fold=0
    ).astimezone(datetime.UTC)
