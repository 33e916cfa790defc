"""The sync policy: option × toggles → what may happen to an event that comes from Google.

The table is in the README. Pure: no clock, no database, no Django.
"""

from dataclasses import dataclass

ONE_WAY, TWO_WAY, SMART, DISABLE_TRIGGER = "one_way", "two_way", "smart", "disable_trigger"


@dataclass(frozen=True, slots=True)
class Policy:
    """What may happen: attach known contacts, create unknown ones, fire triggers, follow edits made in Google."""

    match: bool
    create: bool
    fire: bool
    edits: bool
    option: str = ONE_WAY
    # Two way and disable trigger draw an event without guests as an outline in the calendar's colour.
    outlines: bool = False
    # Why a permission of the option is withheld; "" when the option acts unrestricted.
    restriction: str = ""


OPTIONS = {
    ONE_WAY: Policy(match=False, create=False, fire=False, edits=False, option=ONE_WAY),
    TWO_WAY: Policy(match=True, create=True, fire=True, edits=True, option=TWO_WAY, outlines=True),
    SMART: Policy(match=True, create=False, fire=True, edits=True, option=SMART),
    DISABLE_TRIGGER: Policy(
        match=True, create=True, fire=False, edits=True, option=DISABLE_TRIGGER, outlines=True
    ),
}
NAMES = {ONE_WAY: "One way", TWO_WAY: "Two way", SMART: "Smart", DISABLE_TRIGGER: "Disable trigger"}


class CreationNeedsCalendar(ValueError):
    """Allow Contact Creation without a default calendar: the form refuses it."""


def for_unassigned(option: str) -> Policy:
    """The policy of an unassigned calendar's own link: the option is the whole of it."""
    return OPTIONS[option]


def for_user(option: str, *, has_default: bool, creation: bool, trigger: bool) -> Policy:
    """The policy of a user's configuration: option and toggles combined, the most restrictive wins.

    Raises CreationNeedsCalendar for creation without a default calendar.
    """
    if creation and not has_default:
        raise CreationNeedsCalendar("Choose a default calendar first: new contacts need one to be filed on.")
    allowed = OPTIONS[option]
    return Policy(
        match=allowed.match and has_default,
        create=allowed.create and has_default and creation,
        fire=allowed.fire and has_default and trigger,
        edits=allowed.edits,
        option=option,
        outlines=allowed.outlines and has_default,
        restriction=_restriction(allowed, has_default=has_default, creation=creation, trigger=trigger),
    )


def effective(
    option: str, *, has_default: bool, creation: bool, trigger: bool, is_unassigned: bool = False
) -> Policy:
    """Either of the two above, chosen by `is_unassigned`."""
    if is_unassigned:
        return for_unassigned(option)
    return for_user(option, has_default=has_default, creation=creation, trigger=trigger)


def _restriction(allowed: Policy, *, has_default: bool, creation: bool, trigger: bool) -> str:
    if allowed.match and not has_default:
        return "no default calendar is chosen"
    if allowed.create and not creation:
        return "Allow Contact Creation is off"
    if allowed.fire and not trigger:
        return "Allow Trigger is off"
    return ""
