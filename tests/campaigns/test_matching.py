"""Which campaigns take a fact, and why the others do not: every filter by itself, and which is told first."""

from dataclasses import replace

import pytest

from campaigns.matching import IN_IT, OFF, Fact, Filters, why_not
from campaigns.reaching import Reach, why_by_none, why_unreachable

BOOKED = Filters("appointment", frozenset({"booked"}), mediums=("email",))
FACT = Fact("appointment", "booked", calendar=1, tags=frozenset({7}), owner=3)
QUIET = Reach(no_email=True)


@pytest.mark.parametrize(
    ("narrower", "fact", "why"),
    [
        ({}, FACT, ""),
        ({"trigger": "customer_booked"}, FACT, None),
        ({"changes": frozenset({"rescheduled", "cancelled"})}, FACT, None),
        ({"calendars": frozenset({1, 2})}, FACT, ""),
        ({"calendars": frozenset({2})}, FACT, "It takes other calendars."),
        ({"made_by": frozenset({"staff", "google"})}, FACT, ""),
        ({"made_by": frozenset({"google"})}, FACT, "It does not take what staff made."),
        (
            {"made_by": frozenset({"google"})},
            replace(FACT, made_by="customer"),
            "It does not take what customers booked themselves.",
        ),
        (
            {"made_by": frozenset({"staff"})},
            replace(FACT, made_by="google"),
            "It does not take what came from Google.",
        ),
        ({"recurring": "yes"}, FACT, "It takes recurring appointments only."),
        ({"recurring": "yes"}, replace(FACT, is_recurring=True), ""),
        ({"recurring": "no"}, FACT, ""),
        ({"recurring": "no"}, replace(FACT, is_recurring=True), "It takes single appointments only."),
        ({"tags": frozenset({7, 8})}, FACT, ""),
        ({"tags": frozenset({8})}, FACT, "The contact has none of its tags."),
        ({"owners": frozenset({3})}, FACT, ""),
        ({"owners": frozenset({4})}, FACT, "It takes contacts of other owners."),
        ({"owners": frozenset({4})}, replace(FACT, owner=None), "It takes contacts of other owners."),
        ({"is_active": False}, FACT, OFF),
        ({"is_active": False, "calendars": frozenset({2})}, FACT, None),
        ({}, replace(FACT, reach=QUIET), "Nothing may reach them: The contact is not to be e-mailed."),
        ({"mediums": ("email", "sms")}, replace(FACT, reach=QUIET), ""),
        ({"mediums": ()}, replace(FACT, reach=QUIET), ""),
        # The filter comes before the wish: it is the campaign's own reason.
        ({"tags": frozenset({8})}, replace(FACT, reach=QUIET), "The contact has none of its tags."),
    ],
)
def test_why_a_campaign_does_not_take_a_fact(
    narrower: dict[str, object], fact: Fact, why: str | None
) -> None:
    assert why_not(replace(BOOKED, **narrower), fact) == why  # type: ignore[arg-type]  # a table of any field


@pytest.mark.parametrize(
    ("what", "started_by", "why"),
    [
        ("booked", "booked", IN_IT),
        ("confirmed", "booked", IN_IT),
        ("confirmed", "confirmed", IN_IT),
        # Each move is told, and a status begins anew what another change began.
        ("rescheduled", "booked", ""),
        ("rescheduled", "rescheduled", ""),
        ("showed", "booked", ""),
        ("showed", "showed", IN_IT),
    ],
)
def test_who_is_in_it_already_enters_again_only_for_what_is_new(what: str, started_by: str, why: str) -> None:
    filters = replace(BOOKED, changes=frozenset({what}))
    assert why_not(filters, replace(FACT, what=what), started_by=started_by) == why


@pytest.mark.parametrize(
    ("medium", "reach", "why"),
    [
        ("email", Reach(), ""),
        ("email", Reach(no_email=True), "The contact is not to be e-mailed."),
        ("email", Reach(has_address=False), "The contact has no e-mail address."),
        ("email", Reach(is_address_dead=True), "The contact’s e-mail address is marked as undeliverable."),
        ("sms", Reach(is_number_dead=True), "The contact’s phone number is marked as undeliverable."),
        ("email", Reach(no_sms=True, has_number=False), ""),
        ("sms", Reach(), ""),
        ("sms", Reach(no_sms=True), "The contact is not to be texted."),
        ("sms", Reach(has_number=False), "The contact has no phone number."),
    ],
)
def test_why_a_medium_does_not_reach_them(medium: str, reach: Reach, why: str) -> None:
    assert why_unreachable(medium, reach) == why


def test_one_medium_that_reaches_them_is_enough() -> None:
    assert why_by_none(["email", "sms"], Reach(no_email=True)) == ""
    assert why_by_none([], Reach(no_email=True, no_sms=True)) == ""
    assert why_by_none(["email", "sms"], Reach(no_email=True, has_number=False)) == (
        "The contact is not to be e-mailed. The contact has no phone number."
    )
