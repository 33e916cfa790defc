"""The books of a step: every message in one of its states, and reasons that add up too."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.figures.books import REASONS_SHOWN, Books, Reason, Tally, books_of, by_step, shown_reasons
from campaigns.models import Message

DAY = datetime.date(2026, 6, 1)
STATES, REPORTS = Message.State.values, ["", *Message.Report.values]
TALLIES = st.lists(
    st.builds(
        Tally,
        step=st.integers(1, 3),
        day=st.just(DAY),
        state=st.sampled_from(STATES),
        report=st.sampled_from(REPORTS),
        number=st.integers(1, 10**6),
    ),
    max_size=20,
)


@given(TALLIES)
def test_whatever_became_of_them_the_books_add_up(tallies: list[Tally]) -> None:
    books = books_of(tallies)
    assert books.add_up
    assert books.planned == sum(tally.number for tally in tallies) == sum(number for _, number in books.parts)


@given(TALLIES)
def test_the_books_of_the_steps_add_up_to_those_of_the_campaign(tallies: list[Tally]) -> None:
    each = by_step(tallies).values()
    total = books_of(tallies)
    for name in Books.__dataclass_fields__:
        assert getattr(total, name) == sum(getattr(books, name) for books in each)


@pytest.mark.parametrize("state", STATES)
def test_every_state_a_message_can_have_has_a_place(state: str) -> None:
    books = books_of([Tally(1, DAY, state, "", 4)])
    assert (books.planned, books.accounted) == (4, 4)


def test_a_state_without_a_place_is_an_error_and_not_a_gap() -> None:
    with pytest.raises(KeyError, match="lost"):
        books_of([Tally(1, DAY, "lost", "", 1)])


def test_what_a_carrier_reports_is_a_part_of_what_was_sent() -> None:
    numbers = {"": 1, "delivered": 5, "bounced": 3, "complained": 2}
    books = books_of(Tally(1, DAY, "sent", report, number) for report, number in numbers.items())
    assert (books.sent, books.delivered, books.bounced, books.complained, books.unreported) == (
        11,
        5,
        3,
        2,
        1,
    )


@given(
    st.lists(
        st.builds(Reason, st.just("void"), st.text(), st.integers(1, 99)), unique_by=lambda each: each.why
    )
)
def test_few_reasons_are_told_and_none_is_lost(reasons: list[Reason]) -> None:
    shown = shown_reasons(reasons)
    assert len(shown) <= REASONS_SHOWN + 1
    assert sum(each.number for each in shown) == sum(each.number for each in reasons)
    assert all(each.why for each in shown)
