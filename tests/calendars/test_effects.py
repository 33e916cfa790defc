"""What the person reads before saving is what the policy does."""

import pytest

from calendars.effects import APPOINTMENT, BLOCK, OUTLINE, Toggles, cards, effects, policy_for, sentence
from calendars.sync.policy import DISABLE_TRIGGER, ONE_WAY, SMART, TWO_WAY

ALL = Toggles(has_default=True, creation=True, trigger=True)


@pytest.mark.parametrize(
    ("option", "toggles", "words"),
    [
        (ONE_WAY, ALL, "Events only block time."),
        (ONE_WAY, Toggles(), "Events only block time."),
        (TWO_WAY, Toggles(), "No default calendar: events only block time."),
        (SMART, Toggles(), "No default calendar: events only block time."),
        (TWO_WAY, ALL, "Known and new guests get an appointment and triggers fire."),
        (
            TWO_WAY,
            Toggles(has_default=True, creation=True),
            "Allow Trigger is off: known and new guests get an appointment and nothing fires.",
        ),
        (
            TWO_WAY,
            Toggles(has_default=True, trigger=True),
            "Allow Contact Creation is off: known guests get an appointment and triggers fire; others block time.",
        ),
        (
            TWO_WAY,
            Toggles(has_default=True),
            "Allow Contact Creation and Allow Trigger are off: "
            "known guests get an appointment and nothing fires; others block time.",
        ),
        (
            SMART,
            Toggles(has_default=True, creation=True),
            "Allow Trigger is off: known guests get an appointment and nothing fires; others block time.",
        ),
        (
            DISABLE_TRIGGER,
            Toggles(has_default=True, trigger=True),
            "Allow Contact Creation is off: known guests get an appointment and nothing fires; others block time.",
        ),
        (SMART, ALL, "Known guests get an appointment and triggers fire; others block time."),
        (DISABLE_TRIGGER, ALL, "Known and new guests get an appointment and nothing fires."),
        (
            TWO_WAY,
            Toggles(is_unassigned=True),
            "Known and new guests get an appointment and triggers fire.",
        ),
    ],
)
def test_the_sentence_says_what_the_toggles_leave_of_the_option(
    option: str, toggles: Toggles, words: str
) -> None:
    assert sentence(policy_for(option, toggles)) == words


@pytest.mark.parametrize(
    ("option", "toggles", "chips"),
    [
        (ONE_WAY, ALL, [BLOCK, BLOCK, BLOCK]),
        (TWO_WAY, Toggles(), [BLOCK, BLOCK, BLOCK]),
        (TWO_WAY, ALL, [APPOINTMENT, APPOINTMENT, OUTLINE]),
        (TWO_WAY, Toggles(has_default=True), [APPOINTMENT, BLOCK, OUTLINE]),
        (SMART, ALL, [APPOINTMENT, BLOCK, BLOCK]),
        (DISABLE_TRIGGER, ALL, [APPOINTMENT, APPOINTMENT, OUTLINE]),
    ],
)
def test_each_kind_of_event_is_drawn_as_the_agenda_will_draw_it(
    option: str, toggles: Toggles, chips: list[str]
) -> None:
    assert [effect.chip for effect in effects(policy_for(option, toggles))] == chips


def test_only_an_appointment_that_fires_nothing_carries_the_muted_bell() -> None:
    silent = effects(policy_for(DISABLE_TRIGGER, ALL))
    assert [effect.is_silent for effect in silent] == [True, True, False]
    assert not any(effect.is_silent for effect in effects(policy_for(TWO_WAY, ALL)))
    assert not any(effect.is_silent for effect in effects(policy_for(ONE_WAY, ALL)))


def test_creation_without_a_default_calendar_counts_as_off_while_the_form_is_being_filled() -> None:
    assert not policy_for(TWO_WAY, Toggles(creation=True, trigger=True)).create


def test_the_four_options_are_cards_in_their_order() -> None:
    assert [card.title for card in cards(ALL)] == ["One way", "Two way", "Smart", "Disable trigger"]
