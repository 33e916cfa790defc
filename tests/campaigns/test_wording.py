"""Steps in words."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from campaigns import wording


@dataclass
class One:
    anchor: str
    offset: timedelta


def before(**offset: float) -> One:
    return One("before_start", timedelta(**offset))


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([], ""),
        ([before(days=1)], "24 h before"),
        ([before(hours=1), before(days=1)], "24 h and 1 h before"),
        ([before(minutes=90), before(days=7), before(hours=2)], "7 days, 2 h and 1 h 30 min before"),
        ([One("at_once", timedelta(0)), before(days=1)], "At once, 24 h before"),
        ([before(minutes=0)], "At the start"),
        ([One("after_end", timedelta(0))], "At the end"),
        (
            [One("after_end", timedelta(days=3)), One("after_end", timedelta(hours=2))],
            "2 h and 3 days after the end",
        ),
        ([One("after_start", timedelta(minutes=15))], "15 min after the start"),
    ],
)
def test_steps_are_told_as_people_say_them(steps: list[One], words: str) -> None:
    assert wording.steps(steps) == words


@pytest.mark.parametrize(
    ("on_changes", "words"),
    [
        ([], "Appointment"),
        (["booked"], "Appointment"),
        (["cancelled"], "Appointment: cancelled"),
        (["booked", "rescheduled", "no_show"], "Appointment: booked, rescheduled or no-show"),
    ],
)
def test_what_sets_a_campaign_off(on_changes: list[str], words: str) -> None:
    assert wording.sets_off("Appointment", on_changes) == words


@pytest.mark.parametrize(
    ("trigger", "changes", "words"),
    [
        ("appointment", ["booked"], "every appointment that is made from now on"),
        ("appointment", ["no_show"], "every appointment that is marked as no-show from now on"),
        (
            "appointment",
            ["confirmed", "rescheduled", "cancelled"],
            "every appointment that is confirmed, moved or cancelled from now on",
        ),
        ("customer_booked", ["booked"], "every appointment that a customer makes from now on"),
    ],
)
def test_what_a_campaign_takes_once_it_is_on(trigger: str, changes: list[str], words: str) -> None:
    assert wording.takes(trigger, changes) == words
