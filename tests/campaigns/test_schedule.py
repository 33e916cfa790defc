"""When a message is due: a table for the rules, properties for everything else."""

import datetime
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.schedule import EVERY_DAY, Anchor, Due, StepFacts, Window, due_at

UTC = datetime.UTC
LONDON = ZoneInfo("Europe/London")
ZONES = [UTC, LONDON, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kolkata")]
OFFICE = Window(time(9), time(18))
NIGHT = Window(time(20), time(8))
WEEKDAYS = frozenset(range(5))
DAYS = [EVERY_DAY, WEEKDAYS, frozenset({2}), frozenset({5, 6})]
WORKDAYS = Window(time(9), time(18), WEEKDAYS)


def moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=LONDON)


def due(step: StepFacts, start: str, now: str = "2026-01-01 00:00", minutes: int = 60) -> Due:
    starts_at = moment(start)
    ends_at = starts_at.astimezone(UTC) + timedelta(minutes=minutes)
    return due_at(step, starts_at=starts_at, ends_at=ends_at, time_zone=LONDON, now=moment(now))


def before(window: Window | None = None, *, sends_when_late: bool = False, **offset: float) -> StepFacts:
    return StepFacts(Anchor.BEFORE_START, timedelta(**offset), window, sends_when_late)


@pytest.mark.parametrize(
    ("step", "start", "expected"),
    [
        (before(hours=1), "2026-06-10 10:00", "2026-06-10 09:00"),
        (before(days=1), "2026-06-10 10:00", "2026-06-09 10:00"),
        (before(minutes=0), "2026-06-10 10:00", "2026-06-10 10:00"),
        # The clocks go forward on 29 March and back on 25 October 2026: days keep the hour, hours do not.
        (before(days=1), "2026-03-29 10:00", "2026-03-28 10:00"),
        (before(hours=25), "2026-03-29 10:00", "2026-03-28 08:00"),
        (before(days=7), "2026-10-29 10:00", "2026-10-22 10:00"),
        (before(hours=23), "2026-10-25 10:00", "2026-10-24 12:00"),
        # A local time that the change of clocks leaves out is told by the clock before it.
        (before(days=1), "2026-03-30 01:30", "2026-03-29 02:30"),
        (StepFacts(Anchor.AFTER_START, timedelta(minutes=30)), "2026-06-10 10:00", "2026-06-10 10:30"),
        (StepFacts(Anchor.AFTER_END, timedelta(hours=2)), "2026-06-10 10:00", "2026-06-10 13:00"),
        (StepFacts(Anchor.AFTER_END, timedelta(days=1)), "2026-10-24 10:00", "2026-10-25 11:00"),
    ],
)
def test_offset_counts_from_its_anchor(step: StepFacts, start: str, expected: str) -> None:
    assert due(step, start) == Due(moment(expected).astimezone(UTC))


@pytest.mark.parametrize(
    ("step", "start", "expected"),
    [
        (before(OFFICE, hours=2), "2026-06-10 14:00", "2026-06-10 12:00"),
        (before(OFFICE, hours=2), "2026-06-10 20:00", "2026-06-10 17:59"),
        (before(OFFICE, hours=12), "2026-06-10 16:00", "2026-06-10 09:00"),
        # The next allowed moment would be after the start: the last one before it is taken.
        (before(OFFICE, hours=2), "2026-06-10 08:00", "2026-06-09 17:59"),
        (before(OFFICE, hours=1), "2026-06-10 09:00", "2026-06-09 17:59"),
        (before(NIGHT, hours=1), "2026-06-10 14:00", "2026-06-10 07:59"),
        (before(NIGHT, hours=1), "2026-06-10 23:30", "2026-06-10 22:30"),
        (before(NIGHT, hours=1), "2026-06-10 03:00", "2026-06-10 02:00"),
        (before(Window(time(9), time(9)), hours=1), "2026-06-10 03:00", "2026-06-10 02:00"),
        (StepFacts(Anchor.AFTER_END, timedelta(hours=1), OFFICE), "2026-06-10 17:30", "2026-06-11 09:00"),
        (StepFacts(Anchor.AFTER_START, timedelta(0), OFFICE), "2026-03-28 18:00", "2026-03-29 09:00"),
    ],
)
def test_sending_window_moves_a_message_to_an_allowed_moment(
    step: StepFacts, start: str, expected: str
) -> None:
    assert due(step, start) == Due(moment(expected).astimezone(UTC))


# 8 June 2026 is a Monday.
@pytest.mark.parametrize(
    ("step", "start", "expected"),
    [
        (before(WORKDAYS, days=1), "2026-06-10 10:00", "2026-06-09 10:00"),
        # Sunday's goes out on Monday, if that is still before the start; else on the Friday before.
        (before(WORKDAYS, days=1), "2026-06-08 14:00", "2026-06-08 09:00"),
        (before(WORKDAYS, days=1), "2026-06-08 09:00", "2026-06-05 17:59"),
        (before(Window(days=WEEKDAYS), days=1), "2026-06-08 14:00", "2026-06-05 14:00"),
        (before(Window(days=WEEKDAYS), hours=30), "2026-06-08 16:00", "2026-06-08 10:00"),
        (before(Window(days=frozenset({2})), days=1), "2026-06-10 10:00", "2026-06-03 10:00"),
        (before(Window(time(20), time(8), WEEKDAYS), hours=2), "2026-06-08 03:00", "2026-06-08 01:00"),
        (before(Window(time(20), time(8), WEEKDAYS), hours=30), "2026-06-08 09:00", "2026-06-08 00:00"),
        (StepFacts(Anchor.AFTER_END, timedelta(hours=1), WORKDAYS), "2026-06-05 17:30", "2026-06-08 09:00"),
        # Clocks change between the two days: the hour is the same.
        (before(Window(days=WEEKDAYS), days=1), "2026-03-30 10:00", "2026-03-27 10:00"),
    ],
)
def test_days_of_the_window_are_kept_to(step: StepFacts, start: str, expected: str) -> None:
    assert due(step, start) == Due(moment(expected).astimezone(UTC))


