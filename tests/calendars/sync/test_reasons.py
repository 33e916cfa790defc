"""What a reason says: what moved, from when to when, and which switch or rule keeps triggers quiet."""

from dataclasses import replace

from calendars.sync import policy as policies
from calendars.sync.plan import plan
from tests.calendars.sync.test_plan import AGREED, ANN, BOB, EVENT, FACTS, FROM_GOOGLE, HOUR, LATER, moved


def test_move_is_told_from_when_to_when_on_the_calendars_clocks() -> None:
    made = plan(moved(), FROM_GOOGLE, AGREED, replace(FACTS, time_zone="Europe/Berlin"))
    assert made.reason.startswith("Moved at Google from Tue 3 Mar, 10:00–11:00 to Wed 4 Mar, 10:00–11:00.")


def test_move_over_midnight_names_both_days() -> None:
    late = replace(EVENT, starts_at=LATER, ends_at=LATER + 20 * HOUR)
    assert "to Wed 4 Mar, 09:00–Thu 5 Mar, 05:00." in plan(late, FROM_GOOGLE, AGREED, FACTS).reason


def test_appointment_that_comes_back_at_another_time_says_both() -> None:
    held = replace(FROM_GOOGLE, status="cancelled", status_set_by="google")
    made = plan(moved(), held, AGREED, FACTS)
    assert made.restore
    assert "Back at Google" in made.reason
    assert "from Tue 3 Mar, 09:00–10:00 to Wed 4 Mar" in made.reason


def test_acceptance_that_stays_silent_names_the_switch() -> None:
    silent = policies.for_user("two_way", has_default=True, creation=True, trigger=False)
    facts = replace(FACTS, policy=silent, guests=(replace(ANN, response="accepted"),))
    made = plan(EVENT, FROM_GOOGLE, AGREED, facts)
    assert (made.confirm, made.fires) == (True, False)
    assert made.reason == "A guest accepted: confirmed. Silent: Allow Trigger is off."


def test_guest_who_was_told_of_with_an_earlier_occurrence_says_so() -> None:
    facts = replace(FACTS, guests=(ANN, BOB), series_told=frozenset({"bob@x.org"}))
    made = plan(replace(EVENT, is_recurring=True), FROM_GOOGLE, AGREED, facts)
    assert made.reason == (
        "Added: bob@x.org. Triggers fire once for a series; reminders follow each occurrence."
    )


def test_event_that_does_not_say_when_it_was_made_says_so() -> None:
    made = plan(replace(EVENT, created_at=None), None, None, FACTS)
    assert "Silent: Google does not say when it was made." in made.reason
