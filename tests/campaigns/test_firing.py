"""Whether a change fires: the whole table."""

import pytest

from campaigns.firing import REPEATED, UNDONE, FiringFacts, holds, why_silent


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (FiringFacts("booked", "new"), ""),
        (FiringFacts("booked", "new", why="Smart: the guest is a contact."), ""),
        (FiringFacts("booked", "new", fires=False, why="Disable trigger."), "Disable trigger."),
        (FiringFacts("booked", "new", fires=False), "Triggers are off for this change."),
        (FiringFacts("rescheduled", "new", is_undone=True), UNDONE),
        (FiringFacts("booked", "new", is_attached=False), "This person is no longer a guest."),
        (FiringFacts("booked", "cancelled"), "The appointment is cancelled by now."),
        (FiringFacts("no_show", "showed", has_begun=True), "The appointment is showed by now."),
        (
            FiringFacts("booked", "new", fired_before=True),
            "It fired before for this appointment; nothing fires twice.",
        ),
        (
            FiringFacts("rescheduled", "new", has_joined_since=True),
            "They joined with this time: nothing was moved for them.",
        ),
        (FiringFacts("booked", "new", has_begun=True), "The appointment starts in the past."),
        (FiringFacts("cancelled", "cancelled", has_begun=True), "The appointment starts in the past."),
        (FiringFacts("no_show", "no_show", has_begun=True), ""),
        (FiringFacts("showed", "showed", has_begun=True), ""),
        (FiringFacts("booked", "new", repeats_series=True), REPEATED),
        (FiringFacts("booked", "new", repeats_series=True, fires=False, why="Once a series."), REPEATED),
    ],
)
def test_why_a_change_stays_silent(facts: FiringFacts, why: str) -> None:
    assert why_silent(facts) == why


@pytest.mark.parametrize(
    ("what", "statuses"),
    [
        ("booked", {"new", "confirmed", "showed", "no_show"}),
        ("confirmed", {"new", "confirmed", "showed", "no_show"}),
        ("rescheduled", {"new", "confirmed", "showed", "no_show"}),
        ("cancelled", {"cancelled"}),
        ("invalid", {"invalid"}),
        ("showed", {"showed"}),
        ("no_show", {"no_show"}),
    ],
)
def test_what_a_change_started_lasts_as_long_as_it_makes_sense(what: str, statuses: set[str]) -> None:
    every = {"new", "confirmed", "cancelled", "showed", "no_show", "invalid"}
    assert {status for status in every if holds(what, status)} == statuses