@pytest.mark.parametrize(
    ("window", "start", "now", "expected"),
    [
        (None, "2026-06-10 10:00", "2026-06-01 23:00", "2026-06-01 23:00"),
        (OFFICE, "2026-06-10 10:00", "2026-06-01 23:00", "2026-06-02 09:00"),
        (OFFICE, "2026-06-10 10:00", "2026-06-01 12:00", "2026-06-01 12:00"),
        # What is told after the start has no start to precede.
        (OFFICE, "2026-06-10 10:00", "2026-06-10 23:00", "2026-06-11 09:00"),
    ],
)
def test_at_once_waits_only_for_its_window(
    window: Window | None, start: str, now: str, expected: str
) -> None:
    assert due(StepFacts(Anchor.AT_ONCE, window=window), start, now) == Due(moment(expected).astimezone(UTC))


def test_at_once_without_an_allowed_moment_before_the_start_is_skipped_or_sent_as_the_step_says() -> None:
    skipping = StepFacts(Anchor.AT_ONCE, window=OFFICE)
    assert due(skipping, "2026-06-10 08:00", "2026-06-09 23:00").is_skipped
    sending = StepFacts(Anchor.AT_ONCE, window=OFFICE, sends_when_late=True)
    result = due(sending, "2026-06-10 08:00", "2026-06-09 23:00")
    assert result == Due(moment("2026-06-09 23:00"), is_late=True)


@pytest.mark.parametrize(
    ("step", "now", "at", "is_skipped"),
    [
        (before(hours=24), "2026-06-09 10:00", "2026-06-09 10:00", False),
        (before(hours=24), "2026-06-09 10:00:30", "2026-06-09 10:00", False),
        (before(hours=24), "2026-06-09 10:02", "2026-06-09 10:00", True),
        (before(hours=24, sends_when_late=True), "2026-06-09 12:00", "2026-06-09 12:00", False),
        (before(OFFICE, hours=24, sends_when_late=True), "2026-06-09 20:00", "2026-06-10 09:00", False),
        (before(hours=24, sends_when_late=True), "2026-06-10 10:00", "2026-06-09 10:00", True),
        (StepFacts(Anchor.AFTER_END, timedelta(hours=1)), "2026-06-11 10:00", "2026-06-10 12:00", True),
    ],
)
def test_late_step_is_skipped_unless_it_says_send_now(
    step: StepFacts, now: str, at: str, is_skipped: bool
) -> None:
    result = due(step, "2026-06-10 10:00", now)
    assert (result.at, result.is_skipped) == (moment(at), is_skipped)
    assert bool(result.why) == is_skipped


moments = st.datetimes(
    min_value=datetime.datetime(2025, 1, 1),  # noqa: DTZ001 (Hypothesis wants naive limits)
    max_value=datetime.datetime(2028, 1, 1),  # noqa: DTZ001 (naive on purpose)
    timezones=st.just(UTC),
)
windows = st.none() | st.builds(Window, st.times(), st.times(), st.sampled_from(DAYS))
steps = st.builds(
    StepFacts,
    anchor=st.sampled_from(Anchor),
    offset=st.timedeltas(min_value=timedelta(minutes=5), max_value=timedelta(days=30)),
    window=windows,
    sends_when_late=st.booleans(),
)


@given(step=steps, starts_at=moments, now=moments, zone=st.sampled_from(ZONES))
def test_nothing_meant_before_the_start_is_due_after_it(
    step: StepFacts, starts_at: datetime.datetime, now: datetime.datetime, zone: datetime.tzinfo
) -> None:
    result = due_at(
        step, starts_at=starts_at, ends_at=starts_at + timedelta(hours=1), time_zone=zone, now=now
    )
    if step.anchor == Anchor.BEFORE_START:
        assert result.at < starts_at


@given(step=steps, starts_at=moments, now=moments, zone=st.sampled_from(ZONES))
def test_what_is_not_skipped_is_never_due_in_the_past(
    step: StepFacts, starts_at: datetime.datetime, now: datetime.datetime, zone: datetime.tzinfo
) -> None:
    result = due_at(
        step, starts_at=starts_at, ends_at=starts_at + timedelta(hours=1), time_zone=zone, now=now
    )
    assert result.is_skipped or result.at >= now - timedelta(minutes=1)
    assert not (result.is_skipped and step.sends_when_late and now < starts_at)


@given(days=st.integers(1, 60), starts_at=moments, zone=st.sampled_from(ZONES))
def test_whole_days_keep_the_hour_unless_the_clocks_left_it_out(
    days: int, starts_at: datetime.datetime, zone: datetime.tzinfo
) -> None:
    step = StepFacts(Anchor.BEFORE_START, timedelta(days=days))
    long_ago = starts_at - timedelta(days=100)
    at = due_at(step, starts_at=starts_at, ends_at=starts_at, time_zone=zone, now=long_ago).at
    wanted = starts_at.astimezone(zone).replace(tzinfo=None) - timedelta(days=days)
    told = at.astimezone(zone).replace(tzinfo=None)
    assert abs(told - wanted) in (timedelta(0), timedelta(minutes=30), timedelta(hours=1))
    if wanted.time() >= time(4):
        assert told == wanted
