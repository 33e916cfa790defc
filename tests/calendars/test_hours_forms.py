"""The week and one date as they are typed."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict

from calendars.hours_forms import DateForm, WeekForm
from calendars.working_hours import TOO_MANY, USUAL_WEEK, Hours, Range
from tests.calendars.settings_pages import week

TODAY = datetime.date(2026, 11, 23)


def sent(**fields: str | list[str]) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, value in fields.items():
        data.setlist(
            name.replace("_", "-", 1) if name.startswith("date_") else name,
            value if isinstance(value, list) else [value],
        )
    return data


def week_form(**days: list[tuple[str, str]]) -> WeekForm:
    data = QueryDict(mutable=True)
    for name, value in week(**days).items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return WeekForm({}, data)


def test_any_number_of_ranges_a_day_is_read_in_order_and_empty_rows_are_no_hours() -> None:
    form = week_form(monday=[("13:00", "17:00"), ("", ""), ("9:00", "12:00")])
    assert form.is_valid()
    assert form.week == {
        0: (Range(datetime.time(9), datetime.time(12)), Range(datetime.time(13), datetime.time(17)))
    }


@pytest.mark.parametrize(
    ("rows", "place", "words"),
    [
        ([("09:00", "")], 0, "Give both times, or leave both empty."),
        ([("", "17:00")], 0, "Give both times, or leave both empty."),
        ([("25:00", "26:00")], 0, "Write times such as 09:00 and 17:30."),
        ([("morning", "17:00")], 0, "Write times such as 09:00 and 17:30."),
        (
            [("09:00", "12:00"), ("", ""), ("11:00", "13:00")],
            2,
            "Overlaps 09:00 to 12:00. Join the two, or leave a gap.",
        ),
    ],
)
def test_what_is_wrong_stands_at_its_row_and_nothing_typed_is_lost(
    rows: list[tuple[str, str]], place: int, words: str
) -> None:
    form = week_form(wednesday=rows)
    assert not form.is_valid()
    assert form.days[2].rows[place].error == words
    assert [(row.starts, row.ends) for row in form.days[2].rows] == rows
    assert list(form.errors()) == [(f"id_day_2_{place}_starts", "Wednesday", words)]


def test_a_night_is_said_in_words_and_drawn_on_both_days() -> None:
    form = week_form(sunday=[("22:00", "02:00")])
    assert form.is_valid()
    assert [night for _, night in form.days[6].lines] == ["Until 02:00 on Monday"]
    assert [(bar.start, bar.length, bar.is_spill) for bar in form.days[6].bars] == [(1320, 120, False)]
    assert [(bar.start, bar.length, bar.is_spill) for bar in form.days[0].bars] == [(0, 120, True)]


def test_a_row_more_and_a_copied_day_are_not_checked_yet() -> None:
    form = week_form(monday=[("09:00", "12:00")], tuesday=[("08:00", "")])
    form.add_row(0)
    form.copy(0, [1, 2])
    assert [(row.starts, row.ends) for row in form.days[0].rows] == [("09:00", "12:00"), ("", "")]
    assert [(row.starts, row.ends) for row in form.days[1].rows] == [("09:00", "12:00"), ("", "")]
    assert form.is_valid()
    assert set(form.week) == {0, 1, 2}


def test_the_usual_week_is_five_days() -> None:
    form = WeekForm(USUAL_WEEK)
    assert [day.name for day in form.days if day.ranges] == [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
    ]
    assert form.is_valid()


# --- a date -----------------------------------------------------------------------------------------------------


def test_a_closed_date_has_no_ranges() -> None:
    form = DateForm(sent(date_on="2026-12-24", date_until="", date_is_closed="on"), today=TODAY)
    assert form.is_valid(), form.errors
    assert form.days == [datetime.date(2026, 12, 24)]
    assert form.ranges == ()


def test_days_in_a_row_share_their_hours() -> None:
    form = DateForm(
        sent(
            date_on="2026-12-24",
            date_until="2026-12-26",
            date_starts=["13:00", "09:00"],
            date_ends=["15:00", "12:00"],
        ),
        today=TODAY,
    )
    assert form.is_valid(), form.errors
    assert len(form.days) == 3
    assert [str(each) for each in form.ranges] == ["09:00 to 12:00", "13:00 to 15:00"]


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"date_on": ""}, "on", "This field is required."),
        ({"date_on": "2026-11-22"}, "on", "That day is over. Choose today or later."),
        ({"date_on": "2036-11-22"}, "on", "That is too far ahead: choose a day within two years."),
        ({"date_until": "2026-12-01"}, "until", "The last day cannot come before the first."),
        ({"date_until": "2028-01-01"}, "until", "At most a year at a time."),
        ({}, "is_closed", "Tick closed, or give the hours of that day."),
        ({"date_starts": "09:00", "date_ends": ""}, "__all__", "Look at the hours of the date."),
        (
            {"date_starts": ["09:00", "10:00"], "date_ends": ["12:00", "11:00"]},
            "__all__",
            "Look at the hours of the date.",
        ),
    ],
)
def test_a_wrong_date_is_refused_in_words(fields: dict[str, str | list[str]], field: str, words: str) -> None:
    form = DateForm(sent(**{"date_on": "2026-12-24", **fields}), today=TODAY)
    assert not form.is_valid()
    assert words in form.errors[field]


def test_typed_hours_are_ignored_on_a_closed_day() -> None:
    form = DateForm(
        sent(date_on="2026-12-24", date_is_closed="on", date_starts="nonsense", date_ends=""), today=TODAY
    )
    assert form.is_valid(), form.errors
    assert form.ranges == ()


def test_more_times_a_day_than_there_may_be_are_refused_in_words_and_stay_as_typed() -> None:
    rows = [(f"{hour:02}:00", f"{hour:02}:30") for hour in range(14)]
    form = week_form(monday=[("", ""), *rows])
    assert not form.is_valid()
    assert [(row.starts, row.ends) for row in form.days[0].rows] == [("", ""), *rows]
    assert [row.error for row in form.days[0].rows] == [""] * 13 + [TOO_MANY] * 2
    assert week_form(monday=[("", ""), *rows[:12]]).is_valid()


def test_a_date_has_no_more_times_than_a_day_of_the_week() -> None:
    starts, ends = [f"{hour:02}:00" for hour in range(13)], [f"{hour:02}:30" for hour in range(13)]
    form = DateForm(
        sent(date_on="2026-12-24", date_until="", date_starts=starts, date_ends=ends), today=TODAY
    )
    assert not form.is_valid()
    assert [row.starts for row in form.rows] == starts
    assert [row.error for row in form.rows] == [""] * 12 + [TOO_MANY]


def test_an_hour_with_words_behind_it_is_not_read_without_them() -> None:
    form = week_form(monday=[("01:30:00 PM", "05:00:00 PM")])
    assert not form.is_valid()
    assert form.days[0].rows[0].starts == "01:30:00 PM"


@pytest.mark.parametrize(
    ("until", "starts", "ends", "words"),
    [
        ("", "03:00", "10:00", "Overlaps Wednesday’s 20:00 to 04:00, which runs into this day."),
        ("", "04:00", "10:00", ""),
        ("2026-12-25", "05:00", "04:00", ""),
    ],
)
def test_hours_of_a_date_are_held_against_the_night_before(
    until: str, starts: str, ends: str, words: str
) -> None:
    night = Hours(ZoneInfo("UTC"), {2: (Range(datetime.time(20), datetime.time(4)),)})
    posted = sent(date_on="2026-12-24", date_until=until, date_starts=starts, date_ends=ends)
    form = DateForm(posted, today=TODAY, stored=night)
    assert form.is_valid() == (not words)
    assert form.rows[0].error == words


def test_a_date_may_be_closed_while_the_night_before_goes_on() -> None:
    night = Hours(ZoneInfo("UTC"), {2: (Range(datetime.time(20), datetime.time(4)),)})
    form = DateForm(sent(date_on="2026-12-24", date_until="", date_is_closed="on"), today=TODAY, stored=night)
    assert form.is_valid()
