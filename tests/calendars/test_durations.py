"""Lengths of time as people type and read them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendars.durations import MINUTE, Unreadable, in_minutes, read, words


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("90 min", 90),
        ("90min", 90),
        ("4 h", 240),
        ("2 d", 2880),
        ("1 h 30 min", 90),
        ("1h30m", 90),
        ("1.5 h", 90),
        ("0,5 h", 30),
        (" 2 Days ", 2880),
        ("1 hour", 60),
        ("0", 0),
        ("0 min", 0),
    ],
)
def test_a_length_is_read_as_people_say_it(text: str, minutes: int) -> None:
    assert read(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("soon", "“soon” is no length of time. Write one such as 90 min, 4 h or 2 d."),
        ("-5 min", "“-5 min” is no length of time"),
        ("4", "4 of what? Write 4 min, 4 h or 4 d."),
        ("4 weeks", "“weeks” is no unit: write min, h or d."),
        ("0.001 h", "Write whole minutes."),
        ("", "Write a length of time"),
        ("1:30", "“1:30” is no length of time"),
        ("9999999 d", "is no length of time"),
    ],
)
def test_what_cannot_be_read_is_said_in_words(text: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said.replace("?", r"\?").replace(".", r"\.")):
        read(text)


def test_a_number_alone_counts_the_unit_that_the_field_says() -> None:
    assert read("45", unit=MINUTE) == timedelta(minutes=45)


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0, "0 min"), (45, "45 min"), (60, "1 h"), (90, "1 h 30 min"), (1440, "1 d"), (1500, "25 h")],
)
def test_a_length_is_said_in_the_largest_units_that_fit(minutes: int, said: str) -> None:
    assert words(timedelta(minutes=minutes)) == said


def test_what_people_count_in_minutes_stays_in_minutes() -> None:
    assert in_minutes(timedelta(minutes=90)) == "90 min"


@given(st.integers(min_value=0, max_value=400 * 1440))
def test_what_is_said_is_read_back_as_the_same(minutes: int) -> None:
    length = timedelta(minutes=minutes)
    assert read(words(length)) == read(in_minutes(length)) == length


@pytest.mark.parametrize(
    "typed", ["1 " * 19 + "!", "1" * 10_000, "1 " * 5_000 + "!", "1" + " " * 9_998 + "!"]
)
def test_whatever_is_typed_is_answered_at_once(typed: str) -> None:
    with pytest.raises(Unreadable):
        read(typed)


def test_what_is_too_long_is_not_said_back() -> None:
    with pytest.raises(Unreadable, match="That is too long for a length of time"):
        read("1 min " * 2_000)
