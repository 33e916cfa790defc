# ruff: noqa: DTZ001 (clock times without a zone are what this is about)
import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendars.wall_time import NoSuchTime, TwoSuchTimes, moment, on_the_clock

LISBON = ZoneInfo("Europe/Lisbon")


def test_a_clock_time_is_a_moment_in_the_zone() -> None:
    at = moment(datetime.datetime(2026, 7, 1, 9, 30), LISBON)
    assert at == datetime.datetime(2026, 7, 1, 8, 30, tzinfo=datetime.UTC)


def test_a_time_the_clocks_jump_over_is_refused_with_the_next_one() -> None:
    with pytest.raises(NoSuchTime, match=r"There is no 01:30 on 29 March 2026.*Choose 02:30 or later"):
        moment(datetime.datetime(2026, 3, 29, 1, 30), LISBON)


def test_a_time_that_comes_twice_is_asked_about() -> None:
    with pytest.raises(TwoSuchTimes, match="comes twice on 25 October 2026") as found:
        moment(datetime.datetime(2026, 10, 25, 1, 30), LISBON)
    assert (found.value.earlier, found.value.later) == ("WEST", "WET")


def test_the_answer_chooses_between_the_two() -> None:
    wall = datetime.datetime(2026, 10, 25, 1, 30)
    first, second = (moment(wall, LISBON, is_later=is_later) for is_later in (False, True))
    assert second - first == datetime.timedelta(hours=1)
    assert {on_the_clock(first, LISBON), on_the_clock(second, LISBON)} == {"2026-10-25T01:30"}


@given(
    st.datetimes(datetime.datetime(2000, 1, 1), datetime.datetime(2040, 1, 1)),
    st.sampled_from(["UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.booleans(),
)
def test_what_was_typed_is_what_the_clocks_show(wall: datetime.datetime, name: str, is_later: bool) -> None:
    wall = wall.replace(second=0, microsecond=0)
    zone = ZoneInfo(name)
    try:
        at = moment(wall, zone, is_later=is_later)
    except NoSuchTime:
        return
    assert on_the_clock(at, zone) == wall.isoformat(timespec="minutes")
