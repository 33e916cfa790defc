import datetime
from dataclasses import dataclass

import pytest

from calendars.days import by_day, following, in_runs, shown


@dataclass(frozen=True)
class Stay:
    first_day: datetime.date
    last_day: datetime.date


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("view", "on", "first", "after_last"),
    [
        ("day", "2026-11-25", "2026-11-25", "2026-11-26"),
        ("week", "2026-11-29", "2026-11-23", "2026-11-30"),
        ("list", "2026-11-23", "2026-11-23", "2026-12-07"),
        ("month", "2026-11-25", "2026-10-26", "2026-12-07"),
        ("month", "2026-12-31", "2026-11-30", "2027-01-04"),
        # February 2027 is four whole weeks.
        ("month", "2027-02-10", "2027-02-01", "2027-03-01"),
    ],
)
def test_a_view_shows_whole_weeks_from_monday(view: str, on: str, first: str, after_last: str) -> None:
    assert shown(view, day(on)) == (day(first), day(after_last))


@pytest.mark.parametrize(
    ("view", "steps", "then"),
    [
        ("day", -1, "2025-12-30"),
        ("week", 1, "2026-01-07"),
        ("month", 1, "2026-01-01"),
        ("month", -12, "2024-12-01"),
    ],
)
def test_the_next_view_begins_where_this_one_ends(view: str, steps: int, then: str) -> None:
    assert following(view, day("2025-12-31"), steps=steps) == day(then)


def test_an_entry_of_several_days_stands_on_each_of_them_inside_the_view() -> None:
    stay = Stay(day("2026-11-20"), day("2026-11-24"))
    found = by_day([stay], day("2026-11-23"), day("2026-11-26"))
    assert [(each.on.day, len(each.entries)) for each in found] == [(23, 1), (24, 1), (25, 0)]


def test_free_days_of_one_month_that_follow_each_other_are_one_run_and_today_is_never_in_it() -> None:
    visit = Stay(day("2026-11-18"), day("2026-11-18"))
    days = by_day([visit], *shown("month", day("2026-11-01")))
    runs = in_runs(days, today=day("2026-11-25"))
    assert [(f"{run.first:%d %b}", f"{run.last:%d %b}", run.is_free) for run in runs] == [
        ("26 Oct", "31 Oct", True),
        ("01 Nov", "17 Nov", True),
        ("18 Nov", "18 Nov", False),
        ("19 Nov", "24 Nov", True),
        ("25 Nov", "25 Nov", False),
        ("26 Nov", "30 Nov", True),
        ("01 Dec", "06 Dec", True),
    ]
    assert [each for run in runs for each in run.days] == days


def test_one_free_day_alone_is_not_folded() -> None:
    visits = [Stay(day(on), day(on)) for on in ("2026-11-18", "2026-11-20")]
    runs = in_runs(by_day(visits, day("2026-11-18"), day("2026-11-21")), today=day("2026-11-01"))
    assert [run.is_free for run in runs] == [False, False, False]
