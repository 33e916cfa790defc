"""A month of days and the slots of one of them, as a visitor's clocks show them: what a booking page is drawn from."""

import calendar as months
import datetime
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from calendars.availability import Slot
from calendars.intervals import Span
from calendars.offering import Offer

DAY = 86400
FIRST_YEAR, LAST_YEAR = 2000, 9000
STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Day:
    """One square of the month. `times`: how many slots start on it; outside the month and in the past none."""

    date: datetime.date
    times: int
    is_inside: bool
    is_chosen: bool
    is_today: bool


@dataclass(frozen=True, slots=True)
class Time:
    """One slot of the chosen day. `stamp` names its start in an address."""

    starts_at: datetime.datetime
    ends_at: datetime.datetime
    stamp: str
    seats_left: int


@dataclass(frozen=True, slots=True)
class Picker:
    """`before` and `after`: the months one may turn to, None where nothing can be booked there."""

    month: datetime.date
    before: datetime.date | None
    after: datetime.date | None
    weeks: list[list[Day]]
    chosen: datetime.date | None
    times: list[Time]


def month_of(text: str, today: datetime.date, last: datetime.date) -> datetime.date:
    """The first day of the month `text` names ("2026-12"); of this one where it names none or a past one, and of the
    last that can be booked where it names a later one."""
    try:
        named = datetime.datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 (a month has no zone)
    except ValueError:
        named = today
    return min(max(named, today), last).replace(day=1)


def span_of(month: datetime.date, zone: ZoneInfo) -> Span:
    """The month in seconds since the epoch, as clocks in `zone` begin and end it."""
    begins, ends = (
        datetime.datetime.combine(day, datetime.time(0), zone) for day in (month, next_month(month))
    )
    return int(begins.timestamp()), int(ends.timestamp())


def next_month(month: datetime.date) -> datetime.date:
    return (month + datetime.timedelta(days=32)).replace(day=1)


def picker(
    slots: Sequence[Slot],
    *,
    month: datetime.date,
    chosen: datetime.date | None,
    today: datetime.date,
    zone: ZoneInfo,
    last: datetime.date,
) -> Picker:
    """The page of `month`; `chosen` is the day asked for, else the first with a slot. `last`: the last
    day that can be booked."""
    by_day: dict[datetime.date, list[Slot]] = defaultdict(list)
    for slot in slots:
        by_day[slot.starts_at.astimezone(zone).date()].append(slot)
    day = chosen or next(iter(sorted(by_day)), None)
    weeks = [
        [
            Day(
                each,
                len(by_day[each]) if each.month == month.month else 0,
                each.month == month.month,
                each == day,
                each == today,
            )
            for each in week
        ]
        for week in months.Calendar().monthdatescalendar(month.year, month.month)
    ]
    following = next_month(month)
    return Picker(
        month=month,
        before=(month - datetime.timedelta(days=1)).replace(day=1) if month > today else None,
        after=following if following <= last else None,
        weeks=weeks,
        chosen=day,
        times=[time_of(slot, zone) for slot in by_day.get(day, [])] if day else [],
    )


def time_of(slot: Slot, zone: ZoneInfo) -> Time:
    starts_at = slot.starts_at
    return Time(
        starts_at.astimezone(zone), slot.ends_at.astimezone(zone), f"{starts_at:{STAMP}}", slot.seats_left
    )


def clock(local: datetime.datetime) -> str:
    """ "01:30"; where clocks go back and it comes twice, "01:30 BST" and "01:30 GMT"."""
    if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
        return f"{local:%H:%M}"
    letters = local.tzname() or ""
    # Many zones have no letters of their own: Python then says "-03".
    return f"{local:%H:%M} {letters if letters.isalpha() else f'UTC{letters}'}"


def read_stamp(stamp: str) -> datetime.datetime | None:
    """The moment a stamp names, None for one that names none, or one at the ends of what a calendar can hold."""
    try:
        moment = datetime.datetime.strptime(stamp, STAMP).replace(tzinfo=datetime.UTC)
    except ValueError:
        return None
    return moment if FIRST_YEAR <= moment.year <= LAST_YEAR else None


def soonest(offer: Offer, *, after: int, now: datetime.datetime, horizon_days: int, count: int) -> list[Slot]:
    """The next `count` slots of whom `offer` is of, from `after` on, up to the booking horizon."""
    ahead = _ahead(offer, now, horizon_days)
    return _first(ahead, after, count)


def soonest_around(
    offer: Offer, start: int, *, now: datetime.datetime, horizon_days: int, count: int
) -> list[Slot]:
    """The next slots from `start` on; where there are none, or it is past, from now on."""
    ahead = _ahead(offer, now, horizon_days)
    return _first(ahead, max(start, ahead.now), count) or _first(ahead, ahead.now, count)


def _ahead(offer: Offer, now: datetime.datetime, horizon_days: int) -> Offer:
    """All that can be booked, read at once: several parts would cost as many rounds of statements."""
    today = int(now.timestamp())
    return offer.elsewhere((today, today + (horizon_days + 2) * DAY))


def _first(ahead: Offer, after: int, count: int) -> list[Slot]:
    """The first `count` slots from `after` on, searched in at most three parts, a month first."""
    found: list[Slot] = []
    end = ahead.within[1]
    for reach in (31 * DAY, 93 * DAY, end - after):
        if len(found) < count and after < end:
            until = min(after + reach, end)
            found += ahead.slots((after, until))
            after = until
    return found[:count]


def why_not_offered(
    starts_at: datetime.datetime,
    now: datetime.datetime,
    *,
    zone: ZoneInfo,
    horizon_days: int,
    notice: datetime.timedelta,
) -> str:
    """What the moment alone, by the calendar's own clocks, says against it; "" where nobody is free, or works, then."""
    if starts_at <= now:
        return "That time is past."
    if starts_at < now + notice:
        return "That time is too close to now to be booked online."
    last = now.astimezone(zone).date() + datetime.timedelta(days=horizon_days)
    if starts_at.astimezone(zone).date() > last:
        return f"That is too far ahead: times open {horizon_days} days before."
    return ""


def day_of(text: str, month: datetime.date) -> datetime.date | None:
    """The day in `month` that `text` names ("2026-12-03"), None where it names none."""
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        return None
    return day if (day.year, day.month) == (month.year, month.month) else None
