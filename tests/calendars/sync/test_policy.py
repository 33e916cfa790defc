"""The sync policy, cell by cell: its two tables."""

import datetime

import pytest

from calendars.sync import policy as policies
from calendars.sync.facts import Facts, Observed
from calendars.sync.guests import Guest
from calendars.sync.plan import plan

NOW = datetime.datetime(2026, 3, 2, 9, tzinfo=datetime.UTC)
TOMORROW = NOW + datetime.timedelta(days=1)
EVENT = Observed(
    starts_at=TOMORROW,
    ends_at=TOMORROW + datetime.timedelta(hours=1),
    created_at=NOW - datetime.timedelta(minutes=1),
)
KNOWN, UNKNOWN, NONE = (Guest("ann@x.org", contact=7),), (Guest("new@x.org"),), ()
GUESTS = {"known": KNOWN, "unknown": UNKNOWN, "none": NONE}
# Columns: default calendar, Allow Contact Creation, Allow Trigger.
COLUMNS = [
    (False, False, False),
    (False, True, False),
    (True, False, False),
    (True, False, True),
    (True, True, False),
    (True, True, True),
]
TABLE = """
one_way          known    B INV B B   B B
one_way          unknown  B INV B B   B B
one_way          none     B INV B B   B B
two_way          known    B INV A A+T A A+T
two_way          unknown  B INV B B   N N+T
two_way          none     B INV B B   B B
smart            known    B INV A A+T A A+T
smart            unknown  B INV B B   B B
smart            none     B INV B B   B B
disable_trigger  known    B INV A A   A A
disable_trigger  unknown  B INV B B   N N
disable_trigger  none     B INV B B   B B
"""
UNASSIGNED = """
one_way          known B     unknown B    none B
two_way          known A+T   unknown N+T  none B
smart            known A+T   unknown B    none B
disable_trigger  known A     unknown N    none B
"""


def user_cells():
    for line in TABLE.strip().splitlines():
        option, guest, *cells = line.split()
        for toggles, cell in zip(COLUMNS, cells, strict=True):
            yield pytest.param(option, guest, toggles, cell, id=f"{option}-{guest}-{toggles}-{cell}")


def unassigned_cells():
    for line in UNASSIGNED.strip().splitlines():
        option, *pairs = line.split()
        for guest, cell in zip(pairs[::2], pairs[1::2], strict=True):
            yield pytest.param(option, guest, cell, id=f"{option}-{guest}-{cell}")


def outcome(policy, guests):
    """The cell's letters for what the planner does with an upcoming event."""
    facts = Facts(now=NOW, policy=policy, policy_since=NOW - datetime.timedelta(hours=1), guests=guests)
    made = plan(EVENT, None, None, facts)
    assert made.blocks, "every cell: the time is blocked if the event is busy"
    if made.book is None:
        assert made.outcome == "block"
        assert not made.fires
        return "B"
    assert made.outcome == "appointment"
    letter = "A" if made.book.guests[0].contact else "N"
    return f"{letter}+T" if made.book.fires else letter


@pytest.mark.parametrize(("option", "guest", "toggles", "cell"), list(user_cells()))
def test_table_of_a_users_configuration(option, guest, toggles, cell):
    default, creation, trigger = toggles
    if cell == "INV":
        with pytest.raises(policies.CreationNeedsCalendar, match="default calendar"):
            policies.for_user(option, has_default=default, creation=creation, trigger=trigger)
        return
    policy = policies.for_user(option, has_default=default, creation=creation, trigger=trigger)
    assert outcome(policy, GUESTS[guest]) == cell


@pytest.mark.parametrize(("option", "guest", "cell"), list(unassigned_cells()))
def test_table_of_an_unassigned_calendar(option, guest, cell):
    assert outcome(policies.for_unassigned(option), GUESTS[guest]) == cell


@pytest.mark.parametrize("option", policies.OPTIONS)
def test_edits_are_the_options_alone_whatever_the_toggles(option):
    for default, creation, trigger in COLUMNS:
        if creation and not default:
            continue
        policy = policies.for_user(option, has_default=default, creation=creation, trigger=trigger)
        assert policy.edits is (option != "one_way")


@pytest.mark.parametrize(
    ("option", "is_outlined"),
    [("one_way", False), ("two_way", True), ("smart", False), ("disable_trigger", True)],
)
def test_event_without_guests_is_outlined_under_two_way_and_disable_trigger(option, is_outlined):
    policy = policies.for_user(option, has_default=True, creation=False, trigger=False)
    facts = Facts(now=NOW, policy=policy, policy_since=NOW, calendar_colour="#2f6fde")
    made = plan(EVENT, None, None, facts)
    assert (made.outline, made.colour) == ((True, "#2f6fde") if is_outlined else (False, "grey"))


def test_restriction_says_why_the_option_is_held_back():
    assert (
        "default calendar"
        in policies.for_user("two_way", has_default=False, creation=False, trigger=True).restriction
    )
    assert (
        "Contact Creation"
        in policies.for_user("two_way", has_default=True, creation=False, trigger=True).restriction
    )
    assert (
        "Allow Trigger"
        in policies.for_user("smart", has_default=True, creation=False, trigger=False).restriction
    )
