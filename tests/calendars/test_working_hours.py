"""One person's week and dates: what clashes, how it reads, what lies in it."""

import datetime
from zoneinfo import ZoneInfo

import pytest

from calendars.working_hours import (
    Clash,
    Hours,
    Range,
    clashes,
    covers,
    date_clash,
    neighbour_clash,
    overnight_words,
    spells,
)

LONDON = ZoneInfo("Europe/London")
MONDAY = datetime.date(2026, 11, 23)
SUNDAY = MONDAY + datetime.timedelta(days=6)


def span(text: str) -> Range:
    starts, ends = text.split("-")
    return Range(datetime.time.fromisoformat(starts), datetime.time.fromisoformat(ends))


def week(**days: str) -> dict[int, list[Range]]:
    """week(mon="09:00-12:00 13:00-17:00")."""
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    return {names.index(name): [span(each) for each in text.split()] for name, text in days.items()}


def at(day: datetime.date, clock: str, zone: ZoneInfo = LONDON) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time.fromisoformat(clock), tzinfo=zone)


# --- clashes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ({"mon": "09:00-12:00 13:00-17:00"}, []),
        ({"mon": "09:00-12:00 12:00-17:00"}, []),
        (
            {"mon": "09:00-12:00 11:00-17:00"},
            [Clash(0, 1, "Overlaps 09:00 to 12:00. Join the two, or leave a gap.")],
        ),
        (
            {"mon": "11:00-17:00 09:00-12:00"},
            [Clash(0, 0, "Overlaps 09:00 to 12:00. Join the two, or leave a gap.")],
        ),
        ({"mon": "22:00-02:00", "tue": "02:00-10:00"}, []),
        (
            {"mon": "22:00-02:00", "tue": "01:00-10:00"},
            [Clash(1, 0, "Overlaps Monday’s 22:00 to 02:00, which runs into this day.")],
        ),
        (
            {"sun": "22:00-02:00", "mon": "01:00-10:00"},
            [Clash(0, 0, "Overlaps Sunday’s 22:00 to 02:00, which runs into this day.")],
        ),
        ({"mon": "22:00-00:00", "tue": "00:00-10:00"}, []),
        ({day: "09:00-09:00" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}, []),
    ],
)
def test_ranges_that_meet_are_found_across_midnight_and_the_week_s_end(
    days: dict[str, str], expected: list[Clash]
) -> None:
    assert list(clashes(week(**days))) == expected


def test_two_equal_ranges_are_one_clash() -> None:
    assert [clash.index for clash in clashes(week(mon="09:00-12:00 09:00-12:00"))] == [1]


def test_the_ranges_of_one_date_may_touch_and_not_meet() -> None:
    assert date_clash([span("09:00-12:00"), span("12:00-13:00")]) is None
    found = date_clash([span("11:00-13:00"), span("09:00-12:00")])
    assert found == (0, "Overlaps 09:00 to 12:00. Join the two, or leave a gap.")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("22:00-02:00", "Until 02:00 on Tuesday"),
        ("22:00-00:00", ""),
        ("09:00-17:00", ""),
        ("09:00-09:00", "Until 09:00 on Tuesday"),
    ],
)
def test_a_range_that_ends_on_the_next_day_says_so(text: str, words: str) -> None:
    assert overnight_words(span(text), "Tuesday") == words


# --- what lies in them ------------------------------------------------------------------------------


def test_an_appointment_may_lie_across_ranges_that_touch() -> None:
    hours = Hours(LONDON, week(mon="22:00-00:00", tue="00:00-02:00"))
    assert covers(hours, at(MONDAY, "23:30"), at(MONDAY + datetime.timedelta(1), "00:30"))


def test_an_appointment_lies_in_hours_only_as_a_whole() -> None:
    hours = Hours(LONDON, week(mon="09:00-12:00 13:00-17:00"))
    assert covers(hours, at(MONDAY, "11:00"), at(MONDAY, "12:00"))
    assert not covers(hours, at(MONDAY, "11:30"), at(MONDAY, "12:30"))
    assert not covers(hours, at(MONDAY, "11:30"), at(MONDAY, "13:30"))


def test_a_night_reaches_into_the_next_day() -> None:
    hours = Hours(LONDON, week(sun="20:00-04:00"))
    before = MONDAY - datetime.timedelta(1)
    assert covers(hours, at(before, "23:30"), at(MONDAY, "00:30"))
    assert covers(hours, at(MONDAY, "03:00"), at(MONDAY, "04:00"))
    assert not covers(hours, at(MONDAY, "03:30"), at(MONDAY, "04:30"))


