"""The sync policy, cell by cell: its two tables."""

import datetime

import pytest

from calendars.sync import policy as policies
from calendars.sync.facts import Facts, Observed
from calendars.sync.guests import Guest
from calendars.sync.plan import plan

NOW = datetime.datetime(2026, 3, 2, 9, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
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


# The cause that is given in each column of TABLE: which switch, or the option itself. "-": none, it acts.
NO_DEFAULT, CREATION, TRIGGER = (
    "no default calendar is chosen",
    "Allow Contact Creation is off",
    "Allow Trigger is off",
)
ONE_WAY, SMART, SILENT = (
    "events from Google make no appointments",
    "only known contacts become appointments",
    "Disable trigger fires no triggers",
)
CAUSES = {
    ("one_way", "known"): [ONE_WAY, "", *[ONE_WAY] * 4],
    ("one_way", "unknown"): [ONE_WAY, "", *[ONE_WAY] * 4],
    ("two_way", "known"): [NO_DEFAULT, "", TRIGGER, "-", TRIGGER, "-"],
    ("two_way", "unknown"): [NO_DEFAULT, "", CREATION, CREATION, TRIGGER, "-"],
    ("smart", "known"): [NO_DEFAULT, "", TRIGGER, "-", TRIGGER, "-"],
    ("smart", "unknown"): [NO_DEFAULT, "", SMART, SMART, SMART, SMART],
    ("disable_trigger", "known"): [NO_DEFAULT, "", SILENT, SILENT, SILENT, SILENT],
    ("disable_trigger", "unknown"): [NO_DEFAULT, "", CREATION, CREATION, SILENT, SILENT],
}
ALL_CAUSES = {NO_DEFAULT, CREATION, TRIGGER, ONE_WAY, SMART, SILENT}


def caused_cells():
    for (option, guest), causes in CAUSES.items():
        for toggles, cause in zip(COLUMNS, causes, strict=True):
            if cause:
                yield pytest.param(option, guest, toggles, cause, id=f"{option}-{guest}-{toggles}")


@pytest.mark.parametrize(("option", "guest", "toggles", "cause"), list(caused_cells()))
def test_reason_names_the_cause_that_decided_and_no_other(option, guest, toggles, cause):
    default, creation, trigger = toggles
    policy = policies.for_user(option, has_default=default, creation=creation, trigger=trigger)
    facts = Facts(now=NOW, policy=policy, policy_since=NOW - HOUR, guests=GUESTS[guest])
    reason = plan(EVENT, None, None, facts).reason
    assert {each for each in ALL_CAUSES if each in reason} == ({cause} - {"-"})
    assert ("Triggers fired." in reason) is (cause == "-")


@pytest.mark.parametrize("toggles", COLUMNS)
@pytest.mark.parametrize("option", policies.OPTIONS)
def test_each_permission_that_is_withheld_says_why_and_no_other_does(option, toggles):
    default, creation, trigger = toggles
    policy = policies.effective(
        option, has_default=default, creation=creation and default, trigger=trigger, is_unassigned=False
    )
    for given, why in [
        (policy.match, policy.why_no_match),
        (policy.create, policy.why_no_creation),
        (policy.fire, policy.why_silent),
    ]:
        assert bool(why) is not given


@pytest.mark.parametrize("option", policies.OPTIONS)
def test_reason_of_an_unassigned_calendar_names_the_option_alone(option):
    policy = policies.for_unassigned(option)
    for guests in GUESTS.values():
        facts = Facts(now=NOW, policy=policy, policy_since=NOW - HOUR, guests=guests)
        reason = plan(EVENT, None, None, facts).reason
        assert reason.startswith(policies.NAMES[option])
        assert not {NO_DEFAULT, CREATION, TRIGGER} & {each for each in ALL_CAUSES if each in reason}
