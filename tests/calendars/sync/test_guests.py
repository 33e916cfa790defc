"""Who counts as a guest, and what is said where nobody does."""

from dataclasses import replace

import pytest

from calendars.sync import policy as policies
from calendars.sync.facts import MAKE, Facts
from calendars.sync.firing import fired_by_hand
from calendars.sync.guests import (
    GUESTS_DECLINED,
    GUESTS_DECLINED_OR_IGNORED,
    GUESTS_IGNORED,
    NO_GUESTS,
    NO_OUTSIDE_GUESTS,
    Guest,
    Ignored,
    Person,
    outside_people,
    why_nobody,
)
from calendars.sync.plan import plan
from tests.calendars.sync.test_plan import (
    AGREED,
    ANN,
    BOB,
    EVENT,
    FACTS,
    FROM_GOOGLE,
    HOUR,
    NEW,
    NOW,
    SMART,
    moved,
)

OWNER = Person("dana@office.test", is_self=True, is_organizer=True)
COLLEAGUE, ROOM = Person("amir@office.test"), Person("room1@resource.calendar.google.com", is_resource=True)
VENDOR, DECLINED = Person("rep@vendor.example"), Person("ann@x.org", response="declined")
OURS = {"dana@office.test", "amir@office.test"}
IGNORED = Ignored(domains=frozenset({"vendor.example", "office.test"}))


@pytest.mark.parametrize(
    ("people", "organizer", "words"),
    [
        ([], "", NO_GUESTS),
        ([OWNER], "", NO_GUESTS),
        # That the office is ignored says nothing of an event on which only its owner is.
        ([OWNER, COLLEAGUE], "", NO_OUTSIDE_GUESTS),
        ([OWNER, ROOM], "", NO_OUTSIDE_GUESTS),
        ([OWNER], "amir@office.test", NO_OUTSIDE_GUESTS),
        ([OWNER, VENDOR], "", GUESTS_IGNORED),
        ([OWNER, COLLEAGUE, DECLINED], "", GUESTS_DECLINED),
        ([OWNER, VENDOR, DECLINED], "", GUESTS_DECLINED_OR_IGNORED),
    ],
)
def test_an_event_without_guests_says_who_else_is_on_it(
    people: list[Person], organizer: str, words: str
) -> None:
    assert outside_people(people, organizer=organizer, ours=OURS, ignored=IGNORED) == []
    assert why_nobody(people, organizer=organizer, ours=OURS, ignored=IGNORED) == words


@pytest.mark.parametrize(
    ("policy", "guests", "words"),
    [
        (FACTS.policy, (ANN,), "Two way: ann@x.org is a contact. "),
        (FACTS.policy, (ANN, BOB), "Two way: ann@x.org, bob@x.org are contacts. "),
        (FACTS.policy, (NEW, Guest("b@x.org")), "Two way: new@x.org, b@x.org were made contacts. "),
        (FACTS.policy, (NEW, ANN), "Two way: ann@x.org is a contact; new@x.org was made a contact. "),
        (
            SMART,
            (NEW, ANN),
            "Smart: ann@x.org is a contact; new@x.org is left out (only known contacts become appointments). ",
        ),
        (
            policies.for_user("two_way", has_default=True, creation=False, trigger=True),
            (NEW, ANN),
            "Two way: ann@x.org is a contact; new@x.org is left out (Allow Contact Creation is off). ",
        ),
    ],
)
def test_reason_says_of_every_guest_what_became_of_them(
    policy: policies.Policy, guests: tuple[Guest, ...], words: str
) -> None:
    made = plan(EVENT, None, None, replace(FACTS, policy=policy, guests=guests))
    assert made.reason == f"{words}Triggers fired."


def test_reason_of_several_unknown_guests_names_them_all() -> None:
    facts = replace(FACTS, policy=SMART, guests=(NEW, Guest("b@x.org")))
    assert plan(EVENT, None, None, facts).reason == (
        "Smart: new@x.org, b@x.org are no contacts, and only known contacts become appointments."
    )


def test_decision_to_make_an_appointment_is_used_up_when_it_is_made() -> None:
    """Under smart a guest added later became a new contact, and every later move was silent for ever."""
    facts = replace(FACTS, policy=SMART, guests=(ANN, NEW), decision=MAKE)
    later = plan(EVENT, FROM_GOOGLE, AGREED, facts)
    assert (later.attach, later.guests_fire) == ((), False)
    known = plan(EVENT, FROM_GOOGLE, AGREED, replace(facts, guests=(ANN, BOB)))
    assert (known.attach, known.guests_fire) == ((BOB,), True)
    shifted = plan(moved(), FROM_GOOGLE, AGREED, facts)
    assert (shifted.fires, shifted.reason) == (
        True,
        "Moved at Google from Tue 3 Mar, 09:00–10:00 to Wed 4 Mar, 09:00–10:00. Triggers fired.",
    )
    old = plan(moved(), FROM_GOOGLE, AGREED, replace(facts, policy_since=NOW + HOUR))
    assert "before this configuration" in old.reason
    crowd = tuple(Guest(f"g{number}@x.org", contact=number) for number in range(2, 25))
    assert plan(EVENT, FROM_GOOGLE, AGREED, replace(facts, guests=(ANN, *crowd))).attach == ()


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (
            "Smart: ann@x.org is a contact. Silent: it was in Google before this configuration.",
            "Smart: ann@x.org is a contact. Fired by hand by Dana.",
        ),
        (
            "Added: ben@x.org. Silent: Allow Trigger is off. A guest accepted: confirmed.",
            "Added: ben@x.org. Fired by hand by Dana. A guest accepted: confirmed.",
        ),
        ("Two way: ann@x.org is a contact.", "Two way: ann@x.org is a contact. Fired by hand by Dana."),
        ("", "Fired by hand by Dana."),
        # A second guest, fired for alone.
        ("Two way: a. Fired by hand by Dana.", "Two way: a. Fired by hand by Dana."),
    ],
)
def test_reason_says_that_what_was_silent_was_fired_by_hand(reason: str, words: str) -> None:
    assert fired_by_hand(reason, "Dana") == words


def test_by_hand_every_guest_is_made_a_contact_and_named() -> None:
    facts: Facts = replace(FACTS, policy=SMART, guests=(ANN, NEW), decision=MAKE)
    assert plan(EVENT, None, None, facts).reason.startswith(
        "A person made it an appointment: ann@x.org is a contact; new@x.org was made a contact. "
    )