def test_a_date_of_its_own_replaces_the_week_that_day_alone() -> None:
    hours = Hours(LONDON, week(mon="09:00-17:00", tue="09:00-17:00"), {MONDAY: [span("14:00-20:00")]})
    assert not covers(hours, at(MONDAY, "10:00"), at(MONDAY, "11:00"))
    assert covers(hours, at(MONDAY, "18:00"), at(MONDAY, "19:00"))
    assert covers(
        hours, at(MONDAY + datetime.timedelta(1), "10:00"), at(MONDAY + datetime.timedelta(1), "11:00")
    )


def test_a_closed_date_holds_nothing() -> None:
    hours = Hours(LONDON, week(mon="09:00-17:00"), {MONDAY: []})
    assert not covers(hours, at(MONDAY, "10:00"), at(MONDAY, "11:00"))


@pytest.mark.parametrize("day", [datetime.date(2026, 3, 27), datetime.date(2026, 3, 30)])
def test_hours_are_clock_times_of_their_zone_on_either_side_of_a_clock_change(day: datetime.date) -> None:
    hours = Hours(LONDON, week(fri="09:00-17:00", mon="09:00-17:00"))
    assert covers(hours, at(day, "09:00"), at(day, "10:00"))
    assert not covers(hours, at(day, "08:30"), at(day, "09:30"))


# --- dates in a row ---------------------------------------------------------------------------------------------


def test_days_in_a_row_that_read_the_same_are_one_line() -> None:
    days = [MONDAY + datetime.timedelta(count) for count in range(5)]
    late = (span("14:00-20:00"),)
    dates = {days[1]: (), days[0]: (), days[2]: late, days[4]: ()}
    found = spells(Hours(LONDON, {}, dates), since=days[0])
    assert [(each.first, each.last, list(each.ranges)) for each in found] == [
        (days[0], days[1], []),
        (days[2], days[2], list(late)),
        (days[4], days[4], []),
    ]


def test_a_date_that_runs_into_the_night_says_so() -> None:
    dates = {MONDAY: (span("20:00-02:00"), span("09:00-12:00"))}
    (found,) = spells(Hours(LONDON, {}, dates), since=MONDAY)
    assert found.lines == ["20:00, until 02:00 on the next day", "09:00 to 12:00"]


def test_a_date_says_that_the_night_before_goes_on_whether_it_is_closed_or_has_hours() -> None:
    days = [MONDAY + datetime.timedelta(days=count) for count in range(5)]
    dates = {days[0]: (), days[2]: (span("10:00-12:00"),), days[3]: (), days[4]: ()}
    hours = Hours(
        LONDON, week(mon="20:00-04:00", tue="20:00-04:00", wed="20:00-04:00", sun="20:00-00:00"), dates
    )
    assert [each.lines for each in spells(hours, since=MONDAY)] == [
        ["Closed"],
        ["10:00 to 12:00", "the night from Tuesday goes on until 04:00"],
        ["Closed"],
    ]
    (found,) = spells(Hours(LONDON, hours.week, {days[1]: (), days[2]: ()}), since=days[1])
    assert found.lines == ["Closed", "the night from Monday goes on until 04:00 on the first day"]


@pytest.mark.parametrize(
    ("days", "on_monday", "words"),
    [
        (
            {"sun": "20:00-04:00"},
            "03:00-10:00",
            "Overlaps Sunday’s 20:00 to 04:00, which runs into this day.",
        ),
        ({"sun": "20:00-04:00"}, "04:00-10:00", None),
        ({"tue": "02:00-10:00"}, "20:00-03:00", "Runs into the hours of Tuesday, 24 November."),
        ({"tue": "02:00-10:00"}, "20:00-02:00", None),
        ({"mon": "20:00-04:00", "sun": "20:00-00:00"}, "00:00-04:00", None),
    ],
)
def test_the_hours_of_a_date_meet_neither_the_night_before_nor_the_next_day(
    days: dict[str, str], on_monday: str, words: str | None
) -> None:
    hours = Hours(LONDON, week(**days), {MONDAY: [span(on_monday)]})
    assert neighbour_clash(hours, MONDAY) == ((0, words) if words else None)
