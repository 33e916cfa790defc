"""Bars and courses: every message is drawn once, in proportion and in its day, week or month."""

import datetime
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.figures.books import Books, Tally
from campaigns.figures.drawing import BAR, HEIGHT, bar, course

TODAY = date(2026, 6, 10)
SMALL = st.integers(0, 500)


@given(SMALL, SMALL, SMALL, SMALL, SMALL, SMALL, SMALL)
def test_a_bar_is_full_and_its_pieces_touch(
    waiting: int, delivered: int, unreported: int, bounced: int, skipped: int, void: int, failed: int
) -> None:
    sent = delivered + unreported + bounced
    books = Books(
        planned=waiting + sent + skipped + void + failed,
        waiting=waiting,
        sent=sent,
        failed=failed,
        skipped=skipped,
        void=void,
        delivered=delivered,
        bounced=bounced,
    )
    pieces = bar(books)
    assert sum(piece.number for piece in pieces) == books.planned
    ends = [piece.x + piece.width for piece in pieces]
    assert [piece.x for piece in pieces[1:]] == pytest.approx(ends[:-1], abs=0.02)
    assert not pieces or ends[-1] == pytest.approx(BAR, abs=0.02)


def sent(day: date, number: int = 1, state: str = "sent") -> Tally:
    return Tally(1, day, state, "", number)


@pytest.mark.parametrize(
    ("since", "until", "by", "columns"),
    [
        (date(2026, 6, 1), date(2026, 6, 7), "day", 7),
        (date(2026, 3, 1), date(2026, 5, 31), "day", 92),
        # From the Monday of its first week on.
        (date(2026, 3, 1), date(2026, 6, 1), "week", 15),
        (date(2023, 12, 31), date(2026, 6, 1), "month", 31),
    ],
)
def test_a_longer_time_is_told_by_longer_columns(since: date, until: date, by: str, columns: int) -> None:
    drawn = course([sent(until)], since=since, until=until, today=TODAY)
    assert drawn is not None
    assert (drawn.by, len(drawn.columns)) == (by, columns)
    assert drawn.columns[-1].total == 1


def test_an_open_end_looks_a_week_ahead_and_tells_how_many_wait_later() -> None:
    later = sent(TODAY + timedelta(days=8), 5, "waiting")
    drawn = course([sent(TODAY), later], since=TODAY - timedelta(days=6), until=None, today=TODAY)
    assert drawn is not None
    assert (drawn.last, drawn.beyond) == (TODAY + timedelta(days=7), 5)


def test_the_highest_column_fills_the_height_and_stacks_what_became_of_them() -> None:
    tallies = [sent(TODAY, 6), sent(TODAY, 2, "void"), sent(TODAY - timedelta(days=1), 4)]
    drawn = course(tallies, since=None, until=TODAY, today=TODAY)
    assert drawn is not None
    before, highest = drawn.columns
    assert highest.pieces == [("sent", 25.0, 75.0), ("left-out", 0.0, 25.0)]
    assert before.pieces == [("sent", HEIGHT / 2, HEIGHT / 2)]
    assert highest.numbers == [6, 0, 2, 0]


def test_nothing_planned_has_no_course() -> None:
    assert course([], since=None, until=None, today=TODAY) is None


@given(
    st.lists(st.tuples(st.dates(date(2025, 1, 1), date(2026, 12, 31)), st.integers(1, 9)), min_size=1),
    st.dates(datetime.date(2025, 1, 1), datetime.date(2026, 12, 31)),
)
def test_every_message_is_in_one_column_or_beyond(found: list[tuple[date, int]], today: date) -> None:
    drawn = course([sent(*each) for each in found], since=None, until=None, today=today)
    assert drawn is not None
    assert sum(column.total for column in drawn.columns) + drawn.beyond == sum(number for _, number in found)
